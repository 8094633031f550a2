//! Event envelopes: what is taken for an event, what is not, and that errors show nothing of it.

use serde_json::json;
use tollgate_stripe::event::{Event, EventError, RelatedObject, SnapshotEvent, ThinEvent};

fn snapshot(body: &str) -> SnapshotEvent<'_> {
    match Event::parse(body.as_bytes()).expect("the body is an event") {
        Event::Snapshot(event) => event,
        Event::Thin(_) => panic!("taken for a thin event"),
    }
}

fn thin(body: &str) -> ThinEvent {
    match Event::parse(body.as_bytes()).expect("the body is an event") {
        Event::Thin(event) => event,
        Event::Snapshot(_) => panic!("taken for a snapshot event"),
    }
}

fn example() -> serde_json::Value {
    json!({
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_761_700_000,
        "data": {
            "object": { "id": "sub_1", "object": "subscription" },
            "previous_attributes": { "status": "trialing" }
        },
        "livemode": false,
        "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null },
        "type": "customer.subscription.updated"
    })
}

fn thin_example() -> serde_json::Value {
    json!({
        "id": "evt_2",
        "object": "v2.core.event",
        "type": "v1.customer.subscription.updated",
        "created": "2026-11-22T13:02:47.932Z",
        "livemode": true,
        "context": "acct_1",
        "related_object": {
            "id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"
        },
        "reason": { "type": "request", "request": { "id": "req_1", "idempotency_key": "k" } },
        "snapshot_event": "evt_1"
    })
}

/// The error of the example with one field changed, or removed where it is null.
fn error_with(mut body: serde_json::Value, field: &str, value: serde_json::Value) -> String {
    if value.is_null() {
        body.as_object_mut().expect("bodies are objects").remove(field);
    } else {
        body[field] = value;
    }
    Event::parse(body.to_string().as_bytes()).expect_err("the body is spoilt").to_string()
}

#[test]
fn a_snapshot_event_reads_whole() {
    let body = serde_json::to_string_pretty(&example()).unwrap();
    let event = snapshot(&body);
    assert_eq!(event.id, "evt_1");
    assert_eq!(event.kind, "customer.subscription.updated");
    assert_eq!(event.created, 1_761_700_000);
    assert!(!event.livemode);
    assert_eq!(event.api_version.as_deref(), Some("2026-10-28.endive"));
    assert_eq!(event.account, None);
    assert!(event.object.get().contains("sub_1"));
    assert!(event.previous_attributes.unwrap().get().contains("trialing"));
}

#[test]
fn the_object_is_the_very_text_of_the_body() {
    let object = "{ \"id\":\"sub_1\", \"amount\": 10.00, \"s\":\"\\u00e9\" }";
    let body = format!(
        "{{\"id\":\"evt_1\",\"type\":\"t\",\"created\":1,\"livemode\":true,\
         \"data\":{{\"object\": {object} }}}}"
    );
    assert_eq!(snapshot(&body).object.get(), object);
}

#[test]
fn a_thin_event_reads_whole() {
    let expected = ThinEvent {
        id: "evt_2".into(),
        kind: "v1.customer.subscription.updated".to_owned(),
        created: 1_795_352_567,
        livemode: true,
        context: Some("acct_1".to_owned()),
        related_object: Some(RelatedObject {
            id: "sub_1".to_owned(),
            kind: "subscription".to_owned(),
            url: "/v1/subscriptions/sub_1".to_owned(),
        }),
        snapshot_event: Some("evt_1".into()),
    };
    assert_eq!(thin(&thin_example().to_string()), expected);
}

#[test]
fn a_thin_event_may_be_about_no_object() {
    let mut body = thin_example();
    for nothing in [json!(null), json!({}), json!({ "id": "x" }), json!("x"), json!([1])] {
        body["related_object"] = nothing;
        assert_eq!(thin(&body.to_string()).related_object, None);
    }
}

#[test]
fn accessors_serve_both_kinds() {
    let (snapshot, thin) = (example().to_string(), thin_example().to_string());
    let events =
        [Event::parse(snapshot.as_bytes()).unwrap(), Event::parse(thin.as_bytes()).unwrap()];
    let seen: Vec<_> =
        events.iter().map(|e| (e.id().as_str(), e.kind(), e.created(), e.livemode())).collect();
    assert_eq!(
        seen,
        [
            ("evt_1", "customer.subscription.updated", 1_761_700_000, false),
            ("evt_2", "v1.customer.subscription.updated", 1_795_352_567, true),
        ]
    );
}

#[test]
fn the_last_of_equal_keys_counts() {
    let event = snapshot(
        "{\"id\":\"evt_a\",\"livemode\":false,\"data\":{\"object\":[]},\"type\":\"a\",\
         \"created\":\"x\",\"id\":\"evt_b\",\"livemode\":true,\"type\":\"b\",\"created\":2,\
         \"data\":{\"object\":1,\"object\":{\"id\":\"x\"}}}",
    );
    assert_eq!((event.id.as_str(), event.kind.as_str(), event.created), ("evt_b", "b", 2));
    assert!(event.livemode);
    assert_eq!(event.object.get(), "{\"id\":\"x\"}");
}

