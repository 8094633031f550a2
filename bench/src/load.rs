//! Drives a server with prepared events.
//!
//! A *closed* loop sends the next event as soon as an answer is there: it finds the highest rate.
//! An *open* loop sends at a fixed rate, whatever the server does, and measures each latency from
//! the moment the event *should* have gone out: it finds what a sender waits at that rate.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::{Connection, Target};
use crate::plan::{Plan, Recipe};
use crate::reads;
use crate::report::{Tally, per_second};

#[derive(Args)]
#[group(id = "load options")]
pub(crate) struct Options {
    /// Where the server takes webhooks
    #[arg(long, default_value = "http://127.0.0.1:4242/stripe/webhook")]
    url: String,
    /// The secret that signs the events
    #[arg(long, default_value = "whsec_bench")]
    secret: String,
    /// How many different events to send
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// How many connections send at once
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Events a second (open loop); as many as the server takes (closed loop) if left out
    #[arg(long)]
    rate: Option<f64>,
    /// Share of the events to deliver twice, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    duplicates: f64,
    /// Share of the events to displace, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    reorder: f64,
    /// Chooses the events, the duplicates and the displaced
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    reads: reads::Options,
}

/// Prepares, runs and prints; a run in which anything was refused ends with exit code 1.
pub(crate) fn main(options: &Options) -> Result<ExitCode> {
    let target = Target::parse(&options.url)?;
    let plan = Arc::new(Plan::prepare(&Recipe {
        target: &target,
        secret: &options.secret,
        events: options.events,
        duplicates: options.duplicates,
        reorder: options.reorder,
        seed: options.seed,
    })?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(run(options, &target, &plan))?;
    println!("{}", line(options, &plan, &measured));
    let reads_succeeded = measured.reads.as_ref().is_none_or(Tally::all_succeeded);
    let succeeded = measured.events.all_succeeded() && reads_succeeded;
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Measured {
    events: Tally,
    elapsed: Duration,
    reads: Option<Tally>,
}

async fn run(options: &Options, target: &Target, plan: &Arc<Plan>) -> Result<Measured> {
    let connections = connect(target, options.connections).await?;
    let reading = reads::start(&options.reads, plan, options.seed).await?;
    let started = Instant::now();
    let events = match options.rate {
        None => closed_loop(connections, plan).await?,
        Some(rate) => open_loop(connections, plan, rate).await?,
    };
    let elapsed = started.elapsed();
    let reads = match reading {
        Some(reading) => Some(reading.finish().await?),
        None => None,
    };
    Ok(Measured { events, elapsed, reads })
}

async fn connect(target: &Target, count: usize) -> Result<Vec<Connection>> {
    ensure!(count > 0, "a run needs at least one connection");
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(&target.authority).await?);
    }
    Ok(connections)
}

async fn closed_loop(connections: Vec<Connection>, plan: &Arc<Plan>) -> Result<Tally> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    for mut connection in connections {
        let (plan, next) = (Arc::clone(plan), Arc::clone(&next));
        senders.spawn(async move {
            let mut tally = Tally::new();
            while let Some(event) = plan.order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let status = connection.send(&plan.requests[*event as usize]).await?;
                tally.record(status, sent.elapsed());
            }
            Ok(tally)
        });
    }
    collect(senders).await
}

async fn open_loop(connections: Vec<Connection>, plan: &Arc<Plan>, rate: f64) -> Result<Tally> {
    ensure!(rate > 0.0, "the rate must be above zero");
    let turns = Arc::new(Semaphore::new(0));
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for mut connection in connections {
        let (plan, next, turns) = (Arc::clone(plan), Arc::clone(&next), Arc::clone(&turns));
        senders.spawn(async move {
            let mut tally = Tally::new();
            while let Ok(turn) = turns.acquire().await {
                turn.forget();
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(event) = plan.order.get(place) else { break };
                if place + 1 == plan.order.len() {
                    turns.close();
                }
                let status = connection.send(&plan.requests[*event as usize]).await?;
                tally.record(status, started.elapsed().saturating_sub(due(place, rate)));
            }
            Ok(tally)
        });
    }
    let pacer = pace(Arc::clone(&turns), plan.order.len(), rate, started);
    let tally = collect(senders).await;
    // Ends the pacer early where a sender failed.
    turns.close();
    pacer.join().ok().context("the pacer stopped")?;
    tally
}

/// When the event at `place` should go out, after the start.
pub(crate) fn due(place: usize, rate: f64) -> Duration {
    Duration::from_secs_f64(place as f64 / rate)
}

/// Hands out one turn after another on a thread of its own: a thread's sleep is exact to a
/// fraction of a millisecond, the runtime's timer is not.
pub(crate) fn pace(
    turns: Arc<Semaphore>,
    count: usize,
    rate: f64,
    started: Instant,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for place in 0..count {
            thread::sleep(due(place, rate).saturating_sub(started.elapsed()));
            if turns.is_closed() {
                return;
            }
            turns.add_permits(1);
        }
    })
}

pub(crate) async fn collect(mut senders: JoinSet<Result<Tally>>) -> Result<Tally> {
    let mut all = Tally::new();
    while let Some(sender) = senders.join_next().await {
        all.add(&sender.context("a sender stopped")??)?;
    }
    Ok(all)
}

fn line(options: &Options, plan: &Plan, measured: &Measured) -> serde_json::Value {
    let Measured { events, elapsed, reads } = measured;
    let mut line = json!({
        "events": plan.requests.len(),
        "deliveries": events.answered(),
        "connections": options.connections,
        "rate": options.rate,
        "seed": options.seed,
        "body_bytes_mean": plan.body_bytes_mean,
        "seconds": (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        "events_per_s": per_second(events.answered(), *elapsed),
        "latency_ms": events.latency_ms(),
        "statuses": events.statuses(),
    });
    if let Some(reads) = reads {
        line["reads"] = json!({
            "count": reads.answered(),
            "reads_per_s": per_second(reads.answered(), *elapsed),
            "latency_ms": reads.latency_ms(),
            "statuses": reads.statuses(),
        });
    }
    line
}
