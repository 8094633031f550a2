//! A coupon: what discounts are made of.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{Id, Metadata, Object};
use crate::money::currency::Currency;
use crate::money::discount::{Duration, Off};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/coupons/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Coupon {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// In minor units of `currency`.
    pub(crate) amount_off: Option<i64>,
    pub(crate) created: i64,
    pub(crate) currency: Option<Currency>,
    pub(crate) duration: &'static str,
    pub(crate) duration_in_months: Option<i64>,
    pub(crate) livemode: bool,
    pub(crate) max_redemptions: Option<i64>,
    pub(crate) metadata: Metadata,
    pub(crate) name: Option<String>,
    pub(crate) percent_off: Option<Percent>,
    pub(crate) redeem_by: Option<i64>,
    pub(crate) times_redeemed: i64,
    /// Whether it can still be redeemed.
    pub(crate) valid: bool,
    /// `applies_to`, answered only where a call expands it; `None` for all products.
    #[serde(skip)]
    pub(crate) products: Option<Vec<Id>>,
    /// What it takes off in other currencies, in their minor units.
    #[serde(skip)]
    pub(crate) currency_options: BTreeMap<Currency, i64>,
}

/// A percentage, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Percent(pub(crate) u16);

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}

impl Coupon {
    /// Returns what it takes off in a currency; `None` where it takes off an amount of another.
    pub(crate) fn off(&self, currency: Currency) -> Option<Off> {
        match (self.percent_off, self.amount_off) {
            (Some(Percent(hundredths)), _) => Some(Off::Percent(hundredths)),
            (None, Some(amount)) if self.currency == Some(currency) => Some(Off::Amount(amount)),
            (None, _) => self.currency_options.get(&currency).copied().map(Off::Amount),
        }
    }

    /// Returns how long a discount of it counts.
    pub(crate) fn lasts(&self) -> Duration {
        match (self.duration, self.duration_in_months) {
            ("forever", _) => Duration::Forever,
            ("repeating", Some(months)) => {
                Duration::Repeating { months: u32::try_from(months).unwrap_or(u32::MAX) }
            }
            _ => Duration::Once,
        }
    }

    /// Says whether it can be redeemed once more at a moment.
    pub(crate) fn is_valid(&self, at: i64) -> bool {
        self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
            && self.redeem_by.is_none_or(|by| at <= by)
    }
}

impl Object for Coupon {
    const NAME: &'static str = "coupon";
    const PREFIX: &'static str = "";
    const PATH: &'static str = "/v1/coupons";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.coupons
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.coupons
    }
}
