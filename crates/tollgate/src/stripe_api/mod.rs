//! Calls of Stripe's API: one version, one pace, bounded patience, errors with a meaning. Every
//! change carries an idempotency key that its caller gives, so that asking again, by us or after a
//! crash, never does a thing twice. No transaction is ever open meanwhile.
//!
//! - this file: the client and its calls;
//! - [`error`]: what an answer that is none means;
//! - [`patience`]: whether to ask again, and when; pure;
//! - [`sight`]: which second an answer is known to be of.

mod error;
mod patience;
mod sight;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tollgate_stripe::{form, version};

use crate::clock::Stopwatch;
use crate::config::{Config, Secret};
pub use error::{Failure, StripeError, Trouble};
use patience::Verdict;
use sight::Sight;

/// Calls a second in live mode; Stripe takes 100, and the app may call too.
const PACE_LIVE: u32 = 80;
/// Calls a second in test mode, where Stripe takes 25.
const PACE_TEST: u32 = 20;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A connection.
    pub connect: Duration,
    /// One attempt.
    pub attempt: Duration,
    /// All attempts, the pauses between them and the wait for the pace.
    pub whole: Duration,
    /// The pause before the second attempt; each further one is twice as long.
    pub pause: Duration,
    /// How often is asked.
    pub attempts: u32,
    /// Calls a second at most; what Stripe takes unless set.
    pub pace: Option<NonZeroU32>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(20),
            whole: Duration::from_secs(40),
            pause: Duration::from_millis(500),
            attempts: 4,
            pace: None,
        }
    }
}

/// Stripe's API. Cloning shares connections and pace.
#[derive(Clone, Debug)]
pub struct Stripe(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    base: String,
    key: Secret,
    pace: DefaultDirectRateLimiter,
    patience: Patience,
    sight: Sight,
    /// Calls so far: spreads the pauses of those that fail together.
    calls: AtomicU64,
}

/// What Stripe answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The object.
    pub object: Value,
    /// Unix seconds, by Stripe's clock, at which the object certainly was like this or newer: no
    /// later than the moment it was read there.
    pub seen_at: i64,
    /// Stripe's name of the request.
    pub request_id: Option<String>,
    /// This is what the first call with this idempotency key was answered: the object may have
    /// changed since.
    pub replayed: bool,
}

impl Answer {
    /// Returns a field that is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.object[field].as_str()
    }

    /// Returns a field that is a text and never missing at Stripe.
    ///
    /// # Errors
    /// It is missing: whatever answered was not Stripe.
    pub fn need(&self, field: &'static str) -> Result<&str, StripeError> {
        let missing =
            || StripeError::malformed(&format!("{field} is missing"), self.request_id.as_deref());
        self.text(field).ok_or_else(missing)
    }
}

impl Stripe {
    /// Makes the client; `None` without a key.
    ///
    /// # Panics
    /// Never: what could fail is checked where the configuration is read.
    pub fn new(config: &Config) -> Option<Self> {
        Self::with(config, Patience::default())
    }

    /// As [`Stripe::new`], with other limits.
    pub fn with(config: &Config, patience: Patience) -> Option<Self> {
        let key = config.stripe_key.clone()?;
        // Whoever came first provides; a second provider is refused and not needed.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .connect_timeout(patience.connect)
            .timeout(patience.attempt)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client without options of its own can be built");
        let rate = if config.livemode() == Some(true) { PACE_LIVE } else { PACE_TEST };
        let rate = patience.pace.or(NonZeroU32::new(rate)).unwrap_or(NonZeroU32::MIN);
        Some(Self(Arc::new(Inner {
            http,
            base: config.stripe_api_base.trim_end_matches('/').to_owned(),
            key,
            pace: RateLimiter::direct(Quota::per_second(rate)),
            patience,
            sight: Sight::default(),
            calls: AtomicU64::new(0),
        })))
    }

    /// Reads.
    ///
    /// # Errors
    /// As Stripe says, or it does not answer.
    pub async fn get(&self, path: &str, params: &Value) -> Result<Answer, StripeError> {
        self.get_of(None, path, params).await
    }

    /// Reads what belongs to a connected account; without one, what is the key's own.
    ///
    /// # Errors
    /// As [`Stripe::get`].
    pub async fn get_of(
        &self,
        account: Option<&str>,
        path: &str,
        params: &Value,
    ) -> Result<Answer, StripeError> {
        let query = form::encode(params);
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let call = Call::new(reqwest::Method::GET, &path);
        self.call(&Call { account, ..call }).await
    }

    /// Changes something. `key` is the same whenever the same is meant, and never otherwise.
    ///
    /// # Errors
    /// As Stripe says, or it does not answer; then nobody knows whether it did it, and the same
    /// key may be sent again.
    pub async fn post(&self, path: &str, params: &Value, key: &str) -> Result<Answer, StripeError> {
        let body = Some(form::encode(params));
        let call = Call::new(reqwest::Method::POST, path);
        self.call(&Call { body, key: Some(key), ..call }).await
    }

