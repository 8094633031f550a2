//! Invoices of subscriptions: the hour as a draft, upcoming ones, retries and what they end.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;

use super::world::{DAY, START, Sandbox};
use super::{customer, fields, item, text};

fn subscribe(sandbox: &mut Sandbox, customer: &str, more: &[(&str, &str)]) -> Value {
    let product = text(&sandbox.post("/v1/products", &[("name", "Pro")])["id"]);
    let params = [
        ("product", product.as_str()),
        ("currency", "usd"),
        ("unit_amount", "2000"),
        ("recurring[interval]", "month"),
    ];
    let price = text(&sandbox.post("/v1/prices", &params)["id"]);
    let mut params = vec![("customer", customer), ("items[0][price]", &price)];
    params.extend_from_slice(more);
    sandbox.told();
    sandbox.post("/v1/subscriptions", &params)
}

/// Returns the newest invoice of a subscription.
fn latest(sandbox: &mut Sandbox, subscription: &Value) -> Value {
    let id = text(&subscription["id"]);
    sandbox.get("/v1/invoices", &[("subscription", &id)])["data"][0].clone()
}

fn status(sandbox: &mut Sandbox, subscription: &Value) -> String {
    let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
    text(&sandbox.get(&path, &[])["status"])
}

/// January has 31 days.
const MONTH: i64 = 31 * DAY;

#[test]
fn a_renewal_is_announced_drafted_and_paid_an_hour_later() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let subscription = subscribe(&mut sandbox, &ada, &[]);
    let first = latest(&mut sandbox, &subscription);
    assert_eq!(
        fields(&first, &["billing_reason", "status", "amount_paid"]),
        [json!("subscription_create"), json!("paid"), json!(2_000)]
    );
    assert_eq!(first["parent"]["subscription_details"]["subscription"], subscription["id"]);
    sandbox.told();
    sandbox.pass(MONTH - 7 * DAY);
    let events = sandbox.events();
    assert_eq!(events[0].0, "invoice.upcoming");
    let upcoming = &events[0].1["data"]["object"];
    assert_eq!(
        fields(upcoming, &["id", "status", "amount_due", "next_payment_attempt", "number"]),
        [Value::Null, json!("draft"), json!(2_000), json!(START + MONTH + 3_600), Value::Null]
    );
    assert_eq!(upcoming["lines"]["data"][0]["period"]["start"], START + MONTH);
    sandbox.pass(7 * DAY);
    let draft = latest(&mut sandbox, &subscription);
    assert_eq!(
        fields(&draft, &["billing_reason", "status", "automatically_finalizes_at"]),
        [json!("subscription_cycle"), json!("draft"), json!(START + MONTH + 3_600)]
    );
    sandbox.told();
    sandbox.pass(3_600);
    assert_eq!(
        sandbox.told()[..8],
        [
            "payment_intent.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    let paid = latest(&mut sandbox, &subscription);
    assert_eq!(fields(&paid, &["status", "attempt_count"]), [json!("paid"), json!(1)]);
    assert!(text(&paid["number"]).ends_with("-0002"));
}

/// What waits goes on the next renewal, before its periods.
#[test]
fn pending_items_go_on_the_renewal() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let subscription = subscribe(&mut sandbox, &ada, &[]);
    item(&mut sandbox, &ada, 500);
    sandbox.pass(MONTH);
    let draft = latest(&mut sandbox, &subscription);
    let amounts: Vec<&Value> =
        draft["lines"]["data"].as_array().unwrap().iter().map(|line| &line["amount"]).collect();
    assert_eq!(amounts, [&json!(500), &json!(2_000)]);
    assert_eq!(draft["total"], 2_500);
}

