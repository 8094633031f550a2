//! The plans' prices: found by id or lookup key, held against what the plan says of them, and made
//! where they are missing.

use serde_json::{Value, json};

use super::{Found, MADE_BY, missing};
use crate::config::Config;
use crate::rules::policy::{ONCE, Plan};
use crate::stripe_api::{Stripe, StripeError};

/// Finds a price by its id or lookup key, with its product; where none is for sale, one that was.
///
/// # Errors
/// As Stripe says.
pub async fn find(stripe: &Stripe, reference: &str) -> Result<Option<Value>, StripeError> {
    if reference.starts_with("price_") {
        let path = format!("/v1/prices/{reference}");
        let found = missing(stripe.get(&path, &json!({ "expand": ["product"] })).await)?;
        return Ok(found.map(|it| it.object));
    }
    for active in [true, false] {
        let params = json!({
            "lookup_keys": [reference], "active": active, "limit": 1, "expand": ["data.product"],
        });
        let list = stripe.get("/v1/prices", &params).await?;
        if let Some(price) = list.object["data"].get(0) {
            return Ok(Some(price.clone()));
        }
    }
    Ok(None)
}

/// Returns the product's id, whether or not the product itself was asked for.
pub fn product_of(price: &Value) -> Option<&str> {
    price["product"].as_str().or_else(|| price["product"]["id"].as_str())
}

/// Says what is wrong with the price of a plan's period, of which the operator may have said the
/// currency and the amount.
pub fn faults(price: &Value, period: &str, wanted: Option<(&str, i64)>) -> Vec<String> {
    let mut faults = Vec::new();
    if price["active"] != true {
        faults.push("the price is archived".to_owned());
    } else if price["product"]["active"] == false {
        faults.push("the price's product is archived".to_owned());
    }
    if !is_of(period, &price["recurring"]) {
        faults.push(format!("the price is {}, not {period}", said(&price["recurring"])));
    }
    if !price["custom_unit_amount"].is_null() {
        faults.push("the price lets customers choose what they pay".to_owned());
    }
    let is = (price["currency"].as_str().unwrap_or_default(), price["unit_amount"].as_i64());
    match wanted {
        Some((currency, amount)) if is != (currency, Some(amount)) => {
            let of = format!("{} {}", is.1.unwrap_or_default(), is.0);
            faults.push(format!(
                "the price is {of}, not {amount} {currency}; prices cannot be changed, so give it \
                 another lookup key"
            ));
        }
        _ => {}
    }
    faults
}

/// Returns what the operator says that a period costs.
pub fn wanted<'a>(config: &'a Config, plan: &Plan, period: &str) -> Option<(&'a str, i64)> {
    let amounts = config.selling.amounts.get(&plan.name)?;
    Some((amounts.currency.as_str(), *amounts.of.get(period)?))
}

/// Says what is to be done about a plan's prices; returns those that are there.
pub(super) async fn look(
    stripe: &Stripe,
    config: &Config,
    plan: &Plan,
    found: &mut Found,
) -> Result<Vec<Value>, StripeError> {
    let (mut known, mut making) = (Vec::new(), Vec::new());
    for (period, reference) in &plan.prices {
        let price = find(stripe, reference).await?;
        let by_id = reference.starts_with("price_");
        let wanted = wanted(config, plan, period);
        match (price, wanted.zip(recurring(period))) {
            (None, _) if by_id => {
                found.by_hand(format!("{}, {period}: there is no price {reference}", plan.name));
            }
            (None, None) => {
                let why = "give its amount in the plan's `amounts`, or make it at Stripe";
                found.by_hand(format!("{}, {period}: no price {reference:?}; {why}", plan.name));
            }
            // What is not for sale any more gives its lookup key to another.
            (Some(old), Some((cost, recurring))) if old["active"] != true && !by_id => {
                making.push((period, reference, cost, recurring, true));
            }
            (None, Some((cost, recurring))) => {
                making.push((period, reference, cost, recurring, false));
            }
            (Some(price), _) => {
                compare(&price, &format!("{}, {period}", plan.name), period, wanted, found);
                if price["active"] == true {
                    known.push(price);
                }
            }
        }
    }
    if !making.is_empty() {
        let product = product(stripe, plan, &known, found).await?;
        for it in making {
            make(&product, it, found);
        }
    }
    Ok(known)
}

