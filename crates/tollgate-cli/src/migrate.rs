//! `tollgate migrate`: brings the database's tables to this version.

use std::path::Path;
use std::process::ExitCode;

use tollgate::config::Config;
use tollgate::store::{Db, schema};

use crate::out;

/// Runs the command.
pub async fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = Config::from_environment(file)?;
    let db = Db::connect(config.database_url.reveal()).await?;
    schema::migrate(&db).await?;
    db.close().await;
    out::line("The database is up to date.")?;
    Ok(ExitCode::SUCCESS)
}
