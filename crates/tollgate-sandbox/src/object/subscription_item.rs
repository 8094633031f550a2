//! An item of a subscription: a price and how many of it. It lives inside its subscription.

use serde::Serialize;

use super::price::{Plan, Price};
use super::{Empty, Id, Metadata, Null};
use crate::money::proration::Debit;

/// <https://docs.stripe.com/api/subscription_items/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionItem {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) billing_thresholds: Null,
    pub(crate) created: i64,
    pub(crate) current_period_end: i64,
    pub(crate) current_period_start: i64,
    pub(crate) current_trial: Null,
    pub(crate) discounts: Vec<Id>,
    pub(crate) metadata: Metadata,
    pub(crate) plan: Plan,
    pub(crate) price: Price,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<i64>,
    pub(crate) subscription: Id,
    pub(crate) tax_rates: Empty,
    /// What was billed for it and reaches past now, for credits in flexible billing.
    #[serde(skip)]
    pub(crate) debits: Vec<Debit>,
}

impl SubscriptionItem {
    /// Returns how many there are; a metered price has none.
    pub(crate) fn count(&self) -> i64 {
        self.quantity.unwrap_or(1)
    }

    /// Puts another price in the item's place.
    pub(crate) fn set_price(&mut self, price: Price) {
        self.plan = Plan(price.clone());
        self.price = price;
    }
}
