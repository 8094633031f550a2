//! `tollgate.toml`: plans, the policy about access, and the server. A key that we do not know is
//! an error that names the nearest one we do: a misspelt rule must not be a rule that is missing.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::ConfigError;

/// The file as it was read.
#[derive(Debug, Default)]
pub struct File {
    /// Plans by their names.
    pub plans: BTreeMap<String, PlanTable>,
    /// The texts of `[access]` but `connect_accounts`.
    pub access: BTreeMap<String, String>,
    /// Connected accounts that count.
    pub connect_accounts: Vec<String>,
    /// The texts of `[alarms]`.
    pub alarms: BTreeMap<String, String>,
    /// The texts of `[brand]`.
    pub brand: BTreeMap<String, String>,
    /// The tables of `[[notify]]`.
    pub notify: Vec<Table>,
    /// The texts of `[mail]`.
    pub mail: BTreeMap<String, String>,
    /// The statements of `[[on_access_change]]`.
    pub on_access_change: Vec<String>,
    /// The texts of `[pages]`.
    pub pages: BTreeMap<String, String>,
    /// The texts of `[server]`.
    pub server: BTreeMap<String, String>,
}

/// A plan as the file says it.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanTable {
    /// As people read it; the name unless set.
    pub title: Option<String>,
    /// The best of all wins.
    #[serde(default)]
    pub rank: i64,
    /// Period to price id or lookup key.
    #[serde(default)]
    pub prices: BTreeMap<String, String>,
    /// What the plan gives.
    #[serde(default)]
    pub features: Vec<String>,
    /// Period to amount, in minor units; for `tollgate setup`.
    #[serde(default)]
    pub amounts: BTreeMap<String, i64>,
    /// The currency of the amounts.
    pub currency: Option<String>,
    /// How long it may be tried.
    pub trial_days: Option<u32>,
    /// A customer may try once only; true unless set.
    pub trial_once: Option<bool>,
}

const TOP: &[&str] = &[
    "access",
    "alarms",
    "brand",
    "mail",
    "notify",
    "on_access_change",
    "pages",
    "plans",
    "server",
];
const PLAN: &[&str] =
    &["amounts", "currency", "features", "prices", "rank", "title", "trial_days", "trial_once"];
const CONNECT: &str = "connect_accounts";
/// The rules of `[access]`, in the order in which they are shown.
pub const RULES: [&str; 8] = [
    "past_due",
    "unpaid",
    "paused",
    "incomplete",
    "full_refund",
    "partial_refund",
    "dispute_open",
    "dispute_lost",
];
/// The keys of `[server]`.
pub const SERVER: &[&str] = &[
    "connections_max",
    "database_url",
    "handler_timeout",
    "listen",
    "log",
    "log_format",
    "origins",
    "promotion_codes",
    "public_url",
    "rate_limit",
    "trusted_proxies",
    "webhook_networks",
    "webhook_path",
    "webhook_tolerance",
];

/// Reads the text of the file.
///
/// # Errors
/// Names the place, and what is allowed there.
pub fn parse(text: &str) -> Result<File, ConfigError> {
    let table: Table = toml::from_str(text).map_err(|error| {
        // The error's own text would quote the line.
        let before = error.span().map_or("", |it| text.get(..it.start).unwrap_or(text));
        let line = before.matches('\n').count() + 1;
        ConfigError::Syntax { line, why: error.message().to_owned() }
    })?;
    known(&table, TOP, "")?;
    let access = section(&table, "access")?;
    let rules: Vec<&str> = RULES.into_iter().chain([CONNECT]).collect();
    known(&access, &rules, "access.")?;
    let server = section(&table, "server")?;
    known(&server, SERVER, "server.")?;
    let alarms = section(&table, "alarms")?;
    known(&alarms, super::alarms::KEYS, "alarms.")?;
    let (brand, pages) = (section(&table, "brand")?, section(&table, "pages")?);
    known(&brand, super::brand::KEYS, "brand.")?;
    known(&pages, super::brand::PAGES, "pages.")?;
    let mail = section(&table, "mail")?;
    known(&mail, super::mail::KEYS, "mail.")?;
    Ok(File {
        plans: plans(&section(&table, "plans")?)?,
        connect_accounts: accounts(&access)?,
        on_access_change: statements(&table)?,
        access: texts(&access, "access.", Some(CONNECT))?,
        alarms: texts(&alarms, "alarms.", None)?,
        brand: texts(&brand, "brand.", None)?,
        notify: super::notify::tables(&table)?,
        mail: texts(&mail, "mail.", None)?,
        pages: texts(&pages, "pages.", None)?,
        server: texts(&server, "server.", None)?,
    })
}

