//! Coupons and promotion codes: one rule behind many codes, used in Checkout, counted and ended.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod databases;
#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use databases::{Fresh, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use shop::{KEY, Reply, Shop, text};
use tollgate::reconcile::rebuild;
use tollgate::rules::policy::Rulebook;

on_both_databases! {
    their_use_is_counted_from_the_events;
    a_code_for_nobody_is_refused_before_anything_is_made;
}

async fn make(shop: &Shop, path: &str, body: &Value) -> Reply {
    shop.app(Method::POST, path, Some(body)).await
}

#[tokio::test]
async fn one_rule_has_many_codes() {
    let shop = Shop::open(None).await;
    let rule = json!({ "id": "launch", "name": "Launch", "percent_off": 20, "duration": "forever", "plans": ["basic"] });
    let made = make(&shop, "/billing/coupons", &rule).await;
    assert_eq!((made.status, &made.body["percent_off"]), (201, &json!(20)), "{made:?}");
    for (code, more) in [
        ("LAUNCH1", json!({ "max_redemptions": 1 })),
        ("LAUNCH2", json!({ "expires_at": "2036-01-01T00:00:00Z", "first_time_only": true })),
    ] {
        let mut body = more;
        (body["coupon"], body["code"]) = ("launch".into(), code.into());
        let made = make(&shop, "/billing/promotion-codes", &body).await;
        assert_eq!((made.status, &made.body["code"]), (201, &json!(code)), "{made:?}");
    }
    let session = json!({ "user_id": "ada", "plan": "basic", "promotion_code": "LAUNCH1" });
    let session = shop.session(&session).await;
    assert_eq!(session["amount_total"], 720);
    shop.pay(&session).await;
    let codes = shop.app(Method::GET, "/billing/promotion-codes?coupon=launch", None).await.body;
    let used: Vec<_> = codes["data"].as_array().expect("it is a list").iter().collect();
    assert_eq!(used.len(), 2);
    let used = used.into_iter().find(|it| it["code"] == "LAUNCH1").expect("it is there");
    assert_eq!((&used["times_redeemed"], &used["active"]), (&json!(1), &json!(false)), "{used}");
    shop.close().await;
}

