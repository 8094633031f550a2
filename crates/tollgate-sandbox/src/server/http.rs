//! Calls and pages over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::keeper::Keeper;
use super::{listen, neighbour};
use crate::checkout;
use crate::control;
use crate::error::StripeError;
use crate::world::{Answer, Method, Request};

/// The longest body of a call, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

pub(super) async fn serve(
    listener: TcpListener,
    keeper: Arc<Keeper>,
    mut stopped: watch::Receiver<bool>,
) {
    let router =
        Router::new().route("/_socket/{id}", get(listen::open)).fallback(any).with_state(keeper);
    let stopping = async move {
        // An error means that the sandbox itself is gone.
        stopped.changed().await.ok();
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopping).await {
        tracing::error!(%error, "the sandbox's server ended badly");
    }
}

async fn any(State(keeper): State<Arc<Keeper>>, request: HttpRequest<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if parts.method == axum::http::Method::GET {
        let found = checkout::pages::find(path).or_else(|| control::pages::find(path));
        if let Some(found) = found {
            return page(found);
        }
    }
    if !is_call(path) {
        return answer(refusal(&StripeError::no_route(parts.method.as_str(), path)));
    }
    if is_page_call(path) && parts.method == axum::http::Method::POST && !sends_json(&parts.headers)
    {
        let message = "The pages send JSON; the form of another site is not taken.";
        return answer(refusal(&StripeError::invalid(message).status(415)));
    }
    let shared = !is_page_call(path);
    if path.starts_with("/_sandbox/")
        && let Some(response) = neighbour::stop(&parts.method, &parts.headers)
    {
        return response;
    }
    let Some(method) = method(&parts.method) else {
        return answer(refusal(&StripeError::no_route(parts.method.as_str(), path)));
    };
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return answer(refusal(&StripeError::invalid("The body is too long.").status(413)));
    };
    let call = call(method, path, parts.uri.query().unwrap_or(""), &parts.headers, &body);
    let answered = tokio::task::spawn_blocking(move || keeper.call(&call)).await;
    match answered {
        Ok(Ok(answered)) if shared => share(answer(answered)),
        Ok(Ok(answered)) => answer(answered),
        Ok(Err(error)) => {
            tracing::error!(%error, "a call is not kept");
            answer(refusal(&StripeError::internal("The sandbox cannot write its file.")))
        }
        Err(error) => {
            tracing::error!(%error, "a call broke the sandbox");
            answer(refusal(&StripeError::internal("The sandbox broke on this call.")))
        }
    }
}

/// Lets pages of any origin read an answer of the API.
fn share(mut response: Response) -> Response {
    let everybody = header::HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, everybody);
    response
}

/// What the pages ask, which pages of other origins may not.
fn is_page_call(path: &str) -> bool {
    path.starts_with("/_pages/")
}

fn sends_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

fn is_call(path: &str) -> bool {
    ["/v1/", "/v2/", "/_pages/", "/_sandbox/"].iter().any(|start| path.starts_with(start))
}

fn method(method: &axum::http::Method) -> Option<Method> {
    match method.as_str() {
        "GET" => Some(Method::Get),
        "POST" => Some(Method::Post),
        "DELETE" => Some(Method::Delete),
        _ => None,
    }
}

fn call(method: Method, path: &str, query: &str, headers: &HeaderMap, body: &Bytes) -> Request {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    Request {
        method,
        path: path.trim_end_matches('/').to_owned(),
        query: query.to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        json: text("content-type").is_some_and(|kind| kind.starts_with("application/json")),
        key: text("authorization").and_then(|value| bearer(&value)),
        version: text("stripe-version"),
        idempotency_key: text("idempotency-key"),
    }
}

/// Reads `Bearer KEY`, or `Basic` with the key as the user, which `curl -u` sends.
fn bearer(header: &str) -> Option<String> {
    if let Some(key) = header.strip_prefix("Bearer ") {
        return Some(key.trim().to_owned());
    }
    let decoded = BASE64_STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, _) = decoded.split_once(':').unwrap_or((&decoded, ""));
    Some(user.to_owned())
}

fn refusal(error: &StripeError) -> Answer {
    Answer { status: error.http_status(), headers: Vec::new(), body: error.body().to_string() }
}

fn answer(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

fn page(page: checkout::pages::Page) -> Response {
    let mut response = ([(header::CONTENT_TYPE, page.kind)], page.text).into_response();
    for (name, value) in page.headers {
        response.headers_mut().insert(*name, header::HeaderValue::from_static(value));
    }
    response
}
