//! Coupons and promotion codes on the checkout page.

use serde_json::{Value, json};
use tollgate_sandbox::Method;

use crate::shop::{DECLINED, SESSIONS, Shop, VISA, id, paying, text};
use crate::world::{DAY, START};

const OPEN: (&str, &str) = ("allow_promotion_codes", "true");

fn coupon(shop: &mut Shop, params: &[(&str, &str)]) -> String {
    id(&shop.sandbox.post("/v1/coupons", params))
}

/// Makes a promotion code of a coupon of 20 percent.
fn code(shop: &mut Shop, name: &str, more: &[(&str, &str)]) -> String {
    let coupon = coupon(
        shop,
        &[("percent_off", "20"), ("duration", "repeating"), ("duration_in_months", "3")],
    );
    let mut params =
        vec![("promotion[type]", "coupon"), ("promotion[coupon]", &*coupon), ("code", name)];
    params.extend(more);
    id(&shop.sandbox.post("/v1/promotion_codes", &params))
}

fn enter(shop: &mut Shop, session: &Value, code: &str) -> (u16, Value) {
    shop.at(session, "promotion_code", json!({ "code": code }))
}

fn redeemed(shop: &mut Shop, code: &str) -> Value {
    shop.sandbox.get(&format!("/v1/promotion_codes/{code}"), &[])["times_redeemed"].clone()
}

