//! Products: made with a price, changed, found, deleted while nothing is sold of them.

use serde_json::json;
use tollgate_sandbox::Method::Delete;

use crate::world::Sandbox;
use crate::{ids, monthly, product, text};

#[test]
fn a_product_may_come_with_its_price() {
    let mut sandbox = Sandbox::new();
    let params = [
        ("name", "Pro"),
        ("default_price_data[currency]", "eur"),
        ("default_price_data[unit_amount]", "900"),
        ("default_price_data[recurring][interval]", "year"),
        ("default_price_data[metadata][a]", "1"),
        ("expand[]", "default_price"),
    ];
    let made = sandbox.post("/v1/products", &params);
    let price = &made["default_price"];
    assert_eq!((&price["unit_amount"], &price["metadata"]), (&json!(900), &json!({ "a": "1" })));
    assert_eq!((&price["product"], &price["type"]), (&made["id"], &json!("recurring")));
    assert_eq!(sandbox.told(), ["product.created", "price.created", "product.updated"]);
}

#[test]
fn a_product_changes_field_by_field() {
    let mut sandbox = Sandbox::new();
    let params = [
        ("name", "Pro"),
        ("description", "good"),
        ("images[0]", "https://example.com/a.png"),
        ("marketing_features[0][name]", "fast"),
        ("metadata[a]", "1"),
        ("unit_label", "seat"),
    ];
    let made = sandbox.post("/v1/products", &params);
    let path = format!("/v1/products/{}", text(&made["id"]));
    let price = monthly(&mut sandbox, &text(&made["id"]), 500);
    sandbox.told();
    let changed = sandbox.post(
        &path,
        &[
            ("name", "Best"),
            ("description", ""),
            ("images", ""),
            ("default_price", &price),
            ("active", "false"),
        ],
    );
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Best"), &json!(null)));
    assert_eq!((&changed["images"], &changed["active"]), (&json!([]), &json!(false)));
    assert_eq!(
        (&changed["default_price"], &changed["unit_label"]),
        (&json!(price), &json!("seat"))
    );
    assert_eq!(changed["marketing_features"], json!([{ "name": "fast" }]));
    let events = sandbox.events();
    assert_eq!(events.len(), 1);
    let previous = &events[0].1["data"]["previous_attributes"];
    let names: Vec<&String> = previous.as_object().unwrap().keys().collect();
    assert_eq!(names, ["active", "default_price", "description", "images", "name"]);
}

#[test]
fn only_a_product_without_prices_is_deleted() {
    let mut sandbox = Sandbox::new();
    let (free, sold) = (product(&mut sandbox, "Free"), product(&mut sandbox, "Sold"));
    monthly(&mut sandbox, &sold, 500);
    sandbox.told();
    let (status, error) = sandbox.refused(Delete, &format!("/v1/products/{sold}"), &[]);
    assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")));
    sandbox.delete(&format!("/v1/products/{free}"), &[]);
    assert_eq!(sandbox.told(), ["product.deleted"]);
    assert_eq!(ids(&sandbox.get("/v1/products", &[])), [sold]);
}

#[test]
fn products_are_found() {
    let mut sandbox = Sandbox::new();
    let pro = [("name", "Pro"), ("url", "https://example.com/pro"), ("shippable", "false")];
    let pro =
        text(&sandbox.post("/v1/products", &[&pro[..], &[("metadata[tier]", "1")]].concat())["id"]);
    let off = text(&sandbox.post("/v1/products", &[("name", "Off"), ("active", "false")])["id"]);
    for (filter, expected) in [
        (("active", "true"), vec![&pro]),
        (("ids[]", off.as_str()), vec![&off]),
        (("url", "https://example.com/pro"), vec![&pro]),
        (("shippable", "false"), vec![&pro]),
        (("type", "service"), vec![&off, &pro]),
        (("type", "good"), vec![]),
    ] {
        let found = ids(&sandbox.get("/v1/products", &[filter]));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    for (query, expected) in [
        ("active:'true' AND metadata['tier']:'1'", vec![&pro]),
        ("name~'off'", vec![&off]),
        ("-metadata['tier']:null", vec![&pro]),
    ] {
        let found = ids(&sandbox.get("/v1/products/search", &[("query", query)]));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
}
