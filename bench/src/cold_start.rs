//! How long a server takes from its start to its first 200.

use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use crate::client::{Connection, Target};

/// A server that is not up by then is not coming.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How long to wait between two questions.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Args)]
#[group(id = "cold_start options")]
pub(crate) struct Options {
    /// What answers 200 once the server is ready
    #[arg(long, default_value = "http://127.0.0.1:4242/healthz")]
    url: String,
    /// The server and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Starts the server, waits, prints the milliseconds, and stops the server.
pub(crate) fn main(options: &Options) -> Result<ExitCode> {
    let target = Target::parse(&options.url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let started = Instant::now();
    let mut server = Command::new(&options.command[0])
        .args(&options.command[1..])
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("start {}", options.command[0]))?;
    let waited = wait(&runtime, &target, &mut server, started);
    server.kill().context("stop the server")?;
    server.wait().context("wait for the server's end")?;
    println!("{}", json!({ "start_ms": waited?.as_secs_f64() * 1000.0 }));
    Ok(ExitCode::SUCCESS)
}

fn wait(
    runtime: &tokio::runtime::Runtime,
    target: &Target,
    server: &mut Child,
    started: Instant,
) -> Result<Duration> {
    let Target { authority, path } = target;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n").into_bytes();
    while started.elapsed() < START_TIME_MAX {
        if let Ok(200) = runtime.block_on(ask(authority, &request)) {
            return Ok(started.elapsed());
        }
        if let Some(status) = server.try_wait().context("look at the server")? {
            bail!("the server ended before it was ready: {status}");
        }
        thread::sleep(PAUSE);
    }
    bail!("no 200 from {authority}{path} within {} s", START_TIME_MAX.as_secs())
}

async fn ask(authority: &str, request: &[u8]) -> Result<u16> {
    Connection::open(authority).await?.send(request).await
}
