//! What the page of a bank asks of the server, under `/_pages/authenticate/{id}`: the stand-in for
//! 3-D Secure where an intent sends its customer away.

use serde_json::{Value, json};

use super::view;
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::payment_intent::{IntentStatus, PaymentIntent};
use crate::object::setup_intent::SetupIntent;
use crate::object::{Id, Object as _};
use crate::payments;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/_pages/authenticate/{id}", |world, call| show(world, call.id())),
    Route::post("/_pages/authenticate/{id}/answer", answer),
];

/// What a bank has to know of an intent.
struct Asked {
    id: Id,
    waits: bool,
    secret: String,
    customer: Option<Id>,
    amount: Option<(i64, Currency)>,
    return_url: Option<String>,
}

fn asked(world: &World, id: &str) -> Result<Asked, StripeError> {
    if id.starts_with(SetupIntent::PREFIX) {
        let row = world.get::<SetupIntent>(id)?;
        return Ok(Asked {
            id: row.id.clone(),
            waits: row.status == IntentStatus::RequiresAction,
            secret: row.client_secret.clone(),
            customer: row.customer.clone(),
            amount: None,
            return_url: row.return_url.clone(),
        });
    }
    let row = world.get::<PaymentIntent>(id)?;
    Ok(Asked {
        id: row.id.clone(),
        waits: row.status == IntentStatus::RequiresAction,
        secret: row.client_secret.clone(),
        customer: row.customer.clone(),
        amount: Some((row.amount, row.currency)),
        return_url: row.return_url.clone(),
    })
}

fn show(world: &mut World, id: &str) -> Outcome {
    let asked = asked(world, id)?;
    let currency = asked.amount.map(|(_, currency)| currency);
    Ok(json!({
        "clock": world.now_of(asked.customer.as_ref()),
        "exponents": view::exponents(currency),
        "merchant": world.settings.business_name,
        "waits": asked.waits,
        "amount": asked.amount.map(|(amount, _)| amount),
        "currency": currency.map(|it| it.as_str().to_owned()),
        "back_url": asked.return_url,
    }))
}

/// The customer authenticates (`outcome` is `complete`) or fails to (`fail`). Whatever comes of the
/// payment then, they go back: the app is told by the intent.
fn answer(world: &mut World, call: &Call) -> Outcome {
    let asked = asked(world, call.id())?;
    if !asked.waits {
        let message = "Nothing waits for a confirmation here.";
        return Err(StripeError::param("outcome", message).status(409));
    }
    let authenticated = match call.params.need_text("outcome")? {
        "complete" => true,
        "fail" => false,
        _ => return Err(call.params.refuse("outcome", "Give `complete` or `fail`.")),
    };
    let done = payments::complete_action(world, &asked.id, authenticated);
    let status = if done.is_ok() { "succeeded" } else { "failed" };
    Ok(json!({ "status": status, "back_url": back(&asked, status) }))
}

/// Where the customer goes, with what Stripe tells there.
fn back(asked: &Asked, status: &str) -> Value {
    let Some(url) = &asked.return_url else { return Value::Null };
    let (url, fragment) = match url.split_once('#') {
        Some((url, fragment)) => (url, format!("#{fragment}")),
        None => (url.as_str(), String::new()),
    };
    let kind = if asked.amount.is_some() { "payment_intent" } else { "setup_intent" };
    let joint = if url.contains('?') { '&' } else { '?' };
    let (id, secret) = (&asked.id, &asked.secret);
    let told = format!("{kind}={id}&{kind}_client_secret={secret}&redirect_status={status}");
    format!("{url}{joint}{told}{fragment}").into()
}
