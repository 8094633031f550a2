//! Selling, against the offline Stripe: one customer for one user, paid the moment the browser is
//! back, nothing bought twice.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod databases;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod shop;

use databases::{Fresh, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use shop::{Relay, Shop, text};
use tollgate::receive::{self, Input, Purpose};
use tollgate::rules::policy::Rulebook;
use tollgate::store;
use tollgate::webhook;
use tollgate_stripe::object::Object;

on_both_databases! {
    who_paid_is_paid_before_any_webhook;
    fifty_calls_at_once_make_one_customer;
    a_lost_answer_makes_no_second_customer;
    a_server_error_makes_no_second_customer;
    a_connected_accounts_customer_is_not_sold_to;
    what_stripe_remembers_does_not_undo_what_came_after;
}

async fn on(fresh: &Fresh) -> Shop {
    Shop::open(Some(fresh.url())).await
}

async fn who_paid_is_paid_before_any_webhook(fresh: Fresh) {
    let shop = on(&fresh).await;
    let wanted = json!({ "user_id": "ada", "plan": "basic", "period": "monthly" });
    let session = shop.session(&wanted).await;
    assert_eq!(text(&session, "client_reference_id"), "ada");
    assert_eq!(
        session["metadata"],
        json!({ "user_id": "ada", "plan": "basic", "period": "monthly" })
    );
    shop.pay(&session).await;
    assert_eq!(shop.access("ada").await["granted"], false);

    let location = shop.come_back(&session).await;
    let id = text(&session, "id");
    assert_eq!(location, format!("https://app.example/?checkout=success&session_id={id}"));
    let access = shop.access("ada").await;
    assert_eq!((&access["granted"], &access["plan"]), (&json!(true), &json!("basic")), "{access}");
    let subscription = shop.find("/v1/subscriptions").await["data"][0].clone();
    assert_eq!(subscription["metadata"], json!({ "user_id": "ada", "plan": "basic" }));

    assert!(shop.deliver_all().await > 5);
    let after = shop.access("ada").await;
    for field in ["granted", "plan", "status", "until", "customer_id", "revision"] {
        assert_eq!(after[field], access[field], "{field}");
    }
    shop.close().await;
}

async fn customers(shop: &Shop) -> Vec<Value> {
    let list = shop.stripe(Method::GET, "/v1/customers", &json!({ "limit": 100 })).await;
    list["data"].as_array().expect("it is a list").clone()
}

async fn fifty_calls_at_once_make_one_customer(fresh: Fresh) {
    let mut shop = on(&fresh).await;
    // SQLite has one writer and so one server.
    let servers = match fresh.db.is_postgres() {
        true => 1 + shop.add_server(&shop.sandbox.url()).await,
        false => 1,
    };
    let wanted =
        json!({ "user_id": "ada", "plan": "pro", "period": "monthly", "email": "ada@example.com" });
    let path = "/billing/checkout-session";
    let calls = (0..50)
        .map(|it| shop.call(it % servers, Method::POST, path, Some(shop::KEY), Some(&wanted)));
    let replies = futures_util::future::join_all(calls).await;
    let opened = replies.iter().filter(|it| it.status == 200).count();
    let busy = replies.iter().filter(|it| it.status == 503).count();
    assert!(opened >= 1 && opened + busy == 50, "{replies:?}");
    assert!(servers > 1 || opened == 50, "{replies:?}");
    let customers = customers(&shop).await;
    assert_eq!(customers.len(), 1, "{customers:?}");
    assert_eq!(customers[0]["metadata"]["user_id"], "ada");
    assert_eq!(customers[0]["email"], "ada@example.com");
    let sessions = shop.find("/v1/checkout/sessions?status=open").await;
    assert_eq!(sessions["data"].as_array().map(Vec::len), Some(1));
    shop.close().await;
}

async fn a_lost_answer_makes_no_second_customer(fresh: Fresh) {
    let mut shop = on(&fresh).await;
    let wanted = json!({ "user_id": "ada", "plan": "basic" });
    for lost in ["POST /v1/customers ", "POST /v1/checkout/sessions "] {
        let relay = Relay::losing(shop.sandbox.address(), lost).await;
        let cut_off = shop.add_server(&relay.url).await;
        let path = "/billing/checkout-session";
        let reply = shop.call(cut_off, Method::POST, path, Some(shop::KEY), Some(&wanted)).await;
        assert_eq!((reply.status, text(&reply.body, "error")), (503, "external_service_error"));
    }
    let session = shop.session(&wanted).await;
    assert_eq!(customers(&shop).await.len(), 1);
    assert_eq!(session["customer"], customers(&shop).await[0]["id"]);
    let sessions = shop.find("/v1/checkout/sessions").await;
    assert_eq!(sessions["data"].as_array().map(Vec::len), Some(1));
    shop.close().await;
}

/// Stripe keeps a 500 under its key; whether the call was done cannot be seen from it.
async fn a_server_error_makes_no_second_customer(fresh: Fresh) {
    let shop = on(&fresh).await;
    for (user, fault) in [("ada", "api_error_kept"), ("bob", "answer_lost")] {
        shop.stripe(Method::POST, "/_sandbox/faults", &json!({ fault: 1 })).await;
        let session = shop.session(&json!({ "user_id": user, "plan": "basic" })).await;
        let mut made = customers(&shop).await;
        made.retain(|customer| customer["metadata"]["user_id"] == user);
        assert_eq!(made.len(), 1, "{fault}: {made:?}");
        assert_eq!(session["customer"], made[0]["id"], "{fault}");
    }
    shop.close().await;
}

/// With our key Stripe knows neither its customer nor its subscription.
async fn a_connected_accounts_customer_is_not_sold_to(fresh: Fresh) {
    let named = json!({ "user_id": "ada" });
    let strange = json!({ "id": "cus_strange", "object": "customer", "metadata": named });
    let running = json!({
        "id": "sub_strange", "object": "subscription", "customer": "cus_strange",
        "status": "active", "metadata": { "user_id": "ada", "plan": "pro" },
    });
    let created = [("customer.created", strange), ("customer.subscription.created", running)];
    let inputs = created.map(|(kind, object)| {
        let body = json!({
            "id": format!("evt_{kind}"), "object": "event", "type": kind, "livemode": false,
            "created": 1_780_000_000, "api_version": "2026-10-28.endive",
            "account": "acct_strange", "data": { "object": object },
        });
        let body = body.to_string().into_bytes();
        Input::event(webhook::read(&body).expect("it is an event"), &body, Purpose::Delivery)
    });
    let (book, now_ms) = (Rulebook::default(), 1_780_000_000_000);
    receive::apply(&fresh.db, &book, &inputs, now_ms).await.expect("it is stored");

    let shop = on(&fresh).await;
    let session = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    assert_eq!(customers(&shop).await.len(), 1);
    assert_eq!(session["customer"], customers(&shop).await[0]["id"]);
    shop.close().await;
}

async fn what_stripe_remembers_does_not_undo_what_came_after(fresh: Fresh) {
    let mut shop = on(&fresh).await;
    let wanted = json!({ "user_id": "ada", "plan": "basic", "email": "old@example.com" });
    let relay = Relay::losing(shop.sandbox.address(), "POST /v1/customers ").await;
    let cut_off = shop.add_server(&relay.url).await;
    let path = "/billing/checkout-session";
    let reply = shop.call(cut_off, Method::POST, path, Some(shop::KEY), Some(&wanted)).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    let id = text(&customers(&shop).await[0], "id").to_owned();
    let newer = json!({ "email": "new@example.com" });
    shop.stripe(Method::POST, "/_sandbox/advance", &json!({ "seconds": 5 })).await;
    shop.stripe(Method::POST, &format!("/v1/customers/{id}"), &newer).await;
    shop.stripe(Method::POST, "/_sandbox/advance", &json!({ "seconds": 15 })).await;

    shop.session(&wanted).await;
    for _ in 0..2 {
        let objects = store::object::find_all(&fresh.db, &[&id]).await.expect("it answers");
        let Object::Customer(customer) = &objects[0].standing.object else { panic!("{objects:?}") };
        assert_eq!(customer.email.as_deref(), Some("new@example.com"));
        shop.deliver_all().await;
    }
    shop.close().await;
}

#[tokio::test]
async fn a_second_subscription_is_refused_with_a_way_out() {
    let shop = Shop::open(None).await;
    let session = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    shop.pay(&session).await;
    // Nobody came back, and no webhook came.
    let reply =
        shop.checkout(&json!({ "user_id": "ada", "plan": "pro", "period": "yearly" })).await;
    assert_eq!((reply.status, text(&reply.body, "error")), (409, "already_subscribed"));
    let portal = text(&reply.body["details"], "portal_url");
    assert!(portal.starts_with(&shop.sandbox.url()), "{portal}");
    assert_eq!(shop.access("ada").await["plan"], "basic");
    shop.close().await;
}

#[tokio::test]
async fn there_is_one_open_visit_at_a_time() {
    let shop = Shop::open(None).await;
    let basic = json!({ "user_id": "ada", "plan": "basic" });
    let first = shop.session(&basic).await;
    assert_eq!(shop.session(&basic).await["id"], first["id"]);
    let pro = shop.session(&json!({ "user_id": "ada", "plan": "pro", "period": "monthly" })).await;
    assert_ne!(pro["id"], first["id"]);
    let path = format!("/v1/checkout/sessions/{}", text(&first, "id"));
    assert_eq!(shop.find(&path).await["status"], "expired");
    let again = shop.session(&basic).await;
    assert_ne!(again["id"], first["id"]);
    assert_eq!(again["customer"], first["customer"]);
    shop.close().await;
}

#[tokio::test]
async fn who_did_not_pay_comes_back_to_where_they_can() {
    let shop = Shop::open(None).await;
    let session = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    assert_eq!(session["cancel_url"], "https://app.example/pricing");
    assert_eq!(shop.come_back(&session).await, "https://app.example/pricing");
    assert_eq!(shop.access("ada").await["granted"], false);
    let elsewhere = "http://localhost:3000/thanks";
    let asked = json!({ "user_id": "ada", "plan": "basic", "return_to": elsewhere });
    let session = shop.session(&asked).await;
    assert_eq!(session["cancel_url"], "http://localhost:3000/pricing");
    assert_eq!(shop.come_back(&session).await, "http://localhost:3000/pricing");
    for (id, status) in [("cs_test_nobody", 404), ("sub_1", 422), ("cs_a%2f..%2fevents", 422)] {
        let path = format!("/billing/return?session_id={id}");
        assert_eq!(shop.call(0, Method::GET, &path, None, None).await.status, status, "{id}");
    }
    assert_eq!(shop.call(0, Method::GET, "/billing/return", None, None).await.status, 422);
    shop.close().await;
}

#[tokio::test]
async fn people_come_back_to_where_the_app_wants_them() {
    let shop = Shop::open(None).await;
    let wanted = json!({ "user_id": "ada", "plan": "basic", "return_to": "/thanks?s={CHECKOUT_SESSION_ID}" });
    let session = shop.session(&wanted).await;
    shop.pay(&session).await;
    let id = text(&session, "id");
    assert_eq!(shop.come_back(&session).await, format!("https://app.example/thanks?s={id}"));
    shop.close().await;
}

#[tokio::test]
async fn what_is_bought_once_is_bought_once() {
    let shop = Shop::open(None).await;
    let wanted = json!({ "user_id": "ada", "plan": "lifetime" });
    let session = shop.session(&wanted).await;
    assert_eq!((text(&session, "mode"), &session["amount_total"]), ("payment", &json!(49900)));
    shop.pay(&session).await;
    shop.come_back(&session).await;
    let access = shop.access("ada").await;
    assert_eq!(
        (&access["granted"], &access["plan"]),
        (&json!(true), &json!("lifetime")),
        "{access}"
    );
    let reply = shop.checkout(&wanted).await;
    assert_eq!((reply.status, text(&reply.body, "error")), (409, "already_subscribed"));
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["revision"], access["revision"]);
    shop.close().await;
}

