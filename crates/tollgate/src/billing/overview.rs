//! A user's subscription as Stripe has it now: what is paid for, and what waits to change, with what
//! it takes to let it happen. [`super::ending`] undoes what waits.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_stripe::object::{Kind, Object, Subscription, SubscriptionItem};

use super::{Billing, BillingError};
use crate::answer::rfc3339;
use crate::stripe_api::{StripeError, Trouble};

/// What a user pays for again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The app's id of the user.
    pub user_id: String,
    /// The best of those that go on: the one that a change, a cancellation and a resumption are
    /// about. None where nothing goes on.
    pub subscription: Option<Current>,
    /// Those that go on beside it and are paid for too: usually a mistake.
    pub others: Vec<Current>,
}

/// A subscription that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Current {
    /// Stripe's id.
    pub id: String,
    /// Stripe's id of who pays.
    pub customer_id: Option<String>,
    /// What it is to.
    #[serde(flatten)]
    pub terms: Terms,
    /// Stripe's status.
    pub status: String,
    /// When its trial ends or ended, RFC 3339.
    pub trial_end: Option<String>,
    /// When what was paid for is over, RFC 3339.
    pub current_period_end: Option<String>,
    /// When it ends for good, RFC 3339.
    pub ends_at: Option<String>,
    /// What waits to change.
    pub pending: Option<Pending>,
}

/// What a subscription is to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// The plan's name.
    pub plan: Option<String>,
    /// The period's name; none where the plan does not name the price.
    pub period: Option<String>,
    /// How many; none where usage is metered.
    pub quantity: Option<i64>,
}

/// What waits to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pending {
    /// A change that is made once it is paid.
    Payment {
        /// What it changes to.
        #[serde(flatten)]
        to: Terms,
        /// When Stripe drops the change, RFC 3339.
        expires_at: Option<String>,
        /// What is to be paid, in minor units.
        amount_due: Option<i64>,
        /// Three lower-case letters.
        currency: Option<String>,
        /// Where it can be paid, or confirmed with the bank.
        pay_url: Option<String>,
    },
    /// A change that is made when the period ends.
    Scheduled {
        /// What it changes to.
        #[serde(flatten)]
        to: Terms,
        /// When, RFC 3339.
        effective_at: String,
    },
    /// The end.
    Cancellation {
        /// When, RFC 3339.
        ends_at: String,
    },
}

/// What kind of change waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// One that is made once it is paid.
    Payment,
    /// One that is made when the period ends.
    Scheduled,
    /// The end.
    Cancellation,
}

impl Billing {
    /// Asks Stripe what a user pays for and what waits to change.
    ///
    /// # Errors
    /// Stripe did not say.
    pub async fn overview(&self, user_id: &str) -> Result<Overview, BillingError> {
        let mut all = Vec::new();
        for it in self.live_subscriptions(user_id).await? {
            all.push(self.current(&it).await?);
        }
        let mut all = all.into_iter();
        let subscription = all.next();
        Ok(Overview { user_id: user_id.to_owned(), subscription, others: all.collect() })
    }

    async fn current(&self, it: &Subscription) -> Result<Current, BillingError> {
        Ok(Current {
            id: it.id.to_string(),
            customer_id: it.customer.as_ref().map(ToString::to_string),
            terms: self.terms(&it.items, it.metadata.plan.as_deref()),
            status: it.status.as_str().to_owned(),
            trial_end: it.trial_end.map(rfc3339),
            current_period_end: it.current_period_end.map(rfc3339),
            ends_at: it.ends_at().map(rfc3339),
            pending: self.pending(it).await?,
        })
    }

