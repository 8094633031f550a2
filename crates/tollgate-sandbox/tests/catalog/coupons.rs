//! Coupons: what they take off, how long they can be redeemed, and what is left of them.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Get;
use tollgate_sandbox::Request;

use crate::world::{DAY, START, Sandbox};
use crate::{coupon, monthly, payer, product, subscribe, text, totals};

#[test]
fn coupons_are_percentages_or_amounts() {
    let mut sandbox = Sandbox::new();
    for (params, expected) in [
        (vec![("percent_off", "12.5")], json!({ "percent_off": 12.5, "duration": "once" })),
        (vec![("percent_off", "25")], json!({ "percent_off": 25, "amount_off": null })),
        (
            vec![("amount_off", "500"), ("currency", "usd"), ("duration", "forever")],
            json!({ "amount_off": 500, "currency": "usd", "percent_off": null }),
        ),
        (
            vec![("percent_off", "50"), ("duration", "repeating"), ("duration_in_months", "3")],
            json!({ "duration": "repeating", "duration_in_months": 3 }),
        ),
        (
            vec![("id", "TEN"), ("percent_off", "10"), ("name", "Ten"), ("max_redemptions", "2")],
            json!({ "id": "TEN", "name": "Ten", "max_redemptions": 2, "times_redeemed": 0 }),
        ),
    ] {
        let made = sandbox.post("/v1/coupons", &params);
        assert_eq!(made["valid"], true);
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&made[name], value, "{name} of {params:?}");
        }
        assert_eq!(sandbox.get(&format!("/v1/coupons/{}", text(&made["id"])), &[]), made);
    }
    assert_eq!(sandbox.told(), ["coupon.created"; 5]);
}

#[test]
fn a_coupon_is_valid_until_its_date() {
    let mut sandbox = Sandbox::new();
    let by = (START + DAY).to_string();
    let path = format!(
        "/v1/coupons/{}",
        coupon(&mut sandbox, &[("percent_off", "5"), ("redeem_by", &by)])
    );
    sandbox.pass(DAY);
    assert_eq!(sandbox.get(&path, &[])["valid"], true);
    sandbox.pass(1);
    assert_eq!(sandbox.get(&path, &[])["valid"], false);
}

#[test]
fn a_coupon_is_valid_until_it_is_used_up() {
    let mut sandbox = Sandbox::new();
    let once = coupon(
        &mut sandbox,
        &[("percent_off", "5"), ("max_redemptions", "1"), ("duration", "forever")],
    );
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    let price = monthly(&mut sandbox, &product, 1_000);
    subscribe(&mut sandbox, &customer, &price, &[("discounts[0][coupon]", &once)]);
    let seen = sandbox.get(&format!("/v1/coupons/{once}"), &[]);
    assert_eq!((&seen["valid"], &seen["times_redeemed"]), (&json!(false), &json!(1)));
    let params = [
        ("customer", customer.as_str()),
        ("items[0][price]", &price),
        ("discounts[0][coupon]", &once),
    ];
    let (status, error) =
        sandbox.refused(tollgate_sandbox::Method::Post, "/v1/subscriptions", &params);
    let seen = (status, &error["code"], &error["param"]);
    assert_eq!(seen, (400, &json!("coupon_expired"), &json!("discounts[0][coupon]")));
}

/// The discount outlives its coupon.
#[test]
fn a_deleted_coupon_stays_with_who_has_it() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50"), ("duration", "forever")]);
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    let price = monthly(&mut sandbox, &product, 1_000);
    subscribe(&mut sandbox, &customer, &price, &[("discounts[0][coupon]", &half)]);
    sandbox.told();
    sandbox.delete(&format!("/v1/coupons/{half}"), &[]);
    assert_eq!(sandbox.told(), ["coupon.deleted"]);
    assert_eq!(sandbox.refused(Get, &format!("/v1/coupons/{half}"), &[]).0, 404);
    sandbox.pass(32 * DAY);
    assert_eq!(totals(&mut sandbox, &customer), [500, 500]);
}

#[test]
fn what_a_coupon_applies_to_is_shown_where_it_is_expanded() {
    let mut sandbox = Sandbox::new();
    let product = product(&mut sandbox, "Pro");
    let params = [
        ("amount_off", "500"),
        ("currency", "usd"),
        ("currency_options[eur][amount_off]", "450"),
        ("applies_to[products][0]", product.as_str()),
    ];
    let id = coupon(&mut sandbox, &params);
    let path = format!("/v1/coupons/{id}");
    let plain = sandbox.get(&path, &[]);
    assert_eq!((&plain["applies_to"], &plain["currency_options"]), (&Value::Null, &Value::Null));
    let whole =
        sandbox.get(&path, &[("expand[0]", "applies_to"), ("expand[1]", "currency_options")]);
    assert_eq!(whole["applies_to"], json!({ "products": [product] }));
    let options = json!({ "eur": { "amount_off": 450 }, "usd": { "amount_off": 500 } });
    assert_eq!(whole["currency_options"], options);
    let named = sandbox.post(&path, &[("name", "Five"), ("metadata[a]", "1")]);
    assert_eq!((&named["name"], &named["metadata"]), (&json!("Five"), &json!({ "a": "1" })));
    assert_eq!(sandbox.post(&path, &[("name", "")])["name"], Value::Null);
}

/// Before clover a discount showed its coupon whole, whatever became of it.
#[test]
fn older_versions_show_a_deleted_coupon_in_its_discount() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50"), ("id", "HALF")]);
    let customer = sandbox.post("/v1/customers", &[("coupon", &half)]);
    sandbox.delete(&format!("/v1/coupons/{half}"), &[]);
    let mut request = Request::new(Get, format!("/v1/customers/{}", text(&customer["id"])), "");
    request.version = Some("2024-06-20".to_owned());
    let answer = sandbox.world.call(&request);
    let shown: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(shown["discount"]["coupon"]["id"], "HALF");
    assert_eq!(shown["discount"]["coupon"]["percent_off"], 50);
}
