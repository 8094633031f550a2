//! What moved between API versions is where each version had it.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

use serde_json::{Value, json};
use tollgate_sandbox::story::{ApiVersionShape, Cast, story};

const START: i64 = 1_790_000_000;

use ApiVersionShape::{Basil, Clover, Endive, V2020_08_27, V2022_11_15, V2024_06_20};

/// Returns the `data` of the last event of a type in a story.
fn last(name: &str, kind: &str, version: ApiVersionShape) -> Value {
    let cast = Cast { api_version: version, ..Cast::new(3, START) };
    let events = story(name, &cast).unwrap();
    let event = events.iter().rfind(|event| event.kind == kind).unwrap();
    let mut body: Value = serde_json::from_str(&event.body).unwrap();
    body["data"].take()
}

fn object(name: &str, kind: &str, version: ApiVersionShape) -> Value {
    last(name, kind, version)["object"].take()
}

fn has(value: &Value, key: &str) -> bool {
    value.as_object().unwrap().contains_key(key)
}

#[test]
fn the_period_stands_on_the_subscription_before_basil_also_in_previous_attributes() {
    for version in ApiVersionShape::ALL {
        let data = last("renewal", "customer.subscription.updated", version);
        let (new, old) = (&data["object"], &data["previous_attributes"]);
        let item = &new["items"]["data"][0];
        if version < Basil {
            assert!(new["current_period_end"].as_i64() > old["current_period_end"].as_i64());
            assert!(!has(item, "current_period_end") && !has(new, "billing_mode"));
            assert_eq!(new["plan"]["id"], item["price"]["id"]);
        } else {
            let before = &old["items"]["data"][0];
            assert!(item["current_period_end"].as_i64() > before["current_period_end"].as_i64());
            assert!(!has(new, "current_period_end") && !has(old, "current_period_end"));
            assert!(!has(new, "plan"));
        }
        let mode = if version < Clover { "classic" } else { "flexible" };
        assert!(version < Basil || new["billing_mode"]["type"] == mode);
    }
}

#[test]
fn an_invoice_names_its_subscription_and_payment_where_the_version_does() {
    for version in ApiVersionShape::ALL {
        let invoice = object("subscribe_checkout", "invoice.paid", version);
        assert!(!has(&invoice, "payments"), "a list that is not expanded");
        if version < Basil {
            assert!(invoice["subscription"].as_str().unwrap().starts_with("sub_"));
            assert!(invoice["charge"].as_str().unwrap().starts_with("ch_"));
            assert!(invoice["payment_intent"].as_str().unwrap().starts_with("pi_"));
            assert_eq!(invoice["paid"], true);
            assert!(!has(&invoice, "parent") && !has(&invoice, "total_taxes"));
        } else {
            let parent = &invoice["parent"]["subscription_details"];
            assert!(parent["subscription"].as_str().unwrap().starts_with("sub_"));
            for gone in ["subscription", "charge", "payment_intent", "paid"] {
                assert!(!has(&invoice, gone), "{version:?} {gone}");
            }
        }
    }
}

#[test]
fn a_failed_attempt_is_unpaid_and_names_its_charge() {
    let data = last("renewal_fails", "invoice.updated", V2024_06_20);
    assert_eq!(data["object"]["paid"], false);
    assert_eq!(data["previous_attributes"]["charge"], Value::Null);
    assert!(data["object"]["charge"].as_str().unwrap().starts_with("ch_"));
    assert_eq!(data["previous_attributes"]["attempt_count"], 0);
}

#[test]
fn a_line_carries_its_price_or_refers_to_it() {
    for version in ApiVersionShape::ALL {
        let invoice = object("upgrade", "invoice.paid", version);
        let lines = invoice["lines"]["data"].as_array().unwrap();
        assert_eq!(lines.len(), 2);
        assert!(lines[0]["amount"].as_i64() < Some(0) && lines[1]["amount"].as_i64() > Some(0));
        for line in lines {
            if version < Basil {
                assert_eq!(line["price"]["id"], line["plan"]["id"]);
                assert_eq!(line["proration"], true);
                assert_eq!(line["type"], "invoiceitem");
                assert!(!has(line, "parent") && !has(line, "pricing"));
            } else {
                assert!(line["pricing"]["price_details"]["price"].is_string());
                assert_eq!(line["parent"]["subscription_item_details"]["proration"], true);
                assert!(!has(line, "price") && !has(line, "plan") && !has(line, "proration"));
            }
        }
    }
}

