//! More comes in than the queue holds: what is beyond it is refused with 503 and told when to come
//! again, at once and without being kept; what was taken is durable, and what was refused is taken
//! the next time.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::Value;
use tollgate::Tollgate;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::receive::{BATCH_MAX, QUEUE_MAX};
use tollgate::store::{Db, event};
use tollgate_stripe::signature;
use tower::ServiceExt;

const SECRET: &str = "whsec_the_one_of_the_tests";
const NOW: i64 = 1_795_348_800;
/// So often the queue is looked at until it is full; each look lets others run.
const LOOKS_MAX: usize = 20_000;

struct Reply {
    status: StatusCode,
    retry_after: Option<String>,
    body: Value,
}

async fn call(app: &Router, request: Request<Body>) -> Reply {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|it| it.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Reply { status, retry_after, body: serde_json::from_slice(&body).unwrap_or_default() }
}

async fn deliver(app: &Router, id: &str) -> Reply {
    let body = format!(
        r#"{{"id":"{id}","object":"event","api_version":"2026-10-28.endive","created":{NOW},
        "type":"customer.created","livemode":false,
        "data":{{"object":{{"id":"cus_{id}","object":"customer"}}}}}}"#
    );
    let header = signature::header(body.as_bytes(), &[SECRET], NOW);
    let request = Request::post("/stripe/webhook").header("stripe-signature", header);
    call(app, request.body(Body::from(body)).unwrap()).await
}

async fn ready(app: &Router) -> Reply {
    call(app, Request::get("/readyz").body(Body::empty()).unwrap()).await
}

async fn until_full(app: &Router) {
    for _ in 0..LOOKS_MAX {
        if ready(app).await.body["waiting"] == QUEUE_MAX {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the queue was never full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_queue_cannot_hold_is_refused_and_taken_the_next_time() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("tollgate.db").display());
    let variables = [("DATABASE_URL", url.as_str()), ("STRIPE_WEBHOOK_SECRET", SECRET)];
    let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = Config::load(None, directory.path(), &BTreeMap::from(variables)).unwrap();
    let tollgate = Tollgate::builder(&config).clock(&Clock::manual(NOW * 1000)).build().await;
    let tollgate = tollgate.unwrap();
    let app = tollgate.router();

    // Somebody else writes, and does not end; so the writer waits, and the queue behind it fills.
    let db = Db::connect(&url).await.unwrap();
    assert_eq!(deliver(&app, "evt_first").await.status, StatusCode::OK);
    let other = db.begin().await.unwrap();
    let ids: Vec<String> = (0..QUEUE_MAX + 8 * BATCH_MAX).map(|it| format!("evt_{it}")).collect();
    let all = join_all(ids.iter().map(|id| deliver(&app, id)));
    let beyond = async {
        until_full(&app).await;
        let refused = deliver(&app, "evt_beyond").await;
        let not_ready = ready(&app).await;
        drop(other);
        (refused, not_ready)
    };
    let (replies, (refused, not_ready)) = tokio::join!(all, beyond);

    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (refused.retry_after.as_deref(), &refused.body["error"]),
        (Some("1"), &"unavailable".into())
    );
    assert_eq!(not_ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let mut taken = 0;
    for (id, reply) in ids.iter().zip(replies) {
        let kept = event::find(&db, id).await.unwrap().is_some();
        assert_eq!(kept, reply.status == StatusCode::OK, "{id}: {}", reply.body);
        assert!(kept || reply.retry_after.is_some(), "{id}: {}", reply.body);
        taken += usize::from(kept);
    }
    assert!((1..ids.len()).contains(&taken), "{taken} were taken");
    assert!(event::find(&db, "evt_beyond").await.unwrap().is_none());
    assert_eq!(deliver(&app, "evt_beyond").await.status, StatusCode::OK);
    assert_eq!(ready(&app).await.status, StatusCode::OK);
    db.close().await;
}
