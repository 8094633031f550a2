//! The pages that sell, as a browser asks for them: who sees what, which forms are refused, and what
//! somebody is told when something goes wrong.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod naughty;
#[expect(dead_code, unused_imports, reason = "other tests need the rest of it")]
mod shop;

use std::time::Duration;

use naughty::{Act, Naughty, say};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::json;
use shop::ada::shop_of_ada;
use shop::{PLANS, Shop, text};
use tollgate::clock::Stopwatch;
use tollgate_stripe::form;

/// What a browser got.
#[derive(Debug)]
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// Every address that the page leads to on this server.
    fn links(&self) -> Vec<String> {
        let text = self.text.replace("&#x2f;", "/").replace("&amp;", "&");
        let links = text.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
        links.filter(|it| it.starts_with(['/', '?'])).map(str::to_owned).collect()
    }

    /// The word of the forms on a page.
    fn word(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"form\" value=\"").expect("there is a form");
        rest.split('"').next().expect("it is closed").to_owned()
    }
}

/// A browser with a cookie, or without one.
struct Browser<'a> {
    shop: &'a Shop,
    server: usize,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(shop: &'a Shop) -> Self {
        Self { shop, server: 0, cookie: None }
    }

    /// The same browser at another server.
    fn at(self, server: usize) -> Self {
        Self { server, ..self }
    }

    /// A browser that the app sent its user with.
    async fn of(shop: &'a Shop, user: &str) -> Self {
        let token = shop.token_of(user);
        let seen = Self::new(shop).get(&format!("/pricing?token={token}&period=yearly")).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{seen:?}");
        assert_eq!(seen.header("location"), "/pricing?period=yearly");
        let cookie = seen.header("set-cookie");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        Self { shop, server: 0, cookie: cookie.split(';').next().map(str::to_owned) }
    }

    async fn ask(&self, method: Method, path: &str, sent: Option<String>, from: &str) -> Seen {
        let url = format!("{}{path}", self.shop.url_of(self.server));
        let mut request = self.shop.http.request(method, url);
        request = request.header("accept", "text/html,*/*;q=0.8").header("sec-fetch-site", from);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(sent) = sent {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            request = request.header("content-type", kind).body(sent);
        }
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        Seen { status, headers, text: response.text().await.expect("it has a body") }
    }

    async fn get(&self, path: &str) -> Seen {
        self.ask(Method::GET, path, None, "none").await
    }

    async fn post(&self, path: &str, fields: &serde_json::Value) -> Seen {
        self.ask(Method::POST, path, Some(form::encode(fields)), "same-origin").await
    }
}

