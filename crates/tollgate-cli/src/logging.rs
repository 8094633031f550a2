//! Log lines: one JSON object a line, or text for people, on standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tollgate::config::{Config, LogFormat};
use tracing_subscriber::EnvFilter;

/// Starts logging as configured.
///
/// # Errors
/// The filter is none.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log).context("read TOLLGATE_LOG")?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
    }
    Ok(())
}
