//! The desk: what `/` shows, the customers, what happened last, and the switch that lets cards
//! fail.

use serde_json::{Map, Value, json};

use super::people;
use crate::error::StripeError;
use crate::object::Id;
use crate::object::customer::Customer;
use crate::object::subscription::Subscription;
use crate::payments;
use crate::world::{Call, Outcome, World};

/// How many customers, events and deliveries the desk shows.
const SHOWN: usize = 30;
/// What a card is declined with unless the call says otherwise.
const DECLINE: &str = "card_declined";

/// `GET /_sandbox/desk`.
pub(super) fn show(world: &mut World, _: &Call) -> Outcome {
    let customers: Vec<&Customer> = world.customers.newest().take(SHOWN).collect();
    let state = super::state(world);
    Ok(json!({
        "object": "sandbox.desk",
        "clock": state["now"],
        "next_renewal": state["next_renewal"],
        "exponents": exponents(world),
        "failing": world.failing(None).map(|decline| decline.decline_code),
        "return_url": world.settings.shop_return_url,
        "customers_count": world.customers.len(),
        "customers": customers.iter().map(|row| customer(world, row)).collect::<Vec<_>>(),
        "events": events(world),
        "deliveries": deliveries(world),
        "endpoints": endpoints(world)["data"],
        "prices_count": state["prices"],
    }))
}

/// `POST /_sandbox/cards`: from now on the payments of a customer, or of everybody, are declined
/// with `decline_code`; without one they go as their cards say.
pub(super) fn cards(world: &mut World, call: &Call) -> Outcome {
    let customer = match call.params.text("customer") {
        Some(id) => Some(world.need::<Customer>(id, "customer")?.id.clone()),
        None => None,
    };
    let fail = call.params.text("fail").is_some_and(|fail| fail != "false");
    if call.params.flag("fail").unwrap_or(fail) {
        let code = call.params.text("decline_code").unwrap_or(DECLINE);
        payments::fail_from_now(world, customer.as_ref(), code);
    } else {
        payments::succeed_from_now(world, customer.as_ref());
    }
    let failing = world.failing(customer.as_ref()).map(|decline| decline.decline_code);
    Ok(json!({ "object": "sandbox.cards", "customer": customer, "failing": failing }))
}

/// How many decimals each currency has in which something is sold.
pub(super) fn exponents(world: &World) -> Value {
    let currencies = world.prices.newest().map(|price| price.currency);
    let owed = world.subscriptions.newest().map(|row| row.currency);
    let entries = currencies.chain(owed).map(|it| (it.as_str().to_owned(), it.exponent().into()));
    Value::Object(entries.collect::<Map<String, Value>>())
}

fn customer(world: &World, row: &Customer) -> Value {
    let subscriptions = world.subscriptions.of(&row.id);
    let own = world.failing.get(&Some(row.id.clone()));
    json!({
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "user": people::user_of(world, row),
        "test_clock": row.test_clock,
        "failing": own.map(|decline| decline.decline_code),
        "subscriptions": subscriptions.map(|it| subscription(world, it)).collect::<Vec<_>>(),
    })
}

fn subscription(world: &World, row: &Subscription) -> Value {
    let items = &row.items.data;
    let amount: Option<i64> =
        items.iter().map(|item| Some(item.price.unit_amount? * item.count())).sum();
    let first = items.first();
    let name = first.and_then(|item| world.products.get(&item.price.product));
    json!({
        "id": row.id,
        "status": row.status,
        "name": name.map(|product| &product.name),
        "amount": amount,
        "currency": row.currency,
        "per": first.and_then(|item| people::per(&item.price)),
        "until": first.map(|item| item.current_period_end),
        "trial_end": row.trial_end,
        "cancel_at": row.cancel_at,
        "ended_at": row.ended_at,
    })
}

fn events(world: &World) -> Vec<Value> {
    let newest = world.events.newest().take(SHOWN);
    newest
        .map(|event| {
            json!({
                "id": event.id,
                "type": event.kind,
                "created": event.created,
                "object": event.about,
                "pending": event.pending_webhooks,
            })
        })
        .collect()
}

/// The last attempts of each event that is shown: several endpoints may get it.
fn deliveries(world: &World) -> Vec<Value> {
    let attempts = world.deliveries.attempts().take(4 * SHOWN);
    attempts.map(|it| serde_json::to_value(it).expect("attempts are plain")).collect()
}

/// `GET /_sandbox/endpoints`: the webhook endpoints with their secrets, which Stripe's API tells
/// only once and its dashboard whenever somebody asks.
pub(super) fn endpoints(world: &World) -> Value {
    let rows = world.webhook_endpoints.newest().map(|row| {
        json!({
            "id": row.id,
            "url": row.url,
            "status": row.status,
            "enabled_events": row.enabled_events,
            "api_version": row.api_version,
            "metadata": row.metadata,
            "secret": row.secret,
        })
    });
    json!({ "object": "sandbox.endpoints", "data": rows.collect::<Vec<_>>() })
}

/// Returns the customer of a call's `user`, or says that there is none.
pub(super) fn need_customer(world: &World, user: &str) -> Result<Id, StripeError> {
    people::customer_of(world, user)
        .ok_or_else(|| StripeError::param("user", format!("{user} is no customer yet.")))
}
