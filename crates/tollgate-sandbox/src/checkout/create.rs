//! `POST /v1/checkout/sessions`: a session as a call asks for it.
//!
//! <https://docs.stripe.com/api/checkout/sessions/create> (2026-10-28.endive)

use serde_json::{Value, json};

use super::rules::{self, UiMode};
use super::{build, coupon, lines, sums};
use crate::catalog;
use crate::error::StripeError;
use crate::money::calendar::{Cycle, Interval};
use crate::money::currency::Currency;
use crate::object::Id;
use crate::object::checkout_session::{CheckoutSession, Mode, SessionDiscount, Trial};
use crate::object::customer::Customer;
use crate::object::item::Item;
use crate::params::Params;
use crate::world::{Call, Outcome, Wake, World};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The shortest life of a session.
const LIFE_SECS_MIN: i64 = HOUR / 2;
/// The earliest end of a trial that is set as a moment, counted from now.
const TRIAL_SECS_MIN: i64 = 2 * DAY;
/// The longest trial, in days.
const TRIAL_DAYS_MAX: i64 = 730;
/// The most that can be charged at once, in minor units.
const AMOUNT_MAX: i64 = 99_999_999;
/// The payment methods that the pages take.
const METHODS: [&str; 2] = ["card", "sepa_debit"];

/// What a call asks for, checked.
pub(super) struct Asked {
    pub(super) mode: Mode,
    pub(super) ui_mode: UiMode,
    pub(super) currency: Option<Currency>,
    pub(super) customer: Option<Id>,
    pub(super) now: i64,
    pub(super) expires_at: i64,
    pub(super) methods: Vec<String>,
    pub(super) passed_on: Value,
    pub(super) trial: Option<Trial>,
}

pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let asked = check(world, params)?;
    let made = lines::make(world, params)?;
    let (lines, prices): (Vec<Item>, Vec<_>) = made.into_iter().unzip();
    let mut session = build::build(world, params, &asked, lines);
    session.discounts = discounts(world, params, &session)?;
    begin_early(&mut session, asked.now);
    sums::sum(world, &mut session);
    check_amount(&session)?;
    for price in prices.into_iter().flatten() {
        catalog::keep_inline_price(world, price);
    }
    let id = session.id.clone();
    let (customer, due) = (session.customer.clone(), session.expires_at);
    world.add(session);
    world.wake_at(customer.as_ref(), due, Wake::Session(id.clone()));
    world.show::<CheckoutSession>(&id)
}

fn check(world: &World, params: &Params) -> Result<Asked, StripeError> {
    let (mode, ui_mode) = rules::check(params)?;
    let customer = match params.text("customer") {
        Some(id) => Some(world.need::<Customer>(id, "customer")?.id.clone()),
        None => None,
    };
    let now = world.now_of(customer.as_ref());
    let currency = lines::check(world, params, mode)?.or(setup_currency(params)?);
    check_discounts(params)?;
    let methods = methods(params, mode, currency)?;
    let expires_at = expiry(params, now)?;
    let trial = trial(params, now)?;
    check_anchor(params, now, lines::interval(world, params))?;
    let passed_on = ["subscription_data", "payment_intent_data", "setup_intent_data"]
        .iter()
        .find_map(|name| params.value(name).cloned())
        .unwrap_or_else(|| json!({}));
    Ok(Asked { mode, ui_mode, currency, customer, now, expires_at, methods, passed_on, trial })
}

/// In setup mode the currency decides what can be offered.
fn setup_currency(params: &Params) -> Result<Option<Currency>, StripeError> {
    let Some(text) = params.text("currency") else { return Ok(None) };
    let currency = Currency::parse(text);
    currency.map(Some).ok_or_else(|| params.refuse("currency", "Invalid currency."))
}

/// Returns the payment methods to offer: those named, or what the currency can be paid with.
fn methods(
    params: &Params,
    mode: Mode,
    currency: Option<Currency>,
) -> Result<Vec<String>, StripeError> {
    let euro = currency.is_some_and(|currency| currency.as_str() == "eur");
    let excluded = params.texts("excluded_payment_method_types").unwrap_or_default();
    let named = params.texts("payment_method_types");
    let wanted = named.clone().or_else(|| params.texts("allowed_payment_method_types"));
    let Some(wanted) = wanted else {
        if mode == Mode::Setup && currency.is_none() {
            return Err(params.missing("currency"));
        }
        let offered = METHODS.iter().filter(|kind| **kind == "card" || euro);
        let offered = offered.filter(|kind| !excluded.iter().any(|one| one == *kind));
        return some(params, offered.map(|&kind| kind.to_owned()).collect());
    };
    let debit = wanted.iter().any(|kind| kind == "sepa_debit");
    if named.is_some() && debit && currency.is_some() && !euro {
        let message = "The payment method `sepa_debit` can only be used with the currency eur.";
        return Err(params.refuse("payment_method_types", message));
    }
    let known = wanted.into_iter().filter(|kind| METHODS.contains(&kind.as_str()));
    let usable = known.filter(|kind| kind == "card" || euro || currency.is_none());
    some(params, usable.filter(|kind| !excluded.contains(kind)).collect())
}

fn some(params: &Params, methods: Vec<String>) -> Result<Vec<String>, StripeError> {
    if methods.is_empty() {
        let message = "No payment method is left to offer: the sandbox has `card`, and \
                       `sepa_debit` for euros.";
        return Err(params.refuse("allowed_payment_method_types", message));
    }
    Ok(methods)
}

