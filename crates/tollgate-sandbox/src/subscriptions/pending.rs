//! Pending updates: a change that is made only once its invoice is paid.
//!
//! <https://docs.stripe.com/billing/subscriptions/pending-updates-reference> (2026-11)

use super::apply::{self, put, settle};
use super::bill;
use super::change::Turn;
use super::debits;
use super::renew::{UNPAID_SECS, wake_next};
use crate::catalog::discounts;
use crate::error::StripeError;
use crate::invoices;
use crate::object::Id;
use crate::object::discount::Discount;
use crate::object::subscription::{Held, PendingUpdate, Subscription};
use crate::params::Params;
use crate::world::World;

/// What a pending update can hold, and what only concerns the call.
const TAKEN: [&str; 13] = [
    "add_invoice_items",
    "billing_cycle_anchor",
    "cancel_at_period_end",
    "discounts",
    "expand",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_from_plan",
];

/// Refuses a call that asks for a pending update of something it cannot hold.
pub(super) fn check(params: &Params, subscription: &Subscription) -> Result<(), StripeError> {
    if subscription.collection_method == "send_invoice" {
        let message = "`pending_if_incomplete` can only be used with \
                       `collection_method=charge_automatically`.";
        return Err(params.refuse("payment_behavior", message));
    }
    match params.names().find(|name| !TAKEN.contains(name)) {
        Some(name) => Err(params.refuse(
            name,
            format!("`{name}` cannot be changed with `payment_behavior=pending_if_incomplete`."),
        )),
        None => Ok(()),
    }
}

/// Bills a change without making it; if the invoice is paid at once, it is made, else it waits.
pub(super) fn attempt(world: &mut World, id: &Id, turn: Turn, off_session: bool) {
    let before = world.known::<Subscription>(id).clone();
    let bill = turn.bill(world);
    world.edit::<Subscription>(id, |subscription| subscription.hidden.quiet = true);
    let now = world.now_of(Some(&before.customer));
    let discounts = discounts::foresee(world, &turn.after, now);
    let invoice = bill::draft_only(world, id, &bill, discounts);
    let mut held = Held { invoice: invoice.clone(), after: turn.after };
    debits::billed(world, &held.after, &invoice, &bill.lines).note(&mut held.after);
    let update = describe(world, &before, &held);
    world.edit::<Subscription>(id, |subscription| {
        subscription.hidden.held = Some(Box::new(held));
        subscription.pending_update = Some(update);
    });
    // A decline leaves the change waiting: that is the answer, not an error.
    let _outcome = apply::collect(world, id, &invoice, true, off_session);
    settle(world, id, &before);
}

fn describe(world: &World, before: &Subscription, held: &Held) -> PendingUpdate {
    let after = &held.after;
    let now = world.now_of(Some(&before.customer));
    let (_, end) = before.period();
    PendingUpdate {
        billing_cycle_anchor: Some(after.billing_cycle_anchor)
            .filter(|anchor| *anchor != before.billing_cycle_anchor),
        cancel_at_period_end: Some(after.cancel_at_period_end)
            .filter(|flag| *flag != before.cancel_at_period_end),
        discount: crate::object::Null,
        discounts: Some(after.discounts.clone()).filter(|ids| *ids != before.discounts),
        expires_at: (now + UNPAID_SECS).min(end),
        metadata: Some(after.metadata.clone()).filter(|metadata| *metadata != before.metadata),
        subscription_items: Some(after.items.data.clone()),
        trial_end: after.trial_end.filter(|end| Some(*end) != before.trial_end),
        trial_from_plan: None,
    }
}

/// Says whether a pending update waits for this invoice.
pub(super) fn waits_for(subscription: &Subscription, invoice: &Id) -> bool {
    subscription.hidden.held.as_ref().is_some_and(|held| held.invoice == *invoice)
}

/// The invoice was paid: the change is made. What else has changed since stays.
pub(super) fn apply(world: &mut World, id: &Id) {
    let before = world.known::<Subscription>(id).clone();
    let (Some(held), Some(update)) = (&before.hidden.held, &before.pending_update) else { return };
    let mut after = before.clone();
    after.items = held.after.items.clone();
    after.billing_cycle_anchor = held.after.billing_cycle_anchor;
    after.billing_cycle_anchor_config = held.after.billing_cycle_anchor_config;
    after.hidden.used_discounts = held.after.hidden.used_discounts.clone();
    after.hidden.free_until = held.after.hidden.free_until;
    if update.trial_end.is_some() {
        after.status = held.after.status;
        after.trial_start = held.after.trial_start;
        after.trial_end = update.trial_end;
    }
    if update.cancel_at_period_end.is_some() {
        after.cancel_at = held.after.cancel_at;
        after.cancel_at_period_end = held.after.cancel_at_period_end;
        after.canceled_at = held.after.canceled_at;
    }
    after.discounts = update.discounts.clone().unwrap_or(after.discounts);
    drop_spent(world, &mut after);
    after.metadata = update.metadata.clone().unwrap_or(after.metadata);
    after.pending_update = None;
    after.hidden.held = None;
    let quiet = before.hidden.quiet;
    put(world, id, after);
    discounts::belong_to_subscription(world, id);
    if quiet {
        // The call that asked for the change tells of it.
        return;
    }
    settle(world, id, &before);
    world.emit::<Subscription>("customer.subscription.pending_update_applied", id);
}

/// Takes off the discounts that count once: the invoice has used them up.
fn drop_spent(world: &World, after: &mut Subscription) {
    let counts = |id: &Id| world.get::<Discount>(id).is_ok_and(|discount| !discount.over);
    after.discounts.retain(counts);
    for item in &mut after.items.data {
        item.discounts.retain(counts);
    }
}

/// The time to pay is over: the invoice is voided and the change forgotten.
pub(super) fn expire(world: &mut World, id: &Id) {
    withdraw(world, id);
}

/// Gives up a pending update, if there is one.
pub(super) fn withdraw(world: &mut World, id: &Id) {
    let held = world.known::<Subscription>(id).hidden.held.clone();
    let Some(held) = held else { return };
    discard(world, id);
    // It may have been voided or given up by hand.
    let _closed = invoices::void(world, &held.invoice);
    wake_next(world, id);
}

/// Forgets a pending update whose invoice will not be paid.
pub(super) fn discard(world: &mut World, id: &Id) {
    world.edit::<Subscription>(id, |subscription| {
        subscription.pending_update = None;
        subscription.hidden.held = None;
    });
    world.emit::<Subscription>("customer.subscription.pending_update_expired", id);
}
