//! Stripe's webhook. Everything that can be done before the queue is done here: verify, read,
//! compress. One line is logged for each event, never with a body, a header or a secret.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Request};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tollgate_stripe::signature::SignatureError;

use super::error::Error;
use super::{App, Client};
use crate::clock::Stopwatch;
use crate::receive::{Input, Outcome, Purpose};
use crate::webhook::{self, Incoming, Refusal};

/// `POST /stripe/webhook` and its aliases.
///
/// # Errors
/// As the contract of the route says.
pub async fn receive(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let watch = Stopwatch::start();
    let received = take(&app, request).await;
    let (incoming, outcome) = received.inspect_err(|error| refused(&app, client, error))?;
    app.metrics.event(word(&outcome));
    log(&incoming, &outcome, watch);
    app.stir();
    Ok(match outcome {
        Outcome::Duplicate => Json(json!({ "received": true, "duplicate": true })),
        _ => Json(json!({ "received": true })),
    }
    .into_response())
}

struct Told {
    event_id: String,
    event_type: String,
    customer: Option<String>,
}

async fn take(app: &App, request: Request<Body>) -> Result<(Told, Outcome), Error> {
    if app.webhook_secrets.is_empty() {
        return Err(Error::BillingNotConfigured);
    }
    let (parts, body) = request.into_parts();
    let body = app.limits.read(&parts, body).await?;
    let (incoming, secret_index) = admit(app, &parts.headers, &body)?;
    app.check_ready()?;
    check_mode(app, &incoming, secret_index).await?;
    let told = Told {
        event_id: incoming.id.to_string(),
        event_type: incoming.event_type.clone(),
        customer: incoming.customer().map(str::to_owned),
    };
    let input = Input::event(incoming, &body, Purpose::Delivery);
    // What waits to be written is packed; there is room for others.
    drop(body);
    Ok((told, app.receiver.submit(input).await?))
}

/// Verifies and reads a delivery; returns the event and which secret signed it.
fn admit(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(Incoming, usize), Error> {
    let header = signature_header(headers).map_err(Refusal::from);
    let admitted = header.and_then(|header| {
        let (secrets, tolerance) = (&app.webhook_secrets, app.tolerance_secs);
        webhook::admit(body, header.as_deref(), secrets, app.clock.now(), tolerance)
    });
    admitted.map_err(|refusal| {
        let message = match &refusal {
            Refusal::Signature(error) => format!("Invalid webhook signature: {error}"),
            Refusal::Malformed(error) => format!("Webhook error: {error}"),
        };
        Error::Refused { reason: refusal.reason(), message }
    })
}

/// Several headers of this name mean the same as one with commas.
fn signature_header(headers: &HeaderMap) -> Result<Option<String>, SignatureError> {
    let mut texts = Vec::new();
    for value in headers.get_all("stripe-signature") {
        texts.push(value.to_str().map_err(|_| SignatureError::MalformedHeader)?);
    }
    Ok((!texts.is_empty()).then(|| texts.join(",")))
}

/// A database is for one mode only: test money must never buy live access.
async fn check_mode(app: &App, incoming: &Incoming, secret_index: usize) -> Result<(), Error> {
    let ours = app.livemode(incoming.livemode).await?;
    if ours == incoming.livemode {
        return Ok(());
    }
    let name = |live: bool| if live { "live" } else { "test" };
    let secret = match app.webhook_secrets.len() {
        1 => "STRIPE_WEBHOOK_SECRET".to_owned(),
        _ => format!("secret {} of STRIPE_WEBHOOK_SECRET", secret_index + 1),
    };
    let (theirs, ours) = (name(incoming.livemode), name(ours));
    let message = format!(
        "Webhook error: this is a {theirs} event, but this database is for {ours} mode; \
         {secret} signed it and belongs to {theirs} mode"
    );
    Err(Error::Refused { reason: "livemode_mismatch", message })
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "applied",
        Outcome::Ignored => "ignored",
        Outcome::Duplicate => "duplicate",
        Outcome::Failed(_) => "failed",
    }
}

fn log(told: &Told, outcome: &Outcome, watch: Stopwatch) {
    let duration_ms = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
    let why = match outcome {
        Outcome::Failed(why) => Some(why.as_str()),
        _ => None,
    };
    tracing::info!(
        event_type = told.event_type,
        customer_id = told.customer,
        event_id = told.event_id,
        outcome = word(outcome),
        why,
        duration_ms,
        "Stripe webhook received"
    );
}

fn refused(app: &App, client: IpAddr, error: &Error) {
    let reason = error.word();
    app.metrics.refused(reason);
    tracing::warn!(reason, client = %client, "Stripe webhook refused");
}
