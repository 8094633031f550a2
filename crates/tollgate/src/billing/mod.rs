//! What takes the money: Checkout, the way back from it, and the portal. Stripe decides what is
//! owed; what it answers enters by the one door, as an event does. Nothing here is remembered but
//! in the database, and no transaction is open while Stripe is asked.
//!
//! - this file: what all of it shares;
//! - [`prices`]: from a plan and a period to a price; [`offers`]: what all of them cost;
//! - [`account`]: what a user has, as they see it;
//! - [`customer`]: one customer for one user;
//! - [`checkout`]: a visit to Checkout; [`visit`]: one open visit at a time;
//! - [`guest`]: a visit of somebody whom the app does not know yet;
//! - [`arrival`]: the way back from it;
//! - [`overview`]: what is paid for and what waits to change;
//! - [`change`]: another plan, shown before it is done; [`phases`]: what that is when the period ends;
//! - [`ending`]: to cancel, and to go on;
//! - [`discounts`]: coupons and the codes that customers type;
//! - [`refresh`]: what Stripe has to be asked again; [`whole`]: its lists to their end;
//! - [`portal`]: the customer's own page at Stripe;
//! - [`refresh`]: asking once more for an object;
//! - [`places`]: where people may be sent back to;
//! - [`turns`]: one at a time for each user; [`seal`]: what callers keep for us.

pub mod account;
pub mod arrival;
pub mod change;
pub mod checkout;
mod customer;
pub mod discounts;
pub mod ending;
mod guest;
pub mod offers;
pub mod overview;
mod phases;
mod places;
pub mod portal;
mod prices;
pub mod refresh;
pub(crate) mod seal;
mod turns;
mod visit;
mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_stripe::event::EventError;

use crate::clock::Clock;
use crate::config::{Config, Trial};
use crate::receive::{Input, Purpose, Receiver, SubmitError};
use crate::rules::policy::Rulebook;
use crate::store::{Db, StoreError};
use crate::stripe_api::{Answer, Patience, Stripe, StripeError, Trouble};
use crate::webhook::{self, Incoming};

/// Why nothing was sold.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// Something has a value that is not allowed.
    #[error("{message}")]
    Invalid {
        /// What it is that has the value.
        field: &'static str,
        /// A sentence that says what is allowed.
        message: String,
        /// What would have been right, where that can be listed.
        allowed: Vec<String>,
    },
    /// The caller may not ask for this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The user has it already.
    #[error("{message}")]
    AlreadySubscribed {
        /// A sentence.
        message: &'static str,
        /// Where it can be changed.
        portal_url: Option<String>,
    },
    /// A change would come to something else by now than was shown.
    #[error("This would come to something else by now; look at the new preview.")]
    PreviewChanged(Box<change::Preview>),
    /// A change waits for its payment; the old plan stays until then.
    #[error("The payment did not go through; the plan stays as it was until it is paid.")]
    PaymentNeeded {
        /// Where it can be paid or confirmed.
        pay_url: Option<String>,
        /// The bank wants the customer to confirm it; else it was declined.
        to_confirm: bool,
    },
    /// What was to be taken back was paid meanwhile.
    #[error("It was paid meanwhile, so the change is made and cannot be taken back.")]
    AlreadyPaid,
    /// There is nothing like that at Stripe.
    #[error("{0}")]
    Unknown(&'static str),
    /// Something has to be configured first.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// Stripe did not do it.
    #[error(transparent)]
    Stripe(#[from] StripeError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What Stripe said was not taken in.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl BillingError {
    fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into(), allowed: Vec::new() }
    }
}

/// Sells.
pub struct Billing {
    db: Db,
    stripe: Stripe,
    receiver: Receiver,
    rulebook: Arc<Rulebook>,
    clock: Clock,
    selling: crate::config::Selling,
    publishable_key: Option<String>,
    prices: prices::Known,
    portals: portal::Known,
    turns: turns::Turns,
    seal: seal::Seal,
    /// Keys made so far: no two are the same.
    keys: AtomicU64,
}

