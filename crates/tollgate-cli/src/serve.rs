//! `tollgate serve`: the server.

use std::path::Path;
use std::process::ExitCode;

use tollgate::{Config, Tollgate};

use crate::{logging, shutdown};

/// Runs the command until SIGTERM or SIGINT.
pub async fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = Config::from_environment(file)?;
    let _lines = logging::start(&config)?;
    if let Some(point) = tollgate::config::crash_at() {
        tollgate::crash::arm(&point);
    }
    Tollgate::builder(&config).serve(shutdown::requested()).await?;
    Ok(ExitCode::SUCCESS)
}
