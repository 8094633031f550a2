//! A running sandbox, and a receiver that it posts to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollgate_sandbox::Method::{self, Get, Post};
use tollgate_sandbox::Request;
use tollgate_sandbox::server::{Options, Sandbox};
use tollgate_stripe::signature;

use crate::world::START;
use crate::{request, text};

/// What came, and what to answer next; 200 where nothing is said.
#[derive(Default)]
struct Receiver {
    came: Mutex<Vec<(HeaderMap, Bytes)>>,
    answers: Mutex<Vec<u16>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> (Arc<Self>, String) {
        let receiver = Arc::new(Self { answers: Mutex::new(answers.to_vec()), ..Self::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (receiver, url)
    }

    async fn has(&self, count: usize) -> Vec<(HeaderMap, Bytes)> {
        for _ in 0..1_000 {
            let came = self.came.lock().unwrap().clone();
            if came.len() >= count {
                return came;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited too long for {count} deliveries");
    }
}

async fn take(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    receiver.came.lock().unwrap().push((headers, body));
    let mut answers = receiver.answers.lock().unwrap();
    let status = if answers.is_empty() { 200 } else { answers.remove(0) };
    StatusCode::from_u16(status).unwrap()
}

async fn start(now: Option<i64>, file: Option<PathBuf>) -> Sandbox {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Sandbox::start(Options { listen, now, file, ..Options::default() }).await.unwrap()
}

fn call(sandbox: &Sandbox, method: Method, path: &str, params: &Value) -> Value {
    let answer = sandbox.call(&request(method, path, params)).unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn register(sandbox: &Sandbox, url: &str) -> String {
    let params = json!({ "url": url, "enabled_events": ["*"] });
    text(&call(sandbox, Post, "/v1/webhook_endpoints", &params)["secret"])
}

#[expect(clippy::disallowed_methods, reason = "a receiver goes by real time")]
fn verify(came: &(HeaderMap, Bytes), secret: &str) -> Value {
    let (headers, body) = came;
    let header = headers["stripe-signature"].to_str().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    signature::verify(body, Some(header), &[secret], now, 300).unwrap();
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    serde_json::from_slice(body).unwrap()
}

/// A world that lives in 2020 is still verified by receivers of today, and what fails is posted
/// again when its clock has moved.
#[tokio::test]
async fn events_are_posted_and_posted_again() {
    let sandbox = start(Some(1_577_836_800), None).await;
    let (receiver, url) = Receiver::start(&[500]).await;
    let secret = register(&sandbox, &url);
    call(&sandbox, Post, "/v1/customers", &json!({ "name": "Ada" }));
    let first = verify(&receiver.has(1).await[0], &secret);
    assert_eq!(
        (&first["type"], &first["created"]),
        (&json!("customer.created"), &json!(1_577_836_800))
    );
    let path = format!("/v1/events/{}", text(&first["id"]));
    while call(&sandbox, Get, "/_sandbox/deliveries", &Value::Null)["data"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(call(&sandbox, Get, &path, &Value::Null)["pending_webhooks"], 1);
    call(&sandbox, Post, "/_sandbox/advance", &json!({ "seconds": 60 }));
    let came = receiver.has(2).await;
    assert_eq!(verify(&came[1], &secret), first);
    while call(&sandbox, Get, &path, &Value::Null)["pending_webhooks"] != 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sandbox.stop().await;
}

/// The posts of one endpoint come in order, and a cut body arrives cut.
#[tokio::test]
async fn posts_come_in_order_and_faults_reach_the_wire() {
    let sandbox = start(None, None).await;
    let (receiver, url) = Receiver::start(&[]).await;
    let secret = register(&sandbox, &url);
    let made: Vec<String> = (0..20)
        .map(|at| {
            text(
                &call(&sandbox, Post, "/v1/customers", &json!({ "name": format!("number {at}") }))
                    ["id"],
            )
        })
        .collect();
    let came = receiver.has(20).await;
    let of = |came: &(HeaderMap, Bytes)| text(&verify(came, &secret)["data"]["object"]["id"]);
    assert_eq!(came.iter().map(of).collect::<Vec<_>>(), made);
    call(&sandbox, Post, "/_sandbox/faults", &json!({ "truncated": 1000, "slow": 1000 }));
    call(&sandbox, Post, "/v1/customers", &json!({ "name": "Ünder" }));
    let (headers, body) = receiver.has(21).await.remove(20);
    let header = headers["stripe-signature"].to_str().unwrap();
    assert!(signature::verify(&body, Some(header), &[&secret], 0, 0).is_err());
    sandbox.stop().await;
}

/// A sandbox that ends before an endpoint has answered posts again when it is back.
#[tokio::test]
async fn what_was_under_way_survives_the_end_of_the_process() {
    let file =
        std::env::temp_dir().join(format!("tollgate-deliveries-{}.journal", std::process::id()));
    std::fs::remove_file(&file).ok();
    let sandbox = start(None, Some(file.clone())).await;
    // Nobody listens there yet.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    register(&sandbox, &format!("http://{address}/hook"));
    let ada = text(&call(&sandbox, Post, "/v1/customers", &json!({ "name": "Ada" }))["id"]);
    while call(&sandbox, Get, "/_sandbox/deliveries", &Value::Null)["data"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = call(&sandbox, Get, "/_sandbox/deliveries", &Value::Null);
    sandbox.stop().await;
    let sandbox = start(None, Some(file.clone())).await;
    assert_eq!(call(&sandbox, Get, "/_sandbox/deliveries", &Value::Null), before);
    let (receiver, url) = Receiver::start(&[]).await;
    let endpoint =
        text(&call(&sandbox, Get, "/v1/webhook_endpoints", &Value::Null)["data"][0]["id"]);
    call(&sandbox, Post, &format!("/v1/webhook_endpoints/{endpoint}"), &json!({ "url": url }));
    call(&sandbox, Post, "/_sandbox/advance", &json!({ "seconds": 60 }));
    let (_, body) = receiver.has(1).await.remove(0);
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["data"]["object"]["id"], ada.as_str());
    sandbox.stop().await;
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_body_in_json_is_refused_under_v1() {
    let sandbox = start(Some(START), None).await;
    for (body, json, status) in
        [(r#"{"name":"Ada"}"#, true, 400), ("", true, 200), ("name=Ada", false, 200)]
    {
        let request = Request { json, ..Request::new(Post, "/v1/customers", body) };
        assert_eq!(sandbox.call(&request).unwrap().status, status, "{body}");
    }
}
