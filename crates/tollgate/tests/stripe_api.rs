//! The client of Stripe's API against a server that does everything wrong: what is asked again,
//! what is not, and what the caller hears.

#[expect(dead_code, reason = "other files need the rest of it")]
mod naughty;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use naughty::{Act, Naughty, say};
use serde_json::json;
use tollgate::clock::Stopwatch;
use tollgate::config::Config;
use tollgate::stripe_api::{Answer, Patience, Stripe, StripeError, Trouble};

const KEY: &str = "sk_test_the_key_of_the_tests";

fn stripe(url: &str) -> Stripe {
    let attempt = Duration::from_millis(300);
    patient(url, Patience { attempt, pause: Duration::from_millis(4), ..Patience::default() })
}

fn patient(url: &str, patience: Patience) -> Stripe {
    let variables = BTreeMap::from(
        [("STRIPE_SECRET_KEY", KEY), ("STRIPE_API_BASE", url)].map(|(k, v)| (k.into(), v.into())),
    );
    let dir = tempfile::tempdir().expect("a directory can be made");
    let config = Config::load(None, dir.path(), &variables).expect("the settings are right");
    Stripe::with(&config, patience).expect("there is a key")
}

async fn post(acts: &[Act]) -> (Result<Answer, StripeError>, Vec<String>) {
    let server = Naughty::start(acts).await;
    let params = json!({ "email": "a b@example.com", "metadata": { "user_id": "u&1" } });
    let answer = stripe(&server.url).post("/v1/customers", &params, "key-1").await;
    (answer, server.asked())
}

async fn refused(acts: &[Act]) -> (StripeError, usize) {
    let (answer, asked) = post(acts).await;
    (answer.expect_err("it is refused"), asked.len())
}

