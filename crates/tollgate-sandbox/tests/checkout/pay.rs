//! Paying at once, in every mode.

use serde_json::{Value, json};
use tollgate_sandbox::Method;

use crate::shop::{ASKS, DECLINED, IBAN, SESSIONS, Shop, VISA, debiting, id, paying, text};

#[test]
fn a_payment_by_card_completes_the_session() {
    let mut shop = Shop::new();
    let session = shop.buy(&[("client_reference_id", "user-1"), ("metadata[cart]", "7")]);
    assert_eq!(
        (&session["status"], &session["payment_status"]),
        (&json!("open"), &json!("unpaid"))
    );
    assert_eq!(
        (&session["amount_total"], &session["payment_intent"]),
        (&json!(1500), &Value::Null)
    );
    assert!(text(&session, "url").ends_with(&format!("/c/pay/{}", text(&session, "id"))));
    let done = shop.pay(&session, VISA);
    assert_eq!(
        shop.told(),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
        ]
    );
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!((&done["customer"], &done["url"]), (&Value::Null, &Value::Null));
    assert_eq!(done["customer_details"]["email"], "ada@example.com");
    assert_eq!(done["client_reference_id"], "user-1");
    let intent =
        shop.sandbox.get(&format!("/v1/payment_intents/{}", text(&done, "payment_intent")), &[]);
    assert_eq!((&intent["status"], &intent["amount"]), (&json!("succeeded"), &json!(1500)));
}

#[test]
fn a_session_that_always_makes_a_customer_makes_one() {
    let mut shop = Shop::new();
    let session = shop.buy(&[("customer_creation", "always")]);
    let done = shop.pay(&session, VISA);
    assert_eq!(shop.told()[..2], ["payment_intent.created", "customer.created"]);
    let customer = shop.sandbox.get(&format!("/v1/customers/{}", text(&done, "customer")), &[]);
    assert_eq!(
        (&customer["email"], &customer["name"]),
        (&json!("ada@example.com"), &json!("Ada Byron"))
    );
    let listed = shop.sandbox.get(SESSIONS, &[("customer", text(&done, "customer"))]);
    assert_eq!(listed["data"][0]["id"], done["id"]);
}

#[test]
fn a_subscription_is_made_after_its_payment() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[("subscription_data[metadata][plan]", "pro")]);
    let page = shop.show(&session);
    assert_eq!((&page["total"], &page["button"]), (&json!(2000), &json!("subscribe")));
    assert_eq!(page["recurring"]["per"], "per month");
    let done = shop.pay(&session, VISA);
    assert_eq!(
        shop.told(),
        [
            "payment_intent.created",
            "customer.created",
            "charge.succeeded",
            "payment_method.attached",
            "payment_intent.succeeded",
            "customer.updated",
            "invoice.created",
            "invoice.finalized",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "customer.subscription.created",
            "checkout.session.completed",
        ]
    );
    let subscription =
        shop.sandbox.get(&format!("/v1/subscriptions/{}", text(&done, "subscription")), &[]);
    assert_eq!(
        (&subscription["status"], &subscription["metadata"]["plan"]),
        (&json!("active"), &json!("pro"))
    );
    assert!(subscription["default_payment_method"].is_string(), "{subscription}");
    assert_eq!((&done["payment_intent"], &done["payment_status"]), (&Value::Null, &json!("paid")));
    let invoice = shop.sandbox.get(&format!("/v1/invoices/{}", text(&done, "invoice")), &[]);
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&json!("paid"), &json!(2000)));
    assert_eq!(invoice["billing_reason"], "subscription_create");
    shop.sandbox.pass(32 * 86_400);
    let invoices = shop.sandbox.get("/v1/invoices", &[("status", "paid")]);
    assert_eq!(invoices["data"].as_array().unwrap().len(), 2, "it renews with the same card");
}

