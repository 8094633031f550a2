//! What only a sandbox has: to be the customer who authenticates a payment.

use super::complete_action;
use crate::object::Object as _;
use crate::object::payment_intent::PaymentIntent;
use crate::object::setup_intent::SetupIntent;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[Route::post("/_sandbox/authenticate/{id}", authenticate)];

/// The customer of an intent authenticates (`outcome` is `complete`) or fails to (`fail`).
fn authenticate(world: &mut World, call: &Call) -> Outcome {
    let authenticated = match call.params.need_text("outcome")? {
        "complete" => true,
        "fail" => false,
        _ => return Err(call.params.refuse("outcome", "Give `complete` or `fail`.")),
    };
    if call.id().starts_with(SetupIntent::PREFIX) {
        let id = world.get::<SetupIntent>(call.id())?.id.clone();
        complete_action(world, &id, authenticated)?;
        return world.show::<SetupIntent>(&id);
    }
    let id = world.get::<PaymentIntent>(call.id())?.id.clone();
    complete_action(world, &id, authenticated)?;
    world.show::<PaymentIntent>(&id)
}
