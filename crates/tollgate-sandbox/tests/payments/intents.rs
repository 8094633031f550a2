//! Payment and setup intents from the first call to the money.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Get, Post};
use tollgate_sandbox::Request;

use crate::world::{DAY, Sandbox};
use crate::{PAID, charge, customer, decline, disputed, pay, text};

#[test]
fn a_declined_intent_succeeds_with_another_card() {
    let mut sandbox = Sandbox::new();
    let error = decline(&mut sandbox, "pm_card_chargeDeclined", &[]);
    let id = text(&error["payment_intent"]["id"]);
    sandbox.told();
    let path = format!("/v1/payment_intents/{id}/confirm");
    let paid = sandbox.post(&path, &[("payment_method", "pm_card_visa")]);
    assert_eq!([&paid["status"], &paid["amount_received"]], [&json!("succeeded"), &json!(2000)]);
    assert_eq!(paid["last_payment_error"], json!(null));
    assert_eq!(sandbox.told(), PAID[1..]);
    let charges = sandbox.get("/v1/charges", &[("payment_intent", &id)]);
    let statuses: Vec<&Value> =
        charges["data"].as_array().unwrap().iter().map(|charge| &charge["status"]).collect();
    assert_eq!(statuses, ["succeeded", "failed"]);
}

#[test]
fn a_payment_has_a_charge_and_money_with_a_fee() {
    let mut sandbox = Sandbox::new();
    let paid = pay(&mut sandbox, "pm_card_visa", &[("metadata[order]", "7")]);
    assert_eq!(sandbox.told(), PAID);
    let path = format!("/v1/charges/{}", text(&paid["latest_charge"]));
    let charge =
        sandbox.get(&path, &[("expand[]", "balance_transaction"), ("expand[]", "refunds")]);
    assert_eq!(charge["metadata"], json!({ "order": "7" }));
    let money = &charge["balance_transaction"];
    let sums = [&money["amount"], &money["fee"], &money["net"], &money["status"]];
    assert_eq!(sums, [&json!(2000), &json!(88), &json!(1912), &json!("pending")]);
    assert_eq!(charge["refunds"]["data"], json!([]));
    sandbox.pass(3 * DAY);
    let money = sandbox.get(&format!("/v1/balance_transactions/{}", text(&money["id"])), &[]);
    assert_eq!(money["status"], "available");
    let found = sandbox.get(
        "/v1/payment_intents/search",
        &[("query", "metadata['order']:'7' AND amount>1999 AND status:'succeeded'")],
    );
    assert_eq!(found["data"][0]["id"], paid["id"]);
    let by_card = ("query", "payment_method_details.card.last4:4242");
    let found = sandbox.get("/v1/charges/search", &[by_card]);
    assert_eq!(found["data"][0]["id"], paid["latest_charge"]);
}

#[test]
fn an_authorization_is_captured_in_part_or_let_go_or_runs_out() {
    let mut sandbox = Sandbox::new();
    let manual = [("capture_method", "manual")];
    let held = pay(&mut sandbox, "pm_card_visa", &manual);
    assert_eq!(
        [&held["status"], &held["amount_capturable"]],
        [&json!("requires_capture"), &json!(2000)]
    );
    let told =
        ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"];
    assert_eq!(sandbox.told(), told);
    let path = format!("/v1/payment_intents/{}", text(&held["id"]));
    let taken = sandbox.post(&format!("{path}/capture"), &[("amount_to_capture", "1500")]);
    assert_eq!([&taken["amount_received"], &taken["amount_capturable"]], [1500, 0]);
    assert_eq!(sandbox.told(), ["charge.captured", "payment_intent.succeeded"]);
    let part = charge(&mut sandbox, &taken);
    let sums = [&part["amount_captured"], &part["amount_refunded"]];
    assert_eq!((sums, &part["captured"]), ([&json!(1500), &json!(500)], &json!(true)));

    let held = pay(&mut sandbox, "pm_card_visa", &manual);
    sandbox.told();
    let path = format!("/v1/payment_intents/{}/cancel", text(&held["id"]));
    let gone = sandbox.post(&path, &[("cancellation_reason", "abandoned")]);
    assert_eq!([&gone["status"], &gone["cancellation_reason"]], ["canceled", "abandoned"]);
    assert_eq!(sandbox.told(), ["charge.refunded", "payment_intent.canceled"]);

    let held = pay(&mut sandbox, "pm_card_visa", &manual);
    sandbox.told();
    sandbox.pass(8 * DAY);
    assert_eq!(sandbox.told(), ["charge.expired", "payment_intent.canceled"]);
    let gone = sandbox.get(&format!("/v1/payment_intents/{}", text(&held["id"])), &[]);
    assert_eq!([&gone["status"], &gone["cancellation_reason"]], ["canceled", "automatic"]);
}

#[test]
fn setup_future_usage_keeps_the_card() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let more = [("customer", ada.as_str()), ("setup_future_usage", "off_session")];
    let paid = pay(&mut sandbox, "pm_card_visa", &more);
    let told = [
        "payment_intent.created",
        "charge.succeeded",
        "payment_method.attached",
        "payment_intent.succeeded",
    ];
    assert_eq!(sandbox.told(), told);
    let method = text(&paid["payment_method"]);
    let away = [("customer", ada.as_str()), ("off_session", "true")];
    assert_eq!(pay(&mut sandbox, &method, &away)["status"], "succeeded");
}

