//! `tollgate setup`: registers the webhook endpoint, makes the plans' prices and configures the
//! portal at Stripe. What is right already is left alone; running it again finds nothing to do.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
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
    /// Print JSON, one thing a line; `signing_secret` is told only now.
    #[arg(long)]
    json: bool,
}

/// Runs the command. Signs: `=` is right, `+` is done, `!` needs the operator.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::from_environment(file)?;
    let no_key = || WrongUsage("setup needs STRIPE_SECRET_KEY".to_owned());
    let stripe = Stripe::new(&config).ok_or_else(no_key)?;
    let mut found = setup::look(&stripe, &config).await?;
    for line in &found.right {
        match arguments.json {
            true => out::line(json!({ "state": "right", "text": line }))?,
            false => out::line(line)?,
        }
    }
    let by_hand = found.steps.iter().any(|it| !it.can_be_taken());
    let is_more = !arguments.dry_run && found.steps.iter().any(Step::is_later);
    if is_more && arguments.json {
        // They are told of once they are done.
        found.steps.retain(|it| !it.is_later());
    }
    show(&stripe, &found.steps, arguments).await?;
    if is_more {
        found = setup::look(&stripe, &config).await?;
        found.steps.retain(Step::can_be_taken);
        show(&stripe, &found.steps, arguments).await?;
    }
    Ok(if by_hand { exit::found_something() } else { ExitCode::SUCCESS })
}

async fn show(stripe: &Stripe, steps: &[Step], arguments: &Arguments) -> anyhow::Result<()> {
    for step in steps {
        // What JSON says of a step is said once it is known what came of it.
        if !arguments.json {
            out::line(step)?;
        }
        let secret = match arguments.dry_run {
            true => None,
            false => setup::take(stripe, &Clock::system(), step).await?,
        };
        match (arguments.json, secret) {
            (true, secret) => line(step, arguments.dry_run, secret)?,
            (false, Some(secret)) => {
                let told = "Stripe tells this secret only now:";
                out::only_now(format_args!("\n  {told}\n  STRIPE_WEBHOOK_SECRET={secret}\n"))
                    .context(UNTOLD)?;
            }
            (false, None) => {}
        }
    }
    Ok(())
}

fn line(step: &Step, dry_run: bool, secret: Option<String>) -> anyhow::Result<()> {
    let state = match () {
        () if !step.can_be_taken() => "by_hand",
        () if dry_run || step.is_later() => "to_do",
        () => "done",
    };
    match secret {
        Some(secret) => {
            let line = json!({ "state": state, "text": step.text, "signing_secret": secret });
            out::only_now(line).context(UNTOLD)
        }
        None => Ok(out::line(json!({ "state": state, "text": step.text }))?),
    }
}
