//! What a request leaves in the log: one line, with the fields that operators filter by, and
//! nothing that is nobody's business.

#[expect(dead_code, reason = "other tests need the rest of it")]
mod log;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod world;

use log::listen;
use serde_json::Value;
use world::{KEY, NOW, SECRET, TOKEN_SECRET, World, subscription_of};

#[tokio::test]
async fn an_event_is_one_line_with_its_fields() {
    let (log, _guard) = listen();
    let world = World::sqlite().await;
    let events = subscription_of("ada", 1);
    world.tell(&events).await;
    world.tell(&events[..1]).await;
    let lines = log.lines("Stripe webhook received");
    assert_eq!(lines.len(), events.len() + 1);
    for (line, event) in lines.iter().zip(&events) {
        let fields = &line["fields"];
        assert_eq!(line["level"], "INFO");
        assert_eq!(
            (&fields["event_type"], &fields["event_id"]),
            (&event.kind.as_str().into(), &event.id.as_str().into())
        );
        assert_eq!(fields["outcome"], "applied");
        assert!(fields["duration_ms"].is_u64() && line["timestamp"].is_string(), "{line}");
    }
    let customers = lines.iter().filter(|it| it["fields"]["customer_id"].is_string());
    assert!(customers.count() > 3);
    assert_eq!(lines[events.len()]["fields"]["outcome"], "duplicate");
    world.end().await;
}

#[tokio::test]
async fn a_refusal_is_one_line_with_reason_and_address() {
    let (log, _guard) = listen();
    let world = World::sqlite().await;
    world.call("POST", "/webhook", &[], b"{}").await;
    world.deliver(b"[]").await;
    let lines = log.lines("Stripe webhook refused");
    let reasons: Vec<&Value> = lines.iter().map(|it| &it["fields"]["reason"]).collect();
    assert_eq!(reasons, ["missing_header", "malformed_event"]);
    assert!(lines.iter().all(|it| it["level"] == "WARN" && it["fields"]["client"] == "127.0.0.1"));
    world.end().await;
}

/// Also at the finest level that anybody can ask for.
#[tokio::test]
async fn neither_secrets_nor_bodies_nor_addresses_reach_the_log() {
    let (log, _guard) = listen();
    let world = World::sqlite().await;
    world.tell(&subscription_of("ada", 1)).await;
    world
        .app("PUT", "/users/ada", r#"{"email":"private@example.com","name":"Private Name"}"#)
        .await;
    world.app("GET", "/access/ada", "").await;
    let forged = format!("t={NOW},v1={}", "ab".repeat(32));
    world.call("POST", "/webhook", &[("stripe-signature", &forged)], b"private body").await;
    world.deliver(b"{\"private\":\"private body\"}").await;
    world.call("GET", "/access/ada", &[("authorization", "Bearer private-token")], b"").await;
    world.end().await;
    let text = log.text();
    for private in [SECRET, KEY, TOKEN_SECRET, "private", "Private Name", "ababab", "@example"] {
        assert!(!text.contains(private), "{private} in\n{text}");
    }
}