#[test]
fn keys_may_be_written_with_escapes() {
    let body = example().to_string().replace("\"livemode\"", "\"live\\u006dode\"");
    assert!(!snapshot(&body).livemode);
}

#[test]
fn white_space_and_unknown_fields_do_not_matter() {
    let body = example().to_string().replace(',', " \r\n\t, ").replace(':', "\t:\n");
    let body = format!(" \n\r\t{} \n", body.replacen('{', "{\"new\":[{\"deep\":[[]]}], ", 1));
    assert_eq!(snapshot(&body).id, "evt_1");
}

#[test]
fn the_request_may_have_any_shape() {
    for request in [json!(null), json!("req_1"), json!({ "id": "req_1" }), json!([1])] {
        let mut body = example();
        body["request"] = request;
        assert_eq!(snapshot(&body.to_string()).id, "evt_1");
    }
}

#[test]
fn the_account_is_named_by_either_field() {
    let mut body = example();
    body["context"] = json!("acct_context");
    assert_eq!(snapshot(&body.to_string()).account.as_deref(), Some("acct_context"));
    body["account"] = json!("acct_account");
    assert_eq!(snapshot(&body.to_string()).account.as_deref(), Some("acct_account"));
}

#[test]
fn created_may_be_a_float_without_a_fraction() {
    for (written, read) in [("1761700000.0", 1_761_700_000), ("1.7617e9", 1_761_700_000), ("0", 0)]
    {
        let body = example().to_string().replace("1761700000", written);
        assert_eq!(snapshot(&body).created, read);
    }
    for bad in ["1761700000.5", "-1", "1e300", "99999999999999999999", "253402300800", "true"] {
        let body = example().to_string().replace("1761700000", bad);
        assert_eq!(
            Event::parse(body.as_bytes()).unwrap_err(),
            EventError::Field { field: "created", expected: "an integer of Unix seconds" },
            "{bad}"
        );
    }
}

#[test]
fn a_missing_or_wrong_field_is_named() {
    let cases = [
        ("id", json!(null), "event field `id` is missing or not an id"),
        ("id", json!(""), "event field `id` is missing or not an id"),
        ("id", json!("a\0"), "event field `id` is missing or not an id"),
        ("id", json!({ "id": "evt_1" }), "event field `id` is missing or not an id"),
        ("type", json!(7), "event field `type` is missing or not text"),
        (
            "created",
            json!(null),
            "event field `created` is missing or not an integer of Unix seconds",
        ),
        (
            "created",
            json!("1"),
            "event field `created` is missing or not an integer of Unix seconds",
        ),
        ("livemode", json!(null), "event field `livemode` is missing or not true or false"),
        ("livemode", json!("true"), "event field `livemode` is missing or not true or false"),
        ("data", json!(null), "event field `data.object` is missing or not an object"),
        ("data", json!([]), "event field `data.object` is missing or not an object"),
        ("data", json!({}), "event field `data.object` is missing or not an object"),
        ("data", json!({ "object": [1] }), "event field `data.object` is missing or not an object"),
        ("data", json!({ "object": "{" }), "event field `data.object` is missing or not an object"),
    ];
    for (field, value, expected) in cases {
        assert_eq!(error_with(example(), field, value), expected);
    }
    let thin_created = "event field `created` is missing or not a time";
    assert_eq!(error_with(thin_example(), "created", json!(1_761_700_000)), thin_created);
    assert_eq!(error_with(thin_example(), "created", json!("yesterday")), thin_created);
}

#[test]
fn what_is_not_json_is_no_event() {
    assert_eq!(Event::parse(b"\xff{}").unwrap_err(), EventError::NotUtf8);
    let good = example().to_string();
    for bad in ["", " ", "{", "nul", "{\"id\":}", "\u{feff}{}", "{} {}", "{'id':1}", "{\"a\":1,}"] {
        let error = Event::parse(bad.as_bytes()).unwrap_err();
        assert!(matches!(error, EventError::NotJson { .. }), "{bad}: {error}");
    }
    assert!(Event::parse(format!("\u{feff}{good}").as_bytes()).is_err(), "a BOM was accepted");
    for other in ["[]", "1", "null", "\"x\"", "true"] {
        assert_eq!(Event::parse(other.as_bytes()).unwrap_err(), EventError::NotObject);
    }
}

/// What nobody reads is passed over without recursion; what is read stops at serde_json's limit.
#[test]
fn deep_nesting_is_no_danger() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let body = example().to_string().replacen('{', &format!("{{\"x\":{},", deep(100_000)), 1);
    assert_eq!(snapshot(&body).id, "evt_1");
    assert!(Event::parse(deep(100_000).as_bytes()).is_err());
}

#[test]
fn neither_errors_nor_debug_show_the_body() {
    let mut body = example();
    body["data"]["object"]["email"] = json!("jenny@example.com");
    body["data"]["previous_attributes"]["name"] = json!("Jenny");
    let text = body.to_string();
    let shown = format!("{:?}", Event::parse(text.as_bytes()).unwrap());
    assert!(shown.contains("evt_1") && !shown.to_lowercase().contains("jenny"));
    for bad in [text.replace("evt_1", ""), text.replace("1761700000", "jenny")] {
        let error = Event::parse(bad.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("jenny"));
    }
}
