//! The only room that reads the time. Everything else is given `now` as a value, or a [`Clock`]
//! to ask, so that tests move time by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Tells the time; cloning shares it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Unix milliseconds, set by its owner.
    Manual(Arc<AtomicI64>),
    /// So many seconds ahead of the machine's clock.
    Ahead(Arc<AtomicI64>),
}

impl Clock {
    /// Returns the machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that stands still at `unix_ms` until it is moved.
    pub fn manual(unix_ms: i64) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(unix_ms))))
    }

    /// Returns a clock that is as many seconds ahead of the machine's as `secs` says whenever it
    /// is asked: that of a sandbox whose time somebody moves.
    pub fn ahead(secs: Arc<AtomicI64>) -> Self {
        Self(Source::Ahead(secs))
    }

    /// Returns the Unix time in milliseconds.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => system_ms(),
            Source::Manual(at) => at.load(Ordering::Acquire),
            Source::Ahead(secs) => {
                system_ms().saturating_add(secs.load(Ordering::Acquire).saturating_mul(1000))
            }
        }
    }

    /// Returns the Unix time in whole seconds.
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// Moves a manual clock forward; any other is moved elsewhere or not at all, and stays.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(at) = &self.0 {
            let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            at.fetch_add(by_ms, Ordering::AcqRel);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the room that reads the time")]
fn system_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Measures how long something takes, for logs and metrics only; never for a rule.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the time")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
