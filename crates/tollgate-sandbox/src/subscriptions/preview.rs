//! `POST /v1/invoices/create_preview`: the invoice that a change would bring, or that comes next.
//! It is worked out by what makes the real one, so that both agree.
//!
//! <https://docs.stripe.com/api/invoices/create_preview> (2026-10-28.endive)

use serde_json::{Map, Value, json};

use super::bill::{self, Bill, Line};
use super::change::{self, Turn};
use super::items::Sold;
use super::renew::{can_be_billed, next_period};
use super::terms::{self, Prorations};
use super::wish::{self, TrialWish};
use super::{pauses, start};
use crate::catalog::discounts;
use crate::error::StripeError;
use crate::invoices::{self, Draft, NewLine};
use crate::money::currency::Currency;
use crate::money::proration::ProrationLine;
use crate::object::customer::Customer;
use crate::object::price::Price;
use crate::object::subscription::{Status, Subscription};
use crate::object::{Id, Metadata, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, World};

/// What a preview of the sandbox cannot show.
const ABSENT: [&str; 5] =
    ["schedule", "schedule_details", "customer_account", "on_behalf_of", "customer_details"];
/// The same, of `subscription_details`.
const ABSENT_DETAILS: [&str; 3] = ["billing_schedules", "default_tax_rates", "start_date"];
/// The most `invoice_items`.
const ITEMS_MAX: usize = 250;

/// An invoice to be shown: whose, and for which subscription as it would be by then.
struct Shown {
    subscription: Subscription,
    bill: Bill,
    /// When it would be made.
    at: i64,
}

pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse(params, &ABSENT)?;
    let details = params.sub("subscription_details");
    let details = details.unwrap_or_else(|| Params::from_value(Value::Null));
    terms::refuse(&details, &ABSENT_DETAILS)?;
    let mut made = Vec::new();
    let shown = match params.text("subscription") {
        Some(id) => {
            let found = existing(world, params, id)?;
            of_existing(world, params, &details, &found, &mut made)
        }
        None if details.has("items") => {
            let flexible = super::flexible_by_default(call.version.as_ref());
            of_new(world, params, &details, flexible, &mut made)
        }
        None => return of_customer(world, params),
    };
    let answer = shown.and_then(|shown| show(world, params, shown));
    discounts::unmake(world, &made);
    answer
}

fn existing(world: &World, params: &Params, id: &str) -> Result<Subscription, StripeError> {
    let found = world.need::<Subscription>(id, "subscription")?;
    if params.text("customer").is_some_and(|customer| *customer != *found.customer) {
        let message = format!("The subscription '{id}' belongs to another customer.");
        return Err(params.refuse("customer", message));
    }
    if found.status.is_over() {
        return Err(none());
    }
    Ok(found.clone())
}

/// The refusal to show an invoice that will not come.
fn none() -> StripeError {
    StripeError::invalid("No upcoming invoices for this customer.")
        .code("invoice_upcoming_none")
        .status(404)
}

fn show(world: &mut World, params: &Params, shown: Shown) -> Outcome {
    let Shown { subscription, mut bill, at } = shown;
    let extra = extra_lines(world, params, subscription.currency)?;
    let own = extra
        .into_iter()
        .map(|line| NewLine { subscription: Some(subscription.id.clone()), ..line });
    bill.lines.extend(own.map(Line::from));
    bill.reason = "upcoming";
    let discounts = discounts::foresee(world, &subscription, at);
    let draft = bill::describe_draft(&subscription, discounts, &bill);
    Ok(invoices::preview(world, &draft))
}

fn of_existing(
    world: &mut World,
    params: &Params,
    details: &Params,
    found: &Subscription,
    made: &mut Vec<Id>,
) -> Result<Shown, StripeError> {
    let now = world.now_of(Some(&found.customer));
    if details.flag("cancel_now") == Some(true) {
        return cancellation(world, details, found, now);
    }
    if details.has("resume_at") {
        return resumption(world, details, found, now);
    }
    terms::refuse(details, &["pause"])?;
    let mut wish = wish::read(world, details, found)?;
    wish.discounts = wish::read_discounts(world, params, found, &wish)?;
    if wish.trial == Some(TrialWish::EndNow) && ends_without_bill(world, found) {
        return Err(none());
    }
    let turn = change::work_out(world, found, wish, now);
    made.extend(turn.made.iter().cloned());
    if params.text("preview_mode") == Some("recurring") {
        return Ok(recurring(world, turn, now));
    }
    if turn.bills {
        let bill = turn.bill(world);
        return Ok(Shown { subscription: turn.after, bill, at: now });
    }
    next(world, &turn)
}

