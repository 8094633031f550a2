//! Paused subscriptions: by a call, or because a trial ended without a payment method; and how
//! they go on.
//!
//! <https://docs.stripe.com/billing/subscriptions/pause> (2026-11)

use super::apply::{self, Payment, put, settle};
use super::bill::{self, Bill, Line};
use super::renew::UNPAID_SECS;
use super::terms::Prorations;
use super::update::open;
use super::{change, debits, entitlements_of};
use crate::error::StripeError;
use crate::invoices;
use crate::money::calendar::Cycle;
use crate::object::Id;
use crate::object::subscription::{Status, StatusDetails, Subscription};
use crate::params::Params;
use crate::world::{Call, Outcome, World};

/// A trial ended, and there is nothing to charge. `before` is what is told to have changed.
pub(super) fn after_trial(world: &mut World, id: &Id, before: &Subscription) {
    let now = world.now_of(Some(&before.customer));
    world.edit::<Subscription>(id, |subscription| {
        stop(subscription, "trial_end_without_payment_method", now);
        subscription.trial_end = Some(now);
    });
    world.tell_change("customer.subscription.updated", id, before);
    world.emit::<Subscription>("customer.subscription.paused", id);
    entitlements_of(world, id);
}

fn stop(subscription: &mut Subscription, reason: &'static str, now: i64) {
    subscription.status = Status::Paused;
    subscription.status_details = Some(StatusDetails { reason, transitioned_at: now });
}

/// `POST /v1/subscriptions/{id}/pause`.
pub(super) fn pause(world: &mut World, call: &Call) -> Outcome {
    let id = open(world, call.id())?;
    let before = world.known::<Subscription>(&id).clone();
    if !matches!(before.status, Status::Active | Status::Trialing | Status::PastDue) {
        let message =
            format!("This subscription is {} and cannot be paused.", before.status.as_str());
        return Err(StripeError::invalid(message));
    }
    let from = unused_from(&call.params);
    let now = world.now_of(Some(&before.customer));
    let at = match from {
        "item_current_period_start" => Some(before.period().0),
        "none" => None,
        _ => Some(now),
    };
    let lines = at.map(|at| change::credits(world, &before, at)).unwrap_or_default();
    let mut after = before.clone();
    debits::settle(&mut after, &lines);
    stop(&mut after, "pause_requested", now);
    put(world, &id, after);
    let after = world.known::<Subscription>(&id).clone();
    let lines: Vec<Line> =
        lines.iter().map(|line| bill::proration_line(world, &after, line)).collect();
    if call.params.text("invoicing_behavior") == Some("invoice") && !lines.is_empty() {
        let bill =
            Bill { lines, reason: "subscription_update", takes_pending: true, ..Bill::default() };
        let invoice = bill::draft(world, &id, &bill);
        // What is due beside the credit may be declined; it stays open then.
        let _outcome = apply::collect(world, &id, &invoice, true, true);
    } else {
        debits::keep_pending(world, &id, lines);
    }
    settle(world, &id, &before);
    world.emit::<Subscription>("customer.subscription.paused", &id);
    world.show::<Subscription>(&id)
}

fn unused_from(params: &Params) -> &'static str {
    let from = params.sub("bill_for").and_then(|given| given.sub("unused_time_from"));
    match from.as_ref().and_then(|from| from.text("type")) {
        Some("none") => "none",
        Some("item_current_period_start") => "item_current_period_start",
        _ => "now",
    }
}

/// A resumption, worked out.
pub(super) struct Resumption {
    pub(super) after: Subscription,
    /// What is billed at once.
    pub(super) bill: Option<Bill>,
    /// What waits for the next invoice.
    pub(super) waiting: Vec<Line>,
}

