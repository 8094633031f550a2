//! Measures a server that receives Stripe's webhooks: how many it commits in a second, how long
//! each sender waits, how fast it answers while it writes, and how fast it starts.
//!
//! The generator shares its machine with the server and the database, so it does all its work
//! before the clock starts and is as light as it can be afterwards. `run.sh` drives it.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod client;
mod cold_start;
mod load;
mod plan;
mod reads;
mod report;
mod sandbox;
mod tell;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The same as the binary's, so that what runs in this process costs what it does there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends signed events and prints one line of JSON with rates and latencies
    Load(load::Options),
    /// Starts a server, waits for its first 200, stops it, prints the milliseconds
    ColdStart(cold_start::Options),
    /// Measures the offline Stripe
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Measures how fast the outbox empties
    #[command(subcommand)]
    Tell(tell::Command),
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Load(options) => load::main(&options),
        Command::ColdStart(options) => cold_start::main(&options),
        Command::Sandbox(command) => sandbox::main(&command),
        Command::Tell(command) => tell::main(&command),
    }
}
