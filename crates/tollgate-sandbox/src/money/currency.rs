//! Currencies: their codes, and the least that can be charged, after
//! <https://docs.stripe.com/currencies> (2026-11).

use std::fmt;

use serde::{Serialize, Serializer};
use tollgate_stripe::currency::{self, Marks};

/// A three-letter ISO code in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Currency([u8; 3]);

/// How amounts are written in texts.
const MARKS: Marks<'static> = Marks { group: "", decimal: "." };

/// The least that can be charged, in minor units, where it is not 50.
const LEAST: [(&str, i64); 12] = [
    ("gbp", 30),
    ("jpy", 50),
    ("dkk", 250),
    ("nok", 300),
    ("sek", 300),
    ("czk", 1_500),
    ("huf", 17_500),
    ("hkd", 400),
    ("mxn", 1_000),
    ("pln", 200),
    ("thb", 1_000),
    ("myr", 200),
];

impl Currency {
    /// Reads a code in any case; `None` unless it is three letters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(letters.map(|letter| letter.to_ascii_lowercase())))
    }

    /// Returns the code in lower case.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters")
    }

    /// Returns how many decimals the currency is written with: 0, 2 or 3.
    pub(crate) fn exponent(self) -> u32 {
        currency::decimals(self.as_str())
    }

    /// Returns the least amount that can be charged, in minor units.
    pub(crate) fn least_charge(self) -> i64 {
        let known = LEAST.iter().find(|(code, _)| *code == self.as_str());
        known.map_or(50, |(_, least)| *least)
    }

    /// Writes an amount of minor units as people read it, for example `12.50`.
    pub(crate) fn write(self, amount: i64) -> String {
        let sign = if amount < 0 { "-" } else { "" };
        format!("{sign}{}", currency::number(amount, self.as_str(), MARKS))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_by_exponent() {
        for (code, amount, written) in [
            ("usd", 1_250, "12.50"),
            ("usd", -5, "-0.05"),
            ("jpy", 1_250, "1250"),
            ("kwd", 1_250, "1.250"),
            ("ugx", 125_000, "1250"),
        ] {
            let currency = Currency::parse(code).expect("three letters");
            assert_eq!(currency.write(amount), written, "{code}");
        }
        assert_eq!(Currency::parse("EUR").map(|c| c.as_str().to_owned()), Some("eur".to_owned()));
        assert_eq!(Currency::parse("€"), None);
        assert_eq!(Currency::parse("euro"), None);
    }
}
