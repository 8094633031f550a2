//! The webhook as Stripe sees it: what is taken, what is refused, and with which words.

mod world;

use std::time::Duration;

use serde_json::json;
use tollgate::store::event;
use tollgate_sandbox::story::{Cast, story};
use tollgate_stripe::signature;
use world::{NOW, SECRET, World, request, subscription_of};

const PATHS: [&str; 8] = [
    "/stripe/webhook",
    "/webhook",
    "/api/stripe/webhook",
    "/api/webhooks/stripe",
    "/stripe/webhook/",
    "/webhook/",
    "/api/stripe/webhook/",
    "/api/webhooks/stripe/",
];

fn event_body(id: &str, kind: &str, object: &str) -> String {
    format!(
        r#"{{"id":"{id}","object":"event","type":"{kind}","created":{NOW},"livemode":false,"data":{{"object":{object}}}}}"#
    )
}

async fn a_purchase_opens_access(world: World) {
    world.tell(&subscription_of("ada", 1)).await;
    let answer = world.app("GET", "/access/ada", "").await.json();
    assert_eq!(answer["granted"], true);
    assert_eq!(answer["plan"], "pro");
    world.end().await;
}

#[tokio::test]
async fn a_purchase_opens_access_sqlite() {
    a_purchase_opens_access(World::sqlite().await).await;
}

#[tokio::test]
async fn a_purchase_opens_access_postgres() {
    a_purchase_opens_access(World::postgres().await).await;
}

