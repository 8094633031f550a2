//! Dates without a clock: civil dates in UTC, and the billing periods that follow from an anchor.
//! A month that is too short for the anchor's day ends its period on its last day; the next
//! month goes back to the anchor's day (<https://docs.stripe.com/billing/subscriptions/billing-cycle>,
//! read 2026-11).

/// A day, in seconds.
pub(crate) const DAY: i64 = 86_400;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The intervals within which a month as long as asked is looked for. Leap years are at most eight
/// years apart, and some months have no 30th in any year.
const TRIES_MAX: i64 = 96;

/// A stretch of time: from `start` up to, and without, `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Period {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// The word of a price's `recurring.interval`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
    Year,
}

/// How often a price is billed: every `count` units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interval {
    pub(crate) unit: Unit,
    pub(crate) count: u32,
}

/// The billing periods of one interval, aligned with an anchor in both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cycle {
    /// A moment at which a period begins.
    pub(crate) anchor: i64,
    pub(crate) interval: Interval,
}

/// The parameter `billing_cycle_anchor_config`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AnchorConfig {
    pub(crate) day_of_month: i64,
    pub(crate) month: Option<i64>,
    pub(crate) hour: Option<i64>,
    pub(crate) minute: Option<i64>,
    pub(crate) second: Option<i64>,
}

impl Period {
    /// Returns its length in seconds.
    pub(crate) fn length(self) -> i64 {
        self.end - self.start
    }
}

impl Unit {
    /// Reads Stripe's word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month, Self::Year]
            .into_iter()
            .find(|unit| unit.as_str() == word)
    }

    /// Returns Stripe's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

impl Interval {
    /// Returns the months and the days of one interval; one of the two is 0.
    fn months_and_days(self) -> (i64, i64) {
        let count = i64::from(self.count);
        match self.unit {
            Unit::Day => (0, count),
            Unit::Week => (0, 7 * count),
            Unit::Month => (count, 0),
            Unit::Year => (12 * count, 0),
        }
    }

    /// Says whether both last equally long, as a year and twelve months do.
    pub(crate) fn equals(self, other: Self) -> bool {
        self.months_and_days() == other.months_and_days()
    }

    /// Says whether one subscription may bill both, `shortest` being its shortest interval
    /// (<https://docs.stripe.com/billing/subscriptions/mixed-interval>, read 2026-05).
    pub(crate) fn is_multiple_of(self, shortest: Self) -> bool {
        match (self.months_and_days(), shortest.months_and_days()) {
            ((0, days), (0, shortest)) => days % shortest == 0,
            ((months, 0), (shortest, 0)) => months % shortest == 0,
            ((_, 0), (0, days)) => days == 1,
            _ => false,
        }
    }

    /// Returns the same time of day `times` intervals after `moment`; before it if negative.
    pub(crate) fn after(self, moment: i64, times: i64) -> i64 {
        Cycle { anchor: moment, interval: self }.start(times)
    }
}

impl Cycle {
    /// Returns the period that holds a moment.
    pub(crate) fn period_containing(&self, at: i64) -> Period {
        let guess = self.guess(at);
        let index = if self.start(guess) > at { guess - 1 } else { guess };
        Period { start: self.start(index), end: self.start(index + 1) }
    }

    /// Returns the first beginning of a period after a moment.
    pub(crate) fn next_after(&self, at: i64) -> i64 {
        self.period_containing(at).end
    }

    /// Returns when the period `index` periods after the anchor begins.
    fn start(&self, index: i64) -> i64 {
        match self.interval.months_and_days() {
            (0, days) => self.anchor + index * days * DAY,
            (months, _) => add_months(self.anchor, index * months),
        }
    }

    /// Returns the index of the period that holds `at`, or of the one after it in the same month.
    fn guess(&self, at: i64) -> i64 {
        match self.interval.months_and_days() {
            (0, days) => (at - self.anchor).div_euclid(days * DAY),
            (months, _) => {
                let of = |moment| {
                    let (year, month, _) = civil(moment);
                    year * 12 + month
                };
                (of(at) - of(self.anchor)).div_euclid(months)
            }
        }
    }
}

