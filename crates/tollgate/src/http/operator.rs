//! What an operator and their machines ask: alive, ready, how much, and what the routes are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Mutex;

use super::App;
use crate::metrics::Levels;
use crate::receive::QUEUE_MAX;
use crate::rules::silence::LastEvent;
use crate::store;

/// The description of all routes.
pub const OPENAPI: &str = include_str!("../../assets/openapi.json");
/// How long what was counted for the metrics holds.
const COUNTED_FOR_MS: u64 = 1000;

/// `GET /healthz`: the process answers. It asks nobody, so that a database that is away does not
/// get the process killed.
pub async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// `GET /readyz`: the database answers and the queue is not half full.
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    let reachable = app.is_ready() && store::schema::livemode(&app.db).await.is_ok();
    let waiting = app.receiver.waiting();
    let ready = reachable && waiting < QUEUE_MAX / 2;
    let body = json!({
        "status": if ready { "ok" } else { "unavailable" },
        "database": if reachable { "ok" } else { "unavailable" },
        "waiting": waiting,
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// What the metrics need of the database, kept for a second: whoever asks more often costs it
/// nothing, and of those who ask at once one only waits for it.
#[derive(Default)]
pub(super) struct Counted(Mutex<Option<(i64, Counts)>>);

#[derive(Clone, Default)]
struct Counts {
    failed_waiting: Option<i64>,
    due_waiting: Option<i64>,
    deliveries: Vec<(String, String, i64)>,
    last_event: Option<LastEvent>,
}

async fn counts(app: &App) -> Counts {
    let mut kept = app.counted.0.lock().await;
    let now_ms = app.clock.now_ms();
    if let Some((at_ms, counts)) = &*kept
        && now_ms.abs_diff(*at_ms) < COUNTED_FOR_MS
    {
        return counts.clone();
    }
    let counts = count(app).await;
    *kept = Some((now_ms, counts.clone()));
    counts
}

async fn count(app: &App) -> Counts {
    if !app.is_ready() {
        return Counts::default();
    }
    Counts {
        failed_waiting: store::event::waiting(&app.db).await.ok().map(|(count, _)| count),
        due_waiting: store::due_failure::waiting(&app.db).await.ok(),
        deliveries: store::delivery::waiting(&app.db).await.unwrap_or_default(),
        last_event: store::event::last(&app.db).await.ok().flatten(),
    }
}

/// `GET /metrics`: for Prometheus.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let counts = counts(&app).await;
    let age = |it: LastEvent| app.clock.now_ms().saturating_sub(it.received_ms).max(0) / 1000;
    let text = app.metrics.text(&Levels {
        deliveries: counts.deliveries,
        queue: app.receiver.waiting(),
        failed_waiting: counts.failed_waiting,
        doubles: app.receiver.doubles(),
        due_waiting: counts.due_waiting,
        handler_failures: app.receiver.handlers().failures(),
        last_event_age: counts.last_event.map(age),
    });
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// `GET /openapi.json`: the description of all routes, OpenAPI 3.1.
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
