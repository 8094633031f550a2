//! Entitlements: the features that a customer's subscriptions give.
//!
//! A subscription gives them while it is trialing, active or past due: until it is unpaid, paused
//! or over, Stripe leaves it to the app what a late payment means.

use serde_json::{Value, json};

use crate::object::active_entitlement::ActiveEntitlement;
use crate::object::customer::Customer;
use crate::object::feature::Feature;
use crate::object::subscription::{Status, Subscription};
use crate::object::{Id, Object as _};
use crate::world::event::Change;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/entitlements/active_entitlements", list),
    Route::get("/v1/entitlements/active_entitlements/{id}", |world, call| {
        world.show::<ActiveEntitlement>(call.id())
    }),
];

const SUMMARY: &str = "entitlements.active_entitlement_summary";

fn list(world: &mut World, call: &Call) -> Outcome {
    let customer = world.need::<Customer>(call.params.need_text("customer")?, "customer")?;
    let customer = customer.id.clone();
    world.list::<ActiveEntitlement>(call, Some(&customer), |_| true)
}

/// Compares what a customer may use with what was told last, and tells of a difference
/// (`entitlements.active_entitlement_summary.updated`).
pub(crate) fn refresh(world: &mut World, customer: &Id) {
    if world.product_features.len() == 0 && world.active_entitlements.len() == 0 {
        return;
    }
    let wanted = features_of(world, customer);
    let held: Vec<(Id, Id)> = world
        .active_entitlements
        .of(customer)
        .map(|row| (row.id.clone(), row.feature.clone()))
        .collect();
    let gone: Vec<&Id> =
        held.iter().filter(|(_, feature)| !wanted.contains(feature)).map(|(id, _)| id).collect();
    let new: Vec<&Id> =
        wanted.iter().filter(|one| held.iter().all(|(_, feature)| feature != *one)).collect();
    if gone.is_empty() && new.is_empty() {
        return;
    }
    let before = summary(world, customer);
    for id in gone {
        world.active_entitlements.remove(id);
    }
    for feature in new {
        entitle(world, customer, feature);
    }
    let change = Change { after: summary(world, customer), before: Some(before) };
    let kind = "entitlements.active_entitlement_summary.updated";
    world.tell(kind, customer, SUMMARY, Some(customer), &change);
}

/// Does the same for everybody who subscribes to a product.
pub(super) fn refresh_product(world: &mut World, product: &Id) {
    let buys =
        |row: &&Subscription| row.items.data.iter().any(|item| item.price.product == *product);
    let mut customers: Vec<Id> =
        world.subscriptions.newest().filter(buys).map(|row| row.customer.clone()).collect();
    customers.sort_unstable();
    customers.dedup();
    for customer in customers {
        refresh(world, &customer);
    }
}

/// Returns the features that a customer's subscriptions give, each once.
fn features_of(world: &World, customer: &Id) -> Vec<Id> {
    let gives = |row: &&Subscription| {
        matches!(row.status, Status::Active | Status::Trialing | Status::PastDue)
    };
    let items = world.subscriptions.of(customer).filter(gives).flat_map(|row| &row.items.data);
    let mut features = Vec::new();
    for item in items {
        for row in world.product_features.of(&item.price.product) {
            if !features.contains(&row.entitlement_feature.id) {
                features.push(row.entitlement_feature.id.clone());
            }
        }
    }
    features
}

fn entitle(world: &mut World, customer: &Id, feature: &Id) {
    let lookup_key = world.known::<Feature>(feature).lookup_key.clone();
    let row = ActiveEntitlement {
        id: world.new_id(ActiveEntitlement::PREFIX),
        object: ActiveEntitlement::NAME,
        feature: feature.clone(),
        livemode: false,
        lookup_key,
        customer: customer.clone(),
        created: world.now_of(Some(customer)),
    };
    world.add(row);
}

fn summary(world: &World, customer: &Id) -> Value {
    let data: Vec<&ActiveEntitlement> = world.active_entitlements.of(customer).collect();
    json!({
        "object": SUMMARY,
        "customer": customer,
        "entitlements": {
            "object": "list",
            "data": data,
            "has_more": false,
            "url": format!("{}?customer={customer}", ActiveEntitlement::PATH),
        },
        "livemode": false,
    })
}