fn fine() -> Act {
    say(200, "", r#"{"id":"cus_1","object":"customer"}"#)
}

fn error(status: u16, headers: &str, error: &str) -> Act {
    say(status, headers, &format!(r#"{{"error":{error}}}"#))
}

#[tokio::test]
async fn a_call_says_version_key_and_intent() {
    let (answer, asked) = post(&[fine()]).await;
    let answer = answer.expect("it is answered");
    assert_eq!((answer.text("id"), answer.request_id.as_deref()), (Some("cus_1"), Some("req_1")));
    let [request] = asked.as_slice() else { panic!("one request: {asked:?}") };
    for part in [
        "POST /v1/customers HTTP/1.1\r\n",
        "stripe-version: 2026-10-28.endive\r\n",
        "authorization: Bearer sk_test_the_key_of_the_tests\r\n",
        "idempotency-key: key-1\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "\r\n\r\nemail=a%20b%40example.com&metadata[user_id]=u%261",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_asked_again_with_the_same_key() {
    let busy = r#"{"type":"invalid_request_error","code":"idempotency_key_in_use"}"#;
    for first in [
        error(429, "", r#"{"type":"rate_limit_error"}"#),
        error(500, "", r#"{"type":"api_error"}"#),
        error(409, "", busy),
        say(502, "", "<html>"),
        Act::Tear(
            "HTTP/1.1 200 x\r\ncontent-length: 20\r\n\r\n{\"id\":\"cus_1\"       ".to_owned(),
        ),
        Act::Hang,
        Act::Sleep,
    ] {
        let (answer, asked) = post(&[first.clone(), fine()]).await;
        assert_eq!(answer.expect("it is answered").text("id"), Some("cus_1"), "{first:?}");
        assert_eq!(asked.len(), 2, "{first:?}");
        assert!(asked.iter().all(|it| it.contains("idempotency-key: key-1\r\n")));
    }
}

#[tokio::test]
async fn stripe_says_whether_to_ask_again() {
    let limited = |more: &str| error(429, more, r#"{"type":"rate_limit_error"}"#);
    let (heard, count) = refused(&[limited("stripe-should-retry: false\r\n")]).await;
    assert_eq!((heard.trouble, count), (Trouble::RateLimited, 1));
    let (heard, count) = refused(&[limited("")]).await;
    assert_eq!((heard.trouble, count), (Trouble::RateLimited, 4));
    let (heard, count) = refused(&[limited("retry-after: 3600\r\n")]).await;
    assert_eq!((heard.retry_after, count), (Some(Duration::from_secs(3600)), 1));
    let again = error(400, "stripe-should-retry: true\r\n", r#"{"type":"invalid_request_error"}"#);
    let (answer, asked) = post(&[again, fine()]).await;
    assert!(answer.is_ok() && asked.len() == 2);
}

#[tokio::test]
async fn the_pause_that_stripe_wants_is_waited_out() {
    let limited = error(429, "retry-after: 1\r\n", r#"{"type":"rate_limit_error"}"#);
    let since = Stopwatch::start();
    let (answer, _) = post(&[limited, fine()]).await;
    assert!(answer.is_ok() && since.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn each_error_has_its_meaning() {
    let card = r#"{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"Your card has insufficient funds."}"#;
    let invalid = r#"{"type":"invalid_request_error","param":"email","message":"No."}"#;
    let missing = r#"{"type":"invalid_request_error","code":"resource_missing","param":"coupon"}"#;
    for (act, trouble, attempts) in [
        (error(402, "", card), Trouble::Declined, 1),
        (error(400, "", invalid), Trouble::Invalid, 1),
        (error(400, "", missing), Trouble::Missing, 1),
        (error(404, "", missing), Trouble::Missing, 1),
        (error(400, "", r#"{"type":"idempotency_error"}"#), Trouble::KeyReused, 1),
        (say(200, "", "<html>ok</html>"), Trouble::Malformed, 1),
        (say(200, "", "[]"), Trouble::Malformed, 1),
        (say(400, "", "no"), Trouble::Malformed, 1),
        (say(302, "location: https://elsewhere.example/\r\n", ""), Trouble::Malformed, 1),
        (
            Act::Say("HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\n{}".to_owned()),
            Trouble::Malformed,
            1,
        ),
        (error(500, "", r#"{"type":"api_error"}"#), Trouble::Unavailable, 4),
        (Act::Hang, Trouble::Unavailable, 4),
        (Act::Sleep, Trouble::Timeout, 4),
    ] {
        let (heard, count) = refused(std::slice::from_ref(&act)).await;
        assert_eq!((heard.trouble, count), (trouble, attempts), "{act:?}");
    }
    let (declined, _) = refused(&[error(402, "", card)]).await;
    assert_eq!(declined.decline_code.as_deref(), Some("insufficient_funds"));
    assert_eq!(declined.to_string(), "Stripe: Your card has insufficient funds.");
    assert_eq!(declined.request_id.as_deref(), Some("req_1"));
}

#[tokio::test]
async fn no_error_shows_the_key() {
    let said = format!(r#"{{"type":"invalid_request_error","message":"Invalid API Key: {KEY}"}}"#);
    let (heard, _) = refused(&[error(401, "", &said)]).await;
    assert_eq!(heard.trouble, Trouble::Authentication);
    assert!(!format!("{heard} {heard:?}").contains("the_key"), "{heard:?}");
    assert!(!format!("{:?}", stripe("http://127.0.0.1:1")).contains("the_key"));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let heard = stripe("http://127.0.0.1:1").get("/v1/prices", &json!({})).await;
    assert_eq!(heard.expect_err("nobody is there").trouble, Trouble::Unavailable);
}

#[tokio::test]
async fn calls_keep_the_pace_of_test_mode() {
    let server = Naughty::start(&[fine()]).await;
    let stripe = stripe(&server.url);
    let since = Stopwatch::start();
    for _ in 0..26 {
        stripe.get("/v1/prices", &json!({ "limit": 1 })).await.expect("it is answered");
    }
    assert!(since.elapsed() >= Duration::from_millis(240), "{:?}", since.elapsed());
    assert!(server.asked()[0].starts_with("GET /v1/prices?limit=1 HTTP/1.1\r\n"));
}

/// Whoever makes us call without end must not make everybody else wait without end.
#[tokio::test]
async fn who_has_no_turn_in_time_hears_of_it() {
    let server = Naughty::start(&[fine()]).await;
    let patience = Patience { whole: Duration::from_millis(500), ..Patience::default() };
    let stripe = patient(&server.url, patience);
    let params = json!({});
    let since = Stopwatch::start();
    let heard = join_all((0..200).map(|_| stripe.get("/v1/prices", &params))).await;
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let refused = heard.iter().filter_map(|it| it.as_ref().err());
    let troubles: Vec<Trouble> = refused.map(|it| it.trouble).collect();
    assert!((100..200).contains(&troubles.len()), "{}", troubles.len());
    assert!(troubles.iter().all(|it| *it == Trouble::RateLimited), "{troubles:?}");
    assert!(server.asked().len() < 100);
}

#[tokio::test]
async fn the_last_attempt_ends_with_the_patience() {
    let server = Naughty::start(&[Act::Sleep]).await;
    let whole = Duration::from_millis(700);
    let patience = Patience { attempt: Duration::from_secs(20), whole, ..Patience::default() };
    let since = Stopwatch::start();
    let heard = patient(&server.url, patience).get("/v1/prices", &json!({})).await;
    assert_eq!(heard.expect_err("nobody answers").trouble, Trouble::Timeout);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test]
async fn what_a_restricted_key_lacks_is_named_and_the_key_is_not() {
    let told = "The provided key 'rk_test_abc' does not have the required permissions. Having the \
                'rak_customer_write' permission would allow this request to continue.";
    let body = json!({ "error": { "type": "invalid_request_error", "message": told } });
    let (error, asked) = refused(&[say(403, "", &body.to_string())]).await;
    assert_eq!((error.trouble, error.status, asked), (Trouble::Authentication, Some(403), 1));
    assert_eq!(
        error.message,
        "the key may not do this: it lacks the permission rak_customer_write"
    );
}