/// A decline leaves a failed attempt, and nothing that an app could take for a customer.
#[test]
fn a_declined_subscription_leaves_no_subscription() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[]);
    let (status, answer) = shop.at(&session, "pay", paying(DECLINED));
    assert_eq!((status, &answer["error"]["code"]), (402, &json!("card_declined")));
    assert_eq!(
        shop.told(),
        ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    );
    let listed = shop.sandbox.get("/v1/subscriptions", &[("status", "all")]);
    assert_eq!(listed["data"], json!([]));
    assert_eq!(shop.again(&session)["status"], "open");
    shop.pay(&session, VISA);
    let told = shop.told();
    assert!(!told.contains(&"payment_intent.created".to_owned()), "the same intent: {told:?}");
    assert_eq!(told.last().unwrap(), "checkout.session.completed");
}

#[test]
fn the_bank_asks_before_anything_is_bought() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[]);
    let (_, answer) = shop.at(&session, "pay", paying(ASKS));
    assert_eq!(text(&answer, "status"), "requires_action");
    assert_eq!(answer["action"]["amount"], 2000);
    let wrong = json!({ "action": "pi_other", "outcome": "complete" });
    assert_eq!(shop.at(&session, "action", wrong).0, 409);
    let failing = json!({ "action": answer["action"]["id"], "outcome": "fail" });
    let (status, refused) = shop.at(&session, "action", failing);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (402, &json!("payment_intent_authentication_failure"))
    );
    let (_, answer) = shop.at(&session, "pay", paying(ASKS));
    shop.told();
    let passing = json!({ "action": answer["action"]["id"], "outcome": "complete" });
    let (status, answer) = shop.at(&session, "action", passing);
    assert_eq!((status, text(&answer, "status")), (200, "complete"));
    let address = format!("https://app.example.com/ok?session_id={}", text(&session, "id"));
    assert_eq!(text(&answer, "redirect"), address);
    let told = shop.told();
    assert_eq!(told[0], "customer.created");
    assert!(told.contains(&"customer.subscription.created".to_owned()), "{told:?}");
    assert_eq!(shop.at(&session, "pay", paying(VISA)).0, 409);
}

#[test]
fn the_app_may_want_the_bank_to_ask() {
    let mut shop = Shop::new();
    let option = ("payment_method_options[card][request_three_d_secure]", "any");
    let session = shop.subscribe(&[option]);
    assert_eq!(session["payment_method_options"]["card"]["request_three_d_secure"], "any");
    let (_, answer) = shop.at(&session, "pay", paying(VISA));
    assert_eq!(text(&answer, "status"), "requires_action", "{answer}");
    let told = shop.told();
    assert!(!told.contains(&"customer.created".to_owned()), "nothing is bought yet: {told:?}");
    let passing = json!({ "action": answer["action"]["id"], "outcome": "complete" });
    assert_eq!(shop.at(&session, "action", passing).0, 200);
    assert_eq!(shop.again(&session)["payment_status"], "paid");
}

#[test]
fn a_trial_saves_the_card_and_charges_nothing() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[("subscription_data[trial_period_days]", "7")]);
    assert_eq!(session["amount_total"], 0);
    let page = shop.show(&session);
    assert_eq!((&page["trial"]["text"], &page["total"]), (&json!("7 days free"), &json!(0)));
    assert_eq!((&page["button"], &page["payment_required"]), (&json!("start_trial"), &json!(true)));
    assert_eq!(
        (&page["lines"][0]["amount"], &page["recurring"]["amount"]),
        (&json!(2000), &json!(2000))
    );
    let done = shop.pay(&session, VISA);
    assert_eq!(done["payment_status"], "no_payment_required");
    let told = shop.told();
    assert!(told.contains(&"setup_intent.succeeded".to_owned()), "{told:?}");
    assert!(!told.iter().any(|kind| kind.starts_with("charge.")), "{told:?}");
    let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "trialing");
    shop.sandbox.pass(8 * 86_400);
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "active");
}