#[test]
fn a_code_is_entered_taken_off_and_used_once() {
    let mut shop = Shop::new();
    let promotion = code(&mut shop, "WELCOME20", &[]);
    let session = shop.subscribe(&[OPEN]);
    assert_eq!(shop.show(&session)["promotion_code"], true);
    let (status, page) = enter(&mut shop, &session, "welcome20");
    assert_eq!((status, &page["total"], &page["subtotal"]), (200, &json!(1600), &json!(2000)));
    let wanted = json!({
        "name": "WELCOME20", "text": "20% off for 3 months", "amount": 400, "removable": true,
    });
    assert_eq!(page["discount"], wanted);
    assert_eq!(page["recurring"]["amount"], 1600);
    let path = format!("/_pages/checkout/{}/promotion_code", text(&session, "id"));
    let (_, page) = shop.page(Method::Delete, &path, &Value::Null);
    assert_eq!((&page["total"], &page["discount"]), (&json!(2000), &Value::Null));
    assert_eq!(shop.page(Method::Delete, &path, &Value::Null).0, 400);
    enter(&mut shop, &session, "WELCOME20");
    assert_eq!(shop.at(&session, "pay", paying(DECLINED)).0, 402);
    assert_eq!(redeemed(&mut shop, &promotion), 0, "a decline uses nothing up");
    let done = shop.pay(&session, VISA);
    assert_eq!(
        (&done["amount_total"], &done["total_details"]["amount_discount"]),
        (&json!(1600), &json!(400))
    );
    assert_eq!(done["discounts"], json!([{ "coupon": null, "promotion_code": promotion }]));
    assert_eq!(redeemed(&mut shop, &promotion), 1);
    let invoice = shop.sandbox.get(&format!("/v1/invoices/{}", text(&done, "invoice")), &[]);
    assert_eq!((&invoice["total"], &invoice["amount_paid"]), (&json!(1600), &json!(1600)));
    let path = format!("/_pages/invoice/{}", text(&done, "invoice"));
    let (_, page) = shop.page(Method::Get, &path, &Value::Null);
    assert_eq!(page["discounts"], json!([{ "text": "WELCOME20: 20% off", "amount": 400 }]));
    let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
    let subscription = shop.sandbox.get(&path, &[("expand[]", "discounts")]);
    assert_eq!(subscription["discounts"][0]["checkout_session"], done["id"]);
    assert_eq!(subscription["discounts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_payment_uses_a_code_up_once() {
    let mut shop = Shop::new();
    let promotion = code(&mut shop, "ONCE", &[("max_redemptions", "1")]);
    let session = shop.buy(&[("discounts[0][promotion_code]", &*promotion)]);
    assert_eq!(
        (&session["amount_subtotal"], &session["amount_total"]),
        (&json!(1500), &json!(1200))
    );
    assert_eq!(shop.show(&session)["discount"]["removable"], false);
    let other = shop.buy(&[OPEN]);
    enter(&mut shop, &other, "ONCE");
    shop.pay(&session, VISA);
    assert_eq!(redeemed(&mut shop, &promotion), 1);
    let (status, answer) = shop.at(&other, "pay", paying(VISA));
    assert_eq!(status, 400, "it was used up in the meantime: {answer}");
    assert_eq!(shop.again(&other)["status"], "open");
    let path = format!("/_pages/checkout/{}/promotion_code", text(&other, "id"));
    shop.page(Method::Delete, &path, &Value::Null);
    assert_eq!(shop.pay(&other, VISA)["amount_total"], 1500);
}

#[test]
fn codes_that_cannot_be_used_say_why() {
    let mut shop = Shop::new();
    let someone = id(&shop.sandbox.post("/v1/customers", &[("email", "s@example.com")]));
    let soon = (START + DAY).to_string();
    let pen = shop.sandbox.get(&format!("/v1/prices/{}", shop.pen), &[]);
    let pens = coupon(
        &mut shop,
        &[("percent_off", "50"), ("applies_to[products][0]", text(&pen, "product"))],
    );
    let dollars = coupon(&mut shop, &[("amount_off", "500"), ("currency", "usd")]);
    let of = |shop: &mut Shop, coupon: &str, name: &str| {
        let params = [("promotion[type]", "coupon"), ("promotion[coupon]", coupon), ("code", name)];
        shop.sandbox.post("/v1/promotion_codes", &params);
    };
    of(&mut shop, &pens, "PENS");
    of(&mut shop, &dollars, "DOLLARS");
    code(&mut shop, "OLD", &[("expires_at", &soon)]);
    code(&mut shop, "THEIRS", &[("customer", &someone)]);
    code(
        &mut shop,
        "BIG",
        &[
            ("restrictions[minimum_amount]", "5000"),
            ("restrictions[minimum_amount_currency]", "eur"),
        ],
    );
    code(
        &mut shop,
        "USD",
        &[("restrictions[minimum_amount]", "5"), ("restrictions[minimum_amount_currency]", "usd")],
    );
    code(&mut shop, "FIRST", &[("restrictions[first_time_transaction]", "true")]);
    let off = code(&mut shop, "OFF", &[]);
    shop.sandbox.post(&format!("/v1/promotion_codes/{off}"), &[("active", "false")]);
    shop.sandbox.pass(DAY);
    let session = shop.subscribe(&[OPEN]);
    for (name, says) in [
        ("NOPE", "not known"),
        ("OLD", "expired"),
        ("THEIRS", "another customer"),
        ("BIG", "at least 50.00 EUR"),
        ("USD", "currency"),
        ("OFF", "no longer valid"),
        ("PENS", "does not apply"),
        ("DOLLARS", "currency"),
    ] {
        let (status, answer) = enter(&mut shop, &session, name);
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!((status, &answer["error"]["param"]), (400, &json!("code")), "{name}");
        assert!(
            message.starts_with(&format!("The code {name} ")) && message.contains(says),
            "{message}"
        );
    }
    assert_eq!(enter(&mut shop, &session, "FIRST").0, 200, "nobody knows of an earlier purchase");
    assert_eq!(enter(&mut shop, &session, "1234").0, 400, "a code of digits");
    let closed = shop.subscribe(&[]);
    assert_eq!(enter(&mut shop, &closed, "FIRST").0, 400, "the session takes no codes");
}

#[test]
fn a_code_for_first_purchases_is_for_nobody_else() {
    let mut shop = Shop::new();
    let customer = id(&shop.sandbox.post("/v1/customers", &[("email", "a@example.com")]));
    code(&mut shop, "FIRST", &[("restrictions[first_time_transaction]", "true")]);
    let session = shop.buy(&[("customer", &customer), OPEN]);
    assert_eq!(enter(&mut shop, &session, "FIRST").0, 200);
    shop.pay(&session, VISA);
    let session = shop.buy(&[("customer", &customer), OPEN]);
    assert_eq!(enter(&mut shop, &session, "FIRST").0, 400);
    let guest = shop.buy(&[OPEN]);
    assert_eq!(enter(&mut shop, &guest, "FIRST").0, 400, "a guest may have bought before");
}

/// What pays for the session is no purchase before it.
#[test]
fn a_code_for_first_purchases_begins_a_subscription() {
    let mut shop = Shop::new();
    let customer = id(&shop.sandbox.post("/v1/customers", &[("email", "a@example.com")]));
    let first = code(&mut shop, "FIRST", &[("restrictions[first_time_transaction]", "true")]);
    for session in [shop.subscribe(&[("customer", &customer), OPEN]), shop.subscribe(&[OPEN])] {
        assert_eq!(enter(&mut shop, &session, "FIRST").0, 200);
        shop.pay(&session, VISA);
        assert_eq!(shop.again(&session)["status"], "complete");
    }
    let session = shop.subscribe(&[("customer", &customer), OPEN]);
    assert_eq!(enter(&mut shop, &session, "FIRST").0, 400);
    let first = shop.sandbox.get(&format!("/v1/promotion_codes/{first}"), &[]);
    assert_eq!(first["times_redeemed"], 2);
}

#[test]
fn a_coupon_may_pay_it_all() {
    let mut shop = Shop::new();
    let free = coupon(&mut shop, &[("percent_off", "100"), ("duration", "once")]);
    let session = shop.buy(&[("discounts[0][coupon]", &*free)]);
    assert_eq!(
        (&session["amount_total"], &shop.show(&session)["payment_required"]),
        (&json!(0), &json!(false))
    );
    let (status, _) = shop.at(&session, "pay", json!({ "email": "a@example.com" }));
    assert_eq!(status, 200);
    let done = shop.again(&session);
    assert_eq!((&done["status"], &done["payment_intent"]), (&json!("complete"), &Value::Null));
    let session = shop.subscribe(&[
        ("discounts[0][coupon]", &*free),
        ("payment_method_collection", "if_required"),
    ]);
    let page = shop.show(&session);
    assert_eq!(
        (&page["payment_required"], &page["recurring"]["amount"]),
        (&json!(false), &json!(2000))
    );
    shop.at(&session, "pay", json!({ "email": "a@example.com" }));
    let done = shop.again(&session);
    let path = format!("/v1/subscriptions/{}", text(&done, "subscription"));
    assert_eq!(shop.sandbox.get(&path, &[])["status"], "active");
}

#[test]
fn an_amount_off_is_divided_among_the_lines() {
    let mut shop = Shop::new();
    let five = coupon(&mut shop, &[("amount_off", "500"), ("currency", "eur")]);
    let pen = shop.pen.clone();
    let session = shop.subscribe(&[
        ("line_items[1][price]", &*pen),
        ("line_items[1][quantity]", "2"),
        ("discounts[0][coupon]", &*five),
    ]);
    assert_eq!(
        (&session["amount_subtotal"], &session["amount_total"]),
        (&json!(5000), &json!(4500))
    );
    let path = format!("{SESSIONS}/{}/line_items", text(&session, "id"));
    let lines = shop.sandbox.get(&path, &[]);
    let off: Vec<&Value> =
        lines["data"].as_array().unwrap().iter().map(|line| &line["amount_discount"]).collect();
    assert_eq!(off, [200, 300]);
}
