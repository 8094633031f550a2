//! Whether the OpenAPI document knows of an answer that was seen.

use std::sync::LazyLock;

use serde_json::Value;
use tollgate::http::OPENAPI;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(OPENAPI).expect("it is JSON"));

/// Checks an answer of a route that the document has: its status, and its error's code.
pub fn check(method: &str, path: &str, status: u16, body: &[u8]) {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let paths = DOCUMENT["paths"].as_object().expect("it has paths");
    let Some((_, methods)) = paths.iter().find(|(it, _)| is_of(it, path)) else { return };
    let Some(operation) = methods.get(method.to_lowercase()) else { return };
    let answer = &operation["responses"][status.to_string()];
    let text = String::from_utf8_lossy(body);
    assert!(answer.is_object(), "the document knows no {status} of {method} {path}: {text}");
    let code = serde_json::from_slice::<Value>(body).map(|it| it["error"].clone());
    let codes = &DOCUMENT["components"]["schemas"]["Error"]["properties"]["error"]["enum"];
    if let Ok(code @ Value::String(_)) = code {
        let known = codes.as_array().is_some_and(|it| it.contains(&code));
        assert!(known || status < 400, "the document knows no error {code}");
    }
}

fn is_of(template: &str, path: &str) -> bool {
    let (mut expected, mut found) = (template.split('/'), path.split('/'));
    let all = expected.by_ref().all(|it| match found.next() {
        Some(segment) => it == segment || (it.starts_with('{') && !segment.is_empty()),
        None => false,
    });
    all && found.next().is_none()
}