/// Says whether the end of the trial brings no invoice, for want of a payment method.
fn ends_without_bill(world: &World, subscription: &Subscription) -> bool {
    subscription.status == Status::Trialing
        && subscription.trial_settings.end_behavior.missing_payment_method != "create_invoice"
        && !can_be_billed(world, subscription)
}

/// Returns the next invoice, with what the change leaves for it.
fn next(world: &World, turn: &Turn) -> Result<Shown, StripeError> {
    let subscription = &turn.after;
    let mut waiting = turn.proration_lines(world);
    waiting.extend(turn.extra_lines(world));
    waiting.reverse();
    let pending = invoices::pending(world, &subscription.customer, Some(&subscription.id));
    let (_, end) = subscription.period();
    let ends = subscription.cancel_at.filter(|at| *at <= end);
    let stands = matches!(subscription.status, Status::Paused | Status::Incomplete);
    if stands || ends.is_some() && waiting.is_empty() && pending.is_empty() {
        return Err(none());
    }
    if let Some(at) = ends {
        let bill = Bill { lines: waiting, takes_pending: true, ..Bill::default() };
        return Ok(Shown { subscription: subscription.clone(), bill, at });
    }
    if ends_without_bill(world, subscription) {
        return Err(none());
    }
    let mut next = next_period(world, subscription, end);
    waiting.append(&mut next.bill.lines);
    next.bill.lines = waiting;
    let proration = turn.lines.iter().any(ProrationLine::is_proration);
    next.bill.proration_date = proration.then_some(turn.at);
    Ok(Shown { subscription: next.after, bill: next.bill, at: end })
}

/// Returns what every later period costs, without anything that comes once.
fn recurring(world: &World, turn: Turn, now: i64) -> Shown {
    let mut after = turn.after;
    if after.status == Status::Trialing {
        after.status = Status::Active;
    }
    let lines = bill::whole_lines(world, &after);
    let bill = Bill { lines, takes_pending: false, ..Bill::default() };
    Shown { subscription: after, bill, at: now }
}

fn cancellation(
    world: &World,
    details: &Params,
    found: &Subscription,
    now: i64,
) -> Result<Shown, StripeError> {
    let at = details.int("proration_date").unwrap_or(now);
    let credits = match Prorations::read(details) {
        Prorations::None => Vec::new(),
        _ => change::credits(world, found, at),
    };
    let lines: Vec<Line> =
        credits.iter().map(|line| bill::proration_line(world, found, line)).collect();
    let pending = invoices::pending(world, &found.customer, Some(&found.id));
    if lines.is_empty() && pending.is_empty() {
        return Err(none());
    }
    let bill = Bill { lines, takes_pending: true, ..Bill::default() };
    Ok(Shown { subscription: found.clone(), bill, at: now })
}

fn resumption(
    world: &World,
    details: &Params,
    found: &Subscription,
    now: i64,
) -> Result<Shown, StripeError> {
    if found.status != Status::Paused {
        let message = "Only a paused subscription can be resumed.";
        return Err(details.refuse("resume_at", message));
    }
    let anchor = details.sub("billing_cycle_anchor");
    let keeps = anchor.is_some_and(|anchor| anchor.text("type") == Some("unchanged"));
    let at = details.int("proration_date").unwrap_or(now);
    let resumption = pauses::work_out(world, found, !keeps, Prorations::read(details), at, now);
    let Some(bill) = resumption.bill else { return Err(none()) };
    Ok(Shown { subscription: resumption.after, bill, at: now })
}

/// What `subscription_details` and the creation of a subscription both have.
const SHARED: [&str; 8] = [
    "billing_mode",
    "cancel_at",
    "cancel_at_period_end",
    "items",
    "metadata",
    "proration_behavior",
    "trial_end",
    "billing_cycle_anchor",
];

