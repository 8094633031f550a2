//! Deliveries: who gets which event, in which shape, signed, how often; and what may go wrong.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../world/mod.rs"]
mod world;

mod again;
mod destinations;
mod faults;
mod http;
mod listeners;
mod snapshots;

use serde_json::Value;
use tollgate_sandbox::Method::{self, Get};
use tollgate_sandbox::{Post as Delivery, Request};
use tollgate_stripe::{form, signature};
use world::Sandbox;

const HOOK: &str = "http://127.0.0.1:9/hook";

/// Makes a call as each part of the API takes it: forms under `/v1`, else JSON.
fn request(method: Method, path: &str, params: &Value) -> Request {
    let json = !path.starts_with("/v1/");
    let body = match method {
        Get => String::new(),
        _ if json => params.to_string(),
        _ => form::encode(params),
    };
    Request { json, ..Request::new(method, path, body) }
}

/// Calls without a check of the answer's shape, which some rooms of ours do not have.
fn call(sandbox: &mut Sandbox, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let mut request = request(method, path, body);
    if let Some((path, query)) = path.split_once('?') {
        (request.path, request.query) = (path.to_owned(), query.to_owned());
    }
    let answer = sandbox.world.call(&request);
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn done(sandbox: &mut Sandbox, method: Method, path: &str, body: &Value) -> Value {
    let (status, answer) = call(sandbox, method, path, body);
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}

fn read(sandbox: &mut Sandbox, path: &str) -> Value {
    done(sandbox, Get, path, &Value::Null)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// An endpoint: its id and its secret.
fn endpoint(sandbox: &mut Sandbox, params: &[(&str, &str)]) -> (String, String) {
    let mut all = vec![("url", HOOK)];
    if !params.iter().any(|(name, _)| name.starts_with("enabled_events")) {
        all.push(("enabled_events[]", "*"));
    }
    all.extend_from_slice(params);
    let made = sandbox.post("/v1/webhook_endpoints", &all);
    (text(&made["id"]), text(&made["secret"]))
}

fn customer(sandbox: &mut Sandbox) -> String {
    text(&sandbox.post("/v1/customers", &[("name", "Ada")])["id"])
}

fn header<'a>(post: &'a Delivery, name: &str) -> &'a str {
    let mut found = post.headers.iter().filter(|(known, _)| *known == name);
    let value = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "one {name}");
    &value.1
}

fn verify(post: &Delivery, secret: &str, now: i64) -> Result<(), signature::SignatureError> {
    let length = post.cut_at.unwrap_or(post.body.len());
    let header = header(post, "Stripe-Signature");
    signature::verify(&post.body.as_bytes()[..length], Some(header), &[secret], now, 300).map(drop)
}

fn body(post: &Delivery) -> Value {
    serde_json::from_str(&post.body).unwrap()
}

fn pending(sandbox: &mut Sandbox, event: &str) -> i64 {
    read(sandbox, &format!("/v1/events/{event}"))["pending_webhooks"].as_i64().unwrap()
}
