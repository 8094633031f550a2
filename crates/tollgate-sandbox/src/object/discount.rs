//! A discount: a coupon redeemed by a customer, for all they buy, a subscription or an invoice.

use std::sync::Arc;

use serde::Serialize;

use super::coupon::Coupon;
use super::{Id, Null, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/discounts/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Discount {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) checkout_session: Option<Id>,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    /// When it ends, in Unix seconds, if time ends it.
    pub(crate) end: Option<i64>,
    pub(crate) invoice: Option<Id>,
    pub(crate) invoice_item: Option<Id>,
    pub(crate) promotion_code: Option<Id>,
    pub(crate) source: Source,
    pub(crate) start: i64,
    pub(crate) subscription: Option<Id>,
    pub(crate) subscription_item: Option<Id>,
    /// The coupon as it was redeemed: deleting it takes the discount from nobody.
    #[serde(skip)]
    pub(crate) coupon: Arc<Coupon>,
    /// Whether it was used up, taken off or replaced.
    #[serde(skip)]
    pub(crate) over: bool,
    /// Whether the coupon's `times_redeemed` counts it.
    #[serde(skip)]
    pub(crate) counted: bool,
    /// Whether `customer.discount.created` was told.
    #[serde(skip)]
    pub(crate) told: bool,
}

/// Where a discount comes from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Source {
    pub(crate) coupon: Id,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

impl Discount {
    /// Says whether it counts at a moment.
    pub(crate) fn counts(&self, at: i64) -> bool {
        !self.over && self.coupon.lasts().in_force(self.start, self.over, at)
    }
}

impl Object for Discount {
    const NAME: &'static str = "discount";
    const PREFIX: &'static str = "di_";
    const PATH: &'static str = "/v1/discounts";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.start
    }

    fn customer(&self) -> Option<&Id> {
        self.customer.as_ref()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.discounts
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.discounts
    }
}
