//! `/v1/invoice_payments`: which payment intents pay which invoice; and what other rooms ask
//! about that.

use serde_json::{Value, json};

use crate::object::invoice::{Invoice, Status};
use crate::object::invoice_payment::InvoicePayment;
use crate::object::{Id, Object as _};
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/invoice_payments", list),
    Route::get("/v1/invoice_payments/{id}", |world, call| world.show::<InvoicePayment>(call.id())),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let payment = params.sub("payment");
    let intent = payment.as_ref().and_then(|payment| payment.text("payment_intent"));
    if let Some(payment) = &payment {
        if payment.need_text("type")? == "payment_intent" && intent.is_none() {
            return Err(payment.missing("payment_intent"));
        }
        if intent.is_none() {
            return world.list::<InvoicePayment>(call, None, |_| false);
        }
    }
    let (invoice, status) = (params.text("invoice"), params.text("status"));
    world.list::<InvoicePayment>(call, invoice.or(intent), |bond| {
        invoice.is_none_or(|invoice| *bond.invoice == *invoice)
            && intent.is_none_or(|intent| *bond.payment_intent == *intent)
            && status.is_none_or(|status| bond.status() == status)
    })
}

/// Says whether an invoice is paid.
pub(crate) fn is_paid(world: &World, invoice: &Id) -> bool {
    has_status(world, invoice, Status::Paid)
}

/// Says whether an invoice is void.
pub(crate) fn is_void(world: &World, invoice: &Id) -> bool {
    has_status(world, invoice, Status::Void)
}

fn has_status(world: &World, invoice: &Id, status: Status) -> bool {
    world.get::<Invoice>(invoice).is_ok_and(|invoice| invoice.status == status)
}

/// Returns the payment method that paid an invoice.
pub(crate) fn paid_with(world: &World, invoice: &Id) -> Option<Id> {
    let mut bonds = world.invoice_payments.of(invoice);
    let bond = bonds.find(|bond| bond.status() == "paid")?;
    crate::api::object(world, &bond.payment_intent)?["payment_method"].as_str().map(Id::from)
}

/// Returns an invoice's payments as `expand[]=payments` answers them.
pub(crate) fn payments(world: &World, invoice: &str) -> Value {
    let bonds: Vec<&InvoicePayment> = world.invoice_payments.of(invoice).collect();
    json!({ "object": "list", "data": bonds, "has_more": false, "url": InvoicePayment::PATH })
}

/// Returns what a page needs to confirm the payment of an open invoice.
pub(crate) fn confirmation_secret(world: &World, invoice: &str) -> Value {
    let intent = payment_intent(world, invoice).and_then(|id| crate::api::object(world, &id));
    match intent.as_ref().map(|intent| &intent["client_secret"]) {
        Some(secret) if secret.is_string() => {
            json!({ "client_secret": secret, "type": "payment_intent" })
        }
        _ => Value::Null,
    }
}

/// Returns the payment intent that pays an invoice, or paid it.
pub(crate) fn payment_intent(world: &World, invoice: &str) -> Option<Id> {
    let bonds = || world.invoice_payments.of(invoice);
    let rank = |status| bonds().find(|bond| bond.status() == status);
    let bond = rank("paid").or_else(|| rank("open")).or_else(|| bonds().next())?;
    Some(bond.payment_intent.clone())
}

/// Returns the invoice that a payment intent pays.
pub(crate) fn invoice_of(world: &World, intent: &str) -> Option<Id> {
    world.invoice_payments.of(intent).next().map(|bond| bond.invoice.clone())
}