#[test]
fn a_trial_needs_no_card_where_none_is_asked_for() {
    let mut shop = Shop::new();
    let session = shop.subscribe(&[
        ("subscription_data[trial_period_days]", "7"),
        ("subscription_data[trial_settings][end_behavior][missing_payment_method]", "cancel"),
        ("payment_method_collection", "if_required"),
    ]);
    assert_eq!(shop.show(&session)["payment_required"], false);
    let (status, answer) =
        shop.at(&session, "pay", json!({ "email": "ada@example.com", "name": null }));
    assert_eq!((status, text(&answer, "status")), (200, "complete"), "{answer}");
    let done = shop.again(&session);
    let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "trialing");
    shop.sandbox.pass(8 * 86_400);
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "canceled");
}

#[test]
fn setup_mode_saves_a_payment_method() {
    let mut shop = Shop::new();
    let customer = id(&shop.sandbox.post("/v1/customers", &[("email", "ada@example.com")]));
    shop.told();
    let session = shop.session("setup", "", &[("currency", "eur"), ("customer", &customer)]);
    assert_eq!(session["amount_total"], Value::Null);
    let page = shop.show(&session);
    assert_eq!((&page["button"], &page["customer"]["email_fixed"]), (&json!("save"), &json!(true)));
    let done = shop.pay(&session, VISA);
    assert_eq!(done["payment_status"], "no_payment_required");
    let intent =
        shop.sandbox.get(&format!("/v1/setup_intents/{}", text(&done, "setup_intent")), &[]);
    assert_eq!(intent["status"], "succeeded");
    let told = shop.told();
    assert_eq!(told.last().unwrap(), "checkout.session.completed");
    let methods = shop.sandbox.get(&format!("/v1/customers/{customer}/payment_methods"), &[]);
    assert_eq!(methods["data"][0]["id"], intent["payment_method"]);
}

#[test]
fn setup_mode_asks_the_bank_too() {
    let mut shop = Shop::new();
    let session =
        shop.session("setup", "", &[("currency", "usd"), ("customer_creation", "always")]);
    let (_, answer) = shop.at(&session, "pay", paying(ASKS));
    assert_eq!(
        (text(&answer, "status"), &answer["action"]["amount"]),
        ("requires_action", &Value::Null)
    );
    let passing = json!({ "action": answer["action"]["id"], "outcome": "complete" });
    let (status, answer) = shop.at(&session, "action", passing);
    assert_eq!((status, text(&answer, "status")), (200, "complete"), "{answer}");
    let done = shop.again(&session);
    let methods = shop
        .sandbox
        .get(&format!("/v1/customers/{}/payment_methods", text(&done, "customer")), &[]);
    assert_eq!(methods["data"].as_array().unwrap().len(), 1);
}

#[test]
fn quantities_change_within_their_limits() {
    let mut shop = Shop::new();
    let session = shop.buy(&[
        ("line_items[0][adjustable_quantity][enabled]", "true"),
        ("line_items[0][adjustable_quantity][minimum]", "1"),
        ("line_items[0][adjustable_quantity][maximum]", "3"),
    ]);
    let lines = shop.sandbox.get(&format!("{SESSIONS}/{}/line_items", text(&session, "id")), &[]);
    let line = text(&lines["data"][0], "id").to_owned();
    let (status, page) = shop.at(&session, "quantity", json!({ "line": line, "quantity": 3 }));
    assert_eq!(
        (status, &page["total"], &page["lines"][0]["quantity"]),
        (200, &json!(4500), &json!(3))
    );
    for quantity in [0, 4] {
        assert_eq!(
            shop.at(&session, "quantity", json!({ "line": line, "quantity": quantity })).0,
            400
        );
    }
    let done = shop.pay(&session, VISA);
    assert_eq!(done["amount_total"], 4500);
    let path = format!("{SESSIONS}/{}", text(&session, "id"));
    let whole = shop.sandbox.get(&path, &[("expand[]", "line_items")]);
    assert_eq!(whole["line_items"]["data"][0]["amount_total"], 4500);
}

