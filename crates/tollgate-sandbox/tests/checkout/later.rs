//! What comes later: debits that settle, sessions that expire, invoices paid on their page.

use serde_json::{Value, json};
use tollgate_sandbox::Method;

use crate::shop::{
    DECLINED, FAILING_IBAN, IBAN, SESSIONS, Shop, VISA, card, debiting, id, paying, text,
};
use crate::world::DAY;

#[test]
fn a_debit_is_paid_when_it_settles() {
    let mut shop = Shop::new();
    let session = shop.buy(&[]);
    let (_, answer) = shop.at(&session, "pay", debiting(IBAN));
    assert_eq!(text(&answer, "status"), "complete");
    assert_eq!(
        shop.told(),
        [
            "payment_intent.created",
            "charge.pending",
            "payment_intent.processing",
            "checkout.session.completed"
        ]
    );
    assert_eq!(shop.again(&session)["payment_status"], "unpaid");
    shop.sandbox.pass(15 * DAY);
    assert_eq!(
        shop.told(),
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.async_payment_succeeded"
        ]
    );
    assert_eq!(shop.again(&session)["payment_status"], "paid");
}

#[test]
fn a_debit_that_fails_is_told() {
    let mut shop = Shop::new();
    let session = shop.buy(&[]);
    shop.at(&session, "pay", debiting(FAILING_IBAN));
    shop.told();
    shop.sandbox.pass(15 * DAY);
    assert_eq!(
        shop.told(),
        ["charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"]
    );
    let session = shop.again(&session);
    assert_eq!(
        (&session["status"], &session["payment_status"]),
        (&json!("complete"), &json!("unpaid"))
    );
}

#[test]
fn a_subscription_by_debit_is_active_until_it_fails() {
    for (iban, status) in [(IBAN, "active"), (FAILING_IBAN, "past_due")] {
        let mut shop = Shop::new();
        let session = shop.subscribe(&[]);
        shop.at(&session, "pay", debiting(iban));
        let done = shop.again(&session);
        assert_eq!(done["payment_status"], "unpaid");
        let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
        assert_eq!(shop.sandbox.get(&path, &[])["status"], "active");
        shop.told();
        shop.sandbox.pass(15 * DAY);
        let told = shop.told();
        let wanted = if iban == IBAN { "succeeded" } else { "failed" };
        let wanted = format!("checkout.session.async_payment_{wanted}");
        assert!(told.contains(&wanted), "{told:?}");
        assert_eq!(shop.sandbox.get(&path, &[])["status"], status, "{told:?}");
    }
}

#[test]
fn a_trial_may_be_paid_by_debit_later() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[("subscription_data[trial_period_days]", "3")]);
    let (status, answer) = shop.at(&session, "pay", debiting(IBAN));
    assert_eq!((status, text(&answer, "status")), (200, "complete"), "{answer}");
    let done = shop.again(&session);
    assert_eq!(done["payment_status"], "no_payment_required");
    let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "trialing");
    shop.sandbox.pass(20 * DAY);
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "active");
    let invoices = shop.sandbox.get("/v1/invoices", &[("status", "paid")]);
    assert_eq!(invoices["data"][0]["amount_paid"], 2000);
}

#[test]
fn a_session_expires_after_a_day() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[]);
    shop.at(&session, "pay", paying(DECLINED));
    shop.told();
    shop.sandbox.pass(DAY - 1);
    assert_eq!(shop.told(), Vec::<String>::new());
    shop.sandbox.pass(1);
    assert_eq!(shop.told(), ["payment_intent.canceled", "checkout.session.expired"]);
    let expired = shop.again(&session);
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &Value::Null));
    assert_eq!(shop.at(&session, "pay", paying(VISA)).0, 409);
    assert_eq!(shop.show(&session)["status"], "expired");
}

#[test]
fn a_session_is_expired_by_a_call_once() {
    let mut shop = Shop::new();
    let until = (crate::world::START + 1_800).to_string();
    let session = shop.buy(&[("expires_at", &until)]);
    let path = format!("{SESSIONS}/{}/expire", text(&session, "id"));
    assert_eq!(shop.sandbox.post(&path, &[])["status"], "expired");
    assert_eq!(shop.told(), ["checkout.session.expired"]);
    let (status, error) = shop.sandbox.refused(Method::Post, &path, &[]);
    assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")));
    shop.sandbox.pass(DAY);
    assert_eq!(shop.told(), Vec::<String>::new());
}

#[test]
fn an_expired_session_can_be_taken_up_again() {
    let mut shop = Shop::new();
    let session = shop.buy(&[("after_expiration[recovery][enabled]", "true")]);
    shop.sandbox.pass(DAY);
    let url = shop.show(&session)["recovery_url"].as_str().unwrap().to_owned();
    let copy = url.rsplit('/').next().unwrap().to_owned();
    let copy = shop.sandbox.get(&format!("{SESSIONS}/{copy}"), &[]);
    assert_eq!((&copy["recovered_from"], &copy["status"]), (&session["id"], &json!("open")));
    assert_eq!(shop.pay(&copy, VISA)["payment_status"], "paid");
}

