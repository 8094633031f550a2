//! What waits to change is shown, with what it takes, and can be taken back, each by itself.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod databases;
#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use databases::{Fresh, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use shop::ada::{
    ada_pays, commit, let_cards_fail, newest_invoice, pass_days, preview, shop_of_ada, subscription,
};
use shop::{Reply, Shop, text};

on_both_databases! {
    a_change_that_waits_for_its_payment_is_shown_and_dropped;
    a_change_at_the_periods_end_is_shown_and_dropped;
    a_cancellation_is_shown_and_withdrawn;
}

async fn on(fresh: &Fresh) -> Shop {
    ada_pays(Shop::open(Some(fresh.url())).await).await
}

async fn overview(shop: &Shop) -> Value {
    let reply = shop.app(Method::GET, "/billing/subscription?user_id=ada", None).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!((&reply.body["user_id"], &reply.body["others"]), (&json!("ada"), &json!([])));
    reply.body["subscription"].clone()
}

async fn resume(shop: &Shop, kind: Option<&str>) -> Reply {
    let mut body = json!({ "user_id": "ada" });
    if let Some(kind) = kind {
        body["kind"] = kind.into();
    }
    shop.app(Method::POST, "/billing/resume", Some(&body)).await
}

/// An upgrade that the bank declines; returns what was shown, and the refusal.
async fn fail_to_upgrade(shop: &Shop) -> (Value, Reply) {
    let_cards_fail(shop).await;
    let shown = preview(shop, "pro", "yearly", "now").await;
    let reply = commit(shop, &shown).await;
    assert_eq!(reply.status, 402, "{reply:?}");
    (shown, reply)
}

async fn a_change_that_waits_for_its_payment_is_shown_and_dropped(fresh: Fresh) {
    let shop = on(&fresh).await;
    let (shown, refused) = fail_to_upgrade(&shop).await;
    let current = overview(&shop).await;
    assert_eq!((&current["plan"], &current["period"]), (&json!("basic"), &json!("monthly")));
    let pending = &current["pending"];
    assert_eq!(pending["kind"], "payment", "{current}");
    assert_eq!((&pending["plan"], &pending["period"]), (&json!("pro"), &json!("yearly")));
    assert_eq!((&pending["quantity"], &pending["currency"]), (&json!(1), &json!("usd")));
    assert_eq!(pending["amount_due"], shown["amount_due"]);
    assert_eq!(pending["pay_url"], refused.body["details"]["pay_url"]);
    assert!(text(pending, "expires_at") > text(&shown, "effective_at"), "{pending}");
    let invoice = newest_invoice(&shop).await;

    let reply = resume(&shop, None).await;
    assert_eq!((reply.status, &reply.body["plan"]), (200, &json!("basic")), "{reply:?}");
    assert_eq!(overview(&shop).await["pending"], Value::Null);
    assert!(subscription(&shop).await["pending_update"].is_null());
    let path = format!("/v1/invoices/{}", text(&invoice, "id"));
    assert_eq!(shop.find(&path).await["status"], "void");

    let again = commit(&shop, &shown).await;
    assert_eq!((again.status, text(&again.body, "error")), (409, "preview_changed"), "{again:?}");
    assert_eq!(resume(&shop, None).await.status, 200);
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["plan"], "basic");
    shop.close().await;
}

async fn a_change_at_the_periods_end_is_shown_and_dropped(fresh: Fresh) {
    let shop = on(&fresh).await;
    let wanted = json!({
        "user_id": "ada", "plan": "pro", "period": "yearly", "quantity": 3, "when": "period_end",
    });
    let shown = shop.app(Method::POST, "/billing/plan-change/preview", Some(&wanted)).await;
    assert_eq!(commit(&shop, &shown.body).await.status, 200);
    let current = overview(&shop).await;
    let pending = json!({
        "kind": "scheduled", "plan": "pro", "period": "yearly", "quantity": 3,
        "effective_at": current["current_period_end"],
    });
    assert_eq!((&current["pending"], &current["plan"]), (&pending, &json!("basic")), "{current}");

    assert_eq!(resume(&shop, Some("payment")).await.status, 200);
    assert_eq!(overview(&shop).await["pending"], pending);
    assert_eq!(resume(&shop, Some("scheduled")).await.status, 200);
    assert_eq!(overview(&shop).await["pending"], Value::Null);

    let again = commit(&shop, &shown.body).await;
    assert_eq!((again.status, text(&again.body, "error")), (409, "preview_changed"), "{again:?}");
    assert_eq!(overview(&shop).await["pending"], Value::Null);
    assert_eq!(commit(&shop, &again.body["details"]).await.status, 200);
    assert_eq!(overview(&shop).await["pending"], pending);
    shop.close().await;
}

#[tokio::test]
async fn a_change_that_was_replaced_is_planned_again_only_by_a_new_preview() {
    let shop = shop_of_ada().await;
    let first = preview(&shop, "pro", "monthly", "period_end").await;
    assert_eq!(commit(&shop, &first).await.status, 200);
    let other = preview(&shop, "pro", "yearly", "period_end").await;
    assert_eq!(commit(&shop, &other).await.status, 200);
    assert_eq!(commit(&shop, &other).await.status, 200);
    let again = commit(&shop, &first).await;
    assert_eq!((again.status, text(&again.body, "error")), (409, "preview_changed"), "{again:?}");
    assert_eq!(overview(&shop).await["pending"]["period"], "yearly");
    assert_eq!(commit(&shop, &again.body["details"]).await.status, 200);
    assert_eq!(overview(&shop).await["pending"]["period"], "monthly");
    shop.close().await;
}

