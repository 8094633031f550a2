//! Coupons at work: when a discount is in force, and what it takes off which line.
//!
//! Discounts apply in the order in which they are listed, each to what the ones before it left.
//! What a discount takes is rounded once for all its lines and then divided among them, so that
//! the lines add up to what the customer was promised.

use std::sync::Arc;

use super::calendar::add_months;
use super::share::{evenly, in_proportion, nearest};

/// Hundredths of a percent in the whole.
const WHOLE: i128 = 10_000;

/// A coupon as it applies to a customer, subscription, item or invoice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Discount {
    /// The discount's id.
    pub(crate) id: Arc<str>,
    pub(crate) off: Off,
    /// The coupon's `applies_to`; `None` for all products.
    pub(crate) products: Option<Vec<Arc<str>>>,
}

/// What a coupon takes off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Off {
    /// Hundredths of a percent, from 1 to 10,000.
    Percent(u16),
    /// Minor units.
    Amount(i64),
}

/// A coupon's `duration`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Duration {
    Once,
    Repeating { months: u32 },
    Forever,
}

/// A line to which discounts may apply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) amount: i64,
    pub(crate) product: Option<&'a str>,
    /// False for prorations and for what asks to be left alone.
    pub(crate) discountable: bool,
}

/// What one discount takes off a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cut {
    /// The discount's id.
    pub(crate) discount: Arc<str>,
    pub(crate) amount: i64,
}

/// How a discount is divided among lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Division {
    /// By their amounts: invoices, and prorations in flexible billing mode.
    Proportional,
    /// In equal parts: prorations in classic billing mode.
    Even,
}

impl Off {
    /// Reads `percent_off`, such as `12.5`: more than 0, at most 100, two decimals.
    pub(crate) fn percent(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || whole.len() > 3 {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 2 {
            return None;
        }
        let hundredths: u32 = format!("{whole}{fraction:0<2}").parse().ok()?;
        let hundredths = u16::try_from(hundredths).ok()?;
        (1..=10_000).contains(&hundredths).then_some(Self::Percent(hundredths))
    }

    /// Returns what is taken off a sum that is not negative.
    fn of(self, sum: i64) -> i64 {
        match self {
            Self::Amount(amount) => amount.min(sum),
            Self::Percent(hundredths) => nearest(i128::from(sum) * i128::from(hundredths), WHOLE)
                .expect("a part is not more than the whole"),
        }
    }
}

impl Duration {
    /// Returns when a discount that began at `start` ends; `None` if time does not end it.
    ///
    /// One that applies once ends with the first invoice that it was used on.
    pub(crate) fn end(self, start: i64) -> Option<i64> {
        match self {
            Self::Repeating { months } => Some(add_months(start, i64::from(months))),
            Self::Once | Self::Forever => None,
        }
    }

