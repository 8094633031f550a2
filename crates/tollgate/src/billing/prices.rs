//! From a plan and a period to a price of Stripe's. Clients name plans; the price is ours to find:
//! by its id, or by its lookup key, which may move to another price and so is asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Billing, BillingError};
use crate::rules::policy::Plan;

/// How long a price that was found counts, in seconds.
const FRESH_SECS: i64 = 300;

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
}

/// The prices that were found, with the second of it.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<String, (i64, Price)>>);

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
        const MISSING: &str = "The plan's price is not for sale at Stripe; see the server's log.";
        let found = match reference.starts_with("price_") {
            true => self.stripe.get(&format!("/v1/prices/{reference}"), &json!({})).await,
            false => {
                let params = json!({ "lookup_keys": [reference], "active": true, "limit": 1 });
                self.stripe.get("/v1/prices", &params).await
            }
        };
        let found = match found {
            Err(error) if error.trouble == crate::stripe_api::Trouble::Missing => Value::Null,
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
    let product = price["product"].as_str()?.to_owned();
    Some(Price { id: id.to_owned(), product, recurring: price["type"] == "recurring", metered })
}

impl Known {
    fn find(&self, reference: &str, now: i64) -> Option<Price> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.get(reference).filter(|(at, _)| (0..FRESH_SECS).contains(&(now - at)));
        fresh.map(|(_, price)| price.clone())
    }

    fn keep(&self, reference: &str, now: i64, price: &Price) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(reference.to_owned(), (now, price.clone()));
    }
}
