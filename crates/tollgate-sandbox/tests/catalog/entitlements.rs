//! Entitlements through the life of a subscription.

use serde_json::{Value, json};

use crate::world::{DAY, Sandbox};
use crate::{give_card, ids, lasting, monthly, payer, product, subscribe, text};

const UPDATED: &str = "entitlements.active_entitlement_summary.updated";

fn feature(sandbox: &mut Sandbox, key: &str) -> String {
    let params = [("lookup_key", key), ("name", key)];
    text(&sandbox.post("/v1/entitlements/features", &params)["id"])
}

fn give(sandbox: &mut Sandbox, product: &str, feature: &str) -> String {
    let path = format!("/v1/products/{product}/features");
    text(&sandbox.post(&path, &[("entitlement_feature", feature)])["id"])
}

/// What a customer may use, sorted.
fn keys(sandbox: &mut Sandbox, customer: &str) -> Vec<String> {
    let list = sandbox.get("/v1/entitlements/active_entitlements", &[("customer", customer)]);
    sorted(&list["data"])
}

fn sorted(entitlements: &Value) -> Vec<String> {
    let rows = entitlements.as_array().unwrap();
    let mut keys: Vec<String> = rows.iter().map(|row| text(&row["lookup_key"])).collect();
    keys.sort();
    keys
}

/// The summaries told since the last time: what the customer may use now, and could before.
fn summaries(sandbox: &mut Sandbox) -> Vec<(Vec<String>, Vec<String>)> {
    let told = sandbox.events().into_iter().filter(|(kind, _)| kind == UPDATED);
    told.map(|(_, event)| {
        let data = &event["data"];
        (
            sorted(&data["object"]["entitlements"]["data"]),
            sorted(&data["previous_attributes"]["entitlements"]["data"]),
        )
    })
    .collect()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn features_are_made_named_and_archived() {
    let mut sandbox = Sandbox::new();
    let id = feature(&mut sandbox, "export");
    let path = format!("/v1/entitlements/features/{id}");
    let changed = sandbox.post(&path, &[("name", "Exports"), ("metadata[a]", "1")]);
    assert_eq!((&changed["name"], &changed["metadata"]), (&json!("Exports"), &json!({ "a": "1" })));
    let product = product(&mut sandbox, "Pro");
    let given = give(&mut sandbox, &product, &id);
    let shown = sandbox.get(&format!("/v1/products/{product}/features/{given}"), &[]);
    assert_eq!(shown["entitlement_feature"], changed);
    assert_eq!(sandbox.post(&path, &[("active", "false")])["active"], false);
    let shown = sandbox.get(&format!("/v1/products/{product}/features"), &[]);
    assert_eq!(shown["data"][0]["entitlement_feature"]["active"], false);
    let all = "/v1/entitlements/features";
    assert_eq!(ids(&sandbox.get(all, &[])), Vec::<String>::new());
    assert_eq!(ids(&sandbox.get(all, &[("archived", "true"), ("lookup_key", "export")])), [id]);
}

#[test]
fn they_follow_the_subscription() {
    let mut sandbox = lasting();
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    for key in ["export", "seats"] {
        let id = feature(&mut sandbox, key);
        give(&mut sandbox, &product, &id);
    }
    let price = monthly(&mut sandbox, &product, 1_000);
    sandbox.told();
    let made = subscribe(&mut sandbox, &customer, &price, &[("trial_period_days", "7")]);
    let both = words(&["export", "seats"]);
    assert_eq!(summaries(&mut sandbox), [(both.clone(), vec![])]);
    assert_eq!(keys(&mut sandbox, &customer), both);
    // A trial ends, a month is paid, and a month is not: nothing changes.
    sandbox.pass(40 * DAY);
    give_card(&mut sandbox, &customer, "pm_card_chargeCustomerFail");
    sandbox.pass(30 * DAY);
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    assert_eq!(sandbox.get(&path, &[])["status"], "past_due");
    assert_eq!(summaries(&mut sandbox), []);
    sandbox.pass(30 * DAY);
    assert_eq!(sandbox.get(&path, &[])["status"], "canceled");
    assert_eq!(summaries(&mut sandbox), [(vec![], both)]);
    assert_eq!(keys(&mut sandbox, &customer), Vec::<String>::new());
}

#[test]
fn an_incomplete_subscription_gives_nothing_until_it_is_paid() {
    let mut sandbox = Sandbox::new();
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    let export = feature(&mut sandbox, "export");
    give(&mut sandbox, &product, &export);
    let price = monthly(&mut sandbox, &product, 1_000);
    let more = [("payment_behavior", "default_incomplete")];
    let made = subscribe(&mut sandbox, &customer, &price, &more);
    assert_eq!((&made["status"], summaries(&mut sandbox)), (&json!("incomplete"), vec![]));
    sandbox.post(&format!("/v1/invoices/{}/pay", text(&made["latest_invoice"])), &[]);
    assert_eq!(summaries(&mut sandbox), [(words(&["export"]), vec![])]);
}

#[test]
fn a_feature_of_two_products_goes_with_the_second() {
    let mut sandbox = Sandbox::new();
    let customer = payer(&mut sandbox);
    let export = feature(&mut sandbox, "export");
    let subscriptions = ["Pro", "Best"].map(|name| {
        let product = product(&mut sandbox, name);
        give(&mut sandbox, &product, &export);
        let price = monthly(&mut sandbox, &product, 1_000);
        text(&subscribe(&mut sandbox, &customer, &price, &[])["id"])
    });
    assert_eq!(summaries(&mut sandbox).len(), 1);
    let list = sandbox.get("/v1/entitlements/active_entitlements", &[("customer", &customer)]);
    let one = &list["data"][0];
    let path = format!("/v1/entitlements/active_entitlements/{}", text(&one["id"]));
    let shown = sandbox.get(&path, &[("expand[]", "feature")]);
    assert_eq!((&shown["feature"]["id"], &one["feature"]), (&json!(export), &json!(export)));
    sandbox.delete(&format!("/v1/subscriptions/{}", subscriptions[0]), &[]);
    assert_eq!(summaries(&mut sandbox), []);
    sandbox.delete(&format!("/v1/subscriptions/{}", subscriptions[1]), &[]);
    assert_eq!(summaries(&mut sandbox), [(vec![], words(&["export"]))]);
}

#[test]
fn what_a_product_gives_changes_for_who_has_it() {
    let mut sandbox = Sandbox::new();
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    let price = monthly(&mut sandbox, &product, 1_000);
    subscribe(&mut sandbox, &customer, &price, &[]);
    let export = feature(&mut sandbox, "export");
    sandbox.told();
    let given = give(&mut sandbox, &product, &export);
    assert_eq!(summaries(&mut sandbox), [(words(&["export"]), vec![])]);
    sandbox.delete(&format!("/v1/products/{product}/features/{given}"), &[]);
    assert_eq!(summaries(&mut sandbox), [(vec![], words(&["export"]))]);
}
