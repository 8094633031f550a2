//! The official command line's listeners, as it talks on the wire.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Get, Post};
use tollgate_sandbox::{Request, Settings};
use tollgate_stripe::signature;

use crate::world::{DAY, START, Sandbox};
use crate::{call, customer, done, endpoint, pending, read, text};

fn session(sandbox: &mut Sandbox, features: &[&str]) -> Value {
    let params = json!({ "device_name": "here", "websocket_features": features });
    done(sandbox, Post, "/v1/stripecli/sessions", &params)
}

/// A listener whose socket is open: its id, its opening, its secret.
struct Listener {
    id: String,
    opening: u64,
    secret: String,
}

impl Listener {
    fn open(sandbox: &mut Sandbox, features: &[&str]) -> Self {
        let session = session(sandbox, features);
        let id = text(&session["websocket_id"]);
        let opening = sandbox.world.listener_opened(&id).unwrap();
        Self { id, opening, secret: text(&session["secret"]) }
    }

    fn hears(&self, sandbox: &mut Sandbox) -> Vec<Value> {
        let messages = sandbox.world.listener_messages(&self.id, self.opening, START).unwrap();
        messages.iter().map(|message| serde_json::from_str(message).unwrap()).collect()
    }

    fn acknowledge(&self, sandbox: &mut Sandbox, message: &Value) {
        let payload = message.get("event_payload").or_else(|| message.get("payload"));
        let event: Value = serde_json::from_str(payload.unwrap().as_str().unwrap()).unwrap();
        let said = json!({
            "type": "event_ack",
            "event_id": event["id"],
            "webhook_conversation_id": message.get("webhook_conversation_id").cloned().unwrap_or(json!("")),
            "webhook_id": message.get("webhook_id").or_else(|| message.get("destination_id")),
        });
        sandbox.world.listener_said(&self.id, &said.to_string());
    }
}

fn event_of(message: &Value) -> Value {
    serde_json::from_str(message["event_payload"].as_str().unwrap()).unwrap()
}

