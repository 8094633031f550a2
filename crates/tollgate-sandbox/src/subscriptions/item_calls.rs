//! `/v1/subscription_items`: one item of a subscription at a time, changed as an update does.

use serde_json::{Map, Value, json};

use super::update;
use crate::error::StripeError;
use crate::object::Id;
use crate::object::subscription::Subscription;
use crate::object::subscription_item::SubscriptionItem;
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World, page};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/subscription_items", list),
    Route::post("/v1/subscription_items", create),
    Route::get("/v1/subscription_items/{id}", |world, call| {
        find(world, call.id()).map(|(_, item)| show(item))
    }),
    Route::post("/v1/subscription_items/{id}", change),
    Route::delete("/v1/subscription_items/{id}", delete),
];

const NAME: &str = "subscription_item";

fn show(item: &SubscriptionItem) -> Value {
    serde_json::to_value(item).expect("objects have text keys and plain numbers")
}

fn find<'a>(
    world: &'a World,
    id: &str,
) -> Result<(&'a Subscription, &'a SubscriptionItem), StripeError> {
    let item = |owner: &'a Subscription| {
        Some((owner, owner.items.data.iter().find(|item| *item.id == *id)?))
    };
    world
        .subscriptions
        .newest()
        .filter(|owner| !owner.status.is_over())
        .find_map(item)
        .ok_or_else(|| StripeError::no_such(NAME, id))
}

fn list(world: &mut World, call: &Call) -> Outcome {
    let id = call.params.need_text("subscription")?;
    let subscription = world.need::<Subscription>(id, "subscription")?;
    let items: Vec<&SubscriptionItem> = subscription.items.data.iter().collect();
    let show = |item: &&SubscriptionItem| show(item);
    page(call, NAME, "/v1/subscription_items", &items, |item| &item.id, |_| true, show)
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let id = call.params.need_text("subscription")?;
    let found = world.need::<Subscription>(id, "subscription")?.clone();
    if found.status.is_over() {
        let message = format!("The subscription '{id}' has ended and takes no items.");
        return Err(call.params.refuse("subscription", message));
    }
    let params = as_update(&call.params, None, &["subscription"]);
    update::change(world, &found, &params).map_err(of_item)?;
    let after = pending_or_present(world, &found.id);
    let added = after.iter().find(|item| found.items.data.iter().all(|old| old.id != item.id));
    Ok(added.map_or(Value::Null, show))
}

fn change(world: &mut World, call: &Call) -> Outcome {
    let (subscription, item) = find(world, call.id())?;
    let (found, id) = (subscription.clone(), item.id.clone());
    update::change(world, &found, &as_update(&call.params, Some(&id), &[])).map_err(of_item)?;
    find(world, &id).map(|(_, item)| show(item))
}

fn delete(world: &mut World, call: &Call) -> Outcome {
    let (subscription, item) = find(world, call.id())?;
    let (found, id) = (subscription.clone(), item.id.clone());
    let mut deleted = call.params.clone().into_value();
    deleted["deleted"] = json!(true);
    let params = as_update(&Params::from_value(deleted), Some(&id), &[]);
    update::change(world, &found, &params).map_err(of_item)?;
    Ok(json!({ "id": id, "object": NAME, "deleted": true }))
}

/// Returns the items as they are, or as a pending update will make them.
fn pending_or_present(world: &World, id: &Id) -> Vec<SubscriptionItem> {
    let subscription = world.known::<Subscription>(id);
    match &subscription.hidden.held {
        Some(held) => held.after.items.data.clone(),
        None => subscription.items.data.clone(),
    }
}

/// What concerns the whole subscription, and not the item.
const WHOLE: [&str; 4] =
    ["off_session", "payment_behavior", "proration_behavior", "proration_date"];

/// Returns the update of the subscription that a call on one of its items is.
fn as_update(params: &Params, id: Option<&Id>, without: &[&str]) -> Params {
    let (mut update, mut item) = (Map::new(), Map::new());
    if let Value::Object(given) = params.clone().into_value() {
        for (name, value) in given {
            match name.as_str() {
                "expand" => {}
                name if without.contains(&name) => {}
                _ if WHOLE.contains(&name.as_str()) => {
                    update.insert(name, value);
                }
                _ => {
                    item.insert(name, value);
                }
            }
        }
    }
    if let Some(id) = id {
        item.insert("id".to_owned(), json!(id));
    }
    update.insert("items".to_owned(), json!([item]));
    Params::from_value(Value::Object(update))
}

/// Names a parameter as the caller did: `price` and not `items[0][price]`.
fn of_item(error: StripeError) -> StripeError {
    let own = error.text("param").strip_prefix("items[0][").map(|rest| rest.replacen(']', "", 1));
    match own {
        Some(param) => error.with("param", param),
        None => error,
    }
}