fn section(table: &Table, name: &str) -> Result<Table, ConfigError> {
    match table.get(name) {
        None => Ok(Table::new()),
        Some(Value::Table(it)) => Ok(it.clone()),
        Some(_) => Err(shape(name, "a table")),
    }
}

pub(super) fn shape(key: &str, allowed: &'static str) -> ConfigError {
    ConfigError::Shape { key: key.to_owned(), allowed: allowed.to_owned() }
}

fn plans(table: &Table) -> Result<BTreeMap<String, PlanTable>, ConfigError> {
    let mut plans = BTreeMap::new();
    for (name, plan) in table {
        let place = format!("plans.{name}");
        let Value::Table(plan) = plan else { return Err(shape(&place, "a table")) };
        known(plan, PLAN, &format!("{place}."))?;
        let read = serde_path_to_error::deserialize(plan.clone());
        let plan: PlanTable = read.map_err(|error| ConfigError::Shape {
            key: format!("{place}.{}", error.path()),
            allowed: error.inner().message().to_owned(),
        })?;
        plans.insert(name.clone(), plan);
    }
    Ok(plans)
}

/// The SQL of `[[on_access_change]]`, as it stands there.
fn statements(table: &Table) -> Result<Vec<String>, ConfigError> {
    const KEY: &str = "on_access_change";
    const ALLOWED: &str = "tables [[on_access_change]], each with a text sql";
    let Some(value) = table.get(KEY) else { return Ok(Vec::new()) };
    let Value::Array(items) = value else { return Err(shape(KEY, ALLOWED)) };
    let statement = |it: &Value| {
        let Value::Table(it) = it else { return Err(shape(KEY, ALLOWED)) };
        known(it, &["sql"], "on_access_change.")?;
        let sql = it.get("sql").and_then(Value::as_str);
        sql.map(str::to_owned).ok_or_else(|| shape(KEY, ALLOWED))
    };
    items.iter().map(statement).collect()
}

fn accounts(access: &Table) -> Result<Vec<String>, ConfigError> {
    const ALLOWED: &str = "a list of account ids (\"acct_…\"), or [\"all\"]";
    let Some(value) = access.get(CONNECT) else { return Ok(Vec::new()) };
    let key = "access.connect_accounts";
    let Value::Array(items) = value else { return Err(shape(key, ALLOWED)) };
    let account = |it: &Value| {
        let text = it.as_str().filter(|it| *it == "all" || it.starts_with("acct_"));
        text.map(str::to_owned).ok_or_else(|| shape(key, ALLOWED))
    };
    items.iter().map(account).collect()
}

/// Values as the texts that they would be as variables; a list is comma separated.
fn texts(
    table: &Table,
    prefix: &str,
    except: Option<&str>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut texts = BTreeMap::new();
    for (key, value) in table.iter().filter(|(key, _)| Some(key.as_str()) != except) {
        let text = text(value).ok_or_else(|| shape(&format!("{prefix}{key}"), "a text"))?;
        texts.insert(key.clone(), text);
    }
    Ok(texts)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(it) => Some(it.clone()),
        Value::Integer(it) => Some(it.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items.map(|it| it.join(","))
        }
        _ => None,
    }
}

pub(super) fn known(table: &Table, keys: &[&str], prefix: &str) -> Result<(), ConfigError> {
    let Some(unknown) = table.keys().find(|it| !keys.contains(&it.as_str())) else {
        return Ok(());
    };
    let nearest = keys.iter().min_by_key(|it| distance(it, unknown));
    Err(ConfigError::UnknownKey {
        key: format!("{prefix}{unknown}"),
        nearest: format!("{prefix}{}", nearest.copied().unwrap_or_default()),
    })
}

/// Levenshtein's: how many letters have to change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
