//! Promotion codes: unique words, who may redeem them, and when they stop being active.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;

use crate::world::{DAY, START, Sandbox};
use crate::{coupon, ids, monthly, payer, product, subscribe, text, totals};

fn code(sandbox: &mut Sandbox, coupon: &str, more: &[(&str, &str)]) -> Value {
    let params = [&[("promotion[type]", "coupon"), ("promotion[coupon]", coupon)], more].concat();
    sandbox.post("/v1/promotion_codes", &params)
}

#[test]
fn a_code_is_given_or_made() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50")]);
    let given = code(&mut sandbox, &half, &[("code", "Spring-27"), ("metadata[a]", "1")]);
    assert_eq!((&given["code"], &given["active"]), (&json!("Spring-27"), &json!(true)));
    assert_eq!(given["promotion"], json!({ "type": "coupon", "coupon": half }));
    let made = text(&code(&mut sandbox, &half, &[])["code"]);
    assert!(made.len() == 8 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
    assert_eq!(made, made.to_uppercase());
    let params = [("coupon", half.as_str()), ("code", "OLDER")];
    assert_eq!(sandbox.post("/v1/promotion_codes", &params)["promotion"]["coupon"], json!(half));
    assert_eq!(sandbox.told()[1..], ["promotion_code.created"; 3]);
}

#[test]
fn an_active_code_is_unique_whatever_its_case() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50")]);
    let (ada, bob) = (payer(&mut sandbox), payer(&mut sandbox));
    let one = text(&code(&mut sandbox, &half, &[("code", "SPRING")])["id"]);
    code(&mut sandbox, &half, &[("code", "SPRING"), ("customer", &ada)]);
    code(&mut sandbox, &half, &[("code", "SPRING"), ("customer", &bob)]);
    let again = [("promotion[type]", "coupon"), ("promotion[coupon]", &half), ("code", "spring")];
    let (status, error) = sandbox.refused(Post, "/v1/promotion_codes", &again);
    assert_eq!((status, &error["param"]), (400, &json!("code")));
    let path = format!("/v1/promotion_codes/{one}");
    assert_eq!(sandbox.post(&path, &[("active", "false")])["active"], false);
    let two = text(&code(&mut sandbox, &half, &[("code", "spring")])["id"]);
    assert_eq!(sandbox.refused(Post, &path, &[("active", "true")]).0, 400);
    sandbox.post(&format!("/v1/promotion_codes/{two}"), &[("active", "false")]);
    assert_eq!(sandbox.post(&path, &[("active", "true")])["active"], true);
    let found = sandbox.get("/v1/promotion_codes", &[("code", "sPRING"), ("active", "false")]);
    assert_eq!(ids(&found), [two]);
    assert_eq!(ids(&sandbox.get("/v1/promotion_codes", &[("customer", &ada)])).len(), 1);
    assert_eq!(ids(&sandbox.get("/v1/promotion_codes", &[("coupon", &half)])).len(), 4);
}

#[test]
fn a_code_ends_by_time_by_use_and_with_its_coupon() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50"), ("duration", "forever")]);
    let ends = (START + DAY).to_string();
    let timed = text(&code(&mut sandbox, &half, &[("expires_at", &ends)])["id"]);
    let single = text(&code(&mut sandbox, &half, &[("max_redemptions", "1")])["id"]);
    let open = text(&code(&mut sandbox, &half, &[])["id"]);
    let (customer, product) = (payer(&mut sandbox), product(&mut sandbox, "Pro"));
    let price = monthly(&mut sandbox, &product, 1_000);
    sandbox.told();
    subscribe(&mut sandbox, &customer, &price, &[("discounts[0][promotion_code]", &single)]);
    let events = sandbox.events();
    let used_up = events.iter().find(|(kind, _)| kind == "promotion_code.updated").unwrap();
    let previous = json!({ "active": true, "times_redeemed": 0 });
    assert_eq!(used_up.1["data"]["previous_attributes"], previous);
    assert_eq!(totals(&mut sandbox, &customer), [500]);
    let active = |sandbox: &mut Sandbox, id: &str| {
        let row = sandbox.get(&format!("/v1/promotion_codes/{id}"), &[]);
        (row["active"].as_bool().unwrap(), row["times_redeemed"].as_i64().unwrap())
    };
    assert_eq!(active(&mut sandbox, &single), (false, 1));
    assert_eq!(active(&mut sandbox, &timed), (true, 0));
    sandbox.pass(DAY);
    assert_eq!(active(&mut sandbox, &timed), (false, 0));
    assert_eq!(active(&mut sandbox, &open), (true, 0));
    sandbox.delete(&format!("/v1/coupons/{half}"), &[]);
    assert_eq!(active(&mut sandbox, &open), (false, 0));
}

#[test]
fn a_code_may_be_for_first_buyers_or_one_customer() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50")]);
    let (ada, bob) = (payer(&mut sandbox), payer(&mut sandbox));
    let first = [("restrictions[first_time_transaction]", "true")];
    let first = text(&code(&mut sandbox, &half, &first)["id"]);
    let adas = text(&code(&mut sandbox, &half, &[("customer", &ada)])["id"]);
    let product = product(&mut sandbox, "Pro");
    let price = monthly(&mut sandbox, &product, 1_000);
    let param = "discounts[0][promotion_code]";
    subscribe(&mut sandbox, &ada, &price, &[(param, &first)]);
    for (customer, code, says) in
        [(&ada, &first, "prior transactions"), (&bob, &adas, "another customer")]
    {
        let params = [("customer", customer.as_str()), ("items[0][price]", &price), (param, code)];
        let (status, error) = sandbox.refused(Post, "/v1/subscriptions", &params);
        assert_eq!((status, &error["param"]), (400, &json!(param)));
        assert!(text(&error["message"]).contains(says), "{error}");
    }
    subscribe(&mut sandbox, &ada, &price, &[(param, &adas)]);
    assert_eq!(totals(&mut sandbox, &ada), [500, 500]);
}

#[test]
fn restrictions_are_kept() {
    let mut sandbox = Sandbox::new();
    let half = coupon(&mut sandbox, &[("percent_off", "50")]);
    let least = [
        ("restrictions[minimum_amount]", "500"),
        ("restrictions[minimum_amount_currency]", "usd"),
        ("restrictions[currency_options][eur][minimum_amount]", "450"),
    ];
    let made = code(&mut sandbox, &half, &least);
    let restrictions = &made["restrictions"];
    assert_eq!(restrictions["minimum_amount"], 500);
    assert_eq!(restrictions["minimum_amount_currency"], "usd");
    assert_eq!(restrictions["currency_options"], json!({ "eur": { "minimum_amount": 450 } }));
    let path = format!("/v1/promotion_codes/{}", text(&made["id"]));
    let more = [("restrictions[currency_options][gbp][minimum_amount]", "400")];
    let changed = sandbox.post(&path, &more);
    assert_eq!(changed["restrictions"]["currency_options"]["gbp"]["minimum_amount"], 400);
    let shown = sandbox.get(&path, &[("expand[]", "promotion.coupon")]);
    assert_eq!(shown["promotion"]["coupon"]["percent_off"], 50);
}
