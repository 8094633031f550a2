//! What a price costs and how often, as a call says it: checked whole before anything is made.

use crate::error::StripeError;
use crate::money::calendar::Unit;
use crate::money::currency::Currency;
use crate::money::price::Decimal;
use crate::object::Null;
use crate::object::price::{Recurring, Tier, TransformQuantity};
use crate::params::Params;

/// The longest interval: three years.
const INTERVAL_MAX: [(Unit, i64); 4] =
    [(Unit::Day, 1_095), (Unit::Week, 156), (Unit::Month, 36), (Unit::Year, 3)];
/// The longest trial of a price, in days.
const TRIAL_DAYS_MAX: i64 = 730;
/// What Stripe's prices can do beyond ours.
const ABSENT: [&str; 2] = ["currency_options", "custom_unit_amount"];

/// A price's terms.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) currency: Currency,
    pub(super) unit_amount: Option<i64>,
    pub(super) unit_amount_decimal: Option<String>,
    pub(super) tiers_mode: Option<&'static str>,
    pub(super) tiers: Vec<Tier>,
    pub(super) transform_quantity: Option<TransformQuantity>,
    pub(super) recurring: Option<Recurring>,
    pub(super) tax_behavior: &'static str,
}

/// Reads the terms of a new price.
pub(super) fn read(params: &Params) -> Result<Terms, StripeError> {
    if let Some(name) = ABSENT.iter().find(|name| params.has(name)) {
        return Err(params.refuse(name, format!("`{name}` is not part of the sandbox.")));
    }
    let currency = currency(params, "currency")?;
    let tiered = params.text("billing_scheme") == Some("tiered");
    let (tiers_mode, tiers) = if tiered { tiers(params)? } else { untiered(params)? };
    let amount = if tiered { no_amount(params)? } else { amount(params, "unit_amount")? };
    if !tiered && amount.1.is_none() {
        let message = "One of `unit_amount` and `unit_amount_decimal` is required, unless \
                       `billing_scheme` is `tiered`.";
        return Err(params.refuse("unit_amount", message).code("parameter_missing"));
    }
    Ok(Terms {
        currency,
        unit_amount: amount.0,
        unit_amount_decimal: amount.1,
        tiers_mode,
        tiers,
        transform_quantity: transform(params)?,
        recurring: params.sub("recurring").map(|given| recurring(&given)).transpose()?,
        tax_behavior: tax_behavior(params).unwrap_or("unspecified"),
    })
}

/// Reads a currency's code.
pub(super) fn currency(params: &Params, name: &str) -> Result<Currency, StripeError> {
    let code = params.need_text(name)?;
    Currency::parse(code).ok_or_else(|| {
        params.refuse(name, format!("Invalid currency: {code}. It is a three-letter ISO code."))
    })
}

/// Reads `tax_behavior`.
pub(super) fn tax_behavior(params: &Params) -> Option<&'static str> {
    match params.text("tax_behavior")? {
        "inclusive" => Some("inclusive"),
        "exclusive" => Some("exclusive"),
        _ => Some("unspecified"),
    }
}

type Amount = (Option<i64>, Option<String>);

/// Reads `{name}` or `{name}_decimal`, in minor units: the whole number, if it is one, and the
/// decimal.
fn amount(params: &Params, name: &str) -> Result<Amount, StripeError> {
    let decimal_name = format!("{name}_decimal");
    let text = match (params.int(name), params.decimal(&decimal_name)) {
        (Some(_), Some(_)) => {
            let message = format!("Only one of `{name}` and `{decimal_name}` can be given.");
            return Err(params.refuse(&decimal_name, message));
        }
        (Some(whole), None) => whole.to_string(),
        (None, Some(decimal)) => decimal,
        (None, None) => return Ok((None, None)),
    };
    let given = if params.has(name) { name } else { &decimal_name };
    let exact = Decimal::parse(&text).filter(|exact| *exact >= Decimal::whole(0));
    let exact = exact.ok_or_else(|| {
        let message = format!("Invalid amount: {text}. It is zero or more, of at most 12 digits.");
        params.refuse(given, message).code("parameter_invalid_integer")
    })?;
    Ok((exact.as_whole(), Some(exact.to_string())))
}