impl AnchorConfig {
    /// Returns the anchor that it means: the next moment, from `now` on, that fits; what is not
    /// said is as it is now. If that month is too short for the day, then the first later one,
    /// by whole intervals, that is not: periods counted back from it still begin as asked.
    pub(crate) fn anchor(&self, now: i64, interval: Interval) -> i64 {
        let (year, month, _) = civil(now);
        let of_day = now.rem_euclid(DAY);
        let time = self.hour.unwrap_or(of_day / 3_600) * 3_600
            + self.minute.unwrap_or(of_day / 60 % 60) * 60
            + self.second.unwrap_or(of_day % 60);
        let (mut count, next) = match self.month {
            Some(month) => (year * 12 + month - 1, 12),
            None => (year * 12 + month - 1, 1),
        };
        if in_month(count, self.day_of_month) + time < now {
            count += next;
        }
        let step = if self.month.is_some() { 12 } else { interval.months_and_days().0.max(1) };
        let long_enough = (0..TRIES_MAX)
            .map(|times| count + times * step)
            .find(|count| last_day(*count) >= self.day_of_month);
        in_month(long_enough.unwrap_or(count), self.day_of_month) + time
    }
}

/// Returns the same time of day `months` later, on the last day of a month that is too short.
pub(crate) fn add_months(unix: i64, months: i64) -> i64 {
    let (year, month, day) = civil(unix);
    in_month(year * 12 + month - 1 + months, day) + unix.rem_euclid(DAY)
}