#[test]
fn setup_intents_succeed_fail_and_end() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let made = sandbox.post("/v1/setup_intents", &[("customer", &ada)]);
    assert_eq!([&made["status"], &made["usage"]], ["requires_payment_method", "off_session"]);
    let path = format!("/v1/setup_intents/{}", text(&made["id"]));
    let back = ("return_url", "https://example.com");
    let declined = [("payment_method", "pm_card_chargeDeclined"), back];
    let (status, error) = sandbox.refused(Post, &format!("{path}/confirm"), &declined);
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    assert_eq!(error["setup_intent"]["last_setup_error"]["code"], "card_declined");
    let done =
        sandbox.post(&format!("{path}/confirm"), &[("payment_method", "pm_card_visa"), back]);
    assert_eq!(done["status"], "succeeded");
    let told = [
        "setup_intent.created",
        "setup_intent.setup_failed",
        "payment_method.attached",
        "setup_intent.succeeded",
    ];
    assert_eq!(sandbox.told(), told);
    sandbox.post(&path, &[("metadata[a]", "1")]);
    assert_eq!(sandbox.told(), [""; 0]);
    let listed = sandbox.get("/v1/setup_intents", &[("customer", &ada)]);
    assert_eq!(listed["data"][0]["metadata"], json!({ "a": "1" }));
    let other = sandbox.post("/v1/setup_intents", &[]);
    let path = format!("/v1/setup_intents/{}/cancel", text(&other["id"]));
    sandbox.post(&path, &[("cancellation_reason", "abandoned")]);
    assert_eq!(sandbox.told(), ["setup_intent.created", "setup_intent.canceled"]);
}

#[test]
fn an_intent_changes_until_it_is_paid() {
    let mut sandbox = Sandbox::new();
    let made = sandbox.post("/v1/payment_intents", &[("amount", "999"), ("currency", "eur")]);
    assert_eq!(made["payment_method_types"], json!(["card", "sepa_debit"]));
    let path = format!("/v1/payment_intents/{}", text(&made["id"]));
    let ada = customer(&mut sandbox);
    let change = [
        ("amount", "1099"),
        ("customer", ada.as_str()),
        ("payment_method", "pm_card_visa"),
        ("description", "two"),
    ];
    let changed = sandbox.post(&path, &change);
    assert_eq!(
        [&changed["amount"], &changed["status"]],
        [&json!(1099), &json!("requires_confirmation")]
    );
    assert_eq!(sandbox.told(), [""; 0], "no event tells of a change");
    let paid = sandbox.post(&format!("{path}/confirm"), &[("return_url", "https://example.com")]);
    assert_eq!(paid["status"], "succeeded");
    sandbox.post(&path, &[("metadata[late]", "1")]);
    let listed = sandbox.get("/v1/payment_intents", &[("customer", &ada)]);
    assert_eq!(listed["data"][0]["metadata"], json!({ "late": "1" }));
}

#[test]
fn an_intent_says_which_methods_it_takes() {
    let mut sandbox = Sandbox::new();
    let base = [("amount", "2000"), ("currency", "usd")];
    for (more, kinds) in [
        (vec![], json!(["card", "us_bank_account"])),
        (vec![("allowed_payment_method_types[]", "card")], json!(["card"])),
        (vec![("excluded_payment_method_types[]", "us_bank_account")], json!(["card"])),
    ] {
        let params: Vec<(&str, &str)> = base.iter().chain(&more).copied().collect();
        let made = sandbox.post("/v1/payment_intents", &params);
        assert_eq!(made["payment_method_types"], kinds, "{more:?}");
    }
    sandbox.told();
}

/// The same calls in another world give the same bytes.
#[test]
fn the_same_calls_give_the_same_bytes() {
    let run = || {
        let mut sandbox = Sandbox::new();
        let ada = customer(&mut sandbox);
        let paid = pay(&mut sandbox, "pm_card_visa", &[("customer", &ada)]);
        sandbox.post("/v1/refunds", &[("payment_intent", &text(&paid["id"]))]);
        disputed(&mut sandbox, "createDispute");
        sandbox.pass(20 * DAY);
        sandbox.answer(Get, "/v1/charges", &[]).body
    };
    assert_eq!(run(), run());
}

/// Payment methods that may lead elsewhere want an address to come back to, unless an old tool
/// asks, which names no version.
#[test]
fn a_confirmation_says_where_to_return() {
    let mut sandbox = Sandbox::new();
    for (form, version, status) in [
        ("", Some("2026-10-28.endive"), 400),
        ("&return_url=https://example.com", Some("2026-10-28.endive"), 200),
        ("&allowed_payment_method_types[]=card", Some("2026-10-28.endive"), 200),
        ("&automatic_payment_methods[enabled]=false", Some("2026-10-28.endive"), 200),
        ("&payment_method_types[]=card", Some("2024-06-20"), 200),
        ("", Some("2022-11-15"), 200),
        ("", None, 200),
    ] {
        let body = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa";
        let mut request = Request::new(Post, "/v1/payment_intents", format!("{body}{form}"));
        request.version = version.map(str::to_owned);
        let answer = sandbox.world.call(&request);
        assert_eq!(answer.status, status, "{form} {version:?}: {}", answer.body);
    }
}
