//! What a quantity costs at a price, and how an invoice line says so.
//!
//! The amount of a line is rounded once, at the end: nearest minor unit, halves up
//! (`unit_amount_decimal` has up to twelve decimals).

use std::fmt;

use super::calendar::Interval;
use super::currency::Currency;
use super::share::nearest;

/// The decimals that `unit_amount_decimal` may have.
const PLACES: usize = 12;
/// The digits before the point that are accepted.
const DIGITS_MAX: usize = 12;
/// One minor unit.
const ONE: i128 = 1_000_000_000_000;

/// An exact number of minor units with up to twelve decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Decimal(i128);

/// How a price turns a quantity into an amount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    /// `billing_scheme=per_unit`.
    PerUnit { unit: Decimal, transform: Option<Transform> },
    /// `billing_scheme=tiered`.
    Tiered { mode: TiersMode, tiers: Vec<Tier> },
}

/// A price's `transform_quantity`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Transform {
    pub(crate) divide_by: u64,
    pub(crate) round_up: bool,
}

/// A price's `tiers_mode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TiersMode {
    /// Each unit costs what the tier says that it falls into.
    Graduated,
    /// Every unit costs what the tier says that the whole quantity falls into.
    Volume,
}

/// One of a price's `tiers`; the last one has no `up_to`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tier {
    pub(crate) up_to: Option<u64>,
    pub(crate) unit: Decimal,
    pub(crate) flat: Decimal,
}

impl Decimal {
    /// Reads a text such as `1500` or `0.05`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        if whole.len() > DIGITS_MAX || fraction.len() > PLACES {
            return None;
        }
        let scaled: i128 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
        Some(Self(if negative { -scaled } else { scaled }))
    }

    /// Returns a whole number of minor units.
    pub(crate) fn whole(units: i64) -> Self {
        Self(i128::from(units) * ONE)
    }

    /// Returns the number of minor units if it has no decimals, which is `unit_amount`.
    pub(crate) fn as_whole(self) -> Option<i64> {
        (self.0 % ONE == 0).then(|| i64::try_from(self.0 / ONE).ok())?
    }

    /// Returns `quantity` times this, not yet rounded; `None` beyond all bounds.
    fn times(self, quantity: u64) -> Option<i128> {
        self.0.checked_mul(i128::from(quantity))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        write!(formatter, "{sign}{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        write!(formatter, ".{}", format!("{fraction:0PLACES$}").trim_end_matches('0'))
    }
}

impl Scheme {
    /// Returns a price of so many minor units each.
    #[cfg(test)]
    pub(crate) fn each(unit: i64) -> Self {
        Self::PerUnit { unit: Decimal::whole(unit), transform: None }
    }

    /// Returns what a quantity costs for one period; `None` if that is more than an amount can be.
    pub(crate) fn amount(&self, quantity: u64) -> Option<i64> {
        let exact = match self {
            Self::PerUnit { unit, transform } => {
                unit.times(transform.map_or(quantity, |transform| transform.apply(quantity)))?
            }
            Self::Tiered { mode: TiersMode::Volume, tiers } => volume(tiers, quantity)?,
            Self::Tiered { mode: TiersMode::Graduated, tiers } => graduated(tiers, quantity)?,
        };
        nearest(exact, ONE)
    }
}

impl Transform {
    fn apply(self, quantity: u64) -> u64 {
        let divide_by = self.divide_by.max(1);
        if self.round_up { quantity.div_ceil(divide_by) } else { quantity / divide_by }
    }
}

fn volume(tiers: &[Tier], quantity: u64) -> Option<i128> {
    let tier = tiers.iter().find(|tier| tier.up_to.is_none_or(|up_to| quantity <= up_to))?;
    tier.unit.times(quantity)?.checked_add(tier.flat.0)
}

/// The first tier's flat amount is due even for a quantity of 0.
fn graduated(tiers: &[Tier], quantity: u64) -> Option<i128> {
    let mut sum = 0_i128;
    let mut below = 0;
    for tier in tiers {
        let up_to = tier.up_to.unwrap_or(u64::MAX).min(quantity);
        sum = sum.checked_add(tier.unit.times(up_to.saturating_sub(below))?)?;
        sum = sum.checked_add(tier.flat.0)?;
        below = up_to;
        if up_to == quantity {
            break;
        }
    }
    Some(sum)
}

/// Describes the line of a whole period: `2 × Pro (at $20.00 / month)`.
pub(crate) fn describe(quantity: u64, name: &str, rate: &str) -> String {
    format!("{quantity} × {name} (at {rate})")
}

/// Writes what one unit costs and how often: `$20.00 / month`, `€5.00 every 3 months`.
pub(crate) fn rate(unit: Decimal, currency: Currency, interval: Interval) -> String {
    let money = match unit.as_whole() {
        Some(units) => money(currency, &currency.write(units)),
        None => money(currency, &unit.in_major_units(currency)),
    };
    match interval {
        Interval { unit, count: 1 } => format!("{money} / {}", unit.as_str()),
        Interval { unit, count } => format!("{money} every {count} {}s", unit.as_str()),
    }
}