    /// Ends something.
    ///
    /// # Errors
    /// As [`Stripe::post`].
    pub async fn delete(&self, path: &str, key: &str) -> Result<Answer, StripeError> {
        let call = Call::new(reqwest::Method::DELETE, path);
        self.call(&Call { key: Some(key), ..call }).await
    }

    async fn call(&self, call: &Call<'_>) -> Result<Answer, StripeError> {
        let patience = &self.0.patience;
        let (watch, seed) = (Stopwatch::start(), self.0.calls.fetch_add(1, Ordering::Relaxed));
        let mut attempt = 0;
        let outcome = loop {
            attempt += 1;
            let left = patience.whole.saturating_sub(watch.elapsed());
            // The wait for the pace counts, too: who asks while too much is asked hears of it.
            if tokio::time::timeout(left, self.0.pace.until_ready()).await.is_err() {
                break Err(StripeError::crowded());
            }
            let heard = self.attempt(call, patience.whole.saturating_sub(watch.elapsed())).await;
            let Err(error) = heard else { break heard };
            let left = patience.whole.saturating_sub(watch.elapsed());
            match patience::judge(&error, attempt, seed, patience) {
                Verdict::Again(pause) if pause < left => tokio::time::sleep(pause).await,
                _ => break Err(error),
            }
        };
        note(call, &outcome, attempt, watch.elapsed());
        outcome
    }

    /// One attempt, no longer than what is left of the patience.
    async fn attempt(&self, call: &Call<'_>, left: Duration) -> Result<Answer, StripeError> {
        let asked = self.0.sight.ask();
        let url = format!("{}{}", self.0.base, call.path);
        let mut request = self.0.http.request(call.method.clone(), url);
        request = request
            .header(AUTHORIZATION, format!("Bearer {}", self.0.key.reveal()))
            .header("stripe-version", version::PINNED)
            .timeout(left.min(self.0.patience.attempt));
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(account) = call.account {
            request = request.header(context_header(account), account);
        }
        if let Some(body) = &call.body {
            let form = "application/x-www-form-urlencoded";
            request = request.header(CONTENT_TYPE, form).body(body.clone());
        }
        let response = request.send().await.map_err(|it| StripeError::unheard(&it))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read(response).await?;
        let seen_at = self.0.sight.heard(&asked, text(&headers, "date").as_deref());
        let request_id = text(&headers, "request-id");
        let replayed = is_replay(&headers);
        if status >= 300 {
            return Err(StripeError::refused(status, &headers, &body));
        }
        let object = serde_json::from_slice(&body).ok().filter(Value::is_object);
        match (object, seen_at) {
            (Some(object), Some(seen_at)) => Ok(Answer { object, seen_at, request_id, replayed }),
            (None, _) => Err(StripeError::malformed("it is no JSON object", request_id.as_deref())),
            (_, None) => Err(StripeError::malformed("it has no date", request_id.as_deref())),
        }
    }
}

struct Call<'a> {
    method: reqwest::Method,
    path: &'a str,
    body: Option<String>,
    key: Option<&'a str>,
    account: Option<&'a str>,
}

impl<'a> Call<'a> {
    fn new(method: reqwest::Method, path: &'a str) -> Self {
        Self { method, path, body: None, key: None, account: None }
    }
}

/// An account within an organisation (`org_1/acct_1`) is named as events name it.
fn context_header(account: &str) -> &'static str {
    let is_account = account.starts_with("acct_") && !account.contains('/');
    if is_account { "stripe-account" } else { "stripe-context" }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, StripeError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|it| StripeError::unheard(&it))? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(StripeError::malformed("it is too long", None));
        }
    }
    Ok(body)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned)
}

/// Whether Stripe answered this before, to a call with the same idempotency key.
fn is_replay(headers: &HeaderMap) -> bool {
    text(headers, "idempotent-replayed").as_deref() == Some("true")
}

/// One line a call, without its parameters: they may name people.
fn note(call: &Call<'_>, outcome: &Result<Answer, StripeError>, attempts: u32, took: Duration) {
    let path = call.path.split('?').next().unwrap_or_default();
    let (method, duration_ms) = (call.method.as_str(), took.as_millis());
    match outcome {
        Ok(it) => {
            let request_id = it.request_id.as_deref();
            tracing::debug!(method, path, request_id, attempts, duration_ms, "Stripe answered");
        }
        Err(error) => {
            let (request_id, status) = (error.request_id.as_deref(), error.status);
            let (trouble, code) = (error.trouble.word(), error.code.as_deref());
            tracing::warn!(
                method,
                path,
                request_id,
                status,
                trouble,
                code,
                attempts,
                duration_ms,
                "Stripe did not do it"
            );
        }
    }
}
