//! How a subscription begins: what the call asks for, the first period, the first invoice.
//!
//! <https://docs.stripe.com/api/subscriptions/create> (2026-10-28.endive)

use super::apply::{self, Payment};
use super::bill::{self, Bill};
use super::cancel;
use super::items::{self, Extra, NewItem, Sold};
use super::renew::{can_be_billed, tell_short_trial, wake_next};
use super::terms::{self, Behavior, Collection, Prorations};
use super::update::read_flexible;
use crate::catalog::discounts::{self, Wanted};
use crate::error::StripeError;
use crate::money::calendar::{self, Cycle};
use crate::object::customer::Customer;
use crate::object::price::Price;
use crate::object::subscription::{
    AnchorConfig, AutomaticTax, BillingMode, CancellationDetails, Hidden, InvoiceSettings,
    PaymentSettings, Status, Subscription, TrialSettings,
};
use crate::object::{Empty, Id, List, Null, Object as _, metadata};
use crate::params::Params;
use crate::world::World;
use crate::{checkout, invoices, payments};

/// What a call asks for, checked against the world.
pub(super) struct Plan {
    customer: Id,
    items: Vec<NewItem>,
    extras: Vec<Extra>,
    discounts: Vec<Wanted>,
    now: i64,
    trial_end: Option<i64>,
    anchor: i64,
    anchor_config: Option<AnchorConfig>,
    mode: BillingMode,
    prorates: bool,
    collection: Collection,
    method: Option<Id>,
    payment: Payment,
}

/// Starts a subscription; see the room's `start`.
pub(super) fn start(
    world: &mut World,
    params: &Params,
    session: Option<&Id>,
    flexible: bool,
) -> Result<Id, StripeError> {
    let sold = if session.is_some() { Sold::Any } else { Sold::Active };
    let mut first = foreseen(world, params, flexible, sold)?;
    first.payment.off_session &= session.is_none();
    carry_out(world, first, session.map_or(By::Call, By::Session))
}

/// What starts a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By<'a> {
    Call,
    Session(&'a Id),
    Schedule,
}

fn carry_out(world: &mut World, first: First, by: By<'_>) -> Result<Id, StripeError> {
    let First { subscription, bill, made, payment } = first;
    if by == By::Call {
        foresee(world, &subscription, &bill, payment)
            .inspect_err(|_| discounts::unmake(world, &made))?;
    }
    let id = subscription.id.clone();
    world.add(subscription);
    discounts::belong_to_subscription(world, &id);
    let paid = match by {
        By::Session(session) => checkout::payment_of(world, session),
        By::Call | By::Schedule => None,
    };
    match paid {
        // A payment that settles later is taken for good until it has failed.
        Some(intent) => {
            let invoice = bill::draft(world, &id, &bill);
            invoices::finalize_paid_by(world, &invoice, &intent)?;
            activate(world, &id);
        }
        None if by == By::Schedule => bill_first(world, &id, &bill),
        None => collect_first(world, &id, &bill, payment),
    }
    if by == By::Call {
        ask_for_method(world, &id);
    }
    world.edit::<Subscription>(&id, |subscription| subscription.hidden.quiet = false);
    world.emit::<Subscription>("customer.subscription.created", &id);
    tell_short_trial(world, &id);
    wake_next(world, &id);
    super::entitlements_of(world, &id);
    Ok(id)
}

/// Starts the subscription of a schedule.
pub(super) fn start_scheduled(
    world: &mut World,
    params: &Params,
    schedule: &Id,
    flexible: bool,
) -> Result<Id, StripeError> {
    let mut first = foreseen(world, params, flexible, Sold::Active)?;
    first.subscription.schedule = Some(schedule.clone());
    carry_out(world, first, By::Schedule)
}

/// A subscription as it would begin.
pub(super) struct First {
    pub(super) subscription: Subscription,
    pub(super) bill: Bill,
    /// The discounts that it redeems, which are on nothing yet.
    pub(super) made: Vec<Id>,
    payment: Payment,
}

