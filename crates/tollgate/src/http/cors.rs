//! Pages of the app's own origins may call what a user's token opens. No cookie is ever read, so a
//! page of another origin gains nothing from a browser that it finds.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::config::Selling;

/// How long a browser need not ask again, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const ALLOWED: HeaderValue = HeaderValue::from_static("authorization, content-type, if-none-match");
const EXPOSED: HeaderValue = HeaderValue::from_static("etag, retry-after");
const VARY: HeaderValue = HeaderValue::from_static("origin");

/// Answers a browser's question beforehand, and says in every answer who may read it.
pub(super) async fn share(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let origin = allowed(&app.selling, request.headers());
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (asks, &origin) {
        (true, Some(_)) => {
            let answer = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ];
            (StatusCode::NO_CONTENT, answer).into_response()
        }
        _ => next.run(request).await,
    };
    let mut say = |name: HeaderName, value| response.headers_mut().append(name, value);
    say(header::VARY, VARY);
    if let Some(origin) = origin {
        say(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        say(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

fn allowed(selling: &Selling, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let is_known = origin.to_str().is_ok_and(|it| selling.knows(it));
    is_known.then(|| origin.clone())
}
