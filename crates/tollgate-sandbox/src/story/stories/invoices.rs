//! Invoices that are sent rather than charged, and those that are never paid.

use super::life::{Life, meet};
use crate::story::calendar::DAY;
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::invoice::{LineTerms, due_in, finalize, invoice};
use crate::story::teller::Teller;

const DAYS_UNTIL_DUE: i64 = 14;

/// An invoice is sent, falls due, and is given up.
pub(in crate::story) fn sent_overdue(teller: &mut Teller<'_>) {
    let mut invoice = draft(teller);
    open(teller, &mut invoice);
    teller.tell("invoice.sent", &invoice);
    let due = invoice.int("due_date");
    teller.until(due - 3 * DAY);
    teller.by_itself();
    teller.tell("invoice.will_be_due", &invoice);
    teller.until(due);
    teller.tell("invoice.overdue", &invoice);
    teller.wait(30 * DAY);
    teller.by_request();
    let before = invoice.clone();
    let reason = Json::object([("reason", "user_forgiven".into())]);
    invoice.set("status", "uncollectible");
    invoice.set("status_details.uncollectible", reason);
    invoice.set("status_transitions.marked_uncollectible_at", teller.now);
    teller.tell_change("invoice.updated", &before, &invoice);
    teller.tell("invoice.marked_uncollectible", &invoice);
}

/// An invoice is opened by mistake and voided.
pub(in crate::story) fn voided(teller: &mut Teller<'_>) {
    let mut invoice = draft(teller);
    open(teller, &mut invoice);
    teller.wait(400);
    teller.by_request();
    void_invoice(teller, &mut invoice);
}

/// A draft is deleted.
pub(in crate::story) fn draft_deleted(teller: &mut Teller<'_>) {
    let invoice = draft(teller);
    teller.wait(200);
    teller.by_request();
    teller.tell("invoice.deleted", &invoice);
}

/// A draft cannot be finalized, because tax needs an address that the customer has not given.
pub(in crate::story) fn finalization_failed(teller: &mut Teller<'_>) {
    let mut invoice = draft(teller);
    teller.wait(60);
    teller.by_request();
    let error = Json::object([
        ("code", "customer_tax_location_invalid".into()),
        ("message", "The customer's location isn't recognized.".into()),
        ("type", "invalid_request_error".into()),
    ]);
    invoice.set("automatic_tax.enabled", true);
    invoice.set("automatic_tax.liability", Json::object([("type", "self".into())]));
    invoice.set("automatic_tax.status", "requires_location_inputs");
    invoice.set("last_finalization_error", error);
    teller.tell("invoice.finalization_failed", &invoice);
}

/// The open invoice of a subscription is voided, and its payment canceled.
pub(super) fn void(teller: &mut Teller<'_>, life: &mut Life) {
    life.intent.set("canceled_at", teller.now);
    life.intent.set("cancellation_reason", "void_invoice");
    life.intent.set("next_action", Json::Null);
    life.intent.set("status", "canceled");
    teller.tell("payment_intent.canceled", &life.intent);
    void_invoice(teller, &mut life.invoice);
}

fn void_invoice(teller: &mut Teller<'_>, invoice: &mut Json) {
    let before = invoice.clone();
    invoice.set("auto_advance", false);
    invoice.set("next_payment_attempt", Json::Null);
    invoice.set("status", "void");
    invoice.set("status_transitions.voided_at", teller.now);
    teller.tell_change("invoice.updated", &before, invoice);
    teller.tell("invoice.voided", invoice);
}

/// A draft for a customer, to be sent.
fn draft(teller: &mut Teller<'_>) -> Json {
    meet(teller);
    teller.wait(30);
    teller.by_request();
    let tariff = Tariff::once(teller.cast);
    let terms = LineTerms {
        description: tariff.name(),
        ..LineTerms::period(&tariff, teller.now, teller.now)
    };
    let draft = invoice(teller, &Json::Null, "manual", &[terms])
        .with("auto_advance", false)
        .with("automatically_finalizes_at", Json::Null)
        .with("collection_method", "send_invoice")
        .with("due_date", due_in(teller, DAYS_UNTIL_DUE));
    teller.tell("invoice.created", &draft);
    draft
}

fn open(teller: &mut Teller<'_>, invoice: &mut Json) {
    teller.wait(90);
    teller.by_request();
    finalize(teller, invoice, 1);
    teller.tell("invoice.finalized", invoice);
}
