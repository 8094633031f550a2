//! Before releases had names: products had features, payments listed their charges, charges their
//! refunds.

use serde_json::{Value, json};

use super::{Facts, Object, field, set};

/// The most that a list within an object holds.
const INCLUDED_MAX: usize = 10;

/// 2024-04-10: `features` became `marketing_features`.
pub(super) fn features(product: &mut Object, _: &dyn Facts) {
    let features = field(product, "marketing_features").clone();
    set(product, "features", features);
}

/// 2024-04-10: `rendering_options` became a part of `rendering`.
pub(super) fn rendering_options(invoice: &mut Object, _: &dyn Facts) {
    let options = match field(invoice, "rendering.amount_tax_display") {
        Value::Null => Value::Null,
        display => json!({"amount_tax_display": display}),
    };
    set(invoice, "rendering_options", options);
}

/// 2022-11-15: `charges` became `latest_charge`.
pub(super) fn charges(intent: &mut Object, facts: &dyn Facts) {
    let id = field(intent, "id").as_str().unwrap_or_default();
    let url = format!("/v1/charges?payment_intent={id}");
    let charges = included(facts.charges_of_payment(id), &url);
    set(intent, "charges", charges);
}

/// 2022-11-15: `refunds` are shown only when expanded.
pub(super) fn refunds(charge: &mut Object, facts: &dyn Facts) {
    let id = field(charge, "id").as_str().unwrap_or_default();
    let url = format!("/v1/charges/{id}/refunds");
    let refunds = included(facts.refunds_of_charge(id), &url);
    set(charge, "refunds", refunds);
}

/// 2022-08-01: `shipping` and `shipping_rate` became `shipping_details` and `shipping_cost`. This
/// rename hid the new names from older versions, as sessions of the time show.
pub(super) fn shipping(session: &mut Object, _: &dyn Facts) {
    let details = session.remove("shipping_details");
    let cost = session.remove("shipping_cost");
    set(session, "shipping", details);
    set(session, "shipping_rate", cost.map(|cost| cost["shipping_rate"].clone()));
}

fn included(mut objects: Vec<Value>, url: &str) -> Value {
    let total = objects.len();
    objects.truncate(INCLUDED_MAX);
    json!({
        "object": "list",
        "data": objects,
        "has_more": total > INCLUDED_MAX,
        "total_count": total,
        "url": url,
    })
}

#[cfg(test)]
mod tests {
    use crate::version::shelf::{Shelf, at};
    use serde_json::{Value, json};

    #[test]
    fn a_product_has_features() {
        let newest =
            json!({"object": "product", "marketing_features": [{"name": "a"}], "tax_code": null});
        let shelf = Shelf::default();
        assert_eq!(at("2023-10-16", &newest, &shelf)["features"], json!([{"name": "a"}]));
        assert_eq!(at("2024-04-10", &newest, &shelf), newest);
    }

    #[test]
    fn an_invoice_has_rendering_options() {
        let newest = |display: Value| json!({"object": "invoice", "rendering": {"amount_tax_display": display}});
        let options = |version: &str, display: Value| {
            at(version, &newest(display), &Shelf::default()).get("rendering_options").cloned()
        };
        let expected = json!({"amount_tax_display": "exclude_tax"});
        assert_eq!(options("2023-10-16", json!("exclude_tax")), Some(expected));
        assert_eq!(options("2023-10-16", Value::Null), Some(Value::Null));
        assert_eq!(options("2024-04-10", json!("exclude_tax")), None);
    }

    #[test]
    fn payments_list_their_charges_and_charges_their_refunds() {
        let shelf = Shelf::of([
            json!({"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}),
            json!({"id": "re_1", "object": "refund", "charge": "ch_1"}),
        ])
        .with_payment("in_1", "pi_1", "ch_1");
        let newest = json!({"id": "pi_1", "object": "payment_intent", "latest_charge": "ch_1"});
        let oldest = at("2020-08-27", &newest, &shelf);
        let charges = &oldest["charges"];
        assert_eq!(charges["url"], "/v1/charges?payment_intent=pi_1");
        assert_eq!((&charges["total_count"], &charges["has_more"]), (&json!(1), &json!(false)));
        let charge = &charges["data"][0];
        assert_eq!((&charge["id"], &charge["invoice"]), (&json!("ch_1"), &json!("in_1")));
        assert_eq!(charge["refunds"]["url"], "/v1/charges/ch_1/refunds");
        assert_eq!(charge["refunds"]["data"][0]["id"], "re_1");
        assert_eq!(oldest["latest_charge"], "ch_1");
        let newer = at("2022-11-15", &newest, &shelf);
        assert_eq!((newer.get("charges"), &newer["invoice"]), (None, &json!("in_1")));
        let charge = at("2022-11-15", &json!({"id": "ch_1", "object": "charge"}), &shelf);
        assert_eq!(charge.get("refunds"), None);
    }

    #[test]
    fn a_list_within_an_object_ends_at_ten() {
        let refund =
            |n: i32| json!({"id": format!("re_{n}"), "object": "refund", "charge": "ch_1"});
        let shelf = Shelf::of((0..11).map(refund));
        let charge = at("2020-08-27", &json!({"id": "ch_1", "object": "charge"}), &shelf);
        assert_eq!(charge["refunds"]["data"].as_array().unwrap().len(), 10);
        assert_eq!(charge["refunds"]["total_count"], 11);
        assert_eq!(charge["refunds"]["has_more"], true);
    }

    #[test]
    fn a_session_has_a_shipping_rate() {
        let newest = json!({
            "object": "checkout.session", "shipping_cost": {"shipping_rate": "shr_1"},
            "collected_information": {"shipping_details": {"name": "Ada"}},
        });
        let oldest = at("2020-08-27", &newest, &Shelf::default());
        assert_eq!(
            (&oldest["shipping"]["name"], &oldest["shipping_rate"]),
            (&json!("Ada"), &json!("shr_1"))
        );
        assert_eq!((oldest.get("shipping_cost"), oldest.get("shipping_details")), (None, None));
        let newer = at("2022-08-01", &newest, &Shelf::default());
        assert_eq!((newer.get("shipping"), newer.get("shipping_rate")), (None, None));
        assert_eq!(newer["shipping_details"]["name"], "Ada");
    }
}