#[test]
fn an_embedded_session_has_a_secret_and_no_address() {
    let mut shop = Shop::new();
    let pen = shop.pen.clone();
    let line =
        [("line_items[0][price]", &*pen), ("line_items[0][quantity]", "1"), ("mode", "payment")];
    let mut params = vec![
        ("ui_mode", "embedded_page"),
        ("return_url", "https://app.example.com/back?id={CHECKOUT_SESSION_ID}"),
    ];
    params.extend(line);
    let session = shop.sandbox.post(SESSIONS, &params);
    assert_eq!(
        (&session["url"], &session["redirect_on_completion"]),
        (&Value::Null, &json!("always"))
    );
    assert!(
        text(&session, "client_secret").starts_with(&format!("{}_secret_", text(&session, "id")))
    );
    let (_, answer) = shop.at(&session, "pay", paying(VISA));
    assert_eq!(
        text(&answer, "redirect"),
        format!("https://app.example.com/back?id={}", text(&session, "id"))
    );
    let mut params = vec![("ui_mode", "embedded_page"), ("redirect_on_completion", "never")];
    params.extend(line);
    let session = shop.sandbox.post(SESSIONS, &params);
    let (_, answer) = shop.at(&session, "pay", paying(VISA));
    assert_eq!(answer["redirect"], Value::Null);
}

#[test]
fn prices_may_be_made_with_the_session() {
    let mut shop = Shop::new();
    let session = shop.session(
        "subscription",
        "",
        &[
            ("line_items[0][price_data][currency]", "eur"),
            ("line_items[0][price_data][unit_amount]", "700"),
            ("line_items[0][price_data][recurring][interval]", "month"),
            ("line_items[0][price_data][product_data][name]", "Letters"),
            ("line_items[0][quantity]", "2"),
        ],
    );
    assert_eq!(session["amount_total"], 1400);
    let done = shop.pay(&session, VISA);
    let subscription =
        shop.sandbox.get(&format!("/v1/subscriptions/{}", text(&done, "subscription")), &[]);
    assert_eq!(subscription["items"]["data"][0]["quantity"], 2);
    assert_eq!(subscription["items"]["data"][0]["price"]["unit_amount"], 700);
}

#[test]
fn a_one_time_price_is_on_the_first_invoice_only() {
    let mut shop = Shop::new();
    let pen = shop.pen.clone();
    let session =
        shop.subscribe(&[("line_items[1][price]", &*pen), ("line_items[1][quantity]", "1")]);
    assert_eq!(session["amount_total"], 3500);
    assert_eq!(shop.show(&session)["recurring"]["amount"], 2000);
    let done = shop.pay(&session, VISA);
    let invoice = shop.sandbox.get(&format!("/v1/invoices/{}", text(&done, "invoice")), &[]);
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(3500), &json!("paid")));
}

#[test]
fn a_subscription_may_begin_before_its_anchor() {
    let mut shop = Shop::new();
    // 1 January to 16 January is 15 of the 31 days of the period that begins on 16 December.
    let anchor = (crate::world::START + 15 * 86_400).to_string();
    let session = shop.subscribe(&[("subscription_data[billing_cycle_anchor]", &anchor)]);
    assert_eq!(session["amount_total"], 968);
    let done = shop.pay(&session, VISA);
    let invoice = shop.sandbox.get(&format!("/v1/invoices/{}", text(&done, "invoice")), &[]);
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(968), &json!("paid")));
    let free = shop.subscribe(&[
        ("subscription_data[billing_cycle_anchor]", &anchor),
        ("subscription_data[proration_behavior]", "none"),
    ]);
    assert_eq!(free["amount_total"], 0);
    shop.pay(&free, VISA);
}

