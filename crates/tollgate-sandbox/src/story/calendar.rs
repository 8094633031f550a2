//! Dates without a clock: adding months as Stripe's billing does, and the two ways in which
//! Stripe writes a moment. Civil dates follow the proleptic Gregorian calendar, in UTC.

/// A day, in seconds.
pub(super) const DAY: i64 = 86_400;
/// An hour, in seconds.
pub(super) const HOUR: i64 = 3_600;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns the year, the month (1 to 12) and the day of the month of a moment.
pub(super) fn civil(unix: i64) -> (i64, i64, i64) {
    // Years are counted from March, so that the leap day is the last day of a year.
    let days = unix.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Returns midnight of a civil date, in Unix seconds.
fn midnight(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY
}

/// Returns the same time of day `months` later, on the last day of a month that is too short.
pub(super) fn add_months(unix: i64, months: i64) -> i64 {
    let (year, month, day) = civil(unix);
    let count = year * 12 + (month - 1) + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    midnight(year, month, day.min(last)) + unix.rem_euclid(DAY)
}

/// Writes a day as Stripe does in descriptions: `22 Nov 2026`.
pub(super) fn day_in_words(unix: i64) -> String {
    let (year, month, day) = civil(unix);
    let month = MONTHS[usize::try_from(month - 1).expect("months count from 1")];
    format!("{day} {month} {year}")
}

/// Writes a moment as v2 of the API does: `2026-11-22T13:02:47.332Z`.
pub(super) fn rfc3339(unix: i64, millis: u64) -> String {
    let (year, month, day) = civil(unix);
    let second = unix.rem_euclid(DAY);
    let (hour, minute, second) = (second / HOUR, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_after_the_31st_of_january_is_the_last_of_february() {
        let january_31 = midnight(2027, 1, 31) + 5;
        assert_eq!(civil(add_months(january_31, 1)), (2027, 2, 28));
        assert_eq!(civil(add_months(january_31, 13)), (2028, 2, 29));
        assert_eq!(add_months(january_31, 1).rem_euclid(DAY), 5);
    }

    #[test]
    fn known_moments_are_written_as_stripe_writes_them() {
        assert_eq!(rfc3339(1_795_352_567, 332), "2026-11-22T13:02:47.332Z");
        assert_eq!(day_in_words(1_795_352_567), "22 Nov 2026");
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn civil_and_midnight_undo_each_other() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil(days * DAY);
            assert_eq!(midnight(year, month, day), days * DAY);
        }
    }
}
