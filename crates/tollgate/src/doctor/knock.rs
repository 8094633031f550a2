//! What is asked of the running server, by the way that Stripe takes: posts to the public URL of
//! the webhook. None of them is an event. One has no signature; for each signing secret one is
//! signed with it, and its body cannot be read: a server that knows the secret says just that, and
//! has nothing to store.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::Value;
use tollgate_stripe::signature;

use super::ask::AtStripe;
use crate::config::Config;

/// Stripe waits longer; a healthy server takes a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer of ours is longer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// JSON, but no event.
const NO_EVENT: &str = "\"tollgate doctor was here\"";

/// All that the server said.
pub(super) struct Knocks {
    /// The URL.
    pub(super) url: String,
    /// To a post without a signature.
    pub(super) plain: Heard,
    /// The URL with the final slash that it lacks, or without the one that it has.
    pub(super) other_url: String,
    /// To the same there.
    pub(super) other: Heard,
    /// To a post signed with each secret, in their order.
    pub(super) signed: Vec<Heard>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing; says why.
    Nothing(String),
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// Where it leads to.
        location: Option<String>,
        /// `error` and `details.reason` of an answer like ours; nothing of any other.
        word: Option<(String, String)>,
        /// Whether it is a page for people.
        is_page: bool,
    },
}

/// Returns where Stripe finds the webhook: as registered, else as it would be.
pub(super) fn address(config: &Config, at_stripe: Option<&AtStripe>) -> String {
    let registered = at_stripe.and_then(|it| it.endpoints.as_ref()?.first()?["url"].as_str());
    registered.map_or_else(|| config.webhook_urls().swap_remove(0), str::to_owned)
}

/// Asks the server; `now` is in Unix seconds.
pub(super) async fn knock(config: &Config, url: &str, now: i64) -> Knocks {
    // Whoever came first provides; a second provider is refused and not needed.
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("tollgate-doctor/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("a client without options of its own can be built");
    let other_url = match url.strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{url}/"),
    };
    let (plain, other) = (post(&http, url, None).await, post(&http, &other_url, None).await);
    let mut signed = Vec::new();
    for secret in &config.webhook_secrets {
        let header = signature::header(NO_EVENT.as_bytes(), &[secret.reveal()], now);
        signed.push(post(&http, url, Some(header)).await);
    }
    Knocks { url: url.to_owned(), plain, other_url, other, signed }
}

async fn post(http: &reqwest::Client, url: &str, signature: Option<String>) -> Heard {
    let mut request = http.post(url).header(CONTENT_TYPE, "application/json").body(NO_EVENT);
    if let Some(header) = signature {
        request = request.header("stripe-signature", header);
    }
    match request.send().await {
        Ok(response) => listen(response).await,
        Err(error) => Heard::Nothing(why(&error)),
    }
}

async fn listen(mut response: reqwest::Response) -> Heard {
    let status = response.status().as_u16();
    let text = |name| response.headers().get(name).and_then(|it| it.to_str().ok());
    let location = text(LOCATION).map(str::to_owned);
    let is_page = text(CONTENT_TYPE).is_some_and(|it| it.starts_with("text/html"));
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let word = body["error"].as_str().filter(|_| body["message"].is_string());
    let reason = body["details"]["reason"].as_str().unwrap_or_default();
    let word = word.map(|it| (it.to_owned(), reason.to_owned()));
    Heard::Answer { status, location, word, is_page }
}

/// The innermost cause says most; it names no secret: a URL of ours has none.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