fn of_new(
    world: &mut World,
    params: &Params,
    details: &Params,
    flexible: bool,
    made: &mut Vec<Id>,
) -> Result<Shown, StripeError> {
    let mut wanted = Map::new();
    for name in SHARED {
        if let Some(value) = details.value(name) {
            wanted.insert(name.to_owned(), value.clone());
        }
    }
    match details.sub("billing_cycle_anchor") {
        Some(anchor) if anchor.text("type") == Some("timestamp") => {
            wanted.insert("billing_cycle_anchor".to_owned(), json!(anchor.need_int("timestamp")?));
        }
        _ => {
            wanted.remove("billing_cycle_anchor");
        }
    }
    let customer = params.need_text("customer")?;
    wanted.insert("customer".to_owned(), json!(customer));
    if let Some(given) = params.value("discounts") {
        wanted.insert("discounts".to_owned(), given.clone());
    }
    let wanted = Params::from_value(Value::Object(wanted));
    let first = start::foreseen(world, &wanted, flexible, Sold::Active).map_err(of_details)?;
    made.extend(first.made);
    if first.bill.lines.is_empty() {
        return Err(none());
    }
    let at = first.subscription.created;
    Ok(Shown { subscription: first.subscription, bill: first.bill, at })
}

/// Names a parameter as the caller did: `subscription_details[items][0][price]`.
fn of_details(error: StripeError) -> StripeError {
    let param = error.text("param");
    if param.is_empty() || param == "customer" || param.starts_with("discounts") {
        return error;
    }
    let (first, rest) = param.split_at(param.find('[').unwrap_or(param.len()));
    let full = format!("subscription_details[{first}]{rest}");
    error.with("param", full)
}

/// Shows what waits for a customer, and what the call adds to it.
fn of_customer(world: &mut World, params: &Params) -> Outcome {
    let name = params.need_text("customer")?;
    let found = world.need::<Customer>(name, "customer")?;
    let (customer, own) = (found.id.clone(), found.currency);
    let named = params.text("currency").and_then(Currency::parse);
    let Some(currency) = named.or(own) else { return Err(params.missing("currency")) };
    let lines = extra_lines(world, params, currency)?;
    if lines.is_empty() && invoices::pending(world, &customer, None).is_empty() {
        return Err(none());
    }
    Ok(invoices::preview(
        world,
        &Draft {
            customer,
            subscription: None,
            currency,
            billing_reason: "upcoming",
            collection_method: "charge_automatically",
            days_until_due: None,
            default_payment_method: None,
            description: None,
            lines,
            takes_pending_items: true,
            discounts: Vec::new(),
            auto_advance: true,
            metadata: Metadata::new(),
            subscription_metadata: Metadata::new(),
            proration_date: None,
            period: None,
        },
    ))
}

/// Reads `invoice_items`: what the invoice would have besides.
fn extra_lines(
    world: &World,
    params: &Params,
    currency: Currency,
) -> Result<Vec<NewLine>, StripeError> {
    let given = params.list("invoice_items").unwrap_or_default();
    if given.len() > ITEMS_MAX {
        let message = format!("At most {ITEMS_MAX} invoice items can be previewed.");
        return Err(params.refuse("invoice_items", message));
    }
    given.iter().map(|item| extra_line(world, item, currency)).collect()
}

fn extra_line(world: &World, item: &Params, currency: Currency) -> Result<NewLine, StripeError> {
    terms::refuse(item, &["discounts", "invoiceitem", "price_data", "tax_rates", "tax_code"])?;
    terms::refuse(item, &["quantity_decimal", "unit_amount_decimal"])?;
    if item.text("currency").is_some_and(|given| given != currency.as_str()) {
        let message = "An invoice has one currency.";
        return Err(item.refuse("currency", message));
    }
    let quantity = item.int("quantity").unwrap_or(1);
    let price = match item.text("price") {
        Some(id) => Some(world.need::<Price>(id, &item.path("price"))?),
        None => None,
    };
    let amount = match (item.int("amount"), price, item.int("unit_amount")) {
        (Some(amount), _, _) => amount,
        (None, Some(price), _) => price.amount(quantity),
        (None, None, Some(unit)) => unit.saturating_mul(quantity),
        (None, None, None) => return Err(item.missing("amount")),
    };
    let period = item.sub("period");
    let now = world.now();
    Ok(NewLine {
        amount,
        description: item
            .text("description")
            .map(str::to_owned)
            .or_else(|| price.map(|price| bill::product_name(world, &price.product))),
        price: price.map(|price| price.id.clone()),
        quantity: Some(quantity),
        period: period.map_or((now, now), |period| {
            (period.int("start").unwrap_or(now), period.int("end").unwrap_or(now))
        }),
        subscription: None,
        subscription_item: None,
        proration: false,
        credited: None,
        discountable: item.flag("discountable").unwrap_or(true),
        discounts: Vec::new(),
        metadata: metadata(item),
    })
}
