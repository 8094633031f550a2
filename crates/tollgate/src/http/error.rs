//! What a caller is told when something is refused: one enum, one shape,
//! `{"error","message","details"}`. Nothing private stands in any of it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::billing::BillingError;
use crate::billing::change::Preview;
use crate::receive::SubmitError;
use crate::store::StoreError;
use crate::stripe_api::{StripeError, Trouble};

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
        /// What would have been right, where that can be listed.
        allowed: Vec<String>,
    },
    /// 402: the bank said no.
    #[error("{message}")]
    Declined {
        /// The bank's sentence.
        message: String,
        /// The bank's reason.
        decline_code: Option<String>,
    },
    /// 402: a change waits for its payment.
    #[error("The payment did not go through; the plan stays as it was until it is paid.")]
    PaymentNeeded {
        /// Where it can be paid or confirmed.
        pay_url: Option<String>,
    },
    /// 409: what was shown does not hold any more.
    #[error("This would come to something else by now; look at the new preview.")]
    PreviewChanged(Box<Preview>),
    /// 409: what was to be taken back was paid meanwhile.
    #[error("It was paid meanwhile, so the change is made and cannot be taken back.")]
    AlreadyPaid,
    /// 409.
    #[error("{message}")]
    AlreadySubscribed {
        /// A sentence.
        message: &'static str,
        /// Where the subscription can be changed.
        portal_url: Option<String>,
    },
    /// 502, or 503 where asking again may help.
    #[error("{message}")]
    Stripe {
        /// A word for what happened.
        reason: &'static str,
        /// A sentence.
        message: &'static str,
        /// Stripe's name of the request.
        request_id: Option<String>,
        /// Asking again may help.
        passing: bool,
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
    /// 404: the path is right, what it names is not there.
    #[error("{0}")]
    Unknown(&'static str),
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
    /// 503: all the room for bodies is taken.
    #[error("Too much is coming in at once; send the request again.")]
    NoRoom,
    /// 500: nothing was changed.
    #[error("A handler of the app's own failed, so nothing was changed; the log says why.")]
    HandlerFailed,
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
            Self::Declined { .. } => (StatusCode::PAYMENT_REQUIRED, "payment_failed"),
            Self::PaymentNeeded { .. } => (StatusCode::PAYMENT_REQUIRED, "payment_failed"),
            Self::PreviewChanged(_) => (StatusCode::CONFLICT, "preview_changed"),
            Self::AlreadyPaid => (StatusCode::CONFLICT, "already_paid"),
            Self::AlreadySubscribed { .. } => (StatusCode::CONFLICT, "already_subscribed"),
            Self::Stripe { passing, .. } => {
                let ill = StatusCode::BAD_GATEWAY;
                let status = if *passing { StatusCode::SERVICE_UNAVAILABLE } else { ill };
                (status, "external_service_error")
            }
            Self::NotFound | Self::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::PayloadTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::BillingNotConfigured => {
                (StatusCode::SERVICE_UNAVAILABLE, "external_service_error")
            }
            Self::NotConfigured(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_configured"),
            Self::Unavailable | Self::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::HandlerFailed => (StatusCode::INTERNAL_SERVER_ERROR, "handler_failed"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Refused { reason, .. } => json!({ "reason": reason }),
            Self::Invalid { field, allowed, .. } if allowed.is_empty() => json!({ "field": field }),
            Self::Invalid { field, allowed, .. } => json!({ "field": field, "allowed": allowed }),
            Self::Declined { decline_code, .. } => json!({ "decline_code": decline_code }),
            Self::PaymentNeeded { pay_url } => json!({ "pay_url": pay_url }),
            Self::PreviewChanged(preview) => json!(preview),
            Self::AlreadySubscribed { portal_url, .. } => json!({ "portal_url": portal_url }),
            Self::Stripe { reason, request_id, .. } => {
                json!({ "service": "Stripe", "reason": reason, "request_id": request_id })
            }
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
        // What is left of the body is not read, so the connection cannot be used again.
        if matches!(
            self,
            Self::PayloadTooLarge(_) | Self::RequestTimeout | Self::BodyCutOff | Self::NoRoom
        ) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        match self {
            Self::Unavailable
            | Self::NoRoom
            | Self::RateLimited
            | Self::Stripe { passing: true, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
            }
            Self::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
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
            StoreError::Handler { handler, why, .. } => {
                tracing::error!(handler, why, "A handler failed; nothing was changed");
                Self::HandlerFailed
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

impl From<BillingError> for Error {
    fn from(error: BillingError) -> Self {
        match error {
            BillingError::Invalid { field, message, allowed } => {
                Self::Invalid { field: field.to_owned(), message, allowed }
            }
            BillingError::Forbidden(message) => Self::Forbidden(message),
            BillingError::AlreadySubscribed { message, portal_url } => {
                Self::AlreadySubscribed { message, portal_url }
            }
            BillingError::AlreadyPaid => Self::AlreadyPaid,
            BillingError::PreviewChanged(preview) => Self::PreviewChanged(preview),
            BillingError::PaymentNeeded { pay_url, .. } => Self::PaymentNeeded { pay_url },
            BillingError::Unknown(message) => Self::Unknown(message),
            BillingError::NotConfigured(message) => Self::NotConfigured(message),
            BillingError::Stripe(error) => Self::from(error),
            BillingError::Store(error) => Self::from(error),
            BillingError::Submit(error) => Self::from(error),
        }
    }
}

/// Stripe's own sentence is for the log, unless it is for the customer.
impl From<StripeError> for Error {
    fn from(error: StripeError) -> Self {
        let (message, passing) = match error.trouble {
            Trouble::Declined => {
                let decline_code = error.decline_code.clone().or_else(|| error.code.clone());
                return Self::Declined { message: error.message.clone(), decline_code };
            }
            Trouble::Invalid | Trouble::Missing => ("Stripe refused the request.", false),
            Trouble::Authentication => ("Stripe refused the key.", false),
            Trouble::KeyReused => ("Stripe took the request for another one.", false),
            Trouble::Malformed => ("Stripe's answer cannot be read.", false),
            Trouble::RateLimited => ("Stripe is asked too much; try again.", true),
            Trouble::Busy => ("Stripe is still at work on this; try again.", true),
            Trouble::Timeout => ("Stripe did not answer in time; try again.", true),
            Trouble::Unavailable => ("Stripe cannot be reached; try again.", true),
        };
        let (reason, request_id) = (error.trouble.word(), error.request_id.as_deref());
        tracing::error!(error = %error, reason, request_id, param = error.param, "Stripe refused");
        Self::Stripe { reason, message, request_id: error.request_id.clone(), passing }
    }
}