fn compare(
    price: &Value,
    what: &str,
    period: &str,
    wanted: Option<(&str, i64)>,
    found: &mut Found,
) {
    let faults = faults(price, period, wanted);
    if faults.is_empty() {
        found.right.push(format!("= {what}: {}", price["id"].as_str().unwrap_or_default()));
    }
    for it in faults {
        found.by_hand(format!("{what}: {it}"));
    }
}

/// Period, lookup key, currency and amount, Stripe's words for the period, and whether another
/// price has the lookup key.
type Making<'a> = (&'a String, &'a String, (&'a str, i64), Value, bool);

fn make(product: &str, making: Making<'_>, found: &mut Found) {
    let (period, reference, (currency, amount), recurring, is_taken) = making;
    let mut params = json!({
        "product": product, "currency": currency, "unit_amount": amount,
        "lookup_key": reference, "metadata": { "made_by": MADE_BY },
    });
    if !recurring.is_null() {
        params["recurring"] = recurring;
    }
    if is_taken {
        params["transfer_lookup_key"] = true.into();
    }
    let text = format!("make the price {reference:?}: {amount} {currency}, {period}");
    found.call(text, "/v1/prices", params);
}

/// The product of the plan's other prices, else one of ours. Those have ids of ours, so that making
/// one twice is refused.
async fn product(
    stripe: &Stripe,
    plan: &Plan,
    known: &[Value],
    found: &mut Found,
) -> Result<String, StripeError> {
    if let Some(it) = known.iter().find_map(product_of) {
        return Ok(it.to_owned());
    }
    let id = format!("tollgate_{}", plan.name);
    if missing(stripe.get(&format!("/v1/products/{id}"), &json!({})).await)?.is_none() {
        let params = json!({
            "id": id, "name": plan.title,
            "metadata": { "made_by": MADE_BY, "plan": plan.name },
        });
        found.call(format!("make the product {:?}", plan.title), "/v1/products", params);
    }
    Ok(id)
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

/// Whether a price is what its period's name says; a name that says nothing of time only asks for
/// a price that recurs.
fn is_of(period: &str, is: &Value) -> bool {
    match recurring(period) {
        Some(wanted) => length(&wanted) == length(is),
        None => !is.is_null(),
    }
}

/// How often it is paid, in a unit whose length does not change: twelve months are a year.
fn length(recurring: &Value) -> Option<(&str, i64)> {
    let count = recurring["interval_count"].as_i64().unwrap_or(1);
    Some(match recurring["interval"].as_str()? {
        "year" => ("month", count * 12),
        "week" => ("day", count * 7),
        it => (it, count),
    })
}

fn said(recurring: &Value) -> String {
    let count = recurring["interval_count"].as_i64().unwrap_or(1);
    match (recurring["interval"].as_str(), count) {
        (None, _) => "paid once".to_owned(),
        (Some(interval), 1) => format!("paid every {interval}"),
        (Some(interval), count) => format!("paid every {count} {interval}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(count: i64, interval: &str) -> Value {
        json!({ "interval": interval, "interval_count": count })
    }

    #[test]
    fn a_period_is_known_by_its_length() {
        for (period, is) in [
            ("monthly", every(1, "month")),
            ("yearly", every(1, "year")),
            ("yearly", every(12, "month")),
            ("weekly", every(7, "day")),
            ("quarterly", every(3, "month")),
            ("once", Value::Null),
            ("biennial", every(2, "year")),
        ] {
            assert!(is_of(period, &is), "{period}: {is}");
        }
        for (period, is) in [
            ("monthly", every(1, "year")),
            ("monthly", Value::Null),
            ("once", every(1, "month")),
            ("yearly", every(365, "day")),
            ("biennial", Value::Null),
        ] {
            assert!(!is_of(period, &is), "{period}: {is}");
        }
    }
}
