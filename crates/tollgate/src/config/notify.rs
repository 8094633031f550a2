//! `[[notify]]`: whom to tell what, and how it is signed. A secret may also come from the
//! environment: `TOLLGATE_NOTIFY_SECRET` for the only endpoint, `TOLLGATE_NOTIFY_SECRET_NAME` for
//! the endpoint of that name.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use serde::Deserialize;
use toml::{Table, Value};

use super::file::{self, File};
use super::layers::{Layers, Setting, Source};
use super::value::{self, Read};
use super::{ConfigError, Secret};
use crate::rules::notice::{TYPES, matches};

/// The variable with the secrets of the only endpoint, and what others' begin with.
const VARIABLE: &str = "TOLLGATE_NOTIFY_SECRET";
const KEYS: &[&str] =
    &["allow_private", "concurrency", "name", "secret", "secrets", "timeout", "types", "url"];
const CONCURRENCY: usize = 8;
const CONCURRENCY_MAX: usize = 256;
const TIMEOUT_SECS: i64 = 10;
const TIMEOUT_SECS_MAX: i64 = 60;
const NAME_BYTES_MAX: usize = 64;
/// Standard Webhooks allows keys up to 512 bits, and wants at least 192.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Somebody who is told.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Names it in logs and tables; no other has this name.
    pub name: String,
    /// Where it is.
    pub url: Secret,
    /// How it is reached.
    pub carrier: Carrier,
    /// What signs; several while they are exchanged. Never empty where the carrier is HTTP.
    pub keys: Vec<SigningKey>,
    /// Patterns of the types that it wants to hear of.
    pub types: Vec<String>,
    /// Whether it may stand in a private network.
    pub allow_private: bool,
    /// How long one attempt may take in all.
    pub timeout: Duration,
    /// How many attempts may be under way at once.
    pub concurrency: usize,
}

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `POST` over HTTPS, or HTTP on this machine.
    Http,
    /// NATS JetStream.
    Nats,
}

impl Endpoint {
    /// Returns whether it wants to hear of this type.
    pub fn wants(&self, name: &str) -> bool {
        self.types.iter().any(|it| matches(it, name))
    }

    /// Returns where it is, without what may be secret in it.
    pub fn shown_url(&self) -> String {
        without_secrets(self.url.reveal())
    }

    /// Returns the same endpoint at another URL.
    ///
    /// # Errors
    /// Says what is allowed.
    pub fn at(&self, url: &str) -> Read<Self> {
        let carrier = carrier(url)?;
        if carrier == Carrier::Http && self.keys.is_empty() {
            return Err("a URL of NATS, since there is no secret to sign with");
        }
        Ok(Self { url: Secret::new(url), carrier, ..self.clone() })
    }
}

/// A key that signs. Printing it hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// Says what is allowed.
    pub fn read(text: &str) -> Read<Self> {
        const ALLOWED: &str = "secrets such as the output of `echo whsec_$(openssl rand -base64 32)`: \
             \"whsec_\" and the base64 of 24 to 64 random bytes";
        let bytes = text.strip_prefix("whsec_").and_then(|it| BASE64_STANDARD.decode(it).ok());
        bytes.filter(|it| KEY_BYTES.contains(&it.len())).map(Self).ok_or(ALLOWED)
    }

    /// Returns the key's bytes, for the one place that signs.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An endpoint as the file says it.
#[derive(Debug, Deserialize)]
struct Written {
    url: String,
    name: Option<String>,
    secret: Option<String>,
    secrets: Option<Vec<String>>,
    types: Option<Vec<String>>,
    #[serde(default)]
    allow_private: bool,
    timeout: Option<String>,
    concurrency: Option<usize>,
}