/// Works out how a paused subscription goes on.
pub(super) fn work_out(
    world: &World,
    before: &Subscription,
    anchor_now: bool,
    prorations: Prorations,
    at: i64,
    now: i64,
) -> Resumption {
    let mut after = before.clone();
    after.status = Status::Active;
    after.status_details = None;
    if anchor_now {
        after.billing_cycle_anchor = now;
        after.billing_cycle_anchor_config = None;
    }
    let anchor = after.billing_cycle_anchor;
    for item in &mut after.items.data {
        let Some(interval) = item.price.interval() else { continue };
        let whole = Cycle { anchor, interval }.period_containing(now);
        (item.current_period_start, item.current_period_end) = (whole.start, whole.end);
    }
    let lines = if anchor_now {
        bill::period_lines(world, &after, |_| true)
    } else if prorations == Prorations::None {
        Vec::new()
    } else {
        change::charges_from(world, &after, at)
    };
    let at_once = anchor_now || prorations == Prorations::Invoice;
    if !at_once || lines.is_empty() {
        return Resumption { after, bill: None, waiting: lines };
    }
    let bill = Bill {
        lines,
        reason: "subscription_update",
        takes_pending: true,
        proration_date: (!anchor_now).then_some(at),
        ..Bill::default()
    };
    Resumption { after, bill: Some(bill), waiting: Vec::new() }
}

/// `POST /v1/subscriptions/{id}/resume`.
pub(super) fn resume(world: &mut World, call: &Call) -> Outcome {
    let id = open(world, call.id())?;
    let before = world.known::<Subscription>(&id).clone();
    if before.status != Status::Paused {
        let message = format!(
            "This subscription is {}: only a paused subscription can be resumed.",
            before.status.as_str()
        );
        return Err(StripeError::invalid(message));
    }
    if before.hidden.resuming.is_some() {
        let message = "This subscription resumes as soon as its latest invoice is paid.";
        return Err(StripeError::invalid(message));
    }
    let params = &call.params;
    let now = world.now_of(Some(&before.customer));
    let anchor = params.sub("billing_cycle_anchor");
    let word = anchor
        .as_ref()
        .map_or_else(|| params.text("billing_cycle_anchor"), |anchor| anchor.text("type"));
    let at = params.int("proration_date").unwrap_or(now).min(now);
    let anchor_now = word != Some("unchanged");
    let resumption = work_out(world, &before, anchor_now, Prorations::read(params), at, now);
    let waits = params.text("payment_behavior") == Some("resume_on_payment_success");
    let payment = Payment::default();
    if resumption.bill.is_some() && before.collection_method == "charge_automatically" && !waits {
        apply::foresee(world, &resumption.after, payment)?;
    }
    carry_out(world, &before, resumption, waits, now);
    world.show::<Subscription>(&id)
}

fn carry_out(
    world: &mut World,
    before: &Subscription,
    resumption: Resumption,
    waits: bool,
    now: i64,
) {
    let id = before.id.clone();
    put(world, &id, resumption.after);
    debits::keep_pending(world, &id, resumption.waiting);
    let Some(bill) = resumption.bill else {
        settle(world, &id, before);
        world.emit::<Subscription>("customer.subscription.resumed", &id);
        return;
    };
    let invoice = bill::draft(world, &id, &bill);
    if waits {
        world.edit::<Subscription>(&id, |subscription| {
            subscription.status = Status::Paused;
            subscription.status_details = before.status_details;
            subscription.hidden.resuming = Some((invoice.clone(), now + UNPAID_SECS));
        });
    }
    // A decline leaves the subscription past due or paused: that is the answer, not an error.
    let _outcome = apply::collect(world, &id, &invoice, true, false);
    settle(world, &id, before);
    if world.known::<Subscription>(&id).status != Status::Paused {
        world.emit::<Subscription>("customer.subscription.resumed", &id);
    }
}

/// The invoice that a paused subscription waited for was paid.
pub(super) fn resumed(world: &mut World, id: &Id) {
    let quiet = world.known::<Subscription>(id).hidden.quiet;
    super::outcome::change(world, id, |subscription| {
        subscription.status = Status::Active;
        subscription.status_details = None;
        subscription.hidden.resuming = None;
    });
    if !quiet {
        world.emit::<Subscription>("customer.subscription.resumed", id);
    }
    super::renew::wake_next(world, id);
    entitlements_of(world, id);
}

/// The invoice was not paid in time: the subscription stays paused.
pub(super) fn give_up_resuming(world: &mut World, id: &Id) {
    let resuming = world.known::<Subscription>(id).hidden.resuming.clone();
    world.edit::<Subscription>(id, |subscription| subscription.hidden.resuming = None);
    if let Some((invoice, _)) = resuming {
        // One that was closed by hand stays as it is.
        let _closed = invoices::void(world, &invoice);
    }
}
