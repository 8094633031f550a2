//! The catalog beside Stripe's own list of event types, which stands among the parameters that
//! `tools/stripe-params.mjs` takes from the types of the official library.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

use serde_json::Value;
use tollgate::rules::catalog::{CATALOG, entry};

const PARAMETERS: &str = include_str!("../../tollgate-sandbox/src/params/endpoints.json");

/// What is sold, bought, paid, given back and disputed: we act on every type that begins so.
const ALL_OF: &[&str] = &[
    "charge.",
    "checkout.session.",
    "coupon.",
    "customer.subscription.",
    "invoice.",
    "payment_intent.",
    "payment_method.",
    "price.",
    "product.",
    "promotion_code.",
    "refund.",
];

/// All types that an endpoint may be subscribed to; `*` means each of them.
fn types_of_stripe() -> Vec<String> {
    let parameters: Value = serde_json::from_str(PARAMETERS).unwrap();
    let words = parameters["types"]["EnabledEvent"].as_str().unwrap().trim_start_matches('=');
    let types: Vec<String> = words.split('|').filter(|it| *it != "*").map(String::from).collect();
    assert!(types.len() > 200, "only {} types", types.len());
    types
}

#[test]
fn every_type_of_stripes_about_money_is_acted_on() {
    let types = types_of_stripe();
    for prefix in ALL_OF {
        let mut of_prefix = types.iter().filter(|it| it.starts_with(prefix)).peekable();
        assert!(of_prefix.peek().is_some(), "Stripe has no type {prefix}*");
        let unknown: Vec<&String> = of_prefix.filter(|it| entry(it).is_none()).collect();
        assert!(unknown.is_empty(), "nobody acts on {unknown:?}");
    }
}

#[test]
fn every_type_of_the_catalog_is_one_of_stripes() {
    let types = types_of_stripe();
    for entry in CATALOG {
        let name = entry.event_type;
        assert!(types.iter().any(|it| it == name), "Stripe has no type {name}");
    }
}
