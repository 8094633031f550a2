//! What a failure means to the shell.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use tollgate::billing::BillingError;
use tollgate::config::ConfigError;
use tollgate::deliver::destinations::DestinationError;
use tollgate::http::pages::TemplateError;
use tollgate::mail::LettersError;
use tollgate::receive::SubmitError;
use tollgate::reconcile::replay::ReplayError;
use tollgate::serve::ServeError;
use tollgate::store::StoreError;
use tollgate::stripe_api::{StripeError, Trouble};

use crate::out;

const FOUND: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

/// Something wrong was found: that is this command's answer, not its failure.
pub fn found_something() -> ExitCode {
    ExitCode::from(FOUND)
}

/// Stripe or the database could not be asked: that too is an answer where it was the question.
pub fn unreachable() -> ExitCode {
    ExitCode::from(UNREACHABLE)
}

/// Prints an error with its causes and says which exit code it is.
pub fn report(error: &anyhow::Error) -> ExitCode {
    out::note(format_args!("error: {error:#}"));
    ExitCode::from(code(error))
}

fn code(error: &anyhow::Error) -> u8 {
    error.chain().filter_map(meaning).max().unwrap_or(FOUND)
}

/// What one error of a chain says by itself.
fn meaning(error: &(dyn Error + 'static)) -> Option<u8> {
    if let Some(it) = of_store(error) {
        return match it {
            StoreError::Unavailable(_) | StoreError::Conflict(_) => Some(UNREACHABLE),
            StoreError::Misconfigured(_) => Some(USAGE),
            _ => None,
        };
    }
    let of_stripe = error.downcast_ref::<StripeError>().is_some_and(is_away);
    let of_line = error.downcast_ref::<reqwest::Error>();
    if of_stripe || of_line.is_some_and(|it| it.is_connect() || it.is_timeout()) {
        return Some(UNREACHABLE);
    }
    let usage = error.is::<ConfigError>()
        || error.is::<TemplateError>()
        || error.is::<LettersError>()
        || error.is::<DestinationError>()
        || error.is::<WrongUsage>()
        || matches!(
            error.downcast_ref(),
            Some(ServeError::Destination(_) | ServeError::Mode { .. })
        );
    usage.then_some(USAGE)
}

/// The database's error that this one is, or in whose words it speaks: such a one is no further link
/// of the chain.
fn of_store<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    let shared = error.downcast_ref::<Arc<StoreError>>().map(AsRef::as_ref);
    let of_door = error.downcast_ref().and_then(of_submit);
    let of_replay = error.downcast_ref().and_then(|it| match it {
        ReplayError::Store(it) => Some(it),
        ReplayError::Submit(it) => of_submit(it),
        _ => None,
    });
    let of_billing = error.downcast_ref().and_then(|it| match it {
        BillingError::Store(it) => Some(it),
        BillingError::Submit(it) => of_submit(it),
        _ => None,
    });
    let of_server = error.downcast_ref().and_then(|it| match it {
        ServeError::Database(it) => Some(it),
        _ => None,
    });
    error.downcast_ref().or(shared).or(of_door).or(of_replay).or(of_billing).or(of_server)
}

fn of_submit(error: &SubmitError) -> Option<&StoreError> {
    match error {
        SubmitError::Store(it) => Some(it),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn away() -> StoreError {
        StoreError::Conflict(None)
    }

    #[test]
    fn a_database_that_goes_away_is_3_however_it_is_told() {
        for error in [
            anyhow::Error::from(away()),
            anyhow::Error::from(Arc::new(away())),
            SubmitError::Store(Arc::new(away())).into(),
            ReplayError::Store(away()).into(),
            ReplayError::Submit(SubmitError::Store(Arc::new(away()))).into(),
            BillingError::Store(away()).into(),
            BillingError::Submit(SubmitError::Store(Arc::new(away()))).into(),
            ServeError::Database(away()).into(),
            ServeError::Handlers(away()).into(),
        ] {
            assert_eq!(code(&error), UNREACHABLE, "{error:?}");
            assert_eq!(code(&error.context("again")), UNREACHABLE);
        }
    }

    #[test]
    fn what_is_configured_wrongly_is_2_and_all_else_1() {
        let newer = || StoreError::Misconfigured("a newer version wrote it".to_owned());
        for error in [
            anyhow::Error::from(newer()),
            ServeError::Database(newer()).into(),
            ServeError::Destination(DestinationError::NoSender).into(),
            ServeError::Mode { key: "live", database: "test" }.into(),
            DestinationError::NoSender.into(),
            WrongUsage("no such letter".to_owned()).into(),
        ] {
            assert_eq!(code(&error), USAGE, "{error:?}");
        }
        assert_eq!(code(&anyhow!("something else")), FOUND);
        assert_eq!(code(&SubmitError::Overloaded.into()), FOUND);
    }
}