    fn terms(&self, items: &[SubscriptionItem], named: Option<&str>) -> Terms {
        let Some(plan) = self.rulebook.plan_of_items(items, named) else {
            let quantity = items.first().and_then(|it| it.quantity);
            return Terms { quantity, ..Terms::default() };
        };
        let period = |it: &SubscriptionItem| {
            let names = [it.price.as_ref().map(AsRef::as_ref), it.lookup_key.as_deref()];
            let is_its = |reference: &str| names.contains(&Some(reference));
            plan.prices.iter().find(|(_, it)| is_its(it)).map(|(period, _)| period.clone())
        };
        let priced = items.iter().find_map(|it| Some((it, period(it)?)));
        let item = priced.as_ref().map(|(it, _)| *it).or(items.first());
        Terms {
            plan: Some(plan.name.clone()),
            quantity: item.and_then(|it| it.quantity),
            period: priced.map(|(_, period)| period),
        }
    }

    /// What waits: first what somebody can pay for now.
    async fn pending(&self, it: &Subscription) -> Result<Option<Pending>, BillingError> {
        if it.pending_update
            && let Some(payment) = self.pending_payment(it).await?
        {
            return Ok(Some(payment));
        }
        match (it.ends_at(), &it.schedule) {
            (Some(at), _) => Ok(Some(Pending::Cancellation { ends_at: rfc3339(at) })),
            (None, Some(schedule)) => self.pending_phase(schedule).await,
            (None, None) => Ok(None),
        }
    }

    async fn pending_payment(&self, it: &Subscription) -> Result<Option<Pending>, BillingError> {
        let path = format!("/v1/subscriptions/{}", it.id);
        let subscription = self.observe(&path, &json!({})).await?.object;
        let update = &subscription["pending_update"];
        if update.is_null() {
            return Ok(None);
        }
        let invoice = match &it.latest_invoice {
            Some(id) => self.observe(&format!("/v1/invoices/{id}"), &json!({})).await?.object,
            None => Value::Null,
        };
        let text = |field: &str| invoice[field].as_str().map(str::to_owned);
        Ok(Some(Pending::Payment {
            to: self.terms_of(&update["subscription_items"])?,
            expires_at: update["expires_at"].as_i64().map(rfc3339),
            amount_due: invoice["amount_remaining"].as_i64(),
            currency: text("currency"),
            pay_url: text("hosted_invoice_url"),
        }))
    }

    /// What a schedule makes of its subscription next.
    async fn pending_phase(&self, schedule: &str) -> Result<Option<Pending>, BillingError> {
        let path = format!("/v1/subscription_schedules/{schedule}");
        let params = json!({ "expand": ["phases.items.price"] });
        let answer = match self.stripe.get(&path, &params).await {
            Err(error) if error.trouble == Trouble::Missing => return Ok(None),
            answer => answer?,
        };
        if !matches!(answer.text("status"), Some("active" | "not_started")) {
            return Ok(None);
        }
        let phases = answer.object["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
        let starts = |it: &&Value| it["start_date"].as_i64().filter(|at| *at > answer.seen_at);
        let next = phases.iter().filter_map(|it| Some((starts(&it)?, it)));
        if let Some((at, phase)) = next.min_by_key(|(at, _)| *at) {
            let to = self.terms_of(&phase["items"])?;
            return Ok(Some(Pending::Scheduled { to, effective_at: rfc3339(at) }));
        }
        let end = phases.last().and_then(|it| it["end_date"].as_i64());
        let ends = end.filter(|_| answer.object["end_behavior"] == "cancel");
        Ok(ends.map(|at| Pending::Cancellation { ends_at: rfc3339(at) }))
    }

    fn terms_of(&self, items: &Value) -> Result<Terms, BillingError> {
        let list = json!({ "object": "list", "data": items.as_array() });
        let text =
            json!({ "id": "sub_later", "object": "subscription", "items": list }).to_string();
        match Object::read(Kind::Subscription, &text) {
            Ok(Object::Subscription(it)) => Ok(self.terms(&it.items, None)),
            _ => Err(StripeError::not_an_object("its items are none").into()),
        }
    }
}
