//! What the commands for coupons and for promotion codes share: the way to Stripe, by the code of
//! the routes, and how a list is printed.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tollgate::billing::{Billing, BillingError};
use tollgate::deliver::destinations;
use tollgate::receive::{self, Receiver, Writers};
use tollgate::store::{Db, schema};

use crate::dev::beside::Beside;
use crate::exit::{self, WrongUsage};
use crate::out;

/// Pages of a list at the most.
const PAGES_MAX: usize = 1_000;

/// The way to Stripe, while a command runs.
pub struct Desk {
    pub billing: Billing,
    db: Db,
    receiver: Receiver,
    writers: Writers,
}

impl Desk {
    /// Opens it.
    pub async fn open(file: Option<&Path>, beside: &Beside) -> anyhow::Result<Self> {
        let (config, clock) = beside.settings(file).await?;
        let db = Db::connect(config.database_url.reveal()).await?;
        schema::migrate(&db).await?;
        let rulebook = Arc::new(destinations::rulebook(&config));
        let (receiver, writers) = receive::open(&db, &rulebook, &clock);
        let no_key = || WrongUsage("discounts are Stripe's: set STRIPE_SECRET_KEY".to_owned());
        let billing = Billing::new(&config, &db, &receiver, &clock).ok_or_else(no_key)?;
        Ok(Self { billing, db, receiver, writers })
    }

    /// Closes it; what Stripe said is kept before the command ends.
    pub async fn close(self) {
        let Self { billing, db, receiver, writers } = self;
        drop((billing, receiver));
        writers.finish().await;
        db.close().await;
    }
}

/// Puts what was given on the command line into the form that the route takes.
pub fn form<T: DeserializeOwned>(given: Value) -> anyhow::Result<T> {
    let given = match given {
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, it)| !it.is_null()).collect::<Map<_, _>>().into()
        }
        other => other,
    };
    serde_json::from_value(given).map_err(|it| WrongUsage(it.to_string()).into())
}

/// What to do after another page, and what was said.
pub struct Turn<T> {
    data: Vec<T>,
    /// The last of it, where there is more.
    next: Option<String>,
}

/// Reads a page of a list.
pub fn turn<T: Serialize>(page: &T) -> anyhow::Result<Turn<Value>> {
    let mut page = serde_json::to_value(page)?;
    let more = page["has_more"] == true;
    let data = match page["data"].take() {
        Value::Array(data) => data,
        _ => Vec::new(),
    };
    let last = data.last().and_then(|it| it["id"].as_str()).map(str::to_owned);
    Ok(Turn { data, next: last.filter(|_| more) })
}

/// Prints all pages of a list, each entry on a line.
pub async fn list<F>(json: bool, line: fn(&Value) -> String, page: F) -> anyhow::Result<ExitCode>
where
    F: AsyncFn(Option<String>) -> anyhow::Result<Turn<Value>>,
{
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let turn = page(after).await?;
        for it in &turn.data {
            show(it, json, line)?;
        }
        after = turn.next;
        if after.is_none() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints one entry.
pub fn show(it: &Value, json: bool, line: fn(&Value) -> String) -> anyhow::Result<()> {
    let text = if json { it.to_string() } else { line(it) };
    Ok(out::line(text)?)
}

/// Says what was refused; what Stripe does not know is found to be wrong.
pub fn refused(error: BillingError) -> anyhow::Result<ExitCode> {
    match error {
        BillingError::Unknown(why) => {
            out::note(why);
            Ok(exit::found_something())
        }
        error => Err(failed(error)),
    }
}

/// Makes a failure one that says its exit code.
pub fn failed(error: BillingError) -> anyhow::Error {
    match error {
        BillingError::Invalid { field, message, allowed } if allowed.is_empty() => {
            WrongUsage(format!("{field}: {message}")).into()
        }
        BillingError::Invalid { field, message, allowed } => {
            WrongUsage(format!("{field}: {message} There are: {}.", allowed.join(", "))).into()
        }
        BillingError::NotConfigured(why) => WrongUsage(why.to_owned()).into(),
        BillingError::Stripe(error) => error.into(),
        BillingError::Store(error) => error.into(),
        error => error.into(),
    }
}

/// How often it was used, by our count and by Stripe's, and how often it may be.
pub fn uses(it: &Value) -> String {
    let most = it["max_redemptions"].as_i64().map_or(String::new(), |it| format!(" of {it}"));
    format!("used {}{most} (Stripe: {})", it["used"], it["times_redeemed"])
}

/// A text, without the quotes of JSON.
pub fn text(it: &Value) -> String {
    it.as_str().map_or_else(|| it.to_string(), str::to_owned)
}
