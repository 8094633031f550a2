//! The portal's configuration: invoices, cards, cancellation at the period's end, and a change
//! between our plans. Ours is known by its metadata; the account's default is left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::prices::product_of;
use super::{Found, MADE_BY};
use crate::stripe_api::{Stripe, StripeError};

const PATH: &str = "/v1/billing_portal/configurations";

/// Returns our configuration, if it was made.
///
/// # Errors
/// As Stripe says.
pub async fn ours(stripe: &Stripe) -> Result<Option<Value>, StripeError> {
    // Stripe leaves the products out unless it is asked for them.
    let products = "data.features.subscription_update.products";
    let params = json!({ "active": true, "limit": 100, "expand": [products] });
    let list = stripe.get(PATH, &params).await?;
    let all = list.object["data"].as_array().into_iter().flatten();
    Ok(all.into_iter().find(|it| it["metadata"]["made_by"] == MADE_BY).cloned())
}

/// Names the features that a configuration has otherwise than customers need them to choose
/// between these prices.
pub fn differences(configuration: &Value, prices: &[Value]) -> Vec<String> {
    let wanted = features(&offered(prices));
    let has = &configuration["features"];
    let wrong = wanted.as_object().into_iter().flatten().filter(|(name, it)| !fits(it, &has[name]));
    wrong.map(|(name, _)| name.clone()).collect()
}

/// Says what is to be done so that a customer can choose between these prices.
pub(super) async fn look(
    stripe: &Stripe,
    prices: &[Value],
    found: &mut Found,
) -> Result<(), StripeError> {
    let features = features(&offered(prices));
    let params = json!({ "features": features, "metadata": { "made_by": MADE_BY } });
    let Some(it) = ours(stripe).await? else {
        found.call("make the portal's configuration".to_owned(), PATH, params);
        return Ok(());
    };
    let wrong = differences(&it, prices);
    if wrong.is_empty() {
        found.right.push("= the portal's configuration".to_owned());
    } else {
        let path = format!("{PATH}/{}", it["id"].as_str().unwrap_or_default());
        found.call(format!("set what the portal offers: {}", wrong.join(", ")), &path, params);
    }
    Ok(())
}

/// Products with those of these prices that recur.
fn offered(prices: &[Value]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut products: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for price in prices.iter().filter(|it| it["type"] == "recurring") {
        if let (Some(product), Some(id)) = (product_of(price), price["id"].as_str()) {
            products.entry(product).or_default().insert(id);
        }
    }
    products
}

/// Whether a feature is as we want it, as far as we say; what is switched off may be anything else.
fn fits(wanted: &Value, has: &Value) -> bool {
    let mut fields = wanted.as_object().into_iter().flatten();
    has["enabled"] == wanted["enabled"]
        && (wanted["enabled"] == false || fields.all(|(name, it)| is_same(it, &has[name])))
}

/// Lists have no order here; of products only what is offered counts.
fn is_same(wanted: &Value, has: &Value) -> bool {
    let (Some(wanted), Some(has)) = (wanted.as_array(), has.as_array()) else {
        return wanted == has;
    };
    sorted(wanted) == sorted(has)
}

fn sorted(list: &[Value]) -> BTreeSet<String> {
    let entry = |it: &Value| match it["product"].as_str() {
        Some(product) => {
            let prices: BTreeSet<&str> =
                it["prices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            format!("{product} {prices:?}")
        }
        None => it.to_string(),
    };
    list.iter().map(entry).collect()
}

fn features(products: &BTreeMap<&str, BTreeSet<&str>>) -> Value {
    let offered: Vec<Value> = products
        .iter()
        .map(|(product, prices)| json!({ "product": product, "prices": prices }))
        .collect();
    let mut features = json!({
        "customer_update": { "enabled": true, "allowed_updates": ["address", "email", "name", "tax_id"] },
        "invoice_history": { "enabled": true },
        "payment_method_update": { "enabled": true },
        "subscription_cancel": { "enabled": true, "mode": "at_period_end" },
        "subscription_update": { "enabled": false },
    });
    if !offered.is_empty() {
        features["subscription_update"] = json!({
            "enabled": true, "default_allowed_updates": ["price"],
            "proration_behavior": "always_invoice", "products": offered,
        });
    }
    features
}
