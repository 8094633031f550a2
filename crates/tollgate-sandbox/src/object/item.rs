//! A line of a checkout session. It lives inside its session.

use serde::Serialize;

use super::price::Price;
use super::{Id, Metadata};
use crate::money::currency::Currency;

/// <https://docs.stripe.com/api/checkout/sessions/line_items>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) adjustable_quantity: Option<AdjustableQuantity>,
    pub(crate) amount_discount: i64,
    pub(crate) amount_subtotal: i64,
    pub(crate) amount_tax: i64,
    pub(crate) amount_total: i64,
    pub(crate) currency: Currency,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) price: Price,
    /// A metered price has none.
    pub(crate) quantity: Option<i64>,
}

/// The customer may change the quantity on the page.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct AdjustableQuantity {
    pub(crate) enabled: bool,
    pub(crate) maximum: Option<i64>,
    pub(crate) minimum: Option<i64>,
}

impl Item {
    /// Returns how many there are.
    pub(crate) fn count(&self) -> i64 {
        self.quantity.unwrap_or(0)
    }

    /// Says whether it comes again every period.
    pub(crate) fn is_recurring(&self) -> bool {
        self.price.recurring.is_some()
    }
}