fn no_amount(params: &Params) -> Result<Amount, StripeError> {
    match ["unit_amount", "unit_amount_decimal"].iter().find(|name| params.has(name)) {
        Some(name) => {
            let message = format!("`{name}` cannot be given with `billing_scheme=tiered`.");
            Err(params.refuse(name, message))
        }
        None => Ok((None, None)),
    }
}

type Tiers = (Option<&'static str>, Vec<Tier>);

fn untiered(params: &Params) -> Result<Tiers, StripeError> {
    match ["tiers", "tiers_mode"].iter().find(|name| params.has(name)) {
        Some(name) => {
            let message = format!("`{name}` can only be given with `billing_scheme=tiered`.");
            Err(params.refuse(name, message))
        }
        None => Ok((None, Vec::new())),
    }
}

fn tiers(params: &Params) -> Result<Tiers, StripeError> {
    let mode = match params.text("tiers_mode") {
        Some("volume") => "volume",
        Some(_) => "graduated",
        None => return Err(params.missing("tiers_mode")),
    };
    let given = params.list("tiers").ok_or_else(|| params.missing("tiers"))?;
    let mut tiers: Vec<Tier> = Vec::with_capacity(given.len());
    for (place, tier) in given.iter().enumerate() {
        let last = place + 1 == given.len();
        let up_to = up_to(tier, last, tiers.last().and_then(|before| before.up_to))?;
        let (unit_amount, unit_amount_decimal) = amount(tier, "unit_amount")?;
        let (flat_amount, flat_amount_decimal) = amount(tier, "flat_amount")?;
        if unit_amount_decimal.is_none() && flat_amount_decimal.is_none() {
            let message = "A tier has a `unit_amount` or a `flat_amount`, or both.";
            return Err(tier.refuse("unit_amount", message));
        }
        tiers.push(Tier {
            flat_amount,
            flat_amount_decimal,
            unit_amount,
            unit_amount_decimal,
            up_to,
        });
    }
    Ok((Some(mode), tiers))
}

/// The last tier, and no other, reaches to `inf`.
fn up_to(tier: &Params, last: bool, before: Option<i64>) -> Result<Option<i64>, StripeError> {
    match (tier.int("up_to"), last) {
        (None, true) => Ok(None),
        (Some(_), true) => {
            Err(tier.refuse("up_to", "The last tier must have `up_to=inf`, to hold the rest."))
        }
        (Some(up_to), false) if up_to > before.unwrap_or(0) => Ok(Some(up_to)),
        _ => Err(tier.refuse("up_to", "Each tier must reach further than the one before it.")),
    }
}

fn transform(params: &Params) -> Result<Option<TransformQuantity>, StripeError> {
    let Some(given) = params.sub("transform_quantity") else { return Ok(None) };
    if params.has("tiers") {
        let message = "`transform_quantity` cannot be given with `tiers`.";
        return Err(params.refuse("transform_quantity", message));
    }
    let divide_by = given.need_int("divide_by")?;
    if divide_by < 1 {
        return Err(given.refuse("divide_by", "This value must be greater than or equal to 1."));
    }
    let round = if given.text("round") == Some("up") { "up" } else { "down" };
    Ok(Some(TransformQuantity { divide_by, round }))
}

fn recurring(given: &Params) -> Result<Recurring, StripeError> {
    if given.has("meter") || given.text("usage_type") == Some("metered") {
        let name = if given.has("meter") { "meter" } else { "usage_type" };
        return Err(given.refuse(name, "Billing by usage is not part of the sandbox."));
    }
    let interval = given.need_text("interval")?;
    let found = INTERVAL_MAX.into_iter().find(|(unit, _)| unit.as_str() == interval);
    let (interval, most) = found.ok_or_else(|| given.missing("interval"))?;
    let interval_count = given.int("interval_count").unwrap_or(1);
    if !(1..=most).contains(&interval_count) {
        let message = format!("An interval has 1 to {most} of `{}`.", interval.as_str());
        return Err(given.refuse("interval_count", message));
    }
    let trial_period_days = given.int("trial_period_days");
    if trial_period_days.is_some_and(|days| !(1..=TRIAL_DAYS_MAX).contains(&days)) {
        let message = format!("A trial takes between 1 and {TRIAL_DAYS_MAX} days.");
        return Err(given.refuse("trial_period_days", message));
    }
    Ok(Recurring {
        interval,
        interval_count,
        meter: Null,
        trial_period_days,
        usage_type: "licensed",
    })
}
