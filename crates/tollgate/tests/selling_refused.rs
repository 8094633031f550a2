//! What a client tries that is not theirs to choose, and what a caller hears when Stripe fails.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod log;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod naughty;
#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use naughty::{Act, Naughty, say};
use reqwest::Method;
use serde_json::{Value, json};
use shop::{KEY, Shop, text};

const CHECKOUT: &str = "/billing/checkout-session";

#[tokio::test]
async fn a_user_buys_for_themself() {
    let shop = Shop::open(None).await;
    let token = shop.token_of("ada");
    let by_user = |path: &'static str, body: Value| {
        let (shop, token) = (&shop, &token);
        async move { shop.call(0, Method::POST, path, Some(token), Some(&body)).await }
    };
    let reply = by_user(CHECKOUT, json!({ "plan": "basic" })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let id = text(&reply.body, "id");
    let session = shop.find(&format!("/v1/checkout/sessions/{id}")).await;
    assert_eq!(text(&session, "client_reference_id"), "ada");
    shop.pay(&session).await;
    assert_eq!(by_user("/billing/portal", json!({})).await.status, 200);

    for body in [
        json!({ "plan": "basic", "user_id": "bob" }),
        json!({ "plan": "basic", "coupon": "half" }),
        json!({ "plan": "basic", "trial_days": 700 }),
    ] {
        let reply = by_user(CHECKOUT, body.clone()).await;
        assert_eq!((reply.status, text(&reply.body, "error")), (403, "forbidden"), "{body}");
    }
    assert_eq!(by_user("/billing/portal", json!({ "user_id": "bob" })).await.status, 403);
    shop.close().await;
}

#[tokio::test]
async fn nobody_chooses_a_price_a_customer_or_a_foreign_place() {
    let shop = Shop::open(None).await;
    for (field, value) in [
        ("price", json!("price_1")),
        ("customer", json!("cus_1")),
        ("customer_id", json!("cus_1")),
        ("success_url", json!("https://evil.example/")),
        ("line_items", json!([])),
        ("metadata", json!({ "user_id": "bob" })),
        ("amount", json!(1)),
        ("return_to", json!("https://evil.example/")),
        ("return_to", json!("//evil.example/")),
        ("plan", json!("gold")),
        ("period", json!("hourly")),
        ("quantity", json!(0)),
        ("quantity", json!(-1)),
        ("quantity", json!(1.5)),
        ("trial_days", json!(731)),
        ("user_id", json!("")),
        ("email", json!("")),
    ] {
        let mut body = json!({ "user_id": "ada", "plan": "basic" });
        body[field] = value.clone();
        let reply = shop.checkout(&body).await;
        assert_eq!((reply.status, text(&reply.body, "error")), (422, "validation_error"), "{body}");
    }
    let reply = shop.checkout(&json!({ "user_id": "ada", "plan": "gold" })).await;
    assert_eq!(reply.body["details"]["allowed"], json!(["basic", "lifetime", "pro"]));
    let reply = shop.checkout(&json!({ "user_id": "ada", "plan": "pro" })).await;
    assert_eq!(reply.body["details"]["allowed"], json!(["monthly", "yearly"]));
    for body in [json!({}), json!({ "plan": "basic" })] {
        assert_eq!(shop.checkout(&body).await.status, 422);
    }
    for bearer in [None, Some("another-key-than-the-right-one")] {
        let body = json!({ "user_id": "ada", "plan": "basic" });
        assert_eq!(shop.call(0, Method::POST, CHECKOUT, bearer, Some(&body)).await.status, 401);
    }
    let customers = shop.find("/v1/customers").await;
    assert_eq!(customers["data"], json!([]));
    shop.close().await;
}

async fn only_customers_email(shop: &Shop) -> Value {
    let customers = shop.find("/v1/customers").await["data"].clone();
    assert_eq!(customers.as_array().map(Vec::len), Some(1), "{customers}");
    customers[0]["email"].clone()
}

