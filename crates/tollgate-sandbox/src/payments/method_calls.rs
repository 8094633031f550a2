//! `/v1/payment_methods`.

use std::sync::Arc;

use super::methods::{self, Wanted};
use super::numbers;
use crate::error::StripeError;
use crate::object::customer::Customer;
use crate::object::payment_method::{Kind, Means, PaymentMethod};
use crate::object::token::Token;
use crate::object::{Id, change_metadata, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/payment_methods", list),
    Route::post("/v1/payment_methods", |world, call| {
        let id = create(world, &call.params)?;
        world.show::<PaymentMethod>(&id)
    }),
    Route::get("/v1/payment_methods/{id}", |world, call| {
        let id = named(world, call.id())?;
        world.show::<PaymentMethod>(&id)
    }),
    Route::post("/v1/payment_methods/{id}", update),
    Route::post("/v1/payment_methods/{id}/attach", attach),
    Route::post("/v1/payment_methods/{id}/detach", detach),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let kind = call.params.text("type").map(Kind::parse);
    let customer = call.params.text("customer");
    if let Some(customer) = customer {
        world.need::<Customer>(customer, "customer")?;
    }
    world.list::<PaymentMethod>(call, customer, |row| {
        kind.is_none_or(|kind| kind == Some(row.kind))
            && (customer.is_none() || row.customer.as_deref() == customer)
    })
}

/// Makes a payment method from `type` and what it names.
pub(super) fn create(world: &mut World, params: &Params) -> Result<Id, StripeError> {
    if params.has("payment_method") {
        let message = "Copies of payment methods are not part of the sandbox.";
        return Err(params.refuse("payment_method", message));
    }
    let means = numbers::means(world, params)?;
    check_holder(&means, params)?;
    Ok(make(world, means, params))
}

/// Makes a payment method of known means with the details that a call gives.
pub(super) fn make(world: &mut World, means: Means, params: &Params) -> Id {
    let token = params.sub("card").and_then(|card| card.text("token").map(str::to_owned));
    if let Some(token) = token {
        world.edit::<Token>(&token, |token| token.used = true);
    }
    let mut row = methods::blank(world, means);
    row.metadata = metadata(params);
    Arc::make_mut(&mut row.billing_details).change(params);
    row.allow_redisplay = redisplay(params).unwrap_or("unspecified");
    let id = row.id.clone();
    world.add(row);
    id
}

fn redisplay(params: &Params) -> Option<&'static str> {
    let word = params.text("allow_redisplay")?;
    ["always", "limited", "unspecified"].into_iter().find(|known| *known == word)
}

/// Debits need the name of their account's holder, and in Europe an address to write to.
fn check_holder(means: &Means, params: &Params) -> Result<(), StripeError> {
    let needed: &[&str] = match means {
        Means::Card(_) => return Ok(()),
        Means::SepaDebit(_) => &["name", "email"],
        Means::UsBankAccount(_) => &["name"],
    };
    let details = params.sub("billing_details").unwrap_or_default();
    match needed.iter().find(|name| !details.has(name)) {
        Some(name) => Err(StripeError::missing(&format!("billing_details[{name}]"))),
        None => Ok(()),
    }
}

/// Returns a payment method by id; a test name makes a new one.
fn named(world: &mut World, name: &str) -> Result<Id, StripeError> {
    if let Some(row) = world.payment_methods.get(name) {
        return Ok(row.id.clone());
    }
    match methods::by_name(world, name) {
        Some(means) if name.starts_with("pm_") => Ok(methods::make(world, means)),
        _ => Err(StripeError::no_such("PaymentMethod", name)),
    }
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let row = world.get::<PaymentMethod>(call.id())?;
    if row.customer.is_none() {
        return Err(StripeError::invalid(
            "You must attach this PaymentMethod to a customer before you can update it.",
        ));
    }
    let date = new_date(world, row, params)?;
    world.update::<PaymentMethod>(call.id(), "payment_method.updated", |row| {
        Arc::make_mut(&mut row.billing_details).change(params);
        change_metadata(&mut row.metadata, params);
        row.allow_redisplay = redisplay(params).unwrap_or(row.allow_redisplay);
        if let (Means::Card(card), Some((month, year))) = (&mut row.means, date) {
            (card.exp_month, card.exp_year) = (month, year);
        }
    });
    world.show::<PaymentMethod>(call.id())
}

fn new_date(
    world: &World,
    row: &PaymentMethod,
    params: &Params,
) -> Result<Option<(i64, i64)>, StripeError> {
    let Some(given) = params.sub("card") else { return Ok(None) };
    let Means::Card(card) = &row.means else {
        return Err(params.refuse("card", "This PaymentMethod is not a card."));
    };
    let month = given.int("exp_month").unwrap_or(card.exp_month);
    let year = given.int("exp_year").unwrap_or(card.exp_year);
    Ok(Some((month, super::numbers::check_date(month, year, world.now())?)))
}

fn attach(world: &mut World, call: &Call) -> Outcome {
    let customer = call.params.need_text("customer")?;
    let customer = world.need::<Customer>(customer, "customer")?.id.clone();
    if let (None, Some(means)) =
        (world.payment_methods.get(call.id()), methods::by_name(world, call.id()))
    {
        methods::joinable(world, &Wanted::New(means))?;
    }
    let id = named(world, call.id())?;
    methods::attach(world, &id, &customer)?;
    world.show::<PaymentMethod>(&id)
}

/// Detaches. A test name means the newest one that was made from it and has a customer.
fn detach(world: &mut World, call: &Call) -> Outcome {
    let id = match (world.payment_methods.get(call.id()), methods::by_name(world, call.id())) {
        (None, Some(means)) => newest_of(world, &means),
        _ => None,
    };
    let id = id.unwrap_or_else(|| call.id().into());
    methods::detach(world, &id)?;
    world.show::<PaymentMethod>(&id)
}

fn newest_of(world: &World, wanted: &Means) -> Option<Id> {
    let same = |means: &Means| match (means, wanted) {
        (Means::Card(one), Means::Card(other)) => one.test == other.test,
        (Means::UsBankAccount(one), Means::UsBankAccount(other)) => one.fate == other.fate,
        _ => false,
    };
    let mut attached = world.payment_methods.newest().filter(|row| row.customer.is_some());
    attached.find(|row| same(&row.means)).map(|row| row.id.clone())
}