#[test]
fn what_a_customer_has_to_their_credit_is_used() {
    let mut shop = Shop::new();
    let customer =
        id(&shop.sandbox.post("/v1/customers", &[("balance", "-500"), ("email", "a@example.com")]));
    let session = shop.subscribe(&[("customer", &customer)]);
    assert_eq!(
        (&session["amount_total"], &shop.show(&session)["total"]),
        (&json!(2000), &json!(1500))
    );
    let done = shop.pay(&session, VISA);
    let invoice = shop.sandbox.get(&format!("/v1/invoices/{}", text(&done, "invoice")), &[]);
    assert_eq!((&invoice["amount_paid"], &invoice["amount_overpaid"]), (&json!(1500), &json!(0)));
    let customer = shop.sandbox.get(&format!("/v1/customers/{customer}"), &[]);
    assert_eq!(customer["balance"], 0);
}

#[test]
fn a_payment_may_wait_to_be_captured() {
    let mut shop = Shop::new();
    let session = shop.buy(&[
        ("payment_intent_data[capture_method]", "manual"),
        ("payment_intent_data[metadata][order]", "1"),
    ]);
    let done = shop.pay(&session, VISA);
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("unpaid")));
    shop.told();
    let path = format!("/v1/payment_intents/{}", text(&done, "payment_intent"));
    assert_eq!(shop.sandbox.get(&path, &[])["metadata"]["order"], "1");
    shop.sandbox.post(&format!("{path}/capture"), &[]);
    assert!(!shop.told().iter().any(|kind| kind.starts_with("checkout.")));
    assert_eq!(shop.again(&session)["payment_status"], "paid");
}

/// The official command line pays through two endpoints that no documentation names.
#[test]
fn the_command_line_pays() {
    let mut shop = Shop::new();
    let session = shop.buy(&[("line_items[0][quantity]", "2")]);
    let path = format!("/v1/payment_pages/{}", text(&session, "id"));
    let page = shop.sandbox.answer(Method::Get, &path, &[]);
    assert_eq!(page.status, 200, "{}", page.body);
    let method =
        shop.sandbox.post("/v1/payment_methods", &[("type", "card"), ("card[token]", "tok_visa")]);
    let confirm = format!("{path}/confirm");
    let wrong = [("payment_method", text(&method, "id")), ("expected_amount", "1")];
    assert_eq!(shop.sandbox.answer(Method::Post, &confirm, &wrong).status, 400);
    let right = [("payment_method", text(&method, "id")), ("expected_amount", "3000")];
    let answer = shop.sandbox.answer(Method::Post, &confirm, &right);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(shop.again(&session)["payment_status"], "paid");
}

#[test]
fn a_form_that_is_filled_in_wrong_is_told_at_its_field() {
    let mut shop = Shop::new();
    let session = shop.buy(&[]);
    let wrong = |change: fn(&mut Value)| {
        let mut body = paying(VISA);
        change(&mut body);
        body
    };
    for (field, body) in [
        ("number", wrong(|body| body["card"]["number"] = json!("4242424242424241"))),
        ("expiry", wrong(|body| body["card"]["exp_year"] = json!(2020))),
        ("expiry", wrong(|body| body["card"]["exp_month"] = json!(13))),
        ("cvc", wrong(|body| body["card"]["cvc"] = json!("12"))),
        ("cvc", paying("4000000000000127")),
        ("expiry", paying("4000000000000069")),
        ("email", wrong(|body| body["email"] = json!("ada"))),
        ("email", wrong(|body| body["email"] = Value::Null)),
        ("iban", debiting("DE00370400440532013000")),
    ] {
        let (status, answer) = shop.at(&session, "pay", body);
        assert_eq!(answer["error"]["param"], field, "{answer}");
        assert!(status == 400 || status == 402, "{status} {answer}");
    }
    let (status, answer) = shop.at(&session, "pay", debiting(IBAN));
    assert_eq!((status, text(&answer, "status")), (200, "complete"), "{answer}");
}
