//! From a plan and a period to a price of Stripe's. Clients name plans; the price is ours to find:
//! by its id, or by its lookup key, which may move to another price and so is asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::turns::Turns;
use super::{Billing, BillingError};
use crate::rules::policy::Plan;
use crate::stripe_api::{StripeError, Trouble};

/// How long a price that was found counts, in seconds.
const FRESH_SECS: i64 = 300;
/// How long it counts for those who only look that a price is missing or Stripe away, in seconds:
/// anybody may look, and Stripe takes so many calls only.
const IDLE_SECS: i64 = 5;
/// How long somebody who looks waits for a price of which an older state is known.
const REFRESH_TIME: Duration = Duration::from_secs(2);
/// How long they wait for one that was never seen.
const FIRST_TIME: Duration = Duration::from_secs(10);
const MISSING: &str = "The plan's price is not for sale at Stripe; see the server's log.";

/// A price that can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    /// Stripe's id.
    pub(super) id: String,
    /// Stripe's id of what is sold.
    pub(super) product: String,
    /// It is paid again and again.
    pub(super) recurring: bool,
    /// What is used is counted later, so that there is no quantity.
    pub(super) metered: bool,
    /// What one costs.
    pub(super) tag: Tag,
    /// What Stripe tells about what is sold.
    pub(super) description: Option<String>,
    /// The lines with which Stripe praises it.
    pub(super) praise: Vec<String>,
}

/// What a price costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// In minor units; none where it hangs on what is used, or is finer than a minor unit.
    pub amount: Option<i64>,
    /// Three lower-case letters.
    pub currency: String,
    /// `day`, `week`, `month` or `year`, and how many of them; none where it is paid once.
    pub interval: Option<(String, i64)>,
}

/// What is known of prices.
#[derive(Default)]
pub(super) struct Known {
    seen: Mutex<Seen>,
    /// One asks for a price to be shown, and the others have what came of it.
    turns: Turns,
}

#[derive(Default)]
struct Seen {
    /// The prices that were found, with the second of it.
    found: HashMap<String, (i64, Price)>,
    /// Those that were not there, with the second of it.
    missing: HashMap<String, i64>,
    /// When Stripe did not say last, and why.
    away: Option<(i64, StripeError)>,
}

/// What a caller chose.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub(super) plan: &'a Plan,
    pub(super) period: &'a str,
    pub(super) price: Price,
}

impl Billing {
    /// Finds what a caller chose. Where there is one plan only, or the plan has one period only, it
    /// need not be named.
    pub(super) async fn choose(
        &self,
        plan: Option<&str>,
        period: Option<&str>,
    ) -> Result<Choice<'_>, BillingError> {
        let plan = self.plan(plan)?;
        let (period, reference) = priced(plan, period)?;
        Ok(Choice { plan, period, price: self.price(reference).await? })
    }

    fn plan(&self, name: Option<&str>) -> Result<&Plan, BillingError> {
        let sold = || self.rulebook.plans.iter().filter(|it| !it.prices.is_empty());
        let found = match name {
            Some(name) => sold().find(|it| it.name == name),
            None => Some(sold()).filter(|it| it.clone().count() == 1).and_then(|mut it| it.next()),
        };
        found.ok_or_else(|| BillingError::Invalid {
            field: "plan",
            message: match name {
                Some(name) => format!("There is no plan {name:?} on sale."),
                None => "Say which plan.".to_owned(),
            },
            allowed: sold().map(|it| it.name.clone()).collect(),
        })
    }

    /// Finds a price by its id or lookup key.
    pub(super) async fn price(&self, reference: &str) -> Result<Price, BillingError> {
        let now = self.clock.now();
        if let Some(known) = self.prices.find(reference, now) {
            return Ok(known);
        }
        let price = self.ask_for_price(reference).await?;
        self.prices.keep(reference, now, &price);
        Ok(price)
    }

    async fn ask_for_price(&self, reference: &str) -> Result<Price, BillingError> {
        let found = match reference.starts_with("price_") {
            true => {
                let params = json!({ "expand": ["product"] });
                self.stripe.get(&format!("/v1/prices/{reference}"), &params).await
            }
            false => {
                let params = json!({
                    "lookup_keys": [reference],
                    "active": true,
                    "limit": 1,
                    "expand": ["data.product"],
                });
                self.stripe.get("/v1/prices", &params).await
            }
        };
        let found = match found {
            Err(error) if error.trouble == Trouble::Missing => Value::Null,
            found => found?.object,
        };
        let object = if found["object"] == "list" { &found["data"][0] } else { &found };
        match read(object) {
            Some(price) => Ok(price),
            None => {
                tracing::error!(price = reference, "Stripe has no active price like that");
                Err(BillingError::NotConfigured(MISSING))
            }
        }
    }

    /// Finds a price to be shown: where Stripe is away, as it was last, and soon. Whoever asks at
    /// the same time shares the one call.
    pub(super) async fn price_to_show(&self, reference: &str) -> Result<Price, BillingError> {
        if let Some(known) = self.prices.to_show(reference, self.clock.now()) {
            return known;
        }
        let old = self.prices.find_old(reference);
        let _turn = match (self.prices.turns.take_free(reference), &old) {
            (Some(turn), _) => turn,
            // Somebody refreshes it already.
            (None, Some(old)) => return Ok(old.clone()),
            (None, None) => self.prices.turns.take(reference).await,
        };
        let now = self.clock.now();
        if let Some(known) = self.prices.to_show(reference, now) {
            return known;
        }
        let time = if old.is_some() { REFRESH_TIME } else { FIRST_TIME };
        let asked = tokio::time::timeout(time, self.price(reference)).await;
        match asked.unwrap_or_else(|_| Err(StripeError::silent().into())) {
            Err(BillingError::Stripe(error)) => {
                self.prices.seen().away = Some((now, error.clone()));
                old.ok_or(BillingError::Stripe(error))
            }
            Err(error @ BillingError::NotConfigured(_)) => {
                self.prices.seen().missing.insert(reference.to_owned(), now);
                Err(error)
            }
            found => found,
        }
    }

    /// Looks for every price that the plans name; returns those that are not there.
    ///
    /// # Errors
    /// Stripe did not answer.
    pub async fn missing_prices(&self) -> Result<Vec<String>, BillingError> {
        let mut missing = Vec::new();
        for reference in self.rulebook.plans.iter().flat_map(|it| it.prices.values()) {
            match self.price(reference).await {
                Ok(_) => {}
                Err(BillingError::NotConfigured(_)) => missing.push(reference.clone()),
                Err(error) => return Err(error),
            }
        }
        Ok(missing)
    }
}