#[tokio::test]
async fn a_visitor_sees_prices_and_no_form() {
    let shop = Shop::open(None).await;
    let seen = Browser::new(&shop).get("/pricing").await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    for word in ["$29", "$290", "$9", "$499", "per month", "14 days free, then $29 per month"] {
        assert!(seen.text.contains(word), "{word}");
    }
    let text = seen.text.replace("&#x2f;", "/");
    assert!(!text.contains("<form") && text.contains("href=\"https://app.example\""), "{text}");
    assert!(seen.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(seen.header("cache-control"), "no-store");
    shop.close().await;
}

#[tokio::test]
async fn a_page_speaks_the_browsers_language() {
    let shop = Shop::open(None).await;
    let url = format!("{}/pricing", shop.url());
    let german = shop.http.get(&url).header("accept-language", "fr, de-CH;q=0.8").send().await;
    let german = german.expect("it answers").text().await.expect("it has a body");
    assert!(german.contains("<html lang=\"de\">") && german.contains("29\u{a0}$"), "{german}");
    let english = shop.http.get(format!("{url}?locale=en")).header("accept-language", "de");
    let english = english.send().await.expect("it answers").text().await.expect("it has a body");
    assert!(english.contains("<html lang=\"en\">"), "{english}");
    shop.close().await;
}

#[tokio::test]
async fn who_buys_is_led_to_stripe_and_back_to_a_page_that_says_paid() {
    let shop = Shop::open(None).await;
    let ada = Browser::of(&shop, "ada").await;
    let word = ada.get("/pricing").await.word();
    let fields = json!({ "form": word, "plan": "basic", "period": "monthly", "price": "price_1" });
    let seen = ada.post("/pricing", &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{seen:?}");
    assert!(seen.header("location").starts_with(&shop.sandbox.url()), "{seen:?}");
    let sessions = shop.find("/v1/checkout/sessions").await;
    let session = &sessions["data"][0];
    assert_eq!(session["metadata"]["user_id"], "ada");
    // What the operator set wins over our own page.
    assert_eq!(session["cancel_url"], "https://app.example/pricing");

    let open = format!("/billing/return?session_id={}", text(session, "id"));
    shop.pay(session).await;
    let seen = ada.get(&open).await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    assert!(seen.text.contains("Thank you. Basic is yours."), "{}", seen.text);
    let other = Browser::of(&shop, "eve").await.get(&open).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    assert!(!other.text.contains("Basic"), "{}", other.text);
    shop.close().await;
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let shop = Shop::open(None).await;
    let ada = Browser::of(&shop, "ada").await;
    let word = ada.get("/pricing").await.word();
    let eves = Browser::of(&shop, "eve").await.get("/pricing").await.word();
    assert_ne!(word, eves);
    for path in ["/pricing", "/account/cancel", "/account/resume", "/account/undo"] {
        for word in ["", "0", &eves] {
            let seen = ada.post(path, &json!({ "form": word, "plan": "basic" })).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} {word}");
        }
        let fields = form::encode(&json!({ "form": word, "plan": "basic" }));
        for from in ["cross-site", "same-site"] {
            let seen = ada.ask(Method::POST, path, Some(fields.clone()), from).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} {from}");
        }
        let nobody = Browser::new(&shop).post(path, &json!({ "form": word })).await;
        assert_eq!(nobody.status, StatusCode::FORBIDDEN, "{path}");
    }
    let sessions = shop.find("/v1/checkout/sessions").await;
    assert_eq!(sessions["data"].as_array().map(Vec::len), Some(0));
    shop.close().await;
}

#[tokio::test]
async fn a_session_ends_and_cannot_be_made() {
    let shop = Shop::open(None).await;
    let ada = Browser::of(&shop, "ada").await;
    assert_eq!(ada.get("/account").await.status, StatusCode::OK);
    let cookie = ada.cookie.clone().expect("it has one");
    let (start, end) = cookie.split_at(cookie.len() - 1);
    let changed = format!("{start}{}", if end == "0" { "1" } else { "0" });
    for cookie in [changed, "tollgate_session=".to_owned(), "tollgate_session=00.00".to_owned()] {
        let forged = Browser { shop: &shop, server: 0, cookie: Some(cookie) };
        assert_eq!(forged.get("/account").await.status, StatusCode::FORBIDDEN);
    }
    let ended = shop.token_of("ada");
    shop.stripe(Method::POST, "/_sandbox/advance", &json!({ "seconds": 61 })).await;
    for token in ["x", "a.b.c", &ended] {
        let seen = Browser::new(&shop).get(&format!("/account?token={token}")).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{token}");
        assert!(seen.text.contains("Please sign in first."), "{}", seen.text);
    }
    // Only a developer's server believes a name.
    let named = Browser::new(&shop).get("/account?user=ada").await;
    assert_eq!(named.status, StatusCode::FORBIDDEN);
    shop.stripe(Method::POST, "/_sandbox/advance", &json!({ "seconds": 3540 })).await;
    assert_eq!(ada.get("/account").await.status, StatusCode::FORBIDDEN);
    shop.close().await;
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_for_people_and_json_for_programs() {
    let shop = Shop::open(None).await;
    let path = "/billing/return?session_id=cs_test_nobody";
    let seen = Browser::new(&shop).get(path).await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    assert!(seen.text.contains("There is nothing here."), "{}", seen.text);
    let reply = shop.call(0, Method::GET, path, None, None).await;
    assert_eq!((reply.status, &reply.body["error"]), (404, &json!("not_found")));

    let nowhere = Browser::new(&shop).get("/nowhere").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert!(nowhere.text.contains("There is nothing here."), "{}", nowhere.text);
    assert!(nowhere.links().contains(&"/pricing".to_owned()), "{}", nowhere.text);
    let reply = shop.call(0, Method::GET, "/nowhere", None, None).await;
    assert_eq!((reply.status, &reply.body["error"]), (404, &json!("not_found")));

    let nothing = Browser::new(&shop).get("/billing/return").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.text.contains("There is nothing here."), "{}", nothing.text);

    let ada = Browser::of(&shop, "ada").await;
    let unknown = ada.get("/checkout?plan=gold").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text.contains("That is not for sale."), "{}", unknown.text);
    let script = ada.get("/checkout?plan=%3Cscript%3E&locale=%22%3E").await;
    assert!(!script.text.contains("<script>"), "{}", script.text);

    shop.stripe(Method::POST, "/_sandbox/faults", &json!({ "api_error": 100 })).await;
    let away = ada.get("/account").await;
    assert_eq!(away.status, StatusCode::OK, "what is known is shown: {away:?}");
    let unseen = ada.get(path).await;
    assert_eq!(unseen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(unseen.text.contains("no need to pay again"), "{}", unseen.text);
    shop.close().await;
}

