//! Stripe's error object: what a refused call answers.
//!
//! Types, codes and statuses follow <https://docs.stripe.com/api/errors> (2026-10-28.endive).

use serde_json::{Map, Value, json};

/// A refusal, as the body and status of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct StripeError {
    status: u16,
    body: Map<String, Value>,
}

impl StripeError {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("type".to_owned(), kind.into());
        body.insert("message".to_owned(), Value::String(message.into()));
        Self { status, body }
    }

    /// A call that cannot be understood or is not allowed in this state: 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A parameter with an unusable value: 400, with the parameter's full name.
    pub fn param(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(message).with("param", param.into())
    }

    /// A required parameter is absent: 400 `parameter_missing`.
    pub fn missing(param: &str) -> Self {
        Self::param(param, format!("Missing required param: {param}.")).code("parameter_missing")
    }

    /// A parameter that the endpoint does not have: 400 `parameter_unknown`.
    pub fn unknown(param: &str) -> Self {
        Self::param(param, format!("Received unknown parameter: {param}")).code("parameter_unknown")
    }

    /// The object named in the path does not exist: 404 `resource_missing`.
    pub fn no_such(object: &str, id: &str) -> Self {
        let mut error = Self::no_such_param(object, id, "id");
        error.status = 404;
        error
    }

    /// The object named in a parameter does not exist: 400 `resource_missing`.
    pub fn no_such_param(object: &str, id: &str, param: &str) -> Self {
        let name = object.replace(['_', '.'], " ");
        Self::param(param, format!("No such {name}: '{id}'")).code("resource_missing")
    }

    /// A path that no endpoint has: 404.
    pub fn no_route(method: &str, path: &str) -> Self {
        let mut error = Self::invalid(format!("Unrecognized request URL ({method}: {path})."));
        error.status = 404;
        error
    }

    /// The key is absent or unusable: 401.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        let mut error = Self::invalid(message);
        error.status = 401;
        error
    }

    /// A payment method was declined: 402, with Stripe's `code` and, for declines, a `decline_code`.
    pub fn card(code: &str, decline_code: Option<&str>, message: impl Into<String>) -> Self {
        let error = Self::new(402, "card_error", message).code(code);
        match decline_code {
            Some(decline) => error.with("decline_code", decline),
            None => error,
        }
    }

    /// A key is used again with other parameters: 400 `idempotency_error`.
    pub fn idempotency(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were \
             first used with. Try using a key other than '{key}'."
        );
        Self::new(400, "idempotency_error", message)
    }

    /// A key is used while the first call with it is still under way: 409
    /// `idempotency_key_in_use`.
    pub fn idempotency_in_use(key: &str) -> Self {
        let message = format!("Another request with the idempotency key '{key}' is under way.");
        Self::new(409, "idempotency_error", message).code("idempotency_key_in_use")
    }

    /// Too many calls: 429 `rate_limit`.
    pub fn rate_limit() -> Self {
        Self::new(429, "invalid_request_error", "Request rate limit exceeded.").code("rate_limit")
    }

    /// Something in the sandbox broke: 500 `api_error`.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "api_error", message)
    }

    /// Adds Stripe's `code`.
    #[must_use]
    pub fn code(self, code: &str) -> Self {
        self.with("code", code)
    }

    /// Adds another field of the error object, such as `payment_intent`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    /// Changes the HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Returns the HTTP status.
    pub fn http_status(&self) -> u16 {
        self.status
    }

    /// Returns a field of the error object.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// Returns a field's text, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the body of the answer, `{"error": {…}}`.
    pub fn body(&self) -> Value {
        json!({ "error": self.body })
    }

    /// Returns the error object itself, as payment intents and invoices keep it.
    pub fn object(&self) -> Value {
        Value::Object(self.body.clone())
    }
}
