//! Discounts: coupons, which say how much, and promotion codes, which customers type. A code's
//! coupon moved into `promotion` with 2025-09-30.clover, and a discount's into `source`.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::{Kind, write};
use crate::id::{
    CheckoutSessionId, CouponId, CustomerId, DiscountId, PromotionCodeId, SubscriptionId,
};
use crate::read::{View, decimal, flag, int, nested, own_id, reference, skip, text, time};

/// A discount's rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coupon {
    /// Its id, often a text of its owner's choice.
    pub id: CouponId,
    /// How much it takes off, in percent; a decimal, kept as its text.
    pub percent_off: Option<String>,
    /// How much it takes off, in minor units of its currency.
    pub amount_off: Option<i64>,
    /// The currency of `amount_off`, three lower-case letters.
    pub currency: Option<String>,
    /// `forever`, `once` or `repeating`.
    pub duration: Option<String>,
    /// How often it was used.
    pub times_redeemed: Option<i64>,
    /// It can still be used.
    pub valid: bool,
    /// It is gone for good.
    pub deleted: bool,
}

impl<'de> View<'de> for Coupon {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "percent_off" => self.percent_off = decimal(map)?,
            "amount_off" => self.amount_off = int(map)?,
            "currency" => self.currency = text(map)?,
            "duration" => self.duration = text(map)?,
            "times_redeemed" => self.times_redeemed = int(map)?,
            "valid" => self.valid = flag(map)?,
            "deleted" => self.deleted = flag(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Coupon {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Coupon)?;
        fields.put("id", &self.id)?;
        fields.some("percent_off", &self.percent_off)?;
        fields.some("amount_off", &self.amount_off)?;
        fields.some("currency", &self.currency)?;
        fields.some("duration", &self.duration)?;
        fields.some("times_redeemed", &self.times_redeemed)?;
        fields.flag("valid", self.valid)?;
        fields.flag("deleted", self.deleted)?;
        fields.end()
    }
}

/// A code that a customer types to get a coupon's discount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromotionCode {
    /// Its id.
    pub id: PromotionCodeId,
    /// What the customer types.
    pub code: Option<String>,
    /// The coupon it gives (`promotion.coupon`, before clover `coupon`).
    pub coupon: Option<CouponId>,
    /// The only customer who may use it.
    pub customer: Option<CustomerId>,
    /// It can still be used.
    pub active: bool,
    /// How often it was used.
    pub times_redeemed: Option<i64>,
    /// How often it may be used.
    pub max_redemptions: Option<i64>,
    /// When it ends, Unix seconds.
    pub expires_at: Option<i64>,
}

/// A promotion code with its coupon where either shape has it.
#[derive(Default)]
pub(super) struct Draft {
    code: PromotionCode,
    legacy_coupon: Option<CouponId>,
}

impl From<Draft> for PromotionCode {
    fn from(draft: Draft) -> Self {
        let coupon = draft.code.coupon.or(draft.legacy_coupon);
        Self { coupon, ..draft.code }
    }
}

impl<'de> View<'de> for Draft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let code = &mut self.code;
        match key {
            "id" => code.id = own_id(map)?.unwrap_or_default(),
            "code" => code.code = text(map)?,
            "coupon" => self.legacy_coupon = reference(map)?,
            "promotion" => code.coupon = nested::<A, Promotion>(map)?.and_then(|found| found.0),
            "customer" => code.customer = reference(map)?,
            "active" => code.active = flag(map)?,
            "times_redeemed" => code.times_redeemed = int(map)?,
            "max_redemptions" => code.max_redemptions = int(map)?,
            "expires_at" => code.expires_at = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for PromotionCode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::PromotionCode)?;
        fields.put("id", &self.id)?;
        fields.some("code", &self.code)?;
        fields.some_in("promotion", "coupon", &self.coupon)?;
        fields.some("customer", &self.customer)?;
        fields.flag("active", self.active)?;
        fields.some("times_redeemed", &self.times_redeemed)?;
        fields.some("max_redemptions", &self.max_redemptions)?;
        fields.some("expires_at", &self.expires_at)?;
        fields.end()
    }
}

/// `promotion` or `source`, of which the coupon is the only type so far.
#[derive(Default)]
struct Promotion(Option<CouponId>);

impl<'de> View<'de> for Promotion {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "coupon" => self.0 = reference(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// A coupon as it was given to a customer, by a code or without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discount {
    /// Its id.
    pub id: DiscountId,
    /// The rule (`source.coupon`, before clover `coupon`).
    pub coupon: Option<CouponId>,
    /// The code that was typed.
    pub promotion_code: Option<PromotionCodeId>,
    /// Who has it.
    pub customer: Option<CustomerId>,
    /// The subscription that it is for.
    pub subscription: Option<SubscriptionId>,
    /// The visit to Checkout in which it was given.
    pub checkout_session: Option<CheckoutSessionId>,
    /// Since when it counts, Unix seconds.
    pub start: Option<i64>,
}

/// A discount with its coupon where either shape has it.
#[derive(Default)]
pub(super) struct GivenDraft {
    discount: Discount,
    legacy_coupon: Option<CouponId>,
}

impl From<GivenDraft> for Discount {
    fn from(draft: GivenDraft) -> Self {
        let coupon = draft.discount.coupon.or(draft.legacy_coupon);
        Self { coupon, ..draft.discount }
    }
}

impl<'de> View<'de> for GivenDraft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let discount = &mut self.discount;
        match key {
            "id" => discount.id = own_id(map)?.unwrap_or_default(),
            "coupon" => self.legacy_coupon = reference(map)?,
            "source" => discount.coupon = nested::<A, Promotion>(map)?.and_then(|found| found.0),
            "promotion_code" => discount.promotion_code = reference(map)?,
            "customer" => discount.customer = reference(map)?,
            "subscription" => discount.subscription = reference(map)?,
            "checkout_session" => discount.checkout_session = reference(map)?,
            "start" => discount.start = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Discount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Discount)?;
        fields.put("id", &self.id)?;
        fields.some_in("source", "coupon", &self.coupon)?;
        fields.some("promotion_code", &self.promotion_code)?;
        fields.some("customer", &self.customer)?;
        fields.some("subscription", &self.subscription)?;
        fields.some("checkout_session", &self.checkout_session)?;
        fields.some("start", &self.start)?;
        fields.end()
    }
}

/// What a visit to Checkout takes off: a coupon, a code, or both where the code's coupon is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDiscount {
    /// The rule.
    pub coupon: Option<CouponId>,
    /// The code that was typed.
    pub promotion_code: Option<PromotionCodeId>,
}

impl<'de> View<'de> for SessionDiscount {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "coupon" => self.coupon = reference(map)?,
            "promotion_code" => self.promotion_code = reference(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for SessionDiscount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("coupon", &self.coupon)?;
        fields.some("promotion_code", &self.promotion_code)?;
        fields.end()
    }
}
