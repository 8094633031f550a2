//! What Stripe has to know before anything can be sold: our webhook endpoint, with exactly the
//! events that we act on and in our version, and the plans' prices. First it is only looked at; then
//! each step can be taken. Taking them again finds nothing to do.
//!
//! - this file: what is found and done; the endpoint;
//! - [`prices`]: what the plans cost;
//! - [`portal`]: what the portal offers.

pub mod portal;
pub mod prices;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_stripe::version;

use crate::clock::Clock;
use crate::config::Config;
use crate::rules::catalog::CATALOG;
use crate::stripe_api::{Answer, Stripe, StripeError, Trouble};

/// By this our things are known again at Stripe.
const MADE_BY: &str = "tollgate";
/// Endpoints that an account can have, and more.
const PAGE: i64 = 100;

/// What differs, and what would be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// A line for the operator.
    pub text: String,
    act: Act,
}

#[derive(Clone, Debug, PartialEq)]
enum Act {
    /// A call; what it makes may be told once.
    Post { path: String, params: Value, tells_secret: bool },
    /// It waits for other steps: look again once they are taken.
    Later,
    /// Only the operator can.
    ByHand,
}

impl Step {
    /// Whether it can be taken, now or later; else the operator has to do something.
    pub fn can_be_taken(&self) -> bool {
        self.act != Act::ByHand
    }

    /// Whether it waits for others.
    pub fn is_later(&self) -> bool {
        self.act == Act::Later
    }

    fn makes_prices(&self) -> bool {
        matches!(&self.act, Act::Post { path, .. } if path == "/v1/prices")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.can_be_taken() { "+" } else { "!" };
        write!(f, "{sign} {}", self.text)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Lines about what is right.
    pub right: Vec<String>,
    /// What is not, in the order in which it is to be done.
    pub steps: Vec<Step>,
}

impl Found {
    fn call(&mut self, text: String, path: &str, params: Value) {
        let act = Act::Post { path: path.to_owned(), params, tells_secret: false };
        self.steps.push(Step { text, act });
    }

    fn later(&mut self, text: String) {
        self.steps.push(Step { text, act: Act::Later });
    }

    fn by_hand(&mut self, text: String) {
        self.steps.push(Step { text, act: Act::ByHand });
    }
}

/// Looks at Stripe and says what is to be done.
///
/// # Errors
/// As Stripe says.
pub async fn look(stripe: &Stripe, config: &Config) -> Result<Found, StripeError> {
    let mut found = Found::default();
    endpoint(stripe, config, &mut found).await?;
    let mut known = Vec::new();
    for plan in &config.rulebook.plans {
        known.extend(prices::look(stripe, config, plan, &mut found).await?);
    }
    let named: usize = config.rulebook.plans.iter().map(|it| it.prices.len()).sum();
    if known.len() == named {
        portal::look(stripe, &known, &mut found).await?;
    } else if found.steps.iter().any(Step::makes_prices) {
        found.later("configure the portal, once the prices are there".to_owned());
    }
    Ok(found)
}

/// Looks at the plans' prices alone.
///
/// # Errors
/// As Stripe says.
pub async fn look_at_prices(stripe: &Stripe, config: &Config) -> Result<Found, StripeError> {
    let mut found = Found::default();
    for plan in &config.rulebook.plans {
        prices::look(stripe, config, plan, &mut found).await?;
    }
    Ok(found)
}

/// Looks at the portal alone.
///
/// # Errors
/// As Stripe says.
pub async fn look_at_portal(stripe: &Stripe, config: &Config) -> Result<Found, StripeError> {
    let (mut known, mut found) = (Vec::new(), Found::default());
    for plan in &config.rulebook.plans {
        known.extend(prices::look(stripe, config, plan, &mut Found::default()).await?);
    }
    portal::look(stripe, &known, &mut found).await?;
    Ok(found)
}

/// Takes a step; returns a secret that Stripe tells this one time.
///
/// # Errors
/// As Stripe says.
pub async fn take(
    stripe: &Stripe,
    clock: &Clock,
    step: &Step,
) -> Result<Option<String>, StripeError> {
    let Act::Post { path, params, tells_secret } = &step.act else { return Ok(None) };
    // A run is an intent of its own: what it finds missing is missing now. Steps of one moment
    // differ by what they ask for.
    let digest = Sha256::digest(format!("{path} {params}").as_bytes());
    let digest: String = digest.iter().take(8).map(|it| format!("{it:02x}")).collect();
    let key = format!("tollgate-setup-{}-{digest}", clock.now_ms());
    let made = stripe.post(path, params, &key).await?;
    Ok(made.text("secret").filter(|_| *tells_secret).map(str::to_owned))
}

/// Returns the types of the events that the endpoint sends: those that we act on.
pub fn events() -> Vec<&'static str> {
    CATALOG.iter().map(|it| it.event_type).collect()
}