#[test]
fn a_session_names_its_socket_and_the_secret_of_its_key() {
    let settings =
        Settings { public_url: "http://127.0.0.1:4000".to_owned(), ..Settings::default() };
    let mut sandbox = Sandbox::with(settings);
    let (one, two) = (session(&mut sandbox, &["webhooks"]), session(&mut sandbox, &["v2_events"]));
    let id = text(&one["websocket_id"]);
    assert_eq!(one["websocket_url"], format!("ws://127.0.0.1:4000/_socket/{id}"));
    assert_eq!(one["websocket_authorized_feature"], "webhooks");
    assert_eq!(two["websocket_authorized_feature"], "v2_events");
    assert!(one["reconnect_delay"].as_i64().unwrap() > DAY);
    assert!(one["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(one["secret"], two["secret"]);
    assert_ne!(one["websocket_id"], two["websocket_id"]);
    let mut request = Request::new(Post, "/v1/stripecli/sessions", "device_name=there");
    request.key = Some("sk_test_of_another".to_owned());
    let other: Value = serde_json::from_str(&sandbox.world.call(&request).body).unwrap();
    assert_ne!(other["secret"], one["secret"]);
    let wrong = json!({ "websocket_features": ["telepathy"] });
    assert_eq!(call(&mut sandbox, Post, "/v1/stripecli/sessions", &wrong).0, 400);
    assert_eq!(sandbox.world.listener_opened("cliws_nobody"), None);
}

#[test]
fn a_listener_gets_signed_snapshots_and_acknowledges_them() {
    let mut sandbox = Sandbox::new();
    let listener = Listener::open(&mut sandbox, &["webhooks"]);
    let ada = customer(&mut sandbox);
    let messages = listener.hears(&mut sandbox);
    let [message] = messages.as_slice() else { panic!("one message, not {}", messages.len()) };
    assert_eq!(
        (&message["type"], &message["endpoint"]),
        (&json!("webhook_event"), &json!({ "api_version": null }))
    );
    let payload = message["event_payload"].as_str().unwrap();
    let header = message["http_headers"]["Stripe-Signature"].as_str();
    signature::verify(payload.as_bytes(), header, &[&listener.secret], START, 300).unwrap();
    let event = event_of(message);
    assert_eq!(
        (&event["type"], &event["data"]["object"]["id"]),
        (&json!("customer.created"), &json!(ada))
    );
    assert_eq!(event["pending_webhooks"], 1);
    let id = text(&event["id"]);
    assert_eq!(pending(&mut sandbox, &id), 1);
    assert_eq!(listener.hears(&mut sandbox), [Value::Null; 0], "it was sent");
    listener.acknowledge(&mut sandbox, message);
    assert_eq!(pending(&mut sandbox, &id), 0);
    let said = json!({ "type": "webhook_response", "status": 200, "notification_id": id });
    sandbox.world.listener_said(&listener.id, &said.to_string());
    let seen = read(&mut sandbox, "/_sandbox/deliveries")["data"][0].clone();
    assert_eq!((&seen["status"], &seen["type"]), (&json!(200), &json!("customer.created")));
}

#[test]
fn what_is_not_acknowledged_comes_again_when_the_socket_opens_anew() {
    let mut sandbox = Sandbox::new();
    let mut listener = Listener::open(&mut sandbox, &["webhooks"]);
    let made: Vec<String> = (0..3).map(|_| customer(&mut sandbox)).collect();
    let first = listener.hears(&mut sandbox);
    listener.acknowledge(&mut sandbox, &first[1]);
    sandbox.world.listener_closed(&listener.id, listener.opening);
    let meanwhile = customer(&mut sandbox);
    let old = listener.opening;
    listener.opening = sandbox.world.listener_opened(&listener.id).unwrap();
    // An end that comes late says nothing about the new socket.
    sandbox.world.listener_closed(&listener.id, old);
    assert_eq!(sandbox.world.listener_messages(&listener.id, old, START), None);
    let again = listener.hears(&mut sandbox);
    let of: Vec<Value> =
        again.iter().map(|it| event_of(it)["data"]["object"]["id"].clone()).collect();
    assert_eq!(of, [json!(made[0]), json!(made[2]), json!(meanwhile)]);
    assert_eq!(again[0]["webhook_conversation_id"], first[0]["webhook_conversation_id"]);
    for message in &again {
        listener.acknowledge(&mut sandbox, message);
    }
    listener.opening = sandbox.world.listener_opened(&listener.id).unwrap();
    assert_eq!(listener.hears(&mut sandbox), [Value::Null; 0]);
}

#[test]
fn features_say_what_a_listener_gets() {
    let mut sandbox = Sandbox::new();
    let thin = Listener::open(&mut sandbox, &["v2_events"]);
    let both = Listener::open(&mut sandbox, &["webhooks", "v2_events"]);
    let ada = customer(&mut sandbox);
    let messages = thin.hears(&mut sandbox);
    let [message] = messages.as_slice() else { panic!("one message, not {}", messages.len()) };
    assert_eq!(message["type"], "v2_event");
    assert!(message["destination_id"].as_str().unwrap().starts_with("ed_"));
    let payload = message["payload"].as_str().unwrap();
    let header = message["http_headers"]["Stripe-Signature"].as_str();
    signature::verify(payload.as_bytes(), header, &[&thin.secret], START, 300).unwrap();
    let event: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(
        (&event["object"], &event["type"]),
        (&json!("v2.core.event"), &json!("v1.customer.created"))
    );
    assert_eq!(event["related_object"]["id"], ada.as_str());
    thin.acknowledge(&mut sandbox, message);
    sandbox.world.listener_opened(&thin.id).unwrap();
    let kinds: Vec<Value> = both.hears(&mut sandbox).iter().map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, ["webhook_event", "v2_event"]);
}

#[test]
fn an_event_is_sent_to_listeners_again() {
    let mut sandbox = Sandbox::new();
    endpoint(&mut sandbox, &[]);
    let listener = Listener::open(&mut sandbox, &["webhooks"]);
    customer(&mut sandbox);
    let post = sandbox.world.take_due(1).remove(0);
    sandbox.world.answered(post.id, Some(200));
    let first = listener.hears(&mut sandbox).remove(0);
    listener.acknowledge(&mut sandbox, &first);
    let id = text(&event_of(&first)["id"]);
    let path = format!("/v1/events/{id}/retry");
    let answer = done(&mut sandbox, Post, &path, &json!({ "for_stripecli": true }));
    assert_eq!(answer["id"], id.as_str());
    let again = listener.hears(&mut sandbox);
    assert_eq!(again.len(), 1);
    assert_eq!(event_of(&again[0])["data"], event_of(&first)["data"]);
    assert_ne!(again[0]["webhook_conversation_id"], first["webhook_conversation_id"]);
    assert_eq!(sandbox.world.take_due(9), [], "endpoints are not told again");
    assert_eq!(pending(&mut sandbox, &id), 1);
    listener.acknowledge(&mut sandbox, &again[0]);
    assert_eq!(pending(&mut sandbox, &id), 0);
}

/// A listener that ended does not hold up events, and gives way when its box is full.
#[test]
fn whoever_is_gone_is_forgotten() {
    let settings = Settings { deliveries_queued_max: 4, ..Settings::default() };
    let mut sandbox = Sandbox::with(settings);
    let listener = Listener::open(&mut sandbox, &["webhooks"]);
    sandbox.world.listener_closed(&listener.id, listener.opening);
    customer(&mut sandbox);
    let list = read(&mut sandbox, "/v1/events");
    assert_eq!(list["data"][0]["pending_webhooks"], 0);
    for _ in 0..4 {
        customer(&mut sandbox);
    }
    assert_eq!(sandbox.world.listener_opened(&listener.id), None);
    let silent = Listener::open(&mut sandbox, &["webhooks"]);
    let sessions: Vec<Value> = (0..16).map(|_| session(&mut sandbox, &["webhooks"])).collect();
    assert_eq!(sandbox.world.listener_opened(&silent.id), None, "it was silent longest");
    assert!(sandbox.world.listener_opened(&text(&sessions[0]["websocket_id"])).is_some());
    assert_eq!(call(&mut sandbox, Get, "/v1/stripecli/sessions", &Value::Null).0, 404);
}
