//! Subscriptions and their items.

use super::catalog::{Tariff, plan_of};
use super::customer::user_metadata;
use crate::story::json::{Blank, Json};
use crate::story::teller::Teller;

static SUBSCRIPTION: Blank = Blank::new(include_str!("subscription.json"));
static ITEM: Blank = Blank::new(include_str!("subscription_item.json"));

/// Returns a subscription to one price whose first period begins now and ends at `end`.
pub(in crate::story) fn subscription(
    teller: &mut Teller<'_>,
    tariff: &Tariff,
    payment_method: &Json,
    end: i64,
) -> Json {
    let id = teller.id("sub_1");
    let item = item(teller, tariff, &id, end);
    let now = teller.now;
    SUBSCRIPTION
        .copy()
        .with("billing_cycle_anchor", now)
        .with("created", now)
        .with("currency", tariff.currency)
        .with("customer", &teller.cast.customer)
        .with("default_payment_method", payment_method)
        .with("items.data", vec![item])
        .with("items.url", format!("/v1/subscription_items?subscription={id}"))
        .with("livemode", teller.cast.livemode)
        .with("metadata", user_metadata(teller))
        .with("start_date", now)
        .with("id", id)
}

fn item(teller: &mut Teller<'_>, tariff: &Tariff, subscription: &str, end: i64) -> Json {
    let price = tariff.price_object();
    ITEM.copy()
        .with("id", teller.ids.short("si_", teller.now))
        .with("created", teller.now)
        .with("current_period_end", end)
        .with("current_period_start", teller.now)
        .with("plan", plan_of(&price))
        .with("price", price)
        .with("subscription", subscription.to_owned())
}

/// Gives the subscription's item another price.
pub(in crate::story) fn set_price(subscription: &mut Json, tariff: &Tariff) {
    let price = tariff.price_object();
    subscription.set("items.data.0.plan", plan_of(&price));
    subscription.set("items.data.0.price", price);
}

/// Gives the subscription's item another period.
pub(in crate::story) fn set_period(subscription: &mut Json, start: i64, end: i64) {
    subscription.set("items.data.0.current_period_start", start);
    subscription.set("items.data.0.current_period_end", end);
}

/// Returns when the current period ends.
pub(in crate::story) fn period_end(subscription: &Json) -> i64 {
    subscription.int("items.data.0.current_period_end")
}
