//! `tollgate openapi`: prints the document that the server serves.

use std::process::ExitCode;

use crate::out;

/// Runs the command.
pub fn run() -> anyhow::Result<ExitCode> {
    out::text(tollgate::http::OPENAPI)?;
    Ok(ExitCode::SUCCESS)
}
