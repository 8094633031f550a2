//! What the fate of an invoice means for its subscription.
//!
//! <https://docs.stripe.com/billing/subscriptions/overview> (2026-11)

use super::{cancel, entitlements_of, pauses, pending};
use crate::invoices;
use crate::object::Id;
use crate::object::subscription::{Status, Subscription};
use crate::world::{AfterLastRetry, World};

/// An invoice was paid. If it is the latest one, the subscription is active again, or for the
/// first time.
pub(super) fn paid(world: &mut World, id: &Id, invoice: &Id) {
    let Ok(subscription) = world.get::<Subscription>(id) else { return };
    if pending::waits_for(subscription, invoice) {
        keep_method(world, id, invoice);
        return pending::apply(world, id);
    }
    if subscription.hidden.resuming.as_ref().is_some_and(|(waited, _)| waited == invoice) {
        keep_method(world, id, invoice);
        return pauses::resumed(world, id);
    }
    let latest = subscription.latest_invoice.as_ref() == Some(invoice);
    let owes = matches!(subscription.status, Status::Incomplete | Status::PastDue | Status::Unpaid);
    if latest && owes {
        change(world, id, |subscription| subscription.status = Status::Active);
    }
    keep_method(world, id, invoice);
    super::renew::wake_next(world, id);
    entitlements_of(world, id);
}

/// Changes a subscription, and tells of it unless a call that does more is under way.
pub(super) fn change(world: &mut World, id: &Id, change: impl FnOnce(&mut Subscription)) {
    if world.known::<Subscription>(id).hidden.quiet {
        world.edit::<Subscription>(id, change);
    } else {
        world.update::<Subscription>(id, "customer.subscription.updated", change);
    }
}

/// The method that paid becomes the subscription's own, where it was asked to.
fn keep_method(world: &mut World, id: &Id, invoice: &Id) {
    let subscription = world.known::<Subscription>(id);
    let keeps =
        subscription.payment_settings.save_default_payment_method == Some("on_subscription");
    if !keeps || subscription.status.is_over() {
        return;
    }
    let Some(method) = invoices::paid_with(world, invoice) else { return };
    change(world, id, |subscription| {
        subscription.default_payment_method = Some(method);
    });
}

/// Collecting an invoice failed; after the last retry the account's settings decide.
pub(super) fn failed(world: &mut World, id: &Id, invoice: &Id, last: bool) {
    let Ok(subscription) = world.get::<Subscription>(id) else { return };
    if pending::waits_for(subscription, invoice) {
        return;
    }
    match subscription.status {
        Status::Active | Status::Trialing => set(world, id, Status::PastDue),
        Status::PastDue | Status::Unpaid => {}
        _ => return,
    }
    if !last {
        return;
    }
    match world.settings.after_last_retry {
        AfterLastRetry::Cancel => cancel::now(world, id, Some("payment_failed")),
        AfterLastRetry::Unpaid => set(world, id, Status::Unpaid),
        AfterLastRetry::Leave => {}
    }
}

/// An invoice was voided or given up. A subscription whose latest invoice is void owes nothing.
pub(super) fn closed(world: &mut World, id: &Id, invoice: &Id) {
    let Ok(subscription) = world.get::<Subscription>(id) else { return };
    let void = invoices::is_void(world, invoice);
    if pending::waits_for(subscription, invoice) {
        if void {
            pending::discard(world, id);
        }
        return;
    }
    let latest = subscription.latest_invoice.as_ref() == Some(invoice);
    if latest && void && subscription.status == Status::PastDue {
        set(world, id, Status::Active);
    }
}

fn set(world: &mut World, id: &Id, status: Status) {
    change(world, id, |subscription| subscription.status = status);
    entitlements_of(world, id);
}
