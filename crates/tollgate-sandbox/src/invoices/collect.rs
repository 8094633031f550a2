//! How an open invoice is paid: by a call, by the schedule of retries, or from outside; and what
//! follows from success and failure, whichever door they come through.

use crate::error::StripeError;
use crate::object::Id;
use crate::object::invoice::{Invoice, Status};
use crate::object::invoice_payment::InvoicePayment;
use crate::object::subscription::Subscription;
use crate::payments::{self, Progress};
use crate::subscriptions;
use crate::world::{Wake, World};

use super::finalize::{finalize, request_payment};
use super::{buyer, close};

/// Tries to collect an open invoice, with its own or another payment method. Whoever waits (a
/// subscription) has been told by the time this returns. Without any method the attempt fails.
pub(crate) fn pay(
    world: &mut World,
    invoice: &Id,
    method: Option<&Id>,
    off_session: bool,
) -> Result<Progress, StripeError> {
    let found = world.get::<Invoice>(invoice)?;
    check_payable(found)?;
    if found.status == Status::Draft {
        return Err(StripeError::invalid("A draft has to be finalized before it is paid."));
    }
    let Some(method) = method.cloned().or_else(|| method_of(world, invoice)) else {
        attempt_failed(world, invoice, false);
        return Err(no_method());
    };
    let intent = intent_of(world, invoice);
    let progress = payments::confirm(world, &intent, Some(&method), off_session);
    if progress == Ok(Progress::Processing) {
        pause_retries(world, invoice);
    }
    progress
}

/// Refuses to pay what is paid, or void.
pub(super) fn check_payable(invoice: &Invoice) -> Result<(), StripeError> {
    match invoice.status {
        Status::Paid => Err(StripeError::invalid("Invoice is already paid.")),
        Status::Void => Err(StripeError::invalid("This invoice is void and cannot be paid.")),
        Status::Draft | Status::Open | Status::Uncollectible => Ok(()),
    }
}

/// The refusal to charge somebody who has no payment method.
pub(super) fn no_method() -> StripeError {
    StripeError::invalid(
        "This customer has no payment method that the invoice could be charged to. Set a default \
         payment method for the customer, the subscription or the invoice, or name one.",
    )
    .code("resource_missing")
}

/// Returns what an invoice is charged to: its own method, its subscription's, its customer's.
pub(super) fn method_of(world: &World, invoice: &Id) -> Option<Id> {
    let invoice = world.get::<Invoice>(invoice).ok()?;
    let subscription = invoice.subscription_id().and_then(|id| world.get::<Subscription>(id).ok());
    invoice
        .default_payment_method
        .clone()
        .or_else(|| subscription?.default_payment_method.clone())
        .or_else(|| payments::default_method(world, &invoice.customer))
}

/// Returns the open payment intent of an invoice; where it was canceled, another one.
fn intent_of(world: &mut World, invoice: &Id) -> Id {
    let remaining = world.known::<Invoice>(invoice).amounts.remaining();
    let open =
        |bond: &&InvoicePayment| bond.status() == "open" && bond.amount_requested == remaining;
    let bond = world.invoice_payments.of(invoice).find(open);
    match bond.map(|bond| bond.payment_intent.clone()) {
        Some(intent) => intent,
        None => {
            close::cancel_intents(world, invoice, None);
            request_payment(world, invoice)
        }
    }
}

/// A payment intent of the invoice succeeded.
pub(crate) fn payment_succeeded(world: &mut World, invoice: &Id, intent: &Id) {
    let Some(bond) = bond_of(world, invoice, intent) else { return };
    let customer = world.known::<Invoice>(invoice).customer.clone();
    let now = world.now_of(Some(&customer));
    let amount = world.known::<InvoicePayment>(&bond).amount_requested;
    world.edit::<InvoicePayment>(&bond, |bond| {
        bond.amount_paid = Some(amount);
        bond.paid_at = Some(now);
    });
    let before = world.known::<Invoice>(invoice).amounts.remaining();
    let take = |invoice: &mut Invoice| {
        invoice.amounts.paid += amount;
        invoice.amounts.overpaid += (amount - before).max(0);
        invoice.attempts.note();
    };
    if amount < before {
        world.update::<Invoice>(invoice, "invoice.updated", take);
    } else {
        settle(world, invoice, take);
    }
    world.emit::<InvoicePayment>("invoice_payment.paid", &bond);
}

