//! How an invoice ends without being paid: voided, or given up. What its customer's balance paid
//! comes back when it is voided.

use super::buyer;
use crate::error::StripeError;
use crate::object::Id;
use crate::object::invoice::{Invoice, Status};
use crate::object::invoice_payment::InvoicePayment;
use crate::payments;
use crate::subscriptions;
use crate::world::World;

/// Voids an open invoice (`invoice.voided`).
pub(crate) fn void(world: &mut World, invoice: &Id) -> Result<(), StripeError> {
    let found = world.get::<Invoice>(invoice)?;
    if !matches!(found.status, Status::Open | Status::Uncollectible) {
        return Err(wrong_state(found, "voided", "open or uncollectible"));
    }
    let (customer, currency) = (found.customer.clone(), found.currency);
    let applied = found.amounts.starting_balance - found.amounts.ending_balance.unwrap_or(0);
    let now = world.now_of(Some(&customer));
    cancel_intents(world, invoice, Some("void_invoice"));
    world.update::<Invoice>(invoice, "invoice.updated", |invoice| {
        stop(invoice);
        invoice.status = Status::Void;
        invoice.moments.voided_at = Some(now);
    });
    world.emit::<Invoice>("invoice.voided", invoice);
    buyer::change_balance(world, &customer, currency, applied);
    tell_subscription(world, invoice);
    Ok(())
}

/// Gives an open invoice up (`invoice.marked_uncollectible`). It can still be paid.
pub(crate) fn mark_uncollectible(world: &mut World, invoice: &Id) -> Result<(), StripeError> {
    let found = world.get::<Invoice>(invoice)?;
    if found.status != Status::Open {
        return Err(wrong_state(found, "marked as uncollectible", "open"));
    }
    let customer = found.customer.clone();
    let now = world.now_of(Some(&customer));
    world.update::<Invoice>(invoice, "invoice.updated", |invoice| {
        stop(invoice);
        invoice.status = Status::Uncollectible;
        invoice.uncollectible_reason = Some("user_forgiven");
        invoice.moments.marked_uncollectible_at = Some(now);
    });
    world.emit::<Invoice>("invoice.marked_uncollectible", invoice);
    buyer::set_delinquent(world, &customer, false);
    tell_subscription(world, invoice);
    Ok(())
}

/// Stops collecting a subscription's open invoices by itself, as Stripe does when it is canceled.
pub(crate) fn stop_collecting(world: &mut World, subscription: &Id) {
    let moving = |invoice: &&Invoice| {
        matches!(invoice.status, Status::Draft | Status::Open)
            && (invoice.auto_advance || invoice.attempts.next.is_some())
    };
    let ids: Vec<Id> =
        world.invoices.of(subscription).filter(moving).map(|invoice| invoice.id.clone()).collect();
    for id in ids {
        world.update::<Invoice>(&id, "invoice.updated", stop);
    }
}

/// Cancels what could still pay an invoice.
pub(super) fn cancel_intents(world: &mut World, invoice: &Id, reason: Option<&'static str>) {
    let open: Vec<(Id, Id)> = world
        .invoice_payments
        .of(invoice)
        .filter(|bond| bond.status() == "open")
        .map(|bond| (bond.id.clone(), bond.payment_intent.clone()))
        .collect();
    for (bond, intent) in open {
        // One that is processing cannot be canceled; the bond ends all the same.
        let _canceled = payments::cancel(world, &intent, reason);
        let customer = world.known::<InvoicePayment>(&bond).customer.clone();
        let now = world.now_of(Some(&customer));
        world.edit::<InvoicePayment>(&bond, |bond| bond.canceled_at = Some(now));
    }
}

fn stop(invoice: &mut Invoice) {
    invoice.auto_advance = false;
    invoice.attempts.next = None;
    invoice.moments.automatically_finalizes_at = None;
}

fn wrong_state(invoice: &Invoice, done: &str, wanted: &str) -> StripeError {
    let status = invoice.status.as_str();
    let message =
        format!("This invoice cannot be {done}: it is {status}, and would have to be {wanted}.");
    StripeError::invalid(message).code("invoice_not_editable")
}

fn tell_subscription(world: &mut World, invoice: &Id) {
    let subscription = world.known::<Invoice>(invoice).biller().cloned();
    if let Some(subscription) = subscription {
        subscriptions::invoice_closed(world, &subscription, invoice);
    }
}
