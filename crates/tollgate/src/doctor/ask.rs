//! What is asked of Stripe. Only reading, and what a restricted key may do.

use serde_json::{Value, json};

use super::rights;
use crate::clock::Clock;
use crate::config::Config;
use crate::setup::{self, portal, prices};
use crate::stripe_api::{Stripe, StripeError, Trouble};

/// So many of Stripe's newest events are looked at.
const EVENTS: i64 = 20;

/// A plan's price, and what Stripe says of it.
pub(super) struct Priced {
    pub(super) plan: String,
    pub(super) period: String,
    pub(super) reference: String,
    pub(super) wanted: Option<(String, i64)>,
    pub(super) price: Option<Value>,
}

/// All that Stripe said. A part that the key may not read is empty, and stands among
/// `lacking`.
pub(super) struct AtStripe {
    /// Our clock less Stripe's, in seconds.
    pub(super) ahead_secs: i64,
    /// What a restricted key may not do.
    pub(super) lacking: Vec<String>,
    /// The endpoints that lead here; `None` where the key may not look.
    pub(super) endpoints: Option<Vec<Value>>,
    /// The prices of all plans; `None` where the key may not look.
    pub(super) prices: Option<Vec<Priced>>,
    /// Our configuration of the portal; `None` where the key may not look.
    pub(super) portal: Option<Option<Value>>,
    /// The newest events; `None` where the key may not look.
    pub(super) events: Option<Vec<Value>>,
}

impl AtStripe {
    /// How many endpoints lead here and send.
    pub(super) fn listening(&self) -> usize {
        let sends = |it: &&Value| it["status"] != "disabled";
        self.endpoints.as_ref().map_or(1, |it| it.iter().filter(sends).count())
    }
}

/// Asks everything.
///
/// # Errors
/// Stripe refuses the key, or gave no answer that can be used.
pub(super) async fn ask(
    stripe: &Stripe,
    config: &Config,
    clock: &Clock,
) -> Result<AtStripe, StripeError> {
    let ahead_secs = ahead(stripe, clock).await?;
    let key = config.stripe_key.as_ref().map_or("", |it| it.reveal());
    let lacking = match key.starts_with("rk_") {
        true => rights::lacking(stripe, clock).await?,
        false => Vec::new(),
    };
    let endpoints = allowed(setup::endpoints(stripe).await)?;
    let ours = |it: Vec<Value>| it.into_iter().filter(|it| setup::is_ours(it, config)).collect();
    let events = json!({ "limit": EVENTS });
    let events = allowed(stripe.get("/v1/events", &events).await)?;
    let events = events.map(|it| it.object["data"].as_array().cloned().unwrap_or_default());
    Ok(AtStripe {
        ahead_secs,
        lacking,
        endpoints: endpoints.map(ours),
        prices: allowed(priced(stripe, config).await)?,
        portal: allowed(portal::ours(stripe).await)?,
        events,
    })
}

/// What the key may not read is no reason to stop.
fn allowed<T>(answer: Result<T, StripeError>) -> Result<Option<T>, StripeError> {
    match answer {
        Err(error) if error.status == Some(403) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The second question is answered on an open connection, so that its date is of now.
async fn ahead(stripe: &Stripe, clock: &Clock) -> Result<i64, StripeError> {
    let path = "/v1/prices";
    let mut seen_at = None;
    for _ in 0..2 {
        seen_at = match stripe.get(path, &json!({ "limit": 1 })).await {
            Ok(answer) => Some(answer.seen_at),
            // A key that may not list prices; what else it may not do is asked next.
            Err(error) if error.status == Some(403) => None,
            Err(error) => return Err(error),
        };
    }
    Ok(seen_at.map_or(0, |it| clock.now() - it))
}

async fn priced(stripe: &Stripe, config: &Config) -> Result<Vec<Priced>, StripeError> {
    let mut all = Vec::new();
    for plan in &config.rulebook.plans {
        for (period, reference) in &plan.prices {
            let wanted = prices::wanted(config, plan, period);
            all.push(Priced {
                plan: plan.name.clone(),
                period: period.clone(),
                reference: reference.clone(),
                wanted: wanted.map(|(currency, amount)| (currency.to_owned(), amount)),
                price: found(prices::find(stripe, reference).await)?,
            });
        }
    }
    Ok(all)
}

/// A reference that Stripe cannot even read names nothing.
fn found(price: Result<Option<Value>, StripeError>) -> Result<Option<Value>, StripeError> {
    match price {
        Err(error) if error.trouble == Trouble::Invalid && error.status != Some(403) => Ok(None),
        price => price,
    }
}
