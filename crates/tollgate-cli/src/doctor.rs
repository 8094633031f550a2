//! `tollgate doctor`: whether all is well between this server, its database and Stripe, a line a
//! check; and what to do next where it is not.

use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tollgate::doctor::{self, Finding, Report, Verdict};
use tollgate::stripe_api::Patience;

use crate::dev::beside::Beside;
use crate::exit;
use crate::out;

/// Somebody waits for the answer.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    attempt: Duration::from_secs(10),
    whole: Duration::from_secs(15),
    pause: Duration::from_millis(250),
    attempts: 3,
    pace: None,
};

/// Check the key, the prices, the webhook's endpoint and its way here, the database and the settings.
///
/// Exit codes: 0 nothing fails, 1 something does, 2 wrong usage, 3 Stripe or the database cannot be
/// reached. Nothing is changed, and no secret is shown. The server should run: posts that are no
/// events are sent to its public URL, and show in its log as refused.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    beside: Beside,
}

/// Runs the command.
pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (config, clock) = arguments.beside.settings(file).await?;
    let report = doctor::examine(&config, &clock, PATIENCE).await;
    if arguments.json {
        out::line(serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report)?;
    }
    Ok(match (report.unreachable, report.verdict) {
        (true, _) => exit::unreachable(),
        (_, Verdict::Fail) => exit::found_something(),
        _ => ExitCode::SUCCESS,
    })
}

fn print(report: &Report) -> std::io::Result<()> {
    let colours = stdout().is_terminal();
    let width = report.checks.iter().map(|it| it.check.len()).max().unwrap_or(0);
    for it in &report.checks {
        out::line(line(it, width, colours))?;
    }
    let count = |verdict| report.checks.iter().filter(|it| it.verdict == verdict).count();
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => out::line("\nAll is well."),
        (fail, warn) => out::line(format_args!("\nTo mend: {fail}. To look at: {warn}.")),
    }
}

/// One line a check; a verdict is told by a sign, a word, and on a terminal a colour.
fn line(finding: &Finding, width: usize, colours: bool) -> String {
    let (sign, word, colour) = match finding.verdict {
        Verdict::Ok => ("✓", "ok  ", "32"),
        Verdict::Warn => ("!", "warn", "33"),
        Verdict::Fail => ("✗", "fail", "31"),
    };
    let verdict = match colours {
        true => format!("\u{1b}[{colour}m{sign} {word}\u{1b}[0m"),
        false => format!("{sign} {word}"),
    };
    let next = finding.next.as_ref().map(|it| format!(" → {it}")).unwrap_or_default();
    format!("{verdict}  {:width$}  {}{next}", finding.check, finding.says)
}
