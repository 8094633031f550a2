//! What an operator and their machines ask: alive, ready, how much, and what the routes are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::App;
use crate::metrics::Levels;
use crate::receive::QUEUE_MAX;
use crate::rules::silence::LastEvent;
use crate::store;

/// The description of all routes.
pub const OPENAPI: &str = include_str!("../../assets/openapi.json");

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

/// `GET /metrics`: for Prometheus.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let failed = match app.is_ready() {
        true => store::event::waiting(&app.db).await.ok(),
        false => None,
    };
    let failed_waiting = failed.map(|(count, _)| count);
    let due_waiting = match app.is_ready() {
        true => store::due_failure::waiting(&app.db).await.ok(),
        false => None,
    };
    let deliveries = match app.is_ready() {
        true => store::delivery::waiting(&app.db).await.unwrap_or_default(),
        false => Vec::new(),
    };
    let last_event = match app.is_ready() {
        true => store::event::last(&app.db).await.ok().flatten(),
        false => None,
    };
    let age = |it: LastEvent| app.clock.now_ms().saturating_sub(it.received_ms).max(0) / 1000;
    let text = app.metrics.text(&Levels {
        deliveries,
        queue: app.receiver.waiting(),
        failed_waiting,
        doubles: app.receiver.doubles(),
        due_waiting,
        handler_failures: app.receiver.handlers().failures(),
        last_event_age: last_event.map(age),
    });
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// `GET /openapi.json`: the description of all routes, OpenAPI 3.1.
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
