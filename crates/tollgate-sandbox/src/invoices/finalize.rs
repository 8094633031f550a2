//! A draft becomes final: its number, what is due after the customer's balance, and the payment
//! intent that will pay it.

use super::{buyer, collect, sums};
use crate::catalog::discounts;
use crate::error::StripeError;
use crate::object::customer::Customer;
use crate::object::invoice::{Invoice, Status};
use crate::object::invoice_payment::InvoicePayment;
use crate::object::payment_intent::{IntentStatus, PaymentIntent};
use crate::object::{Id, Object as _};
use crate::payments::{self, NewIntent};
use crate::world::{Wake, World};

/// Finalizes a draft: number, amounts, payment intent (`invoice.finalized`). One that owes nothing
/// is paid at once.
pub(crate) fn finalize(world: &mut World, invoice: &Id) -> Result<(), StripeError> {
    check(world, invoice)?;
    open(world, invoice);
    if world.known::<Invoice>(invoice).amounts.due > 0 {
        request_payment(world, invoice);
    }
    world.emit::<Invoice>("invoice.finalized", invoice);
    let open = world.known::<Invoice>(invoice);
    if open.amounts.due == 0 {
        collect::settle(world, invoice, |_| {});
    } else if !open.is_charged() {
        follow_up(world, invoice);
    }
    Ok(())
}

/// Refuses to finalize what is final already, or more than can be charged.
pub(super) fn check(world: &World, invoice: &Id) -> Result<(), StripeError> {
    let draft = world.get::<Invoice>(invoice)?;
    if draft.status != Status::Draft {
        let message =
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
        return Err(StripeError::invalid(message).code("invoice_not_editable"));
    }
    if world.get::<Customer>(&draft.customer).is_err() {
        let message = "The customer of this invoice was deleted: it can only be deleted too.";
        return Err(StripeError::invalid(message));
    }
    if draft.amounts.due > AMOUNT_MAX {
        let most = draft.currency.write(AMOUNT_MAX);
        let message = format!("Amount must be no more than {most} {}.", draft.currency.as_str());
        return Err(StripeError::invalid(message).code("amount_too_large"));
    }
    Ok(())
}

/// The most that can be charged, in minor units.
const AMOUNT_MAX: i64 = 99_999_999;

/// Fixes everything that a draft may still change.
fn open(world: &mut World, id: &Id) {
    let invoice = world.known::<Invoice>(id);
    let (customer, currency) = (invoice.customer.clone(), invoice.currency);
    let number = match &invoice.number {
        Some(number) => number.clone(),
        None => buyer::next_number(world, &customer),
    };
    let now = world.now_of(Some(&customer));
    let balance = buyer::balance(world, &customer, currency);
    let buyer = buyer::show(world, &customer);
    let page = world.public_url.clone();
    let mut invoice = world.known::<Invoice>(id).clone();
    // Subscriptions charge what they make at once by themselves.
    let at_once = matches!(invoice.billing_reason, "subscription_create" | "subscription_update");
    let waits = invoice.auto_advance && invoice.is_charged() && !at_once;
    // By the clock, the first try follows at once; after a call, somewhat later.
    let by_clock = invoice.moments.automatically_finalizes_at.is_some_and(|due| due <= now);
    let delay = if by_clock { 0 } else { world.settings.draft_secs };
    let next = waits.then_some(now + delay);
    sums::sum(world, &mut invoice, balance);
    let (due, ending) = sums::settle(invoice.amounts.total, balance, currency);
    let spent: Vec<Id> = invoice.amounts.discounts.iter().map(|one| one.discount.clone()).collect();
    world.edit::<Invoice>(id, |place| {
        *place = invoice;
        place.status = Status::Open;
        place.number = Some(number);
        place.buyer = buyer;
        place.page = Some(page);
        place.amounts.due = due;
        place.amounts.ending_balance = Some(ending);
        place.moments.automatically_finalizes_at = None;
        place.attempts.next = next;
        place.moments.finalized_at = Some(now);
        place.moments.effective_at.get_or_insert(now);
    });
    buyer::change_balance(world, &customer, currency, ending - balance);
    discounts::spend(world, &spent);
}

/// Makes the payment intent of an invoice, and the bond between them.
pub(super) fn request_payment(world: &mut World, id: &Id) -> Id {
    let invoice = world.known::<Invoice>(id);
    let (amount, currency) = (invoice.amounts.remaining(), invoice.currency);
    let customer = invoice.customer.clone();
    // What pays a subscription is kept, to pay its renewals.
    let setup_future_usage = invoice.subscription_id().map(|_| "off_session");
    let description = match invoice.billing_reason {
        "subscription_create" => "Subscription creation",
        "manual" => "Payment for Invoice",
        _ => "Subscription update",
    };
    let intent = payments::create(
        world,
        NewIntent {
            customer: Some(customer.clone()),
            amount,
            currency,
            description: Some(description.to_owned()),
            invoice: Some(id.clone()),
            session: None,
            payment_method: None,
            setup_future_usage,
            capture_manually: false,
            metadata: crate::object::Metadata::new(),
        },
    );
    bind(world, id, &intent);
    intent
}

/// Makes the bond between an invoice and the payment intent that pays what remains of it.
fn bind(world: &mut World, id: &Id, intent: &Id) {
    let invoice = world.known::<Invoice>(id);
    let (amount, currency) = (invoice.amounts.remaining(), invoice.currency);
    let (customer, is_default) = (invoice.customer.clone(), invoice.intent.is_none());
    let bond = InvoicePayment {
        id: world.new_id(InvoicePayment::PREFIX),
        amount_paid: None,
        amount_requested: amount,
        created: world.now_of(Some(&customer)),
        currency,
        invoice: id.clone(),
        is_default,
        payment_intent: intent.clone(),
        canceled_at: None,
        paid_at: None,
        customer,
    };
    world.add(bond);
    world.edit::<Invoice>(id, |invoice| invoice.intent = Some(intent.clone()));
}

/// Finalizes a draft whose payment was made before it, as in Checkout: the intent becomes its
/// payment, and pays it now, or once it has settled.
pub(crate) fn finalize_paid_by(
    world: &mut World,
    invoice: &Id,
    intent: &Id,
) -> Result<(), StripeError> {
    if world.get::<Invoice>(invoice)?.status != Status::Draft {
        return Err(StripeError::invalid("This invoice is not a draft."));
    }
    open(world, invoice);
    bind(world, invoice, intent);
    world.edit::<PaymentIntent>(intent, |row| row.invoice = Some(invoice.clone()));
    world.emit::<Invoice>("invoice.finalized", invoice);
    if world.known::<PaymentIntent>(intent).status == IntentStatus::Succeeded {
        collect::payment_succeeded(world, invoice, intent);
    } else {
        collect::pause_retries(world, invoice);
    }
    Ok(())
}

/// An invoice to be paid by the customer is sent, and watched until it is due.
fn follow_up(world: &mut World, id: &Id) {
    let invoice = world.known::<Invoice>(id);
    let (sends, due) = (invoice.auto_advance, invoice.moments.due_date);
    let customer = invoice.customer.clone();
    if sends {
        world.emit::<Invoice>("invoice.sent", id);
    }
    if let Some(due) = due {
        world.wake_at(Some(&customer), due, Wake::Invoice(id.clone()));
    }
}
