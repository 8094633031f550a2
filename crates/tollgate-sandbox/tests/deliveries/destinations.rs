//! Event destinations, and the thin events that they take.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Delete, Get, Post};

use crate::schema::Schemas;
use crate::world::{START, Sandbox};
use crate::{HOOK, body, call, customer, done, read, text, verify};

const PATH: &str = "/v2/core/event_destinations";

fn params(more: &Value) -> Value {
    let mut params = json!({
        "name": "mine",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["*"],
        "webhook_endpoint": { "url": HOOK },
        "include": ["webhook_endpoint.signing_secret"],
    });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

/// A destination: its id and its secret.
fn destination(sandbox: &mut Sandbox, more: &Value) -> (String, String) {
    let made = done(sandbox, Post, PATH, &params(more));
    (text(&made["id"]), text(&made["webhook_endpoint"]["signing_secret"]))
}

fn thin_events(sandbox: &mut Sandbox, query: &str) -> Vec<Value> {
    let list = read(sandbox, &format!("/v2/core/events?{query}"));
    list["data"].as_array().unwrap().clone()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn destinations_are_made_changed_listed_and_removed() {
    let mut sandbox = Sandbox::new();
    let more = json!({ "metadata": { "a": "1" }, "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"] });
    let made = done(&mut sandbox, Post, PATH, &params(&more));
    assert_eq!(Schemas::load().faults("v2.core.event_destination", &made), [""; 0]);
    let id = text(&made["id"]);
    assert!(id.starts_with("ed_"));
    assert_eq!(made["webhook_endpoint"]["url"], HOOK);
    assert!(made["webhook_endpoint"]["signing_secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(made["created"], "2027-01-01T00:00:00.000Z");
    let path = format!("{PATH}/{id}");
    sandbox.pass(5);
    let changed =
        done(&mut sandbox, Post, &path, &json!({ "name": "ours", "description": "of us" }));
    assert_eq!((&changed["name"], &changed["description"]), (&json!("ours"), &json!("of us")));
    assert_eq!(changed["updated"], "2027-01-01T00:00:05.000Z");
    assert_eq!(changed.get("webhook_endpoint"), None, "only what is included");
    let with_url = read(&mut sandbox, &format!("{path}?include[0]=webhook_endpoint.url"));
    assert_eq!(with_url["webhook_endpoint"], json!({ "url": HOOK }));
    let off = done(&mut sandbox, Post, &format!("{path}/disable"), &json!({}));
    assert_eq!(
        (&off["status"], &off["status_details"]["disabled"]["reason"]),
        (&json!("disabled"), &json!("user"))
    );
    assert_eq!(Schemas::load().faults("v2.core.event_destination", &off), [""; 0]);
    assert_eq!(
        done(&mut sandbox, Post, &format!("{path}/enable"), &json!({}))["status"],
        "enabled"
    );
    assert_eq!(read(&mut sandbox, PATH)["data"][0]["id"], id.as_str());
    assert_eq!(done(&mut sandbox, Delete, &path, &Value::Null)["id"], id.as_str());
    let (status, gone) = call(&mut sandbox, Get, &path, &Value::Null);
    assert_eq!((status, &gone["error"]["code"]), (404, &json!("not_found")));
}

#[test]
fn wrong_destinations_are_refused_in_the_form_of_v2() {
    let mut sandbox = Sandbox::new();
    for wrong in [
        json!({ "type": "amazon_eventbridge" }),
        json!({ "webhook_endpoint": { "url": "here" } }),
        json!({ "enabled_events": ["customer.created"] }),
        json!({ "event_payload": "snapshot", "enabled_events": ["v1.customer.created"] }),
        json!({ "snapshot_api_version": "2024-06-20" }),
        json!({ "event_payload": "snapshot", "snapshot_api_version": "yesterday" }),
        json!({ "events_from": ["other_accounts"] }),
        json!({ "moon": true }),
    ] {
        let (status, answer) = call(&mut sandbox, Post, PATH, &params(&wrong));
        let error = &answer["error"];
        assert_eq!(
            (status, &error["code"], error.get("type")),
            (400, &json!("invalid_fields"), None),
            "{wrong}"
        );
    }
    assert_eq!(read(&mut sandbox, PATH)["data"], json!([]));
}

#[test]
fn a_thin_event_refers_to_its_object_and_its_twin() {
    let mut sandbox = Sandbox::new();
    let (id, secret) = destination(&mut sandbox, &json!({}));
    let ada = customer(&mut sandbox);
    sandbox.post(&format!("/v1/customers/{ada}"), &[("name", "Grace")]);
    let posts = sandbox.world.take_due(9);
    assert_eq!(
        posts.iter().map(|post| post.kind.as_str()).collect::<Vec<_>>(),
        ["v1.customer.created", "v1.customer.updated"]
    );
    assert!(posts.iter().all(|post| post.endpoint == id && verify(post, &secret, START).is_ok()));
    let twin = read(&mut sandbox, "/v1/events?type=customer.updated")["data"][0].clone();
    let told = body(&posts[1]);
    assert_eq!(
        told,
        json!({
            "id": posts[1].event,
            "object": "v2.core.event",
            "type": "v1.customer.updated",
            "created": "2027-01-01T00:00:00.000Z",
            "livemode": false,
            "changes": { "before": { "name": "Ada" }, "after": { "name": "Grace" } },
            "reason": { "type": "request", "request": { "id": twin["request"]["id"], "idempotency_key": "" } },
            "related_object": { "id": ada, "type": "customer", "url": format!("/v1/customers/{ada}") },
            "snapshot_event": twin["id"],
        })
    );
    assert_eq!(read(&mut sandbox, &format!("/v2/core/events/{}", posts[1].event)), told);
    assert_eq!(twin["pending_webhooks"], 0, "a thin event is none of the snapshot's webhooks");
    assert_eq!(call(&mut sandbox, Get, "/v2/core/events/evt_none", &Value::Null).0, 404);
    let snapshot = text(&twin["id"]);
    assert_eq!(
        call(&mut sandbox, Get, &format!("/v2/core/events/{snapshot}"), &Value::Null).0,
        404
    );
}

#[test]
fn a_change_that_means_something_is_told_beside_its_twin() {
    let mut sandbox = Sandbox::new();
    let wanted = json!({ "enabled_events": ["v1.product.deactivated", "v1.product.created"] });
    destination(&mut sandbox, &wanted);
    let product = text(&sandbox.post("/v1/products", &[("name", "Pro")])["id"]);
    sandbox.post(&format!("/v1/products/{product}"), &[("active", "false")]);
    let posts = sandbox.world.take_due(9);
    let events: Vec<Value> = posts.iter().map(body).collect();
    assert_eq!(types(&events), ["v1.product.created", "v1.product.deactivated"]);
    let told = &events[1];
    assert_eq!(
        told["changes"],
        json!({ "before": { "active": true }, "after": { "active": false } })
    );
    assert_eq!(
        (told.get("snapshot_event"), &told["related_object"]["id"]),
        (None, &json!(product))
    );
    assert_eq!(read(&mut sandbox, &format!("/v2/core/events/{}", posts[1].event)), *told);
    let all = thin_events(&mut sandbox, &format!("object_id={product}"));
    assert_eq!(types(&all), ["v1.product.deactivated", "v1.product.updated", "v1.product.created"]);
}

#[test]
fn thin_events_are_listed_in_pages() {
    let mut sandbox = Sandbox::new();
    for _ in 0..5 {
        customer(&mut sandbox);
        sandbox.pass(1);
    }
    sandbox.post("/v1/products", &[("name", "Pro")]);
    let all = thin_events(&mut sandbox, "types[]=v1.customer.created");
    assert_eq!(all.len(), 5);
    let mut address = "/v2/core/events?limit=2&types[]=v1.customer.created".to_owned();
    let mut pages: Vec<Value> = Vec::new();
    loop {
        let page = read(&mut sandbox, &address);
        pages.push(page.clone());
        match page["next_page_url"].as_str() {
            Some(next) => address = next.to_owned(),
            None => break,
        }
    }
    let rows: Vec<Value> =
        pages.iter().flat_map(|page| page["data"].as_array().unwrap().clone()).collect();
    assert_eq!((pages.len(), &rows), (3, &all));
    let before = read(&mut sandbox, pages[2]["previous_page_url"].as_str().unwrap());
    assert_eq!(before["data"], pages[1]["data"]);
    assert_eq!(pages[0]["previous_page_url"], Value::Null);
    assert_eq!(thin_events(&mut sandbox, &format!("created[lt]={}", START + 2)).len(), 2);
    assert_eq!(call(&mut sandbox, Get, "/v2/core/events?page=nowhere", &Value::Null).0, 400);
}

#[test]
fn a_ping_goes_to_its_destination_alone() {
    let mut sandbox = Sandbox::new();
    let (id, secret) = destination(&mut sandbox, &json!({ "enabled_events": ["v1.invoice.paid"] }));
    destination(&mut sandbox, &json!({}));
    let ping = done(&mut sandbox, Post, &format!("{PATH}/{id}/ping"), &json!({}));
    assert_eq!(ping["type"], "v2.core.event_destination.ping");
    assert_eq!(
        ping["related_object"],
        json!({ "id": id, "type": "v2.core.event_destination", "url": format!("{PATH}/{id}") })
    );
    let posts = sandbox.world.take_due(9);
    assert_eq!(posts.len(), 1);
    assert_eq!((&posts[0].endpoint, &body(&posts[0])), (&id, &ping));
    assert_eq!(verify(&posts[0], &secret, START), Ok(()));
    assert_eq!(read(&mut sandbox, &format!("/v2/core/events/{}", text(&ping["id"]))), ping);
    assert_eq!(read(&mut sandbox, "/v1/events")["data"], json!([]), "there is no snapshot of it");
}

#[test]
fn a_destination_may_take_snapshots_in_its_version() {
    let mut sandbox = Sandbox::new();
    let more = json!({ "event_payload": "snapshot", "snapshot_api_version": "2024-06-20", "enabled_events": ["customer.created"] });
    let (id, secret) = destination(&mut sandbox, &more);
    customer(&mut sandbox);
    let post = sandbox.world.take_due(9).remove(0);
    let event = body(&post);
    assert_eq!((&post.endpoint, verify(&post, &secret, START)), (&id, Ok(())));
    assert_eq!(
        (&event["object"], &event["api_version"], &event["pending_webhooks"]),
        (&json!("event"), &json!("2024-06-20"), &json!(1))
    );
    sandbox.world.answered(post.id, Some(200));
    let path = format!("/v1/events/{}/retry", post.event);
    done(&mut sandbox, Post, &path, &json!({ "webhook_endpoint": id }));
    assert_eq!(body(&sandbox.world.take_due(9).remove(0))["api_version"], "2024-06-20");
}