fn priced<'a>(plan: &'a Plan, period: Option<&str>) -> Result<(&'a str, &'a str), BillingError> {
    let found = match (period, plan.prices.len()) {
        (Some(period), _) => plan.prices.get_key_value(period),
        (None, 1) => plan.prices.iter().next(),
        (None, _) => None,
    };
    let found = found.map(|(period, reference)| (period.as_str(), reference.as_str()));
    found.ok_or_else(|| BillingError::Invalid {
        field: "period",
        message: match period {
            Some(period) => format!("The plan {:?} has no price for {period:?}.", plan.name),
            None => "Say which period.".to_owned(),
        },
        allowed: plan.prices.keys().cloned().collect(),
    })
}

fn read(price: &Value) -> Option<Price> {
    let id = price["id"].as_str().filter(|_| price["active"] == true)?;
    let metered = price["recurring"]["usage_type"] == "metered";
    let product = &price["product"];
    let praise = product["marketing_features"].as_array().into_iter().flatten();
    Some(Price {
        id: id.to_owned(),
        product: product.as_str().or_else(|| product["id"].as_str())?.to_owned(),
        recurring: price["type"] == "recurring",
        metered,
        tag: tag(price),
        description: product["description"].as_str().map(str::to_owned),
        praise: praise.filter_map(|it| it["name"].as_str().map(str::to_owned)).collect(),
    })
}

fn tag(price: &Value) -> Tag {
    let every = &price["recurring"];
    let count = every["interval_count"].as_i64().unwrap_or(1);
    Tag {
        amount: price["unit_amount"].as_i64().filter(|_| price["billing_scheme"] != "tiered"),
        currency: price["currency"].as_str().unwrap_or_default().to_owned(),
        interval: every["interval"].as_str().map(|it| (it.to_owned(), count)),
    }
}

impl Known {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, reference: &str, now: i64) -> Option<Price> {
        self.seen().find(reference, now)
    }

    /// A price that was found at any time: better shown than nothing while Stripe is away.
    pub(super) fn find_old(&self, reference: &str) -> Option<Price> {
        self.seen().found.get(reference).map(|(_, price)| price.clone())
    }

    /// What can be shown without asking Stripe, or why nothing can be.
    fn to_show(&self, reference: &str, now: i64) -> Option<Result<Price, BillingError>> {
        let seen = self.seen();
        let is_recent = |at: i64| (0..IDLE_SECS).contains(&(now - at));
        if let Some(price) = seen.find(reference, now) {
            return Some(Ok(price));
        }
        if seen.missing.get(reference).is_some_and(|at| is_recent(*at)) {
            return Some(Err(BillingError::NotConfigured(MISSING)));
        }
        let (_, error) = seen.away.as_ref().filter(|(at, _)| is_recent(*at))?;
        let old = seen.found.get(reference).map(|(_, price)| price.clone());
        Some(old.ok_or_else(|| error.clone().into()))
    }

    fn keep(&self, reference: &str, now: i64, price: &Price) {
        let mut seen = self.seen();
        seen.found.insert(reference.to_owned(), (now, price.clone()));
        seen.missing.remove(reference);
        seen.away = None;
    }
}

impl Seen {
    fn find(&self, reference: &str, now: i64) -> Option<Price> {
        let is_fresh = |at: i64| (0..FRESH_SECS).contains(&(now - at));
        let found = self.found.get(reference).filter(|(at, _)| is_fresh(*at));
        found.map(|(_, price)| price.clone())
    }
}
