//! `/v1/coupons`, and whether what they and their promotion codes offer can still be had.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::price_terms;
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::money::discount::Off;
use crate::object::coupon::{Coupon, Percent};
use crate::object::product::Product;
use crate::object::promotion_code::PromotionCode;
use crate::object::{Id, Object as _, change_metadata, change_text, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, Wake, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/coupons", |world, call| world.list::<Coupon>(call, None, |_| true)),
    Route::post("/v1/coupons", create),
    Route::get("/v1/coupons/{id}", |world, call| world.show::<Coupon>(call.id())),
    Route::post("/v1/coupons/{id}", update),
    Route::delete("/v1/coupons/{id}", delete),
];

/// How far ahead `redeem_by` may be, in seconds: five years.
const REDEEM_BY_MAX: i64 = 5 * 366 * 86_400;
/// The longest name.
const NAME_LEN_MAX: usize = 40;
/// The length of an id that the sandbox makes.
const ID_LEN: usize = 8;

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let off = off(params)?;
    let (duration, duration_in_months) = duration(params)?;
    let products = products(world, params)?;
    check_bounds(world, params)?;
    check_id(world, params)?;
    let id = match params.text("id") {
        Some(id) => id.into(),
        None => world.new_word(ID_LEN).into(),
    };
    let coupon = Coupon {
        id,
        object: Coupon::NAME,
        amount_off: off.amount,
        created: world.now(),
        currency: off.currency,
        duration,
        duration_in_months,
        livemode: false,
        max_redemptions: params.int("max_redemptions"),
        metadata: metadata(params),
        name: params.text("name").map(str::to_owned),
        percent_off: off.percent,
        redeem_by: params.int("redeem_by"),
        times_redeemed: 0,
        valid: true,
        products,
        currency_options: off.others,
    };
    let over = coupon.redeem_by.map(|by| by + 1);
    let id = world.create(coupon, "coupon.created");
    if let Some(over) = over {
        world.wake_at(None, over, Wake::Offer(id.clone()));
    }
    world.show::<Coupon>(&id)
}

/// What a coupon takes off.
struct Reduction {
    percent: Option<Percent>,
    amount: Option<i64>,
    currency: Option<Currency>,
    others: BTreeMap<Currency, i64>,
}

fn off(params: &Params) -> Result<Reduction, StripeError> {
    match (params.decimal("percent_off"), params.int("amount_off")) {
        (Some(_), Some(_)) => {
            let message = "Only one of `percent_off` and `amount_off` can be given.";
            Err(params.refuse("amount_off", message))
        }
        (None, None) => {
            let message = "One of `percent_off` and `amount_off` is required.";
            Err(params.refuse("percent_off", message).code("parameter_missing"))
        }
        (Some(percent), None) => percent_off(params, &percent),
        (None, Some(amount)) => amount_off(params, amount),
    }
}

fn percent_off(params: &Params, percent: &str) -> Result<Reduction, StripeError> {
    let Some(Off::Percent(hundredths)) = Off::percent(percent) else {
        let message = format!(
            "Invalid percent_off: {percent}. It is more than 0 and at most 100, with at most two \
             decimals."
        );
        return Err(params.refuse("percent_off", message));
    };
    if params.has("currency_options") {
        let message = "`currency_options` can only be given with `amount_off`.";
        return Err(params.refuse("currency_options", message));
    }
    let percent = Some(Percent(hundredths));
    Ok(Reduction { percent, amount: None, currency: None, others: BTreeMap::new() })
}

fn amount_off(params: &Params, amount: i64) -> Result<Reduction, StripeError> {
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(params.refuse("amount_off", message).code("parameter_invalid_integer"));
    }
    let currency = price_terms::currency(params, "currency")?;
    let others = currency_options(params, Some(currency), "amount_off")?;
    Ok(Reduction { percent: None, amount: Some(amount), currency: Some(currency), others })
}

/// Reads `currency_options[{code}][{name}]`, none of which may be the main currency.
pub(super) fn currency_options(
    params: &Params,
    main: Option<Currency>,
    name: &str,
) -> Result<BTreeMap<Currency, i64>, StripeError> {
    let Some(given) = params.sub("currency_options") else { return Ok(BTreeMap::new()) };
    let mut options = BTreeMap::new();
    for code in given.names() {
        let currency = Currency::parse(code).filter(|currency| Some(*currency) != main);
        let currency = currency.ok_or_else(|| {
            given.refuse(code, "Each key is a three-letter ISO currency code, but the main one.")
        })?;
        let option = given.sub(code).unwrap_or_default();
        let amount = option.need_int(name)?;
        if amount < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(option.refuse(name, message).code("parameter_invalid_integer"));
        }
        options.insert(currency, amount);
    }
    Ok(options)
}

fn duration(params: &Params) -> Result<(&'static str, Option<i64>), StripeError> {
    let months = params.int("duration_in_months");
    let duration = match params.text("duration") {
        Some("repeating") => "repeating",
        Some("forever") => "forever",
        _ => "once",
    };
    match (duration, months) {
        ("repeating", None) => Err(params.missing("duration_in_months")),
        ("repeating", Some(months)) if months < 1 => {
            let message = "This value must be greater than or equal to 1.";
            Err(params.refuse("duration_in_months", message).code("parameter_invalid_integer"))
        }
        ("repeating", _) | (_, None) => Ok((duration, months)),
        (_, Some(_)) => {
            let message = "`duration_in_months` can only be given with `duration=repeating`.";
            Err(params.refuse("duration_in_months", message))
        }
    }
}

