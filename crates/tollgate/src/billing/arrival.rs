//! The way back from Checkout. What was bought is read from Stripe and taken in before the browser
//! goes on, so that nobody who paid is told that they did not; the events that follow find it so.

use serde_json::json;
use tollgate_stripe::id;

use super::{Billing, BillingError, places};
use crate::stripe_api::{Answer, Trouble};

/// What a session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Paid, or nothing is to be paid yet.
    Paid,
    /// The money is on its way.
    Processing,
    /// It can still be paid.
    Open,
    /// It cannot be paid any more.
    Expired,
    /// Stripe does not say right now.
    Unseen,
}

/// What a browser that comes back is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// What the session came to.
    pub outcome: Outcome,
    /// Where the browser goes on to.
    pub url: String,
    /// Somebody chose that place; else a page of ours may tell what happened.
    pub is_chosen: bool,
    /// Whose session it is.
    pub user_id: Option<String>,
    /// How people read the plan that it is about.
    pub title: Option<String>,
    /// Where an open session goes on.
    pub resume_url: Option<String>,
}

impl Billing {
    /// Takes in what a session came to; returns where its browser goes on to.
    ///
    /// # Errors
    /// There is no such session, or its state could not be learned or kept and nothing is known.
    pub async fn land(&self, session_id: &str) -> Result<Landing, BillingError> {
        check(session_id)?;
        let path = format!("/v1/checkout/sessions/{session_id}");
        let params = json!({ "expand": ["line_items"] });
        let session = match self.stripe.get(&path, &params).await {
            Ok(session) => session,
            Err(error) if error.trouble == Trouble::Missing => {
                return Err(BillingError::Unknown("There is no such Checkout session."));
            }
            Err(error) => {
                let request_id = error.request_id.as_deref();
                tracing::error!(error = %error, request_id, session_id, "A return was not looked at");
                return Ok(self.land_blind(session_id));
            }
        };
        let outcome = outcome(&session);
        if matches!(outcome, Outcome::Open | Outcome::Expired) {
            return Ok(self.left(&session, session_id, outcome));
        }
        if let Err(error) = self.arrive(&session).await {
            // The events will tell; the customer is not to blame and is not stopped.
            tracing::error!(error = %error, session_id, "A paid session was not taken in");
        }
        let (url, is_chosen) = self.goal(&session, session_id);
        Ok(Landing { url, is_chosen, ..self.left(&session, session_id, outcome) })
    }

    /// Returns where a session's browser goes on to without asking Stripe: too many ask already.
    ///
    /// # Errors
    /// It is the id of no session.
    pub fn land_unasked(&self, session_id: &str) -> Result<Landing, BillingError> {
        check(session_id)?;
        tracing::debug!(session_id, "A return was not looked at: too many came");
        Ok(self.land_blind(session_id))
    }

    /// Where somebody goes on to who did not pay.
    fn left(&self, session: &Answer, session_id: &str, outcome: Outcome) -> Landing {
        let (metadata, asked_for) = (&session.object["metadata"], self.asked_for(session));
        let plan = metadata["plan"].as_str();
        let plan = self.rulebook.plans.iter().find(|it| Some(it.name.as_str()) == plan);
        Landing {
            outcome,
            url: places::turned_back(&self.selling, asked_for.as_deref(), Some(session_id)),
            is_chosen: self.selling.cancel_is_set || asked_for.is_some(),
            user_id: metadata["user_id"].as_str().map(str::to_owned),
            title: plan.map(|it| it.title.clone()),
            resume_url: session.text("url").map(str::to_owned),
        }
    }

    /// Nothing is known of it right now: the customer goes on, and the events will tell.
    fn land_blind(&self, session_id: &str) -> Landing {
        Landing {
            outcome: Outcome::Unseen,
            url: places::fill(&self.selling, &self.selling.success_url, Some(session_id)),
            is_chosen: self.selling.success_is_set,
            user_id: None,
            title: None,
            resume_url: None,
        }
    }

    /// Takes in a session, its subscription and its customer.
    pub(super) async fn arrive(&self, session: &Answer) -> Result<(), BillingError> {
        let asked_ms = self.clock.now_ms();
        let of = |field: &str, path: &str| {
            let it = &session.object[field];
            let id = it.as_str().or_else(|| it["id"].as_str());
            id.map(|it| format!("{path}/{it}"))
        };
        let subscription = of("subscription", "/v1/subscriptions");
        let customer = of("customer", "/v1/customers");
        let (first, second, third) = tokio::join!(
            self.take_in(&session.object, session.seen_at, asked_ms),
            self.observe_if(subscription),
            self.observe_if(customer),
        );
        first.and(second).and(third)
    }

    async fn observe_if(&self, path: Option<String>) -> Result<(), BillingError> {
        match path {
            Some(path) => self.observe(&path, &json!({})).await.map(drop),
            None => Ok(()),
        }
    }

    /// Where the browser goes on to, and whether somebody chose that: the place that was asked for,
    /// if it is still allowed.
    fn goal(&self, session: &Answer, session_id: &str) -> (String, bool) {
        let asked_for = self.asked_for(session);
        let is_chosen = asked_for.is_some() || self.selling.success_is_set;
        let template = asked_for.unwrap_or_else(|| self.selling.success_url.clone());
        (places::fill(&self.selling, &template, Some(session_id)), is_chosen)
    }

    /// Where the app wants its customer back, if that is still allowed.
    fn asked_for(&self, session: &Answer) -> Option<String> {
        let asked_for = session.object["metadata"]["return_to"].as_str();
        asked_for.and_then(|it| places::allowed(&self.selling, it).ok())
    }
}

fn check(session_id: &str) -> Result<(), BillingError> {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let is_one = session_id.starts_with("cs_") && session_id.chars().all(plain);
    match is_one && id::check(session_id).is_ok() {
        true => Ok(()),
        false => {
            let message = "session_id must be the id of a Checkout session.";
            Err(BillingError::invalid("session_id", message))
        }
    }
}

fn outcome(session: &Answer) -> Outcome {
    let paid = matches!(session.text("payment_status"), Some("paid" | "no_payment_required"));
    match session.text("status") {
        Some("complete") if paid => Outcome::Paid,
        Some("complete") => Outcome::Processing,
        Some("open") => Outcome::Open,
        _ => Outcome::Expired,
    }
}
