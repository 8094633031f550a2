//! `tollgate openapi`: prints the document that the server serves.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Runs the command. Whoever reads only the beginning (`| head`) has what they want.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(tollgate::http::OPENAPI.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
