//! Prices of every kind, lookup keys, lists and searches, and who shows a price.

use serde_json::{Value, json};

use crate::world::Sandbox;
use crate::{ids, monthly, payer, product, subscribe, text};

/// Makes a price in dollars of a new product.
fn price(params: &[(&str, &str)]) -> Value {
    let mut sandbox = Sandbox::new();
    let product = product(&mut sandbox, "Pro");
    let mut all = vec![("currency", "USD"), ("product", product.as_str())];
    all.extend_from_slice(params);
    all.push(("expand[]", "tiers"));
    let tiered = params.contains(&("billing_scheme", "tiered"));
    let all = if tiered { &all[..] } else { &all[..all.len() - 1] };
    sandbox.post("/v1/prices", all)
}

#[test]
fn amounts_are_whole_or_decimal() {
    for (name, given, whole, decimal) in [
        ("unit_amount", "500", json!(500), "500"),
        ("unit_amount", "0", json!(0), "0"),
        ("unit_amount_decimal", "12.5", json!(null), "12.5"),
        ("unit_amount_decimal", "12.50", json!(null), "12.5"),
        ("unit_amount_decimal", "7.0", json!(7), "7"),
        ("unit_amount_decimal", "0.000000000001", json!(null), "0.000000000001"),
    ] {
        let price = price(&[(name, given)]);
        assert_eq!(
            (&price["unit_amount"], &price["unit_amount_decimal"]),
            (&whole, &json!(decimal))
        );
        assert_eq!((&price["type"], &price["currency"]), (&json!("one_time"), &json!("usd")));
    }
}

#[test]
fn recurring_prices_say_how_often() {
    let price = price(&[
        ("unit_amount", "500"),
        ("recurring[interval]", "month"),
        ("recurring[interval_count]", "3"),
        ("recurring[trial_period_days]", "14"),
        ("nickname", "quarterly"),
        ("tax_behavior", "exclusive"),
        ("metadata[a]", "1"),
        ("active", "false"),
    ]);
    assert_eq!(price["type"], "recurring");
    assert_eq!(price["recurring"]["interval"], "month");
    assert_eq!(price["recurring"]["interval_count"], 3);
    assert_eq!(price["recurring"]["trial_period_days"], 14);
    assert_eq!(price["recurring"]["usage_type"], "licensed");
    assert_eq!(price["nickname"], "quarterly");
    assert_eq!(price["tax_behavior"], "exclusive");
    assert_eq!((&price["metadata"], &price["active"]), (&json!({ "a": "1" }), &json!(false)));
}

