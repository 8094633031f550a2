//! The times of thin events, which are RFC 3339 texts, as Unix seconds. Small and strict: enough
//! for what Stripe sends, so that this crate needs no calendar library.

/// The last second of the year 9999, the end of what RFC 3339 can say.
pub(crate) const SECONDS_MAX: i64 = 253_402_300_799;

/// Returns the Unix seconds of a text such as `2026-11-22T13:02:47.332Z`, fractions cut off;
/// `None` for any other shape, an impossible date, or a time before 1970 or after 9999.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked(10)?;
    let (clock, rest) = rest.split_at_checked(9)?;
    if date[4] != b'-' || date[7] != b'-' || !matches!(clock[0], b'T' | b't') {
        return None;
    }
    if clock[3] != b':' || clock[6] != b':' {
        return None;
    }
    let days = days(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)?;
    // 60 is a leap second, which Unix time counts as the next one.
    let second = within(number(&clock[7..])?, 60)?;
    let of_day = clock_seconds(&clock[1..6])? + second;
    let seconds = days * 86_400 + of_day - offset(after_fraction(rest)?)?;
    (0..=SECONDS_MAX).contains(&seconds).then_some(seconds)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn within(number: i64, max: i64) -> Option<i64> {
    (number <= max).then_some(number)
}

/// `HH:MM` in seconds.
fn clock_seconds(text: &[u8]) -> Option<i64> {
    let hour = within(number(&text[..2])?, 23)?;
    let minute = within(number(&text[3..])?, 59)?;
    Some(hour * 3600 + minute * 60)
}

/// What follows the fraction of a second, if there is one.
fn after_fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = rest.strip_prefix(b".") else { return Some(rest) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &fraction[digits..])
}

/// The seconds east of UTC that `Z` or `±HH:MM` says.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        [b'+', rest @ ..] if rest.len() == 5 && rest[2] == b':' => clock_seconds(rest),
        [b'-', rest @ ..] if rest.len() == 5 && rest[2] == b':' => clock_seconds(rest).map(|s| -s),
        _ => None,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Counted from March, so that the leap day is the last of its year.
    let shifted = if month > 2 { year } else { year - 1 };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
    Some(shifted * 365 + leap_days + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_read_to_the_second() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2025-10-29T01:06:40Z", 1_761_700_000),
            ("2025-10-29T01:06:40.999999Z", 1_761_700_000),
            ("2025-10-29t02:06:40.0+01:00", 1_761_700_000),
            ("2025-10-28T17:36:40-07:30", 1_761_700_000),
            ("9999-12-31T23:59:59Z", SECONDS_MAX),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn impossible_or_foreign_times_are_refused() {
        for text in [
            "",
            "2025-10-29",
            "2025-10-29T01:06:40",
            "2025-10-29 01:06:40Z",
            "2025-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "2025-01-32T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "2025-01-01T00:00:61Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00+1:00",
            "2025-01-01T00:00:00Zx",
            "1969-12-31T23:59:59Z",
            "1761700000",
            "２０２５-10-29T01:06:40Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
