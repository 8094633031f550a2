//! Verdicts on what is sold: the plans' prices, and the portal.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ask::{AtStripe, Priced};
use super::{Finding, mode};
use crate::config::Config;
use crate::setup::{portal, prices};

/// Judges the prices and the portal, as far as the key may read them.
pub(super) fn judge(config: &Config, at_stripe: &AtStripe) -> Vec<Finding> {
    let Some(all) = &at_stripe.prices else { return Vec::new() };
    if all.is_empty() {
        return vec![Finding::warn(
            "prices",
            "No plan names a price: any price grants access, and nothing can be sold by plan.",
            "Name the plans and their prices in tollgate.toml.",
        )];
    }
    let mut findings: Vec<Finding> = all.iter().map(|it| price(config, it)).collect();
    findings.extend(currencies(all));
    if let Some(ours) = &at_stripe.portal {
        findings.push(judge_portal(ours.as_ref(), all));
    }
    findings
}

fn price(config: &Config, priced: &Priced) -> Finding {
    let Priced { plan, period, reference, wanted, price } = priced;
    let what = format!("{plan}, {period}");
    let wanted = wanted.as_ref().map(|(currency, amount)| (currency.as_str(), *amount));
    let Some(price) = price else {
        let next = match (reference.starts_with("price_"), wanted) {
            (false, Some(_)) => "Run `tollgate setup`, which makes it.".to_owned(),
            (false, None) => {
                "Make the price at Stripe with this lookup key, or give the plan `amounts` and \
                 `currency` and run `tollgate setup`."
                    .to_owned()
            }
            (true, _) => {
                format!("Copy the id of a price of {} mode from Stripe.", is_live(config))
            }
        };
        return Finding::fail("price", format!("{what}: Stripe has no price {reference}."), next);
    };
    let mut faults = prices::faults(price, period, wanted);
    if price["livemode"].as_bool() != config.livemode() {
        let is = mode(price["livemode"] == true);
        faults.push(format!("the price is of {is} mode, the key of {} mode", is_live(config)));
    }
    let id = price["id"].as_str().unwrap_or(reference);
    if !faults.is_empty() {
        let says = format!("{what}: {} ({id}).", faults.join("; "));
        return Finding::fail("price", says, "Let the plan name another price, or mend this one.");
    }
    if price["recurring"]["usage_type"] == "metered" {
        let says = format!("{what}: the price is paid by usage, which is not counted here ({id}).");
        return Finding::warn("price", says, "Report the usage to Stripe yourself.");
    }
    Finding::ok("price", format!("{what}: {}.", cost(price, id)))
}

fn is_live(config: &Config) -> &'static str {
    mode(config.livemode() == Some(true))
}

/// The amount as Stripe writes it, in minor units.
fn cost(price: &Value, id: &str) -> String {
    match (price["unit_amount"].as_i64(), price["currency"].as_str()) {
        (Some(amount), Some(currency)) => format!("{id}, {amount} {currency}"),
        _ => id.to_owned(),
    }
}

/// Stripe gives each customer one currency: nobody could change to a plan in another.
fn currencies(all: &[Priced]) -> Option<Finding> {
    let of = |recurring: bool| -> BTreeSet<&str> {
        let prices = all.iter().filter_map(|it| it.price.as_ref());
        let prices = prices.filter(|it| (it["type"] == "recurring") == recurring);
        prices.filter_map(|it| it["currency"].as_str()).collect()
    };
    let (recurring, once) = (of(true), of(false));
    let every: BTreeSet<&str> = recurring.union(&once).copied().collect();
    let listed = every.iter().copied().collect::<Vec<_>>().join(", ");
    let next = "Give all plans prices of one currency; a price may have others as its options.";
    match (every.len(), recurring.len()) {
        (0, _) => None,
        (1, _) => Some(Finding::ok("currency", format!("All prices are in {listed}."))),
        (_, 0 | 1) => Some(Finding::warn(
            "currency",
            format!("What is paid once has another currency than the subscriptions: {listed}."),
            next,
        )),
        _ => Some(Finding::fail(
            "currency",
            format!("Subscriptions are in {listed}: nobody can change from one to another."),
            next,
        )),
    }
}

fn judge_portal(ours: Option<&Value>, all: &[Priced]) -> Finding {
    let setup = "Run `tollgate setup`.";
    let Some(ours) = ours else {
        let says = "The portal has no configuration of ours, so that it shows what the account's \
                    default allows.";
        return Finding::fail("portal", says, setup);
    };
    let sold = all.iter().filter_map(|it| it.price.clone());
    let sold: Vec<Value> = sold.filter(|it| it["active"] == true).collect();
    match portal::differences(ours, &sold) {
        it if it.is_empty() => {
            Finding::ok("portal", "The portal offers the plans and what goes with them.")
        }
        it => Finding::fail("portal", format!("The portal's {} differ.", it.join(", ")), setup),
    }
}
