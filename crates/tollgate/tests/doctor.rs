//! `tollgate doctor`: after `setup` all is well, and each thing that is spoiled is found, alone.

mod clinic;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod databases;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod naughty;

use clinic::{Clinic, text};
use databases::{Fresh, on_both_databases};
use naughty::{Act, Naughty, say};
use serde_json::json;
use tollgate::clock::Clock;
use tollgate::config::WEBHOOK_PATHS;
use tollgate::doctor::Verdict::{Fail, Ok, Warn};
use tollgate::http::{ROUTES, Who};
use tollgate::store::schema;

/// A signing secret of the right shape, and of nobody's endpoint.
const STRANGER: &str = "whsec_strangerstrangerstranger01";

/// Waits until the newest event was delivered, or refused and put off.
async fn settled(clinic: &Clinic, pending: u64) {
    for _ in 0..20_000 {
        let events = clinic.get("/v1/events?limit=1").await;
        if events["data"][0]["pending_webhooks"] == pending {
            return;
        }
    }
    panic!("it never arrived");
}

on_both_databases! {
    after_setup_all_is_well;
    a_database_of_the_other_mode_is_found;
    a_database_without_tables_is_found;
    a_database_that_takes_no_writes_is_found;
    tables_of_another_version_are_found;
}

async fn after_setup_all_is_well(fresh: Fresh) {
    let clinic = Clinic::open(Some(fresh.url())).await;
    let report = clinic.finds(&[]).await;
    assert!(report.verdict == Ok && !report.unreachable, "{report:#?}");
    assert_eq!(report.checks.len(), 22, "{report:#?}");
    clinic.post("/v1/customers", json!({ "name": "Ada" })).await;
    settled(&clinic, 0).await;
    let report = clinic.finds(&[]).await;
    let arrivals = report.checks.iter().find(|it| it.check == "arrivals");
    assert!(arrivals.expect("it is looked at").says.contains("is here"), "{report:#?}");
    assert_eq!(clinic.set_up().await, Vec::<String>::new());
    clinic.close().await;
    fresh.gone().await;
}

async fn a_database_of_the_other_mode_is_found(fresh: Fresh) {
    let mut clinic = Clinic::open(None).await;
    schema::claim_livemode(&fresh.db, true).await.expect("it is written");
    clinic.set("DATABASE_URL", fresh.url());
    clinic.finds(&[("mode", Fail, "test mode, the database for live mode")]).await;
    clinic.close().await;
    fresh.gone().await;
}

async fn a_database_without_tables_is_found(fresh: Fresh) {
    let mut clinic = Clinic::open(None).await;
    fresh.meddle("drop table schema_version").await;
    clinic.set("DATABASE_URL", fresh.url());
    clinic.finds(&[("database", Fail, "none of our tables")]).await;
    clinic.close().await;
    fresh.gone().await;
}

async fn a_database_that_takes_no_writes_is_found(fresh: Fresh) {
    let mut clinic = Clinic::open(None).await;
    let read_only = match fresh.db.is_postgres() {
        true => format!("{}?options=-c%20default_transaction_read_only%3Don", fresh.url()),
        false => format!("{}?mode=ro", fresh.url()),
    };
    clinic.set("DATABASE_URL", &read_only);
    let report = clinic.examine().await;
    let database = report.checks.iter().find(|it| it.check == "database").expect("it is there");
    assert_eq!(database.verdict, Fail);
    assert!(database.says.contains("read"), "{database:?}");
    clinic.close().await;
    fresh.gone().await;
}

