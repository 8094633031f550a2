//! Where mails go in development: into the memory of the process, to be looked at in a browser.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::mail::Mail;

/// What is kept at most; the oldest goes first.
const MAILS_MAX: usize = 200;

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Counts from 1.
    pub number: u64,
    /// In Unix seconds.
    pub at: i64,
    /// The mail.
    pub mail: Mail,
}

/// Keeps mails instead of sending them.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<(u64, VecDeque<Arrived>)>);

impl Mailbox {
    /// Keeps a mail.
    pub fn take(&self, mail: Mail, at: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let number = kept.0;
        kept.1.push_front(Arrived { number, at, mail });
        kept.1.truncate(MAILS_MAX);
    }

    /// Returns all that is kept, the newest first.
    pub fn all(&self) -> Vec<Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.iter().cloned().collect()
    }

    /// Returns the mail of this number.
    pub fn find(&self, number: u64) -> Option<Arrived> {
        self.all().into_iter().find(|it| it.number == number)
    }
}
