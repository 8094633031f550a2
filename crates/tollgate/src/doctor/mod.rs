//! Whether all is well between this server, its database, and Stripe: what is wrong, and what to do
//! next. First everything is asked; then it is judged, without asking anything. Nothing is changed
//! anywhere, and no secret is shown.
//!
//! - this file: the findings, and the order in which things are looked at;
//! - [`account`], [`ask`]: what is asked of Stripe; [`rights`]: what a restricted key may do;
//! - [`knock`]: what is asked of the running server; [`door`]: what its answers mean;
//! - [`endpoint`], [`arrivals`], [`offer`], [`settings`], [`storage`]: verdicts.

mod account;
mod arrivals;
mod ask;
mod door;
mod endpoint;
mod knock;
mod offer;
mod rights;
mod settings;
mod storage;

use serde::Serialize;

use crate::clock::Clock;
use crate::config::Config;
use crate::stripe_api::{Patience, Stripe};

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it has to be.
    Ok,
    /// It works; somebody should look.
    Warn,
    /// It does not work, or not for long.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, in a sentence.
    pub says: String,
    /// What to do next, in a sentence; nothing where all is well.
    pub next: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, says: says.into(), next: None }
    }

    fn warn(check: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, says: says.into(), next: Some(next.into()) }
    }

    fn fail(check: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, ..Self::warn(check, says, next) }
    }
}

/// All findings.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The worst of them.
    pub verdict: Verdict,
    /// Stripe or the database could not be asked.
    pub unreachable: bool,
    /// In the order in which to read and mend them.
    pub checks: Vec<Finding>,
}

/// Looks at everything. `patience` is for each question to Stripe.
pub async fn examine(config: &Config, clock: &Clock, patience: Patience) -> Report {
    let mut checks = Vec::new();
    let store = storage::ask(config).await;
    let (at_stripe, mut unreachable) = match Stripe::with(config, patience) {
        Some(stripe) => {
            let asked = ask::ask(&stripe, config, clock).await;
            let away = asked.as_ref().is_err_and(account::is_away);
            (Some(asked), away)
        }
        None => (None, false),
    };
    checks.extend(account::judge(config, at_stripe.as_ref()));
    unreachable |= store.as_ref().is_err_and(storage::is_away);
    checks.extend(storage::judge(config, &store));
    let answers = match &at_stripe {
        Some(Ok(it)) => Some(it),
        _ => None,
    };
    if let Some(it) = answers {
        checks.extend(offer::judge(config, it));
        checks.extend(endpoint::judge(config, &it.endpoints));
    }
    checks.extend(settings::secrets(config, answers.map_or(1, ask::AtStripe::listening)));
    let url = knock::address(config, answers);
    let knocks = knock::knock(config, &url, clock.now()).await;
    checks.extend(door::judge(config, &knocks));
    if let Some(it) = answers {
        let missing = arrivals::missing(config, it).await;
        checks.extend(arrivals::judge(it, &missing, clock.now()));
    }
    checks.extend(settings::judge(config));
    let verdict = checks.iter().map(|it| it.verdict).max().unwrap_or(Verdict::Ok);
    Report { verdict, unreachable, checks }
}

/// Returns the word for a mode.
fn mode(live: bool) -> &'static str {
    if live { "live" } else { "test" }
}
