//! Two subscriptions of one user are refused where that can be; where both were paid all the same,
//! it is told, shown and counted, and nothing is guessed away.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod databases;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod log;
#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use databases::{Fresh, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use shop::ada::{ada_pays, pass_days};
use shop::{PLANS, Shop, text};
use tollgate::rules::effects::EffectKind;
use tollgate::store;

on_both_databases! {
    two_sessions_that_are_both_paid_are_told_and_shown;
    a_subscription_of_another_customer_of_the_user_counts;
    what_is_bought_once_is_not_sold_again_beside_a_better_plan;
    what_is_bought_once_is_not_sold_again_while_its_payment_is_on_its_way;
}

/// A session as another tab or another program opened it, beside ours.
async fn session_beside(shop: &Shop, session: &Value) -> Value {
    let subscription = json!({ "metadata": { "user_id": "ada", "plan": "basic" } });
    let prices = shop.find("/v1/prices?lookup_keys[0]=basic_monthly").await;
    let params = json!({
        "customer": session["customer"], "mode": "subscription", "client_reference_id": "ada",
        "line_items": [{ "price": prices["data"][0]["id"], "quantity": 1 }],
        "metadata": { "user_id": "ada", "plan": "basic" }, "subscription_data": subscription,
        "success_url": "https://app.example/",
    });
    shop.stripe(Method::POST, "/v1/checkout/sessions", &params).await
}

async fn overview(shop: &Shop) -> Value {
    shop.app(Method::GET, "/billing/subscription?user_id=ada", None).await.body
}

async fn explained(shop: &Shop) -> Value {
    shop.app(Method::GET, "/access/ada/explain", None).await.body
}