/// Forms cannot be looked at: what the page after one leads to has to be another.
#[tokio::test]
async fn the_page_after_a_failed_form_leads_to_pages() {
    let shop = Shop::open(None).await;
    let ada = Browser::of(&shop, "ada").await;
    for (path, stands_on) in [
        ("/account/resume", "/account"),
        ("/account/undo", "/account"),
        ("/account/portal", "/account"),
        ("/account/change", "/account"),
        ("/account/cancel", "/account"),
        ("/pricing", "/pricing"),
    ] {
        let failed = ada.post(path, &json!({ "form": "of another session" })).await;
        assert_eq!(failed.status, StatusCode::FORBIDDEN);
        let links = failed.links();
        assert!(links.contains(&stands_on.to_owned()), "{path}: {links:?}");
        assert!(links.iter().any(|it| it.contains("locale=de")), "{path}: {links:?}");
        for link in links {
            assert!(link.starts_with('/'), "{path} leads to {link}");
            assert_eq!(ada.get(&link).await.status, StatusCode::OK, "{path} leads to {link}");
        }
    }
    shop.close().await;
}

/// The page after paying needs no key, and each costs a call of Stripe's.
#[tokio::test]
async fn strangers_do_not_use_up_what_stripe_takes() {
    let shop = Shop::open(None).await;
    let mut looked_up = 0;
    for number in 0..60 {
        let path = format!("/billing/return?session_id=cs_test_x{number}");
        let reply = shop.call(0, Method::GET, &path, None, None).await;
        match reply.status {
            404 => looked_up += 1,
            _ => assert_eq!(reply.status, 303, "{reply:?}"),
        }
    }
    assert!((20..50).contains(&looked_up), "{looked_up}");
    let reply = shop.call(0, Method::GET, "/billing/return?session_id=x", None, None).await;
    assert_eq!(reply.status, 422, "what is no session is none at any rate");
    shop.session(&json!({ "user_id": "ada", "plan": "pro", "period": "monthly" })).await;
    shop.close().await;
}

