//! Coupons, the rules of discounts, and promotion codes, what customers type: many codes for one
//! rule. Stripe keeps them and counts their use, and we count it from the events beside it; nothing of
//! them is decided here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::customer::Address;
use super::{Billing, BillingError};
use crate::answer::rfc3339;
use crate::store::redemption;
use crate::stripe_api::{StripeError, Trouble};

/// Coupons or codes of one answer.
const PAGE: i64 = 100;
/// What Stripe may find wrong, by our names for it.
const FIELDS: [&str; 12] = [
    "amount_off",
    "code",
    "coupon",
    "currency",
    "duration",
    "duration_in_months",
    "expires_at",
    "id",
    "max_redemptions",
    "name",
    "percent_off",
    "redeem_by",
];

/// How long a discount lasts on a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// For one invoice.
    Once,
    /// For some months.
    Repeating,
    /// For as long as the subscription.
    Forever,
}

/// Unix seconds, written as RFC 3339.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Moment(i64);

impl TryFrom<String> for Moment {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = text.parse::<jiff::Timestamp>();
        time.map(|it| Self(it.as_second())).map_err(|_| "a time such as 2027-01-31T12:00:00Z")
    }
}

/// A coupon to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCoupon {
    id: Option<String>,
    name: Option<String>,
    percent_off: Option<serde_json::Number>,
    amount_off: Option<i64>,
    currency: Option<String>,
    duration: Duration,
    duration_in_months: Option<i64>,
    max_redemptions: Option<i64>,
    redeem_by: Option<Moment>,
    /// The plans that it is for; all unless named.
    #[serde(default)]
    plans: Vec<String>,
}

/// A promotion code to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    coupon: String,
    code: Option<String>,
    /// The only user who may use it.
    pub user_id: Option<String>,
    expires_at: Option<Moment>,
    max_redemptions: Option<i64>,
    #[serde(default)]
    first_time_only: bool,
    minimum_amount: Option<i64>,
    minimum_amount_currency: Option<String>,
}

/// A coupon, as Stripe has it now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coupon {
    id: Value,
    name: Value,
    percent_off: Value,
    amount_off: Value,
    currency: Value,
    duration: Value,
    duration_in_months: Value,
    max_redemptions: Value,
    redeem_by: Option<String>,
    times_redeemed: Value,
    /// How often it was used, as the events told us.
    used: i64,
    valid: Value,
}

/// A promotion code, as Stripe has it now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Code {
    id: Value,
    code: Value,
    coupon: Value,
    active: Value,
    customer_id: Value,
    expires_at: Option<String>,
    max_redemptions: Value,
    first_time_only: Value,
    minimum_amount: Value,
    minimum_amount_currency: Value,
    times_redeemed: Value,
    /// How often it was used, as the events told us.
    used: i64,
}

/// Some of them, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page<T> {
    data: Vec<T>,
    /// There are more, after the last of these.
    has_more: bool,
}

impl Billing {
    /// Makes a coupon. `intent` is the caller's own key, under which asking again makes no second.
    ///
    /// # Errors
    /// Stripe refuses it, or does not answer.
    pub async fn make_coupon(
        &self,
        new: &NewCoupon,
        intent: Option<&str>,
    ) -> Result<Coupon, BillingError> {
        let mut params = json!({
            "id": new.id, "name": new.name, "percent_off": new.percent_off,
            "amount_off": new.amount_off, "currency": new.currency, "duration": new.duration,
            "duration_in_months": new.duration_in_months,
            "max_redemptions": new.max_redemptions,
            "redeem_by": new.redeem_by.map(|it| it.0),
        });
        without_nulls(&mut params);
        if !new.plans.is_empty() {
            params["applies_to"] = json!({ "products": self.products_of(&new.plans).await? });
        }
        let key = self.key_of("coupon", intent);
        let made = self.change("/v1/coupons", &params, &key).await;
        let made = made.map_err(|it| about_field(about_key(it, intent)))?;
        Ok(coupon(&made.object))
    }

