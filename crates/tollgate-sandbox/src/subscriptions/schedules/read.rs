//! What calls say of the phases of a schedule.

use crate::catalog::discounts::{self, Purchase};
use crate::error::StripeError;
use crate::money::calendar::{Interval, Unit};
use crate::object::price::Price;
use crate::object::subscription::{Issuer, Subscription};
use crate::object::subscription_schedule::{
    DefaultSettings, InvoiceSettings, Phase, PhaseDiscount, PhaseItem,
};
use crate::object::{Empty, Id, Null, change_text, metadata};
use crate::params::Params;
use crate::world::World;

use super::super::items::{self, Sold};
use super::super::terms::{self, Prorations};

/// The most phases of a schedule.
const PHASES_MAX: usize = 10;
/// The most intervals of its price that a phase lasts for.
const ITERATIONS_MAX: i64 = 999;
/// What a phase of the sandbox cannot have.
const ABSENT: [&str; 8] = [
    "add_invoice_items",
    "application_fee_percent",
    "billing_thresholds",
    "default_tax_rates",
    "invoice_settings",
    "on_behalf_of",
    "transfer_data",
    "pause_schedules",
];

/// Whose phases they are, and from when.
pub(super) struct Frame<'a> {
    pub(super) customer: &'a Id,
    pub(super) start: i64,
    pub(super) now: i64,
    pub(super) flexible: bool,
}

/// Reads `phases`: each begins when the one before it ends.
pub(super) fn phases(
    world: &mut World,
    params: &Params,
    frame: &Frame<'_>,
) -> Result<Vec<Phase>, StripeError> {
    let given = params.list("phases").unwrap_or_default();
    if given.is_empty() {
        return Err(params.missing("phases"));
    }
    if given.len() > PHASES_MAX {
        let message = format!("A schedule can have at most {PHASES_MAX} phases.");
        return Err(params.refuse("phases", message));
    }
    let mut phases: Vec<Phase> = Vec::with_capacity(given.len());
    for (place, phase) in given.iter().enumerate() {
        let start = phases.last().map_or(frame.start, |phase| phase.end_date);
        let named = match phase.text("start_date") {
            Some("now") => Some(frame.now),
            _ => phase.int("start_date"),
        };
        if named.is_some_and(|named| named != start) {
            let message = "A phase begins when the one before it ends, and the first one when the \
                           schedule or its present phase does.";
            return Err(phase.refuse("start_date", message));
        }
        let last = place + 1 == given.len();
        phases.push(one(world, phase, frame, start, last)?);
    }
    Ok(phases)
}

fn one(
    world: &mut World,
    phase: &Params,
    frame: &Frame<'_>,
    start: i64,
    last: bool,
) -> Result<Phase, StripeError> {
    terms::refuse(phase, &ABSENT)?;
    let prices = prices(world, phase, frame)?;
    let interval = prices[0].0.interval();
    let end_date = end(phase, frame, start, (interval, last))?;
    let trial_end = match phase.text("trial_end") {
        Some("now") => Some(frame.now),
        _ => phase.int("trial_end").or((phase.flag("trial") == Some(true)).then_some(end_date)),
    };
    if trial_end.is_some_and(|trial| !(start..=end_date).contains(&trial)) {
        let message = "A trial must end within its phase.";
        return Err(phase.refuse("trial_end", message));
    }
    Ok(Phase {
        add_invoice_items: Empty,
        application_fee_percent: Null,
        billing_cycle_anchor: anchor(phase),
        billing_thresholds: Null,
        collection_method: collection_method(phase)?,
        currency: prices[0].0.currency,
        default_payment_method: terms::method(world, phase, frame.customer)?,
        default_tax_rates: Empty,
        description: phase.text("description").map(str::to_owned),
        discounts: read_discounts(world, phase, frame.customer)?,
        end_date,
        invoice_settings: Null,
        items: prices.into_iter().map(|(_, item)| item).collect(),
        metadata: metadata(phase),
        on_behalf_of: Null,
        proration_behavior: Prorations::read(phase).as_str(),
        start_date: start,
        transfer_data: Null,
        trial_end,
    })
}

fn prices(
    world: &mut World,
    phase: &Params,
    frame: &Frame<'_>,
) -> Result<Vec<(Price, PhaseItem)>, StripeError> {
    let given = phase.list("items").unwrap_or_default();
    if given.is_empty() {
        return Err(phase.missing("items"));
    }
    let mut prices = Vec::with_capacity(given.len());
    for item in &given {
        terms::refuse(item, &["discounts"])?;
        let new = items::read_item(world, item, frame.customer, Sold::Active)?;
        let id = new.price.id.clone();
        let item = PhaseItem {
            billing_thresholds: Null,
            discounts: Empty,
            metadata: new.metadata,
            plan: id.clone(),
            price: id,
            quantity: new.quantity,
            tax_rates: Empty,
        };
        prices.push((new.price, item));
    }
    let all: Vec<&Price> = prices.iter().map(|(price, _)| price).collect();
    items::check_together(&all, all[0].currency, frame.flexible)?;
    Ok(prices)
}