/// Returns the account's webhook endpoints.
///
/// # Errors
/// As Stripe says.
pub async fn endpoints(stripe: &Stripe) -> Result<Vec<Value>, StripeError> {
    let list = stripe.get("/v1/webhook_endpoints", &json!({ "limit": PAGE })).await?;
    Ok(list.object["data"].as_array().cloned().unwrap_or_default())
}

/// Whether an endpoint leads to this server, by any of its paths.
pub fn is_ours(endpoint: &Value, config: &Config) -> bool {
    let url = endpoint["url"].as_str().unwrap_or_default();
    let url = url.strip_suffix('/').unwrap_or(url);
    config.webhook_urls().iter().any(|it| it == url)
}

async fn endpoint(stripe: &Stripe, config: &Config, found: &mut Found) -> Result<(), StripeError> {
    let url = config.webhook_urls().swap_remove(0);
    let mut ours = endpoints(stripe).await?;
    ours.retain(|it| is_ours(it, config));
    let Some(ours_first) = ours.first() else {
        let params = json!({
            "url": url, "enabled_events": events(), "api_version": version::PINNED,
            "description": "Tollgate", "metadata": { "made_by": MADE_BY },
        });
        let act =
            Act::Post { path: "/v1/webhook_endpoints".to_owned(), params, tells_secret: true };
        let text = format!("make the webhook endpoint {url}, in version {}", version::PINNED);
        found.steps.push(Step { text, act });
        return Ok(());
    };
    if ours.len() > 1 {
        let urls: Vec<&str> = ours.iter().filter_map(|it| it["url"].as_str()).collect();
        let (count, urls) = (ours.len(), urls.join(", "));
        found.by_hand(format!("{count} endpoints lead here; remove all but one: {urls}"));
    }
    compare_endpoint(ours_first, ours_first["url"].as_str().unwrap_or(&url), found);
    Ok(())
}

fn compare_endpoint(ours: &Value, url: &str, found: &mut Found) {
    let before = found.steps.len();
    let path = format!("/v1/webhook_endpoints/{}", ours["id"].as_str().unwrap_or_default());
    if ours["status"] == "disabled" {
        found.call(format!("enable {url}"), &path, json!({ "disabled": false }));
    }
    let has: BTreeSet<&str> =
        ours["enabled_events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let wanted: BTreeSet<&str> = events().into_iter().collect();
    if has != wanted && !has.contains("*") {
        let (missing, idle) = (wanted.difference(&has).count(), has.difference(&wanted).count());
        let text =
            format!("set the events of {url}: {missing} are missing, {idle} are not acted on");
        found.call(text, &path, json!({ "enabled_events": events() }));
    }
    let version = ours["api_version"].as_str().unwrap_or("the account's");
    if version != version::PINNED {
        found.right.push(format!("  {url} sends version {version}, which can be read as well"));
    }
    if found.steps.len() == before {
        found.right.push(format!("= the webhook endpoint {url}"));
    }
}

fn missing(answer: Result<Answer, StripeError>) -> Result<Option<Answer>, StripeError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.trouble == Trouble::Missing => Ok(None),
        Err(error) => Err(error),
    }
}
