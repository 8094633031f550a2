//! `tollgate outbox list|retry`: what is told to whom, and how far that has come.

use std::cmp::Reverse;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate::answer::{rfc3339, rfc3339_ms};
use tollgate::clock::Clock;
use tollgate::deliver::destinations;
use tollgate::store::delivery::{self, Delivery};
use tollgate::store::{Db, StoreError, schema};

use crate::dev::beside::Beside;
use crate::exit::{self, WrongUsage};
use crate::out;

const STATUSES: [&str; 5] = ["pending", "held", "done", "skipped", "dead"];

/// List what is told to whom, or have it told again.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List deliveries: facts, whom they are told, and how far that has come.
    List {
        /// Only those of this status: pending, held (nobody can be reached with what is
        /// configured), done, skipped or dead.
        #[arg(long)]
        status: Option<String>,
        /// Only those to this destination: mail, stripe or notify:NAME.
        #[arg(long)]
        to: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
        /// Print JSON, one delivery a line.
        #[arg(long)]
        json: bool,
    },
    /// Have a delivery that was given up, or waits, made now.
    Retry {
        /// The fact's key, as the list shows it.
        fact: String,
        /// Whom it is told: mail, stripe or notify:NAME.
        #[arg(long)]
        to: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn run(
    file: Option<&Path>,
    beside: &Beside,
    command: &Command,
) -> anyhow::Result<ExitCode> {
    let (config, clock) = beside.settings(file).await?;
    let db = Db::connect(config.database_url.reveal()).await?;
    schema::migrate(&db).await?;
    match command {
        Command::List { status, to, limit, json } => {
            let status = status.as_deref().unwrap_or_default();
            if !status.is_empty() && !STATUSES.contains(&status) {
                let allowed = STATUSES.join(", ");
                return Err(WrongUsage(format!("status {status}: use one of {allowed}")).into());
            }
            let to = to.as_deref().unwrap_or_default();
            list(&db, &destinations::names(&config), (status, to), *limit, *json).await
        }
        Command::Retry { fact, to, json } => retry(&db, &clock, (fact, to), *json).await,
    }
}

async fn list(
    db: &Db,
    reachable: &[String],
    (status, to): (&str, &str),
    limit: i64,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let is_held = |destination: &String| !reachable.contains(destination);
    let mut found = match status {
        "held" => waiting(db, to, limit, is_held).await?,
        "pending" => waiting(db, to, limit, |it| !is_held(it)).await?,
        _ => delivery::newest(db, status, to, limit).await?,
    };
    for it in &mut found {
        if it.status == "pending" && is_held(&it.destination) {
            "held".clone_into(&mut it.status);
        }
        print(it, json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The newest that wait, of the destinations that are meant: each is asked by itself, so that none
/// hides what waits for another.
async fn waiting(
    db: &Db,
    to: &str,
    limit: i64,
    is_meant: impl Fn(&String) -> bool,
) -> Result<Vec<Delivery>, StoreError> {
    let mut found = Vec::new();
    for (destination, status, _) in delivery::waiting(db).await? {
        let is_asked = to.is_empty() || to == destination;
        if status == "pending" && is_asked && is_meant(&destination) {
            found.extend(delivery::newest(db, &status, &destination, limit).await?);
        }
    }
    found.sort_by_cached_key(|it| {
        (Reverse(it.created_at), it.effect_id.clone(), it.destination.clone())
    });
    found.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(found)
}

fn print(it: &Delivery, json: bool) -> anyhow::Result<()> {
    if json {
        out::line(as_json(it))?;
        return Ok(());
    }
    let at = rfc3339(it.created_at);
    out::line(format_args!("{at}  {:<8} {:<14} {}", it.status, it.destination, it.effect_id))?;
    if let Some(why) = &it.error {
        let next = match it.status.as_str() {
            "pending" => format!("; next: {}", rfc3339(it.due_ms.div_euclid(1000))),
            _ => String::new(),
        };
        out::line(format_args!("    {why} ({} attempts{next})", it.attempts))?;
    }
    Ok(())
}

fn as_json(it: &Delivery) -> Value {
    json!({
        "effect_id": it.effect_id,
        "destination": it.destination,
        "status": it.status,
        "attempts": it.attempts,
        "due_at": rfc3339_ms(it.due_ms),
        "error": it.error,
        "event_id": it.event_id,
        "created_at": rfc3339(it.created_at),
    })
}

async fn retry(
    db: &Db,
    clock: &Clock,
    (fact, to): (&str, &str),
    json: bool,
) -> anyhow::Result<ExitCode> {
    let revived = delivery::revive(db, fact, to, clock.now_ms()).await?;
    match (json, revived) {
        (true, _) => {
            out::line(json!({ "effect_id": fact, "destination": to, "retried": revived }))?;
        }
        (false, true) => {
            out::line("It is made by the running server as soon as it looks for what is due.")?;
        }
        (false, false) => out::note("There is no such delivery that could be made again."),
    }
    Ok(if revived { ExitCode::SUCCESS } else { exit::found_something() })
}