fn products(world: &World, params: &Params) -> Result<Option<Vec<Id>>, StripeError> {
    let Some(applies_to) = params.sub("applies_to") else { return Ok(None) };
    let Some(names) = applies_to.texts("products") else { return Ok(None) };
    let mut products = Vec::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let param = format!("{}[{place}]", applies_to.path("products"));
        products.push(world.need::<Product>(name, &param)?.id.clone());
    }
    Ok(Some(products))
}

fn check_bounds(world: &World, params: &Params) -> Result<(), StripeError> {
    check_max_redemptions(params)?;
    check_name(params)?;
    let now = world.now();
    match params.int("redeem_by") {
        Some(by) if by <= now => {
            Err(params.refuse("redeem_by", "`redeem_by` must be in the future."))
        }
        Some(by) if by > now + REDEEM_BY_MAX => {
            Err(params.refuse("redeem_by", "`redeem_by` can be at most five years ahead."))
        }
        _ => Ok(()),
    }
}

/// Refuses a coupon or a code that nobody could ever redeem.
pub(super) fn check_max_redemptions(params: &Params) -> Result<(), StripeError> {
    if params.int("max_redemptions").is_some_and(|most| most < 1) {
        let message = "This value must be greater than or equal to 1.";
        return Err(params.refuse("max_redemptions", message).code("parameter_invalid_integer"));
    }
    Ok(())
}

fn check_name(params: &Params) -> Result<(), StripeError> {
    if params.text("name").is_some_and(|name| name.chars().count() > NAME_LEN_MAX) {
        let message = format!("A coupon's name has at most {NAME_LEN_MAX} characters.");
        return Err(params.refuse("name", message));
    }
    Ok(())
}

fn check_id(world: &World, params: &Params) -> Result<(), StripeError> {
    match params.text("id") {
        Some(id) if world.get::<Coupon>(id).is_ok() => {
            let error = StripeError::invalid("Coupon already exists.");
            Err(error.code("resource_already_exists"))
        }
        Some(id) if id.contains(['/', ' ']) => {
            Err(params.refuse("id", "A coupon's id has no spaces and no slashes."))
        }
        _ => Ok(()),
    }
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let coupon = world.get::<Coupon>(call.id())?;
    let (id, currency) = (coupon.id.clone(), coupon.currency);
    check_name(params)?;
    if params.has("currency_options") && currency.is_none() {
        let message = "`currency_options` can only be given for a coupon with an `amount_off`.";
        return Err(params.refuse("currency_options", message));
    }
    let options = currency_options(params, currency, "amount_off")?;
    world.update::<Coupon>(&id, "coupon.updated", |coupon| {
        change_text(&mut coupon.name, params, "name");
        change_metadata(&mut coupon.metadata, params);
        coupon.currency_options.extend(options);
    });
    world.show::<Coupon>(&id)
}

/// Deletes a coupon: nobody can redeem it any more, and who did keeps it.
fn delete(world: &mut World, call: &Call) -> Outcome {
    let coupon = world.get::<Coupon>(call.id())?.clone();
    let id = coupon.id.clone();
    let answer = world.delete::<Coupon>(&id, Some("coupon.deleted"))?;
    world.past_coupons.insert(id.clone(), coupon);
    look_again(world, &id);
    Ok(answer)
}

/// Sees anew whether a coupon and its codes can be redeemed, when one was or a moment is over. No
/// event tells of it: both are worked out.
pub(super) fn look_again(world: &mut World, coupon: &Id) {
    let now = world.now();
    let valid = world.get::<Coupon>(coupon).is_ok_and(|coupon| coupon.is_valid(now));
    world.edit::<Coupon>(coupon, |coupon| coupon.valid = valid);
    let codes: Vec<Id> = world.promotion_codes.of(coupon).map(|code| code.id.clone()).collect();
    for code in codes {
        world.edit::<PromotionCode>(&code, |code| {
            code.active = code.wanted && valid && code.is_open(now);
        });
    }
}

/// The time of a coupon or of a promotion code may be over.
pub(crate) fn wake(world: &mut World, offer: &Id) {
    let code = world.get::<PromotionCode>(offer);
    let coupon = code.map_or_else(|_| offer.clone(), |code| code.promotion.coupon.clone());
    look_again(world, &coupon);
}

/// Returns a coupon, also one that was deleted: discounts refer to it.
pub(crate) fn find(world: &World, id: &str) -> Option<Value> {
    let coupon = world.get::<Coupon>(id).ok().or_else(|| world.past_coupons.get(id))?;
    Some(serde_json::to_value(coupon).expect("coupons are plain"))
}

/// Returns a field that Stripe answers only where it is asked to expand it.
pub(crate) fn include(world: &World, id: &str, name: &str) -> Option<Value> {
    let coupon = world.get::<Coupon>(id).ok().or_else(|| world.past_coupons.get(id))?;
    match name {
        "applies_to" => coupon.products.as_ref().map(|products| json!({ "products": products })),
        "currency_options" => {
            let main = coupon.currency.zip(coupon.amount_off);
            let all = coupon.currency_options.iter().map(|(code, off)| (*code, *off)).chain(main);
            Some(shown_options(all, "amount_off"))
        }
        _ => None,
    }
}

/// Shows amounts by currency.
pub(super) fn shown_options(options: impl Iterator<Item = (Currency, i64)>, name: &str) -> Value {
    let mut shown = serde_json::Map::new();
    for (currency, amount) in options {
        shown.insert(currency.as_str().to_owned(), json!({ name: amount }));
    }
    Value::Object(shown)
}