async fn a_cancellation_is_shown_and_withdrawn(fresh: Fresh) {
    let shop = on(&fresh).await;
    let body = json!({ "user_id": "ada", "when": "period_end" });
    assert_eq!(shop.app(Method::POST, "/billing/cancel", Some(&body)).await.status, 200);
    let current = overview(&shop).await;
    let pending = json!({ "kind": "cancellation", "ends_at": current["current_period_end"] });
    assert_eq!(current["pending"], pending);
    assert_eq!(current["ends_at"], current["current_period_end"]);
    assert_eq!(resume(&shop, Some("cancellation")).await.status, 200);
    let current = overview(&shop).await;
    assert_eq!((&current["pending"], &current["ends_at"]), (&Value::Null, &Value::Null));
    shop.close().await;
}

#[tokio::test]
async fn dropping_an_unpaid_change_leaves_a_cancellation() {
    let shop = shop_of_ada().await;
    let body = json!({ "user_id": "ada", "when": "period_end" });
    assert_eq!(shop.app(Method::POST, "/billing/cancel", Some(&body)).await.status, 200);
    fail_to_upgrade(&shop).await;
    assert_eq!(overview(&shop).await["pending"]["kind"], "payment");
    assert_eq!(resume(&shop, Some("payment")).await.status, 200);
    assert_eq!(overview(&shop).await["pending"]["kind"], "cancellation");
    assert_eq!(resume(&shop, Some("cancellation")).await.status, 200);
    assert_eq!(overview(&shop).await["pending"], Value::Null);
    shop.close().await;
}

/// The newest invoice is paid after all, with a good card, which later ones are paid with too.
async fn pay_newest(shop: &Shop) {
    let invoice = newest_invoice(shop).await;
    let customer = json!({ "customer": invoice["customer"] });
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let card = shop.stripe(Method::POST, attach, &customer).await;
    let path = format!("/v1/invoices/{}/pay", text(&invoice, "id"));
    shop.stripe(Method::POST, &path, &json!({ "payment_method": card["id"] })).await;
    let path = format!("/v1/subscriptions/{}", text(&subscription(shop).await, "id"));
    shop.stripe(Method::POST, &path, &json!({ "default_payment_method": card["id"] })).await;
}

/// What was planned before would undo at the period's end what was paid for since.
#[tokio::test]
async fn a_paid_change_outlives_what_was_planned_before() {
    for is_declined in [false, true] {
        let shop = shop_of_ada().await;
        let planned = preview(&shop, "pro", "yearly", "period_end").await;
        assert_eq!(commit(&shop, &planned).await.status, 200);
        if is_declined {
            let_cards_fail(&shop).await;
        }
        let shown = preview(&shop, "pro", "monthly", "now").await;
        let reply = commit(&shop, &shown).await;
        assert_eq!(reply.status, if is_declined { 402 } else { 200 }, "{reply:?}");
        if is_declined {
            pay_newest(&shop).await;
        }
        assert_eq!(overview(&shop).await["pending"], Value::Null);
        pass_days(&shop, 32).await;
        let current = overview(&shop).await;
        assert_eq!((&current["plan"], &current["period"]), (&json!("pro"), &json!("monthly")));
        assert_eq!(newest_invoice(&shop).await["amount_paid"], 2900);
        shop.close().await;
    }
}

#[tokio::test]
async fn a_change_that_is_paid_meanwhile_stays() {
    let shop = shop_of_ada().await;
    fail_to_upgrade(&shop).await;
    pay_newest(&shop).await;
    let reply = resume(&shop, None).await;
    assert_eq!((reply.status, &reply.body["plan"]), (200, &json!("pro")), "{reply:?}");
    assert_eq!(newest_invoice(&shop).await["status"], "paid");
    shop.close().await;
}

#[tokio::test]
async fn who_has_nothing_sees_nothing_and_nobody_sees_anothers() {
    let shop = shop_of_ada().await;
    let reply = shop.app(Method::GET, "/billing/subscription?user_id=bob", None).await;
    let nothing = json!({ "user_id": "bob", "subscription": null, "others": [] });
    assert_eq!((reply.status, &reply.body), (200, &nothing));
    let token = shop.token_of("ada");
    let ask = |path: &'static str| shop.call(0, Method::GET, path, Some(&token), None);
    let own = ask("/billing/subscription").await;
    assert_eq!((own.status, &own.body["subscription"]["plan"]), (200, &json!("basic")));
    assert_eq!(ask("/billing/subscription?user_id=bob").await.status, 403);
    for path in ["/billing/subscription", "/billing/subscription?user_id=ada&customer=cus_1"] {
        assert_eq!(shop.app(Method::GET, path, None).await.status, 422, "{path}");
    }
    let nonsense = json!({ "user_id": "ada", "kind": "everything" });
    assert_eq!(shop.app(Method::POST, "/billing/resume", Some(&nonsense)).await.status, 422);
    shop.close().await;
}
