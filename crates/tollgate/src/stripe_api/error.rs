//! What it means that Stripe did not do a thing. The message is Stripe's own, for people; it is
//! never a key, and never a body that did not come from Stripe.

use std::ops::Deref;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{is_replay, text};

/// What went wrong, for whoever decides what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The bank said no, or asks the customer to confirm.
    Declined,
    /// Stripe understood the call and refuses it.
    Invalid,
    /// What was named does not exist.
    Missing,
    /// The key is none, has ended, or may not do this.
    Authentication,
    /// Too many calls.
    RateLimited,
    /// Another call with the same key, or on the same object, is still at work.
    Busy,
    /// The idempotency key was used for something else.
    KeyReused,
    /// Stripe is ill, or cannot be reached.
    Unavailable,
    /// No answer came in time; it may have been done.
    Timeout,
    /// The answer is none of Stripe's.
    Malformed,
}

impl Trouble {
    /// Returns its name, as logs and callers see it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::Invalid => "invalid_request",
            Self::Missing => "missing",
            Self::Authentication => "authentication",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::KeyReused => "idempotency_conflict",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
        }
    }
}

/// Why Stripe did not do a thing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("Stripe: {}", .0.message)]
pub struct StripeError(Box<Failure>);

impl Deref for StripeError {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl From<Failure> for StripeError {
    fn from(failure: Failure) -> Self {
        Self(Box::new(failure))
    }
}

/// All that is known of it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What it means.
    pub trouble: Trouble,
    /// A sentence for people.
    pub message: String,
    /// Stripe's `code`.
    pub code: Option<String>,
    /// The bank's reason.
    pub decline_code: Option<String>,
    /// The parameter that is wrong.
    pub param: Option<String>,
    /// Stripe's name of the request.
    pub request_id: Option<String>,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// This is what the first call with this idempotency key was answered: asking again with it
    /// will not help.
    pub replayed: bool,
}

impl Failure {
    pub(super) fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self {
            trouble,
            message: message.into(),
            code: None,
            decline_code: None,
            param: None,
            request_id: None,
            status: None,
            should_retry: None,
            retry_after: None,
            replayed: false,
        }
    }
}

impl StripeError {
    fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Failure::new(trouble, message).into()
    }

    /// No answer came, or not all of it.
    pub(super) fn unheard(error: &reqwest::Error) -> Self {
        match error.is_timeout() {
            true => Self::silent(),
            false if error.is_connect() => Self::new(Trouble::Unavailable, "it cannot be reached"),
            false => Self::new(Trouble::Unavailable, "the connection was cut"),
        }
    }

    /// The answer is none of Stripe's; says why.
    pub(super) fn malformed(why: &str, request_id: Option<&str>) -> Self {
        let message = format!("the answer cannot be read: {why}");
        let request_id = request_id.map(str::to_owned);
        Failure { request_id, ..Failure::new(Trouble::Malformed, message) }.into()
    }

    /// Reads an answer with another status than 2xx.
    pub(super) fn refused(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = &body["error"];
        let field = |name: &str| error[name].as_str().map(str::to_owned);
        let trouble = trouble(status, error);
        let message = match (trouble, field("message")) {
            // Stripe's sentence would quote parts of the key.
            (Trouble::Authentication, told) => refused_key(status, told.as_deref()),
            (_, Some(it)) => it,
            (_, None) => format!("it answered with status {status}"),
        };
        let failure = Failure {
            code: field("code"),
            decline_code: field("decline_code"),
            param: field("param"),
            request_id: text(headers, "request-id"),
            status: Some(status),
            should_retry: text(headers, "stripe-should-retry").and_then(|it| it.parse().ok()),
            retry_after: text(headers, "retry-after")
                .and_then(|it| it.parse().ok())
                .map(Duration::from_secs),
            replayed: is_replay(headers),
            ..Failure::new(trouble, message)
        };
        failure.into()
    }

    /// What came is no object of a kind that we keep; says why.
    pub fn not_an_object(why: &str) -> Self {
        Self::malformed(why, None)
    }

    /// So much is asked of Stripe that this call never had its turn.
    pub(super) fn crowded() -> Self {
        Self::new(Trouble::RateLimited, "too many calls are waiting")
    }

    /// Nothing was heard for as long as its caller could wait.
    pub fn silent() -> Self {
        Self::new(Trouble::Timeout, "no answer came in time")
    }

    /// Whatever was tried, it did not come about.
    pub fn gave_up(message: &str) -> Self {
        Self::new(Trouble::Busy, message)
    }

    /// Whether asking again with the same idempotency key cannot help.
    pub fn spends_the_key(&self) -> bool {
        self.replayed || self.trouble == Trouble::KeyReused
    }

    /// Whether Stripe certainly did nothing: it understood the call and said no.
    pub fn is_definite(&self) -> bool {
        use Trouble::{Authentication, Declined, Invalid, Missing};
        matches!(self.trouble, Declined | Invalid | Missing | Authentication)
    }
}

/// What a restricted key lacks is the one word of Stripe's sentence that names it: `rak_…`.
fn refused_key(status: u16, told: Option<&str>) -> String {
    let is_part = |it: char| !(it.is_ascii_alphanumeric() || it == '_');
    let lacks = told.into_iter().flat_map(|it| it.split(is_part)).find(|it| it.starts_with("rak_"));
    match (status, lacks) {
        (403, Some(lacks)) => format!("the key may not do this: it lacks the permission {lacks}"),
        (403, None) => "the key may not do this".to_owned(),
        _ => "the key is refused".to_owned(),
    }
}

fn trouble(status: u16, error: &Value) -> Trouble {
    let code = error["code"].as_str().unwrap_or_default();
    match (status, error["type"].as_str().unwrap_or_default()) {
        (429, _) => Trouble::RateLimited,
        (401 | 403, _) => Trouble::Authentication,
        (_, "idempotency_error") if code != "idempotency_key_in_use" => Trouble::KeyReused,
        (409, _) | (_, "idempotency_error") => Trouble::Busy,
        (402, _) | (_, "card_error") => Trouble::Declined,
        (404, _) => Trouble::Missing,
        (400..=499, "") => Trouble::Malformed,
        (400..=499, _) if code == "resource_missing" => Trouble::Missing,
        (400..=499, _) => Trouble::Invalid,
        (300..=399, _) => Trouble::Malformed,
        _ => Trouble::Unavailable,
    }
}
