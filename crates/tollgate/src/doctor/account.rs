//! Verdicts on the key, on what it may do, and on the clocks.

use super::ask::AtStripe;
use super::{Finding, mode};
use crate::config::{API_BASE, Config};
use crate::stripe_api::{StripeError, Trouble};

/// So many seconds between two clocks are nothing: answers take a moment.
const AHEAD_SECS_MAX: i64 = 10;

/// Whether Stripe could not be asked, for now.
pub(super) fn is_away(error: &StripeError) -> bool {
    use Trouble::{Busy, RateLimited, Timeout, Unavailable};
    matches!(error.trouble, Busy | RateLimited | Timeout | Unavailable)
}

/// Judges the key and the clocks; `None` where there is no key.
pub(super) fn judge(
    config: &Config,
    asked: Option<&Result<AtStripe, StripeError>>,
) -> Vec<Finding> {
    let Some(asked) = asked else {
        let next = "Set STRIPE_SECRET_KEY; https://dashboard.stripe.com/apikeys has it.";
        let says = "There is no key, so that nothing can be sold or looked at at Stripe.";
        return vec![Finding::fail("key", says, next)];
    };
    let it = match asked {
        Ok(it) => it,
        Err(error) => return vec![refused(config, error)],
    };
    let kind = match config.stripe_key.as_ref().is_some_and(|it| it.reveal().starts_with("rk_")) {
        true => "restricted key",
        false => "secret key",
    };
    let place = match config.stripe_api_base.as_str() {
        API_BASE => "Stripe".to_owned(),
        other => format!("Stripe's stand-in at {other}"),
    };
    let says = format!("{place} takes the {kind} of {} mode.", mode_of(config));
    let mut findings = vec![Finding::ok("key", says)];
    findings.extend(rights(&it.lacking, kind));
    findings.push(clocks(it.ahead_secs, config.server.webhook_tolerance_secs));
    findings
}

fn mode_of(config: &Config) -> &'static str {
    mode(config.livemode() == Some(true))
}

fn refused(config: &Config, error: &StripeError) -> Finding {
    let base = &config.stripe_api_base;
    match (error.trouble, error.code.as_deref()) {
        (Trouble::Authentication, Some("api_key_expired")) => Finding::fail(
            "key",
            "Stripe says that the key has expired.",
            "Copy the new one from https://dashboard.stripe.com/apikeys into STRIPE_SECRET_KEY.",
        ),
        (Trouble::Authentication, _) => Finding::fail(
            "key",
            "Stripe refuses the key.",
            "Copy it again from https://dashboard.stripe.com/apikeys into STRIPE_SECRET_KEY.",
        ),
        (Trouble::Malformed, _) => Finding::fail(
            "key",
            format!("What answers at {base} is not Stripe: {}.", error.message),
            "Set STRIPE_API_BASE right, or take it away, and look for a proxy in between.",
        ),
        (Trouble::RateLimited, _) => Finding::fail(
            "key",
            "Stripe is asked too much with this key.",
            "Wait a minute and run `tollgate doctor` again.",
        ),
        (trouble, _) if is_away(error) => Finding::fail(
            "key",
            format!("Stripe cannot be asked at {base} ({}).", trouble.word()),
            "Let this machine reach it, and look at https://status.stripe.com.",
        ),
        _ => Finding::fail(
            "key",
            format!("Stripe refuses what every key may ask: {}.", error.message),
            "Look the request up in Stripe's dashboard, under Developers, Logs.",
        ),
    }
}

fn rights(lacking: &[String], kind: &str) -> Option<Finding> {
    match (lacking.is_empty(), kind) {
        (true, "restricted key") => {
            Some(Finding::ok("permissions", "The restricted key may do all that is needed."))
        }
        (true, _) => None,
        (false, _) => Some(Finding::fail(
            "permissions",
            format!("The restricted key may not {}.", lacking.join(", ")),
            "Give it these permissions at https://dashboard.stripe.com/apikeys.",
        )),
    }
}

/// A signature is refused once it is older than `tolerance`, by our clock.
fn clocks(ahead_secs: i64, tolerance: i64) -> Finding {
    let way = if ahead_secs < 0 { "behind" } else { "ahead of" };
    let says = format!("This machine's clock is {} s {way} Stripe's", ahead_secs.abs());
    let next = "Let the machine keep the time by NTP (`timedatectl set-ntp true`).";
    match ahead_secs.abs() {
        it if it <= AHEAD_SECS_MAX => {
            Finding::ok("clock", "This machine's clock agrees with Stripe's.")
        }
        it if it < tolerance => Finding::warn("clock", format!("{says}."), next),
        _ => Finding::fail(
            "clock",
            format!("{says}: signatures are refused beyond {tolerance} s."),
            next,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_is_wrong_once_signatures_would_be_refused() {
        for (ahead, verdict) in [
            (0, Verdict::Ok),
            (-10, Verdict::Ok),
            (11, Verdict::Warn),
            (-299, Verdict::Warn),
            (300, Verdict::Fail),
            (-4000, Verdict::Fail),
        ] {
            assert_eq!(clocks(ahead, 300).verdict, verdict, "{ahead}");
        }
        assert!(clocks(-40, 300).says.contains("40 s behind"));
    }
}
