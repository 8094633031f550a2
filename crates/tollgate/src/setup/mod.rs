//! What Stripe has to know before anything can be sold: our webhook endpoint, with exactly the
//! events that we act on and in our version, and the plans' prices. First it is only looked at; then
//! each step can be taken. Taking them again finds nothing to do.
//!
//! - this file: what is found and done; the endpoint and the prices;
//! - [`portal`]: what the portal offers.

pub mod portal;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use tollgate_stripe::version;

use crate::clock::Clock;
use crate::config::Config;
use crate::rules::catalog::CATALOG;
use crate::rules::policy::{ONCE, Plan};
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
        known.extend(prices(stripe, config, plan, &mut found).await?);
    }
    let named: usize = config.rulebook.plans.iter().map(|it| it.prices.len()).sum();
    if known.len() == named {
        portal::look(stripe, &known, &mut found).await?;
    } else if found.steps.iter().any(Step::makes_prices) {
        found.later("configure the portal, once the prices are there".to_owned());
    }
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
    // A run is an intent of its own: what it finds missing is missing now.
    let key = format!("tollgate-setup-{}-{}", clock.now_ms(), path.replace('/', "-"));
    let key = format!("{key}-{}", params["lookup_key"].as_str().unwrap_or_default());
    let made = stripe.post(path, params, &key).await?;
    Ok(made.text("secret").filter(|_| *tells_secret).map(str::to_owned))
}

fn events() -> Vec<&'static str> {
    CATALOG.iter().map(|it| it.event_type).collect()
}

async fn endpoint(stripe: &Stripe, config: &Config, found: &mut Found) -> Result<(), StripeError> {
    let url = format!("{}/stripe/webhook", config.selling.public_url);
    let list = stripe.get("/v1/webhook_endpoints", &json!({ "limit": PAGE })).await?;
    let endpoints = list.object["data"].as_array().cloned().unwrap_or_default();
    let ours: Vec<Value> = endpoints.into_iter().filter(|it| it["url"] == *url).collect();
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
        found.by_hand(format!("{} endpoints have the URL {url}; remove all but one", ours.len()));
    }
    compare_endpoint(ours_first, &url, found);
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

async fn prices(
    stripe: &Stripe,
    config: &Config,
    plan: &Plan,
    found: &mut Found,
) -> Result<Vec<Value>, StripeError> {
    let (mut has_product, mut known) = (false, Vec::new());
    for (period, reference) in &plan.prices {
        let (name, amounts) = (&plan.name, config.selling.amounts.get(&plan.name));
        let wanted = amounts.and_then(|it| Some((&it.currency, *it.of.get(period)?)));
        match price(stripe, reference).await? {
            Some(price) => {
                compare_price(&price, &format!("{name}, {period}"), wanted, found);
                known.push(price);
            }
            None if reference.starts_with("price_") => {
                found.by_hand(format!("{name}, {period}: there is no active price {reference}"));
            }
            None => {
                let (Some((currency, amount)), Some(recurring)) = (wanted, recurring(period))
                else {
                    let why = "give its amount in the plan's `amounts`, or make it at Stripe";
                    found.by_hand(format!("{name}, {period}: no price {reference:?}; {why}"));
                    continue;
                };
                if !has_product {
                    product(stripe, plan, found).await?;
                    has_product = true;
                }
                let mut params = json!({
                    "product": product_id(plan), "currency": currency, "unit_amount": amount,
                    "lookup_key": reference, "metadata": { "made_by": MADE_BY },
                });
                if !recurring.is_null() {
                    params["recurring"] = recurring;
                }
                let text = format!("make the price {reference:?}: {amount} {currency}, {period}");
                found.call(text, "/v1/prices", params);
            }
        }
    }
    Ok(known)
}

fn compare_price(price: &Value, what: &str, wanted: Option<(&String, i64)>, found: &mut Found) {
    let is = (price["currency"].as_str().unwrap_or_default(), price["unit_amount"].as_i64());
    match wanted {
        Some((currency, amount)) if is != (currency.as_str(), Some(amount)) => {
            let is = format!("{} {}", is.1.unwrap_or_default(), is.0);
            let text = format!("{what}: the price is {is}, not {amount} {currency}");
            found.by_hand(format!(
                "{text}; prices cannot be changed, so give it another lookup key"
            ));
        }
        _ => found.right.push(format!("= {what}: {}", price["id"].as_str().unwrap_or_default())),
    }
}

/// Our products have ids of ours, so that making one twice is refused.
fn product_id(plan: &Plan) -> String {
    format!("tollgate_{}", plan.name)
}

async fn product(stripe: &Stripe, plan: &Plan, found: &mut Found) -> Result<(), StripeError> {
    let id = product_id(plan);
    if missing(stripe.get(&format!("/v1/products/{id}"), &json!({})).await)?.is_none() {
        let params = json!({
            "id": id, "name": plan.title,
            "metadata": { "made_by": MADE_BY, "plan": plan.name },
        });
        found.call(format!("make the product {:?}", plan.title), "/v1/products", params);
    }
    Ok(())
}

async fn price(stripe: &Stripe, reference: &str) -> Result<Option<Value>, StripeError> {
    if reference.starts_with("price_") {
        let found = missing(stripe.get(&format!("/v1/prices/{reference}"), &json!({})).await)?;
        return Ok(found.map(|it| it.object).filter(|it| it["active"] == true));
    }
    let params = json!({ "lookup_keys": [reference], "active": true, "limit": 1 });
    let list = stripe.get("/v1/prices", &params).await?;
    Ok(list.object["data"].get(0).cloned())
}

fn missing(answer: Result<Answer, StripeError>) -> Result<Option<Answer>, StripeError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.trouble == Trouble::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// Stripe's words for a period; null for what is paid once.
fn recurring(period: &str) -> Option<Value> {
    let every =
        |count: i64, interval: &str| json!({ "interval": interval, "interval_count": count });
    Some(match period {
        ONCE => Value::Null,
        "daily" => every(1, "day"),
        "weekly" => every(1, "week"),
        "monthly" => every(1, "month"),
        "quarterly" => every(3, "month"),
        "yearly" => every(1, "year"),
        _ => return None,
    })
}
