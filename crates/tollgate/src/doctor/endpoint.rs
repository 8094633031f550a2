//! Verdicts on the webhook endpoint that is registered at Stripe.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_stripe::version;

use super::{Finding, mode};
use crate::config::Config;
use crate::setup;

/// So many names of events are told.
const NAMED_MAX: usize = 3;

/// Judges the endpoints that lead here; `None` where the key may not read them.
pub(super) fn judge(config: &Config, endpoints: &Option<Vec<Value>>) -> Vec<Finding> {
    let Some(endpoints) = endpoints else { return Vec::new() };
    let url = config.webhook_urls().swap_remove(0);
    let Some(first) = endpoints.first() else {
        return vec![Finding::fail(
            "endpoint",
            format!("Stripe sends nothing here: no webhook endpoint has the URL {url}."),
            "Set TOLLGATE_PUBLIC_URL to where Stripe reaches this server, and run `tollgate setup`.",
        )];
    };
    let mut findings = Vec::new();
    if endpoints.len() > 1 {
        findings.push(several(endpoints));
    }
    findings.extend([standing(first, config), events(first, config), version_of(first, config)]);
    findings
}

fn several(endpoints: &[Value]) -> Finding {
    let urls: Vec<&str> = endpoints.iter().filter_map(|it| it["url"].as_str()).collect();
    Finding::warn(
        "endpoint",
        format!(
            "{} endpoints lead here, so that every event comes as often: {}.",
            urls.len(),
            urls.join(", ")
        ),
        "Remove all but one at https://dashboard.stripe.com/webhooks.",
    )
}

fn standing(endpoint: &Value, config: &Config) -> Finding {
    let url = endpoint["url"].as_str().unwrap_or_default();
    let live = endpoint["livemode"] == true;
    if endpoint["status"] == "disabled" {
        let says = format!("The webhook endpoint {url} is disabled: Stripe sends it nothing.");
        let next = "Mend what made Stripe disable it, and run `tollgate setup`.";
        return Finding::fail("endpoint", says, next);
    }
    if Some(live) != config.livemode() {
        let says = format!("The webhook endpoint {url} is of {} mode, the key is not.", mode(live));
        return Finding::fail("endpoint", says, "Run `tollgate setup` with the key of the mode.");
    }
    Finding::ok("endpoint", format!("Stripe sends its events of {} mode to {url}.", mode(live)))
}

fn events(endpoint: &Value, config: &Config) -> Finding {
    let listed = endpoint["enabled_events"].as_array().into_iter().flatten();
    let has: BTreeSet<&str> = listed.filter_map(Value::as_str).collect();
    let wanted: BTreeSet<&str> = setup::events().into_iter().collect();
    let missing: Vec<&str> = wanted.difference(&has).copied().collect();
    let idle: Vec<&str> = has.difference(&wanted).copied().collect();
    if has.contains("*") {
        let says =
            "The endpoint sends every event; those that are not acted on are kept as ignored.";
        return match config.dev {
            true => Finding::ok("events", says),
            false => {
                Finding::warn("events", says, "Let it send those that `tollgate setup` would.")
            }
        };
    }
    let setup = "Run `tollgate setup`, which sets the list.";
    match (missing.len(), idle.len()) {
        (0, 0) => {
            Finding::ok("events", format!("It sends the {} events that are acted on.", has.len()))
        }
        (0, _) => {
            let says = format!("It also sends what is not acted on: {}.", named(&idle));
            Finding::warn("events", says, setup)
        }
        _ => {
            let says = format!("It does not send what is needed: {}.", named(&missing));
            Finding::fail("events", says, setup)
        }
    }
}

fn named(events: &[&str]) -> String {
    let named = events.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    match events.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn version_of(endpoint: &Value, config: &Config) -> Finding {
    let next =
        "Remove the endpoint at Stripe and run `tollgate setup`: a version cannot be changed.";
    let pinned = version::PINNED;
    match endpoint["api_version"].as_str() {
        Some(it) if it == pinned => {
            Finding::ok("version", format!("It sends them in the version {pinned}."))
        }
        Some(it) if it < version::OLDEST => Finding::fail(
            "version",
            format!("It sends them in the version {it}, which cannot be read."),
            next,
        ),
        Some(it) => Finding::warn(
            "version",
            format!(
                "It sends them in the version {it}; it can be read, but {pinned} is tested most."
            ),
            next,
        ),
        // The sandbox has one version.
        None if config.dev => Finding::ok("version", "It sends them in the sandbox's version."),
        None => Finding::warn(
            "version",
            format!(
                "It sends them in the account's version, which may change; {pinned} is pinned."
            ),
            next,
        ),
    }
}
