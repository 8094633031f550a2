//! The operator's own plans in `tollgate dev`: their prices are made in its sandbox as `tollgate setup`
//! makes them at Stripe.

use std::collections::BTreeMap;

use anyhow::bail;
use tollgate::clock::Clock;
use tollgate::config::{Amounts, Config};
use tollgate::setup::{self, Step};
use tollgate::stripe_api::Stripe;

/// What a period costs where the plan's `amounts` do not say it, in minor units.
const AMOUNTS: [(&str, i64); 6] = [
    ("daily", 100),
    ("weekly", 300),
    ("monthly", 1_000),
    ("quarterly", 3_000),
    ("yearly", 10_000),
    ("once", 10_000),
];
/// The currency of those, unless a plan has one: customers cannot change from one to another.
const CURRENCY: &str = "usd";
/// What a price's id begins with.
const ID: &str = "price_";
/// The sandbox gives ids of its own, so that a price which is named by its id is known there by a lookup
/// key made of that.
const BY_ID: &str = "dev_";

/// Gives every price a lookup key and an amount.
pub fn adapt(config: &mut Config) {
    let known = config.selling.amounts.values().next();
    let currency = known.map_or(CURRENCY.to_owned(), |it| it.currency.clone());
    for plan in &mut config.rulebook.plans {
        for reference in plan.prices.values_mut().filter(|it| it.starts_with(ID)) {
            reference.insert_str(0, BY_ID);
        }
        let none = || Amounts { currency: currency.clone(), of: BTreeMap::new() };
        let amounts = config.selling.amounts.entry(plan.name.clone()).or_insert_with(none);
        for (period, amount) in AMOUNTS {
            if plan.prices.contains_key(period) {
                amounts.of.entry(period.to_owned()).or_insert(amount);
            }
        }
    }
}

/// Makes the prices that are missing.
pub async fn stock(stripe: &Stripe, config: &Config) -> anyhow::Result<()> {
    let found = setup::look_at_prices(stripe, config).await?;
    let unsolved: Vec<String> =
        found.steps.iter().filter(|it| !it.can_be_taken()).map(ToString::to_string).collect();
    if !unsolved.is_empty() {
        let why = unsolved.join("\n");
        bail!("these plans of tollgate.toml cannot be sold in the sandbox:\n{why}");
    }
    for step in found.steps.iter().filter(|it| !Step::is_later(it)) {
        setup::take(stripe, &Clock::system(), step).await?;
    }
    Ok(())
}

/// Returns what is for sale, in a line for each price.
pub fn shown(config: &Config) -> String {
    let mut lines = Vec::new();
    for plan in &config.rulebook.plans {
        for (period, reference) in &plan.prices {
            let name = reference.strip_prefix(BY_ID).filter(|it| it.starts_with(ID));
            let name = name.unwrap_or(reference);
            let Some((currency, amount)) = setup::prices::wanted(config, plan, period) else {
                continue;
            };
            lines.push(format!("    {}, {period}: {amount} {currency} ({name})\n", plan.name));
        }
    }
    lines.concat()
}
