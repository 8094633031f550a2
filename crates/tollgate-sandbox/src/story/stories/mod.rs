//! The stories themselves, by group. `life` holds what they share: a customer, the subscription,
//! its invoices and how they are paid.

pub(super) mod disputes;
pub(super) mod endings;
pub(super) mod failures;
pub(super) mod invoices;
pub(super) mod life;
pub(super) mod money_back;
pub(super) mod orders;
pub(super) mod plan_changes;
pub(super) mod shop;
pub(super) mod subscribing;
pub(super) mod thin;
pub(super) mod trials;
