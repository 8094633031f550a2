//! Verdicts on what the operator set: signing secrets, the app's keys, origins, and the public URL.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use reqwest::Url;

use super::Finding;
use crate::config::{API_BASE, Config, Secret, Source};

/// A signing secret of Stripe's begins like this.
const PREFIX: &str = "whsec_";
/// And is at least so long, in bytes.
const SIGNING_BYTES_MIN: usize = 32;
/// Fewer bits than this can be guessed by whoever tries on.
const BITS_MIN: f64 = 48.0;

/// Judges the signing secrets, for so many endpoints that send.
pub(super) fn secrets(config: &Config, endpoints: usize) -> Vec<Finding> {
    let secrets = &config.webhook_secrets;
    let next = "Copy the endpoint's signing secret from https://dashboard.stripe.com/webhooks into \
                STRIPE_WEBHOOK_SECRET; `tollgate setup` prints it when it makes the endpoint.";
    if secrets.is_empty() {
        let says = "There is no signing secret: every webhook is refused.";
        return vec![Finding::fail("secret", says, next)];
    }
    let mut findings = Vec::new();
    for (index, secret) in secrets.iter().enumerate() {
        let number = index + 1;
        if let Some(why) = misshapen(secret.reveal()).filter(|_| !config.dev) {
            findings.push(Finding::fail("secret", format!("Signing secret {number} {why}."), next));
        }
    }
    let different: BTreeSet<&str> = secrets.iter().map(Secret::reveal).collect();
    if different.len() < secrets.len() {
        let says = "A signing secret is there twice.";
        findings.push(Finding::warn("secret", says, "Take one of them away."));
    }
    if different.len() < endpoints {
        let says = format!(
            "There are {endpoints} endpoints that lead here and {} signing secrets; each endpoint \
             has its own.",
            different.len()
        );
        findings.push(Finding::fail("secret", says, next));
    }
    if findings.is_empty() {
        let says = match secrets.len() {
            1 => "There is a signing secret.".to_owned(),
            count => format!("There are {count} signing secrets; all are tried."),
        };
        findings.push(Finding::ok("secret", says));
    }
    findings
}

fn misshapen(secret: &str) -> Option<&'static str> {
    let rest = secret.strip_prefix(PREFIX);
    match rest {
        None => Some("does not begin with whsec_, as Stripe's do"),
        Some(_) if secret.len() < SIGNING_BYTES_MIN => Some("is shorter than Stripe's"),
        Some(it) if !it.bytes().all(|it| it.is_ascii_graphic()) => {
            Some("holds white space or other characters that Stripe's do not")
        }
        Some(_) => None,
    }
}

/// Judges the rest.
pub(super) fn judge(config: &Config) -> Vec<Finding> {
    let mut findings = vec![public_url(config), origins(config)];
    findings.extend([app_key(config), user_tokens(config), browser_key(config)]);
    findings
}

fn public_url(config: &Config) -> Finding {
    let url = &config.selling.public_url;
    let live = config.livemode() == Some(true);
    match (is_loopback(url), url.starts_with("https://")) {
        (true, _) if config.stripe_api_base == API_BASE => Finding::warn(
            "public URL",
            format!("{url} is this machine's own address: Stripe cannot send there."),
            "Set TOLLGATE_PUBLIC_URL, or try things out with `tollgate listen`.",
        ),
        (false, false) if live => Finding::fail(
            "public URL",
            format!("{url} is not encrypted, and Stripe sends live events to https only."),
            "Put a proxy with TLS in front of the server, and set TOLLGATE_PUBLIC_URL.",
        ),
        (false, false) => Finding::warn(
            "public URL",
            format!("{url} is not encrypted."),
            "Put a proxy with TLS in front of the server, and set TOLLGATE_PUBLIC_URL.",
        ),
        _ => Finding::ok("public URL", format!("People and Stripe come to {url}.")),
    }
}

fn origins(config: &Config) -> Finding {
    let origins = &config.selling.origins;
    let listed = origins.join(", ");
    let mut settings = config.describe().into_iter();
    let set = settings.any(|it| it.key == "TOLLGATE_ORIGINS" && it.source != Source::Default);
    let open = |it: &&String| !it.starts_with("https://") && !is_loopback(it);
    let live = config.livemode() == Some(true);
    let next = "Set TOLLGATE_ORIGINS to the origins of the app's pages, with https.";
    if !set && !config.dev {
        let says = format!("Customers come back from Stripe to {listed}, which is this server.");
        return Finding::warn("origins", says, next);
    }
    if let Some(it) = origins.iter().find(open) {
        let says = format!("Pages of {it} may call for their users, and are not encrypted.");
        return Finding::warn("origins", says, next);
    }
    match origins.iter().find(|it| live && is_loopback(it)) {
        Some(it) => {
            let says = format!("Pages of {it}, on anybody's own machine, may call in live mode.");
            Finding::warn("origins", says, next)
        }
        None => Finding::ok("origins", format!("Pages of {listed} may call for their users.")),
    }
}