async fn metric(shop: &Shop) -> String {
    let text = shop.http.get(format!("{}/metrics", shop.url())).send().await;
    let text = text.expect("it answers").text().await.expect("it is text");
    let line = text.lines().find(|it| it.starts_with("tollgate_double_subscriptions "));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

async fn facts(fresh: &Fresh) -> Vec<(String, String)> {
    let all = store::outbox::page(&fresh.db, "", 1000).await.expect("it answers");
    let doubles = all.into_iter().map(|it| it.effect);
    let doubles = doubles.filter(|it| it.kind == EffectKind::DoubleSubscription);
    doubles.map(|it| (it.subject, it.detail)).collect()
}

async fn two_sessions_that_are_both_paid_are_told_and_shown(fresh: Fresh) {
    let log = log::listen_everywhere();
    let shop = Shop::open(Some(fresh.url())).await;
    let first = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    let second = session_beside(&shop, &first).await;
    shop.pay(&first).await;
    shop.pay(&second).await;
    shop.come_back(&first).await;
    assert_eq!(metric(&shop).await, "tollgate_double_subscriptions 0");
    shop.come_back(&second).await;
    shop.deliver_all().await;

    let subscriptions = shop.find("/v1/subscriptions").await["data"].clone();
    let ids = [text(&subscriptions[0], "id"), text(&subscriptions[1], "id")];
    let shown = overview(&shop).await;
    let mut seen = [text(&shown["subscription"], "id"), text(&shown["others"][0], "id")];
    assert_eq!(shown["others"].as_array().map(Vec::len), Some(1), "{shown}");
    let explained_now = explained(&shop).await;
    let mut doubles: Vec<&str> = explained_now["double_subscriptions"]
        .as_array()
        .expect("it is a list")
        .iter()
        .map(|it| it.as_str().expect("it is an id"))
        .collect();
    let told = facts(&fresh).await;
    assert_eq!(told, [(doubles[0].to_owned(), doubles[1].to_owned())]);
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    seen.sort_unstable();
    doubles.sort_unstable();
    assert_eq!((&doubles, seen.to_vec()), (&ids, ids.clone()));
    assert_eq!(metric(&shop).await, "tollgate_double_subscriptions 1");
    let lines = log.lines("A user pays for several subscriptions");
    let about_it = |it: &&Value| ids.contains(&it["fields"]["newest"].as_str().unwrap_or_default());
    // Another test of this process may have found the same two.
    assert!(lines.iter().any(|it| about_it(&it)), "{lines:?}");
    let refused = shop.checkout(&json!({ "user_id": "ada", "plan": "basic" })).await;
    assert_eq!(refused.status, 409, "{refused:?}");

    let body = json!({ "user_id": "ada", "when": "now" });
    assert_eq!(shop.app(Method::POST, "/billing/cancel", Some(&body)).await.status, 200);
    assert_eq!(overview(&shop).await["others"], json!([]));
    assert_eq!(explained(&shop).await["double_subscriptions"], json!([]));
    assert_eq!(shop.access("ada").await["granted"], true);
    shop.close().await;
}

async fn a_subscription_of_another_customer_of_the_user_counts(fresh: Fresh) {
    let shop = ada_pays(Shop::open(Some(fresh.url())).await).await;
    let other = json!({ "metadata": { "user_id": "ada" } });
    let other = shop.stripe(Method::POST, "/v1/customers", &other).await;
    let session = session_beside(&shop, &json!({ "customer": other["id"] })).await;
    let own = shop.find("/v1/subscriptions").await["data"][0].clone();
    shop.pay(&session).await;
    shop.deliver_all().await;
    assert_eq!(overview(&shop).await["others"].as_array().map(Vec::len), Some(1));
    assert_eq!(facts(&fresh).await.len(), 1);

    let path = format!("/v1/subscriptions/{}", text(&own, "id"));
    shop.stripe(Method::DELETE, &path, &json!({})).await;
    shop.deliver_all().await;
    assert_eq!(explained(&shop).await["double_subscriptions"], json!([]));
    let refused = shop.checkout(&json!({ "user_id": "ada", "plan": "basic" })).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    shop.close().await;
}

async fn buy(shop: &Shop, wanted: &Value) {
    let session = shop.session(wanted).await;
    shop.pay(&session).await;
    shop.come_back(&session).await;
}

async fn what_is_bought_once_is_not_sold_again_beside_a_better_plan(fresh: Fresh) {
    let plans = PLANS.replace("rank = 30", "rank = 15");
    let shop = Shop::selling(Some(fresh.url()), &plans).await;
    let lifetime = json!({ "user_id": "ada", "plan": "lifetime" });
    buy(&shop, &lifetime).await;
    buy(&shop, &json!({ "user_id": "ada", "plan": "pro", "period": "monthly" })).await;
    assert_eq!(shop.access("ada").await["plan"], "pro");
    let refused = shop.checkout(&lifetime).await;
    assert_eq!((refused.status, text(&refused.body, "error")), (409, "already_subscribed"));
    shop.close().await;
}

/// Ada pays a session by a debit, whose money comes, or does not, later.
async fn pay_by_debit(shop: &Shop, session: &Value, iban: &str) {
    let debit = json!({
        "type": "sepa_debit", "sepa_debit": { "iban": iban },
        "billing_details": { "name": "Ada", "email": "ada@example.com" },
    });
    let debit = shop.stripe(Method::POST, "/v1/payment_methods", &debit).await;
    let path = format!("/v1/payment_pages/{}/confirm", text(session, "id"));
    let amount = &session["amount_total"];
    let params = json!({ "payment_method": debit["id"], "expected_amount": amount });
    shop.stripe(Method::POST, &path, &params).await;
}

async fn what_is_bought_once_is_not_sold_again_while_its_payment_is_on_its_way(fresh: Fresh) {
    let shop = Shop::open(Some(fresh.url())).await;
    let price = json!({
        "currency": "eur", "unit_amount": 49900, "lookup_key": "lifetime_once",
        "transfer_lookup_key": true, "product_data": { "name": "lifetime" },
    });
    shop.stripe(Method::POST, "/v1/prices", &price).await;
    // The server may have looked at the old price when it started, and believes it for minutes.
    pass_days(&shop, 1).await;
    let lifetime = json!({ "user_id": "ada", "plan": "lifetime" });
    let session = shop.session(&lifetime).await;
    pay_by_debit(&shop, &session, "AT861904300235473202").await;
    // Nobody came back, and no webhook came.
    let refused = shop.checkout(&lifetime).await;
    assert_eq!((refused.status, text(&refused.body, "error")), (409, "already_subscribed"));
    assert_eq!(shop.access("ada").await["reason"], "payment_pending");

    pass_days(&shop, 20).await;
    let path = format!("/v1/checkout/sessions/{}", text(&session, "id"));
    assert_eq!(shop.find(&path).await["payment_status"], "unpaid");
    assert_eq!(shop.checkout(&lifetime).await.status, 200, "the debit has failed");
    shop.close().await;
}
