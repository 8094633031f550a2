//! A promotion code: the word by which customers redeem a coupon.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Id, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/promotion_codes/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PromotionCode {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// Whether it can be redeemed now: it is wanted, not over, and its coupon is valid.
    pub(crate) active: bool,
    pub(crate) code: String,
    pub(crate) created: i64,
    /// The only customer who may redeem it.
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    pub(crate) expires_at: Option<i64>,
    pub(crate) livemode: bool,
    pub(crate) max_redemptions: Option<i64>,
    pub(crate) metadata: Metadata,
    pub(crate) promotion: Promotion,
    pub(crate) restrictions: Restrictions,
    pub(crate) times_redeemed: i64,
    /// What its owner last set `active` to.
    #[serde(skip)]
    pub(crate) wanted: bool,
}

/// What a promotion code gives.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Promotion {
    pub(crate) coupon: Id,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// What a purchase needs for the code to count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Restrictions {
    pub(crate) first_time_transaction: bool,
    /// In minor units of `minimum_amount_currency`.
    pub(crate) minimum_amount: Option<i64>,
    pub(crate) minimum_amount_currency: Option<Currency>,
    /// The least amounts in other currencies, in their minor units.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) currency_options: BTreeMap<Currency, Least>,
}

/// A least amount, in minor units.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Least {
    pub(crate) minimum_amount: i64,
}

impl Restrictions {
    /// Returns the least amount of a purchase in a currency; an error where there is one, but
    /// in other currencies only.
    pub(crate) fn least(&self, currency: Currency) -> Result<Option<i64>, ()> {
        match self.minimum_amount {
            None => Ok(None),
            Some(least) if self.minimum_amount_currency == Some(currency) => Ok(Some(least)),
            Some(_) => {
                let option = self.currency_options.get(&currency).ok_or(())?;
                Ok(Some(option.minimum_amount))
            }
        }
    }
}

impl PromotionCode {
    /// Says whether its own bounds let it be redeemed once more at a moment.
    pub(crate) fn is_open(&self, at: i64) -> bool {
        self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
            && self.expires_at.is_none_or(|end| at < end)
    }
}

impl Object for PromotionCode {
    const NAME: &'static str = "promotion_code";
    const PREFIX: &'static str = "promo_";
    const PATH: &'static str = "/v1/promotion_codes";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn owners(&self) -> Vec<&Id> {
        vec![&self.promotion.coupon]
    }

    fn table(world: &World) -> &Table<Self> {
        &world.promotion_codes
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.promotion_codes
    }
}
