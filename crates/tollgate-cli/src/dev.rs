//! `tollgate dev`: the server on an embedded database with test secrets, for a newcomer without an
//! account and without a network, and a page that shows what happens.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tollgate::clock::Clock;
use tollgate::config::{Config, LogFormat, Secret};
use tollgate::serve::Server;

use crate::{logging, shutdown};

/// Signs the events of `tollgate trigger` where nothing else is configured. Known to everybody:
/// never a secret of a real server.
pub const WEBHOOK_SECRET: &str = "whsec_tollgate_dev";
/// The app's key where none is configured.
const API_KEY: &str = "dev";

/// Run everything offline, with test secrets, and a page that shows what happens.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The database's file.
    #[arg(long, default_value = "tollgate-dev.db", value_name = "FILE")]
    database: PathBuf,
    /// Show a log line for each event.
    #[arg(long)]
    verbose: bool,
}

/// Runs the command until SIGTERM or SIGINT.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = development(Config::from_environment(file)?, arguments);
    let _lines = logging::start(&config)?;
    let server = Server::start(&config, &Clock::system()).await?;
    print!("{}", welcome(&server, &config));
    shutdown::requested().await;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// What is configured, with test secrets where there are none, always on a database of its own.
fn development(mut config: Config, arguments: &Arguments) -> Config {
    config.dev = true;
    config.database_url = Secret::new(format!("sqlite://{}", arguments.database.display()));
    config.webhook_secrets.push(Secret::new(WEBHOOK_SECRET));
    if config.api_keys.is_empty() {
        config.api_keys.push(Secret::new(API_KEY));
    }
    config.log_format = LogFormat::Text;
    if !arguments.verbose {
        "warn".clone_into(&mut config.log);
    }
    config
}

fn welcome(server: &Server, config: &Config) -> String {
    let address = server.address();
    let key = match config.api_keys.first() {
        Some(key) if key.reveal() == API_KEY => API_KEY,
        _ => "$TOLLGATE_API_KEY",
    };
    format!(
        "
  Tollgate is running.        http://{address}/

  In another terminal:
    tollgate trigger checkout.session.completed --user ada
    curl -H 'Authorization: Bearer {key}' http://{address}/access/ada
    tollgate trigger list

  Point any tool at it:       http://{address}/stripe/webhook
  Signing secret:             {WEBHOOK_SECRET}

  From a checkout, `tollgate` is `cargo run --`. Ctrl-C ends it; what happened is kept in
  the database file.

"
    )
}
