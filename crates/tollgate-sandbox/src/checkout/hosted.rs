//! The endpoints behind hosted Checkout. They are not documented; the official command line pays
//! sessions through them.

use serde_json::json;

use super::confirm::{self, Buyer, Step};
use crate::error::StripeError;
use crate::object::checkout_session::CheckoutSession;
use crate::payments;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/payment_pages/{id}", |world, call| show(world, call.id())),
    Route::post("/v1/payment_pages/{id}/confirm", confirm),
];

fn show(world: &World, id: &str) -> Outcome {
    let session = world.get::<CheckoutSession>(id)?;
    Ok(json!({
        "id": id.replacen("cs_test_", "ppage_1", 1),
        "object": "payment_page",
        "session_id": id,
        "amount_total": session.amount_total,
        "currency": session.currency,
        "livemode": false,
        "mode": session.mode,
        "payment_method_types": session.payment_method_types,
        "payment_status": session.payment_status,
        "status": session.status,
        "success_url": session.success_url,
    }))
}

fn confirm(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    // What the pages are told as a conflict, the API tells as a wrong call: libraries repeat a 409.
    let session = confirm::open(world, call.id()).map_err(|error| match error.http_status() {
        409 => error.status(400),
        _ => error,
    })?;
    let id = session.id.clone();
    let (total, customer) = (session.amount_total.unwrap_or(0), session.customer.clone());
    let known = session.customer_email.clone();
    // What comes as digits is a number by now.
    if params.int("expected_amount").is_some_and(|expected| expected != total) {
        let message = format!("The amount of this Checkout Session is {total}.");
        let error = StripeError::param("expected_amount", message);
        return Err(error.code("checkout_amount_mismatch"));
    }
    let method = match params.text("payment_method") {
        Some(name) => {
            // What was just typed is nobody's yet, and becomes the customer's by paying.
            let new = world.payment_methods.get(name).is_some_and(|row| row.customer.is_none());
            let owner = customer.as_ref().filter(|_| !new);
            Some(payments::method(world, name, owner, "payment_method")?)
        }
        None => None,
    };
    let shown = method.as_ref().and_then(|method| crate::api::object(world, method));
    let details = shown.map(|method| method["billing_details"].clone()).unwrap_or_default();
    let text = |name: &str| details[name].as_str().map(str::to_owned);
    let buyer = Buyer { email: known.or_else(|| text("email")), name: text("name") };
    let step = confirm::confirm(world, &id, method.as_ref(), &buyer)?;
    let mut answer = show(world, &id)?;
    if step == Step::RequiresAction {
        let session = world.known::<CheckoutSession>(&id);
        answer["next_action"] = super::finish::action(world, session);
    }
    Ok(answer)
}
