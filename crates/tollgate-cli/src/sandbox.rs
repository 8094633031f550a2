//! `tollgate sandbox`: the offline Stripe alone, for an app's own tests and for trying things.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tollgate_sandbox::server::{Options, Sandbox};

use crate::{logging, out, shutdown};

/// Where a sandbox listens unless told otherwise.
pub const LISTEN: &str = "127.0.0.1:4243";
/// Tells it otherwise, and so where commands look for one.
pub const LISTEN_VARIABLE: &str = "TOLLGATE_SANDBOX_LISTEN";

/// Run the offline Stripe alone.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = LISTEN_VARIABLE, default_value = LISTEN, value_name = "ADDR")]
    listen: SocketAddr,
    /// Keep everything in this file [default: in memory].
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Decides all ids: the same seed and the same calls give the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the main clock begins, in Unix seconds [default: the present].
    #[arg(long, value_name = "UNIX")]
    now: Option<i64>,
    /// Show a log line for each delivery.
    #[arg(long)]
    verbose: bool,
}

/// Runs the command until SIGTERM or SIGINT.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let _lines = logging::start_plain(if arguments.verbose { "debug" } else { "warn" })?;
    let Arguments { listen, file, seed, now, .. } = arguments;
    let options = Options { listen, file, seed, now, ..Options::default() };
    let stopping = shutdown::requested();
    let sandbox = Sandbox::start(options).await.context("start the sandbox")?;
    out::line(format_args!("sandbox ready at {}", sandbox.url()))?;
    stopping.await;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}