/// Returns the year, the month (1 to 12) and the day of the month of a moment.
pub(crate) fn civil(unix: i64) -> (i64, i64, i64) {
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
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Returns midnight of a civil date, in Unix seconds.
pub(crate) fn midnight(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY
}

/// Writes a day as Stripe does in descriptions: `01 Sep 2020`.
pub(crate) fn day_in_words(unix: i64) -> String {
    let (year, month, day) = civil(unix);
    let month = MONTHS[usize::try_from(month - 1).expect("months count from 1")];
    format!("{day:02} {month} {year}")
}

/// Returns midnight of a day in the month numbered `count` from the year 0, or of its last day.
fn in_month(count: i64, day: i64) -> i64 {
    midnight(count.div_euclid(12), count.rem_euclid(12) + 1, day.min(last_day(count)))
}

/// Returns how many days the month numbered `count` has.
fn last_day(count: i64) -> i64 {
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTHLY: Interval = Interval { unit: Unit::Month, count: 1 };

    fn cycle(anchor: i64, unit: Unit, count: u32) -> Cycle {
        Cycle { anchor, interval: Interval { unit, count } }
    }

    #[test]
    fn the_31st_of_january_bills_on_the_last_day_of_short_months_and_returns_to_the_31st() {
        let noon = DAY / 2;
        let cycle = cycle(midnight(2027, 1, 31) + noon, Unit::Month, 1);
        let mut at = cycle.anchor;
        for (month, day) in [(2, 28), (3, 31), (4, 30), (5, 31), (6, 30)] {
            at = cycle.next_after(at);
            assert_eq!(at, midnight(2027, month, day) + noon);
        }
        assert_eq!(cycle.next_after(midnight(2028, 2, 1)), midnight(2028, 2, 29) + noon);
    }

    #[test]
    fn a_leap_day_bills_on_the_28th_of_february_in_common_years() {
        let cycle = cycle(midnight(2028, 2, 29), Unit::Year, 1);
        assert_eq!(cycle.next_after(cycle.anchor), midnight(2029, 2, 28));
        assert_eq!(cycle.next_after(midnight(2031, 12, 1)), midnight(2032, 2, 29));
    }

    #[test]
    fn weeks_and_days_are_exact_and_reach_back_before_the_anchor() {
        let anchor = midnight(2027, 3, 3);
        let period = cycle(anchor, Unit::Week, 2).period_containing(anchor - 1);
        assert_eq!(period, Period { start: anchor - 14 * DAY, end: anchor });
        let period = cycle(anchor, Unit::Day, 10).period_containing(anchor + 10 * DAY);
        assert_eq!(period.start, anchor + 10 * DAY);
    }

    #[test]
    fn the_period_before_an_anchor_in_the_future_is_a_month_long() {
        let period =
            cycle(midnight(2027, 3, 31), Unit::Month, 1).period_containing(midnight(2027, 3, 14));
        assert_eq!(period.start, midnight(2027, 2, 28));
        assert_eq!(period.end, midnight(2027, 3, 31));
    }

    #[test]
    fn a_period_holds_its_start_and_not_its_end() {
        for (unit, count) in [(Unit::Month, 1), (Unit::Month, 3), (Unit::Year, 1), (Unit::Day, 7)] {
            let cycle = cycle(midnight(2024, 12, 31) + 7, unit, count);
            for days in (-900..900).step_by(13) {
                let at = cycle.anchor + days * DAY;
                let period = cycle.period_containing(at);
                assert!(period.start <= at && at < period.end, "{unit:?} {count} {at}");
                assert_eq!(cycle.period_containing(period.start), period);
                assert_eq!(cycle.period_containing(period.end).start, period.end);
            }
        }
    }

    fn on_day(day_of_month: i64) -> AnchorConfig {
        AnchorConfig { day_of_month, month: None, hour: None, minute: None, second: None }
    }

    #[test]
    fn an_anchor_on_the_31st_is_in_a_month_that_has_one() {
        let now = midnight(2027, 2, 10);
        let every_two = Interval { unit: Unit::Month, count: 2 };
        // Stripe's own example: every two months on the 31st, asked for in February.
        for (interval, anchor) in [(MONTHLY, (2027, 3, 31)), (every_two, (2027, 8, 31))] {
            let anchor = midnight(anchor.0, anchor.1, anchor.2);
            assert_eq!(on_day(31).anchor(now, interval), anchor);
            let cycle = Cycle { anchor, interval };
            assert_eq!(cycle.next_after(now), midnight(2027, 2, 28), "the first full period");
        }
        let leap = AnchorConfig { month: Some(2), ..on_day(29) };
        let yearly = Interval { unit: Unit::Year, count: 1 };
        assert_eq!(leap.anchor(now, yearly), midnight(2028, 2, 29));
        let never = AnchorConfig { month: Some(2), ..on_day(30) };
        assert_eq!(never.anchor(now, yearly), midnight(2027, 2, 28));
    }

    #[test]
    fn an_anchor_config_finds_the_next_fitting_moment() {
        let now = midnight(2027, 5, 20) + 9 * 3_600 + 30;
        assert_eq!(on_day(20).anchor(now, MONTHLY), now, "today, at this time of day");
        let june = midnight(2027, 6, 19) + 9 * 3_600 + 30;
        assert_eq!(on_day(19).anchor(now, MONTHLY), june);
        let april = AnchorConfig { month: Some(4), ..on_day(1) };
        assert_eq!(april.anchor(now, MONTHLY), midnight(2028, 4, 1) + 9 * 3_600 + 30);
        let july = AnchorConfig { month: Some(7), hour: Some(0), ..on_day(1) };
        assert_eq!(july.anchor(now, MONTHLY), midnight(2027, 7, 1) + 30);
    }

    #[test]
    fn intervals_mix_as_documented() {
        let interval = |unit, count| Interval { unit, count };
        assert!(interval(Unit::Week, 1).equals(interval(Unit::Day, 7)));
        assert!(interval(Unit::Year, 1).equals(interval(Unit::Month, 12)));
        for (longer, shortest) in [
            (interval(Unit::Month, 3), MONTHLY),
            (interval(Unit::Year, 1), MONTHLY),
            (interval(Unit::Week, 1), interval(Unit::Day, 1)),
            (interval(Unit::Year, 2), interval(Unit::Day, 1)),
            (interval(Unit::Week, 4), interval(Unit::Week, 2)),
        ] {
            assert!(longer.is_multiple_of(shortest), "{longer:?} {shortest:?}");
        }
        assert!(!MONTHLY.is_multiple_of(interval(Unit::Week, 1)));
        assert!(!interval(Unit::Month, 5).is_multiple_of(interval(Unit::Month, 2)));
    }

    #[test]
    fn civil_and_midnight_undo_each_other() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil(days * DAY);
            assert_eq!(midnight(year, month, day), days * DAY);
        }
        assert_eq!(civil(1_598_982_148), (2020, 9, 1));
        assert_eq!(day_in_words(1_598_982_148), "01 Sep 2020");
    }
}