#[tokio::test]
async fn what_is_ended_is_not_taken() {
    let shop = Shop::open(None).await;
    let rule = json!({ "percent_off": 50, "duration": "once" });
    let coupon = make(&shop, "/billing/coupons", &rule).await.body;
    let body = json!({ "coupon": coupon["id"], "code": "HALF" });
    let code = make(&shop, "/billing/promotion-codes", &body).await.body;
    let path = format!("/billing/promotion-codes/{}", text(&code, "id"));
    let ended = make(&shop, &path, &json!({ "active": false })).await;
    assert_eq!((ended.status, &ended.body["active"]), (200, &json!(false)), "{ended:?}");
    let wanted = json!({ "user_id": "ada", "plan": "basic", "promotion_code": "HALF" });
    assert_eq!(shop.checkout(&wanted).await.status, 422);
    let path = format!("/billing/coupons/{}", text(&coupon, "id"));
    assert_eq!(shop.app(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(shop.app(Method::DELETE, &path, None).await.status, 404);
    let list = shop.app(Method::GET, "/billing/coupons", None).await.body;
    assert_eq!(list, json!({ "data": [], "has_more": false }));
    shop.close().await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let shop = Shop::open(None).await;
    for (path, body) in [
        ("/billing/coupons", json!({})),
        ("/billing/coupons", json!({ "percent_off": 120, "duration": "once" })),
        ("/billing/coupons", json!({ "percent_off": 10, "duration": "weekly" })),
        ("/billing/coupons", json!({ "percent_off": 10, "duration": "once", "plans": ["gold"] })),
        ("/billing/coupons", json!({ "percent_off": 10, "duration": "once", "redeem_by": "soon" })),
        ("/billing/coupons", json!({ "amount_off": 100, "duration": "once" })),
        ("/billing/promotion-codes", json!({ "coupon": "none" })),
        ("/billing/promotion-codes", json!({ "code": "A" })),
    ] {
        let reply = make(&shop, path, &body).await;
        assert_eq!(
            (reply.status, text(&reply.body, "error")),
            (422, "validation_error"),
            "{body} {reply:?}"
        );
    }
    let odd = shop.app(Method::DELETE, "/billing/coupons/..%2Fcustomers", None).await;
    assert_eq!(odd.status, 404, "{odd:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_the_callers_to_mend() {
    let shop = Shop::open(None).await;
    let ask = |path: &'static str, body: Value| {
        let url = format!("{}{path}", shop.url());
        let request = shop.http.post(url).bearer_auth(KEY).header("idempotency-key", "monday");
        let request = request.header("content-type", "application/json").body(body.to_string());
        async move {
            let reply = request.send().await.expect("it answers");
            let status = reply.status().as_u16();
            let body: Value = reply.json().await.expect("it is JSON");
            (status, body["details"]["field"].clone())
        }
    };
    let rule = |percent: u8| json!({ "id": "launch", "percent_off": percent, "duration": "once" });
    let code = |code: &str| json!({ "coupon": "launch", "code": code });
    let reused = (422, json!("Idempotency-Key"));
    for _ in 0..2 {
        assert_eq!(ask("/billing/coupons", rule(20)).await.0, 201);
        assert_eq!(ask("/billing/promotion-codes", code("A")).await.0, 201);
    }
    assert_eq!(ask("/billing/coupons", rule(30)).await, reused);
    assert_eq!(ask("/billing/promotion-codes", code("B")).await, reused);
    shop.close().await;
}

async fn a_code_for_nobody_is_refused_before_anything_is_made(fresh: Fresh) {
    let shop = Shop::open(Some(fresh.url())).await;
    let rule = json!({ "id": "launch", "percent_off": 20, "duration": "forever" });
    make(&shop, "/billing/coupons", &rule).await;
    for user_id in ["", "a\u{0}b", &"x".repeat(256)] {
        let body = json!({ "coupon": "launch", "user_id": user_id });
        let reply = make(&shop, "/billing/promotion-codes", &body).await;
        assert_eq!((reply.status, &reply.body["details"]["field"]), (422, &json!("user_id")));
    }
    assert_eq!(shop.find("/v1/customers").await["data"], json!([]));
    shop.close().await;
}

/// How often the coupon and its code were used: by our count, and by Stripe's.
async fn used(shop: &Shop) -> [(i64, i64); 2] {
    let counts = |list: Value| {
        let one = &list["data"][0];
        let count = |field: &str| one[field].as_i64().unwrap_or_else(|| panic!("{list}"));
        (count("used"), count("times_redeemed"))
    };
    let coupons = shop.app(Method::GET, "/billing/coupons", None).await.body;
    let codes = shop.app(Method::GET, "/billing/promotion-codes", None).await.body;
    [counts(coupons), counts(codes)]
}

async fn their_use_is_counted_from_the_events(fresh: Fresh) {
    let shop = Shop::open(Some(fresh.url())).await;
    let rule = json!({ "id": "launch", "percent_off": 20, "duration": "forever" });
    make(&shop, "/billing/coupons", &rule).await;
    let code = json!({ "coupon": "launch", "code": "LAUNCH" });
    make(&shop, "/billing/promotion-codes", &code).await;
    assert_eq!(used(&shop).await, [(0, 0), (0, 0)]);

    // A subscription by the code: first the session tells, then the discount, of the same use.
    let wanted = json!({ "user_id": "ada", "plan": "basic", "promotion_code": "LAUNCH" });
    let session = shop.session(&wanted).await;
    assert_eq!(used(&shop).await, [(0, 0), (0, 0)]);
    shop.pay(&session).await;
    assert_eq!(used(&shop).await, [(0, 1), (0, 1)]);
    shop.come_back(&session).await;
    assert_eq!(used(&shop).await, [(1, 1), (1, 1)]);
    shop.deliver_all().await;
    assert_eq!(used(&shop).await, [(1, 1), (1, 1)]);

    // A purchase by the code, and a subscription by the coupon alone.
    let wanted = json!({ "user_id": "bob", "plan": "lifetime", "promotion_code": "LAUNCH" });
    shop.pay(&shop.session(&wanted).await).await;
    let wanted = json!({ "user_id": "cleo", "plan": "basic", "coupon": "launch" });
    shop.pay(&shop.session(&wanted).await).await;
    assert_eq!(used(&shop).await, [(1, 3), (1, 2)]);
    shop.deliver_all().await;
    assert_eq!(used(&shop).await, [(3, 3), (2, 2)]);
    shop.deliver_all().await;
    assert_eq!(used(&shop).await, [(3, 3), (2, 2)]);

    fresh.meddle("delete from object").await;
    assert_eq!(used(&shop).await, [(0, 3), (0, 2)]);
    let folder = tempfile::tempdir().expect("a directory can be made");
    let (scratch, now) = (folder.path().join("scratch.db"), shop.clock.now_ms());
    let handlers = tollgate::handlers::Handlers::default();
    let (rulebook, mend) = (Rulebook::default(), Some(&handlers));
    let done = rebuild::run(&fresh.db, &rulebook, &scratch, now, mend, |_| ()).await;
    done.expect("it can be done");
    assert_eq!(used(&shop).await, [(3, 3), (2, 2)]);
    shop.close().await;
}
