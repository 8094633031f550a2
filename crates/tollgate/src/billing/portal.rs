//! The customer's own page at Stripe: invoices, cards, changes and cancellation.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::{Billing, BillingError, places};
use crate::setup;

/// How long a configuration that was found counts, in seconds.
const FRESH_SECS: i64 = 300;

/// The portal's configuration, or that there is none, with the second in which that was found.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(i64, Option<String>)>>);

impl Known {
    fn find(&self, now: i64) -> Option<Option<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.as_ref().filter(|(at, _)| (0..FRESH_SECS).contains(&(now - at)));
        fresh.map(|(_, it)| it.clone())
    }

    fn keep(&self, now: i64, it: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, it));
    }
}

/// What the page is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// To cancel the subscription.
    Cancel,
    /// To change the subscription.
    Update,
    /// To change what is paid with.
    PaymentMethod,
}

impl Billing {
    /// Opens the portal for a user; returns its URL.
    ///
    /// # Errors
    /// The user has no customer, or no subscription that the flow could be about.
    pub async fn portal(
        &self,
        user_id: &str,
        flow: Option<Flow>,
        return_to: Option<&str>,
    ) -> Result<String, BillingError> {
        let return_url = match return_to {
            Some(it) => Some(places::allowed(&self.selling, it)?),
            None => None,
        };
        let return_url = return_url.unwrap_or_else(|| self.home());
        self.portal_leading_to(user_id, flow, return_url).await
    }

    async fn portal_leading_to(
        &self,
        user_id: &str,
        flow: Option<Flow>,
        return_url: String,
    ) -> Result<String, BillingError> {
        let Some(customer) = self.known_customer(user_id).await? else {
            let message = "This user has bought nothing yet, so there is no portal for them.";
            return Err(BillingError::invalid("user_id", message));
        };
        let flow = match flow {
            Some(flow) => Some(self.flow(&customer, flow).await?),
            None => None,
        };
        let mut params = json!({ "return_url": return_url });
        if let Some(flow) = flow {
            params["flow_data"] = flow;
        }
        self.open_portal(&customer, params).await
    }

    /// Opens the portal for a user who looks at our own page of their account, and leads back there.
    ///
    /// # Errors
    /// The user has no customer, or Stripe did not do it.
    pub async fn portal_from_account(
        &self,
        user_id: &str,
        flow: Option<Flow>,
    ) -> Result<String, BillingError> {
        let here = format!("{}/account", self.selling.public_url);
        self.portal_leading_to(user_id, flow, here).await
    }

    /// Opens the portal for a customer.
    pub(super) async fn portal_url(
        &self,
        customer: &str,
        return_url: Option<String>,
    ) -> Result<String, BillingError> {
        let return_url = return_url.unwrap_or_else(|| self.home());
        self.open_portal(customer, json!({ "return_url": return_url })).await
    }

    async fn open_portal(
        &self,
        customer: &str,
        mut params: serde_json::Value,
    ) -> Result<String, BillingError> {
        params["customer"] = customer.into();
        if let Some(ours) = self.portal_configuration().await? {
            params["configuration"] = ours.into();
        }
        let key = self.new_key("portal", customer);
        let session = self.stripe.post("/v1/billing_portal/sessions", &params, &key).await?;
        Ok(session.need("url")?.to_owned())
    }

    /// The configuration that `tollgate setup` made; else the account's default is used.
    async fn portal_configuration(&self) -> Result<Option<String>, BillingError> {
        let now = self.clock.now();
        if let Some(known) = self.portals.find(now) {
            return Ok(known);
        }
        let ours = setup::portal::ours(&self.stripe).await?;
        let ours = ours.and_then(|it| it["id"].as_str().map(str::to_owned));
        self.portals.keep(now, ours.clone());
        Ok(ours)
    }

    fn home(&self) -> String {
        places::fill(&self.selling, "{origin}/", None)
    }

    async fn flow(&self, customer: &str, flow: Flow) -> Result<serde_json::Value, BillingError> {
        let (kind, needs) = match flow {
            Flow::PaymentMethod => return Ok(json!({ "type": "payment_method_update" })),
            Flow::Cancel => ("subscription_cancel", "cancel"),
            Flow::Update => ("subscription_update", "change"),
        };
        let subscriptions = self.subscriptions_of(customer).await?;
        let Some(live) = subscriptions.iter().find(|it| self.is_live(it)) else {
            let message = format!("There is no subscription to {needs}.");
            return Err(BillingError::invalid("flow", message));
        };
        Ok(json!({ "type": kind, kind: { "subscription": live.id.as_str() } }))
    }
}
