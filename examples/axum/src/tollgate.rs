//! What the app asks Tollgate. The key stays here, on the server: a browser never sees it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An access check stands in the way of every page; selling waits for Stripe.
const CHECK: Duration = Duration::from_secs(2);
const SELL: Duration = Duration::from_secs(30);
/// How long the last answer stands in while Tollgate is away, and for how many users.
const KEPT: Duration = Duration::from_secs(5 * 60);
const KEPT_MAX: usize = 10_000;

/// What a user may use. Tollgate's answer has more; this is what the app looks at.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Access {
    pub granted: bool,
    pub plan: String,
    pub features: Vec<String>,
    pub customer_id: Option<String>,
    pub cancel_at: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TollgateError {
    #[error("no answer")]
    Away(#[from] reqwest::Error),
    #[error("{}: {}", .0.error, .0.message)]
    Refused(Refusal),
}

/// An answer that is no success.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    error: String,
    message: String,
    details: Value,
}

#[derive(Deserialize)]
struct Place {
    url: String,
}

/// One for the whole app: it keeps its connections.
pub struct Tollgate {
    http: Client,
    base: Url,
    key: String,
    kept: Mutex<HashMap<String, (Instant, Access)>>,
}

impl Tollgate {
    pub fn new(base: Url, key: String) -> Self {
        Self { http: Client::new(), base, key, kept: Mutex::default() }
    }

    /// What may this user use? Tollgate is asked each time: that is one local read. While it is
    /// away, the last answer counts for some minutes. After that this fails, and the gate stays
    /// closed: an export can wait. Where locking out somebody who paid is worse than letting in
    /// somebody who did not, let them in on an error instead.
    pub async fn access(&self, user: &str) -> Result<Access, TollgateError> {
        match self.call::<Access>(Method::GET, &["access", user], CHECK, None).await {
            Ok(access) => {
                self.keep(user, &access);
                Ok(access)
            }
            Err(error) => self.last(user).ok_or(error),
        }
    }

    fn last(&self, user: &str) -> Option<Access> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(user).filter(|(at, _)| at.elapsed() < KEPT).map(|(_, it)| it.clone())
    }

    fn keep(&self, user: &str, access: &Access) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (at, _)| at.elapsed() < KEPT);
        }
        if kept.len() < KEPT_MAX || kept.contains_key(user) {
            kept.insert(user.to_owned(), (Instant::now(), access.clone()));
        }
    }

    /// Where this user pays for a plan. Who has it already is sent to manage it.
    pub async fn checkout_url(
        &self,
        user: &str,
        plan: &str,
        period: &str,
        return_to: &str,
    ) -> Result<String, TollgateError> {
        let wanted =
            json!({ "user_id": user, "plan": plan, "period": period, "return_to": return_to });
        let path = ["billing", "checkout-session"];
        match self.call::<Place>(Method::POST, &path, SELL, Some(wanted)).await {
            Ok(place) => Ok(place.url),
            Err(TollgateError::Refused(it)) if it.error == "already_subscribed" => {
                let portal = it.details["portal_url"].as_str().map(str::to_owned);
                portal.ok_or(TollgateError::Refused(it))
            }
            Err(error) => Err(error),
        }
    }

    /// Where this user changes the card, sees invoices, and cancels.
    pub async fn portal_url(&self, user: &str, return_to: &str) -> Result<String, TollgateError> {
        let wanted = json!({ "user_id": user, "return_to": return_to });
        let path = ["billing", "portal"];
        Ok(self.call::<Place>(Method::POST, &path, SELL, Some(wanted)).await?.url)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        timeout: Duration,
        body: Option<Value>,
    ) -> Result<T, TollgateError> {
        let mut url = self.base.clone();
        // A user's id may hold anything; as a segment it is encoded.
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        let mut request = self.http.request(method, url).bearer_auth(&self.key).timeout(timeout);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        match response.status().is_success() {
            true => Ok(response.json().await?),
            false => Err(TollgateError::Refused(response.json().await?)),
        }
    }
}
