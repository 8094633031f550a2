//! `tollgate config`: the resolved values and where each comes from, secrets hidden.

use std::path::Path;
use std::process::ExitCode;

use tollgate::config::Config;

use crate::out;

/// Print the configuration and where each value comes from.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = Config::from_environment(file)?.describe();
    if arguments.json {
        out::line(serde_json::to_string_pretty(&settings)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = settings.iter().map(|it| it.key.len()).max().unwrap_or(0);
    for it in &settings {
        out::line(format_args!("{:<width$}  {}  ({})", it.key, it.value, it.source))?;
    }
    Ok(ExitCode::SUCCESS)
}
