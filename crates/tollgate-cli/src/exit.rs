//! What a failure means to the shell.

use std::process::ExitCode;
use std::sync::Arc;

use tollgate::config::ConfigError;
use tollgate::http::pages::TemplateError;
use tollgate::store::StoreError;
use tollgate::stripe_api::{StripeError, Trouble};

/// Something wrong was found: that is this command's answer, not its failure.
pub fn found_something() -> ExitCode {
    ExitCode::from(1)
}

/// Stripe or the database could not be asked: that too is an answer where it was the question.
pub fn unreachable() -> ExitCode {
    ExitCode::from(3)
}

/// Prints an error with its causes and says which exit code it is.
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    let unreachable = error.chain().any(|it| {
        it.downcast_ref::<StoreError>().is_some_and(is_unreachable)
            || it.downcast_ref::<Arc<StoreError>>().is_some_and(|it| is_unreachable(it))
            || it.downcast_ref::<StripeError>().is_some_and(is_away)
            || it
                .downcast_ref::<reqwest::Error>()
                .is_some_and(|it| it.is_connect() || it.is_timeout())
    });
    let usage = error.chain().any(|it| {
        it.is::<ConfigError>()
            || matches!(it.downcast_ref::<StoreError>(), Some(StoreError::Misconfigured(_)))
            || it.is::<TemplateError>()
            || it.is::<WrongUsage>()
    });
    match (unreachable, usage) {
        (true, _) => ExitCode::from(3),
        (_, true) => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

fn is_unreachable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Conflict(_))
}

fn is_away(error: &StripeError) -> bool {
    matches!(error.trouble, Trouble::Unavailable | Trouble::Timeout | Trouble::RateLimited)
}

/// The command was given something that it does not take.
#[derive(Debug)]
pub struct WrongUsage(pub String);

impl std::fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}
