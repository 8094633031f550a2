//! `tollgate explain USER`: what a user may use, and why.

use std::path::Path;
use std::process::ExitCode;

use tollgate::answer;
use tollgate::store::Db;

use crate::dev::beside::Beside;
use crate::out;

/// Say what a user may use, and why.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The app's id of the user.
    user: String,
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
    tollgate::store::schema::migrate(&db).await?;
    let now = clock.now();
    let explanation = answer::explain(&db, &config.rulebook, &arguments.user, now).await?;
    if arguments.json {
        out::line(serde_json::to_string_pretty(&explanation)?)?;
    } else {
        out::text(explanation)?;
    }
    Ok(ExitCode::SUCCESS)
}
