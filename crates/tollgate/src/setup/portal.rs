//! The portal's configuration: invoices, cards, cancellation at the period's end, and a change
//! between our plans. Ours is known by its metadata; the account's default is left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Found, MADE_BY};
use crate::stripe_api::{Stripe, StripeError};

const PATH: &str = "/v1/billing_portal/configurations";

/// Returns our configuration, if it was made.
///
/// # Errors
/// As Stripe says.
pub async fn ours(stripe: &Stripe) -> Result<Option<Value>, StripeError> {
    let list = stripe.get(PATH, &json!({ "active": true, "limit": 100 })).await?;
    let all = list.object["data"].as_array().into_iter().flatten();
    Ok(all.into_iter().find(|it| it["metadata"]["made_by"] == MADE_BY).cloned())
}

/// Says what is to be done so that a customer can choose between these prices.
pub(super) async fn look(
    stripe: &Stripe,
    prices: &[Value],
    found: &mut Found,
) -> Result<(), StripeError> {
    let mut products: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for price in prices.iter().filter(|it| it["type"] == "recurring") {
        if let (Some(product), Some(id)) = (price["product"].as_str(), price["id"].as_str()) {
            products.entry(product).or_default().insert(id);
        }
    }
    let params = json!({ "features": features(&products), "metadata": { "made_by": MADE_BY } });
    match ours(stripe).await? {
        None => found.call("make the portal's configuration".to_owned(), PATH, params),
        Some(it) if offered(&it) != products => {
            let path = format!("{PATH}/{}", it["id"].as_str().unwrap_or_default());
            found.call("set the plans that the portal offers".to_owned(), &path, params);
        }
        Some(_) => found.right.push("= the portal's configuration".to_owned()),
    }
    Ok(())
}

fn offered(configuration: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let products = configuration["features"]["subscription_update"]["products"].as_array();
    products.into_iter().flatten().filter_map(product).collect()
}

fn product(it: &Value) -> Option<(&str, BTreeSet<&str>)> {
    let prices = it["prices"].as_array()?.iter().filter_map(Value::as_str);
    Some((it["product"].as_str()?, prices.collect()))
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
