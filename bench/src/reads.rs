//! Asks who may use what, at a fixed rate, while events arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::{Connection, Target};
use crate::load::{collect, due, pace};
use crate::plan::{Plan, Random};
use crate::report::Tally;

/// Readers share this many connections.
const CONNECTIONS: usize = 8;
/// How many different questions are prepared; they are asked in turn.
const REQUESTS_MAX: usize = 10_000;
/// The longest a run may read: the pacer needs an end.
const READ_SECS_MAX: f64 = 600.0;

#[derive(Args)]
#[group(id = "reads options")]
pub(crate) struct Options {
    /// What to read meanwhile; `{user}` becomes a user whom the events name
    #[arg(long, requires = "reads")]
    read_url: Option<String>,
    /// The bearer key for reading
    #[arg(long, default_value = "")]
    api_key: String,
    /// Reads a second
    #[arg(long, requires = "read_url")]
    reads: Option<f64>,
}

/// Readers at work.
pub(crate) struct Reading {
    turns: Arc<Semaphore>,
    readers: JoinSet<Result<Tally>>,
    pacer: std::thread::JoinHandle<()>,
}

/// Starts reading where the options ask for it.
pub(crate) async fn start(options: &Options, plan: &Plan, seed: u64) -> Result<Option<Reading>> {
    let (Some(url), Some(rate)) = (&options.read_url, options.reads) else { return Ok(None) };
    ensure!(rate > 0.0, "the rate of reads must be above zero");
    let requests = Arc::new(requests(url, &options.api_key, plan, seed)?);
    let authority = Target::parse(url)?.authority;
    let turns = Arc::new(Semaphore::new(0));
    let next = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    let started = Instant::now();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(&authority).await?;
        let (requests, turns, next) =
            (Arc::clone(&requests), Arc::clone(&turns), Arc::clone(&next));
        readers.spawn(async move {
            let mut tally = Tally::new();
            while let Ok(turn) = turns.acquire().await {
                turn.forget();
                let place = next.fetch_add(1, Ordering::Relaxed);
                let status = connection.send(&requests[place % requests.len()]).await?;
                tally.record(status, started.elapsed().saturating_sub(due(place, rate)));
            }
            Ok(tally)
        });
    }
    let pacer = pace(Arc::clone(&turns), (rate * READ_SECS_MAX) as usize, rate, started);
    Ok(Some(Reading { turns, readers, pacer }))
}

impl Reading {
    /// Stops reading and returns what was measured.
    pub(crate) async fn finish(self) -> Result<Tally> {
        self.turns.close();
        let tally = collect(self.readers).await;
        self.pacer.join().ok().context("the readers' pacer stopped")?;
        tally
    }
}

fn requests(url: &str, api_key: &str, plan: &Plan, seed: u64) -> Result<Vec<Vec<u8>>> {
    ensure!(!plan.users.is_empty(), "the events name no user whose access could be read");
    let mut random = Random(seed);
    let count = plan.users.len() as u64;
    (0..REQUESTS_MAX)
        .map(|_| {
            let chosen = usize::try_from(random.next() % count)?;
            let Target { authority, path } =
                Target::parse(&url.replace("{user}", &plan.users[chosen]))?;
            Ok(format!(
                "GET {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {api_key}\r\n\r\n"
            )
            .into_bytes())
        })
        .collect()
}
