//! Answers kept under idempotency keys: a call with a key that was used is not done again. As at
//! Stripe a key lives for a day, of the main clock; then it is as good as new.

use std::collections::{HashMap, VecDeque};

use super::call::Answer;
use crate::money::calendar::DAY;

/// The answer to a call with an idempotency key.
#[derive(Debug)]
pub(super) struct Saved {
    /// What tells the call apart from others.
    pub(super) print: u64,
    /// The id of the call.
    pub(super) request: String,
    pub(super) answer: Answer,
    /// When it was answered, in Unix seconds of the main clock.
    pub(super) at: i64,
}

/// All that are kept.
#[derive(Debug, Default)]
pub(super) struct SavedAnswers {
    by_key: HashMap<String, Saved>,
    /// The keys, oldest first.
    ages: VecDeque<(i64, String)>,
}

impl SavedAnswers {
    /// Returns the answer to a key that was used less than a day ago.
    pub(super) fn find(&self, key: &str, now: i64) -> Option<&Saved> {
        self.by_key.get(key).filter(|saved| now - saved.at < DAY)
    }

    /// Keeps an answer, and lets go of those that are a day old.
    pub(super) fn keep(&mut self, key: &str, saved: Saved) {
        let now = saved.at;
        while let Some((at, old)) = self.ages.pop_front_if(|(at, _)| now - *at >= DAY) {
            // A key that was used again since is younger.
            if self.by_key.get(&old).is_some_and(|saved| saved.at == at) {
                self.by_key.remove(&old);
            }
        }
        self.ages.push_back((now, key.to_owned()));
        self.by_key.insert(key.to_owned(), saved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(at: i64) -> Saved {
        let answer = Answer { status: 200, headers: Vec::new(), body: String::new() };
        Saved { print: 0, request: "req_1".to_owned(), answer, at }
    }

    #[test]
    fn a_key_that_is_used_again_a_day_later_lives_for_another_day() {
        let mut answers = SavedAnswers::default();
        answers.keep("a", saved(0));
        answers.keep("b", saved(DAY - 1));
        answers.keep("a", saved(DAY));
        answers.keep("c", saved(2 * DAY - 1));
        assert_eq!(answers.by_key.len(), 2, "b is gone");
        assert!(answers.find("a", 2 * DAY - 1).is_some());
        assert!(answers.find("a", 2 * DAY).is_none());
    }
}
