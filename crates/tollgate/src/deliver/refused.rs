//! Why something was not taken, and what follows. The caller that knows, decides.

use std::fmt;
use std::time::Duration;

/// Something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why, in a few words without secrets and without what was answered.
    pub why: String,
    /// What follows.
    pub retry: Retry,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again.
    Later,
    /// It is not: the receiver says that it never will take it.
    GiveUp,
}

impl Refused {
    /// Says why something is to be tried again.
    pub fn later(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry: Retry::Later, retry_after: None }
    }

    /// Says why something will never be taken.
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry: Retry::GiveUp, retry_after: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refused {}