#[tokio::test]
async fn an_address_that_stripe_refuses_is_the_callers_to_mend() {
    let shop = Shop::open(None).await;
    let wrong = json!({ "user_id": "ada", "plan": "basic", "email": "ada" });
    let by_user = json!({ "plan": "basic", "email": "ada" });
    let token = shop.token_of("ada");
    let by_user = shop.call(0, Method::POST, CHECKOUT, Some(&token), Some(&by_user)).await;
    for reply in [shop.checkout(&wrong).await, shop.checkout(&wrong).await, by_user] {
        assert_eq!((reply.status, &reply.body["details"]["field"]), (422, &json!("email")));
    }
    let right = json!({ "user_id": "ada", "plan": "basic", "email": "ada@example.com" });
    assert_eq!(shop.checkout(&right).await.status, 200);
    assert_eq!(only_customers_email(&shop).await, "ada@example.com");
    shop.close().await;
}

#[tokio::test]
async fn an_address_that_was_told_earlier_stops_nobody() {
    let shop = Shop::open(None).await;
    let told = json!({ "email": "ada" });
    assert_eq!(shop.app(Method::PUT, "/users/ada", Some(&told)).await.status, 200);
    let token = shop.token_of("ada");
    let wanted = json!({ "plan": "basic" });
    let reply = shop.call(0, Method::POST, CHECKOUT, Some(&token), Some(&wanted)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(only_customers_email(&shop).await, Value::Null);
    shop.close().await;
}

#[tokio::test]
async fn only_the_app_gives_another_address_than_it_told() {
    for by_app in [false, true] {
        let shop = Shop::open(None).await;
        let told = json!({ "email": "ada@example.com" });
        assert_eq!(shop.app(Method::PUT, "/users/ada", Some(&told)).await.status, 200);
        let token = shop.token_of("ada");
        let bearer = if by_app { KEY } else { &token };
        let wanted = json!({ "user_id": "ada", "plan": "basic", "email": "eve@example.com" });
        let reply = shop.call(0, Method::POST, CHECKOUT, Some(bearer), Some(&wanted)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let email = if by_app { "eve@example.com" } else { "ada@example.com" };
        assert_eq!(only_customers_email(&shop).await, email);
        shop.close().await;
    }
}

/// Every answer is a documented one, and the same call does what it should once Stripe is well.
#[tokio::test]
async fn what_stripe_fails_to_do_is_told_and_leaves_nothing() {
    let mut shop = Shop::open(None).await;
    let error = |status: u16, text: &str| say(status, "", &format!(r#"{{"error":{text}}}"#));
    let body = json!({ "user_id": "ada", "plan": "basic" });
    for (act, status, reason) in [
        (error(429, r#"{"type":"rate_limit_error"}"#), 503, "rate_limited"),
        (error(500, r#"{"type":"api_error"}"#), 503, "unavailable"),
        (Act::Hang, 503, "unavailable"),
        (say(200, "", "<html>"), 502, "malformed"),
        (error(401, r#"{"type":"invalid_request_error"}"#), 502, "authentication"),
        (error(400, r#"{"type":"idempotency_error"}"#), 502, "idempotency_conflict"),
        (error(400, r#"{"type":"invalid_request_error"}"#), 502, "invalid_request"),
    ] {
        let server = Naughty::start(std::slice::from_ref(&act)).await;
        let index = shop.add_server(&server.url).await;
        let reply = shop.call(index, Method::POST, CHECKOUT, Some(KEY), Some(&body)).await;
        assert_eq!((reply.status, text(&reply.body, "error")), (status, "external_service_error"));
        assert_eq!(reply.body["details"]["reason"], reason, "{act:?}");
    }
    assert_eq!(shop.checkout(&body).await.status, 200);
    shop.close().await;
}

#[tokio::test]
async fn a_return_while_stripe_is_away_goes_on() {
    let mut shop = Shop::open(None).await;
    let server = Naughty::start(&[say(400, "stripe-should-retry: false\r\n", "{}")]).await;
    let index = shop.add_server(&server.url).await;
    let path = "/billing/return?session_id=cs_test_1";
    let reply = shop.call(index, Method::GET, path, None, None).await;
    let location = "https://app.example/?checkout=success&session_id=cs_test_1";
    assert_eq!((reply.status, reply.location.as_deref()), (303, Some(location)));
    shop.close().await;
}

#[tokio::test]
async fn pages_of_the_apps_origins_may_call_and_no_others() {
    let shop = Shop::open(None).await;
    let asked = |origin: &'static str, path: &'static str| {
        let url = format!("{}{path}", shop.url());
        let request = shop.http.request(Method::OPTIONS, url).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        async move { request.send().await.expect("it answers") }
    };
    let header = |reply: &reqwest::Response, name: &str| {
        reply.headers().get(name).map(|it| it.to_str().expect("it is text").to_owned())
    };
    let allow = "access-control-allow-origin";
    for path in [CHECKOUT, "/billing/portal", "/access/ada"] {
        let reply = asked("https://app.example", path).await;
        assert_eq!(reply.status(), 204, "{path}");
        assert_eq!(header(&reply, allow).as_deref(), Some("https://app.example"));
        let headers = header(&reply, "access-control-allow-headers").expect("it says which");
        assert!(headers.contains("authorization"));
        let reply = asked("https://evil.example", path).await;
        assert_eq!((reply.status().is_success(), header(&reply, allow)), (false, None), "{path}");
    }
    for path in ["/stripe/webhook", "/billing/coupons", "/access/ada/explain"] {
        assert_eq!(header(&asked("https://app.example", path).await, allow), None, "{path}");
    }
    let call =
        shop.http.post(format!("{}{CHECKOUT}", shop.url())).bearer_auth(shop.token_of("ada"));
    let call = call.header("origin", "http://localhost:3000").body(r#"{"plan":"basic"}"#);
    let reply = call.send().await.expect("it answers");
    assert_eq!(header(&reply, allow).as_deref(), Some("http://localhost:3000"));
    assert_eq!((reply.status().as_u16(), header(&reply, "vary").as_deref()), (200, Some("origin")));
    shop.close().await;
}

#[tokio::test]
async fn whatever_is_refused_to_a_client_is_logged() {
    let log = log::listen_everywhere();
    let shop = shop::ada::shop_of_ada().await;
    let shown = shop::ada::preview(&shop, "pro", "monthly", "now").await;
    let (ada, eve) = (shop.token_of("ada"), shop.token_of("eve"));
    let bobs = json!({ "plan": "basic", "user_id": "bob" });
    let foreign = "https://evil.example/";
    let another = "A user's token was used for another user";
    let (body, query) = ("A body was refused", "A query was refused");
    let place = "A place to return to was refused: it is on no configured origin";
    for (token, path, wanted, status, message) in [
        (&ada, CHECKOUT, json!({ "plan": "basic", "price": "price_1" }), 422, body),
        (&ada, CHECKOUT, json!({ "plan": "basic", "customer": "cus_1" }), 422, body),
        (&ada, CHECKOUT, json!({ "plan": "basic", "unit_amount": 1 }), 422, body),
        (&ada, CHECKOUT, json!({ "plan": "basic", "return_to": foreign }), 422, place),
        (&ada, CHECKOUT, bobs.clone(), 403, another),
        (&ada, CHECKOUT, json!({ "coupon": "half" }), 403, "A user asked for a coupon or a trial"),
        (&ada, "/billing/portal", json!({ "customer": "cus_1" }), 422, body),
        (&ada, "/billing/portal?customer=cus_1", json!({}), 422, query),
        (&ada, "/billing/portal", json!({ "return_to": foreign }), 422, place),
        (&ada, "/billing/portal", json!({ "user_id": "bob" }), 403, another),
        (&ada, "/billing/cancel", json!({ "user_id": "bob" }), 403, another),
        (&ada, "/billing/resume", json!({ "user_id": "bob" }), 403, another),
        (
            &eve,
            "/billing/plan-change",
            json!({ "preview": shown["preview"] }),
            403,
            "A user gave another user's preview",
        ),
    ] {
        let before = log.lines(message).len();
        let reply = shop.call(0, Method::POST, path, Some(token), Some(&wanted)).await;
        assert_eq!(reply.status, status, "{path} {wanted}: {reply:?}");
        let lines = log.lines(message);
        assert_eq!(lines.len(), before + 1, "{path} {wanted}");
        assert!(lines.iter().all(|it| it["level"] == "WARN"), "{lines:?}");
    }
    for path in ["/billing/subscription?user_id=bob", "/access/bob"] {
        let before = log.lines(another).len();
        assert_eq!(shop.call(0, Method::GET, path, Some(&ada), None).await.status, 403, "{path}");
        assert_eq!(log.lines(another).len(), before + 1, "{path}");
    }
    assert!(!log.text().contains(foreign) && !log.text().contains(&ada));
    shop.close().await;
}