#[test]
fn payments_list_their_charges_and_charges_their_refunds_in_2020() {
    for version in ApiVersionShape::ALL {
        let intent = object("one_time_purchase", "payment_intent.succeeded", version);
        let charge = object("refund_full", "charge.refunded", version);
        assert!(intent["latest_charge"].is_string());
        assert_eq!(has(&intent, "charges"), version < V2022_11_15);
        assert_eq!(has(&charge, "refunds"), version < V2022_11_15);
        assert_eq!(has(&intent, "invoice"), version < Basil);
        assert_eq!(charge["invoice"].is_string(), version < Basil);
        if version == V2020_08_27 {
            assert_eq!(intent["charges"]["data"][0]["id"], intent["latest_charge"]);
            assert_eq!(charge["refunds"]["data"][0]["charge"], charge["id"]);
        }
    }
}

#[test]
fn coupons_hide_behind_promotion_and_source_since_clover() {
    for version in ApiVersionShape::ALL {
        let code = object("discounted", "promotion_code.created", version);
        let discount = object("discounted", "customer.discount.created", version);
        let subscription = object("discounted", "customer.subscription.created", version);
        let invoice = object("discounted", "invoice.paid", version);
        if version < Clover {
            assert_eq!(code["coupon"]["object"], "coupon");
            assert_eq!(discount["coupon"]["id"], code["coupon"]["id"]);
            assert!(!has(&code, "promotion") && !has(&discount, "source"));
        } else {
            assert!(code["promotion"]["coupon"].is_string());
            assert_eq!(discount["source"]["coupon"], code["promotion"]["coupon"]);
            assert!(!has(&code, "coupon") && !has(&discount, "coupon"));
        }
        assert_eq!(subscription["discounts"], json!([discount["id"]]));
        assert_eq!(has(&subscription, "discount"), version < Basil);
        assert_eq!(has(&invoice, "discount"), version < Basil);
        if version < Basil {
            assert_eq!(subscription["discount"]["coupon"]["id"], code["coupon"]["id"]);
            assert_eq!(invoice["discount"], subscription["discount"]);
        }
        assert!(invoice["total"].as_i64() < invoice["subtotal"].as_i64());
    }
}

#[test]
fn checkout_calls_its_pages_by_the_names_of_the_version() {
    for version in ApiVersionShape::ALL {
        let session = object("subscribe_checkout", "checkout.session.completed", version);
        let expected = if version < Endive { "hosted" } else { "hosted_page" };
        assert_eq!(session["ui_mode"], expected);
    }
}

/// Since basil the subscription is created after the payment, before it was created first.
#[test]
fn checkout_creates_subscriptions_incomplete_before_basil() {
    for version in ApiVersionShape::ALL {
        let kind = "customer.subscription.created";
        let created = object("subscribe_checkout", kind, version);
        let status = if version < Basil { "incomplete" } else { "active" };
        assert_eq!(created["status"], status);
        assert_eq!(object("subscribe_api", kind, version)["status"], "incomplete");
        let updated = last("subscribe_api", "customer.subscription.updated", version);
        assert_eq!(updated["object"]["status"], "active");
        assert_eq!(updated["previous_attributes"], json!({"status": "incomplete"}));
    }
}

#[test]
fn features_were_not_marketing_features_before_2024() {
    assert!(has(&object("catalog", "product.created", V2022_11_15), "features"));
    assert!(has(&object("catalog", "product.created", V2024_06_20), "marketing_features"));
}

#[test]
fn the_portal_sets_cancel_at_alone_since_clover() {
    for version in ApiVersionShape::ALL {
        let data = last("cancel_in_portal", "customer.subscription.updated", version);
        assert!(data["object"]["cancel_at"].is_i64());
        assert_eq!(data["object"]["cancel_at_period_end"], version < Clover);
        let data = last("cancel_at_period_end", "customer.subscription.updated", version);
        assert_eq!(data["object"]["cancel_at_period_end"], true);
    }
}
