//! What `tollgate dev` sells where `tollgate.toml` names no prices: put into the sandbox once, and into
//! the rulebook where it names no plans.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tollgate::config::{Config, Source};
use tollgate::rules::policy::{ONCE, Plan, Rulebook};
use tollgate_sandbox::server::Sandbox;
use tollgate_sandbox::{Method, Request};
use tollgate_stripe::form;

/// A plan with its prices in minor units of [`CURRENCY`]; each has the lookup key `plan_period`.
struct Sold {
    name: &'static str,
    title: &'static str,
    rank: i64,
    description: &'static str,
    prices: &'static [(&'static str, i64)],
    /// Lookup key and name of what it gives.
    features: &'static [(&'static str, &'static str)],
}

const CURRENCY: &str = "usd";
/// The plan of a price that no plan names.
const ANY_PRICE: &str = "pro";
const EXPORT: (&str, &str) = ("export", "Export everything");
const API: (&str, &str) = ("api", "The API");
const SUPPORT: (&str, &str) = ("support", "An answer within a day");
const PROJECTS: (&str, &str) = ("projects", "Three projects");

/// The best known one stands first: it is what a trigger buys.
const PLANS: [Sold; 3] = [
    Sold {
        name: "pro",
        title: "Pro",
        rank: 20,
        description: "For people who do this for a living.",
        prices: &[("monthly", 2_900), ("yearly", 29_000)],
        features: &[PROJECTS, EXPORT, API],
    },
    Sold {
        name: "starter",
        title: "Starter",
        rank: 10,
        description: "To find out.",
        prices: &[("monthly", 900), ("yearly", 9_000)],
        features: &[PROJECTS],
    },
    Sold {
        name: "lifetime",
        title: "Lifetime",
        rank: 30,
        description: "Paid once, and never again.",
        prices: &[(ONCE, 49_900)],
        features: &[PROJECTS, EXPORT, API, SUPPORT],
    },
];

/// Puts the plans into a sandbox that sells nothing yet, with a code for a fifth off.
pub fn stock(sandbox: &Sandbox) -> anyhow::Result<()> {
    if get(sandbox, "/_sandbox/state")?["prices"] != 0 {
        return Ok(());
    }
    let mut features: BTreeMap<&str, Value> = BTreeMap::new();
    for plan in &PLANS {
        for (key, name) in plan.features {
            if !features.contains_key(key) {
                let params = json!({ "lookup_key": key, "name": name });
                let made = post(sandbox, "/v1/entitlements/features", &params)?;
                features.insert(key, made["id"].clone());
            }
        }
        sell(sandbox, plan, &features)?;
    }
    let coupon = json!({ "name": "Launch", "percent_off": 20, "duration": "repeating", "duration_in_months": 3 });
    let coupon = post(sandbox, "/v1/coupons", &coupon)?;
    let code =
        json!({ "code": "LAUNCH20", "promotion": { "type": "coupon", "coupon": coupon["id"] } });
    post(sandbox, "/v1/promotion_codes", &code)?;
    Ok(())
}

fn sell(sandbox: &Sandbox, plan: &Sold, features: &BTreeMap<&str, Value>) -> anyhow::Result<()> {
    let lines: Vec<Value> = plan.features.iter().map(|(_, name)| json!({ "name": name })).collect();
    let product = json!({
        "name": plan.title,
        "description": plan.description,
        "marketing_features": lines,
        "metadata": { "plan": plan.name },
    });
    let product = post(sandbox, "/v1/products", &product)?;
    let id = product["id"].as_str().context("read the product")?;
    for (key, _) in plan.features {
        let feature = json!({ "entitlement_feature": features[key] });
        post(sandbox, &format!("/v1/products/{id}/features"), &feature)?;
    }
    for (period, amount) in plan.prices {
        let mut price = json!({
            "product": id,
            "currency": CURRENCY,
            "unit_amount": amount,
            "lookup_key": lookup_key(plan, period),
        });
        match *period {
            "monthly" => price["recurring"] = json!({ "interval": "month" }),
            "yearly" => price["recurring"] = json!({ "interval": "year" }),
            _ => {}
        }
        post(sandbox, "/v1/prices", &price)?;
    }
    Ok(())
}

fn lookup_key(plan: &Sold, period: &str) -> String {
    format!("{}_{period}", plan.name)
}

/// Whether the operator named prices.
pub fn have_prices(config: &Config) -> bool {
    config.rulebook.plans.iter().any(|plan| !plan.prices.is_empty())
}

/// Whether the operator named plans or prices.
pub fn are_configured(config: &Config) -> bool {
    let mut settings = config.describe().into_iter();
    settings.any(|it| it.key.starts_with("plans.") && it.source == Source::File)
        || have_prices(config)
}

/// Makes the rulebook know the plans that the sandbox sells.
pub fn configure(rulebook: &mut Rulebook) {
    rulebook.plans = PLANS.iter().map(plan).collect();
    rulebook.any_price = Some(ANY_PRICE.to_owned());
}

fn plan(sold: &Sold) -> Plan {
    let prices = sold.prices.iter();
    Plan {
        name: sold.name.to_owned(),
        title: sold.title.to_owned(),
        rank: sold.rank,
        prices: prices.map(|(it, _)| ((*it).to_owned(), lookup_key(sold, it))).collect(),
        features: sold.features.iter().map(|(key, _)| (*key).to_owned()).collect(),
    }
}

/// Asks the sandbox.
pub fn get(sandbox: &Sandbox, path: &str) -> anyhow::Result<Value> {
    answered(sandbox, &Request::new(Method::Get, path, ""))
}

/// Tells the sandbox.
pub fn post(sandbox: &Sandbox, path: &str, params: &Value) -> anyhow::Result<Value> {
    answered(sandbox, &Request::new(Method::Post, path, form::encode(params)))
}

fn answered(sandbox: &Sandbox, request: &Request) -> anyhow::Result<Value> {
    let answer = sandbox.call(request)?;
    let body: Value = serde_json::from_str(&answer.body).context("read the sandbox's answer")?;
    if answer.status != 200 {
        bail!("ask the sandbox: {} {}: {body}", request.method.as_str(), request.path);
    }
    Ok(body)
}
