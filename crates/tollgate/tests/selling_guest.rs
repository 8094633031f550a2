//! Somebody whom the app does not know yet buys by an e-mail address, and it is theirs once the app
//! names them.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod databases;
#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use databases::{Fresh, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use shop::{Shop, text};

on_both_databases! {
    what_a_guest_buys_is_the_users_once_they_are_named;
    what_a_guest_buys_once_is_the_users_too;
}

/// A guest buys this; returns their customer.
async fn guest_buys(shop: &Shop, plan: &str) -> String {
    let session = shop.session(&json!({ "email": "ada@example.com", "plan": plan })).await;
    assert_eq!(session["customer_email"], "ada@example.com");
    assert_eq!(
        (&session["customer"], &session["client_reference_id"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(session["metadata"]["user_id"], Value::Null);
    shop.pay(&session).await;
    let location = shop.come_back(&session).await;
    assert!(location.contains("checkout=success"), "{location}");
    let path = format!("/v1/checkout/sessions/{}", text(&session, "id"));
    text(&shop.find(&path).await, "customer").to_owned()
}

async fn what_a_guest_buys_is_the_users_once_they_are_named(fresh: Fresh) {
    let shop = Shop::open(Some(fresh.url())).await;
    let customer = guest_buys(&shop, "basic").await;
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["reason"], "no_customer");
    let again = shop.checkout(&json!({ "email": "ada@example.com", "plan": "basic" })).await;
    assert_eq!((again.status, text(&again.body, "error")), (409, "already_subscribed"));
    assert_eq!(again.body["details"]["portal_url"], Value::Null);

    let named = json!({ "customer_id": customer });
    assert_eq!(shop.app(Method::PUT, "/users/ada", Some(&named)).await.status, 200);
    let access = shop.access("ada").await;
    assert_eq!((&access["granted"], &access["plan"]), (&json!(true), &json!("basic")), "{access}");
    let own = shop.checkout(&json!({ "user_id": "ada", "plan": "basic" })).await;
    assert_eq!(own.status, 409, "{own:?}");
    shop.close().await;
}

async fn what_a_guest_buys_once_is_the_users_too(fresh: Fresh) {
    let shop = Shop::open(Some(fresh.url())).await;
    let customer = guest_buys(&shop, "lifetime").await;
    let named = json!({ "customer_id": customer });
    assert_eq!(shop.app(Method::PUT, "/users/ada", Some(&named)).await.status, 200);
    assert_eq!(shop.access("ada").await["plan"], "lifetime");
    shop.close().await;
}

#[tokio::test]
async fn only_the_app_sells_to_a_guest_and_only_at_an_address() {
    let shop = Shop::open(None).await;
    for body in [json!({ "plan": "basic" }), json!({ "plan": "basic", "email": "nobody" })] {
        let reply = shop.checkout(&body).await;
        assert_eq!((reply.status, text(&reply.body, "error")), (422, "validation_error"), "{body}");
    }
    let body = json!({ "plan": "basic", "email": "ada@example.com" });
    let token = shop.token_of("ada");
    let path = "/billing/checkout-session";
    let reply = shop.call(0, Method::POST, path, Some(&token), Some(&body)).await;
    let path = format!("/v1/checkout/sessions/{}", text(&reply.body, "id"));
    assert_eq!(shop.find(&path).await["client_reference_id"], "ada");
    shop.close().await;
}