/// A payment intent of the invoice was declined or has to be authenticated.
pub(crate) fn payment_failed(world: &mut World, invoice: &Id, intent: &Id, action: bool) {
    if bond_of(world, invoice, intent).is_some() {
        attempt_failed(world, invoice, action);
    }
}

/// Returns the open bond of an invoice that can still be paid.
fn bond_of(world: &World, invoice: &Id, intent: &Id) -> Option<Id> {
    let found = world.get::<Invoice>(invoice).ok()?;
    let payable = matches!(found.status, Status::Open | Status::Uncollectible);
    let mut bonds = world.invoice_payments.of(invoice);
    let bond = bonds.find(|bond| bond.payment_intent == *intent && bond.status() == "open")?;
    payable.then(|| bond.id.clone())
}

/// An open invoice is paid: nothing more is due after `take`.
pub(super) fn settle(world: &mut World, id: &Id, take: impl FnOnce(&mut Invoice)) {
    let invoice = world.known::<Invoice>(id);
    let (customer, subscription) = (invoice.customer.clone(), invoice.biller().cloned());
    let now = world.now_of(Some(&customer));
    close::cancel_intents(world, id, None);
    world.update::<Invoice>(id, "invoice.updated", |invoice| {
        take(invoice);
        invoice.status = Status::Paid;
        invoice.auto_advance = false;
        invoice.attempts.attempted = true;
        invoice.attempts.next = None;
        invoice.moments.paid_at = Some(now);
    });
    world.emit::<Invoice>("invoice.paid", id);
    if world.known::<Invoice>(id).amounts.paid_off_stripe == 0 {
        world.emit::<Invoice>("invoice.payment_succeeded", id);
    }
    buyer::set_delinquent(world, &customer, false);
    if world.known::<Invoice>(id).amounts.overpaid > 0 {
        world.emit::<Invoice>("invoice.overpaid", id);
    }
    if let Some(subscription) = subscription {
        subscriptions::invoice_paid(world, &subscription, id);
    }
}

/// The customer paid by other means: the money never comes through Stripe.
pub(super) fn settle_elsewhere(world: &mut World, id: &Id) {
    settle(world, id, |invoice| {
        let rest = invoice.amounts.remaining();
        invoice.amounts.paid += rest;
        invoice.amounts.paid_off_stripe += rest;
    });
}

/// An invoice that was made final by a call and advances is charged soon after.
pub(super) fn plan_first(world: &mut World, id: &Id) {
    let invoice = world.known::<Invoice>(id);
    let (customer, next) = (invoice.customer.clone(), invoice.attempts.next);
    if let Some(next) = next {
        world.wake_at(Some(&customer), next, Wake::Invoice(id.clone()));
    }
}