#[tokio::test]
async fn a_trial_is_given_once() {
    let shop = Shop::open(None).await;
    let wanted = json!({ "user_id": "ada", "plan": "pro", "period": "monthly" });
    let session = shop.session(&wanted).await;
    assert_eq!(session["amount_total"], 0);
    shop.pay(&session).await;
    shop.come_back(&session).await;
    assert_eq!(shop.access("ada").await["status"], "trialing");
    let subscription = shop.find("/v1/subscriptions").await["data"][0]["id"].clone();
    let path = format!("/v1/subscriptions/{}", subscription.as_str().expect("it has an id"));
    shop.stripe(Method::DELETE, &path, &json!({})).await;
    assert_eq!(shop.session(&wanted).await["amount_total"], 2900);
    shop.close().await;
}

#[tokio::test]
async fn checkout_is_shown_as_it_is_wanted() {
    let shop = Shop::open(None).await;
    let embedded =
        json!({ "user_id": "ada", "plan": "basic", "quantity": 3, "ui_mode": "embedded" });
    let reply = shop.checkout(&embedded).await;
    assert_eq!(
        (reply.status, text(&reply.body, "publishable_key")),
        (200, "pk_test_the_key_of_the_tests")
    );
    assert!(text(&reply.body, "client_secret").starts_with(text(&reply.body, "id")));
    let session = shop.session(&embedded).await;
    assert_eq!(
        (text(&session, "ui_mode"), &session["amount_total"]),
        ("embedded_page", &json!(2700))
    );
    assert_eq!(session["allow_promotion_codes"], true);

    let coupon = shop.stripe(Method::POST, "/v1/coupons", &json!({ "percent_off": 50 })).await;
    let half = json!({ "user_id": "bob", "plan": "basic", "coupon": coupon["id"] });
    assert_eq!(shop.session(&half).await["amount_total"], 450);
    let code = json!({ "code": "HALF", "promotion": { "type": "coupon", "coupon": coupon["id"] } });
    shop.stripe(Method::POST, "/v1/promotion_codes", &code).await;
    let coded = json!({ "user_id": "eve", "plan": "basic", "promotion_code": "HALF" });
    assert_eq!(shop.session(&coded).await["amount_total"], 450);
    for (field, value) in [("promotion_code", "NONE"), ("coupon", "none")] {
        let reply =
            shop.checkout(&json!({ "user_id": "eve", "plan": "basic", field: value })).await;
        assert_eq!(
            (reply.status, &reply.body["details"]["field"]),
            (422, &json!(field)),
            "{reply:?}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn the_portal_opens_for_who_has_bought() {
    let shop = Shop::open(None).await;
    let portal = |body: Value| {
        let shop = &shop;
        async move { shop.app(Method::POST, "/billing/portal", Some(&body)).await }
    };
    assert_eq!(portal(json!({ "user_id": "ada" })).await.status, 422);
    let session = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    assert_eq!(portal(json!({ "user_id": "ada", "flow": "cancel" })).await.status, 422);
    shop.pay(&session).await;
    for body in [
        json!({ "user_id": "ada" }),
        json!({ "user_id": "ada", "flow": "cancel" }),
        json!({ "user_id": "ada", "flow": "payment_method", "return_to": "/account" }),
    ] {
        let reply = portal(body.clone()).await;
        assert_eq!(reply.status, 200, "{body} {reply:?}");
        assert!(text(&reply.body, "url").starts_with(&shop.sandbox.url()));
    }
    let by_query = shop.app(Method::GET, "/billing/portal?user_id=ada&flow=cancel", None).await;
    assert_eq!(by_query.status, 200, "{by_query:?}");
    let foreign = json!({ "user_id": "ada", "return_to": "https://evil.example/" });
    assert_eq!(portal(foreign).await.status, 422);
    shop.close().await;
}

#[tokio::test]
async fn a_customer_that_is_gone_is_replaced() {
    let shop = Shop::open(None).await;
    let wanted = json!({ "user_id": "ada", "plan": "basic" });
    let first = shop.session(&wanted).await;
    shop.stripe(Method::DELETE, &format!("/v1/customers/{}", text(&first, "customer")), &json!({}))
        .await;
    shop.deliver_all().await;
    let second = shop.session(&wanted).await;
    assert_ne!(second["customer"], first["customer"]);
    shop.close().await;
}
