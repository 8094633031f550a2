//! What a caller is told when something is refused: one enum, one shape,
//! `{"error","message","details"}`. Nothing private stands in any of it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::receive::SubmitError;
use crate::store::StoreError;

/// Seconds after which a caller should ask again.
const RETRY_AFTER_SECS: &str = "1";

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: a webhook that is not Stripe's, or no event.
    #[error("{message}")]
    Refused {
        /// One of the documented reasons.
        reason: &'static str,
        /// A sentence.
        message: String,
    },
    /// 400: a body that is not JSON.
    #[error("The body is not JSON.")]
    NotJson,
    /// 422: something has a value that is not allowed.
    #[error("{message}")]
    Invalid {
        /// What it is that has the value.
        field: String,
        /// A sentence that says what is allowed.
        message: String,
    },
    /// 401.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 404.
    #[error("There is nothing at this path.")]
    NotFound,
    /// 405; the router says which methods are allowed.
    #[error("This path does not take this method; the header Allow names those it takes.")]
    MethodNotAllowed,
    /// 408.
    #[error("The body took too long to arrive.")]
    RequestTimeout,
    /// The caller went away in the middle of the body; nobody reads this.
    #[error("The body ended early.")]
    BodyCutOff,
    /// 413.
    #[error("The body is larger than {0} bytes.")]
    PayloadTooLarge(usize),
    /// 429.
    #[error("Too many requests from this address; wait a second.")]
    RateLimited,
    /// 503: no signing secret.
    #[error("Stripe billing is not configured")]
    BillingNotConfigured,
    /// 503: no key for the app.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// 503: nothing was stored; it may be sent again.
    #[error("The service cannot store anything right now; send the request again.")]
    Unavailable,
    /// 500.
    #[error("Something went wrong on our side; the log says what.")]
    Internal,
}

/// The body of every refusal.
#[derive(Debug, Serialize)]
struct Body {
    error: &'static str,
    message: String,
    details: Value,
}

impl Error {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Refused { .. } | Self::NotJson | Self::BodyCutOff => {
                (StatusCode::BAD_REQUEST, "validation_error")
            }
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "validation_error"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::PayloadTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::BillingNotConfigured => {
                (StatusCode::SERVICE_UNAVAILABLE, "external_service_error")
            }
            Self::NotConfigured(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_configured"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Refused { reason, .. } => json!({ "reason": reason }),
            Self::Invalid { field, .. } => json!({ "field": field }),
            Self::BillingNotConfigured => json!({ "service": "Stripe" }),
            _ => json!({}),
        }
    }

    /// Returns the word under which a refused webhook is counted and logged.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Refused { reason, .. } => reason,
            _ => self.parts().1,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error) = self.parts();
        let body = Body { error, message: self.to_string(), details: self.details() };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unavailable | Self::RateLimited => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
            }
            Self::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What is left of the body is not read, so the connection cannot be used again.
            Self::PayloadTooLarge(_) | Self::RequestTimeout | Self::BodyCutOff => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for Error {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict(_) => {
                tracing::warn!(error = %error, "The database did not answer");
                Self::Unavailable
            }
            _ => {
                tracing::error!(error = %error, "The database refused");
                Self::Internal
            }
        }
    }
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Overloaded | SubmitError::Closed => {
                tracing::warn!(error = %error, "An input was not taken");
                Self::Unavailable
            }
            SubmitError::Store(error) => Self::from(&*error),
        }
    }
}
