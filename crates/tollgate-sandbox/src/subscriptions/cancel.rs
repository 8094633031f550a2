//! How a subscription ends: now, at the end of its period, or at a moment that is set.

use super::bill::{self, Bill};
use super::{apply, change, entitlements_of, pending, schedules};
use crate::error::StripeError;
use crate::invoices;
use crate::object::subscription::{Status, Subscription};
use crate::object::{Id, change_text};
use crate::params::Params;
use crate::world::World;

/// When a subscription is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) at: Option<i64>,
    pub(super) at_period_end: bool,
}

impl Ending {
    /// Notes it in a subscription.
    pub(super) fn note(self, subscription: &mut Subscription, now: i64) {
        subscription.cancel_at = self.at;
        subscription.cancel_at_period_end = self.at_period_end;
        subscription.canceled_at = self.at.map(|_| now);
        subscription.cancellation_details.reason = self.at.map(|_| "cancellation_requested");
    }
}

/// Reads `cancel_at` and `cancel_at_period_end`; `None` where a call has neither.
pub(super) fn wanted(
    params: &Params,
    now: i64,
    subscription: &Subscription,
) -> Result<Option<Ending>, StripeError> {
    let at_period_end = params.flag("cancel_at_period_end");
    if at_period_end == Some(true) && params.has("cancel_at") {
        let message = "You may only set one of `cancel_at` and `cancel_at_period_end`.";
        return Err(params.refuse("cancel_at", message));
    }
    if at_period_end.is_none() && !params.has("cancel_at") && !params.cleared("cancel_at") {
        return Ok(None);
    }
    let ends = || subscription.items.data.iter().map(|item| item.current_period_end);
    let at = match (params.int("cancel_at"), params.text("cancel_at")) {
        (Some(at), _) if at <= now => {
            let message = "`cancel_at` must be in the future.";
            return Err(params.refuse("cancel_at", message));
        }
        (Some(at), _) => Some(at),
        (None, Some("max_period_end" | "max_billed_until")) => ends().max(),
        (None, Some(_)) => ends().min(),
        (None, None) => ends().min().filter(|_| at_period_end == Some(true)),
    };
    Ok(Some(Ending { at, at_period_end: at_period_end == Some(true) }))
}

/// Keeps what the customer said about leaving.
pub(super) fn note_details(subscription: &mut Subscription, params: &Params) {
    let Some(given) = params.sub("cancellation_details") else { return };
    change_text(&mut subscription.cancellation_details.comment, &given, "comment");
    change_text(&mut subscription.cancellation_details.feedback, &given, "feedback");
}

/// Ends a subscription whose time has come. What is pending goes on a last invoice.
pub(super) fn in_time(world: &mut World, id: &Id) {
    let customer = world.known::<Subscription>(id).customer.clone();
    if !invoices::pending(world, &customer, Some(id)).is_empty() {
        bill_last(world, id, "subscription_cycle");
    }
    now(world, id, Some("cancellation_requested"));
}

/// What a call may ask for when it ends a subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    /// What is pending goes on a last invoice.
    pub(super) invoice_now: bool,
    /// Unused time is given back.
    pub(super) prorate: bool,
}

/// Ends a subscription because a call says so.
pub(super) fn by_call(world: &mut World, id: &Id, last: Last) {
    if last.prorate {
        let subscription = world.known::<Subscription>(id);
        let now = world.now_of(Some(&subscription.customer));
        let lines = change::credits(world, subscription, now);
        apply::keep_pending(world, id, &lines);
    }
    let customer = world.known::<Subscription>(id).customer.clone();
    if last.invoice_now && !invoices::pending(world, &customer, Some(id)).is_empty() {
        bill_last(world, id, "subscription_update");
    }
    end(world, id, Some("cancellation_requested"), !last.prorate && !last.invoice_now);
}

fn bill_last(world: &mut World, id: &Id, reason: &'static str) {
    world.edit::<Subscription>(id, |subscription| subscription.hidden.quiet = true);
    let bill = Bill { reason, takes_pending: true, ..Bill::default() };
    let invoice = bill::draft(world, id, &bill);
    // A decline leaves the invoice open: the subscription ends all the same.
    let _outcome = apply::collect(world, id, &invoice, true, true);
    world.edit::<Subscription>(id, |subscription| subscription.hidden.quiet = false);
}

/// Cancels a subscription now (`customer.subscription.deleted`). Prorations that wait go, unless
/// they were put on a last invoice before.
pub(super) fn now(world: &mut World, id: &Id, reason: Option<&'static str>) {
    end(world, id, reason, true);
}

fn end(world: &mut World, id: &Id, reason: Option<&'static str>, drops: bool) {
    let Ok(subscription) = world.get::<Subscription>(id) else { return };
    if subscription.status.is_over() {
        return;
    }
    let customer = subscription.customer.clone();
    let now = world.now_of(Some(&customer));
    pending::withdraw(world, id);
    world.edit::<Subscription>(id, |subscription| {
        subscription.status = Status::Canceled;
        subscription.status_details = None;
        subscription.canceled_at.get_or_insert(now);
        subscription.ended_at = Some(now);
        subscription.hidden.resuming = None;
        let details = &mut subscription.cancellation_details;
        details.reason = details.reason.or(reason);
    });
    world.emit::<Subscription>("customer.subscription.deleted", id);
    if drops {
        invoices::drop_pending(world, &customer, id);
    }
    invoices::stop_collecting(world, id);
    schedules::subscription_ended(world, id);
    entitlements_of(world, id);
}
