//! To cancel, and to let it go on after all.

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_stripe::object::Subscription;

use super::{Billing, BillingError};

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
        let (_, subscription) = self.live_subscription(user_id).await?;
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

    /// Takes back a cancellation, and a change that waits for the period's end.
    ///
    /// # Errors
    /// There is no subscription that goes on, or Stripe did not do it.
    pub async fn resume(&self, user_id: &str) -> Result<(), BillingError> {
        let _turn = self.turns.take(user_id).await;
        let (_, subscription) = self.live_subscription(user_id).await?;
        self.release(&subscription).await?;
        let params = match (subscription.cancel_at_period_end, subscription.cancel_at) {
            (true, _) => json!({ "cancel_at_period_end": false }),
            (false, Some(_)) => json!({ "cancel_at": Value::Null }),
            (false, None) => {
                self.observe(&path(&subscription), &json!({})).await?;
                return Ok(());
            }
        };
        self.edit(&subscription, &params, user_id).await
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
    async fn release(&self, subscription: &Subscription) -> Result<(), BillingError> {
        let Some(schedule) = &subscription.schedule else { return Ok(()) };
        let path = format!("/v1/subscription_schedules/{schedule}/release");
        self.stripe.post(&path, &json!({}), &format!("tollgate-release-{schedule}")).await?;
        Ok(())
    }
}

fn path(subscription: &Subscription) -> String {
    format!("/v1/subscriptions/{}", subscription.id)
}