    async fn products_of(&self, plans: &[String]) -> Result<Vec<String>, BillingError> {
        let mut products = Vec::new();
        for name in plans {
            let plan = self.rulebook.plan(name).ok_or_else(|| BillingError::Invalid {
                field: "plans",
                message: format!("There is no plan {name:?}."),
                allowed: self.rulebook.plans.iter().map(|it| it.name.clone()).collect(),
            })?;
            for reference in plan.prices.values() {
                products.push(self.price(reference).await?.product);
            }
        }
        products.sort();
        products.dedup();
        Ok(products)
    }

    /// Makes a promotion code of a coupon.
    ///
    /// # Errors
    /// As [`Billing::make_coupon`].
    pub async fn make_code(
        &self,
        new: &NewCode,
        intent: Option<&str>,
    ) -> Result<Code, BillingError> {
        let customer = match &new.user_id {
            Some(user_id) => Some(self.customer(user_id, Address::default()).await?),
            None => None,
        };
        let mut restrictions = json!({
            "minimum_amount": new.minimum_amount,
            "minimum_amount_currency": new.minimum_amount_currency,
        });
        without_nulls(&mut restrictions);
        if new.first_time_only {
            restrictions["first_time_transaction"] = true.into();
        }
        let mut params = json!({
            "promotion": { "type": "coupon", "coupon": new.coupon },
            "code": new.code, "customer": customer, "max_redemptions": new.max_redemptions,
            "expires_at": new.expires_at.map(|it| it.0),
            "restrictions": restrictions,
        });
        without_nulls(&mut params);
        let key = self.key_of("code", intent);
        let made = self.change("/v1/promotion_codes", &params, &key).await;
        let made = made.map_err(|it| about_field(about_key(it, intent)))?;
        Ok(code(&made.object))
    }

    /// Lists coupons, those after `after`.
    ///
    /// # Errors
    /// Stripe did not answer.
    pub async fn coupons(&self, after: Option<&str>) -> Result<Page<Coupon>, BillingError> {
        let mut page = self.page("/v1/coupons", &json!({}), after, coupon).await?;
        let ids: Vec<&str> = page.data.iter().filter_map(|it| it.id.as_str()).collect();
        let used = redemption::of_coupons(&self.db, &ids).await?;
        for it in &mut page.data {
            it.used = used_of(&used, &it.id);
        }
        Ok(page)
    }