async fn tables_of_another_version_are_found(fresh: Fresh) {
    let mut clinic = Clinic::open(None).await;
    clinic.set("DATABASE_URL", fresh.url());
    fresh.meddle("delete from schema_version where version > 1").await;
    clinic.finds(&[("database", Fail, "of version 1; this program needs")]).await;
    fresh.meddle("update schema_version set version = 99").await;
    clinic.finds(&[("database", Fail, "of version 99, newer than")]).await;
    clinic.close().await;
    fresh.gone().await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_found() {
    let mut clinic = Clinic::open(None).await;
    clinic.set("DATABASE_URL", "sqlite://no/such/directory/tollgate.db");
    assert!(!clinic.finds(&[("database", Fail, "not there yet")]).await.unreachable);
    clinic.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    assert!(clinic.finds(&[("database", Fail, "cannot be used")]).await.unreachable);
    clinic.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_price_is_found() {
    let mut clinic = Clinic::open(None).await;
    let yearly = clinic.price("pro_yearly").await;
    clinic.post(&yearly, json!({ "active": false })).await;
    let report = clinic.examine().await;
    let wrong: Vec<_> = report.checks.iter().filter(|it| it.verdict == Fail).collect();
    let [price, portal] = wrong.as_slice() else { panic!("two: {wrong:#?}") };
    assert!(price.says.contains("pro, yearly: the price is archived"), "{price:?}");
    assert!(portal.says.contains("subscription_update"), "{portal:?}");
    // A new price takes the lookup key over, in the product of the plan's other price.
    clinic.set_up().await;
    clinic.finds(&[]).await;

    clinic.plans = clinic::PLANS.replace("29000", "31000");
    clinic.finds(&[("price", Fail, "29000 eur, not 31000 eur")]).await;
    clinic.plans = clinic::PLANS.replace("= \"lifetime_once\"", "= \"price_none\"");
    clinic.finds(&[("price", Fail, "Stripe has no price price_none")]).await;
    clinic.plans = clinic::PLANS.replace("yearly =", "weekly =");
    clinic.finds(&[("price", Fail, "is paid every year, not weekly")]).await;
    clinic.plans = "[plans.lifetime]\nprices = { monthly = \"lifetime_once\" }".to_owned();
    let wrong = [("price", Fail, "is paid once, not monthly"), ("portal", Fail, "differ")];
    clinic.finds(&wrong).await;
    clinic.plans = String::new();
    clinic.finds(&[("prices", Warn, "No plan names a price")]).await;
    clinic.close().await;
}

#[tokio::test]
async fn prices_of_two_currencies_are_found() {
    let mut clinic = Clinic::open(None).await;
    let dollars = "[plans.team]\nprices = { monthly = \"team\" }\namounts = { monthly = 900 }";
    clinic.plans = format!("{}\n{dollars}\ncurrency = \"usd\"", clinic::PLANS);
    clinic.set_up().await;
    clinic.finds(&[("currency", Fail, "Subscriptions are in eur, usd")]).await;
    let dollars = dollars.replace("monthly", "once").replace("\"team\"", "\"team_once\"");
    clinic.plans = format!("{}\n{dollars}\ncurrency = \"usd\"", clinic::PLANS);
    clinic.set_up().await;
    clinic.finds(&[("currency", Warn, "has another currency")]).await;
    clinic.close().await;
}

#[tokio::test]
async fn a_product_that_is_archived_is_found() {
    let clinic = Clinic::open(None).await;
    clinic.post("/v1/products/tollgate_lifetime", json!({ "active": false })).await;
    clinic.finds(&[("price", Fail, "product is archived")]).await;
    clinic.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_portal_is_found_and_mended() {
    let clinic = Clinic::open(None).await;
    let path = "/v1/billing_portal/configurations";
    let all = clinic.get(path).await;
    let mut all = all["data"].as_array().expect("it is a list").iter();
    let ours = all.find(|it| it["metadata"]["made_by"] == "tollgate").expect("it was made");
    let ours = format!("{path}/{}", text(ours, "id"));
    let cancel = json!({ "subscription_cancel": { "enabled": true, "mode": "immediately" } });
    clinic.post(&ours, json!({ "features": cancel })).await;
    clinic.finds(&[("portal", Fail, "subscription_cancel")]).await;
    clinic.set_up().await;
    clinic.finds(&[]).await;
    clinic.post(&ours, json!({ "active": false })).await;
    clinic.finds(&[("portal", Fail, "no configuration of ours")]).await;
    clinic.set_up().await;
    clinic.finds(&[]).await;
    clinic.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_endpoint_is_found() {
    let clinic = Clinic::open(None).await;
    let ours = clinic.endpoint().await;
    let events = clinic.get(&ours).await["enabled_events"].clone();
    clinic.post(&ours, json!({ "disabled": true })).await;
    clinic.finds(&[("endpoint", Fail, "is disabled")]).await;
    clinic.post(&ours, json!({ "disabled": false })).await;

    let mut more = events.clone();
    more.as_array_mut().expect("it is a list").push("account.updated".into());
    clinic.post(&ours, json!({ "enabled_events": more })).await;
    clinic.finds(&[("events", Warn, "not acted on: account.updated")]).await;
    clinic.post(&ours, json!({ "enabled_events": ["*"] })).await;
    clinic.finds(&[("events", Warn, "every event")]).await;
    let fewer = &events.as_array().expect("it is a list")[1..];
    clinic.post(&ours, json!({ "enabled_events": fewer })).await;
    clinic.finds(&[("events", Fail, "charge.captured")]).await;
    assert_eq!(clinic.set_up().await, Vec::<String>::new());
    clinic.finds(&[]).await;
    clinic.close().await;
}

#[tokio::test]
async fn endpoints_by_other_names_are_ours_too() {
    let mut clinic = Clinic::open(None).await;
    let url = format!("{}/webhook/", clinic.variables["TOLLGATE_PUBLIC_URL"]);
    let events = tollgate::setup::events();
    let params = json!({ "url": url, "enabled_events": events, "api_version": "2024-06-20" });
    let second = clinic.post("/v1/webhook_endpoints", params).await;
    let wrong = [("endpoint", Warn, "2 endpoints"), ("secret", Fail, "2 endpoints")];
    let report = clinic.examine().await;
    for (check, verdict, part) in wrong {
        let found = report.checks.iter().find(|it| it.check == check && it.verdict == verdict);
        assert!(found.is_some_and(|it| it.says.contains(part)), "{check}: {report:#?}");
    }
    let first = clinic.endpoint().await;
    let kept = format!("/v1/webhook_endpoints/{}", text(&second, "id"));
    let all = clinic.get("/v1/webhook_endpoints").await;
    for it in all["data"].as_array().expect("it is a list") {
        let path = format!("/v1/webhook_endpoints/{}", text(it, "id"));
        if path != kept {
            clinic.stripe.delete(&path, "delete").await.expect("Stripe does it");
        }
    }
    let both = format!("{},{}", clinic.variables["STRIPE_WEBHOOK_SECRET"], text(&second, "secret"));
    clinic.set("STRIPE_WEBHOOK_SECRET", &both).start().await;
    clinic
        .post(
            &kept,
            json!({ "url": format!("{}/webhook/", clinic.variables["TOLLGATE_PUBLIC_URL"]) }),
        )
        .await;
    clinic.finds(&[("version", Warn, "2024-06-20; it can be read")]).await;
    // `setup` finds it as well, instead of making another.
    assert_eq!(clinic.set_up().await, Vec::<String>::new());
    assert_ne!(first, "");
    clinic.stripe.delete(&kept, "the last").await.expect("Stripe does it");
    clinic.finds(&[("endpoint", Fail, "Stripe sends nothing here")]).await;
    clinic.close().await;
}

#[test]
fn the_paths_of_endpoints_are_those_of_the_webhook() {
    let routes = ROUTES.iter().filter(|it| it.who == Who::Stripe).map(|it| it.path);
    assert_eq!(routes.collect::<Vec<_>>(), WEBHOOK_PATHS);
}

#[tokio::test]
async fn secrets_that_the_server_does_not_know_are_found() {
    let mut clinic = Clinic::open(None).await;
    let right = clinic.variables["STRIPE_WEBHOOK_SECRET"].clone();
    clinic.set("STRIPE_WEBHOOK_SECRET", &format!("{right},{STRANGER}"));
    clinic.finds(&[("signature", Fail, "does not know signing secret 2 of 2")]).await;
    clinic.unset("STRIPE_WEBHOOK_SECRET");
    clinic.finds(&[("secret", Fail, "There is no signing secret")]).await;
    clinic.start().await;
    let url = format!("{}/stripe/webhook", clinic.variables["TOLLGATE_PUBLIC_URL"]);
    let endpoint = clinic.endpoint().await;
    clinic.post(&endpoint, json!({ "url": url })).await;
    let none = ("secret", Fail, "There is no signing secret");
    clinic.finds(&[none, ("server", Fail, "running server has no signing secret")]).await;
    clinic.set("STRIPE_WEBHOOK_SECRET", "whsec_short");
    let short = ("secret", Fail, "shorter than Stripe's");
    clinic.finds(&[short, ("server", Fail, "running server has no signing secret")]).await;
    clinic.close().await;
}

#[tokio::test]
async fn a_secret_of_another_endpoint_shows_with_the_first_event() {
    let mut clinic = Clinic::open(None).await;
    let endpoint = clinic.endpoint().await;
    clinic.set("STRIPE_WEBHOOK_SECRET", STRANGER).start().await;
    let url = format!("{}/stripe/webhook", clinic.variables["TOLLGATE_PUBLIC_URL"]);
    clinic.post(&endpoint, json!({ "url": url })).await;
    // The server knows it, and nobody can tell yet that it is a stranger's.
    clinic.finds(&[]).await;
    clinic.advance(5).await;
    clinic.post("/v1/customers", json!({ "name": "Ada" })).await;
    clinic.finds(&[("arrivals", Warn, "has not arrived (customer.created")]).await;
    clinic.advance(120).await;
    clinic.finds(&[("arrivals", Fail, "has not arrived (customer.created")]).await;
    clinic.close().await;
}

#[tokio::test]
async fn whose_clock_is_wrong_is_found() {
    let mut clinic = Clinic::open(None).await;
    clinic.stop().await;
    let right = clinic.clock.now_ms();
    clinic.clock = Clock::manual(right + 60_000);
    let away = ("server", Fail, "cannot be reached");
    clinic.finds(&[("clock", Warn, "s ahead of Stripe's"), away]).await;
    clinic.clock = Clock::manual(right - 400_000);
    clinic.finds(&[("clock", Fail, "refused beyond 300 s"), away]).await;
    clinic.close().await;
}

#[tokio::test]
async fn a_key_that_stripe_refuses_is_found() {
    let mut clinic = Clinic::open(None).await;
    let refusal = |status, code: &str| {
        let message = "The key sk_test_the_key_of_the_tests is none.";
        let error = json!({ "type": "invalid_request_error", "message": message, "code": code });
        say(status, "", &json!({ "error": error }).to_string())
    };
    for (act, part, unreachable) in [
        (refusal(401, "x"), "refuses the key", false),
        (refusal(401, "api_key_expired"), "has expired", false),
        (say(200, "", "<html>Hello</html>"), "is not Stripe", false),
        (say(302, "location: /login\r\n", ""), "is not Stripe", false),
        (say(429, "retry-after: 60\r\n", "{}"), "asked too much", true),
        (say(500, "", "{}"), "(unavailable)", true),
        (Act::Hang, "(unavailable)", true),
    ] {
        let stripe = Naughty::start(&[act]).await;
        clinic.set("STRIPE_API_BASE", &stripe.url);
        let report = clinic.finds(&[("key", Fail, part)]).await;
        assert_eq!(report.unreachable, unreachable, "{part}");
    }
    clinic.unset("STRIPE_SECRET_KEY");
    clinic.finds(&[("key", Fail, "There is no key")]).await;
    clinic.close().await;
}

#[tokio::test]
async fn what_a_restricted_key_lacks_is_found_and_nothing_is_changed() {
    let mut clinic = Clinic::open(None).await;
    clinic.set("STRIPE_SECRET_KEY", "rk_test_the_key_of_the_tests");
    let before = clinic.get("/v1/events?limit=100").await;
    let report = clinic.finds(&[]).await;
    assert!(report.checks.iter().any(|it| it.check == "permissions"), "{report:#?}");
    assert_eq!(clinic.get("/v1/events?limit=100").await, before);

    let told = "The provided key 'rk_test_***' does not have the required permissions for this \
                endpoint. Having the 'rak_customer_read' permission would allow this request.";
    let error = json!({ "error": { "type": "invalid_request_error", "message": told } });
    let stripe = Naughty::start(&[say(403, "", &error.to_string())]).await;
    clinic.set("STRIPE_API_BASE", &stripe.url);
    let report = clinic.finds(&[("permissions", Fail, "may not read customers, ")]).await;
    let lacking = report.checks.iter().find(|it| it.check == "permissions").expect("it is there");
    assert!(lacking.says.contains("write Checkout sessions, "), "{lacking:?}");
    clinic.close().await;
}

#[tokio::test]
async fn a_way_to_the_server_that_is_barred_is_found() {
    let mut clinic = Clinic::open(None).await;
    let html = "content-type: text/html\r\n";
    for (act, part) in [
        (
            say(301, "location: https://b.example/stripe/webhook\r\n", ""),
            "redirects to https://b.ex",
        ),
        (say(308, "location: /stripe/webhook/\r\n", ""), "redirects to /stripe/webhook/"),
        (say(404, html, "<h1>nginx</h1>"), "knows no such path"),
        (say(405, "", ""), "takes no posts"),
        (say(403, html, "<h1>Just a moment</h1>"), "holds strangers off (403)"),
        (say(401, "", ""), "wants a login"),
        (say(413, "", ""), "small (413)"),
        (say(502, html, ""), "the server is away (502)"),
        (say(200, html, "<h1>It works</h1>"), "a web page answers"),
        (say(200, "", "{\"ok\":true}"), "something else answers there (200)"),
        (say(503, "", r#"{"error":"unavailable","message":"Away."}"#), "its database is away"),
        (say(404, "", r#"{"error":"not_found","message":"None."}"#), "no webhook at this path"),
        (Act::Hang, "cannot be reached"),
    ] {
        let proxy = Naughty::start(&[act]).await;
        let endpoint = clinic.endpoint().await;
        clinic.post(&endpoint, json!({ "url": format!("{}/stripe/webhook", proxy.url) })).await;
        clinic.set("TOLLGATE_PUBLIC_URL", &proxy.url);
        clinic.finds(&[("server", Fail, part)]).await;
        assert!(!proxy.asked().is_empty(), "{part}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn what_harms_posts_on_their_way_is_found() {
    let mut clinic = Clinic::open(None).await;
    let refusal = |reason: &str| {
        let body = json!({ "error": "validation_error", "message": "No.", "details": { "reason": reason } });
        say(400, "", &body.to_string())
    };
    let (fine, known) = (refusal("missing_header"), refusal("malformed_event"));
    let slash = say(308, "location: /stripe/webhook\r\n", "");
    let closed = say(403, "", r#"{"error":"forbidden","message":"No."}"#);
    for (acts, wanted) in [
        (vec![fine.clone(), slash, known.clone()], vec![("slash", Warn, "redirects to")]),
        (
            vec![fine.clone(), fine.clone(), refusal("missing_header")],
            vec![("signature", Fail, "does not reach the server")],
        ),
        (
            vec![fine.clone(), fine.clone(), refusal("timestamp_too_old")],
            vec![("signature", Fail, "clock is so wrong")],
        ),
        (
            vec![fine.clone(), fine.clone(), refusal("no_matching_signature")],
            vec![("signature", Fail, "or the body was changed")],
        ),
        (
            vec![closed],
            vec![
                ("server", Warn, "TOLLGATE_WEBHOOK_NETWORKS"),
                ("signature", Warn, "cannot be seen"),
            ],
        ),
    ] {
        let proxy = Naughty::start(&acts).await;
        let endpoint = clinic.endpoint().await;
        clinic.post(&endpoint, json!({ "url": format!("{}/stripe/webhook", proxy.url) })).await;
        clinic.set("TOLLGATE_PUBLIC_URL", &proxy.url);
        clinic.finds(&wanted).await;
    }
    clinic.close().await;
}

#[tokio::test]
async fn settings_that_let_others_in_are_found() {
    let mut clinic = Clinic::open(None).await;
    let key = clinic.variables["TOLLGATE_API_KEY"].clone();
    clinic.set("TOLLGATE_API_KEY", "1234567812345678");
    clinic.finds(&[("app key", Warn, "can be guessed")]).await;
    let secret = clinic.variables["STRIPE_WEBHOOK_SECRET"].clone();
    clinic.set("TOLLGATE_API_KEY", &secret);
    clinic.finds(&[("app key", Fail, "is also a signing secret")]).await;
    clinic.unset("TOLLGATE_API_KEY");
    clinic.finds(&[("app key", Warn, "no key for the app")]).await;
    clinic.set("TOLLGATE_API_KEY", &key).set("TOLLGATE_USER_TOKEN_SECRET", &"ab".repeat(20));
    clinic.finds(&[("user tokens", Warn, "can be forged")]).await;
    clinic.unset("TOLLGATE_USER_TOKEN_SECRET").unset("TOLLGATE_ORIGINS");
    clinic.finds(&[("origins", Warn, "which is this server")]).await;
    clinic.set("TOLLGATE_ORIGINS", "https://a.example,http://b.example");
    clinic.finds(&[("origins", Warn, "http://b.example")]).await;
    clinic.close().await;
}