/// Works out a subscription and its first invoice, without making either.
pub(super) fn foreseen(
    world: &mut World,
    params: &Params,
    flexible: bool,
    sold: Sold,
) -> Result<First, StripeError> {
    let mut plan = check(world, params, flexible, sold)?;
    let mut extras = std::mem::take(&mut plan.extras);
    let payment = plan.payment;
    let mut made = Vec::new();
    let subscription =
        make(world, plan, params, &mut made).inspect_err(|_| discounts::unmake(world, &made))?;
    for extra in &mut extras {
        extra.redeem(world, &subscription.customer, &mut made);
    }
    let bill = first_bill(world, &subscription, &extras);
    Ok(First { subscription, bill, made, payment })
}

fn check(
    world: &mut World,
    params: &Params,
    flexible: bool,
    sold: Sold,
) -> Result<Plan, StripeError> {
    terms::refuse_absent(params)?;
    let name = params.need_text("customer")?;
    let customer = world.need::<Customer>(name, "customer")?.id.clone();
    let now = world.now_of(Some(&customer));
    let mode = billing_mode(params, flexible)?;
    let behavior = Behavior::read(params);
    if behavior == Behavior::Pending {
        let message = "`pending_if_incomplete` can only be used when updating a subscription.";
        return Err(params.refuse("payment_behavior", message));
    }
    let collection = terms::collection(params, ("charge_automatically", None))?;
    let items = items::read(world, params, &customer, mode.is_flexible(), sold)?;
    let currency = items[0].price.currency;
    let trial_end = trial_end(params, now, &items)?;
    let (anchor, anchor_config) = anchor(params, &items, now, trial_end)?;
    let extras = items::read_extras(world, params, &customer, currency, sold)?;
    let method = terms::method(world, params, &customer)?;
    let off_session = params.flag("off_session").unwrap_or(false);
    let amount = items.iter().map(NewItem::amount).chain(extras.iter().map(Extra::amount)).sum();
    let discounts = items::read_discounts(world, params, &customer, (amount, currency))?;
    Ok(Plan {
        discounts: discounts.unwrap_or_default(),
        customer,
        items,
        extras,
        now,
        trial_end,
        anchor,
        anchor_config,
        mode,
        prorates: Prorations::read(params) != Prorations::None,
        collection,
        method,
        payment: Payment { behavior, off_session, by_time: false },
    })
}

fn billing_mode(params: &Params, flexible: bool) -> Result<BillingMode, StripeError> {
    let Some(mode) = params.sub("billing_mode") else {
        return Ok(if flexible { BillingMode::FLEXIBLE } else { BillingMode::CLASSIC });
    };
    if mode.need_text("type")? == "classic" {
        return Ok(BillingMode::CLASSIC);
    }
    Ok(BillingMode { flexible: Some(read_flexible(&mode)?), ..BillingMode::FLEXIBLE })
}

fn trial_end(params: &Params, now: i64, items: &[NewItem]) -> Result<Option<i64>, StripeError> {
    if params.text("trial_end") == Some("now") {
        return Ok(None);
    }
    if let Some(end) = terms::trial_end(params, now)? {
        if params.has("trial_period_days") {
            let message = "You may only specify one of `trial_end` and `trial_period_days`.";
            return Err(params.refuse("trial_period_days", message));
        }
        return Ok(Some(end));
    }
    let of_price = items.iter().find_map(|item| item.price.recurring.as_ref()?.trial_period_days);
    terms::trial_days(params, now, of_price)
}

