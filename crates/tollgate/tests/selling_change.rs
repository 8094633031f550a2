//! Changes of a subscription: what is shown is what is charged, what is not paid changes nothing,
//! and what was planned can be taken back.

#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use reqwest::Method;
use serde_json::{Value, json};
use shop::ada::{
    commit, let_cards_fail, newest_invoice, pass_days, preview, shop_of_ada, subscription,
};
use shop::{Shop, text};

#[tokio::test]
async fn what_is_shown_is_what_is_charged() {
    let shop = shop_of_ada().await;
    pass_days(&shop, 10).await;
    let shown = preview(&shop, "pro", "monthly", "now").await;
    let amount = shown["amount_due"].as_i64().expect("it is an amount");
    assert!((1000..2000).contains(&amount) && shown["currency"] == "usd", "{shown}");
    let lines = shown["lines"].as_array().expect("there are lines");
    assert_eq!(lines.iter().filter_map(|it| it["amount"].as_i64()).sum::<i64>(), amount);
    assert_eq!(shop.access("ada").await["plan"], "basic");

    let reply = commit(&shop, &shown).await;
    assert_eq!((reply.status, &reply.body["plan"]), (200, &json!("pro")), "{reply:?}");
    let invoice = newest_invoice(&shop).await;
    assert_eq!(
        (&invoice["amount_paid"], &invoice["status"]),
        (&shown["amount_due"], &json!("paid"))
    );

    let again = commit(&shop, &shown).await;
    assert_eq!((again.status, &again.body["plan"]), (200, &json!("pro")));
    assert_eq!(newest_invoice(&shop).await["id"], invoice["id"]);
    shop.close().await;
}

#[tokio::test]
async fn what_is_not_paid_changes_nothing() {
    let shop = shop_of_ada().await;
    let_cards_fail(&shop).await;
    let shown = preview(&shop, "pro", "yearly", "now").await;
    let reply = commit(&shop, &shown).await;
    assert_eq!((reply.status, text(&reply.body, "error")), (402, "payment_failed"), "{reply:?}");
    assert!(text(&reply.body["details"], "pay_url").starts_with("http"));
    assert_eq!(shop.access("ada").await["plan"], "basic");
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["plan"], "basic");
    shop.close().await;
}

#[tokio::test]
async fn what_costs_something_else_by_now_is_shown_again() {
    let shop = shop_of_ada().await;
    let shown = preview(&shop, "pro", "monthly", "now").await;
    pass_days(&shop, 1).await;
    let reply = commit(&shop, &shown).await;
    assert_eq!((reply.status, text(&reply.body, "error")), (409, "preview_changed"), "{reply:?}");
    assert_ne!(reply.body["details"]["amount_due"], shown["amount_due"]);
    let reply = commit(&shop, &reply.body["details"]).await;
    assert_eq!((reply.status, &reply.body["plan"]), (200, &json!("pro")), "{reply:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_change_on_the_next_invoice_is_at_once_and_charged_later() {
    let shop = shop_of_ada().await;
    let before = newest_invoice(&shop).await["id"].clone();
    let shown = preview(&shop, "pro", "monthly", "next_invoice").await;
    let reply = commit(&shop, &shown).await;
    assert_eq!((reply.status, &reply.body["plan"]), (200, &json!("pro")), "{reply:?}");
    assert_eq!(newest_invoice(&shop).await["id"], before);
    pass_days(&shop, 32).await;
    assert_eq!(newest_invoice(&shop).await["amount_due"], shown["amount_due"]);
    shop.close().await;
}

#[tokio::test]
async fn a_change_at_the_end_of_the_period_waits_and_can_be_taken_back() {
    let shop = shop_of_ada().await;
    let shown = preview(&shop, "pro", "yearly", "period_end").await;
    let reply = commit(&shop, &shown).await;
    assert_eq!((reply.status, &reply.body["plan"]), (200, &json!("basic")), "{reply:?}");
    assert!(subscription(&shop).await["schedule"].is_string());
    let body = json!({ "user_id": "ada" });
    assert_eq!(shop.app(Method::POST, "/billing/resume", Some(&body)).await.status, 200);
    assert!(subscription(&shop).await["schedule"].is_null());

    let shown = preview(&shop, "pro", "monthly", "period_end").await;
    assert_eq!(commit(&shop, &shown).await.status, 200);
    pass_days(&shop, 32).await;
    let invoice = newest_invoice(&shop).await;
    assert_eq!(invoice["amount_due"], shown["amount_due"], "{invoice}");
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["plan"], "pro");
    shop.close().await;
}

/// Stripe would go on by the old cycle: a year that began a month ago, and that nobody paid for.
#[tokio::test]
async fn another_period_begins_where_the_old_one_ends_and_is_paid_then() {
    let shop = shop_of_ada().await;
    let shown = preview(&shop, "pro", "yearly", "period_end").await;
    assert_eq!(commit(&shop, &shown).await.status, 200);
    let before = subscription(&shop).await["items"]["data"][0].clone();
    pass_days(&shop, 33).await;
    let invoice = newest_invoice(&shop).await;
    assert_eq!(invoice["amount_paid"], shown["amount_due"], "{invoice}");
    let after = subscription(&shop).await["items"]["data"][0].clone();
    assert_eq!(after["current_period_start"], before["current_period_end"]);
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["plan"], "pro");
    shop.close().await;
}

