//! The two ways in which Stripe writes a moment, and the calendar that stories share with bills.

use crate::money::calendar::civil;
pub(super) use crate::money::calendar::{DAY, add_months, day_in_words};

/// An hour, in seconds.
pub(super) const HOUR: i64 = 3_600;

/// Writes a moment as v2 of the API does: `2026-11-22T13:02:47.332Z`.
pub(crate) fn rfc3339(unix: i64, millis: u64) -> String {
    let (year, month, day) = civil(unix);
    let second = unix.rem_euclid(DAY);
    let (hour, minute, second) = (second / HOUR, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_stripe_writes_them() {
        assert_eq!(rfc3339(1_795_352_567, 332), "2026-11-22T13:02:47.332Z");
        assert_eq!(day_in_words(1_795_352_567), "22 Nov 2026");
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00.000Z");
    }
}