fn expiry(params: &Params, now: i64) -> Result<i64, StripeError> {
    match params.int("expires_at") {
        None => Ok(now + DAY),
        Some(at) if at < now + LIFE_SECS_MIN => {
            let message = "The `expires_at` timestamp must be at least 30 minutes from Checkout \
                           Session creation.";
            Err(params.refuse("expires_at", message))
        }
        Some(at) if at > now + DAY => {
            let message = "The `expires_at` timestamp must be less than 24 hours from Checkout \
                           Session creation.";
            Err(params.refuse("expires_at", message))
        }
        Some(at) => Ok(at),
    }
}

fn trial(params: &Params, now: i64) -> Result<Option<Trial>, StripeError> {
    let Some(given) = params.sub("subscription_data") else { return Ok(None) };
    match (given.int("trial_period_days"), given.int("trial_end")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: trial_end, \
                           trial_period_days.";
            Err(given.refuse("trial_end", message))
        }
        (Some(days), None) if (1..=TRIAL_DAYS_MAX).contains(&days) => Ok(Some(Trial::Days(days))),
        (Some(_), None) => {
            let message = format!("A trial takes between 1 and {TRIAL_DAYS_MAX} days.");
            Err(given.refuse("trial_period_days", message))
        }
        (None, Some(end)) if end < now + TRIAL_SECS_MIN => {
            let message = "The `trial_end` date has to be at least 2 days in the future.";
            Err(given.refuse("trial_end", message))
        }
        (None, Some(end)) if end > now + TRIAL_DAYS_MAX * DAY => {
            Err(given.refuse("trial_end", "A trial can end at most two years from now."))
        }
        (None, Some(end)) => Ok(Some(Trial::Until(end))),
    }
}

fn check_anchor(params: &Params, now: i64, interval: Option<Interval>) -> Result<(), StripeError> {
    let Some(given) = params.sub("subscription_data") else { return Ok(()) };
    if given.has("billing_cycle_anchor_config") {
        let message = "`billing_cycle_anchor_config` is not part of the sandbox's Checkout; give \
                       `billing_cycle_anchor`.";
        return Err(given.refuse("billing_cycle_anchor_config", message));
    }
    let Some(anchor) = given.int("billing_cycle_anchor") else {
        if given.has("proration_behavior") {
            let message = "`proration_behavior` can only be used with `billing_cycle_anchor`.";
            return Err(given.refuse("proration_behavior", message));
        }
        return Ok(());
    };
    if given.has("trial_end") || given.has("trial_period_days") {
        let message = "`billing_cycle_anchor` can not be used with a trial.";
        return Err(given.refuse("billing_cycle_anchor", message));
    }
    if anchor <= now {
        let message = "`billing_cycle_anchor` must be in the future.";
        return Err(given.refuse("billing_cycle_anchor", message));
    }
    let natural = interval.map(|interval| Cycle { anchor: now, interval }.next_after(now));
    if natural.is_some_and(|natural| anchor > natural) {
        let message = "`billing_cycle_anchor` must be before the next natural billing date.";
        return Err(given.refuse("billing_cycle_anchor", message));
    }
    Ok(())
}

fn check_discounts(params: &Params) -> Result<(), StripeError> {
    let given = params.list("discounts").unwrap_or_default();
    if given.len() > 1 {
        return Err(params.refuse("discounts", "You can pass at most one discount."));
    }
    for discount in &given {
        if discount.has("coupon") == discount.has("promotion_code") {
            let message = "You must specify one of these parameters: coupon, promotion_code.";
            return Err(params.refuse("discounts", message));
        }
    }
    Ok(())
}

fn discounts(
    world: &World,
    params: &Params,
    session: &CheckoutSession,
) -> Result<Option<Vec<SessionDiscount>>, StripeError> {
    let Some(given) = params.list("discounts") else { return Ok(None) };
    let named = given.iter().map(|discount| {
        coupon::named(world, session, discount.text("coupon"), discount.text("promotion_code"))
    });
    Ok(Some(named.collect::<Result<_, _>>()?))
}

/// A subscription that begins before its anchor pays a part of its first period.
fn begin_early(session: &mut CheckoutSession, now: i64) {
    let Some(anchor) = sums::anchor(session) else { return };
    let prorates = session.hidden.passed_on["proration_behavior"] != "none";
    let amounts = sums::early_amounts(&session.hidden.lines, now, anchor, prorates);
    session.hidden.first_amounts = Some(amounts);
}

/// Something that is charged today has to be enough to be charged.
fn check_amount(session: &CheckoutSession) -> Result<(), StripeError> {
    let (Some(total), Some(currency)) = (session.amount_total, session.currency) else {
        return Ok(());
    };
    if total > AMOUNT_MAX {
        let message = format!(
            "The Checkout Session's total amount must be no more than {} {}.",
            currency.write(AMOUNT_MAX),
            currency.as_str()
        );
        return Err(StripeError::param("line_items", message).code("amount_too_large"));
    }
    let least = currency.least_charge();
    if session.mode == Mode::Payment && total > 0 && total < least {
        let message = format!(
            "The Checkout Session's total amount due must add up to at least {} {}.",
            currency.write(least),
            currency.as_str()
        );
        return Err(StripeError::param("line_items", message).code("amount_too_small"));
    }
    Ok(())
}
