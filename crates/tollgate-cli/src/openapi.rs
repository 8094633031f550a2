//! `tollgate openapi`: prints the document that the server serves.

use std::process::ExitCode;

/// Runs the command.
pub fn run() -> ExitCode {
    print!("{}", tollgate::http::OPENAPI);
    ExitCode::SUCCESS
}
