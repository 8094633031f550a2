//! What the page of an invoice asks of the server, under `/_pages/invoice/{id}`.

use serde_json::{Value, json};

use super::page::on_page;
use super::{coupon, given, view};
use crate::error::StripeError;
use crate::invoices;
use crate::money::currency::Currency;
use crate::object::Id;
use crate::object::discount::Discount;
use crate::object::invoice::Invoice;
use crate::payments::{self, Progress};
use crate::world::{Call, Method, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/_pages/invoice/{id}", |world, call| show(world, call.id())),
    Route::post("/_pages/invoice/{id}/pay", pay),
    Route::post("/_pages/invoice/{id}/action", act),
];

/// The most lines that the page shows.
const LINES_MAX: i64 = 100;

fn show(world: &mut World, id: &str) -> Outcome {
    world.get::<Invoice>(id)?;
    let invoice = world.ask(Method::Get, &format!("/v1/invoices/{id}"), json!({}))?;
    let lines = json!({ "limit": LINES_MAX });
    let lines = world.ask(Method::Get, &format!("/v1/invoices/{id}/lines"), lines)?;
    let customer: Option<Id> = invoice["customer"].as_str().map(Id::from);
    let now = world.now_of(customer.as_ref());
    let currency = invoice["currency"].as_str().and_then(Currency::parse);
    let processing = intent_status(world, id).as_deref() == Some("processing");
    let status = match invoice["status"].as_str() {
        Some("open") if processing => "processing",
        other => other.unwrap_or("draft"),
    };
    let methods = methods(currency);
    Ok(json!({
        "clock": now,
        "exponents": view::exponents(currency),
        "merchant": world.settings.business_name,
        "id": id,
        "number": invoice["number"],
        "currency": invoice["currency"],
        "status": status,
        "payable": matches!(status, "open" | "uncollectible"),
        "back_url": null,
        "customer": { "name": invoice["customer_name"], "email": invoice["customer_email"] },
        "created": invoice["created"],
        "due_date": invoice["due_date"],
        "paid_at": invoice["status_transitions"]["paid_at"],
        "lines": lines["data"].as_array().into_iter().flatten().map(line).collect::<Vec<_>>(),
        "subtotal": invoice["subtotal"],
        "discounts": discounts(world, &invoice),
        "applied_balance": applied(&invoice),
        "total": invoice["total"],
        "amount_paid": invoice["amount_paid"],
        "amount_due": invoice["amount_remaining"],
        "methods": methods,
    }))
}

/// Returns what a currency can be paid with on a page.
pub(super) fn methods(currency: Option<Currency>) -> &'static [&'static str] {
    match currency {
        Some(currency) if currency.as_str() == "eur" => &["card", "sepa_debit"],
        _ => &["card"],
    }
}

fn line(line: &Value) -> Value {
    let period = &line["period"];
    let lasts = period["start"] != period["end"];
    json!({
        "description": line["description"].as_str().unwrap_or("Item"),
        "amount": line["amount"],
        "period": lasts.then_some(period),
    })
}

/// Says which discount took off how much: `WELCOME20: 20% off`.
fn discounts(world: &World, invoice: &Value) -> Vec<Value> {
    let amounts = invoice["total_discount_amounts"].as_array().into_iter().flatten();
    let taken = amounts.filter(|one| one["amount"].as_i64().unwrap_or(0) > 0);
    let show = |one: &Value| {
        let named = one["discount"].as_str().and_then(|id| world.get::<Discount>(id).ok());
        let currency = invoice["currency"].as_str().and_then(Currency::parse);
        let text =
            named.zip(currency).and_then(|(row, currency)| coupon::taken(world, row, currency));
        json!({ "text": text.unwrap_or_else(|| "Discount".to_owned()), "amount": one["amount"] })
    };
    taken.map(show).collect()
}

/// Returns what of the customer's balance went into an invoice; negative where credit was used.
fn applied(invoice: &Value) -> i64 {
    let ending = invoice["ending_balance"].as_i64();
    let starting = invoice["starting_balance"].as_i64().unwrap_or(0);
    ending.map_or(0, |ending| starting - ending)
}

fn intent_status(world: &World, invoice: &str) -> Option<String> {
    let intent = invoices::payment_intent(world, invoice)?;
    crate::api::object(world, &intent)?["status"].as_str().map(str::to_owned)
}

fn pay(world: &mut World, call: &Call) -> Outcome {
    let invoice = world.get::<Invoice>(call.id())?;
    let (id, customer) = (invoice.id.clone(), invoice.customer.clone());
    let known = world.customers.get(&customer).and_then(|row| row.email.clone());
    let method = given::method(world, &call.params, known.as_deref())?;
    let method = method.ok_or_else(|| StripeError::param("number", "Enter a card."))?;
    let progress = invoices::pay(world, &id, Some(&method), false);
    answer(world, &id, progress)
}

fn act(world: &mut World, call: &Call) -> Outcome {
    let invoice = world.get::<Invoice>(call.id())?.id.clone();
    let named = call.params.need_text("action")?;
    let intent = invoices::payment_intent(world, &invoice).filter(|intent| **intent == *named);
    let intent = intent.ok_or_else(|| {
        StripeError::param("action", "Nothing waits for a confirmation here.").status(409)
    })?;
    let authenticated = call.params.text("outcome") == Some("complete");
    let progress = payments::complete_action(world, &intent, authenticated);
    answer(world, &invoice, progress)
}

fn answer(world: &mut World, id: &Id, progress: Result<Progress, StripeError>) -> Outcome {
    let progress = progress.map_err(|error| on_page(given::at_field(error)))?;
    if progress != Progress::RequiresAction {
        return Ok(json!({ "status": "complete", "invoice": show(world, id)? }));
    }
    Ok(json!({ "status": "requires_action", "action": action(world, id) }))
}

/// Says which payment of an invoice the customer has to confirm with their bank.
pub(super) fn action(world: &World, invoice: &str) -> Value {
    let intent = invoices::payment_intent(world, invoice);
    let shown = intent.as_ref().and_then(|intent| crate::api::object(world, intent));
    let shown = shown.unwrap_or_default();
    json!({
        "id": intent,
        "merchant": world.settings.business_name,
        "amount": shown["amount"],
        "currency": shown["currency"],
    })
}
