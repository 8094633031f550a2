//! What Checkout and the portal need to know: where people come back to, and what a trial is.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::Url;

use super::file::File;
use super::layers::{Layers, Setting, Source};
use super::value::{self, Read};
use super::{ConfigError, Secret};

/// Where Stripe is.
pub const API_BASE: &str = "https://api.stripe.com";
/// The longest trial that Stripe takes, in days.
const TRIAL_DAYS_MAX: u32 = 730;

/// How things are sold.
#[derive(Clone, Debug)]
pub struct Selling {
    /// Where browsers reach this server; without a final slash.
    pub public_url: String,
    /// The origins that people may be sent back to; the first is the usual one.
    pub origins: Vec<String>,
    /// Whether every port of this computer is one more origin: `tollgate dev` has it so.
    pub local_origins: bool,
    /// Where they come back to after paying; `{origin}` and `{CHECKOUT_SESSION_ID}` are filled in.
    pub success_url: String,
    /// Where they come back to without having paid.
    pub cancel_url: String,
    /// Somebody set where they come back to; else our own pages tell browsers what happened.
    pub success_is_set: bool,
    /// The same, for those who did not pay.
    pub cancel_is_set: bool,
    /// Whether Checkout asks for a promotion code.
    pub promotion_codes: bool,
    /// The trials of plans, by the plans' names.
    pub trials: BTreeMap<String, Trial>,
    /// What plans cost where `tollgate setup` is to make their prices, by the plans' names.
    pub amounts: BTreeMap<String, Amounts>,
}

impl Selling {
    /// Returns whether an origin is one of the app's.
    pub fn knows(&self, origin: &str) -> bool {
        self.origins.iter().any(|it| it == origin) || (self.local_origins && is_local(origin))
    }
}

/// What a plan costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Three lower-case letters.
    pub currency: String,
    /// Period to amount, in minor units.
    pub of: BTreeMap<String, i64>,
}

/// A plan's trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// How long it lasts.
    pub days: u32,
    /// A customer gets one only, whatever the plan.
    pub once: bool,
}

/// Reads it.
///
/// # Errors
/// A URL is none, or a trial has no length.
pub(super) fn selling(
    file: &File,
    layers: &mut Layers,
    listen: SocketAddr,
) -> Result<Selling, ConfigError> {
    let here = format!("http://{listen}");
    let public_url = layers.read("TOLLGATE_PUBLIC_URL", &here, base)?;
    let mut origins = layers.read("TOLLGATE_ORIGINS", "", origins)?;
    if origins.is_empty() {
        origins.extend(origin(&public_url));
    }
    let success = "{origin}/?checkout=success&session_id={CHECKOUT_SESSION_ID}";
    let success_url = layers.read("STRIPE_SUCCESS_URL", success, place)?;
    let success_is_set = layers.is_set();
    let cancel_url = layers.read("STRIPE_CANCEL_URL", "{origin}/?checkout=canceled", place)?;
    let cancel_is_set = layers.is_set();
    Ok(Selling {
        success_url,
        success_is_set,
        cancel_url,
        cancel_is_set,
        promotion_codes: layers.read("TOLLGATE_PROMOTION_CODES", "on", on_or_off)?,
        trials: trials(file, &mut layers.settings)?,
        amounts: amounts(file, &mut layers.settings)?,
        public_url,
        origins,
        local_origins: false,
    })
}

/// Reads where Stripe is.
pub(super) fn api_base(layers: &mut Layers, key: Option<&Secret>) -> Result<String, ConfigError> {
    let is_live = key.is_some_and(|it| super::is_live(it.reveal()));
    layers.read("STRIPE_API_BASE", API_BASE, |text| {
        let base = base(text)?;
        match is_live && !base.starts_with("https://") {
            true => Err("a URL with https://, because the key is one of live mode"),
            false => Ok(base),
        }
    })
}

/// Reads the key for the browser, which is of the same mode as the secret one.
pub(super) fn publishable_key(
    layers: &mut Layers,
    key: Option<&Secret>,
) -> Result<Option<String>, ConfigError> {
    let is_live = key.map(|it| super::is_live(it.reveal()));
    layers.read_optional("STRIPE_PUBLISHABLE_KEY", |text| {
        let mode = match (text.starts_with("pk_live_"), text.starts_with("pk_test_")) {
            (true, _) => true,
            (_, true) => false,
            _ => return Err("a key that begins with pk_test_ or pk_live_"),
        };
        match is_live.is_none_or(|it| it == mode) {
            true => Ok(text.to_owned()),
            false => Err("a publishable key of the same mode as STRIPE_SECRET_KEY"),
        }
    })
}

