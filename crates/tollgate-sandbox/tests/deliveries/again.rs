//! Retries, events that are looked up and sent again, and what is too much.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Get, Post};

use crate::world::{DAY, START, Sandbox};
use crate::{body, call, customer, done, endpoint, read, text, verify};

/// What fails is tried again after a minute, then after twice as long each time, for three days.
#[test]
fn a_failed_delivery_is_tried_for_three_days() {
    let mut sandbox = Sandbox::new();
    endpoint(&mut sandbox, &[]);
    customer(&mut sandbox);
    let mut waits = Vec::new();
    let mut at = START;
    while let Some(due) = sandbox.world.next_delivery() {
        sandbox.world.advance(due);
        waits.push(due - at);
        at = due;
        let posts = sandbox.world.take_due(10);
        assert_eq!(posts.len(), 1);
        let status = (waits.len() % 2 == 0).then_some(500);
        sandbox.world.answered(posts[0].id, status);
        // Twice the same answer counts once.
        sandbox.world.answered(posts[0].id, status);
    }
    let doubled: Vec<i64> = (0..12).map(|time| 60 << time).collect();
    assert_eq!((waits[0], &waits[1..]), (0, doubled.as_slice()));
    assert!(at - START < 3 * DAY);
    let failed = read(&mut sandbox, "/v1/events?delivery_success=false");
    assert_eq!(failed["data"][0]["pending_webhooks"], 1, "what was given up was never delivered");
    let seen = read(&mut sandbox, "/_sandbox/deliveries");
    let last = &seen["data"][0];
    assert_eq!(
        (&last["attempt"], &last["next"], &seen["open"]),
        (&json!(13), &Value::Null, &json!(0))
    );
    assert_eq!(last["type"], "customer.created");
}

#[test]
fn an_event_is_sent_again_when_asked() {
    let mut sandbox = Sandbox::new();
    let (id, secret) = endpoint(&mut sandbox, &[("api_version", "2020-08-27")]);
    endpoint(&mut sandbox, &[]);
    customer(&mut sandbox);
    let posts = sandbox.world.take_due(10);
    for post in &posts {
        sandbox.world.answered(post.id, Some(200));
    }
    let first = posts.iter().find(|post| post.endpoint == id).unwrap();
    let path = format!("/v1/events/{}/retry", first.event);
    let answer = done(&mut sandbox, Post, &path, &json!({ "webhook_endpoint": id }));
    assert_eq!((&answer["id"], &answer["pending_webhooks"]), (&json!(first.event), &json!(1)));
    let again = sandbox.world.take_due(10);
    assert_eq!(again.len(), 1);
    assert_eq!(verify(&again[0], &secret, START), Ok(()));
    let (mut first, mut second) = (body(first), body(&again[0]));
    first["pending_webhooks"].take();
    second["pending_webhooks"].take();
    assert_eq!(first, second, "as it was sent before, in the endpoint's version");
    let (status, error) =
        call(&mut sandbox, Post, &path, &json!({ "webhook_endpoint": "we_none" }));
    assert_eq!((status, &error["error"]["code"]), (400, &json!("resource_missing")));
    assert_eq!(call(&mut sandbox, Post, &path, &json!({})).0, 400);
}

#[test]
fn events_are_listed_by_type_moment_and_delivery() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    sandbox.pass(10);
    sandbox.post(&format!("/v1/customers/{ada}"), &[("name", "Grace")]);
    sandbox.delete(&format!("/v1/customers/{ada}"), &[]);
    let mut types = |query: &str| -> Vec<String> {
        let list = read(&mut sandbox, &format!("/v1/events{query}"));
        list["data"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect()
    };
    let all = ["customer.deleted", "customer.updated", "customer.created"];
    assert_eq!(types(""), all);
    assert_eq!(types("?type=customer.*"), all);
    assert_eq!(types("?type=*.updated"), ["customer.updated"]);
    assert_eq!(types("?types[]=customer.created&types[]=customer.deleted"), [all[0], all[2]]);
    assert_eq!(types(&format!("?created[lt]={}", START + 10)), ["customer.created"]);
    assert_eq!(types("?delivery_success=true&limit=1"), ["customer.deleted"]);
    assert_eq!(types("?delivery_success=false"), [""; 0]);
    let (status, error) = call(&mut sandbox, Get, "/v1/events?type=a&types[]=b", &Value::Null);
    assert_eq!((status, &error["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(call(&mut sandbox, Get, "/v1/events/evt_none", &Value::Null).0, 404);
}

/// Too much for one endpoint is lost and counted; it takes no more memory.
#[test]
fn too_many_deliveries_are_lost_and_counted() {
    let settings = tollgate_sandbox::Settings { deliveries_queued_max: 3, ..Default::default() };
    let mut sandbox = Sandbox::with(settings);
    endpoint(&mut sandbox, &[]);
    for _ in 0..5 {
        customer(&mut sandbox);
    }
    let seen = read(&mut sandbox, "/_sandbox/deliveries");
    assert_eq!((&seen["open"], &seen["lost"]), (&json!(3), &json!(2)));
    let posts = sandbox.world.take_due(9);
    assert_eq!(posts.len(), 3);
    sandbox.world.answered(posts[0].id, Some(200));
    customer(&mut sandbox);
    assert_eq!(sandbox.world.take_due(9).len(), 1, "there is room again");
}
