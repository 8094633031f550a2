//! `tollgate openapi`: prints the document that the server serves.

use std::process::ExitCode;

/// Runs the command.
pub fn run() -> anyhow::Result<ExitCode> {
    println!("{}", tollgate::http::openapi());
    Ok(ExitCode::SUCCESS)
}