fn anchor(
    params: &Params,
    items: &[NewItem],
    now: i64,
    trial_end: Option<i64>,
) -> Result<(i64, Option<AnchorConfig>), StripeError> {
    let from = trial_end.unwrap_or(now);
    let intervals = || items.iter().filter_map(|item| item.price.interval());
    if let Some(config) = params.sub("billing_cycle_anchor_config") {
        if params.has("billing_cycle_anchor") {
            let message = "You may only specify one of `billing_cycle_anchor` and \
                           `billing_cycle_anchor_config`.";
            return Err(params.refuse("billing_cycle_anchor_config", message));
        }
        let config = anchor_config(&config)?;
        let wanted = calendar::AnchorConfig {
            day_of_month: config.day_of_month,
            month: config.month,
            hour: config.hour,
            minute: config.minute,
            second: config.second,
        };
        let interval = intervals().next().expect("only recurring prices are taken");
        return Ok((wanted.anchor(from, interval), Some(config)));
    }
    let Some(anchor) = params.int("billing_cycle_anchor") else { return Ok((from, None)) };
    let natural = intervals().map(|interval| interval.after(from, 1)).max().unwrap_or(from);
    if anchor < from {
        let message = "billing_cycle_anchor must be now or later, and not before the trial ends.";
        return Err(params.refuse("billing_cycle_anchor", message));
    }
    if anchor > natural {
        let message = "billing_cycle_anchor cannot be later than the next natural billing date.";
        return Err(params.refuse("billing_cycle_anchor", message));
    }
    Ok((anchor, None))
}

fn anchor_config(config: &Params) -> Result<AnchorConfig, StripeError> {
    let part = |name: &str, from: i64, to: i64| match config.int(name) {
        Some(value) if !(from..=to).contains(&value) => {
            Err(config.refuse(name, format!("This value must be between {from} and {to}.")))
        }
        value => Ok(value),
    };
    config.need_int("day_of_month")?;
    Ok(AnchorConfig {
        day_of_month: part("day_of_month", 1, 31)?.unwrap_or(1),
        hour: part("hour", 0, 23)?,
        minute: part("minute", 0, 59)?,
        month: part("month", 1, 12)?,
        second: part("second", 0, 59)?,
    })
}

/// The first period runs to the end of the trial, or to the anchor where that is in the future.
fn first_period(price: &Price, now: i64, anchor: i64, trial_end: Option<i64>) -> (i64, i64) {
    if let Some(end) = trial_end {
        return (now, end);
    }
    let interval = price.interval().expect("only recurring prices are taken");
    (now, Cycle { anchor, interval }.next_after(now))
}

/// What a call says of how it is paid and taxed.
struct Settings {
    payment_settings: PaymentSettings,
    trial_settings: TrialSettings,
    automatic_tax: AutomaticTax,
}

fn settings(params: &Params) -> Result<Settings, StripeError> {
    let mut payment_settings =
        PaymentSettings { save_default_payment_method: Some("off"), ..PaymentSettings::default() };
    terms::payment_settings(params, &mut payment_settings);
    let mut trial_settings = terms::usual_trial_settings();
    terms::trial_settings(params, &mut trial_settings)?;
    let mut automatic_tax = AutomaticTax::default();
    terms::automatic_tax(params, &mut automatic_tax);
    Ok(Settings { payment_settings, trial_settings, automatic_tax })
}

fn make(
    world: &mut World,
    plan: Plan,
    params: &Params,
    made: &mut Vec<Id>,
) -> Result<Subscription, StripeError> {
    let id = world.new_id(Subscription::PREFIX);
    let (now, anchor, trial_end) = (plan.now, plan.anchor, plan.trial_end);
    let currency = plan.items[0].price.currency;
    let mut items = Vec::with_capacity(plan.items.len());
    for item in plan.items {
        let period = first_period(&item.price, now, anchor, trial_end);
        let own = items::redeem(world, &plan.customer, &item.discounts, made);
        items.push(items::make(world, &id, item, own, now, period));
    }
    let Settings { payment_settings, trial_settings, automatic_tax } = settings(params)?;
    let free = !plan.prorates && anchor > trial_end.unwrap_or(now);
    let discounts = items::redeem(world, &plan.customer, &plan.discounts, made);
    let test_clock = world.clock_of(Some(&plan.customer));
    let mut subscription = Subscription {
        id: id.clone(),
        object: Subscription::NAME,
        application: Null,
        application_fee_percent: Null,
        automatic_tax,
        billing_cycle_anchor: anchor,
        billing_cycle_anchor_config: plan.anchor_config,
        billing_mode: plan.mode,
        billing_schedules: Empty,
        billing_thresholds: Null,
        cancel_at: None,
        cancel_at_period_end: false,
        canceled_at: None,
        cancellation_details: CancellationDetails::default(),
        collection_method: plan.collection.0,
        created: now,
        currency,
        customer: plan.customer,
        customer_account: Null,
        days_until_due: plan.collection.1,
        default_payment_method: plan.method,
        default_source: Null,
        default_tax_rates: Empty,
        description: params.text("description").map(str::to_owned),
        discounts,
        ended_at: None,
        invoice_settings: InvoiceSettings::default(),
        items: List { data: items, url: format!("/v1/subscription_items?subscription={id}") },
        latest_invoice: None,
        livemode: false,
        managed_payments: Null,
        metadata: metadata(params),
        next_pending_invoice_item_invoice: Null,
        on_behalf_of: Null,
        pause_collection: None,
        payment_settings,
        pending_invoice_item_interval: Null,
        pending_setup_intent: None,
        pending_update: None,
        schedule: None,
        start_date: now,
        status: if trial_end.is_some() { Status::Trialing } else { Status::Incomplete },
        status_details: None,
        test_clock,
        transfer_data: Null,
        trial_end,
        trial_settings,
        trial_start: trial_end.map(|_| now),
        hidden: Hidden { quiet: true, free_until: free.then_some(anchor), ..Hidden::default() },
    };
    if let Some(ending) = cancel::wanted(params, now, &subscription)? {
        ending.note(&mut subscription, now);
    }
    Ok(subscription)
}