/// Reads all of them.
///
/// # Errors
/// Names the place and what is allowed there.
pub(super) fn endpoints(file: &File, layers: &mut Layers) -> Result<Vec<Endpoint>, ConfigError> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let only = file.notify.len() == 1;
    for (index, table) in file.notify.iter().enumerate() {
        let place = format!("notify[{index}]");
        let endpoint = endpoint(table, &place, only, layers)?;
        if endpoints.iter().any(|it| same_name(it, &endpoint)) {
            let allowed = "a name that no other endpoint has; it is the URL's host unless set";
            return Err(refused(&format!("{place}.name"), &endpoint.name, allowed));
        }
        show(&endpoint, layers);
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

/// Their variables are to be others as well.
fn same_name(one: &Endpoint, other: &Endpoint) -> bool {
    variable_of(&one.name) == variable_of(&other.name)
}

fn endpoint(
    table: &Table,
    place: &str,
    only: bool,
    layers: &mut Layers,
) -> Result<Endpoint, ConfigError> {
    file::known(table, KEYS, &format!("{place}."))?;
    let read = serde_path_to_error::deserialize(table.clone());
    let it: Written = read.map_err(|error| {
        // The message would quote the value, which may be the secret.
        let allowed = match table.contains_key("url") {
            true => allowed_of(&error.path().to_string()),
            false => "a URL under the key url",
        };
        file::shape(&format!("{place}.{}", error.path()), allowed)
    })?;
    let at = |key: &str| format!("{place}.{key}");
    let shown = without_secrets(&it.url);
    let carrier = carrier(&it.url).map_err(|allowed| refused(&at("url"), &shown, allowed))?;
    let name = name(it.name.as_deref(), &it.url)
        .map_err(|allowed| refused(&at("name"), it.name.as_deref().unwrap_or(""), allowed))?;
    let keys = keys(&it, &name, place, only, layers)?;
    if keys.is_empty() && carrier == Carrier::Http {
        return Err(file::shape(&at("secret"), "\"whsec_…\", here or in the environment"));
    }
    Ok(Endpoint {
        types: types(it.types.as_deref(), &at("types"))?,
        timeout: timeout(it.timeout.as_deref(), &at("timeout"))?,
        concurrency: concurrency(it.concurrency, &at("concurrency"))?,
        allow_private: it.allow_private,
        url: Secret::new(it.url),
        name,
        carrier,
        keys,
    })
}

fn allowed_of(key: &str) -> &'static str {
    match key.split(['[', '.']).next().unwrap_or_default() {
        "allow_private" => "true or false",
        "concurrency" => "a number from 1 to 256",
        "secrets" | "types" => "a list of texts",
        _ => "a text",
    }
}

/// Reads how a URL is reached.
fn carrier(text: &str) -> Read<Carrier> {
    const ALLOWED: &str = "https://…, http:// on this machine (localhost, 127.0.0.1, [::1]), both \
                           without user and password, or nats://host:4222/subject.prefix";
    let url = Url::parse(text).map_err(|_| ALLOWED)?;
    let open = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        "https" if open => Ok(Carrier::Http),
        "http" if open && is_loopback(&url) => Ok(Carrier::Http),
        "nats" | "tls" if !cfg!(feature = "nats") => {
            Err("https://…: this build is without NATS; build with `--features nats`")
        }
        "nats" | "tls" => match subject(&url) {
            Some(_) => Ok(Carrier::Nats),
            None => Err("nats://host:4222/subject.prefix, the prefix being of letters, digits, \
                         - and _ between single points"),
        },
        _ => Err(ALLOWED),
    }
}

/// Returns the subject's prefix that a URL of NATS names.
fn subject(url: &Url) -> Option<&str> {
    let prefix = url.path().strip_prefix('/')?;
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let fits = |it: &str| !it.is_empty() && it.chars().all(plain);
    (url.host_str().is_some() && prefix.split('.').all(fits)).then_some(prefix)
}

/// Returns whether a URL's host is this machine by its very name.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Shows where a URL leads, without user, password, query and fragment.
fn without_secrets(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return "***".to_owned() };
    let open = url.username().is_empty() && url.password().is_none();
    let all = open && url.query().is_none() && url.fragment().is_none();
    url.set_query(None);
    url.set_fragment(None);
    let bare = url.set_username("").and_then(|()| url.set_password(None)).is_ok();
    match (bare, all) {
        (true, true) => url.to_string(),
        (true, false) => format!("{url} (shortened)"),
        (false, _) => "***".to_owned(),
    }
}

fn name(set: Option<&str>, url: &str) -> Read<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    match set {
        Some(it) if it.is_empty() || it.len() > NAME_BYTES_MAX || !it.chars().all(plain) => {
            Err("up to 64 letters, digits, -, _ and points")
        }
        Some(it) => Ok(it.to_owned()),
        None => {
            let url = Url::parse(url).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
            Ok(host.trim_matches(['[', ']']).to_owned())
        }
    }
}

fn variable_of(name: &str) -> String {
    let letter = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
    format!("{VARIABLE}_{}", name.chars().map(letter).collect::<String>())
}