#[test]
fn tiers_are_shown_where_they_are_expanded() {
    let price = price(&[
        ("billing_scheme", "tiered"),
        ("tiers_mode", "graduated"),
        ("recurring[interval]", "year"),
        ("tiers[0][up_to]", "10"),
        ("tiers[0][unit_amount]", "500"),
        ("tiers[1][up_to]", "inf"),
        ("tiers[1][unit_amount_decimal]", "250.5"),
        ("tiers[1][flat_amount]", "100"),
    ]);
    assert_eq!(
        (&price["billing_scheme"], &price["tiers_mode"]),
        (&json!("tiered"), &json!("graduated"))
    );
    assert_eq!(
        (&price["unit_amount"], &price["unit_amount_decimal"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        price["tiers"],
        json!([
            { "flat_amount": null, "flat_amount_decimal": null, "unit_amount": 500,
              "unit_amount_decimal": "500", "up_to": 10 },
            { "flat_amount": 100, "flat_amount_decimal": "100", "unit_amount": null,
              "unit_amount_decimal": "250.5", "up_to": null },
        ])
    );
}

#[test]
fn tiers_and_packages_decide_what_an_invoice_costs() {
    let tiers = |mode| {
        vec![
            ("billing_scheme", "tiered"),
            ("tiers_mode", mode),
            ("tiers[0][up_to]", "10"),
            ("tiers[0][unit_amount]", "500"),
            ("tiers[1][up_to]", "inf"),
            ("tiers[1][unit_amount]", "300"),
            ("tiers[1][flat_amount]", "1000"),
        ]
    };
    let packages = vec![
        ("unit_amount", "700"),
        ("transform_quantity[divide_by]", "5"),
        ("transform_quantity[round]", "up"),
    ];
    // 12 pieces: ten at 5.00 and two at 3.00 and 10.00 once; twelve at 3.00 and 10.00 once; three
    // packages of five at 7.00.
    for (terms, total) in [
        (tiers("graduated"), 5_000 + 600 + 1_000),
        (tiers("volume"), 3_600 + 1_000),
        (packages, 2_100),
    ] {
        let mut sandbox = Sandbox::new();
        let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pieces"));
        let mut params = vec![
            ("currency", "usd"),
            ("product", product.as_str()),
            ("recurring[interval]", "month"),
        ];
        params.extend(terms);
        let price = text(&sandbox.post("/v1/prices", &params)["id"]);
        let made = subscribe(&mut sandbox, &customer, &price, &[("items[0][quantity]", "12")]);
        let path = format!("/v1/invoices/{}", text(&made["latest_invoice"]));
        assert_eq!(sandbox.get(&path, &[])["total"], total);
    }
}

#[test]
fn a_price_may_bring_its_product() {
    let mut sandbox = Sandbox::new();
    let params = [
        ("currency", "eur"),
        ("unit_amount", "900"),
        ("product_data[name]", "Pro"),
        ("product_data[id]", "pro_one"),
        ("product_data[metadata][a]", "1"),
        ("expand[]", "product"),
    ];
    let price = sandbox.post("/v1/prices", &params);
    assert_eq!(
        (&price["product"]["id"], &price["product"]["name"]),
        (&json!("pro_one"), &json!("Pro"))
    );
    assert_eq!(price["product"]["metadata"], json!({ "a": "1" }));
    assert_eq!(sandbox.told(), ["product.created", "price.created"]);
}

#[test]
fn a_lookup_key_belongs_to_one_price() {
    let mut sandbox = Sandbox::new();
    let product = product(&mut sandbox, "Pro");
    let one = monthly(&mut sandbox, &product, 1_000);
    let two = monthly(&mut sandbox, &product, 2_000);
    sandbox.post(&format!("/v1/prices/{one}"), &[("lookup_key", "pro")]);
    sandbox.told();
    let path = format!("/v1/prices/{two}");
    let (status, error) =
        sandbox.refused(tollgate_sandbox::Method::Post, &path, &[("lookup_key", "pro")]);
    assert_eq!((status, &error["param"]), (400, &json!("lookup_key")));
    sandbox.post(&path, &[("lookup_key", "pro"), ("transfer_lookup_key", "true")]);
    let events = sandbox.events();
    let seen: Vec<(&str, &Value, &Value)> = events
        .iter()
        .map(|(kind, event)| {
            let data = &event["data"];
            (
                kind.as_str(),
                &data["object"]["lookup_key"],
                &data["previous_attributes"]["lookup_key"],
            )
        })
        .collect();
    let (pro, null) = (json!("pro"), Value::Null);
    assert_eq!(seen, [("price.updated", &null, &pro), ("price.updated", &pro, &null)]);
    let found = sandbox.get("/v1/prices", &[("lookup_keys[]", "pro")]);
    assert_eq!(ids(&found), std::slice::from_ref(&two));
    let emptied = sandbox.post(&path, &[("lookup_key", "")]);
    assert_eq!(emptied["lookup_key"], Value::Null);
}

#[test]
fn lists_are_narrowed() {
    let mut sandbox = Sandbox::new();
    let (pro, other) = (product(&mut sandbox, "Pro"), product(&mut sandbox, "Other"));
    let month = monthly(&mut sandbox, &pro, 1_000);
    let year = [("currency", "eur"), ("unit_amount", "9"), ("recurring[interval]", "year")];
    let year = text(&sandbox.post("/v1/prices", &[&year[..], &[("product", &pro)]].concat())["id"]);
    let once =
        [("currency", "usd"), ("unit_amount", "5"), ("product", &other), ("active", "false")];
    let once = text(&sandbox.post("/v1/prices", &once)["id"]);
    for (filter, expected) in [
        (vec![], vec![&once, &year, &month]),
        (vec![("product", pro.as_str())], vec![&year, &month]),
        (vec![("active", "false")], vec![&once]),
        (vec![("currency", "usd")], vec![&once, &month]),
        (vec![("type", "one_time")], vec![&once]),
        (vec![("recurring[interval]", "year")], vec![&year]),
        (vec![("recurring[usage_type]", "metered")], vec![]),
        (vec![("limit", "1")], vec![&once]),
    ] {
        let found = ids(&sandbox.get("/v1/prices", &filter));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    for (query, expected) in [
        ("active:'true'", vec![&year, &month]),
        ("active:'true' AND currency:'usd'", vec![&month]),
        ("type:'one_time' OR currency:'eur'", vec![&once, &year]),
    ] {
        let found = ids(&sandbox.get("/v1/prices/search", &[("query", query)]));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
}

#[test]
fn a_changed_price_shows_in_the_items_that_hold_it() {
    let mut sandbox = Sandbox::new();
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    let price = monthly(&mut sandbox, &product, 1_000);
    let made = subscribe(&mut sandbox, &customer, &price, &[]);
    sandbox.told();
    let change = [("active", "false"), ("nickname", "old"), ("metadata[a]", "1")];
    sandbox.post(&format!("/v1/prices/{price}"), &change);
    assert_eq!(sandbox.told(), ["price.updated"]);
    let found = sandbox.get(&format!("/v1/subscriptions/{}", text(&made["id"])), &[]);
    let item = &found["items"]["data"][0];
    for shown in [&item["price"], &item["plan"]] {
        assert_eq!((&shown["active"], &shown["nickname"]), (&json!(false), &json!("old")));
        assert_eq!(shown["metadata"], json!({ "a": "1" }));
    }
}

#[test]
fn inline_prices_are_real_but_not_active() {
    let mut sandbox = Sandbox::new();
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    sandbox.told();
    let params = [
        ("customer", customer.as_str()),
        ("items[0][price_data][currency]", "usd"),
        ("items[0][price_data][product]", &product),
        ("items[0][price_data][unit_amount]", "1500"),
        ("items[0][price_data][recurring][interval]", "month"),
    ];
    let made = sandbox.post("/v1/subscriptions", &params);
    let id = text(&made["items"]["data"][0]["price"]["id"]);
    let price = sandbox.get(&format!("/v1/prices/{id}"), &[]);
    assert_eq!((&price["active"], &price["unit_amount"]), (&json!(false), &json!(1500)));
    assert_eq!(ids(&sandbox.get("/v1/prices", &[("active", "true")])), Vec::<String>::new());
    assert_eq!(sandbox.told()[0], "price.created");
}