/// Returns the first invoice; flexible billing leaves out what is billed by usage.
fn first_bill(world: &World, subscription: &Subscription, extras: &[Extra]) -> Bill {
    let flexible = subscription.billing_mode.is_flexible();
    let mut lines =
        bill::period_lines(world, subscription, |item| !(flexible && item.price.is_metered()));
    lines.extend(extras.iter().map(|extra| extra.line(world, subscription).into()));
    Bill { lines, reason: "subscription_create", takes_pending: true, ..Bill::default() }
}

/// Nothing may be left of a subscription that must not begin unpaid, so its charge is looked at
/// before anything is made.
fn foresee(
    world: &World,
    subscription: &Subscription,
    bill: &Bill,
    payment: Payment,
) -> Result<(), StripeError> {
    let now = subscription.created;
    let discounts = discounts::foresee(world, subscription, now);
    let draft = bill::describe_draft(subscription, discounts, bill);
    let due = || invoices::preview(world, &draft)["amount_due"].as_i64().unwrap_or(0);
    if subscription.collection_method == "charge_automatically" && due() > 0 {
        return apply::foresee(world, subscription, payment);
    }
    Ok(())
}

/// Makes the first invoice of a schedule's subscription: like a renewal's it stays a draft for an
/// hour, and nobody has to have a payment method before.
fn bill_first(world: &mut World, id: &Id, bill: &Bill) {
    if !bill.lines.is_empty() {
        bill::draft(world, id, bill);
    }
    activate(world, id);
}

/// Makes the first invoice, finalizes it, and charges it as `payment_behavior` says.
fn collect_first(world: &mut World, id: &Id, bill: &Bill, payment: Payment) {
    let charged = world.known::<Subscription>(id).collection_method == "charge_automatically";
    if bill.lines.is_empty() {
        return activate(world, id);
    }
    let invoice = bill::draft(world, id, bill);
    if !charged {
        return activate(world, id);
    }
    let pays = payment.behavior != Behavior::Default;
    // A decline leaves the subscription incomplete: that is the answer, not an error.
    let _outcome = apply::collect(world, id, &invoice, pays, payment.off_session);
}

/// Nothing is due yet, and there is nothing to charge later: a setup intent asks for a method.
fn ask_for_method(world: &mut World, id: &Id) {
    let subscription = world.known::<Subscription>(id);
    if subscription.status == Status::Incomplete || can_be_billed(world, subscription) {
        return;
    }
    let customer = subscription.customer.clone();
    let intent = payments::set_up(world, &customer);
    world.edit::<Subscription>(id, |subscription| {
        subscription.pending_setup_intent = Some(intent);
    });
}

fn activate(world: &mut World, id: &Id) {
    world.edit::<Subscription>(id, |subscription| {
        if subscription.status == Status::Incomplete {
            subscription.status = Status::Active;
        }
    });
}
