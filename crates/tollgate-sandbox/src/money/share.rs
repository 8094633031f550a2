//! Parts of amounts, to the minor unit: the one place where money is rounded.
//!
//! Everything is rounded to the nearest minor unit, halves away from zero. Stripe's own example
//! needs the nearest (166.35 and 540.96 become 166 and 541, <https://docs.stripe.com/billing/subscriptions/prorations>,
//! read 2026-05); what it does with an exact half is not documented.

use super::calendar::Period;

/// Returns `numerator / denominator`, rounded to the nearest, halves away from zero.
///
/// `None` if that is more than an amount can be. The denominator is positive.
pub(crate) fn nearest(numerator: i128, denominator: i128) -> Option<i64> {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let up = rest.abs() >= denominator - rest.abs();
    let rounded = if up { whole + numerator.signum() } else { whole };
    i64::try_from(rounded).ok()
}

/// Returns what the part of a period from `from` to `until` is worth, if all of it is `amount`.
///
/// It is the difference of two remainders, so that the parts of a period add up exactly.
pub(crate) fn of_period(amount: i64, period: Period, from: i64, until: i64) -> i64 {
    let left = |moment: i64| {
        let left = period.end - moment.clamp(period.start, period.end);
        nearest(i128::from(amount) * i128::from(left), i128::from(period.length().max(1)))
            .expect("a part is not more than the whole")
    };
    left(from) - left(until)
}

/// Divides `total` in proportion to `weights`; the parts add up exactly.
///
/// Each part in turn is rounded down from what is left, as Stripe divides 5.00 off between 10.00
/// and 20.00 into 1.66 and 3.34. If the total is not more than the weights' sum, then no part is
/// more than its weight. Negative weights get nothing.
pub(crate) fn in_proportion(total: i64, weights: &[i64]) -> Vec<i64> {
    let mut left = i128::from(total);
    let mut weight_left: i128 = weights.iter().map(|&weight| i128::from(weight.max(0))).sum();
    weights
        .iter()
        .map(|&weight| {
            let weight = i128::from(weight.max(0));
            let part = if weight_left == 0 { 0 } else { left * weight / weight_left };
            left -= part;
            weight_left -= weight;
            i64::try_from(part).expect("a part is not more than the whole")
        })
        .collect()
}

/// Divides `total` into equal parts, none more than its cap; the parts add up to the total, or to
/// the sum of the caps if that is less. Negative caps get nothing.
pub(crate) fn evenly(total: i64, caps: &[i64]) -> Vec<i64> {
    // The lowest caps come first: what they cannot take is divided among the rest.
    let mut order: Vec<usize> = (0..caps.len()).collect();
    order.sort_by_key(|&index| caps[index]);
    let mut parts = vec![0; caps.len()];
    let (mut left, mut takers) = (total, i64::try_from(caps.len()).expect("few lines"));
    for index in order {
        parts[index] = (left / takers).min(caps[index].max(0));
        left -= parts[index];
        takers -= 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (numerator, denominator, expected) in
            [(5, 2, 3), (-5, 2, -3), (7, 3, 2), (8, 3, 3), (-7, 3, -2), (0, 3, 0), (6, 3, 2)]
        {
            assert_eq!(nearest(numerator, denominator), Some(expected), "{numerator}");
        }
        assert_eq!(nearest(i128::MAX, 1), None);
    }

    #[test]
    fn parts_of_a_period_add_up() {
        let period = Period { start: 0, end: 31 };
        let parts: i64 = (0..31).map(|day| of_period(1_000, period, day, day + 1)).sum();
        assert_eq!(parts, 1_000);
    }

    #[test]
    fn an_amount_off_is_divided_as_documented() {
        assert_eq!(in_proportion(500, &[1_000, 2_000]), [166, 334]);
        assert_eq!(in_proportion(2, &[1, 1, 1]), [0, 1, 1]);
        assert_eq!(in_proportion(7, &[0, 3, -4, 4]), [0, 3, 0, 4]);
        assert_eq!(in_proportion(7, &[0, 0]), [0, 0]);
    }

    #[test]
    fn even_parts_stay_under_their_caps() {
        assert_eq!(evenly(500, &[1_000, 2_000]), [250, 250]);
        assert_eq!(evenly(500, &[100, 2_000]), [100, 400]);
        assert_eq!(evenly(500, &[300, 100, 2_000]), [200, 100, 200]);
        assert_eq!(evenly(500, &[100, 200]), [100, 200]);
        assert_eq!(evenly(500, &[]), [0; 0]);
    }
}
