//! `/v1/checkout/sessions`.

use serde_json::{Value, json};

use super::{create, finish};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::change_metadata;
use crate::object::checkout_session::{CheckoutSession, Status};
use crate::object::item::Item;
use crate::world::{Call, Outcome, Route, World, page};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/checkout/sessions", list),
    Route::post("/v1/checkout/sessions", create::create),
    Route::get("/v1/checkout/sessions/{id}", |world, call| {
        world.show::<CheckoutSession>(call.id())
    }),
    Route::post("/v1/checkout/sessions/{id}", update),
    Route::post("/v1/checkout/sessions/{id}/expire", expire),
    Route::get("/v1/checkout/sessions/{id}/line_items", list_lines),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (intent, subscription) = (params.text("payment_intent"), params.text("subscription"));
    let status = params.text("status");
    let email = params.sub("customer_details");
    let email = email.as_ref().and_then(|details| details.text("email"));
    let same =
        |id: Option<&Id>, asked: Option<&str>| asked.is_none() || id.map(|id| &**id) == asked;
    world.list::<CheckoutSession>(call, params.text("customer"), |session| {
        let own = session.customer_details.as_ref().and_then(|details| details.email.as_deref());
        same(session.payment_intent.as_ref(), intent)
            && same(session.subscription.as_ref(), subscription)
            && status.is_none_or(|status| session.status.as_str() == status)
            && email.is_none_or(|email| own == Some(email))
    })
}

fn update(world: &mut World, call: &Call) -> Outcome {
    world.get::<CheckoutSession>(call.id())?;
    let params = &call.params;
    for name in ["collected_information", "line_items", "payment_intent_data", "shipping_options"] {
        if params.has(name) {
            return Err(
                params.refuse(name, format!("Changing `{name}` is not part of the sandbox."))
            );
        }
    }
    world.edit::<CheckoutSession>(call.id(), |row| change_metadata(&mut row.metadata, params));
    world.show::<CheckoutSession>(call.id())
}

fn expire(world: &mut World, call: &Call) -> Outcome {
    let session = world.get::<CheckoutSession>(call.id())?;
    if session.status != Status::Open {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of `{}`.",
            session.status.as_str()
        );
        return Err(StripeError::invalid(message));
    }
    let id = session.id.clone();
    finish::expire(world, &id);
    world.show::<CheckoutSession>(&id)
}

fn list_lines(world: &mut World, call: &Call) -> Outcome {
    let session = world.get::<CheckoutSession>(call.id())?;
    let rows: Vec<&Item> = session.hidden.lines.iter().collect();
    let url = lines_path(&session.id);
    let show = |line: &&Item| serde_json::to_value(line).expect("lines are plain");
    page(call, "item", &url, &rows, |line| &line.id, |_| true, show)
}

fn lines_path(id: &str) -> String {
    format!("/v1/checkout/sessions/{id}/line_items")
}

/// Returns a session's lines as `expand[]=line_items` answers them.
pub(crate) fn line_items(world: &World, id: &str) -> Option<Value> {
    let session = world.get::<CheckoutSession>(id).ok()?;
    Some(json!({
        "object": "list",
        "data": session.hidden.lines,
        "has_more": false,
        "url": lines_path(id),
    }))
}
