//! Everything that should not come to the webhook: a table of requests with the answer that each
//! gets. None may be answered 5xx, and none may change what is known of an object, of anybody's
//! access, or what is to be told.

#[path = "bad_input/headers.rs"]
mod headers;
#[expect(dead_code, reason = "other tests need the rest of it")]
mod world;

use serde_json::json;
use tollgate::deliver::destinations;
use tollgate::reconcile::rebuild;
use tollgate::rules::effects::EffectKind;
use tollgate::store::{Db, access, object, outbox};
use tollgate_stripe::signature::header;
use world::{NOW, SECRET, World, request, subscription_of};

/// The answer that a case must get: its status and, where there is one, its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    reason: &'static str,
}

const MISSING: Answer = Answer { status: 400, reason: "missing_header" };
const MALFORMED: Answer = Answer { status: 400, reason: "malformed_header" };
const NO_MATCH: Answer = Answer { status: 400, reason: "no_matching_signature" };
const TOO_OLD: Answer = Answer { status: 400, reason: "timestamp_too_old" };
const NO_EVENT: Answer = Answer { status: 400, reason: "malformed_event" };
const OTHER_MODE: Answer = Answer { status: 400, reason: "livemode_mismatch" };
const TOO_LARGE: Answer = Answer { status: 413, reason: "" };
const NOT_POST: Answer = Answer { status: 405, reason: "" };
const NO_SUCH: Answer = Answer { status: 404, reason: "" };
/// HTTP itself is broken; the answer is not ours.
const NO_HTTP: Answer = Answer { status: 400, reason: "" };
const NO_SUCH_LENGTH: Answer = Answer { status: 431, reason: "" };
/// Stripe's, but nothing to act on: kept as ignored or failed.
const KEPT: Answer = Answer { status: 200, reason: "" };

struct Case {
    name: String,
    bytes: Vec<u8>,
    answer: Answer,
}

fn case(name: impl Into<String>, bytes: Vec<u8>, answer: Answer) -> Case {
    Case { name: name.into(), bytes, answer }
}

/// A request whose signature is right.
fn signed(name: impl Into<String>, body: impl Into<Vec<u8>>, answer: Answer) -> Case {
    let body = body.into();
    let value = header(&body, &[SECRET], NOW);
    let bytes = request("POST", "/stripe/webhook", &[("stripe-signature", &value)], &body);
    case(name, bytes, answer)
}

/// An event that would change something, if it were let in.
fn event() -> String {
    subscription_of("mallory", 66)[0].body.clone()
}

