//! The binary `tollgate`: one file a command. Exit codes: 0 done, 1 found something wrong, 2 wrong
//! usage, 3 Stripe or the database unreachable.

mod config;
mod coupons;
mod dev;
mod discounts;
mod doctor;
mod events;
mod exit;
mod explain;
mod listen;
mod logging;
mod mails;
mod migrate;
mod notify;
mod openapi;
mod out;
mod outbox;
mod promotion_codes;
mod rebuild;
mod sandbox;
mod serve;
mod setup;
mod shutdown;
mod trigger;
mod verify;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use dev::beside::Beside;

/// Rows and requests are made on one thread and dropped on another, which the system's allocator
/// takes slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tollgate: between Stripe and your app. Who has paid, and what may they use?
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, propagate_version = true)]
struct Arguments {
    /// The configuration file [default: ./tollgate.toml where it exists].
    #[arg(long, global = true, env = "TOLLGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve,
    /// Run everything offline, with test secrets, and a page that shows what happens.
    Dev(dev::Arguments),
    /// Make events happen in a running sandbox, or build, sign and post a coherent story of them.
    Trigger(trigger::Arguments),
    /// Forward the events of a sandbox, or of Stripe's test mode, to an app.
    Listen(listen::Arguments),
    /// Run the offline Stripe alone.
    Sandbox(sandbox::Arguments),
    /// Say why a signature fails.
    Verify(verify::Arguments),
    /// Say what a user may use, and why.
    Explain(explain::Arguments),
    /// List, show or replay the stored events.
    Events {
        #[command(flatten)]
        beside: Beside,
        #[command(subcommand)]
        command: events::Command,
    },
    /// List what is told to whom, or have it told again.
    Outbox {
        #[command(flatten)]
        beside: Beside,
        #[command(subcommand)]
        command: outbox::Command,
    },
    /// Derive the whole state anew from the stored events and mend what differs.
    Rebuild(rebuild::Arguments),
    /// Register the webhook endpoint, make the plans' prices and configure the portal at Stripe.
    Setup(setup::Arguments),
    /// Check the key, the prices, the webhook and its way here, the database and the settings.
    Doctor(doctor::Arguments),
    /// Notifications to the app.
    #[command(subcommand)]
    Notify(notify::Command),
    /// List, make or end coupons: the rules of discounts.
    Coupons {
        #[command(flatten)]
        beside: Beside,
        #[command(subcommand)]
        command: coupons::Command,
    },
    /// List, make or end promotion codes: what customers type.
    PromotionCodes {
        #[command(flatten)]
        beside: Beside,
        #[command(subcommand)]
        command: promotion_codes::Command,
    },
    /// Print the configuration and where each value comes from.
    Config(config::Arguments),
    /// List the mails, or look at them.
    #[command(subcommand)]
    Mails(mails::Command),
    /// Bring the database's tables to this version.
    Migrate,
    /// Print the OpenAPI document.
    Openapi,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::from(error)),
    };
    // A second provider cannot be there: this is the only call.
    drop(rustls::crypto::ring::default_provider().install_default());
    let done = runtime.block_on(run(arguments));
    done.unwrap_or_else(|error| exit::report(&error))
}

/// A core is left to the writer, which has a thread of its own: more threads than cores only take
/// turns (docs/performance.md).
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores - 1).max(1))
        .enable_all()
        .build()
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let file = arguments.config.as_deref();
    match arguments.command {
        Command::Serve => serve::run(file).await,
        Command::Dev(it) => dev::run(file, &it).await,
        Command::Trigger(it) => trigger::run(file, &it).await,
        Command::Listen(it) => listen::run(&it).await,
        Command::Sandbox(it) => sandbox::run(it).await,
        Command::Verify(it) => verify::run(&it),
        Command::Explain(it) => explain::run(file, &it).await,
        Command::Events { beside, command } => events::run(file, &beside, &command).await,
        Command::Outbox { beside, command } => outbox::run(file, &beside, &command).await,
        Command::Rebuild(it) => rebuild::run(file, &it).await,
        Command::Setup(it) => setup::run(file, &it).await,
        Command::Doctor(it) => doctor::run(file, &it).await,
        Command::Notify(it) => notify::run(file, &it).await,
        Command::Coupons { beside, command } => coupons::run(file, &beside, command).await,
        Command::PromotionCodes { beside, command } => {
            promotion_codes::run(file, &beside, command).await
        }
        Command::Config(it) => config::run(file, &it),
        Command::Mails(it) => mails::run(file, &it),
        Command::Migrate => migrate::run(file).await,
        Command::Openapi => openapi::run(),
    }
}
