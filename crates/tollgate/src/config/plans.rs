//! The rulebook: plans and policy, from the file or from the shorthand of three variables.

use std::collections::BTreeMap;

use super::ConfigError;
use super::file::{File, RULES};
use super::layers::{Layers, Setting, Source};
use super::{secret, value};
use crate::rules::policy::{FREE, Plan, Policy, Rulebook};

/// Makes the rulebook.
///
/// # Errors
/// A rule or a plan is none.
pub(super) fn rulebook(file: &File, layers: &mut Layers) -> Result<Rulebook, ConfigError> {
    let policy = policy(&file.access, &mut layers.settings)?;
    let shorthand = shorthand(layers)?;
    let mut rulebook = match file.plans.is_empty() {
        true => shorthand,
        false => Rulebook { plans: plans(file)?, any_price: None, ..Rulebook::default() },
    };
    rulebook.policy = policy;
    rulebook.accounts.clone_from(&file.connect_accounts);
    if !file.plans.iter().any(|(_, it)| !it.prices.is_empty()) && !file.plans.is_empty() {
        rulebook.any_price = rulebook.plans.first().map(|it| it.name.clone());
    }
    let settings = &mut layers.settings;
    settings.extend(rulebook.plans.iter().map(|plan| shown(plan, file)));
    let source = if file.connect_accounts.is_empty() { Source::Default } else { Source::File };
    let (key, value) = ("access.connect_accounts".to_owned(), rulebook.accounts.join(","));
    settings.push(Setting { key, value, source });
    Ok(rulebook)
}

fn shown(plan: &Plan, file: &File) -> Setting {
    let prices: Vec<String> = plan.prices.iter().map(|(k, v)| format!("{k} {v}")).collect();
    let prices = if prices.is_empty() { "any price".to_owned() } else { prices.join(", ") };
    let features =
        if plan.features.is_empty() { "none".to_owned() } else { plan.features.join(", ") };
    let source = if file.plans.is_empty() { Source::Default } else { Source::File };
    let value = format!("{}, rank {}; {prices}; features: {features}", plan.title, plan.rank);
    Setting { key: format!("plans.{}", plan.name), value, source }
}

/// One plan whose prices the environment names; without any, every price buys it.
fn shorthand(layers: &mut Layers) -> Result<Rulebook, ConfigError> {
    let monthly = layers.read_optional("STRIPE_PRICE_PRO_MONTHLY", price)?;
    let yearly = layers.read_optional("STRIPE_PRICE_PRO_YEARLY", price)?;
    let name = layers.read("PRO_PLAN_NAME", "pro", plan_name)?;
    let periods = [("monthly", monthly), ("yearly", yearly)];
    let prices: BTreeMap<String, String> =
        periods.into_iter().filter_map(|(period, it)| Some((period.to_owned(), it?))).collect();
    let any_price = prices.is_empty().then(|| name.clone());
    let plan = Plan { title: titled(&name), name, rank: 10, prices, features: Vec::new() };
    Ok(Rulebook { plans: vec![plan], any_price, ..Rulebook::default() })
}

fn price(text: &str) -> value::Read<String> {
    let text = text.trim();
    match text.is_empty() || secret::is_key(text) || text.starts_with("prod_") {
        true => Err("a price's id (\"price_…\") or its lookup key"),
        false => Ok(text.to_owned()),
    }
}

fn plan_name(text: &str) -> value::Read<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    match text != FREE && text.len() <= 64 && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a name of letters, digits, - and _ other than \"free\""),
    }
}

/// `team_annual` is shown as "Team annual" where nobody gave it a title.
fn titled(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(chars.map(|it| if it == '_' { ' ' } else { it })).collect()
}

fn plans(file: &File) -> Result<Vec<Plan>, ConfigError> {
    let mut sold: BTreeMap<&str, &str> = BTreeMap::new();
    let mut plans = Vec::new();
    for (name, table) in &file.plans {
        let refuse = |value: &str, allowed: &'static str| ConfigError::Value {
            key: format!("plans.{name}"),
            value: value.to_owned(),
            origin: Source::File,
            allowed,
        };
        plan_name(name).map_err(|allowed| refuse(name, allowed))?;
        for reference in table.prices.values() {
            price(reference).map_err(|allowed| refuse(reference, allowed))?;
            if sold.insert(reference, name).is_some_and(|other| other != name) {
                return Err(refuse(reference, "each price in one plan only"));
            }
        }
        plans.push(Plan {
            name: name.clone(),
            title: table.title.clone().unwrap_or_else(|| titled(name)),
            rank: table.rank,
            prices: table.prices.clone(),
            features: table.features.clone(),
        });
    }
    Ok(plans)
}

fn policy(
    texts: &BTreeMap<String, String>,
    settings: &mut Vec<Setting>,
) -> Result<Policy, ConfigError> {
    let mut policy = Policy::default();
    for name in RULES {
        let rule = match name {
            "past_due" => &mut policy.past_due,
            "unpaid" => &mut policy.unpaid,
            "paused" => &mut policy.paused,
            "incomplete" => &mut policy.incomplete,
            "full_refund" => &mut policy.full_refund,
            "partial_refund" => &mut policy.partial_refund,
            "dispute_open" => &mut policy.dispute_open,
            _ => &mut policy.dispute_lost,
        };
        let key = format!("access.{name}");
        let mut source = Source::Default;
        if let Some(text) = texts.get(name) {
            source = Source::File;
            *rule = value::rule(text).map_err(|allowed| ConfigError::Value {
                key: key.clone(),
                value: text.clone(),
                origin: source,
                allowed,
            })?;
        }
        settings.push(Setting { key, value: value::show_rule(*rule), source });
    }
    Ok(policy)
}
