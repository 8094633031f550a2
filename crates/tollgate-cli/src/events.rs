//! `tollgate events list|show|replay`: the stored events.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate::answer::{rfc3339, rfc3339_ms};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::deliver::destinations;
use tollgate::handlers::Handlers;
use tollgate::receive::{self, Outcome, Receiver};
use tollgate::reconcile::replay;
use tollgate::store::event::{self, Status, Summary};
use tollgate::store::{Db, schema};

use crate::dev::beside::Beside;
use crate::exit::{self, WrongUsage};
use crate::out;

/// List, show or replay the stored events.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the newest events.
    List {
        /// Only those of this status: applied, ignored or failed.
        #[arg(long)]
        status: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
        /// Print JSON, one event a line.
        #[arg(long)]
        json: bool,
    },
    /// Print an event as Stripe sent it, byte for byte, and on standard error what became of it.
    Show {
        /// The event's id.
        id: String,
        /// Print JSON instead: what became of it, and the event as `event`.
        #[arg(long)]
        json: bool,
    },
    /// Apply events again: those named, or all that failed.
    Replay {
        /// The events' ids.
        ids: Vec<String>,
        /// All that failed (at most a thousand at a time).
        #[arg(long, conflicts_with = "ids")]
        failed: bool,
        /// Print JSON, one event a line.
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
        Command::List { status, limit, json } => list(&db, status.as_deref(), *limit, *json).await,
        Command::Show { id, json } => show(&db, id, *json).await,
        Command::Replay { ids, failed, json } => {
            replay(&db, (config, &clock), (ids, *failed), *json).await
        }
    }
}

async fn list(db: &Db, status: Option<&str>, limit: i64, json: bool) -> anyhow::Result<ExitCode> {
    let unknown = |it: &str| WrongUsage(format!("status {it}: use applied, ignored or failed"));
    let status = status.map(|it| Status::from_name(it).ok_or_else(|| unknown(it))).transpose()?;
    for it in event::list(db, status, limit).await? {
        if json {
            out::line(as_json(&it))?;
        } else {
            out::line(line(&it))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(it: &Summary) -> Value {
    json!({
        "id": it.id,
        "type": it.event_type,
        "created_at": rfc3339(it.created_at),
        "object_id": it.object_id,
        "account": it.account,
        "status": it.status,
        "error": it.error,
        "attempts": it.attempts,
        "retry_at": it.retry_at.map(rfc3339),
        "seen": it.seen,
        "received_at": rfc3339_ms(it.received_ms),
    })
}

fn line(it: &Summary) -> String {
    let about = it.object_id.as_deref().unwrap_or("-");
    let at = rfc3339(it.created_at);
    let mut line = format!("{at}  {:<8} {:<44} {about}  {}", it.status, it.event_type, it.id);
    if let Some(error) = &it.error {
        let next = it.retry_at.map_or("not tried again".to_owned(), rfc3339);
        line.push_str(&format!("\n    {error} ({} attempts; next: {next})", it.attempts));
    }
    line
}

async fn show(db: &Db, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    let Some((summary, body)) = event::show(db, id).await? else {
        out::note(format_args!("no event {id} is stored"));
        return Ok(exit::found_something());
    };
    if json {
        let mut shown = as_json(&summary);
        shown["event"] = serde_json::from_slice(&body)?;
        out::line(shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    out::note(line(&summary));
    out::bytes(&body)?;
    // A file or a pipe gets the very bytes that were signed.
    if std::io::stdout().is_terminal() {
        out::line("")?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(
    db: &Db,
    (config, clock): (Config, &Clock),
    which: (&[String], bool),
    json: bool,
) -> anyhow::Result<ExitCode> {
    let ids = match which {
        ([], false) => {
            return Err(WrongUsage("name events, or give --failed".to_owned()).into());
        }
        ([], true) => {
            let failed = event::list(db, Some(Status::Failed), 1000).await?;
            failed.into_iter().map(|it| it.id).collect()
        }
        (ids, _) => ids.to_vec(),
    };
    let rulebook = Arc::new(destinations::rulebook(&config));
    let (statements, limit) = (&config.on_access_change, config.handler_timeout);
    let handlers = Arc::new(Handlers::of_operator(statements, limit, db)?);
    let (receiver, writers) = receive::open_with(db, &rulebook, handlers, clock);
    let wrong = replay_all(db, &receiver, &ids, json).await?;
    drop(receiver);
    writers.finish().await;
    db.close().await;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { exit::found_something() })
}

async fn replay_all(
    db: &Db,
    receiver: &Receiver,
    ids: &[String],
    json: bool,
) -> anyhow::Result<usize> {
    let mut wrong = 0;
    for id in ids {
        let (outcome, why) = match replay::one(db, receiver, id).await? {
            None => ("not stored", None),
            Some(Outcome::Failed(why)) => ("failed", Some(why)),
            Some(Outcome::Ignored) => ("ignored", None),
            Some(Outcome::Applied | Outcome::Duplicate) => ("applied", None),
        };
        wrong += usize::from(!["ignored", "applied"].contains(&outcome));
        match (json, why) {
            (true, why) => {
                let outcome = outcome.replace(' ', "_");
                out::line(json!({ "id": id, "outcome": outcome, "error": why }))?;
            }
            (false, Some(why)) => out::line(format_args!("{id}  {outcome}: {why}"))?,
            (false, None) => out::line(format_args!("{id}  {outcome}"))?,
        }
    }
    Ok(wrong)
}