    /// Says whether a discount that began at `start` is in force at a moment.
    pub(crate) fn in_force(self, start: i64, used: bool, at: i64) -> bool {
        let begun = at >= start;
        match self {
            Self::Once => begun && !used,
            Self::Repeating { .. } => begun && self.end(start).is_none_or(|end| at < end),
            Self::Forever => begun,
        }
    }
}

impl Discount {
    fn covers(&self, line: &Line<'_>) -> bool {
        let product = |products: &Vec<Arc<str>>| {
            line.product.is_some_and(|product| products.iter().any(|one| &**one == product))
        };
        line.discountable && line.amount > 0 && self.products.as_ref().is_none_or(product)
    }
}

/// Returns for each line what each discount takes off it, leaving out what takes nothing.
///
/// No line is discounted below zero, and a negative line not at all.
pub(crate) fn cuts(lines: &[Line<'_>], discounts: &[Discount], by: Division) -> Vec<Vec<Cut>> {
    let mut left: Vec<i64> = lines.iter().map(|line| line.amount).collect();
    let mut cuts = vec![Vec::new(); lines.len()];
    for discount in discounts {
        let covered: Vec<i64> = lines
            .iter()
            .zip(&left)
            .map(|(line, &left)| if discount.covers(line) { left } else { 0 })
            .collect();
        let total = discount.off.of(covered.iter().sum());
        let parts = match (by, discount.off) {
            (Division::Even, Off::Amount(_)) => evenly_covered(total, &covered),
            _ => in_proportion(total, &covered),
        };
        for (index, amount) in parts.into_iter().enumerate().filter(|(_, amount)| *amount > 0) {
            left[index] -= amount;
            cuts[index].push(Cut { discount: discount.id.clone(), amount });
        }
    }
    cuts
}

/// Divides evenly among the lines that have something left.
fn evenly_covered(total: i64, covered: &[i64]) -> Vec<i64> {
    let takers: Vec<i64> = covered.iter().copied().filter(|&amount| amount > 0).collect();
    let mut parts = evenly(total, &takers).into_iter();
    let part = |&amount: &i64| if amount > 0 { parts.next().unwrap_or(0) } else { 0 };
    covered.iter().map(part).collect()
}

/// Returns what all the cuts take together.
pub(crate) fn sum(cuts: &[Cut]) -> i64 {
    cuts.iter().map(|cut| cut.amount).sum()
}

#[cfg(test)]
mod tests {
    use super::super::calendar::midnight;
    use super::*;

    fn discount(id: &str, off: Off, products: &[&str]) -> Discount {
        let products = products.iter().map(|&one| one.into()).collect::<Vec<_>>();
        Discount { id: id.into(), off, products: (!products.is_empty()).then_some(products) }
    }

    fn lines(amounts: &[(i64, &'static str)]) -> Vec<Line<'static>> {
        let line = |&(amount, product)| Line { amount, product: Some(product), discountable: true };
        amounts.iter().map(line).collect()
    }

    /// What each line loses, over all discounts.
    fn lost(lines: &[Line<'_>], discounts: &[Discount]) -> Vec<i64> {
        cuts(lines, discounts, Division::Proportional).iter().map(|cuts| sum(cuts)).collect()
    }

    #[test]
    fn percents_have_two_decimals_and_stay_within_a_hundred() {
        for (text, hundredths) in
            [("12.5", 1_250), ("100", 10_000), ("0.01", 1), ("33.33", 3_333), ("20.00", 2_000)]
        {
            assert_eq!(Off::percent(text), Some(Off::Percent(hundredths)), "{text}");
        }
        for text in ["0", "0.00", "100.01", "12.345", "-5", "", "1e1", "9999", "50."] {
            assert_eq!(Off::percent(text), None, "{text}");
        }
    }

    #[test]
    fn a_percentage_is_rounded_once_for_all_lines() {
        // 50 % of 999 is 499.5, which is 500; not three times 167.
        let lines = lines(&[(333, "a"), (333, "a"), (333, "a")]);
        let half = discount("half", Off::Percent(5_000), &[]);
        let lost = lost(&lines, &[half]);
        assert_eq!(lost, [166, 167, 167]);
    }

    #[test]
    fn an_amount_off_is_divided_exactly_and_never_below_zero() {
        let two = lines(&[(1_000, "a"), (2_000, "b")]);
        assert_eq!(lost(&two, &[discount("5", Off::Amount(500), &[])]), [166, 334]);
        assert_eq!(lost(&two, &[discount("50", Off::Amount(5_000), &[])]), [1_000, 2_000]);
    }

    #[test]
    fn discounts_apply_in_order_to_what_is_left() {
        let one = lines(&[(10_000, "a")]);
        let (tenth, ten) =
            (discount("10%", Off::Percent(1_000), &[]), discount("10", Off::Amount(1_000), &[]));
        assert_eq!(lost(&one, &[tenth.clone(), ten.clone()]), [2_000]);
        assert_eq!(lost(&one, &[ten.clone(), tenth.clone()]), [1_900]);
        let both = cuts(&one, &[ten, tenth], Division::Proportional);
        let amounts: Vec<_> = both[0].iter().map(|cut| (&*cut.discount, cut.amount)).collect();
        assert_eq!(amounts, [("10", 1_000), ("10%", 900)]);
    }

    #[test]
    fn only_named_products_and_discountable_lines_are_discounted() {
        let mut lines = lines(&[(1_000, "a"), (2_000, "b"), (-300, "b"), (500, "b")]);
        lines[3].discountable = false;
        let half_of_b = discount("b", Off::Percent(5_000), &["b"]);
        assert_eq!(lost(&lines, &[half_of_b]), [0, 1_000, 0, 0]);
    }

    #[test]
    fn even_division_gives_each_line_the_same() {
        let two = lines(&[(1_000, "a"), (0, "free"), (2_000, "b")]);
        let five = discount("5", Off::Amount(500), &[]);
        let cuts = cuts(&two, &[five], Division::Even);
        assert_eq!(cuts.iter().map(|cuts| sum(cuts)).collect::<Vec<_>>(), [250, 0, 250]);
    }

    #[test]
    fn durations_end_by_use_by_months_or_never() {
        let start = midnight(2027, 1, 31);
        let repeating = Duration::Repeating { months: 1 };
        assert_eq!(repeating.end(start), Some(midnight(2027, 2, 28)));
        assert!(repeating.in_force(start, true, midnight(2027, 2, 28) - 1));
        assert!(!repeating.in_force(start, true, midnight(2027, 2, 28)));
        assert!(Duration::Once.in_force(start, false, start));
        assert!(!Duration::Once.in_force(start, true, start + 1));
        assert!(Duration::Forever.in_force(start, true, midnight(2099, 1, 1)));
        assert!(!Duration::Forever.in_force(start, false, start - 1));
    }
}
