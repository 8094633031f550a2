//! One open visit to Checkout for one user: asking for the same again finds the same, asking for
//! another closes the one before, so that no two can both be paid.

use serde_json::{Value, json};

use super::customer::KEY_LIVES_MS;
use super::{Billing, BillingError};
use crate::store::StoreError;
use crate::store::intent::{self, Intent, Purpose};
use crate::stripe_api::{Answer, StripeError, Trouble};

/// A visit that closes sooner than this, in seconds, is not shown again.
const LEFT_SECS_MIN: i64 = 600;

/// What became of asking for a visit.
pub(super) enum Visit {
    /// It is open.
    Open(Answer),
    /// Something else happened meanwhile: everything is to be looked at anew.
    Changed,
}

/// The visit that was asked for last.
pub(super) struct Held {
    intent: Intent,
    /// As Stripe has it now; none where nothing came of it.
    session: Option<Answer>,
}

impl Held {
    /// The visit, while it is open.
    fn open(&self) -> Option<(&Intent, &Answer)> {
        let session = self.session.as_ref().filter(|it| it.object["status"] == "open")?;
        Some((&self.intent, session))
    }
}

impl Billing {
    /// Finds the visit that was asked for last; one that was paid is taken in.
    pub(super) async fn held_visit(&self, user_id: &str) -> Result<Option<Held>, BillingError> {
        let Some(intent) = intent::find(&self.db, user_id, Purpose::Checkout).await? else {
            return Ok(None);
        };
        let id = match intent.object_id.clone() {
            Some(id) => Some(id),
            None if self.is_young(&intent) => self.make_visit(&intent).await?,
            None => None,
        };
        let session = match id {
            Some(id) => self.session(&id).await?,
            None => None,
        };
        if let Some(session) = session.as_ref().filter(|it| it.object["status"] == "complete") {
            self.arrive(session).await?;
        }
        Ok(Some(Held { intent, session }))
    }

    /// Opens a visit, or finds it open.
    pub(super) async fn visit(
        &self,
        user_id: &str,
        held: Option<Held>,
        params: &Value,
    ) -> Result<Visit, BillingError> {
        let request = params.to_string();
        if let Some((intent, session)) = held.as_ref().and_then(Held::open) {
            let left = session.object["expires_at"].as_i64().unwrap_or(0) - session.seen_at;
            if intent.request == request && left > LEFT_SECS_MIN {
                return Ok(Visit::Open(session.clone()));
            }
            if !self.close(session).await? {
                return Ok(Visit::Changed);
            }
        }
        let wanted = Intent {
            user_id: user_id.to_owned(),
            purpose: Purpose::Checkout,
            request,
            key: self.new_key("checkout", user_id),
            object_id: None,
            noted_ms: self.clock.now_ms(),
        };
        let instead_of = held.as_ref().map(|it| it.intent.key.as_str());
        let intent = intent::note(&self.db, &wanted, instead_of).await?;
        if intent.key != wanted.key {
            return Ok(Visit::Changed);
        }
        let Some(id) = self.make_visit(&intent).await? else { return Ok(Visit::Changed) };
        Ok(self.session(&id).await?.map_or(Visit::Changed, Visit::Open))
    }

    fn is_young(&self, intent: &Intent) -> bool {
        self.clock.now_ms().saturating_sub(intent.noted_ms) < KEY_LIVES_MS
    }

    /// Makes the visit as it was noted; `None` if the key is of no more use.
    async fn make_visit(&self, intent: &Intent) -> Result<Option<String>, BillingError> {
        let request: Value = serde_json::from_str(&intent.request)
            .map_err(|it| StoreError::Corrupt { what: "intent", why: it.to_string() })?;
        match self.stripe.post("/v1/checkout/sessions", &request, &intent.key).await {
            Ok(session) => {
                let id = session.need("id")?;
                intent::settle(&self.db, intent, id).await?;
                Ok(Some(id.to_owned()))
            }
            Err(error) if error.is_definite() => {
                intent::forget(&self.db, intent).await?;
                Err(error.into())
            }
            Err(error) if error.spends_the_key() => {
                intent::forget(&self.db, intent).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn session(&self, id: &str) -> Result<Option<Answer>, StripeError> {
        let params = json!({ "expand": ["line_items"] });
        match self.stripe.get(&format!("/v1/checkout/sessions/{id}"), &params).await {
            Ok(session) => Ok(Some(session)),
            Err(error) if error.trouble == Trouble::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Closes a visit; `false` if it is not open any more.
    async fn close(&self, session: &Answer) -> Result<bool, BillingError> {
        let id = session.need("id")?;
        let path = format!("/v1/checkout/sessions/{id}/expire");
        match self.stripe.post(&path, &json!({}), &format!("tollgate-expire-{id}")).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.trouble, Trouble::Invalid | Trouble::Missing) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
