//! How a value is written: durations, rules, networks, limits. Every function says what is
//! allowed where a text is none of it.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use crate::rules::policy::Rule;

/// A reader of one kind of value: the value, or what is allowed.
pub type Read<T> = Result<T, &'static str>;

/// Reads a duration such as `7d`, `12h`, `30m` or `45s`, as seconds.
///
/// # Errors
/// Says what is allowed.
pub fn duration(text: &str) -> Read<i64> {
    const ALLOWED: &str = "a duration such as \"7d\", \"12h\", \"30m\" or \"45s\"";
    let unit = text.chars().last().ok_or(ALLOWED)?;
    let number = text.strip_suffix(unit).unwrap_or_default();
    let secs = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(ALLOWED),
    };
    if number.is_empty() || !number.bytes().all(|it| it.is_ascii_digit()) {
        return Err(ALLOWED);
    }
    // A century is more than any grace; beyond it sums of seconds need no thought.
    let total = number.parse::<i64>().ok().and_then(|it| it.checked_mul(secs));
    total.filter(|it| *it <= 36_525 * 86_400).ok_or("a duration of at most 36525d")
}

/// Reads how long handlers may take.
///
/// # Errors
/// Says what is allowed.
pub fn handler_timeout(text: &str) -> Read<Duration> {
    let secs = duration(text).ok().and_then(|it| u64::try_from(it).ok());
    let secs = secs.filter(|it| (1..=60).contains(it));
    secs.map(Duration::from_secs).ok_or("a duration of \"1s\" to \"60s\"")
}

/// Reads what a status or a reversal does to access.
///
/// # Errors
/// Says what is allowed.
pub fn rule(text: &str) -> Read<Rule> {
    match text {
        "keep" => Ok(Rule::Keep),
        "revoke" => Ok(Rule::Revoke),
        _ => duration(text).map(Rule::Grace).map_err(|_| {
            "\"keep\", \"revoke\" or a grace period such as \"7d\", \"12h\", \"30m\" or \"45s\""
        }),
    }
}

/// Writes a rule as [`rule`] reads it.
pub fn show_rule(rule: Rule) -> String {
    match rule {
        Rule::Keep => "keep".to_owned(),
        Rule::Revoke => "revoke".to_owned(),
        Rule::Grace(secs) => show_duration(secs),
    }
}

/// Writes seconds as [`duration`] reads them, in the largest unit that fits.
pub fn show_duration(secs: i64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let fits = units.into_iter().find(|(unit, _)| secs != 0 && secs % unit == 0);
    fits.map_or_else(|| format!("{secs}s"), |(unit, name)| format!("{}{name}", secs / unit))
}

/// Reads an address to listen on.
///
/// # Errors
/// Says what is allowed.
pub fn listen(text: &str) -> Read<SocketAddr> {
    text.parse().map_err(|_| "an address and a port such as 127.0.0.1:4242 or [::]:4242")
}

/// Reads networks, comma separated; an address alone is a network of one.
///
/// # Errors
/// Says what is allowed.
pub fn networks(text: &str) -> Read<Vec<IpNet>> {
    let network = |it: &str| -> Option<IpNet> {
        it.parse().ok().or_else(|| it.parse::<IpAddr>().ok().map(IpNet::from))
    };
    let all: Option<Vec<IpNet>> = items(text).map(network).collect();
    all.ok_or(
        "addresses or networks such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, comma separated",
    )
}

/// Returns the items of a comma-separated list, without blank ones.
pub fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|it| !it.is_empty())
}

/// Reads how many requests a second one address may make; `None` is "off".
///
/// # Errors
/// Says what is allowed.
pub fn rate(text: &str) -> Read<Option<NonZeroU32>> {
    const MAX: u32 = 1_000_000;
    if text == "off" {
        return Ok(None);
    }
    let rate = text.parse::<NonZeroU32>().ok().filter(|it| it.get() <= MAX);
    rate.map(Some).ok_or("requests per second from 1 to 1000000, or \"off\"")
}

/// Reads the age that a signature may have, in seconds.
///
/// # Errors
/// Says what is allowed.
pub fn tolerance(text: &str) -> Read<i64> {
    let secs = text.parse::<i64>().ok().filter(|it| (1..=86_400).contains(it));
    secs.ok_or("seconds from 1 to 86400")
}

/// Reads how many connections may be open at once.
///
/// # Errors
/// Says what is allowed.
pub fn connections(text: &str) -> Read<usize> {
    let count = text.parse::<usize>().ok().filter(|it| (1..=1_000_000).contains(it));
    count.ok_or("a number of connections from 1 to 1000000")
}

/// Paths that belong to other routes, now or by the contract.
const TAKEN: [&str; 14] = [
    "access",
    "account",
    "admin",
    "billing",
    "checkout",
    "dev",
    "healthz",
    "metrics",
    "openapi.json",
    "pages",
    "pricing",
    "readyz",
    "users",
    "",
];

/// Reads a path of one's own for the webhook; without its final slash.
///
/// # Errors
/// Says what is allowed.
pub fn webhook_path(text: &str) -> Read<String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    let plain = |it: char| it.is_ascii_alphanumeric() || "/-._~".contains(it);
    let first = path.strip_prefix('/').map(|it| it.split('/').next().unwrap_or_default());
    let free = first.is_some_and(|it| !TAKEN.contains(&it));
    match free && path.len() <= 255 && path.chars().all(plain) && !path.contains("//") {
        true => Ok(path.to_owned()),
        false => Err("a path such as /hooks/stripe that no other route begins with"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write_the_same() {
        for (text, secs) in
            [("7d", 604_800), ("12h", 43_200), ("30m", 1_800), ("45s", 45), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(secs));
            assert_eq!(show_duration(secs), text);
        }
        for text in [
            "",
            "d",
            "7",
            "-7d",
            "+7d",
            "7 d",
            "7w",
            "1.5h",
            "99999999999999999999d",
            "40000d",
            "7é",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_webhook_path_cannot_hide_another_route() {
        assert_eq!(webhook_path("/hooks/stripe/"), Ok("/hooks/stripe".to_owned()));
        for text in ["", "/", "hooks", "/access", "/access/x", "/{any}", "/a//b", "/a b", "/dev/x"]
        {
            assert!(webhook_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_alone_is_a_network() {
        let networks = networks("192.0.2.7, 10.0.0.0/8,,2001:db8::/32").expect("they are networks");
        assert_eq!(networks.len(), 3);
        assert_eq!(networks[0].to_string(), "192.0.2.7/32");
        assert!(super::networks("stripe").is_err());
    }

    #[test]
    fn limits_have_limits() {
        assert_eq!(rate("off"), Ok(None));
        assert_eq!(rate("7"), Ok(NonZeroU32::new(7)));
        assert!(rate("0").is_err() && rate("1000001").is_err() && rate("-1").is_err());
        assert!(tolerance("0").is_err() && tolerance("86401").is_err());
        assert!(connections("0").is_err());
    }
}
