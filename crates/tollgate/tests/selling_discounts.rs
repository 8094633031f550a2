//! Coupons and promotion codes: one rule behind many codes, used in Checkout, counted and ended.

#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use reqwest::Method;
use serde_json::{Value, json};
use shop::{Reply, Shop, text};

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