    /// Lists the promotion codes of a coupon, or all, those after `after`.
    ///
    /// # Errors
    /// Stripe did not answer.
    pub async fn codes(
        &self,
        coupon: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<Code>, BillingError> {
        let params = coupon.map_or(json!({}), |it| json!({ "coupon": it }));
        let mut page = self.page("/v1/promotion_codes", &params, after, code).await?;
        self.count_codes(&mut page.data).await?;
        Ok(page)
    }

    async fn count_codes(&self, codes: &mut [Code]) -> Result<(), BillingError> {
        let ids: Vec<&str> = codes.iter().filter_map(|it| it.id.as_str()).collect();
        let used = redemption::of_codes(&self.db, &ids).await?;
        for it in codes {
            it.used = used_of(&used, &it.id);
        }
        Ok(())
    }

    async fn page<T>(
        &self,
        path: &str,
        params: &Value,
        after: Option<&str>,
        read: fn(&Value) -> T,
    ) -> Result<Page<T>, BillingError> {
        let mut params = params.clone();
        params["limit"] = PAGE.into();
        if let Some(after) = after {
            params["starting_after"] = after.into();
        }
        let list = self.stripe.get(path, &params).await.map_err(|it| about_field(it.into()))?;
        let data = list.object["data"].as_array();
        let data = data.ok_or_else(|| StripeError::not_an_object("it is no list"))?;
        let has_more = list.object["has_more"] == true;
        Ok(Page { data: data.iter().map(read).collect(), has_more })
    }

    /// Ends a coupon: nobody can use it any more, who has it keeps it.
    ///
    /// # Errors
    /// There is none like that, or Stripe did not answer.
    pub async fn end_coupon(&self, id: &str) -> Result<(), BillingError> {
        let path = format!("/v1/coupons/{}", in_path(id)?);
        let ended = self.stripe.delete(&path, &self.new_key("coupon-end", id)).await;
        ended.map(drop).map_err(|it| about_field(it.into()))
    }

    /// Lets a promotion code be used, or not any more.
    ///
    /// # Errors
    /// As [`Billing::end_coupon`].
    pub async fn set_code(&self, id: &str, active: bool) -> Result<Code, BillingError> {
        let path = format!("/v1/promotion_codes/{}", in_path(id)?);
        let key = self.new_key("code-active", id);
        let changed = self.change(&path, &json!({ "active": active }), &key).await;
        let mut changed = [code(&changed.map_err(about_field)?.object)];
        self.count_codes(&mut changed).await?;
        let [changed] = changed;
        Ok(changed)
    }

    fn key_of(&self, what: &str, intent: Option<&str>) -> String {
        match intent {
            Some(intent) => format!("tollgate-{what}-of-{}", self.seal.name(intent)),
            None => self.new_key(what, ""),
        }
    }
}

/// An id may be any text that an operator chose; in a path it may be nothing but itself.
fn in_path(id: &str) -> Result<String, BillingError> {
    let known = !id.is_empty() && id != "." && id != "..";
    let known = known.then_some(id).ok_or(BillingError::Unknown("There is nothing like that."))?;
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
    let escaped = known.bytes().map(|it| match plain(it) {
        true => char::from(it).to_string(),
        false => format!("%{it:02X}"),
    });
    Ok(escaped.collect())
}

fn without_nulls(params: &mut Value) {
    if let Some(fields) = params.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}

/// A key that the caller chose and used for something else is theirs to mend.
fn about_key(error: BillingError, intent: Option<&str>) -> BillingError {
    match error {
        BillingError::Stripe(it) if intent.is_some() && it.trouble == Trouble::KeyReused => {
            let message = "This Idempotency-Key was used for another request; choose a new one.";
            BillingError::invalid("Idempotency-Key", message)
        }
        error => error,
    }
}

/// What Stripe refuses of it, the caller can mend.
fn about_field(error: BillingError) -> BillingError {
    let BillingError::Stripe(it) = &error else { return error };
    let named = it.param.as_deref().unwrap_or_default();
    let last = named.rsplit(['[', ']']).find(|it| !it.is_empty()).unwrap_or_default();
    let field = FIELDS.iter().find(|it| **it == last).copied();
    match (it.trouble, field) {
        (Trouble::Missing, None | Some("id")) => {
            BillingError::Unknown("There is nothing like that at Stripe.")
        }
        (Trouble::Missing | Trouble::Invalid, Some(field)) => {
            BillingError::invalid(field, it.message.clone())
        }
        (Trouble::Invalid, None) => BillingError::invalid("body", it.message.clone()),
        _ => error,
    }
}

fn used_of(used: &BTreeMap<String, i64>, id: &Value) -> i64 {
    id.as_str().and_then(|it| used.get(it)).copied().unwrap_or(0)
}

fn time(value: &Value) -> Option<String> {
    value.as_i64().map(rfc3339)
}

fn coupon(it: &Value) -> Coupon {
    Coupon {
        id: it["id"].clone(),
        name: it["name"].clone(),
        percent_off: it["percent_off"].clone(),
        amount_off: it["amount_off"].clone(),
        currency: it["currency"].clone(),
        duration: it["duration"].clone(),
        duration_in_months: it["duration_in_months"].clone(),
        max_redemptions: it["max_redemptions"].clone(),
        redeem_by: time(&it["redeem_by"]),
        times_redeemed: it["times_redeemed"].clone(),
        used: 0,
        valid: it["valid"].clone(),
    }
}

fn code(it: &Value) -> Code {
    let (restrictions, coupon) = (&it["restrictions"], &it["promotion"]["coupon"]);
    Code {
        id: it["id"].clone(),
        code: it["code"].clone(),
        coupon: if coupon.is_object() { coupon["id"].clone() } else { coupon.clone() },
        active: it["active"].clone(),
        customer_id: it["customer"].clone(),
        expires_at: time(&it["expires_at"]),
        max_redemptions: it["max_redemptions"].clone(),
        first_time_only: restrictions["first_time_transaction"].clone(),
        minimum_amount: restrictions["minimum_amount"].clone(),
        minimum_amount_currency: restrictions["minimum_amount_currency"].clone(),
        times_redeemed: it["times_redeemed"].clone(),
        used: 0,
    }
}
