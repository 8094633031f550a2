//! How Stripe counts money: amounts are integers of a currency's minor units, and how many of those
//! make one is Stripe's own rule. After <https://docs.stripe.com/currencies> (2026-11). And how people
//! read it: with the currency's sign on the side where their language has it.

use serde::Deserialize;

/// Without minor units. Stripe's list has `ugx` as well, which it takes back further down its page.
const ZERO_DECIMAL: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
/// With a thousand minor units to the unit.
const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
/// Stripe counts hundredths of them, though nobody else does: the last two digits are zeros.
const WHOLE: [&str; 2] = ["isk", "ugx"];

/// What is written instead of a code where everybody knows it.
const SIGNS: [(&str, &str); 21] = [
    ("usd", "$"),
    ("eur", "€"),
    ("gbp", "£"),
    ("jpy", "¥"),
    ("cny", "CN¥"),
    ("inr", "₹"),
    ("krw", "₩"),
    ("ils", "₪"),
    ("vnd", "₫"),
    ("php", "₱"),
    ("try", "₺"),
    ("pln", "zł"),
    ("czk", "Kč"),
    ("huf", "Ft"),
    ("brl", "R$"),
    ("cad", "CA$"),
    ("aud", "A$"),
    ("nzd", "NZ$"),
    ("hkd", "HK$"),
    ("sgd", "S$"),
    ("mxn", "MX$"),
];
/// Between a number and what belongs to it no line ends.
const HARD_SPACE: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// On which side of a number a language has the currency's sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// `$5`
    Before,
    /// `5 $`
    After,
}

/// What stands in a number between its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks<'a> {
    /// Between thousands; may be nothing.
    pub group: &'a str,
    /// Between a unit and its parts.
    pub decimal: &'a str,
}

/// Returns how many digits of an amount are parts of a unit: 0, 2 or 3.
pub fn decimals(currency: &str) -> u32 {
    match currency {
        _ if is_among(&ZERO_DECIMAL, currency) => 0,
        _ if is_among(&THREE_DECIMAL, currency) => 3,
        _ => 2,
    }
}

/// Writes an amount of minor units as people read it, with the currency's sign or its code.
pub fn money(amount: i64, currency: &str, marks: Marks<'_>, side: Side) -> String {
    signed(amount, &number(amount, currency, marks), currency, side)
}

/// Writes it as it stands on a price tag: without decimals that say nothing.
pub fn price(amount: i64, currency: &str, marks: Marks<'_>, side: Side) -> String {
    signed(amount, &short_number(amount, currency, marks), currency, side)
}

fn signed(amount: i64, number: &str, currency: &str, side: Side) -> String {
    let code = currency.to_ascii_uppercase();
    let sign = SIGNS.iter().find(|(it, _)| it.eq_ignore_ascii_case(currency));
    let sign = sign.map_or(code.as_str(), |(_, sign)| *sign);
    let minus = if amount < 0 { MINUS.to_string() } else { String::new() };
    match side {
        Side::After => format!("{minus}{number}{HARD_SPACE}{sign}"),
        Side::Before if sign.ends_with(char::is_alphabetic) => {
            format!("{minus}{sign}{HARD_SPACE}{number}")
        }
        Side::Before => format!("{minus}{sign}{number}"),
    }
}

/// Writes an amount of minor units as a number of units, without its sign, with all the decimals
/// that people write in this currency.
pub fn number(amount: i64, currency: &str, marks: Marks<'_>) -> String {
    written(amount, currency, marks, is_among(&WHOLE, currency))
}

fn short_number(amount: i64, currency: &str, marks: Marks<'_>) -> String {
    written(amount, currency, marks, true)
}

fn written(amount: i64, currency: &str, marks: Marks<'_>, short: bool) -> String {
    let decimals = usize::try_from(decimals(currency)).expect("it is 3 at most");
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = decimals + 1);
    let (units, parts) = digits.split_at(digits.len() - decimals);
    let mut text = String::new();
    for (at, digit) in units.chars().enumerate() {
        if at > 0 && (units.len() - at).is_multiple_of(3) {
            text.push_str(marks.group);
        }
        text.push(digit);
    }
    if decimals > 0 && !(short && parts.bytes().all(|it| it == b'0')) {
        text.push_str(marks.decimal);
        text.push_str(parts);
    }
    text
}

fn is_among(codes: &[&str], currency: &str) -> bool {
    codes.iter().any(|it| it.eq_ignore_ascii_case(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks<'static> = Marks { group: ",", decimal: "." };

    #[test]
    fn a_number_has_the_decimals_of_its_currency() {
        for (amount, currency, full, short) in [
            (123_456_789, "eur", "1,234,567.89", "1,234,567.89"),
            (2_900, "USD", "29.00", "29"),
            (-5, "gbp", "0.05", "0.05"),
            (0, "usd", "0.00", "0"),
            (1_250, "jpy", "1,250", "1,250"),
            (1_250, "kwd", "1.250", "1.250"),
            (5_000, "kwd", "5.000", "5"),
            (i64::MIN, "jpy", "9,223,372,036,854,775,808", "9,223,372,036,854,775,808"),
        ] {
            assert_eq!(number(amount, currency, MARKS), full, "{amount} {currency}");
            assert_eq!(short_number(amount, currency, MARKS), short, "{amount} {currency}");
        }
    }

    #[test]
    fn the_sign_stands_where_the_language_has_it() {
        for (amount, currency, before, after) in [
            (-800, "eur", "−€8.00", "−8.00\u{a0}€"),
            (2_900, "USD", "$29.00", "29.00\u{a0}$"),
            (2_900, "pln", "zł\u{a0}29.00", "29.00\u{a0}zł"),
            (2_900, "sgd", "S$29.00", "29.00\u{a0}S$"),
            (1_250, "kwd", "KWD\u{a0}1.250", "1.250\u{a0}KWD"),
        ] {
            assert_eq!(money(amount, currency, MARKS, Side::Before), before);
            assert_eq!(money(amount, currency, MARKS, Side::After), after);
        }
        assert_eq!(price(2_900, "eur", MARKS, Side::After), "29\u{a0}€");
    }

    #[test]
    fn what_stripe_alone_counts_in_hundredths_is_written_whole() {
        for currency in WHOLE {
            assert_eq!(number(500_000, currency, MARKS), "5,000", "{currency}");
            assert_eq!(short_number(500_000, currency, MARKS), "5,000", "{currency}");
            // Of what was charged before that rule.
            assert_eq!(number(4_010, currency, MARKS), "40.10", "{currency}");
        }
    }
}