/// Bodies that are signed, but no events.
fn bodies() -> Vec<Case> {
    let whole = event();
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("a space", b" ".to_vec()),
        ("a newline", b"\r\n".to_vec()),
        ("NUL", vec![0]),
        ("NULs", vec![0; 4096]),
        ("not JSON", b"not json".to_vec()),
        ("a form", b"id=evt_1&type=customer.created".to_vec()),
        ("XML", b"<?xml version=\"1.0\"?><event/>".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("a number", b"42".to_vec()),
        ("a text", b"\"evt_1\"".to_vec()),
        ("an empty array", b"[]".to_vec()),
        ("an array of events", format!("[{whole}]").into_bytes()),
        ("an empty object", b"{}".to_vec()),
        ("an object in an object", format!("{{\"event\":{whole}}}").into_bytes()),
        ("two events", format!("{whole}{whole}").into_bytes()),
        ("something after it", format!("{whole}x").into_bytes()),
        ("a NUL after it", format!("{whole}\0").into_bytes()),
        ("half of it", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("all but its end", whole.trim_end().trim_end_matches('}').as_bytes().to_vec()),
        ("a BOM", format!("\u{feff}{whole}").into_bytes()),
        ("UTF-16", whole.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("invalid UTF-8", b"\xff\xfe\xfd".to_vec()),
        (
            "invalid UTF-8 within",
            whole
                .replacen("evt_", "evt_\u{1}", 1)
                .into_bytes()
                .into_iter()
                .map(|it| if it == 1 { 0xff } else { it })
                .collect(),
        ),
        ("an overlong slash", b"{\"id\":\"\xc0\xaf\"}".to_vec()),
        ("a lone surrogate", whole.replacen("\"id\": \"evt_", "\"id\": \"\\ud800", 1).into_bytes()),
        ("single quotes", b"{'id':'evt_1'}".to_vec()),
        ("a trailing comma", b"{\"id\":\"evt_1\",}".to_vec()),
        ("a comment", format!("/* event */{whole}").into_bytes()),
        ("NaN", b"{\"id\":\"evt_1\",\"created\":NaN}".to_vec()),
        ("Infinity", b"{\"created\":Infinity}".to_vec()),
        ("a leading zero", b"{\"created\":01}".to_vec()),
        ("a bare key", b"{id:\"evt_1\"}".to_vec()),
        ("a control character", b"{\"id\":\"evt_\x01\"}".to_vec()),
        ("a bad escape", b"{\"id\":\"\\x41\"}".to_vec()),
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec()),
        (
            "random bytes",
            (0..2048_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
        ),
        (
            "an id 10,000 deep",
            whole.replacen("\"evt_", &format!("{}\"evt_", "[".repeat(10_000)), 1).into_bytes(),
        ),
        ("an open array 10,000 deep", "[".repeat(10_000).into_bytes()),
        ("an open object 10,000 deep", "{\"a\":".repeat(10_000).into_bytes()),
    ];
    texts.into_iter().map(|(name, body)| signed(format!("body: {name}"), body, NO_EVENT)).collect()
}

/// Each field of the envelope, wrong in turn. The rest is right.
fn envelopes() -> Vec<Case> {
    let fields = |changed: &str, value: Option<&str>| {
        let right = [
            ("id", r#""evt_envelope""#),
            ("object", r#""event""#),
            ("type", r#""customer.created""#),
            ("created", "1795348800"),
            ("livemode", "false"),
            ("data", r#"{"object":{"id":"cus_envelope"}}"#),
        ];
        let pairs = right.iter().filter_map(|(key, right)| match *key == changed {
            true => value.map(|it| format!("\"{key}\":{it}")),
            false => Some(format!("\"{key}\":{right}")),
        });
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
    };
    let long = format!("\"evt_{}\"", "x".repeat(300));
    let huge = format!("1{}", "0".repeat(400));
    let id: &[&str] =
        &["null", "5", "true", "[]", "{}", "\"\"", "\"evt_\\u0000\"", "\"\\u0000\"", &long];
    let kind: &[&str] = &["null", "5", "true", "[]", "{}", "\"\""];
    let created: &[&str] = &[
        "null",
        "\"1795348800\"",
        "\"yesterday\"",
        "true",
        "[]",
        "{}",
        "-1",
        "1.5",
        "-0.5",
        "1e400",
        "99999999999999999999",
        "9223372036854775808",
        "253402300800",
        "1e300",
        &huge,
    ];
    let livemode: &[&str] = &["null", "\"false\"", "0", "1", "[]", "{}", "\"\""];
    let data: &[&str] = &[
        "null",
        "5",
        "\"x\"",
        "[]",
        "{}",
        r#"{"object":null}"#,
        r#"{"object":5}"#,
        r#"{"object":"cus_1"}"#,
        r#"{"object":[]}"#,
        r#"{"object":true}"#,
        r#"{"Object":{}}"#,
    ];
    let mut cases = Vec::new();
    for (field, values) in
        [("id", id), ("type", kind), ("created", created), ("livemode", livemode), ("data", data)]
    {
        cases.push(signed(format!("no {field}"), fields(field, None), NO_EVENT));
        for value in values {
            let shown = &value[..value.len().min(40)];
            cases.push(signed(format!("{field} = {shown}"), fields(field, Some(value)), NO_EVENT));
        }
    }
    cases.push(signed("livemode = true", fields("livemode", Some("true")), OTHER_MODE));
    let twice = fields("", None).replacen('{', r#"{"livemode":true,"livemode":true,"#, 1);
    cases.push(signed(
        "the last of equal keys counts",
        twice.replace("\"livemode\":false", "\"livemode\":true"),
        OTHER_MODE,
    ));
    cases
}

/// Events that are Stripe's, about objects that nobody could read or act on.
fn objects() -> Vec<Case> {
    let event = |n: usize, kind: &str, object: &str| {
        format!(
            r#"{{"id":"evt_object_{n}","object":"event","type":"{kind}","created":{NOW},"livemode":false,"data":{{"object":{object}}}}}"#
        )
    };
    let unreadable = [
        "{}",
        r#"{"object":"customer"}"#,
        r#"{"id":null}"#,
        r#"{"id":""}"#,
        r#"{"id":5}"#,
        r#"{"id":{}}"#,
        r#"{"id":["cus_1"]}"#,
        r#"{"id":"cus_\u0000"}"#,
    ];
    let kinds = [
        "customer.created",
        "customer.subscription.updated",
        "invoice.paid",
        "charge.refunded",
        "checkout.session.completed",
        "charge.dispute.created",
    ];
    let mut cases = Vec::new();
    for kind in kinds {
        for object in unreadable {
            let body = event(cases.len(), kind, object);
            cases.push(signed(format!("{kind} about {object}"), body, KEPT));
        }
    }
    let arrays = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    for deep in [arrays, objects] {
        let body = event(cases.len(), "customer.created", &format!(r#"{{"id":{deep}}}"#));
        cases.push(signed("an id 10,000 deep", body, KEPT));
        let body = event(cases.len(), "moon.rose", &format!(r#"{{"id":"moon_1","deep":{deep}}}"#));
        cases.push(signed("an object 10,000 deep", body, KEPT));
        let body =
            event(cases.len(), "moon.rose", "{}").replacen('{', &format!(r#"{{"deep":{deep},"#), 1);
        cases.push(signed("an envelope 10,000 deep", body, KEPT));
    }
    for kind in [
        "moon.rose",
        "customer",
        "Customer.Created",
        "customer.created ",
        "v2.core.x",
        "ping",
        "💥",
    ] {
        let body = event(cases.len(), kind, r#"{"id":"cus_unknown"}"#);
        cases.push(signed(format!("type {kind:?}"), body, KEPT));
    }
    let thin = r#"{"id":"evt_thin","object":"v2.core.event","type":"v2.core.moon.rose","created":"2026-11-22T12:00:00Z","livemode":false}"#;
    cases.push(signed("a thin event of an unknown type", thin, KEPT));
    let cases_of_time = ["5", "null", "\"\"", "\"2026-13-01T00:00:00Z\"", "\"tomorrow\""];
    for time in cases_of_time {
        let body = thin.replace("\"2026-11-22T12:00:00Z\"", time);
        cases.push(signed(format!("a thin event of {time}"), body, NO_EVENT));
    }
    cases
}

/// What is wrong with the request around the body.
fn requests() -> Vec<Case> {
    let body = event();
    let good = header(body.as_bytes(), &[SECRET], NOW);
    let headers = [("stripe-signature", good.as_str())];
    let mut cases = Vec::new();
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "post"] {
        let bytes = request(method, "/stripe/webhook", &headers, body.as_bytes());
        cases.push(case(format!("method {method}"), bytes, NOT_POST));
    }
    for path in [
        "/",
        "/Stripe/Webhook",
        "/stripe/webhook/x",
        "/stripe//webhook",
        "/stripe/webhook//",
        "/webhooks",
        "/api/webhook",
        "/api/webhooks/stripe/evt",
        "/stripe/webhook%2F",
        "/../webhook",
    ] {
        let bytes = request("POST", path, &headers, body.as_bytes());
        cases.push(case(format!("path {path}"), bytes, NO_SUCH));
    }
    let mebibyte = vec![b' '; (1 << 20) + 1];
    cases.push(signed("one byte more than a mebibyte", mebibyte.clone(), TOO_LARGE));
    for length in ["1048577", "99999999999", "9223372036854775807"] {
        let headers = [("content-length", length), headers[0]];
        cases.push(case(
            format!("length {length}"),
            request("POST", "/webhook", &headers, b""),
            TOO_LARGE,
        ));
    }
    let bytes = request("POST", "/webhook", &[("content-length", "18446744073709551615")], b"");
    cases.push(case("the longest length", bytes, NO_SUCH_LENGTH));
    for length in ["-1", "x", "1.5", "18446744073709551616000"] {
        let headers = [("content-length", length), headers[0]];
        cases.push(case(
            format!("length {length}"),
            request("POST", "/webhook", &headers, b""),
            NO_HTTP,
        ));
    }
    let mut chunked = request("POST", "/webhook", &[("transfer-encoding", "chunked")], b"");
    chunked.extend_from_slice(format!("{:x}\r\n", mebibyte.len()).as_bytes());
    chunked.extend_from_slice(&mebibyte);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    cases.push(case("a chunk of more than a mebibyte", chunked, TOO_LARGE));
    let mut broken =
        request("POST", "/webhook", &[("transfer-encoding", "chunked"), headers[0]], b"");
    broken.extend_from_slice(b"zz\r\nnot a chunk\r\n");
    cases.push(case("a chunk that is none", broken, NO_HTTP));
    cases.push(case(
        "no HTTP",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        NO_HTTP,
    ));
    cases.push(case("no version", b"POST /webhook\r\n\r\n".to_vec(), NO_HTTP));
    cases
}

fn all() -> Vec<Case> {
    let of_headers = [headers::all(), headers::repeated(), headers::beside()];
    let of_bodies = [bodies(), envelopes(), objects(), requests()];
    of_headers.into_iter().chain(of_bodies).flatten().collect()
}

/// All that is known of objects and access, and all that is to be told, besides that an event could
/// not be applied.
async fn state(db: &Db) -> String {
    let objects = object::page(db, "", 1000).await.expect("objects are listed");
    let access = access::page(db, "", 1000).await.expect("access is listed");
    let outbox = outbox::page(db, "", 1000).await.expect("the outbox is listed");
    let outbox: Vec<_> =
        outbox.iter().filter(|it| it.effect.kind != EffectKind::EventFailed).collect();
    assert!(!objects.is_empty() && !access.is_empty() && !outbox.is_empty());
    format!("{objects:#?}\n{access:#?}\n{outbox:#?}")
}

async fn bad_input_gets_its_answer_and_changes_nothing(world: World) {
    world.tell(&subscription_of("ada", 1)).await;
    let db = world.db().await;
    let before = state(&db).await;
    let mut wrong = Vec::new();
    let cases = all();
    assert!(cases.len() >= 200, "only {} cases", cases.len());
    for case in &cases {
        let reply = world.raw(&case.bytes).await;
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let reason = body["details"]["reason"].as_str().unwrap_or_default();
        if (reply.status, reason) != (case.answer.status, case.answer.reason) {
            wrong.push(format!("{}: {} {}", case.name, reply.status, reply.text()));
        }
        if reply.status == 200 && body != json!({"received": true}) {
            wrong.push(format!("{}: {body}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(state(&db).await, before, "something changed");
    assert_eq!(world.app("GET", "/access/mallory", "").await.json()["granted"], false);
    // The server is as well as it was.
    let bob = world.deliver(event().as_bytes()).await;
    assert_eq!((bob.status, bob.text()), (200, r#"{"received":true}"#));
    what_was_kept_gives_the_same_anew(&world, &db).await;
    world.end().await;
}

/// Some of it is stored as failed or ignored; none of that may come to count in a rebuild.
async fn what_was_kept_gives_the_same_anew(world: &World, db: &Db) {
    let folder = tempfile::tempdir().expect("a directory can be made");
    let scratch = folder.path().join("scratch.db");
    let (rulebook, now_ms) = (destinations::rulebook(&world.config), NOW * 1000);
    let report = rebuild::run(db, &rulebook, &scratch, now_ms, None, |_| ()).await;
    let report = report.expect("it can be derived");
    assert_eq!(report.drift, []);
    assert!(report.events > 60, "only {} were kept", report.events);
}

/// On SQLite, as a newcomer runs it.
#[tokio::test]
async fn bad_input_gets_its_answer_and_changes_nothing_sqlite() {
    bad_input_gets_its_answer_and_changes_nothing(World::sqlite().await).await;
}

/// Postgres refuses more texts than SQLite does.
#[tokio::test]
async fn bad_input_gets_its_answer_and_changes_nothing_postgres() {
    bad_input_gets_its_answer_and_changes_nothing(World::postgres().await).await;
}