/// A change of the period makes an invoice at once, whatever is asked.
#[tokio::test]
async fn another_period_is_not_promised_to_the_next_invoice() {
    let shop = shop_of_ada().await;
    let wanted =
        json!({ "user_id": "ada", "plan": "pro", "period": "yearly", "when": "next_invoice" });
    let reply = shop.app(Method::POST, "/billing/plan-change/preview", Some(&wanted)).await;
    assert_eq!((reply.status, &reply.body["details"]["field"]), (422, &json!("when")), "{reply:?}");
    shop.close().await;
}

/// A shop in which ada subscribes with a coupon, which lasts as long as this says.
async fn shop_with_coupon(plan: &str, lasts: &Value) -> Shop {
    let shop = Shop::open(None).await;
    let mut coupon = json!({ "id": "LAUNCH20", "percent_off": 20 });
    for (name, value) in lasts.as_object().expect("it is an object") {
        coupon[name] = value.clone();
    }
    shop.stripe(Method::POST, "/v1/coupons", &coupon).await;
    let wanted =
        json!({ "user_id": "ada", "plan": plan, "period": "monthly", "coupon": "LAUNCH20" });
    let session = shop.session(&wanted).await;
    shop.pay(&session).await;
    shop.come_back(&session).await;
    shop
}

#[tokio::test]
async fn a_change_at_the_end_of_a_trial_keeps_the_trial_and_the_discount() {
    for lasts in ["forever", "once"] {
        let shop = shop_with_coupon("pro", &json!({ "duration": lasts })).await;
        pass_days(&shop, 3).await;
        let before = subscription(&shop).await;
        assert_eq!(before["status"], "trialing");
        let shown = preview(&shop, "basic", "monthly", "period_end").await;
        assert_eq!(shown["amount_due"], 720);
        assert_eq!(commit(&shop, &shown).await.status, 200);
        let after = subscription(&shop).await;
        for field in ["status", "trial_end", "discounts", "latest_invoice"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        pass_days(&shop, 12).await;
        let invoice = newest_invoice(&shop).await;
        assert_eq!(invoice["amount_due"], 720, "{lasts}");
        shop.deliver_all().await;
        assert_eq!(shop.access("ada").await["plan"], "basic");
        shop.close().await;
    }
}

#[tokio::test]
async fn a_discount_that_ends_with_the_period_is_not_taken_along() {
    let month = json!({ "duration": "repeating", "duration_in_months": 1 });
    let shop = shop_with_coupon("basic", &month).await;
    let shown = preview(&shop, "pro", "monthly", "period_end").await;
    assert_eq!(commit(&shop, &shown).await.status, 200);
    assert_eq!(subscription(&shop).await["discounts"].as_array().map(Vec::len), Some(1));
    pass_days(&shop, 32).await;
    assert_eq!(newest_invoice(&shop).await["amount_due"], shown["amount_due"]);
    shop.close().await;
}

#[tokio::test]
async fn a_subscription_ends_when_it_is_wanted_to() {
    let shop = shop_of_ada().await;
    let cancel = |when: &'static str| json!({ "user_id": "ada", "when": when });
    let reply = shop.app(Method::POST, "/billing/cancel", Some(&cancel("period_end"))).await;
    assert_eq!((reply.status, &reply.body["granted"]), (200, &json!(true)), "{reply:?}");
    assert!(reply.body["cancel_at"].is_string(), "{reply:?}");
    let body = json!({ "user_id": "ada" });
    let reply = shop.app(Method::POST, "/billing/resume", Some(&body)).await;
    assert_eq!((reply.status, &reply.body["cancel_at"]), (200, &Value::Null), "{reply:?}");
    let reply = shop.app(Method::POST, "/billing/cancel", Some(&cancel("now"))).await;
    assert_eq!((reply.status, &reply.body["granted"]), (200, &json!(false)), "{reply:?}");
    let reply = shop.app(Method::POST, "/billing/cancel", Some(&cancel("now"))).await;
    assert_eq!(reply.status, 422, "{reply:?}");
    assert_eq!(shop.checkout(&json!({ "user_id": "ada", "plan": "basic" })).await.status, 200);
    shop.close().await;
}

#[tokio::test]
async fn only_our_own_previews_are_committed() {
    let shop = shop_of_ada().await;
    let shown = preview(&shop, "pro", "monthly", "now").await;
    let forged = format!("00{}", text(&shown, "preview"));
    assert_eq!(commit(&shop, &json!({ "preview": forged })).await.status, 422);
    let others = json!({ "user_id": "bob", "preview": shown["preview"] });
    assert_eq!(shop.app(Method::POST, "/billing/plan-change", Some(&others)).await.status, 403);
    for body in [
        json!({ "user_id": "ada", "plan": "basic", "when": "now" }),
        json!({ "user_id": "ada", "plan": "lifetime", "when": "now" }),
        json!({ "user_id": "ada", "plan": "pro", "period": "monthly" }),
        json!({ "user_id": "bob", "plan": "pro", "period": "monthly", "when": "now" }),
        json!({ "user_id": "ada", "plan": "pro", "period": "monthly", "when": "now", "price": "p" }),
    ] {
        let path = "/billing/plan-change/preview";
        assert_eq!(shop.app(Method::POST, path, Some(&body)).await.status, 422, "{body}");
    }
    assert_eq!(shop.access("ada").await["plan"], "basic");
    shop.close().await;
}
