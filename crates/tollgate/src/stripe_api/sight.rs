//! Which second, by Stripe's clock, an answer is known to be of. `Date` tells when an answer left,
//! which may be seconds after its object was read; an event of those seconds must not lose against
//! it. So the second is the latest at which the question certainly had not been asked yet: by the
//! last answer before it, or by this answer less the time that it took.

use std::sync::{Mutex, PoisonError};

use jiff::fmt::rfc2822::DateTimeParser;

use crate::clock::Stopwatch;

/// What is known of Stripe's clock.
#[derive(Debug, Default)]
pub(super) struct Sight(Mutex<Option<Heard>>);

#[derive(Clone, Copy, Debug)]
struct Heard {
    /// Unix seconds.
    date: i64,
    since: Stopwatch,
}

/// A question on its way.
#[derive(Debug)]
pub(super) struct Asked {
    watch: Stopwatch,
    not_before: Option<i64>,
}

impl Sight {
    /// Notes that a question is about to be asked.
    pub(super) fn ask(&self) -> Asked {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let not_before = heard.map(|it| it.date.saturating_add(whole_secs(it.since)));
        Asked { watch: Stopwatch::start(), not_before }
    }

    /// Takes the date of its answer; `None` where that is none.
    pub(super) fn heard(&self, asked: &Asked, date: Option<&str>) -> Option<i64> {
        let date = unix_seconds(date?)?;
        let heard = Heard { date, since: Stopwatch::start() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        let at_least = date.saturating_sub(whole_secs(asked.watch)).saturating_sub(1);
        // A clock that was set back says more than what was heard before it was.
        Some(asked.not_before.filter(|it| *it <= date).map_or(at_least, |it| it.max(at_least)))
    }
}

fn whole_secs(since: Stopwatch) -> i64 {
    i64::try_from(since.elapsed().as_secs()).unwrap_or(i64::MAX)
}

/// Reads the date of a header, such as `Sun, 22 Nov 2026 12:00:00 GMT`.
fn unix_seconds(date: &str) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(date).ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Sun, 22 Nov 2026 12:00:00 GMT";
    const NOON_SECS: i64 = 1_795_348_800;

    #[test]
    fn the_first_answer_is_of_the_second_before_it_came() {
        let sight = Sight::default();
        assert_eq!(sight.heard(&sight.ask(), Some(NOON)), Some(NOON_SECS - 1));
    }

    #[test]
    fn an_answer_after_another_in_one_second_is_of_that_second() {
        let sight = Sight::default();
        sight.heard(&sight.ask(), Some(NOON));
        assert_eq!(sight.heard(&sight.ask(), Some(NOON)), Some(NOON_SECS));
    }

    #[test]
    fn a_question_from_before_another_answer_knows_nothing_of_it() {
        let sight = Sight::default();
        let early = sight.ask();
        sight.heard(&sight.ask(), Some(NOON));
        assert_eq!(sight.heard(&early, Some(NOON)), Some(NOON_SECS - 1));
    }

    #[test]
    fn without_a_date_nothing_is_known() {
        let sight = Sight::default();
        assert_eq!(sight.heard(&sight.ask(), None), None);
        assert_eq!(sight.heard(&sight.ask(), Some("today")), None);
    }
}
