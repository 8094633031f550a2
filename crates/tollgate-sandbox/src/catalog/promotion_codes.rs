//! `/v1/promotion_codes`.

use std::collections::BTreeMap;

use super::{coupons, price_terms};
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::coupon::Coupon;
use crate::object::customer::Customer;
use crate::object::promotion_code::{Least, Promotion, PromotionCode, Restrictions};
use crate::object::{Id, Null, Object as _, change_metadata, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, Wake, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/promotion_codes", list),
    Route::post("/v1/promotion_codes", create),
    Route::get("/v1/promotion_codes/{id}", |world, call| world.show::<PromotionCode>(call.id())),
    Route::post("/v1/promotion_codes/{id}", update),
];

/// The length of a code that the sandbox makes.
const CODE_LEN: usize = 8;
/// The longest code.
const CODE_LEN_MAX: usize = 500;

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (active, code) = (params.flag("active"), params.text("code"));
    let customer = params.text("customer");
    if params.has("customer_account") {
        return world.list::<PromotionCode>(call, None, |_| false);
    }
    world.list::<PromotionCode>(call, params.text("coupon"), |row| {
        active.is_none_or(|active| row.active == active)
            && code.is_none_or(|code| row.code.eq_ignore_ascii_case(code))
            && customer.is_none_or(|customer| row.customer.as_deref() == Some(customer))
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let coupon = coupon(world, params)?;
    check_bounds(world, params, &coupon)?;
    let customer = match params.text("customer") {
        Some(id) => Some(world.need::<Customer>(id, "customer")?.id.clone()),
        None => None,
    };
    let restrictions = restrictions(params)?;
    let wanted = params.flag("active").unwrap_or(true);
    if let Some(code) = params.text("code") {
        check_code(params, code)?;
        if wanted {
            check_unique(world, code, customer.as_ref(), None)?;
        }
    }
    let code = params.text("code").map(str::to_owned);
    let code = code.unwrap_or_else(|| world.ids.dice().capitals(CODE_LEN));
    let row = PromotionCode {
        id: world.new_id(PromotionCode::PREFIX),
        object: PromotionCode::NAME,
        active: wanted,
        code,
        created: world.now(),
        customer,
        customer_account: Null,
        expires_at: params.int("expires_at").or(coupon.redeem_by),
        livemode: false,
        max_redemptions: params.int("max_redemptions"),
        metadata: metadata(params),
        promotion: Promotion { coupon: coupon.id, kind: "coupon" },
        restrictions,
        times_redeemed: 0,
        wanted,
    };
    let ends = row.expires_at;
    let id = world.create(row, "promotion_code.created");
    if let Some(ends) = ends {
        world.wake_at(None, ends, Wake::Offer(id.clone()));
    }
    world.show::<PromotionCode>(&id)
}

fn coupon(world: &World, params: &Params) -> Result<Coupon, StripeError> {
    let promotion = params.sub("promotion").ok_or_else(|| params.missing("promotion"))?;
    let name = promotion.need_text("coupon")?;
    let coupon = world.need::<Coupon>(name, &promotion.path("coupon"))?;
    if !coupon.valid {
        let message = format!("The coupon `{name}` can no longer be redeemed.");
        return Err(promotion.refuse("coupon", message).code("coupon_expired"));
    }
    Ok(coupon.clone())
}

fn check_bounds(world: &World, params: &Params, coupon: &Coupon) -> Result<(), StripeError> {
    coupons::check_max_redemptions(params)?;
    if params.has("customer_account") {
        let message = "`customer_account` is not part of the sandbox.";
        return Err(params.refuse("customer_account", message));
    }
    let most = params.int("max_redemptions").zip(coupon.max_redemptions);
    if most.is_some_and(|(own, whole)| own > whole) {
        let message = "A promotion code cannot be redeemed more often than its coupon.";
        return Err(params.refuse("max_redemptions", message));
    }
    match params.int("expires_at") {
        Some(end) if end <= world.now() => {
            Err(params.refuse("expires_at", "`expires_at` must be in the future."))
        }
        Some(end) if coupon.redeem_by.is_some_and(|by| end > by) => {
            let message = "A promotion code cannot expire after its coupon's `redeem_by`.";
            Err(params.refuse("expires_at", message))
        }
        _ => Ok(()),
    }
}

fn check_code(params: &Params, code: &str) -> Result<(), StripeError> {
    let fits = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits && code.len() <= CODE_LEN_MAX {
        return Ok(());
    }
    Err(params.refuse("code", "A promotion code has letters, digits and dashes only."))
}

/// Whatever its case, a code is unique among the active ones for the same customers.
fn check_unique(
    world: &World,
    code: &str,
    customer: Option<&Id>,
    own: Option<&Id>,
) -> Result<(), StripeError> {
    let same = |row: &&PromotionCode| {
        row.active
            && Some(&row.id) != own
            && row.customer.as_ref() == customer
            && row.code.eq_ignore_ascii_case(code)
    };
    match world.promotion_codes.newest().find(same) {
        None => Ok(()),
        Some(_) => {
            let message = format!("An active promotion code with `code: {code}` already exists.");
            Err(StripeError::param("code", message).code("resource_already_exists"))
        }
    }
}

fn restrictions(params: &Params) -> Result<Restrictions, StripeError> {
    let given = params.sub("restrictions").unwrap_or_default();
    let least = given.int("minimum_amount");
    let currency = given.text("minimum_amount_currency");
    let currency = match (least, currency) {
        (None, Some(_)) => return Err(given.missing("minimum_amount")),
        (None, None) => None,
        (Some(least), _) if least < 1 => {
            let message = "This value must be greater than or equal to 1.";
            let error = given.refuse("minimum_amount", message);
            return Err(error.code("parameter_invalid_integer"));
        }
        (Some(_), _) => Some(price_terms::currency(&given, "minimum_amount_currency")?),
    };
    if given.has("currency_options") && currency.is_none() {
        return Err(given.missing("minimum_amount"));
    }
    Ok(Restrictions {
        first_time_transaction: given.flag("first_time_transaction").unwrap_or(false),
        minimum_amount: least,
        minimum_amount_currency: currency,
        currency_options: least_amounts(&given, currency)?,
    })
}

fn least_amounts(
    given: &Params,
    main: Option<Currency>,
) -> Result<BTreeMap<Currency, Least>, StripeError> {
    let options = coupons::currency_options(given, main, "minimum_amount")?;
    let least = |(currency, minimum_amount)| (currency, Least { minimum_amount });
    Ok(options.into_iter().map(least).collect())
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let row = world.get::<PromotionCode>(call.id())?.clone();
    let wanted = params.flag("active");
    if wanted == Some(true) && !row.active {
        check_revival(world, &row)?;
    }
    let given = params.sub("restrictions").unwrap_or_default();
    let main = row.restrictions.minimum_amount_currency;
    if given.has("currency_options") && main.is_none() {
        let message = "This promotion code has no minimum amount.";
        return Err(given.refuse("currency_options", message));
    }
    let options = least_amounts(&given, main)?;
    world.update::<PromotionCode>(&row.id, "promotion_code.updated", |row| {
        if let Some(wanted) = wanted {
            row.wanted = wanted;
            row.active = wanted;
        }
        row.restrictions.currency_options.extend(options);
        change_metadata(&mut row.metadata, params);
    });
    world.show::<PromotionCode>(&row.id)
}

/// A code becomes active again only where it could be redeemed.
fn check_revival(world: &World, row: &PromotionCode) -> Result<(), StripeError> {
    let valid = world.get::<Coupon>(&row.promotion.coupon).is_ok_and(|coupon| coupon.valid);
    if !valid || !row.is_open(world.now()) {
        let message = "This promotion code can no longer be redeemed, so it cannot be activated.";
        return Err(StripeError::param("active", message));
    }
    check_unique(world, &row.code, row.customer.as_ref(), Some(&row.id))
}