#[test]
fn metadata_can_be_changed_and_sessions_are_listed() {
    let mut shop = Shop::new();
    let first = shop.buy(&[("metadata[a]", "1")]);
    let second = shop.subscribe(&[]);
    let path = format!("{SESSIONS}/{}", text(&first, "id"));
    let changed = shop.sandbox.post(&path, &[("metadata[b]", "2"), ("metadata[a]", "")]);
    assert_eq!(changed["metadata"], json!({ "b": "2" }));
    let listed = shop.sandbox.get(SESSIONS, &[("limit", "1")]);
    assert_eq!((&listed["data"][0]["id"], &listed["has_more"]), (&second["id"], &json!(true)));
    shop.pay(&first, VISA);
    let complete = shop.sandbox.get(SESSIONS, &[("status", "complete")]);
    assert_eq!(complete["data"].as_array().unwrap().len(), 1);
    let (status, _) = shop.sandbox.refused(Method::Get, &format!("{SESSIONS}/cs_none"), &[]);
    assert_eq!(status, 404);
    assert_eq!(shop.page(Method::Get, "/_pages/checkout/cs_none", &Value::Null).0, 404);
}

#[test]
fn a_session_lives_by_its_customers_clock() {
    let mut shop = Shop::new();
    let start = crate::world::START.to_string();
    let clock = id(&shop.sandbox.post("/v1/test_helpers/test_clocks", &[("frozen_time", &start)]));
    let customer = id(&shop
        .sandbox
        .post("/v1/customers", &[("test_clock", &clock), ("email", "a@example.com")]));
    let session = shop.subscribe(&[("customer", &customer)]);
    shop.sandbox.pass(2 * DAY);
    assert_eq!(shop.again(&session)["status"], "open");
    let done = shop.pay(&session, VISA);
    let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
    assert_eq!(shop.sandbox.get(&path, &[])["test_clock"], json!(clock));
}

#[test]
fn an_open_invoice_is_paid_on_its_page() {
    let mut shop = Shop::new();
    let customer = id(&shop.sandbox.post("/v1/customers", &[("email", "ada@example.com")]));
    let item = [
        ("customer", &*customer),
        ("amount", "900"),
        ("currency", "eur"),
        ("description", "Repair"),
    ];
    shop.sandbox.post("/v1/invoiceitems", &item);
    let invoice = shop.sandbox.post(
        "/v1/invoices",
        &[
            ("customer", &*customer),
            ("collection_method", "send_invoice"),
            ("days_until_due", "14"),
            ("pending_invoice_items_behavior", "include"),
        ],
    );
    let id = text(&invoice, "id").to_owned();
    shop.sandbox.post(&format!("/v1/invoices/{id}/finalize"), &[]);
    let path = format!("/_pages/invoice/{id}");
    let (status, page) = shop.page(Method::Get, &path, &Value::Null);
    assert_eq!((status, &page["status"], &page["amount_due"]), (200, &json!("open"), &json!(900)));
    assert_eq!(
        (&page["lines"][0]["description"], &page["payable"]),
        (&json!("Repair"), &json!(true))
    );
    let pay = format!("{path}/pay");
    let (status, answer) = shop.page(Method::Post, &pay, &json!({ "card": card(DECLINED) }));
    assert_eq!((status, &answer["error"]["code"]), (402, &json!("card_declined")));
    let (status, answer) = shop.page(Method::Post, &pay, &json!({ "iban": IBAN }));
    assert_eq!((status, &answer["invoice"]["status"]), (200, &json!("processing")), "{answer}");
    shop.sandbox.pass(15 * DAY);
    let (_, page) = shop.page(Method::Get, &path, &Value::Null);
    assert_eq!((&page["status"], &page["amount_paid"]), (&json!("paid"), &json!(900)));
    assert!(page["paid_at"].is_i64());
    assert_eq!(shop.page(Method::Get, "/_pages/invoice/in_none", &Value::Null).0, 404);
}

#[test]
fn the_bank_asks_on_the_page_of_an_invoice() {
    let mut shop = Shop::new();
    let customer = id(&shop.sandbox.post("/v1/customers", &[]));
    let item = [("customer", &*customer), ("amount", "900"), ("currency", "usd")];
    shop.sandbox.post("/v1/invoiceitems", &item);
    let params = [
        ("customer", &*customer),
        ("pending_invoice_items_behavior", "include"),
        ("auto_advance", "false"),
    ];
    let invoice = shop.sandbox.post("/v1/invoices", &params);
    let id = text(&invoice, "id").to_owned();
    shop.sandbox.post(&format!("/v1/invoices/{id}/finalize"), &[]);
    let path = format!("/_pages/invoice/{id}");
    let body = json!({ "card": card(crate::shop::ASKS) });
    let (_, answer) = shop.page(Method::Post, &format!("{path}/pay"), &body);
    assert_eq!(
        (text(&answer, "status"), &answer["action"]["amount"]),
        ("requires_action", &json!(900))
    );
    let outcome = json!({ "action": answer["action"]["id"], "outcome": "complete" });
    let (_, answer) = shop.page(Method::Post, &format!("{path}/action"), &outcome);
    assert_eq!(answer["invoice"]["status"], "paid", "{answer}");
}
