//! Whether to ask again, and after which pause. Stripe's own word (`Stripe-Should-Retry`) counts
//! first; then that it is worth it: nothing was heard, too much was asked, or Stripe is ill.

use std::time::Duration;

use super::Patience;
use super::error::{StripeError, Trouble};

/// The longest pause that is waited out; beyond it the caller hears of it.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// What to do after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is over.
    Enough,
    /// Ask again after this pause.
    Again(Duration),
}

/// Judges the attempt of this number, counted from 1; `seed` spreads those that fail together.
pub(super) fn judge(error: &StripeError, attempt: u32, seed: u64, patience: &Patience) -> Verdict {
    if attempt >= patience.attempts || !is_worth_it(error) {
        return Verdict::Enough;
    }
    let doubled = patience.pause.saturating_mul(1 << (attempt - 1).min(16));
    let own = spread(doubled.min(PAUSE_MAX), seed.wrapping_add(u64::from(attempt)));
    match error.retry_after {
        Some(it) if it > PAUSE_MAX => Verdict::Enough,
        Some(it) => Verdict::Again(it.max(own)),
        None => Verdict::Again(own),
    }
}

fn is_worth_it(error: &StripeError) -> bool {
    match (error.should_retry, &error.trouble) {
        (Some(it), _) => it,
        (None, Trouble::RateLimited | Trouble::Unavailable | Trouble::Timeout | Trouble::Busy) => {
            true
        }
        (None, _) => false,
    }
}

/// Between half of a pause and all of it.
fn spread(pause: Duration, seed: u64) -> Duration {
    // One round of splitmix64: neighbouring seeds end far apart.
    let mut it = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = u32::try_from(it >> 54).unwrap_or(0);
    pause / 2 + pause / 2 * share / 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe_api::Failure;

    fn error(trouble: Trouble) -> Failure {
        Failure::new(trouble, "")
    }

    fn judged(failure: &Failure, attempt: u32) -> Verdict {
        judge(&failure.clone().into(), attempt, 7, &Patience::default())
    }

    #[test]
    fn stripes_word_counts_first() {
        let no = Failure { should_retry: Some(false), ..error(Trouble::Unavailable) };
        assert_eq!(judged(&no, 1), Verdict::Enough);
        let yes = Failure { should_retry: Some(true), ..error(Trouble::Invalid) };
        assert!(matches!(judged(&yes, 1), Verdict::Again(_)));
    }

    #[test]
    fn what_was_understood_and_refused_is_not_asked_again() {
        for it in [
            Trouble::Declined,
            Trouble::Invalid,
            Trouble::Missing,
            Trouble::Authentication,
            Trouble::KeyReused,
            Trouble::Malformed,
        ] {
            assert_eq!(judged(&error(it), 1), Verdict::Enough);
        }
    }

    #[test]
    fn pauses_double_and_end() {
        let pause = |attempt| match judged(&error(Trouble::RateLimited), attempt) {
            Verdict::Again(it) => it.as_millis(),
            Verdict::Enough => 0,
        };
        assert!((250..=500).contains(&pause(1)) && (500..=1000).contains(&pause(2)));
        assert!((1000..=2000).contains(&pause(3)));
        assert_eq!(pause(4), 0);
    }

    #[test]
    fn the_pause_that_stripe_wants_is_kept_unless_it_is_too_long() {
        let wants = |secs| Failure {
            retry_after: Some(Duration::from_secs(secs)),
            ..error(Trouble::RateLimited)
        };
        assert_eq!(judged(&wants(3), 1), Verdict::Again(Duration::from_secs(3)));
        assert_eq!(judged(&wants(60), 1), Verdict::Enough);
    }
}
