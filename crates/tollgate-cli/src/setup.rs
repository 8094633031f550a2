//! `tollgate setup`: registers the webhook endpoint, makes the plans' prices and configures the
//! portal at Stripe. What is right already is left alone; running it again finds nothing to do.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::setup::{self, Step};
use tollgate::stripe_api::Stripe;

use crate::exit::{self, WrongUsage};
use crate::out;

/// What is to be done where the secret of a new endpoint went nowhere.
const UNTOLD: &str = "print the new endpoint's secret, which Stripe never tells again: roll it in the \
    Dashboard and set STRIPE_WEBHOOK_SECRET to the new one, or delete the endpoint and run this again";

/// Register the webhook endpoint, make the plans' prices and configure the portal at Stripe.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command. Signs: `=` is right, `+` is done, `!` needs the operator.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::from_environment(file)?;
    let no_key = || WrongUsage("setup needs STRIPE_SECRET_KEY".to_owned());
    let stripe = Stripe::new(&config).ok_or_else(no_key)?;
    let mut found = setup::look(&stripe, &config).await?;
    for line in &found.right {
        out::line(line)?;
    }
    let by_hand = found.steps.iter().any(|it| !it.can_be_taken());
    show(&stripe, &found.steps, arguments.dry_run).await?;
    if !arguments.dry_run && found.steps.iter().any(Step::is_later) {
        found = setup::look(&stripe, &config).await?;
        found.steps.retain(Step::can_be_taken);
        show(&stripe, &found.steps, false).await?;
    }
    Ok(if by_hand { exit::found_something() } else { ExitCode::SUCCESS })
}

async fn show(stripe: &Stripe, steps: &[Step], dry_run: bool) -> anyhow::Result<()> {
    for step in steps {
        out::line(step)?;
        if dry_run {
            continue;
        }
        if let Some(secret) = setup::take(stripe, &Clock::system(), step).await? {
            let told = "Stripe tells this secret only now:";
            out::only_now(format_args!("\n  {told}\n  STRIPE_WEBHOOK_SECRET={secret}\n"))
                .context(UNTOLD)?;
        }
    }
    Ok(())
}
