//! Who may steer the sandbox from a browser. It needs no key, so a page of some site on the web
//! must not move its clock: only pages of the same machine may, such as that of `tollgate dev`.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Answers in the sandbox's place where a page from elsewhere calls, or where a browser asks
/// first whether it may.
pub(super) fn stop(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if !is_near(headers) {
        let message =
            "{\"error\":{\"message\":\"Pages from elsewhere cannot steer the sandbox.\"}}";
        return Some((StatusCode::FORBIDDEN, message).into_response());
    }
    if *method != Method::OPTIONS {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let allowed = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, DELETE"),
        ("access-control-allow-headers", "content-type"),
    ];
    for (name, value) in allowed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// Whether no page calls, or one whose host is this machine or the one that the sandbox is
/// called by.
fn is_near(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some((_, place)) = origin.to_str().ok().and_then(|it| it.split_once("://")) else {
        return false;
    };
    let own = headers.get(header::HOST).and_then(|it| it.to_str().ok()).map(host);
    let host = host(place);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]") || own == Some(host)
}

/// Returns a place without its port.
fn host(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(origin: &str, own: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().expect("it is a header"));
        headers.insert(header::HOST, own.parse().expect("it is a header"));
        is_near(&headers)
    }

    #[test]
    fn only_pages_of_this_machine_steer() {
        assert!(is_near(&HeaderMap::new()));
        assert!(near("http://127.0.0.1:4242", "127.0.0.1:4243"));
        assert!(near("http://localhost:3000", "127.0.0.1:4243"));
        assert!(near("http://devbox:4242", "devbox:4243"));
        assert!(!near("https://example.com", "127.0.0.1:4243"));
        assert!(!near("null", "127.0.0.1:4243"));
        assert!(!near("https://127.0.0.1.example.com", "127.0.0.1:4243"));
        assert!(near("http://[::1]:4242", "[::1]:4243"));
    }
}