impl Decimal {
    /// Writes a price with decimals of a minor unit in major units: 0.5 cents is `0.005`.
    fn in_major_units(self, currency: Currency) -> String {
        let exponent = currency.exponent() as usize;
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.0.abs(), width = PLACES + exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - PLACES - exponent);
        format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

fn money(currency: Currency, amount: &str) -> String {
    let (sign, amount) = match amount.strip_prefix('-') {
        Some(amount) => ("-", amount),
        None => ("", amount),
    };
    match currency.as_str() {
        "usd" => format!("{sign}${amount}"),
        "eur" => format!("{sign}€{amount}"),
        "gbp" => format!("{sign}£{amount}"),
        "jpy" => format!("{sign}¥{amount}"),
        code => format!("{sign}{} {amount}", code.to_ascii_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Unit;
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a decimal"))
    }

    fn tiers(all: &[(Option<u64>, &str, i64)]) -> Vec<Tier> {
        let tier =
            |&(up_to, unit, flat)| Tier { up_to, unit: decimal(unit), flat: Decimal::whole(flat) };
        all.iter().map(tier).collect()
    }

    #[test]
    fn decimals_are_read_and_written_exactly() {
        for (text, written) in [
            ("1500", "1500"),
            ("0.05", "0.05"),
            ("12.50", "12.5"),
            ("0.000000000001", "0.000000000001"),
            ("-3.10", "-3.1"),
            ("007", "7"),
        ] {
            assert_eq!(decimal(text).to_string(), written);
        }
        for text in ["", ".5", "5.", "1e3", "0.0000000000001", "1234567890123", "--1", " 1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(decimal("12.0").as_whole(), Some(12));
        assert_eq!(decimal("12.5").as_whole(), None);
    }

    #[test]
    fn a_line_is_rounded_once_and_not_per_unit() {
        let half_cent = Scheme::PerUnit { unit: decimal("0.5"), transform: None };
        for (quantity, amount) in [(1, 1), (2, 1), (3, 2), (1_001, 501), (0, 0)] {
            assert_eq!(half_cent.amount(quantity), Some(amount), "{quantity} × 0.5");
        }
        let third = Scheme::PerUnit { unit: decimal("33.333333333333"), transform: None };
        assert_eq!(third.amount(3), Some(100));
        assert_eq!(Scheme::each(999_999_999_999).amount(u64::MAX), None);
    }

    #[test]
    fn quantities_are_divided_into_packages_first() {
        let packages = |round_up| Scheme::PerUnit {
            unit: Decimal::whole(700),
            transform: Some(Transform { divide_by: 5, round_up }),
        };
        assert_eq!(packages(true).amount(11), Some(2_100));
        assert_eq!(packages(false).amount(11), Some(1_400));
        assert_eq!(packages(true).amount(10), Some(1_400));
    }

    #[test]
    fn graduated_tiers_add_up_and_volume_tiers_apply_to_all() {
        let tiers = tiers(&[(Some(5), "700", 0), (Some(10), "650", 100), (None, "600", 0)]);
        let graduated = Scheme::Tiered { mode: TiersMode::Graduated, tiers: tiers.clone() };
        let volume = Scheme::Tiered { mode: TiersMode::Volume, tiers };
        // 5 × 700 + 1 × 650 + 100 flat; 5 × 700 + 5 × 650 + 100 + 2 × 600.
        for (quantity, amount) in [(0, 0), (5, 3_500), (6, 4_250), (10, 6_850), (12, 8_050)] {
            assert_eq!(graduated.amount(quantity), Some(amount), "graduated {quantity}");
        }
        for (quantity, amount) in [(5, 3_500), (6, 4_000), (10, 6_600), (12, 7_200)] {
            assert_eq!(volume.amount(quantity), Some(amount), "volume {quantity}");
        }
        assert_eq!(volume.amount(u64::MAX), None);
    }

    #[test]
    fn lines_are_described_in_stripes_manner() {
        let usd = Currency::parse("usd").expect("a code");
        let every = |unit, count| Interval { unit, count };
        let rate = |text, interval| super::rate(decimal(text), usd, interval);
        assert_eq!(
            describe(1, "Gold product", &rate("3252", every(Unit::Month, 1))),
            "1 × Gold product (at $32.52 / month)"
        );
        assert_eq!(rate("10000", every(Unit::Month, 3)), "$100.00 every 3 months");
        assert_eq!(rate("0.5", every(Unit::Week, 1)), "$0.005 / week");
        let yen = Currency::parse("jpy").expect("a code");
        assert_eq!(super::rate(decimal("500"), yen, every(Unit::Year, 1)), "¥500 / year");
        let franc = Currency::parse("chf").expect("a code");
        assert_eq!(super::rate(decimal("-990"), franc, every(Unit::Day, 1)), "-CHF 9.90 / day");
    }
}