/// An attempt did not pay the invoice. The first one begins the schedule of retries, and only
/// retries move it on; other attempts leave it alone
/// (<https://docs.stripe.com/billing/revenue-recovery/smart-retries>, read 2026-11).
fn attempt_failed(world: &mut World, id: &Id, action: bool) {
    let invoice = world.known::<Invoice>(id);
    let customer = invoice.customer.clone();
    let now = world.now_of(Some(&customer));
    let mut attempts = invoice.attempts;
    let by_itself = attempts.scheduled;
    let counts = attempts.note();
    let retries = invoice.auto_advance && invoice.is_charged();
    // The subscription of a first invoice waits for the customer, not for a retry.
    let is_first = invoice.billing_reason == "subscription_create";
    if counts {
        let nth = usize::try_from(attempts.count - 1).unwrap_or(usize::MAX);
        let delay = world.settings.retry_after_secs.get(nth).filter(|_| retries && !is_first);
        attempts.next = delay.map(|secs| now + secs);
    }
    let last = counts && retries && !is_first && attempts.next.is_none();
    let next = attempts.next.filter(|_| counts);
    world.update::<Invoice>(id, "invoice.updated", |invoice| {
        invoice.attempts = attempts;
        invoice.auto_advance &= !last;
    });
    if action {
        world.emit::<Invoice>("invoice.payment_action_required", id);
    }
    world.emit::<Invoice>("invoice.payment_failed", id);
    if let Some(next) = next {
        world.wake_at(Some(&customer), next, Wake::Invoice(id.clone()));
    }
    if by_itself {
        buyer::set_delinquent(world, &customer, true);
    }
    let subscription = world.known::<Invoice>(id).biller().cloned();
    if let Some(subscription) = subscription {
        subscriptions::invoice_failed(world, &subscription, id, last);
    }
}

/// A delayed payment is under way: nothing is tried again until it has failed.
pub(super) fn pause_retries(world: &mut World, id: &Id) {
    world.update::<Invoice>(id, "invoice.updated", |invoice| {
        invoice.attempts.attempted = true;
        invoice.attempts.next = None;
    });
}

/// Finalizes a draft, retries a payment, or tells that the time to pay is over: whatever is due.
pub(crate) fn wake(world: &mut World, invoice: &Id) {
    let Ok(found) = world.get::<Invoice>(invoice) else { return };
    let now = world.now_of(Some(&found.customer));
    let by = |due: Option<i64>| due.is_some_and(|due| due <= now);
    match found.status {
        Status::Draft if found.auto_advance && by(found.moments.automatically_finalizes_at) => {
            advance(world, invoice);
        }
        Status::Open if by(found.attempts.next) => retry(world, invoice),
        Status::Open if !found.is_charged() && by(found.moments.due_date) => {
            overdue(world, invoice);
        }
        _ => {}
    }
}

/// Finalizes a draft and charges it, if that is how it is collected.
fn advance(world: &mut World, id: &Id) {
    if let Err(error) = finalize(world, id) {
        finalization_failed(world, id, &error);
        return;
    }
    let invoice = world.known::<Invoice>(id);
    if invoice.status == Status::Open && invoice.is_charged() {
        retry(world, id);
    }
}

/// A draft that cannot become final waits for somebody who mends it.
fn finalization_failed(world: &mut World, id: &Id, error: &StripeError) {
    let error = error.object();
    world.edit::<Invoice>(id, |invoice| {
        invoice.auto_advance = false;
        invoice.attempts.next = None;
        invoice.moments.automatically_finalizes_at = None;
        invoice.rare.get_or_insert_default().last_finalization_error = error;
    });
    world.emit::<Invoice>("invoice.finalization_failed", id);
}

/// Charges an invoice by schedule. Whether it failed stands in the invoice; nobody asked.
fn retry(world: &mut World, id: &Id) {
    world.edit::<Invoice>(id, |invoice| invoice.attempts.scheduled = true);
    let outcome = pay(world, id, None, true);
    // A method that cannot even be tried, such as one that was detached, is a failure as well.
    let unheard = outcome.is_err() && world.known::<Invoice>(id).attempts.scheduled;
    if unheard {
        attempt_failed(world, id, false);
    }
}

fn overdue(world: &mut World, id: &Id) {
    if world.known::<Invoice>(id).overdue_told {
        return;
    }
    world.edit::<Invoice>(id, |invoice| invoice.overdue_told = true);
    world.emit::<Invoice>("invoice.overdue", id);
    let customer = world.known::<Invoice>(id).customer.clone();
    buyer::set_delinquent(world, &customer, true);
    let subscription = world.known::<Invoice>(id).biller().cloned();
    if let Some(subscription) = subscription {
        subscriptions::invoice_failed(world, &subscription, id, false);
    }
}