#[tokio::test]
async fn a_missing_price_is_not_asked_for_at_every_view() {
    let mut shop = Shop::open(None).await;
    let stripe = Naughty::start(&[say(200, "", r#"{"object":"list","data":[]}"#)]).await;
    let server = shop.add_server(&stripe.url).await;
    for _ in 0..20 {
        let seen = Browser::new(&shop).at(server).get("/pricing").await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{seen:?}");
    }
    let asked = stripe.asked().len();
    assert!(asked <= 16, "{asked}");
    shop.close().await;
}

/// What is known can be shown at any time: nobody waits until Stripe is given up.
#[tokio::test]
async fn while_stripe_is_silent_pages_come_soon() {
    let mut shop = Shop::open(None).await;
    let visit = json!({ "user_id": "ada", "plan": "pro", "period": "monthly" });
    let session = shop.session(&visit).await;
    shop.pay(&session).await;
    shop.come_back(&session).await;
    let prices = shop.find("/v1/prices").await;
    let one = json!({ "object": "list", "data": [prices["data"][0]] }).to_string();
    let mut acts = vec![say(200, "", &one); 8];
    acts.push(Act::Sleep);
    let stripe = Naughty::start(&acts).await;
    let server = shop.add_server(&stripe.url).await;
    let browser = Browser::of(&shop, "ada").await.at(server);
    while stripe.asked().len() < 8 {
        assert_eq!(browser.get("/pricing").await.status, StatusCode::OK);
        shop.stripe(Method::POST, "/_sandbox/advance", &json!({ "seconds": 301 })).await;
    }
    for path in ["/pricing", "/pricing", "/account", "/account"] {
        let since = Stopwatch::start();
        let seen = browser.get(path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {seen:?}");
        assert!(since.elapsed() < Duration::from_secs(8), "{path}: {:?}", since.elapsed());
    }
    shop.close().await;
}

#[tokio::test]
async fn nothing_that_somebody_is_called_becomes_part_of_a_page() {
    let shop = Shop::open(None).await;
    let user = "<script>alert(1)</script>\"&";
    let ada = Browser::of(&shop, user).await;
    let seen = ada.get("/account").await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(!seen.text.contains("<script>alert") && seen.text.contains("&lt;script&gt;"));
    shop.close().await;
}

#[tokio::test]
async fn money_that_is_on_its_way_is_not_called_paid() {
    let shop = Shop::open(None).await;
    let price = json!({
        "currency": "eur", "unit_amount": 900, "lookup_key": "basic_monthly",
        "transfer_lookup_key": true, "recurring": { "interval": "month" },
        "product_data": { "name": "Basic" },
    });
    shop.stripe(Method::POST, "/v1/prices", &price).await;
    // A price that was found counts for some minutes.
    shop.stripe(Method::POST, "/_sandbox/advance", &json!({ "seconds": 600 })).await;
    let ada = Browser::of(&shop, "ada").await;
    let session = shop.session(&json!({ "user_id": "ada", "plan": "basic" })).await;
    let debit = json!({
        "type": "sepa_debit",
        "sepa_debit": { "iban": "DE89370400440532013000" },
        "billing_details": { "name": "Ada", "email": "ada@example.com" },
    });
    let debit = shop.stripe(Method::POST, "/v1/payment_methods", &debit).await;
    let path = format!("/v1/payment_pages/{}/confirm", text(&session, "id"));
    let params = json!({
        "payment_method": debit["id"],
        "expected_amount": session["amount_total"],
    });
    shop.stripe(Method::POST, &path, &params).await;
    let seen = ada.get(&format!("/billing/return?session_id={}", text(&session, "id"))).await;
    assert!(seen.text.contains("Your payment is on its way."), "{}", seen.text);
    // Stripe lets the subscription begin meanwhile, and the page says so.
    assert_eq!(shop.access("ada").await["granted"], true);
    assert!(seen.text.contains("You can use Basic already"), "{}", seen.text);
    shop.close().await;
}

#[tokio::test]
async fn what_is_bought_once_is_not_offered_again_beside_a_better_plan() {
    let shop = Shop::selling(None, &PLANS.replace("rank = 30", "rank = 15")).await;
    for wanted in [
        json!({ "user_id": "ada", "plan": "lifetime" }),
        json!({ "user_id": "ada", "plan": "pro", "period": "monthly" }),
    ] {
        let session = shop.session(&wanted).await;
        shop.pay(&session).await;
        shop.come_back(&session).await;
    }
    assert_eq!(shop.access("ada").await["plan"], "pro");
    let seen = Browser::of(&shop, "ada").await.get("/pricing").await;
    assert!(seen.text.contains("Yours for good"), "{}", seen.text);
    assert!(!seen.text.contains("value=\"lifetime\""), "{}", seen.text);
    shop.close().await;
}

/// Money that was given back is not paid for again by another card.
#[tokio::test]
async fn an_account_does_not_promise_what_a_refund_took_back() {
    let shop = shop_of_ada().await;
    let ada = Browser::of(&shop, "ada").await;
    let seen = ada.get("/account").await;
    assert!(seen.text.contains("You are on Basic."), "{}", seen.text);
    let charges = shop.find("/v1/charges").await;
    let refund = json!({ "charge": charges["data"][0]["id"] });
    shop.stripe(Method::POST, "/v1/refunds", &refund).await;
    shop.deliver_all().await;
    assert_eq!(shop.access("ada").await["reason"], "full_refund");
    let seen = ada.get("/account").await;
    let said = "Basic is switched off because its payment was refunded.";
    assert!(seen.text.contains(said) && seen.text.contains("Switched off"), "{}", seen.text);
    assert!(!seen.text.contains("You are on Basic."), "{}", seen.text);
    shop.close().await;
}

/// Stripe's words for the lines of a preview are English.
#[tokio::test]
async fn what_a_change_comes_to_is_said_in_the_pages_language() {
    let shop = shop_of_ada().await;
    let ada = Browser::of(&shop, "ada").await;
    let change = "/account/change?plan=pro&period=monthly";
    for (locale, words) in [
        ("en", ["Change to Pro?", "Unused time on Basic", "Remaining time on Pro"]),
        ("de", ["Zu Pro wechseln?", "Ungenutzte Zeit mit Basic", "Restliche Zeit mit Pro"]),
    ] {
        let seen = ada.get(&format!("{change}&locale={locale}")).await;
        for word in words {
            assert!(seen.text.contains(word), "{word}: {}", seen.text);
        }
        assert!(!seen.text.contains(" after "), "{}", seen.text);
    }
    let seen = ada.get(&format!("{change}&when=period_end&locale=de")).await;
    assert!(seen.text.contains("Pro, 29\u{a0}$ pro Monat"), "{}", seen.text);
    shop.close().await;
}

/// Who has Pro already does not change to Pro.
#[tokio::test]
async fn another_period_of_the_same_plan_is_called_that() {
    let shop = Shop::open(None).await;
    let wanted = json!({ "user_id": "ada", "plan": "pro", "period": "monthly" });
    let session = shop.session(&wanted).await;
    shop.pay(&session).await;
    shop.come_back(&session).await;
    let ada = Browser::of(&shop, "ada").await;
    let seen = ada.get("/account/change?plan=pro&period=yearly&locale=de").await;
    assert!(seen.text.contains("Pro auf Jährlich umstellen?"), "{}", seen.text);
    shop.close().await;
}

/// Before a server is live, who reads that nothing can be bought is who can change it.
#[tokio::test]
async fn a_page_that_cannot_sell_yet_says_what_is_missing() {
    let shop = Shop::selling(None, "[plans.pro]\nrank = 20").await;
    let seen = Browser::new(&shop).get("/pricing").await;
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    let why = "(No plan of tollgate.toml has a price that is for sale.)";
    assert!(seen.text.contains("Nothing can be bought here yet."), "{}", seen.text);
    assert!(seen.text.contains(why), "{}", seen.text);
    shop.close().await;
}