impl Billing {
    /// Brings together what is needed; `None` without a key of Stripe's.
    pub fn new(config: &Config, db: &Db, receiver: &Receiver, clock: &Clock) -> Option<Self> {
        Self::with(config, Patience::default(), db, receiver, clock)
    }

    /// As [`Billing::new`], with other limits for the calls of Stripe's API.
    pub fn with(
        config: &Config,
        patience: Patience,
        db: &Db,
        receiver: &Receiver,
        clock: &Clock,
    ) -> Option<Self> {
        Some(Self {
            stripe: Stripe::with(config, patience)?,
            db: db.clone(),
            receiver: receiver.clone(),
            rulebook: Arc::new(config.rulebook.clone()),
            clock: clock.clone(),
            selling: config.selling.clone(),
            publishable_key: config.publishable_key.clone(),
            prices: prices::Known::default(),
            portals: portal::Known::default(),
            turns: turns::Turns::default(),
            seal: seal::Seal::new(config.stripe_key.as_ref()?, "preview"),
            keys: AtomicU64::new(0),
        })
    }

    fn trial_of(&self, plan: &str) -> Option<Trial> {
        self.selling.trials.get(plan).copied()
    }

    /// Reads an object and takes in what it is.
    async fn observe(&self, path: &str, params: &Value) -> Result<Answer, BillingError> {
        let asked_ms = self.clock.now_ms();
        let answer = self.stripe.get(path, params).await?;
        self.take_in(&answer.object, answer.seen_at, asked_ms).await?;
        Ok(answer)
    }

    /// Changes something at Stripe and takes in what came of it.
    async fn change(&self, path: &str, params: &Value, key: &str) -> Result<Answer, BillingError> {
        let asked_ms = self.clock.now_ms();
        let answer = self.stripe.post(path, params, key).await?;
        if answer.replayed {
            self.look_again(&answer).await?;
        } else {
            self.take_in(&answer.object, answer.seen_at, asked_ms).await?;
        }
        Ok(answer)
    }

    /// Takes in what an object is now of which Stripe only remembers what it was.
    async fn look_again(&self, remembered: &Answer) -> Result<(), BillingError> {
        let list = match remembered.text("object") {
            Some("customer") => "customers",
            Some("subscription") => "subscriptions",
            Some("invoice") => "invoices",
            Some("promotion_code") => "promotion_codes",
            // Of anything else the events tell enough.
            _ => return Ok(()),
        };
        let path = format!("/v1/{list}/{}", remembered.need("id")?);
        match self.observe(&path, &json!({})).await {
            // It is gone since.
            Err(BillingError::Stripe(it)) if it.trouble == Trouble::Missing => Ok(()),
            done => done.map(drop),
        }
    }

    /// Takes in an object of one's own that Stripe was asked for.
    async fn take_in(
        &self,
        object: &Value,
        seen_at: i64,
        asked_ms: i64,
    ) -> Result<(), BillingError> {
        self.submit(webhook::fetched(object, seen_at, asked_ms, None)).await
    }

    /// The one door, for what Stripe was asked for.
    async fn submit(
        &self,
        fetched: Result<(Incoming, Vec<u8>), EventError>,
    ) -> Result<(), BillingError> {
        let (incoming, body) = fetched.map_err(|it| StripeError::not_an_object(&it.to_string()))?;
        self.receiver.submit(Input::event(incoming, &body, Purpose::Delivery)).await?;
        Ok(())
    }

    /// Returns a key under which Stripe is asked for this once: nobody else makes the same.
    fn new_key(&self, what: &str, user_id: &str) -> String {
        let count = self.keys.fetch_add(1, Ordering::Relaxed);
        let seed = json!([what, user_id, self.clock.now_ms(), std::process::id(), count]);
        let digest = Sha256::digest(seed.to_string().as_bytes());
        let digest: String = digest.iter().take(16).map(|it| format!("{it:02x}")).collect();
        format!("tollgate-{what}-{digest}")
    }
}
