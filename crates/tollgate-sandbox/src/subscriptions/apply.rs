//! How a worked-out change comes true: pending items or an invoice, its payment, and the one event
//! that tells of the subscription.

use super::bill::{self, Bill, Line};
use super::change::Turn;
use super::renew::{close_held, tell_early_end, tell_short_trial, wake_next};
use super::terms::Behavior;
use super::{debits, entitlements_of, pending};
use crate::catalog::discounts;
use crate::error::StripeError;
use crate::invoices;
use crate::money::proration::ProrationLine;
use crate::object::Id;
use crate::object::subscription::{Status, Subscription};
use crate::payments::{self, Progress};
use crate::world::World;

/// How a change is paid.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Payment {
    pub(super) behavior: Behavior,
    pub(super) off_session: bool,
    /// Nobody asked: what cannot be charged is left unpaid.
    pub(super) by_time: bool,
}

/// Makes a change so. `settings` are what the call changes beside it. Where the payment must
/// succeed and would not, nothing has happened.
pub(super) fn make(
    world: &mut World,
    id: &Id,
    turn: Turn,
    payment: Payment,
    settings: impl FnOnce(&mut Subscription),
) -> Result<(), StripeError> {
    let mut turn = turn;
    settings(&mut turn.after);
    let charged = turn.after.collection_method == "charge_automatically"
        && turn.after.pause_collection.is_none();
    if amount_due(world, &turn) > 0 && charged {
        foresee(world, &turn.after, payment)
            .inspect_err(|_| discounts::unmake(world, &turn.made))?;
    }
    if turn.supersedes {
        pending::withdraw(world, id);
        turn.after.pending_update = None;
        turn.after.hidden.held = None;
    }
    // A pending update that was withdrawn may have given credit back.
    let due = amount_due(world, &turn);
    if payment.behavior == Behavior::Pending && due > 0 && charged {
        pending::attempt(world, id, turn, payment.off_session);
        return Ok(());
    }
    let before = world.known::<Subscription>(id).clone();
    put(world, id, turn.after.clone());
    discounts::belong_to_subscription(world, id);
    if turn.bills {
        let bill = turn.bill(world);
        let held = turn.after.pause_collection.map(|pause| pause.behavior);
        let invoice = bill::draft(world, id, &bill);
        close_held(world, &invoice, held);
        if held.is_none() && charged {
            let pays = payment.behavior != Behavior::Default;
            // A decline leaves the subscription past due: that is the answer, not an error.
            let _outcome = collect(world, id, &invoice, pays, payment.off_session);
        }
    } else {
        let mut lines = turn.proration_lines(world);
        lines.extend(turn.extra_lines(world));
        debits::keep_pending(world, id, lines);
    }
    settle(world, id, &before);
    Ok(())
}

/// Puts a subscription in its place, quietly: events of its own come at the end.
pub(super) fn put(world: &mut World, id: &Id, after: Subscription) {
    world.edit::<Subscription>(id, |place| {
        let latest_invoice = place.latest_invoice.take();
        *place = after;
        place.latest_invoice = latest_invoice;
        place.hidden.quiet = true;
    });
}

/// Tells of a change, and asks for the wakes that it needs.
pub(super) fn settle(world: &mut World, id: &Id, before: &Subscription) {
    world.edit::<Subscription>(id, |subscription| subscription.hidden.quiet = false);
    world.tell_change("customer.subscription.updated", id, before);
    let after = world.known::<Subscription>(id);
    if after.status != Status::Trialing && after.trial_end < before.trial_end {
        tell_early_end(world, id, before);
    }
    tell_short_trial(world, id);
    wake_next(world, id);
    entitlements_of(world, id);
}

/// Keeps prorations as pending items.
pub(super) fn keep_pending(world: &mut World, id: &Id, lines: &[ProrationLine]) {
    let subscription = world.known::<Subscription>(id).clone();
    let lines: Vec<Line> =
        lines.iter().map(|line| bill::proration_line(world, &subscription, line)).collect();
    debits::keep_pending(world, id, lines);
}

/// Finalizes an invoice of a subscription and charges it; without `pays` it waits to be paid.
pub(super) fn collect(
    world: &mut World,
    id: &Id,
    invoice: &Id,
    pays: bool,
    off_session: bool,
) -> Result<Progress, StripeError> {
    if world.known::<Subscription>(id).collection_method == "send_invoice" {
        return Ok(Progress::Processing);
    }
    invoices::finalize(world, invoice)?;
    if invoices::is_paid(world, invoice) {
        return Ok(Progress::Succeeded);
    }
    if !pays {
        super::outcome::failed(world, id, invoice, false);
        return Ok(Progress::RequiresAction);
    }
    invoices::pay(world, invoice, None, off_session)
}

/// Returns what the invoice that a change makes at once will ask for; 0 where it makes none.
fn amount_due(world: &World, turn: &Turn) -> i64 {
    if !turn.bills {
        return 0;
    }
    let bill: Bill = turn.bill(world);
    let discounts = discounts::foresee(world, &turn.after, turn.at);
    let draft = bill::describe_draft(&turn.after, discounts, &bill);
    invoices::preview(world, &draft)["amount_due"].as_i64().unwrap_or(0)
}

/// Looks at a charge before anything is made: nobody is changed to something that cannot be
/// charged at all, and with `error_if_incomplete` not to what will be declined either.
pub(super) fn foresee(
    world: &World,
    subscription: &Subscription,
    payment: Payment,
) -> Result<(), StripeError> {
    if payment.behavior == Behavior::Default || payment.by_time {
        return Ok(());
    }
    let method = subscription.default_payment_method.clone();
    let method = method.or_else(|| payments::default_method(world, &subscription.customer));
    let Some(method) = method else { return Err(no_method()) };
    if payment.behavior == Behavior::Error {
        return payments::foresee(world, &method, payment.off_session);
    }
    Ok(())
}

/// The refusal to bill somebody who has given no way to pay.
pub(super) fn no_method() -> StripeError {
    StripeError::invalid(
        "This customer has no attached payment source or default payment method. Please consider \
         adding a default payment method.",
    )
    .code("resource_missing")
}
