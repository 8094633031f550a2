//! One customer of Stripe's for one user, whoever asks at once and whatever breaks in between. What
//! is to be made is noted first, with the key under which Stripe is asked: asking again, from
//! anywhere, makes the same customer.

use serde_json::{Value, json};

use super::{Billing, BillingError};
use crate::receive::is_customer;
use crate::store::intent::{self, Intent, Purpose};
use crate::store::{self, StoreError};
use crate::stripe_api::{StripeError, Trouble};
use tollgate_stripe::object::Object;

/// How long Stripe surely remembers a key, in milliseconds; it says 24 hours.
pub(super) const KEY_LIVES_MS: i64 = 23 * 3_600_000;
/// How often another's intent is followed before it is given up.
const TRIES_MAX: usize = 3;
/// How many customers of one user are asked about; more than one is a mistake already.
const CUSTOMERS_MAX: usize = 5;

/// The address that a caller gives for a new customer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Address<'a> {
    pub(super) email: Option<&'a str>,
    /// The app itself gives it, so it goes before the one that the app told earlier.
    pub(super) by_app: bool,
}

impl Billing {
    /// Returns the user's customer, if there is one that is not gone.
    pub(super) async fn known_customer(&self, user_id: &str) -> Result<Option<String>, StoreError> {
        Ok(self.known_customers(user_id).await?.into_iter().next())
    }

    /// Returns all customers of the user that are not gone; the first is whom we sell to. Those of
    /// an account that does not count are not ours to sell to.
    pub(super) async fn known_customers(&self, user_id: &str) -> Result<Vec<String>, StoreError> {
        let counts = |account: Option<&str>| self.rulebook.counts(account);
        let parties = store::user::parties_of(&self.db, user_id, counts).await?;
        let ids: Vec<&str> = parties.iter().map(|it| it.owner_id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().filter(|it| is_customer(it)).collect();
        let objects = store::object::find_all(&self.db, &ids).await?;
        let is_gone = |id: &str| {
            objects.iter().any(|it| match &it.standing.object {
                Object::Customer(customer) => it.id == id && customer.deleted,
                _ => false,
            })
        };
        let mut here: Vec<String> = Vec::new();
        for id in ids.into_iter().filter(|it| !is_gone(it)) {
            if !here.iter().any(|it| it == id) {
                here.push(id.to_owned());
            }
        }
        here.truncate(CUSTOMERS_MAX);
        Ok(here)
    }

    /// Returns the user's customer; makes it where there is none. An address that Stripe refuses is
    /// the caller's to mend; one that was told earlier is left out.
    pub(super) async fn customer(
        &self,
        user_id: &str,
        address: Address<'_>,
    ) -> Result<String, BillingError> {
        if let Some(known) = self.known_customer(user_id).await? {
            return Ok(known);
        }
        let (mut instead_of, mut is_refused): (Option<String>, bool) = (None, false);
        for _ in 0..TRIES_MAX {
            let wanted = self.wanted_customer(user_id, address, is_refused).await?;
            let intent = intent::note(&self.db, &wanted, instead_of.as_deref()).await?;
            match self.customer_of(&intent).await {
                Ok(Some(id)) => return Ok(id),
                Ok(None) => {}
                Err(BillingError::Stripe(error)) if is_about_email(&error) => {
                    let refused = email_of(&intent);
                    if refused.is_some() && refused.as_deref() == address.email {
                        return Err(BillingError::invalid("email", error.message.clone()));
                    }
                    tracing::warn!(user_id, "Stripe refused the address that was told earlier");
                    is_refused = true;
                }
                Err(error) => return Err(error),
            }
            instead_of = Some(intent.key);
        }
        Err(StripeError::gave_up("the customer could not be made").into())
    }

    /// Returns the customer that an intent came to or comes to now; none where another one is to be
    /// made.
    async fn customer_of(&self, intent: &Intent) -> Result<Option<String>, BillingError> {
        if let Some(id) = &intent.object_id {
            // It was made, and is gone since: another one is made in its place.
            return Ok(if self.is_gone(id).await? { None } else { Some(id.clone()) });
        }
        let age_ms = self.clock.now_ms().saturating_sub(intent.noted_ms);
        let made = match age_ms < KEY_LIVES_MS {
            true => self.make_customer(intent).await?,
            false => None,
        };
        match made {
            Some(made) => Ok(Some(made)),
            None => self.search_customer(intent).await,
        }
    }

    async fn wanted_customer(
        &self,
        user_id: &str,
        address: Address<'_>,
        is_refused: bool,
    ) -> Result<Intent, StoreError> {
        let said = store::user::find(&self.db, user_id).await?.unwrap_or_default();
        let mut request = json!({ "metadata": { "user_id": user_id } });
        let (given, told) = (address.email.map(str::to_owned), said.email);
        let told = told.filter(|_| !is_refused);
        if let Some(email) = if address.by_app { given.or(told) } else { told.or(given) } {
            request["email"] = email.into();
        }
        if let Some(name) = said.name {
            request["name"] = name.into();
        }
        Ok(Intent {
            user_id: user_id.to_owned(),
            purpose: Purpose::Customer,
            request: request.to_string(),
            key: self.new_key("customer", user_id),
            object_id: None,
            noted_ms: self.clock.now_ms(),
        })
    }

    /// Makes the customer as it was noted; `None` if the key is of no more use.
    async fn make_customer(&self, intent: &Intent) -> Result<Option<String>, BillingError> {
        let request: Value = serde_json::from_str(&intent.request)
            .map_err(|it| StoreError::Corrupt { what: "intent", why: it.to_string() })?;
        match self.change("/v1/customers", &request, &intent.key).await {
            Ok(answer) => {
                let id = answer.need("id")?;
                intent::settle(&self.db, intent, id).await?;
                Ok(Some(id.to_owned()))
            }
            Err(BillingError::Stripe(error)) if error.is_definite() => {
                intent::forget(&self.db, intent).await?;
                Err(error.into())
            }
            Err(BillingError::Stripe(error)) if error.spends_the_key() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks for what may have been made under a key that is of no more use.
    async fn search_customer(&self, intent: &Intent) -> Result<Option<String>, BillingError> {
        let quoted = intent.user_id.replace('\\', "\\\\").replace('\'', "\\'");
        let query = json!({ "query": format!("metadata['user_id']:'{quoted}'"), "limit": 1 });
        let asked_ms = self.clock.now_ms();
        let found = self.stripe.get("/v1/customers/search", &query).await?;
        let customer = &found.object["data"][0];
        let Some(id) = customer["id"].as_str() else { return Ok(None) };
        self.take_in(customer, found.seen_at, asked_ms).await?;
        intent::settle(&self.db, intent, id).await?;
        Ok(Some(id.to_owned()))
    }

    async fn is_gone(&self, customer: &str) -> Result<bool, BillingError> {
        let path = format!("/v1/customers/{customer}");
        match self.observe(&path, &json!({})).await {
            Ok(answer) => Ok(answer.object["deleted"] == true),
            Err(BillingError::Stripe(it)) if it.trouble == Trouble::Missing => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn is_about_email(error: &StripeError) -> bool {
    error.trouble == Trouble::Invalid && error.param.as_deref() == Some("email")
}

fn email_of(intent: &Intent) -> Option<String> {
    let request: Value = serde_json::from_str(&intent.request).unwrap_or_default();
    request["email"].as_str().map(str::to_owned)
}
