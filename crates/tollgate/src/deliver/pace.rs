//! When an attempt that failed is made again, and when a destination that fails is left alone.
//! Pure: the time comes in, and chance is drawn from the delivery's own name.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Seconds between the attempts of a delivery; the last are repeated. Nobody should wait for
/// longer once a destination is back: what follows in a customer's order waits too.
const BACKOFF_SECS: [i64; 5] = [5, 30, 120, 600, 3_600];
/// How often a delivery is tried again: for three days and a half; then it is dead.
const RETRIES_MAX: i64 = 88;
/// Failures in a row after which a destination is left alone.
const FAILURES_MAX: u32 = 5;
/// How long it is left alone at first; twice as long after each further failure.
const OPEN_MS_MIN: i64 = 2_000;
/// How long it is left alone at most.
const OPEN_MS_MAX: i64 = 60_000;

/// Returns after how many milliseconds a delivery that failed so often is tried again, a tenth
/// sooner or later; `None` where it was the last attempt.
pub fn backoff_ms(effect_id: &str, attempts: i64) -> Option<i64> {
    if !(1..=RETRIES_MAX).contains(&attempts) {
        return None;
    }
    let index = usize::try_from(attempts - 1).ok()?;
    let base_ms = BACKOFF_SECS.get(index).or(BACKOFF_SECS.last())? * 1000;
    let mut hasher = DefaultHasher::new();
    (effect_id, attempts).hash(&mut hasher);
    let spread = i64::try_from(hasher.finish() % 2_001).unwrap_or(1_000) - 1_000;
    Some(base_ms + base_ms * spread / 10_000)
}

/// Watches a destination: after several failures in a row it is left alone for a while, then
/// tried with a single delivery. What waits meanwhile loses none of its attempts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    open_until_ms: i64,
}

impl Breaker {
    /// Returns how many of `limit` deliveries may be tried now. An end further ahead than any wait
    /// lasts was reckoned by a clock that has been set back since.
    pub fn admits(&self, limit: usize, now_ms: i64) -> usize {
        match self.failures {
            ..FAILURES_MAX => limit,
            _ if (1..=OPEN_MS_MAX).contains(&(self.open_until_ms - now_ms)) => 0,
            _ => 1,
        }
    }

    /// Notes that the destination took something, or at least answered sensibly.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Notes that it failed; returns whether it is left alone from here on, having not been before.
    pub fn failed(&mut self, now_ms: i64) -> bool {
        self.failures = self.failures.saturating_add(1);
        let Some(beyond) = self.failures.checked_sub(FAILURES_MAX) else { return false };
        let doubled = OPEN_MS_MIN << beyond.min(10);
        self.open_until_ms = now_ms + doubled.min(OPEN_MS_MAX);
        beyond == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_made_ever_more_rarely_and_end() {
        let delays: Vec<i64> = (1..).map_while(|it| backoff_ms("welcome:sub_1", it)).collect();
        let bases = BACKOFF_SECS.into_iter().chain(std::iter::repeat(3_600));
        for (delay, base) in delays.iter().zip(bases) {
            assert!((base * 900..=base * 1_100).contains(delay), "{delay} for {base} s");
        }
        let days = delays.iter().sum::<i64>() / 86_400_000;
        assert_eq!((delays.len(), days), (88, 3));
        assert_ne!(backoff_ms("welcome:sub_1", 4), backoff_ms("welcome:sub_2", 4), "no herd");
        assert_eq!(backoff_ms("welcome:sub_1", 4), backoff_ms("welcome:sub_1", 4));
    }

    #[test]
    fn a_destination_that_fails_is_left_alone_then_tried_with_one() {
        let mut breaker = Breaker::default();
        let opened: Vec<bool> = (0..6).map(|_| breaker.failed(1_000)).collect();
        assert_eq!(opened, [false, false, false, false, true, false]);
        assert_eq!(breaker.admits(64, 1_000), 0);
        assert_eq!(breaker.admits(64, 1_000 + 2 * OPEN_MS_MIN), 1);
        for _ in 0..40 {
            breaker.failed(1_000);
        }
        assert_eq!(breaker.admits(64, 1_000 + OPEN_MS_MAX), 1, "never for longer than this");
        breaker.succeeded();
        assert_eq!(breaker.admits(64, 1_000), 64);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_a_destination() {
        let mut breaker = Breaker::default();
        for _ in 0..40 {
            breaker.failed(7_200_000);
        }
        assert_eq!(breaker.admits(64, 7_200_000), 0);
        assert_eq!(breaker.admits(64, 3_600_000), 1);
    }
}
