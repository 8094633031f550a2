//! To cancel, and to let it go on after all.

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_stripe::object::Subscription;

use super::overview::Waiting;
use super::{Billing, BillingError};
use crate::stripe_api::Trouble;

/// When a subscription ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// At once; nothing is given back.
    Now,
    /// When what was paid for is over.
    PeriodEnd,
}

impl Billing {
    /// Cancels the user's subscription.
    ///
    /// # Errors
    /// There is none, or Stripe did not do it.
    pub async fn cancel(&self, user_id: &str, end: End) -> Result<(), BillingError> {
        let _turn = self.turns.take(user_id).await;
        let subscription = self.live_subscription(user_id).await?;
        self.release(&subscription).await?;
        match end {
            End::Now => {
                let path = path(&subscription);
                let asked_ms = self.clock.now_ms();
                let ended = self.stripe.delete(&path, &self.new_key("cancel", user_id)).await?;
                self.take_in(&ended.object, ended.seen_at, asked_ms).await
            }
            End::PeriodEnd => {
                let params = json!({ "cancel_at_period_end": true });
                self.edit(&subscription, &params, user_id).await
            }
        }
    }

    /// Takes back what waits to change, or only what is of one kind: a change that waits for its
    /// payment is dropped with its invoice, one that waits for the period's end with its schedule,
    /// and a cancellation is withdrawn. Where nothing waits, nothing is done.
    ///
    /// # Errors
    /// There is no subscription that goes on, the change was paid meanwhile, or Stripe did not do it.
    pub async fn resume(&self, user_id: &str, only: Option<Waiting>) -> Result<(), BillingError> {
        let _turn = self.turns.take(user_id).await;
        let subscription = self.live_subscription(user_id).await?;
        if only.is_none_or(|it| it == Waiting::Payment) {
            self.drop_update(&subscription).await?;
        }
        if only != Some(Waiting::Payment) {
            self.release(&subscription).await?;
        }
        let ends = only.is_none_or(|it| it == Waiting::Cancellation);
        let params = match (subscription.cancel_at_period_end, subscription.cancel_at) {
            (true, _) if ends => json!({ "cancel_at_period_end": false }),
            (false, Some(_)) if ends => json!({ "cancel_at": Value::Null }),
            _ => return self.observe(&path(&subscription), &json!({})).await.map(drop),
        };
        self.edit(&subscription, &params, user_id).await
    }

    /// Drops a change that waits for its payment: Stripe discards it when its invoice is voided
    /// (docs.stripe.com/billing/subscriptions/pending-updates, November 2026).
    async fn drop_update(&self, subscription: &Subscription) -> Result<(), BillingError> {
        let (true, Some(id)) = (subscription.pending_update, &subscription.latest_invoice) else {
            return Ok(());
        };
        let path = format!("/v1/invoices/{id}");
        let invoice = self.observe(&path, &json!({})).await?;
        match (invoice.text("status"), invoice.text("billing_reason")) {
            (Some("paid"), _) => return Err(BillingError::AlreadyPaid),
            (Some("open" | "uncollectible"), Some("subscription_update")) => {}
            // Any other invoice is owed for something else.
            _ => return Ok(()),
        }
        let void = format!("{path}/void");
        match self.change(&void, &json!({}), &format!("tollgate-void-{id}")).await {
            Err(BillingError::Stripe(error)) if error.trouble == Trouble::Invalid => {
                let status = self.observe(&path, &json!({})).await?;
                match status.text("status") {
                    Some("paid") => Err(BillingError::AlreadyPaid),
                    Some("void") => Ok(()),
                    _ => Err(error.into()),
                }
            }
            done => done.map(drop),
        }
    }

    async fn edit(
        &self,
        subscription: &Subscription,
        params: &Value,
        user_id: &str,
    ) -> Result<(), BillingError> {
        let key = self.new_key("edit", user_id);
        self.change(&path(subscription), params, &key).await.map(drop)
    }

    /// What was planned for the period's end is dropped; a subscription with a plan for its future
    /// cannot be changed otherwise.
    pub(super) async fn release(&self, subscription: &Subscription) -> Result<(), BillingError> {
        let Some(schedule) = &subscription.schedule else { return Ok(()) };
        let path = format!("/v1/subscription_schedules/{schedule}/release");
        self.stripe.post(&path, &json!({}), &format!("tollgate-release-{schedule}")).await?;
        Ok(())
    }
}

fn path(subscription: &Subscription) -> String {
    format!("/v1/subscriptions/{}", subscription.id)
}