/// Reads when a phase ends; the last one lasts for one interval of its price if nothing is said.
/// Before `duration`, calls gave the number of such intervals.
fn end(
    phase: &Params,
    frame: &Frame<'_>,
    start: i64,
    (usual, last): (Option<Interval>, bool),
) -> Result<i64, StripeError> {
    for (one, other) in
        [("end_date", "duration"), ("end_date", "iterations"), ("duration", "iterations")]
    {
        if phase.has(one) && phase.has(other) {
            let message = format!("You may only specify one of `{one}` and `{other}`.");
            return Err(phase.refuse(other, message));
        }
    }
    let named = match phase.text("end_date") {
        Some("now") => Some(frame.now),
        _ => phase.int("end_date"),
    };
    let lasts = match (phase.sub("duration"), iterations(phase)?) {
        (Some(duration), _) => Some((interval(&duration)?, 1)),
        (None, Some(times)) => usual.map(|interval| (interval, times)),
        (None, None) => usual.filter(|_| last).map(|interval| (interval, 1)),
    };
    let end = named.or(lasts.map(|(interval, times)| interval.after(start, times)));
    match end {
        None => Err(phase.missing("end_date")),
        Some(end) if end < start || end == start && named != Some(frame.now) => {
            Err(phase.refuse("end_date", "A phase must end after it begins."))
        }
        Some(end) => Ok(end),
    }
}

fn iterations(phase: &Params) -> Result<Option<i64>, StripeError> {
    match phase.int("iterations") {
        Some(times) if !(1..=ITERATIONS_MAX).contains(&times) => {
            let message = format!("A phase lasts for one to {ITERATIONS_MAX} intervals.");
            Err(phase.refuse("iterations", message))
        }
        given => Ok(given),
    }
}

fn interval(duration: &Params) -> Result<Interval, StripeError> {
    let unit = Unit::parse(duration.need_text("interval")?);
    let count = duration.int("interval_count").unwrap_or(1);
    match (unit, u32::try_from(count)) {
        (Some(unit), Ok(count)) if count > 0 => Ok(Interval { unit, count }),
        _ => Err(duration.refuse("interval_count", "A phase lasts for at least one interval.")),
    }
}

fn anchor(params: &Params) -> Option<&'static str> {
    match params.text("billing_cycle_anchor")? {
        "phase_start" => Some("phase_start"),
        _ => Some("automatic"),
    }
}

fn collection_method(params: &Params) -> Result<Option<&'static str>, StripeError> {
    match params.text("collection_method") {
        Some("send_invoice") => {
            let message = "`send_invoice` is not part of the sandbox's schedules.";
            Err(params.refuse("collection_method", message))
        }
        Some(_) => Ok(Some("charge_automatically")),
        None => Ok(None),
    }
}

fn read_discounts(
    world: &World,
    phase: &Params,
    customer: &Id,
) -> Result<Vec<PhaseDiscount>, StripeError> {
    discounts::check(world, Purchase { customer: Some(customer), ..Purchase::default() }, phase)?;
    let given = phase.list("discounts").unwrap_or_default();
    let name = |one: &Params, name: &str| one.text(name).map(Id::from);
    let one = |one: &Params| PhaseDiscount {
        coupon: name(one, "coupon"),
        discount: name(one, "discount"),
        promotion_code: name(one, "promotion_code"),
    };
    Ok(given.iter().map(one).collect())
}

/// Returns the only phase of a schedule that is made from a subscription.
pub(super) fn of_subscription(subscription: &Subscription) -> Phase {
    let (start, end) = subscription.period();
    let item = |item: &crate::object::subscription_item::SubscriptionItem| PhaseItem {
        billing_thresholds: Null,
        discounts: Empty,
        metadata: item.metadata.clone(),
        plan: item.price.id.clone(),
        price: item.price.id.clone(),
        quantity: item.quantity,
        tax_rates: Empty,
    };
    let discount =
        |id: &Id| PhaseDiscount { coupon: None, discount: Some(id.clone()), promotion_code: None };
    Phase {
        add_invoice_items: Empty,
        application_fee_percent: Null,
        billing_cycle_anchor: None,
        billing_thresholds: Null,
        collection_method: None,
        currency: subscription.currency,
        default_payment_method: subscription.default_payment_method.clone(),
        default_tax_rates: Empty,
        description: subscription.description.clone(),
        discounts: subscription.discounts.iter().map(discount).collect(),
        end_date: end,
        invoice_settings: Null,
        items: subscription.items.data.iter().map(item).collect(),
        metadata: subscription.metadata.clone(),
        on_behalf_of: Null,
        proration_behavior: "create_prorations",
        start_date: start,
        transfer_data: Null,
        trial_end: subscription.trial_end.filter(|trial| *trial > start),
    }
}

/// Returns the default settings of a schedule before a call says anything of them.
pub(super) fn usual_settings() -> DefaultSettings {
    DefaultSettings {
        application_fee_percent: Null,
        billing_cycle_anchor: "automatic",
        billing_thresholds: Null,
        collection_method: "charge_automatically",
        default_payment_method: None,
        description: None,
        invoice_settings: InvoiceSettings {
            issuer: Issuer::default(),
            ..InvoiceSettings::default()
        },
        on_behalf_of: Null,
        transfer_data: Null,
    }
}

/// Reads `default_settings` as a change of what was before.
pub(super) fn settings(
    world: &mut World,
    params: &Params,
    customer: &Id,
    before: DefaultSettings,
) -> Result<DefaultSettings, StripeError> {
    let Some(given) = params.sub("default_settings") else { return Ok(before) };
    terms::refuse(&given, &ABSENT)?;
    collection_method(&given)?;
    let mut after = before;
    after.billing_cycle_anchor = anchor(&given).unwrap_or(after.billing_cycle_anchor);
    if let Some(method) = terms::method(world, &given, customer)? {
        after.default_payment_method = Some(method);
    }
    change_text(&mut after.description, &given, "description");
    Ok(after)
}

/// Reads `end_behavior`.
pub(super) fn end_behavior(
    params: &Params,
    before: &'static str,
) -> Result<&'static str, StripeError> {
    match params.text("end_behavior") {
        Some("cancel") => Ok("cancel"),
        Some("release") => Ok("release"),
        Some(other) => {
            let message = format!("`{other}` is not part of the sandbox.");
            Err(params.refuse("end_behavior", message))
        }
        None => Ok(before),
    }
}