#[tokio::test]
async fn every_alias_takes_events_with_and_without_a_final_slash() {
    let world = World::with(&[("TOLLGATE_WEBHOOK_PATH", "/hooks/stripe/")], |_| ()).await;
    for (n, path) in PATHS.iter().chain(&["/hooks/stripe", "/hooks/stripe/"]).enumerate() {
        let body = event_body(&format!("evt_{n}"), "customer.created", r#"{"id":"cus_1"}"#);
        let reply = world.deliver_to(path, body.as_bytes()).await;
        assert_eq!((reply.status, reply.text()), (200, r#"{"received":true}"#), "{path}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_second_delivery_is_a_duplicate() {
    let world = World::sqlite().await;
    let body = event_body("evt_1", "customer.created", r#"{"id":"cus_1"}"#);
    let first = world.deliver(body.as_bytes()).await;
    assert_eq!(first.text(), r#"{"received":true}"#);
    assert_eq!(first.header("content-type"), "application/json");
    let second = world.deliver(body.as_bytes()).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.json(), json!({"received": true, "duplicate": true}));
    world.end().await;
}

/// Stripe would send them again for days, and it would not help.
#[tokio::test]
async fn unknown_and_unreadable_events_are_kept_and_answered_200() {
    let world = World::sqlite().await;
    let unknown = event_body("evt_unknown", "moon.rose", r#"{"id":"moon_1"}"#);
    let broken = event_body("evt_broken", "customer.created", r#"{"object":"customer"}"#);
    for body in [unknown, broken] {
        let reply = world.deliver(body.as_bytes()).await;
        assert_eq!((reply.status, reply.text()), (200, r#"{"received":true}"#));
    }
    let db = world.db().await;
    let kept = event::list(&db, None, 10).await.expect("events are listed");
    let mut kept: Vec<(&str, &str)> = kept.iter().map(|it| (&*it.id, &*it.status)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [("evt_broken", "failed"), ("evt_unknown", "ignored")]);
    world.end().await;
}

#[tokio::test]
async fn other_methods_are_told_that_only_post_is_taken() {
    let world = World::sqlite().await;
    for path in PATHS {
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
            let reply = world.call(method, path, &[], b"").await;
            assert_eq!((reply.status, reply.header("allow")), (405, "POST"), "{method} {path}");
            if method != "HEAD" {
                reply.refused(405, "method_not_allowed");
            }
        }
    }
    world.end().await;
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let world = World::sqlite().await;
    let kinds = ["application/json; charset=utf-8", "text/plain", "application/octet-stream", "x"];
    for (n, kind) in kinds.iter().enumerate() {
        let body = event_body(&format!("evt_{n}"), "customer.created", r#"{"id":"cus_1"}"#);
        let header = signature::header(body.as_bytes(), &[SECRET], NOW);
        let headers = [("stripe-signature", header.as_str()), ("content-type", kind)];
        let reply = world.call("POST", "/webhook", &headers, body.as_bytes()).await;
        assert_eq!(reply.status, 200, "{kind}");
    }
    world.end().await;
}

#[tokio::test]
async fn any_of_the_secrets_may_sign() {
    let secrets = "whsec_old_one, whsec_new_one";
    let world = World::with(&[("STRIPE_WEBHOOK_SECRET", secrets)], |_| ()).await;
    for (id, secret) in [("evt_1", "whsec_old_one"), ("evt_2", "whsec_new_one")] {
        let body = event_body(id, "customer.created", r#"{"id":"cus_1"}"#);
        let header = signature::header(body.as_bytes(), &[secret], NOW);
        let headers = [("stripe-signature", header.as_str())];
        assert_eq!(world.call("POST", "/webhook", &headers, body.as_bytes()).await.status, 200);
    }
    world.end().await;
}

/// A proxy may split a header at its commas.
#[tokio::test]
async fn a_header_split_in_two_is_one() {
    let world = World::sqlite().await;
    let body = event_body("evt_1", "customer.created", r#"{"id":"cus_1"}"#);
    let time = format!("t={NOW}");
    let v1 = format!("v1={}", signature::sign(body.as_bytes(), SECRET, NOW));
    let headers = [("stripe-signature", time.as_str()), ("Stripe-Signature", v1.as_str())];
    assert_eq!(world.call("POST", "/webhook", &headers, body.as_bytes()).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn a_body_of_exactly_one_mebibyte_is_read() {
    let world = World::sqlite().await;
    let mut body = event_body("evt_1", "customer.created", r#"{"id":"cus_1"}"#);
    body.push_str(&" ".repeat((1 << 20) - body.len()));
    assert_eq!(world.deliver(body.as_bytes()).await.status, 200);
    world.end().await;
}

/// It is refused by its declared length: not a byte of the body is sent here.
#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_refused_before_the_body() {
    let world = World::sqlite().await;
    let length = ((1 << 20) + 1).to_string();
    let reply = world.call("POST", "/webhook", &[("content-length", &length)], b"").await;
    reply.refused(413, "payload_too_large");
    world.end().await;
}

#[tokio::test]
async fn a_chunked_body_beyond_the_limit_is_refused() {
    let world = World::sqlite().await;
    let headers = [("transfer-encoding", "chunked")];
    let mut bytes = request("POST", "/webhook", &headers, b"");
    let chunk = "x".repeat(1 << 16);
    for _ in 0..17 {
        bytes.extend_from_slice(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
    }
    world.raw(&bytes).await.refused(413, "payload_too_large");
    world.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_times_out() {
    let adjust = |it: &mut tollgate::config::Config| {
        it.server.body_timeout = Duration::from_millis(50);
    };
    let world = World::with(&[], adjust).await;
    let reply = world.call("POST", "/webhook", &[("content-length", "10")], b"half").await;
    reply.refused(408, "request_timeout");
    world.end().await;
}

#[tokio::test]
async fn without_a_signing_secret_the_webhook_says_so() {
    let world = World::with(&[("STRIPE_WEBHOOK_SECRET", " ")], |_| ()).await;
    let reply = world.deliver(b"{}").await;
    let expected = json!({
        "error": "external_service_error",
        "message": "Stripe billing is not configured",
        "details": {"service": "Stripe"},
    });
    assert_eq!((reply.status, reply.json()), (503, expected));
    world.end().await;
}

#[tokio::test]
async fn refusals_name_their_reason() {
    let world = World::sqlite().await;
    let body = event_body("evt_1", "customer.created", r#"{"id":"cus_1"}"#);
    let old = signature::header(body.as_bytes(), &[SECRET], NOW - 301);
    let forged = signature::header(body.as_bytes(), &["whsec_of_somebody_else"], NOW);
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Headers<'_>, &str, &str); 4] = [
        (&[], "missing_header", "Invalid webhook signature: header is missing"),
        (
            &[("stripe-signature", "?")],
            "malformed_header",
            "Invalid webhook signature: header is malformed",
        ),
        (
            &[("stripe-signature", &forged)],
            "no_matching_signature",
            "Invalid webhook signature: no signature matches the body and a secret",
        ),
        (
            &[("stripe-signature", &old)],
            "timestamp_too_old",
            "Invalid webhook signature: timestamp 301 s old, tolerance 300 s",
        ),
    ];
    for (headers, reason, message) in cases {
        let reply = world.call("POST", "/webhook", headers, body.as_bytes()).await;
        let refused = reply.refused(400, "validation_error");
        assert_eq!(refused, (message.to_owned(), json!({"reason": reason})));
    }
    let (message, details) = world.deliver(b"[]").await.refused(400, "validation_error");
    assert_eq!(message, "Webhook error: body is not a JSON object");
    assert_eq!(details, json!({"reason": "malformed_event"}));
    world.end().await;
}

#[tokio::test]
async fn the_tolerance_is_configured() {
    let world = World::with(&[("TOLLGATE_WEBHOOK_TOLERANCE", "600")], |_| ()).await;
    let body = event_body("evt_1", "customer.created", r#"{"id":"cus_1"}"#);
    for (age, status) in [(600, 200), (601, 400)] {
        let header = signature::header(body.as_bytes(), &[SECRET], NOW - age);
        let headers = [("stripe-signature", header.as_str())];
        let reply = world.call("POST", "/webhook", &headers, body.as_bytes()).await;
        assert_eq!(reply.status, status, "{age}");
    }
    world.end().await;
}

/// Test money must never buy live access.
#[tokio::test]
async fn an_event_of_the_other_mode_is_refused_and_its_secret_named() {
    let secrets = format!("whsec_another, {SECRET}");
    let world = World::with(&[("STRIPE_WEBHOOK_SECRET", &secrets)], |_| ()).await;
    world.tell(&subscription_of("ada", 1)[..1]).await;
    let live = Cast { livemode: true, ..Cast::new(2, NOW - 3_600) };
    let live = &story("subscribe_checkout", &live).expect("it is a story")[0];
    let reply = world.deliver(live.body.as_bytes()).await;
    let (message, details) = reply.refused(400, "validation_error");
    assert_eq!(details, json!({"reason": "livemode_mismatch"}));
    assert_eq!(
        message,
        "Webhook error: this is a live event, but this database is for test mode; \
         secret 2 of STRIPE_WEBHOOK_SECRET signed it and belongs to live mode"
    );
    let db = world.db().await;
    assert_eq!(event::list(&db, None, 10).await.expect("events are listed").len(), 1);
    world.end().await;
}

/// The key says the mode from the first start on, before any event.
#[tokio::test]
async fn the_keys_mode_is_the_databases() {
    let world = World::with(&[("STRIPE_SECRET_KEY", "sk_live_1234567890")], |_| ()).await;
    let reply = world.deliver(subscription_of("ada", 1)[0].body.as_bytes()).await;
    let (_, details) = reply.refused(400, "validation_error");
    assert_eq!(details, json!({"reason": "livemode_mismatch"}));
    world.end().await;
}

#[tokio::test]
async fn nothing_is_taken_while_the_database_is_away() {
    let adjust = |it: &mut tollgate::config::Config| {
        it.database_url = tollgate::config::Secret::new("postgres://nobody@127.0.0.1:1/nothing");
    };
    let world = World::with(&[], adjust).await;
    let reply = world.deliver(subscription_of("ada", 1)[0].body.as_bytes()).await;
    reply.refused(503, "unavailable");
    assert_eq!(reply.header("retry-after"), "1");
    // Whether a delivery is Stripe's can be said without a database.
    world.call("POST", "/webhook", &[], b"{}").await.refused(400, "validation_error");
    world.app("GET", "/access/ada", "").await.refused(503, "unavailable");
    assert_eq!(world.call("GET", "/healthz", &[], b"").await.status, 200);
    let ready = world.call("GET", "/readyz", &[], b"").await;
    let expected = json!({"status": "unavailable", "database": "unavailable", "waiting": 0});
    assert_eq!((ready.status, ready.json()), (503, expected));
    let metrics = world.call("GET", "/metrics", &[], b"").await;
    assert!(metrics.text().contains("\ntollgate_database_up 0\n"), "{}", metrics.text());
    world.end().await;
}

/// They cost queries, and anybody may ask.
#[tokio::test]
async fn metrics_are_counted_in_the_database_once_a_second() {
    let world = World::sqlite().await;
    let waiting = async |world: &World| {
        let reply = world.call("GET", "/metrics", &[], b"").await;
        let count = |it: &str| it.strip_prefix("tollgate_events_failed_waiting ")?.parse().ok();
        reply.text().lines().find_map(count)
    };
    assert_eq!(waiting(&world).await, Some(0));
    world.deliver(event_body("evt_1", "customer.created", "{}").as_bytes()).await;
    assert_eq!(waiting(&world).await, Some(0), "it was counted again at once");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(waiting(&world).await, Some(1));
    world.end().await;
}

#[tokio::test]
async fn events_and_refusals_are_counted() {
    let world = World::sqlite().await;
    let body = event_body("evt_1", "customer.created", r#"{"id":"cus_1"}"#);
    world.deliver(body.as_bytes()).await;
    world.deliver(body.as_bytes()).await;
    world.deliver(event_body("evt_2", "moon.rose", "{}").as_bytes()).await;
    world.deliver(event_body("evt_3", "customer.created", "{}").as_bytes()).await;
    world.call("POST", "/webhook", &[], b"{}").await;
    let reply = world.call("GET", "/metrics", &[], b"").await;
    let text = reply.text();
    for line in [
        r#"tollgate_events_total{outcome="applied"} 1"#,
        r#"tollgate_events_total{outcome="duplicate"} 1"#,
        r#"tollgate_events_total{outcome="ignored"} 1"#,
        r#"tollgate_events_total{outcome="failed"} 1"#,
        r#"tollgate_events_refused_total{reason="missing_header"} 1"#,
        r#"tollgate_http_request_duration_seconds_count{route="/stripe/webhook"} 4"#,
        r#"tollgate_http_answers_total{route="/webhook",status="400"} 1"#,
        "tollgate_events_failed_waiting 1",
        "tollgate_queue_length 0",
        "tollgate_database_up 1",
    ] {
        assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
    }
    world.end().await;
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let world = World::sqlite().await;
    let mut line = world.line().await;
    for n in 0..3 {
        let body = event_body(&format!("evt_{n}"), "customer.created", r#"{"id":"cus_1"}"#);
        let header = signature::header(body.as_bytes(), &[SECRET], NOW);
        let headers = [("stripe-signature", header.as_str())];
        let bytes = request("POST", "/webhook", &headers, body.as_bytes());
        let bytes =
            String::from_utf8(bytes).expect("it is text").replace("connection: close\r\n", "");
        line.send(bytes.as_bytes()).await;
        let answer = line.until(r#"{"received":true}"#).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    drop(line);
    world.end().await;
}