/// Reads a URL of the web without a user's name in it.
pub(super) fn url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}

/// Reads a URL to put paths behind.
pub(super) fn base(text: &str) -> Read<String> {
    let found = url(text).filter(|it| it.query().is_none() && it.fragment().is_none());
    let found = found.ok_or("a URL such as https://billing.example.com")?;
    Ok(found.as_str().trim_end_matches('/').to_owned())
}

fn origin(text: &str) -> Option<String> {
    url(text).map(|it| it.origin().ascii_serialization())
}

/// A program on this computer, by whatever name a browser knows it.
fn is_local(text: &str) -> bool {
    let here = |it: &Url| matches!(it.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url(text).is_some_and(|it| {
        it.scheme() == "http" && here(&it) && origin(text).as_deref() == Some(text)
    })
}

fn origins(text: &str) -> Read<Vec<String>> {
    let bare = |it: &str| origin(it).filter(|_| url(it).is_some_and(|it| it.path() == "/"));
    let all: Option<Vec<String>> = value::items(text).map(bare).collect();
    all.ok_or("origins such as https://app.example.com, comma separated")
}

/// Reads where people come back to: a URL, or a path behind `{origin}`.
fn place(text: &str) -> Read<String> {
    let filled = text.replace("{origin}", "https://app.example.com");
    let known = !filled.replace("{CHECKOUT_SESSION_ID}", "").contains(['{', '}']);
    let right_start = text.starts_with("{origin}/") || text == "{origin}" || url(text).is_some();
    match known && right_start && url(&filled).is_some() {
        true => Ok(text.to_owned()),
        false => Err("a URL; {origin} at its start and {CHECKOUT_SESSION_ID} are filled in"),
    }
}

fn on_or_off(text: &str) -> Read<bool> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("\"on\" or \"off\""),
    }
}

fn trials(
    file: &File,
    settings: &mut Vec<Setting>,
) -> Result<BTreeMap<String, Trial>, ConfigError> {
    let mut trials = BTreeMap::new();
    for (name, plan) in &file.plans {
        let Some(days) = plan.trial_days else { continue };
        let key = format!("plans.{name}.trial_days");
        if !(1..=TRIAL_DAYS_MAX).contains(&days) {
            let allowed = "days from 1 to 730";
            let value = days.to_string();
            return Err(ConfigError::Value { key, value, origin: Source::File, allowed });
        }
        let once = plan.trial_once.unwrap_or(true);
        let value = format!("{days}, {}", if once { "once a customer" } else { "each time" });
        settings.push(Setting { key, value, source: Source::File });
        trials.insert(name.clone(), Trial { days, once });
    }
    Ok(trials)
}

fn amounts(
    file: &File,
    settings: &mut Vec<Setting>,
) -> Result<BTreeMap<String, Amounts>, ConfigError> {
    let mut all = BTreeMap::new();
    for (name, plan) in file.plans.iter().filter(|(_, it)| !it.amounts.is_empty()) {
        let refuse = |key: &str, value: String, allowed: &'static str| ConfigError::Value {
            key: format!("plans.{name}.{key}"),
            value,
            origin: Source::File,
            allowed,
        };
        let currency = plan.currency.clone().unwrap_or_default();
        if currency.len() != 3 || !currency.bytes().all(|it| it.is_ascii_lowercase()) {
            let allowed = "the currency of the amounts, such as \"usd\"";
            return Err(refuse("currency", currency, allowed));
        }
        for (period, amount) in &plan.amounts {
            if *amount < 0 || !plan.prices.contains_key(period) {
                let allowed = "minor units for each period that the plan has a price for";
                return Err(refuse("amounts", format!("{period} = {amount}"), allowed));
            }
        }
        let shown: Vec<String> = plan.amounts.iter().map(|(k, v)| format!("{k} {v}")).collect();
        let (key, value) = (format!("plans.{name}.amounts"), shown.join(", "));
        settings.push(Setting { key, value: format!("{value} {currency}"), source: Source::File });
        all.insert(name.clone(), Amounts { currency, of: plan.amounts.clone() });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let read = origins("https://app.example.com, http://localhost:3000/").expect("they are");
        assert_eq!(read, ["https://app.example.com", "http://localhost:3000"]);
        for text in ["app.example.com", "https://a.example/path", "javascript:alert(1)", "*"] {
            assert!(origins(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_is_ours_or_the_operators() {
        for text in ["{origin}/a?s={CHECKOUT_SESSION_ID}", "https://a.example/b", "{origin}"] {
            assert!(place(text).is_ok(), "{text}");
        }
        for text in ["/a", "{origin}.evil.example/", "https://a.example/{user}", "ftp://a/", ""] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
