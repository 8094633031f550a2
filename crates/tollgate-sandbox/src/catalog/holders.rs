//! What discounts are on: customers, subscriptions and their items. They come, change and go with
//! `customer.discount.created`, `.updated` and `.deleted`.

use serde_json::Value;

use super::discounts::{self, Purchase, Wanted};
use crate::error::StripeError;
use crate::object::customer::Customer;
use crate::object::discount::Discount;
use crate::object::subscription::Subscription;
use crate::object::{Id, Object as _};
use crate::params::Params;
use crate::world::event::Change;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::delete("/v1/customers/{id}/discount", delete_of_customer),
    Route::delete("/v1/subscriptions/{id}/discount", delete_of_subscription),
];

/// What a call makes of a customer's discount.
#[derive(Debug)]
pub(crate) enum OfCustomer {
    /// It stays.
    Same,
    /// It goes.
    Nothing,
    /// This takes its place.
    New(Box<Wanted>),
}

/// Reads `coupon` and `promotion_code`, which calls of older versions may give a customer.
pub(crate) fn of_customer_params(
    world: &World,
    customer: Option<&Id>,
    params: &Params,
) -> Result<OfCustomer, StripeError> {
    let names = ["coupon", "promotion_code"];
    if names.iter().all(|name| params.has(name)) {
        let message = "Only one of `coupon` and `promotion_code` can be given.";
        return Err(params.refuse("promotion_code", message));
    }
    if names.iter().any(|name| params.has(name)) {
        let purchase = Purchase { customer, ..Purchase::default() };
        let wanted = discounts::check_new(world, purchase, params)?;
        return Ok(OfCustomer::New(Box::new(wanted)));
    }
    let clears = names.iter().any(|name| params.cleared(name));
    Ok(if clears { OfCustomer::Nothing } else { OfCustomer::Same })
}

/// Changes a customer's discount without telling; returns the one before. [`tell_customer`] tells
/// of it once the customer's own event is out.
pub(crate) fn give_customer(world: &mut World, customer: &Id, change: &OfCustomer) -> Option<Id> {
    let before = world.known::<Customer>(customer).discount.as_ref();
    let before = before.and_then(|discount| discount["id"].as_str()).map(Id::from);
    let after = match change {
        OfCustomer::Same => return before,
        OfCustomer::Nothing => None,
        OfCustomer::New(wanted) => {
            let wanted = std::slice::from_ref(&**wanted);
            discounts::make(world, Some(customer), wanted).pop()
        }
    };
    if let Some(before) = &before {
        world.edit::<Discount>(before, |discount| discount.over = true);
    }
    let shown = after.and_then(|id| world.show::<Discount>(&id).ok());
    world.edit::<Customer>(customer, |row| row.discount = shown);
    before
}

/// Tells how a customer's discount differs from the one before.
pub(crate) fn tell_customer(world: &mut World, customer: &Id, before: Option<&Id>) {
    let after = world.known::<Customer>(customer).discount.clone();
    let after_id = after.as_ref().and_then(|discount| discount["id"].as_str()).map(Id::from);
    match (before, after.zip(after_id)) {
        (Some(before), None) => world.emit::<Discount>("customer.discount.deleted", before),
        (None, Some((_, id))) => tell_created(world, &id),
        (Some(before), Some((after, id))) if *before != id => {
            let before = world.show::<Discount>(before).ok();
            let change = Change { after, before };
            world.edit::<Discount>(&id, |discount| discount.told = true);
            world.tell("customer.discount.updated", &id, Discount::NAME, Some(customer), &change);
        }
        _ => {}
    }
}

fn tell_created(world: &mut World, id: &Id) {
    world.edit::<Discount>(id, |discount| discount.told = true);
    world.emit::<Discount>("customer.discount.created", id);
}

