//! Log lines: one JSON object a line, or text for people, on standard error. A thread of their own
//! writes them, all that wait at once: no request waits for a log.

use std::io::{BufWriter, IsTerminal, stderr};

use anyhow::Context;
use tollgate::config::{Config, LogFormat};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Starts logging as configured; what waits is written when the guard is dropped.
///
/// # Errors
/// The filter is none.
pub fn start(config: &Config) -> anyhow::Result<WorkerGuard> {
    start_with(&config.log, config.log_format)
}

/// Starts logging as text, for commands without a configuration.
///
/// # Errors
/// The filter is none.
pub fn start_plain(filter: &str) -> anyhow::Result<WorkerGuard> {
    start_with(filter, LogFormat::Text)
}

fn start_with(filter: &str, format: LogFormat) -> anyhow::Result<WorkerGuard> {
    let filter = EnvFilter::try_new(filter).context("read TOLLGATE_LOG")?;
    let (writer, guard) = NonBlocking::new(BufWriter::new(stderr()));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).init(),
    }
    Ok(guard)
}
