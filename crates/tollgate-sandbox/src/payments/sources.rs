//! A card as a customer's payment source, which is older than payment methods: old tools still give
//! `source` when they create a customer. It is a payment method too, by the id of the card.
//!
//! <https://docs.stripe.com/api/cards/object> (2026-10-28.endive)

use serde_json::{Value, json};

use super::customers::methods_of;
use super::methods::{self, Wanted};
use crate::error::StripeError;
use crate::object::payment_method::{Means, PaymentMethod};
use crate::object::token::{self, Token};
use crate::object::{Id, Object as _};
use crate::params::Params;
use crate::world::event::Change;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[Route::get("/v1/customers/{id}/sources/{id}", show)];

/// What the ids of cards begin with.
pub(crate) const PREFIX: &str = "card_";
const KIND: &str = "card";

/// Finds the card that a call gives to a new customer as its source.
pub(super) fn find(world: &World, params: &Params) -> Result<Option<Means>, StripeError> {
    let Some(name) = params.text("source") else { return Ok(None) };
    let wanted = match name.starts_with(Token::PREFIX) {
        true => methods::look(world, name, "source")?,
        false => return Err(StripeError::no_such_param(Token::NAME, name, "source")),
    };
    let Wanted::New(means @ Means::Card(_)) = wanted else {
        let message = "Sources other than cards are not part of the sandbox.";
        return Err(params.refuse("source", message));
    };
    methods::lets_itself_be_attached(&means)?;
    Ok(Some(means))
}

/// Makes the card, of nobody yet; its token is used up by it.
pub(super) fn take(world: &mut World, means: Means, token: &str) -> Id {
    world.edit::<Token>(token, |token| token.used = true);
    let card = world.tokens.get(token).map(|token| token.part.clone());
    let id = card.unwrap_or_else(|| world.new_id(PREFIX));
    let row = PaymentMethod { id: id.clone(), ..methods::blank(world, means) };
    world.add(row);
    id
}

/// Gives the card to its customer (`customer.source.created`, `payment_method.attached`).
pub(super) fn join(world: &mut World, card: &Id, customer: &Id) {
    let mut after = shape(world.known::<PaymentMethod>(card));
    after["customer"] = json!(customer);
    let change = Change { after, before: None };
    world.tell("customer.source.created", card, KIND, Some(customer), &change);
    methods::join(world, card, customer);
}

/// Returns a card as a source; `None` for an id of something else.
pub(crate) fn object(world: &World, id: &str) -> Option<Value> {
    let row = world.payment_methods.get(id).filter(|row| row.id.starts_with(PREFIX))?;
    Some(shape(row))
}

/// Returns a customer's sources, newest first.
pub(super) fn of_customer(world: &World, customer: &str) -> Vec<Value> {
    methods_of(world, customer).filter(|row| row.id.starts_with(PREFIX)).map(shape).collect()
}

fn shape(row: &PaymentMethod) -> Value {
    let Means::Card(card) = &row.means else { return Value::Null };
    let mut shown = token::card(&row.id, row.billing_details.name.as_deref(), card);
    shown["customer"] = json!(row.customer);
    shown
}

fn show(world: &mut World, call: &Call) -> Outcome {
    let id = call.ids.get(1).map_or("", String::as_str);
    let found = object(world, id).filter(|card| card["customer"] == call.id());
    found.ok_or_else(|| StripeError::no_such("source", id))
}
