//! `tollgate rebuild [--check]`: derives the whole state anew from the stored events.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use tollgate::deliver::destinations;
use tollgate::handlers::Handlers;
use tollgate::reconcile::rebuild::{self, Report};
use tollgate::store::{Db, schema};

use crate::dev::beside::Beside;
use crate::exit;
use crate::out;

/// How many events lie between two lines of progress.
const PROGRESS_EVERY: u64 = 10_240;

/// Derive the whole state anew from the stored events and mend what differs.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Change nothing; exit with 1 where something differs.
    #[arg(long)]
    check: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    beside: Beside,
}

/// Runs the command.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (config, clock) = arguments.beside.settings(file).await?;
    let db = Db::connect(config.database_url.reveal()).await?;
    schema::migrate(&db).await?;
    let folder = tempfile::tempdir()?;
    let scratch = folder.path().join("scratch.db");
    let now_ms = clock.now_ms();
    let (statements, limit) = (&config.on_access_change, config.handler_timeout);
    let handlers = Handlers::of_operator(statements, limit, &db)?;
    let mend = (!arguments.check).then_some(&handlers);
    let rulebook = destinations::rulebook(&config);
    let report = rebuild::run(&db, &rulebook, &scratch, now_ms, mend, progress).await?;
    db.close().await;
    print(&report, arguments)?;
    let wrong = arguments.check && !report.drift.is_empty();
    Ok(if wrong { exit::found_something() } else { ExitCode::SUCCESS })
}

fn progress(events: u64) {
    if !events.is_multiple_of(PROGRESS_EVERY) {
        return;
    }
    if std::io::stderr().is_terminal() {
        out::note_text(format_args!("\r{events} events"));
    } else {
        out::note(format_args!("{events} events"));
    }
}

fn print(report: &Report, arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.json {
        out::line(serde_json::to_string_pretty(report)?)?;
        return Ok(());
    }
    for it in &report.drift {
        out::line(format_args!("{} {}: {}", it.table, it.id, it.what))?;
    }
    let Report { events, objects, users, drift } = report;
    let verb = if arguments.check { "differ" } else { "were mended" };
    let read = format_args!("{events} events, {objects} objects, {users} users");
    out::line(format_args!("{read}; {} {verb}.", drift.len()))?;
    Ok(())
}