/// An invoice made by hand for a subscription changes nothing there, whatever becomes of it.
#[test]
fn an_invoice_made_by_hand_leaves_its_subscription_alone() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let subscription = subscribe(&mut sandbox, &ada, &[]);
    let id = text(&subscription["id"]);
    let params =
        [("customer", ada.as_str()), ("amount", "700"), ("currency", "usd"), ("subscription", &id)];
    sandbox.post("/v1/invoiceitems", &params);
    item(&mut sandbox, &ada, 500);
    let params = [
        ("customer", ada.as_str()),
        ("subscription", &id),
        ("pending_invoice_items_behavior", "include"),
    ];
    let made = sandbox.post("/v1/invoices", &params);
    assert_eq!(fields(&made, &["total", "billing_reason"]), [json!(700), json!("manual")]);
    let path = format!("/v1/invoices/{}/pay", text(&made["id"]));
    sandbox.refused(Post, &path, &[("payment_method", "pm_card_visa_chargeDeclined")]);
    assert_eq!(status(&mut sandbox, &subscription), "active");
}

#[test]
fn a_renewal_that_is_never_paid_ends_the_subscription_and_its_own_retries() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let subscription = subscribe(&mut sandbox, &ada, &[]);
    let path = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let bad = text(&sandbox.post(path, &[("customer", &ada)])["id"]);
    let default = [("invoice_settings[default_payment_method]", bad.as_str())];
    sandbox.post(&format!("/v1/customers/{ada}"), &default);
    sandbox.pass(MONTH + 3_600);
    let open = latest(&mut sandbox, &subscription);
    assert_eq!(
        fields(&open, &["status", "attempt_count", "next_payment_attempt"]),
        [json!("open"), json!(1), json!(START + MONTH + 3_600 + 3 * DAY)]
    );
    assert_eq!(status(&mut sandbox, &subscription), "past_due");
    sandbox.pass(15 * DAY);
    let last = latest(&mut sandbox, &subscription);
    assert_eq!(
        fields(&last, &["status", "attempt_count", "next_payment_attempt", "auto_advance"]),
        [json!("open"), json!(4), Value::Null, json!(false)]
    );
    assert_eq!(status(&mut sandbox, &subscription), "canceled");
    sandbox.told();
    sandbox.pass(100 * DAY);
    assert_eq!(sandbox.told(), [""; 0]);
}

/// The first payment waits for the customer: no retry comes, the subscription runs out instead.
#[test]
fn a_first_invoice_is_not_tried_again() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_chargeCustomerFail");
    let subscription = subscribe(&mut sandbox, &ada, &[]);
    assert_eq!(subscription["status"], "incomplete");
    let first = latest(&mut sandbox, &subscription);
    assert_eq!(
        fields(&first, &["status", "attempt_count", "next_payment_attempt"]),
        [json!("open"), json!(1), Value::Null]
    );
    sandbox.told();
    sandbox.pass(23 * 3_600 - 1);
    assert_eq!(sandbox.told(), [""; 0]);
    sandbox.pass(60);
    assert_eq!(latest(&mut sandbox, &subscription)["status"], "void");
    assert_eq!(status(&mut sandbox, &subscription), "incomplete_expired");
}
/// The subscription's card is looked up at each try, so that a new one heals it.
#[test]
fn a_new_card_of_the_subscription_pays_the_retry() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let attach = |sandbox: &mut Sandbox, name: &str| {
        let path = format!("/v1/payment_methods/{name}/attach");
        text(&sandbox.post(&path, &[("customer", &ada)])["id"])
    };
    let good = attach(&mut sandbox, "pm_card_visa");
    let bad = attach(&mut sandbox, "pm_card_chargeCustomerFail");
    let subscription = subscribe(&mut sandbox, &ada, &[("default_payment_method", &good)]);
    let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
    sandbox.post(&path, &[("default_payment_method", &bad)]);
    sandbox.pass(MONTH + 3_600);
    let open = latest(&mut sandbox, &subscription);
    assert_eq!(fields(&open, &["status", "default_payment_method"]), [json!("open"), Value::Null]);
    sandbox.post(&path, &[("default_payment_method", &good)]);
    sandbox.pass(3 * DAY);
    assert_eq!(latest(&mut sandbox, &subscription)["status"], "paid");
    assert_eq!(status(&mut sandbox, &subscription), "active");
}