fn app_key(config: &Config) -> Finding {
    let next = "Set TOLLGATE_API_KEY to what `openssl rand -hex 32` prints.";
    let Some(keys) = Some(&config.api_keys).filter(|it| !it.is_empty()) else {
        let says = "There is no key for the app: its calls are answered with 503.";
        return Finding::warn("app key", says, next);
    };
    if let Some(it) = keys.iter().find_map(|it| reused(config, it)) {
        return Finding::fail("app key", format!("A key of the app is also {it}."), next);
    }
    match keys.iter().any(|it| bits(it.reveal()) <= BITS_MIN) && !config.dev {
        true => Finding::warn(
            "app key",
            "A key of the app is short or regular: it can be guessed.",
            next,
        ),
        false => Finding::ok("app key", "The app has a key."),
    }
}

/// What else is the same text: whoever learns the one has the other.
fn reused(config: &Config, key: &Secret) -> Option<&'static str> {
    match key {
        it if config.stripe_key.as_ref() == Some(it) => Some("Stripe's key"),
        it if config.webhook_secrets.contains(it) => Some("a signing secret"),
        it if config.user_token_secret.as_ref() == Some(it) => Some("the secret of users' tokens"),
        _ => None,
    }
}

fn user_tokens(config: &Config) -> Finding {
    let next = "Set TOLLGATE_USER_TOKEN_SECRET to what `openssl rand -hex 32` prints.";
    match &config.user_token_secret {
        None => Finding::ok("user tokens", "Browsers call by way of the app only."),
        Some(it) if bits(it.reveal()) <= BITS_MIN => Finding::warn(
            "user tokens",
            "The secret of users' tokens is regular: tokens can be forged.",
            next,
        ),
        Some(_) => Finding::ok("user tokens", "Browsers may call with their user's token."),
    }
}

fn browser_key(config: &Config) -> Finding {
    match &config.publishable_key {
        Some(_) => Finding::ok("browser key", "Checkout can be hosted or embedded."),
        None => {
            Finding::ok("browser key", "Without STRIPE_PUBLISHABLE_KEY Checkout is hosted only.")
        }
    }
}

fn is_loopback(url: &str) -> bool {
    let url = Url::parse(url).ok();
    url.as_ref().and_then(Url::host_str).is_some_and(|host| {
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<Ipv4Addr>().is_ok_and(|it| it.is_loopback())
            || host == "[::1]"
    })
}

/// How many bits a text holds at the most, by how often its characters repeat.
fn bits(text: &str) -> f64 {
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    for it in text.chars() {
        *counts.entry(it).or_default() += 1.0;
    }
    let length: f64 = counts.values().sum();
    counts.values().map(|count| -count * (count / length).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_text_holds_few_bits() {
        for text in ["aaaaaaaaaaaaaaaaaaaaaaaa", "1234567812345678", "changemechangeme", ""] {
            assert!(bits(text) <= BITS_MIN, "{text}: {}", bits(text));
        }
        for text in ["d3b07384d113edec49eaa6238ad5ff00", "the-key-of-the-tests-app"] {
            assert!(bits(text) > BITS_MIN, "{text}: {}", bits(text));
        }
    }

    #[test]
    fn a_signing_secret_has_stripes_shape() {
        assert_eq!(misshapen("whsec_0123456789abcdefghijklmnopqrstuv"), None);
        for text in [
            "whsec_tollgate_dev",
            "0123456789abcdefghijklmnopqrstuvwxyz",
            "whsec_0123456789abcdefghijklmno pqrstuv",
        ] {
            assert!(misshapen(text).is_some(), "{text}");
        }
    }

    #[test]
    fn loopback_is_known_by_name_and_number() {
        for url in [
            "http://127.0.0.1:4242",
            "http://localhost:3000",
            "http://[::1]:1",
            "http://app.localhost",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://app.example", "http://127.example.com", "http://10.0.0.1"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
