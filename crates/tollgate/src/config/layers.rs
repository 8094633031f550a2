//! Where a value comes from: `tollgate.toml`, then `.env`, then `.env.local`, then the
//! environment; the later wins. What was read is noted with its source, to be shown.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ConfigError;
use super::alarms;
use super::file::{self, SERVER};
use super::mail;
use super::secret::{self, Secret};
use super::value::Read;

/// Where a value comes from. The later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Source {
    /// Nobody set it.
    #[serde(rename = "default")]
    Default,
    /// The configuration file.
    #[serde(rename = "tollgate.toml")]
    File,
    /// The file `.env`.
    #[serde(rename = ".env")]
    Dotenv,
    /// The file `.env.local`.
    #[serde(rename = ".env.local")]
    DotenvLocal,
    /// The environment.
    #[serde(rename = "environment")]
    Environment,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "tollgate.toml",
            Self::Dotenv => ".env",
            Self::DotenvLocal => ".env.local",
            Self::Environment => "environment",
        })
    }
}

/// A value that is in force, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The variable, or the place in the file.
    pub key: String,
    /// As it is in force; secrets are hidden.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// A value that somebody set.
struct Found<'a> {
    key: &'a str,
    text: &'a str,
    source: Source,
}

/// All sources together.
pub(super) struct Layers {
    layers: Vec<(Source, BTreeMap<String, String>)>,
    /// What was read so far.
    pub(super) settings: Vec<Setting>,
}

impl Layers {
    /// Puts the texts of the file's `[server]`, `[mail]` and `[alarms]` below the other layers.
    pub(super) fn new(
        file: &file::File,
        mut others: Vec<(Source, BTreeMap<String, String>)>,
    ) -> Self {
        let named = |(key, text): (&String, &String)| (variable_of(key), text.clone());
        let of_mail = |(key, text): (&String, &String)| (mail::variable_of(key), text.clone());
        let of_alarms = |(key, text): (&String, &String)| (alarms::variable_of(key), text.clone());
        let texts = file.server.iter().map(named).chain(file.mail.iter().map(of_mail));
        let texts = texts.chain(file.alarms.iter().map(of_alarms));
        others.push((Source::File, texts.collect()));
        others.sort_by_key(|(source, _)| std::cmp::Reverse(*source));
        Self { layers: others, settings: Vec::new() }
    }

    /// A blank value is one that somebody forgot: it counts as not set.
    fn find<'a>(&'a self, keys: &[&'a str]) -> Option<Found<'a>> {
        self.layers.iter().find_map(|(source, pairs)| {
            keys.iter().find_map(|key| {
                let text = pairs.get(*key).map(|it| it.trim()).filter(|it| !it.is_empty())?;
                Some(Found { key, text, source: *source })
            })
        })
    }

    /// Reads a value that may be shown; `default` is what holds where nobody set one.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        default: &str,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<T, ConfigError> {
        let found = self.find(&[key]);
        let found = found.unwrap_or(Found { key, text: default, source: Source::Default });
        let value = read(found.text).map_err(|allowed| ConfigError::Value {
            key: shown_key(found.key, found.source),
            value: found.text.to_owned(),
            origin: found.source,
            allowed,
        })?;
        let setting = Setting {
            key: shown_key(found.key, found.source),
            value: secret::without_keys(found.text),
            source: found.source,
        };
        self.settings.push(setting);
        Ok(value)
    }

    /// Whether somebody set the value that was read last.
    pub(super) fn is_set(&self) -> bool {
        self.settings.last().is_some_and(|it| it.source != Source::Default)
    }

    /// Reads a value that may be shown and need not be set.
    pub(super) fn read_optional<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.read(key, "", |text| match text {
            "" => Ok(None),
            text => read(text).map(Some),
        })
    }

    /// Reads a secret under the first of several names; `show` says how it is shown.
    pub(super) fn read_secret<T>(
        &mut self,
        keys: &[&str],
        show: impl Fn(&str) -> String,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(found) = self.find(keys) else {
            let key = keys[0].to_owned();
            self.settings.push(Setting { key, value: String::new(), source: Source::Default });
            return Ok(None);
        };
        let key = shown_key(found.key, found.source);
        let value = read(found.text).map_err(|allowed| ConfigError::Value {
            key: key.clone(),
            value: "***".to_owned(),
            origin: found.source,
            allowed,
        })?;
        let (shown, source) = (show(found.text), found.source);
        self.settings.push(Setting { key, value: shown, source });
        Ok(Some(value))
    }

    /// Reads a list of secrets, each of at least `bytes_min`.
    pub(super) fn read_secrets(
        &mut self,
        key: &str,
        read: impl Fn(&str) -> Read<Secret>,
    ) -> Result<Vec<Secret>, ConfigError> {
        let all = |text: &str| super::value::items(text).map(&read).collect::<Read<Vec<_>>>();
        Ok(self.read_secret(&[key], hidden_list, all)?.unwrap_or_default())
    }
}

/// Shows how many secrets there are.
fn hidden_list(text: &str) -> String {
    super::value::items(text).map(|_| "***").collect::<Vec<_>>().join(",")
}

/// The variable that says the same as a key of `[server]`.
fn variable_of(key: &str) -> String {
    match key {
        "database_url" => "DATABASE_URL".to_owned(),
        _ => format!("TOLLGATE_{}", key.to_ascii_uppercase()),
    }
}

fn shown_key(key: &str, source: Source) -> String {
    if source != Source::File {
        return key.to_owned();
    }
    let server = SERVER.iter().find(|it| variable_of(it) == key).map(|it| format!("server.{it}"));
    let mail = mail::KEYS.iter().find(|it| mail::variable_of(it) == key);
    let alarm = alarms::KEYS.iter().find(|it| alarms::variable_of(it) == key);
    let alarm = alarm.map(|it| format!("alarms.{it}"));
    server.or(mail.map(|it| format!("mail.{it}"))).or(alarm).unwrap_or_else(|| key.to_owned())
}