/// Notes that the discounts of a subscription and of its items are its own, and that those which
/// it no longer names are over. Each change of either list ends with this.
pub(crate) fn belong_to_subscription(world: &mut World, subscription: &Id) {
    let found = world.known::<Subscription>(subscription);
    let mut held: Vec<(Id, Option<Id>)> =
        found.discounts.iter().map(|id| (id.clone(), None)).collect();
    for item in &found.items.data {
        held.extend(item.discounts.iter().map(|id| (id.clone(), Some(item.id.clone()))));
    }
    for id in dropped(world, subscription, &held) {
        world.edit::<Discount>(&id, |discount| discount.over = true);
        world.emit::<Discount>("customer.discount.deleted", &id);
    }
    for (id, item) in held {
        discounts::count_once(world, &id);
        if world.get::<Discount>(&id).is_ok_and(|discount| !discount.told) {
            world.edit::<Discount>(&id, |discount| {
                discount.subscription = Some(subscription.clone());
                discount.subscription_item = item;
            });
            world.discounts.own(subscription, &id);
            tell_created(world, &id);
        }
    }
}

fn dropped(world: &World, subscription: &Id, held: &[(Id, Option<Id>)]) -> Vec<Id> {
    let own = world.discounts.of(subscription).filter(|one| !one.over);
    own.filter(|one| held.iter().all(|(id, _)| *id != one.id)).map(|one| one.id.clone()).collect()
}

/// Ends a discount and takes it off what it is on.
pub(super) fn take_off(world: &mut World, id: &Id) {
    let Ok(discount) = world.get::<Discount>(id) else { return };
    if discount.over {
        return;
    }
    let (customer, subscription) = (discount.customer.clone(), discount.subscription.clone());
    let held_by_none = subscription
        .as_ref()
        .is_some_and(|id| world.get::<Subscription>(id).is_ok_and(|row| row.status.is_over()));
    let told = discount.told && !held_by_none;
    world.edit::<Discount>(id, |discount| discount.over = true);
    if told {
        world.emit::<Discount>("customer.discount.deleted", id);
    }
    if let Some(subscription) = subscription {
        take_off_subscription(world, &subscription, id);
    } else if let Some(customer) = customer {
        take_off_customer(world, &customer, id);
    }
}

fn take_off_subscription(world: &mut World, subscription: &Id, id: &Id) {
    let Ok(found) = world.get::<Subscription>(subscription) else { return };
    // Until it is started, `customer.subscription.created` will tell.
    let silent = found.hidden.quiet || found.status.is_over();
    let change = |subscription: &mut Subscription| {
        subscription.discounts.retain(|one| one != id);
        for item in &mut subscription.items.data {
            item.discounts.retain(|one| one != id);
        }
    };
    if silent {
        world.edit::<Subscription>(subscription, change);
    } else {
        world.update::<Subscription>(subscription, "customer.subscription.updated", change);
    }
}

fn take_off_customer(world: &mut World, customer: &Id, id: &Id) {
    world.update::<Customer>(customer, "customer.updated", |row| {
        let is_it = |discount: &Value| discount["id"].as_str() == Some(id);
        if row.discount.as_ref().is_some_and(is_it) {
            row.discount = None;
        }
    });
}

fn delete_of_customer(world: &mut World, call: &Call) -> Outcome {
    let customer = world.get::<Customer>(call.id())?;
    let id = customer.discount.as_ref().and_then(|discount| discount["id"].as_str());
    let id = id.map(Id::from).ok_or_else(|| none("customer", call.id()))?;
    take_off(world, &id);
    Ok(discounts::shown_deleted(world, &id))
}

/// Takes every discount off a subscription; the answer is the first.
fn delete_of_subscription(world: &mut World, call: &Call) -> Outcome {
    let all = world.get::<Subscription>(call.id())?.discounts.clone();
    let first = all.first().cloned().ok_or_else(|| none("subscription", call.id()))?;
    for id in &all {
        take_off(world, id);
    }
    Ok(discounts::shown_deleted(world, &first))
}

fn none(what: &str, id: &str) -> StripeError {
    let message = format!("No active discount for {what}: {id}");
    StripeError::invalid(message).code("resource_missing").with("param", "id").status(404)
}