/// The environment wins over the file.
fn keys(
    it: &Written,
    name: &str,
    place: &str,
    only: bool,
    layers: &mut Layers,
) -> Result<Vec<SigningKey>, ConfigError> {
    let own = variable_of(name);
    let variables: &[&str] = if only { &[&own, VARIABLE] } else { &[&own] };
    let all = |text: &str| value::items(text).map(SigningKey::read).collect::<Read<Vec<_>>>();
    let hidden = |text: &str| vec!["***"; value::items(text).count()].join(",");
    if let Some(keys) = layers.read_secret(variables, hidden, all)? {
        return Ok(keys);
    }
    // Nothing stands under the variable; what is shown is the file's.
    layers.settings.pop();
    let (key, texts) = match (&it.secret, &it.secrets) {
        (Some(_), Some(_)) => {
            return Err(file::shape(&format!("{place}.secrets"), "secret or secrets, not both"));
        }
        (Some(it), None) => ("secret", std::slice::from_ref(it)),
        (None, Some(several)) => ("secrets", several.as_slice()),
        (None, None) => ("secret", [].as_slice()),
    };
    let keys = texts.iter().map(|it| SigningKey::read(it)).collect::<Read<Vec<_>>>();
    let keys = keys.map_err(|allowed| refused(&format!("{place}.{key}"), "***", allowed))?;
    let (key, value) = (format!("notify.{name}.{key}"), vec!["***"; keys.len()].join(","));
    layers.settings.push(Setting { key, value, source: Source::File });
    Ok(keys)
}

fn types(set: Option<&[String]>, key: &str) -> Result<Vec<String>, ConfigError> {
    let Some(patterns) = set else { return Ok(vec!["*".to_owned()]) };
    let nothing = |it: &&String| !TYPES.iter().any(|name| matches(it, name));
    match patterns.iter().find(nothing) {
        Some(unknown) => Err(ConfigError::Shape {
            key: format!("{key} ({unknown:?})"),
            allowed: format!("\"*\", \"access.*\", or of {}", TYPES.join(", ")),
        }),
        None if patterns.is_empty() => Err(file::shape(key, "at least one type, or no such key")),
        None => Ok(patterns.to_vec()),
    }
}

fn timeout(set: Option<&str>, key: &str) -> Result<Duration, ConfigError> {
    let Some(text) = set else { return Ok(Duration::from_secs(TIMEOUT_SECS.unsigned_abs())) };
    let secs = value::duration(text).ok().filter(|it| (1..=TIMEOUT_SECS_MAX).contains(it));
    let secs = secs.ok_or_else(|| refused(key, text, "a duration from \"1s\" to \"60s\""))?;
    Ok(Duration::from_secs(secs.unsigned_abs()))
}

fn concurrency(set: Option<usize>, key: &str) -> Result<usize, ConfigError> {
    let count = set.unwrap_or(CONCURRENCY);
    match (1..=CONCURRENCY_MAX).contains(&count) {
        true => Ok(count),
        false => Err(refused(key, &count.to_string(), "a number from 1 to 256")),
    }
}

fn refused(key: &str, value: &str, allowed: &'static str) -> ConfigError {
    let (key, value) = (key.to_owned(), value.to_owned());
    ConfigError::Value { key, value, origin: Source::File, allowed }
}

fn show(it: &Endpoint, layers: &mut Layers) {
    let values = [
        ("url", it.shown_url()),
        ("types", it.types.join(",")),
        ("allow_private", it.allow_private.to_string()),
        ("timeout", format!("{}s", it.timeout.as_secs())),
        ("concurrency", it.concurrency.to_string()),
    ];
    for (key, value) in values {
        let key = format!("notify.{}.{key}", it.name);
        layers.settings.push(Setting { key, value, source: Source::File });
    }
}

/// Takes the tables of `[[notify]]`.
///
/// # Errors
/// It is something else.
pub(super) fn tables(table: &Table) -> Result<Vec<Table>, ConfigError> {
    let no_list = || file::shape("notify", "tables, each under [[notify]]");
    let Some(value) = table.get("notify") else { return Ok(Vec::new()) };
    let items = value.as_array().ok_or_else(no_list)?;
    let one = |it: &Value| it.as_table().cloned().ok_or_else(no_list);
    items.iter().map(one).collect()
}
