//! `--dev` of the commands that look at a database or at Stripe: instead of what is configured they
//! take what the `tollgate dev` that runs beside has: its database, its sandbox, its plans and time.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use tollgate::clock::Clock;
use tollgate::config::{Config, Secret};

use super::{DATABASE, development, sell_in};
use crate::exit::WrongUsage;
use crate::sandbox::{LISTEN, LISTEN_VARIABLE};

const SQLITE: &str = "sqlite://";

/// Whose settings a command takes.
#[derive(Debug, clap::Args)]
pub struct Beside {
    /// Look at the `tollgate dev` that runs, with its sandbox and its database.
    #[arg(long, global = true)]
    dev: bool,
    /// The database's file of `tollgate dev`.
    #[arg(long, global = true, default_value = DATABASE, value_name = "FILE", requires = "dev")]
    database: PathBuf,
    /// Where the sandbox of `tollgate dev` listens.
    #[arg(long, global = true, env = LISTEN_VARIABLE, default_value = LISTEN, value_name = "ADDR")]
    sandbox_listen: String,
}

impl Beside {
    /// The settings, and the time that it is there.
    pub async fn settings(&self, file: Option<&Path>) -> anyhow::Result<(Config, Clock)> {
        let config = Config::from_environment(file)?;
        if self.dev {
            return self.of_dev(config).await;
        }
        refuse_stray(&config)?;
        Ok((config, Clock::system()))
    }

    async fn of_dev(&self, config: Config) -> anyhow::Result<(Config, Clock)> {
        let sandbox = format!("http://{}", self.sandbox_listen);
        let mut config = development(config, &self.database);
        sell_in(&mut config, &sandbox);
        let state = ask(&sandbox, "/_sandbox/state").await?;
        let endpoints = ask(&sandbox, "/_sandbox/endpoints").await?;
        let urls = config.webhook_urls();
        let mut endpoints = endpoints["data"].as_array().into_iter().flatten();
        let ours = endpoints.find(|it| it["url"].as_str().is_some_and(|it| urls[0] == it));
        let secret = ours.and_then(|it| it["secret"].as_str());
        config.webhook_secrets.extend(secret.map(Secret::new));
        let now = state["now"].as_i64().context("read the sandbox's clock")?;
        Ok((config, Clock::manual(now.saturating_mul(1000))))
    }
}

/// An empty database would answer for the one that is meant: nobody has access there.
fn refuse_stray(config: &Config) -> anyhow::Result<()> {
    let Some(file) = config.database_url.reveal().strip_prefix(SQLITE) else { return Ok(()) };
    if Path::new(file).exists() || !Path::new(DATABASE).exists() {
        return Ok(());
    }
    let why = format!(
        "there is no database {file} yet, but {DATABASE} of a `tollgate dev`: to look at that, \
         add --dev while it runs"
    );
    Err(WrongUsage(why).into())
}

async fn ask(sandbox: &str, path: &str) -> anyhow::Result<Value> {
    let url = format!("{sandbox}{path}");
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(&url).send().await;
    let answer = answer.with_context(|| format!("reach the sandbox of `tollgate dev` at {url}"))?;
    answer.json().await.context("read the sandbox's answer")
}
