//! What pages say and how they write numbers: one file for each language, ours or the operator's.
//! Dates are in UTC.

use std::collections::BTreeMap;

use serde::Deserialize;
use tollgate_stripe::currency::{self, Marks, Side};

use crate::answer::rfc3339;
use crate::billing::offers::Tag;

/// Ours, in the order in which they are offered.
pub(super) const OURS: [(&str, &str); 2] = [
    ("en.toml", include_str!("../../../assets/pages/en.toml")),
    ("de.toml", include_str!("../../../assets/pages/de.toml")),
];
/// A language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    /// Its tag, such as `de` or `pt-BR`.
    pub(super) lang: String,
    /// What its speakers call it.
    pub(super) name: String,
    format: Format,
    /// Key to text.
    pub(super) text: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    decimal: String,
    group: String,
    symbol: Side,
    date: String,
    months: [String; 12],
}

impl Language {
    /// Reads a language's file.
    pub(super) fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Takes from another language what this one does not say.
    pub(super) fn completed_by(mut self, other: &Self) -> Self {
        for (key, text) in &other.text {
            self.text.entry(key.clone()).or_insert_with(|| text.clone());
        }
        self
    }

    /// Says something, filling in what stands in braces.
    pub(super) fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        let Some(text) = self.text.get(key) else { return key.to_owned() };
        let mut said = String::new();
        let mut rest = text.as_str();
        // In one pass: what is filled in is not looked at again.
        while let Some((before, after)) = rest.split_once('{') {
            said.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            let value = values.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
            said.push_str(value.unwrap_or_default());
            rest = after;
        }
        said + rest
    }

    /// Writes an amount of minor units.
    pub(super) fn money(&self, amount: i64, currency: &str) -> String {
        currency::money(amount, currency, self.marks(), self.format.symbol)
    }

    /// Writes a price as it stands on a tag: without decimals that say nothing.
    pub(super) fn price(&self, amount: i64, currency: &str) -> String {
        currency::price(amount, currency, self.marks(), self.format.symbol)
    }

    fn marks(&self) -> Marks<'_> {
        Marks { group: &self.format.group, decimal: &self.format.decimal }
    }

    /// Writes the day of a moment in Unix seconds.
    pub(super) fn date(&self, at: i64) -> String {
        self.day(&rfc3339(at))
    }

    /// Writes the day of a moment in RFC 3339.
    pub(super) fn day(&self, text: &str) -> String {
        let part = |range: std::ops::Range<usize>| {
            text.get(range).unwrap_or_default().trim_start_matches('0').to_owned()
        };
        let month = part(5..7).parse::<usize>().ok().and_then(|it| it.checked_sub(1));
        let month = month.and_then(|it| self.format.months.get(it)).map_or("", String::as_str);
        let date = self.format.date.replace("{day}", &part(8..10)).replace("{month}", month);
        date.replace("{year}", text.get(..4).unwrap_or_default()).replace(' ', "\u{a0}")
    }

    /// Writes what a period costs: "per month", "every 3 months", "paid once".
    pub(super) fn per(&self, tag: &Tag) -> String {
        match &tag.interval {
            None => self.say("per_once", &[]),
            Some((interval, 1)) => self.say(&format!("per_{interval}"), &[]),
            Some((interval, count)) => {
                self.say(&format!("per_{interval}s"), &[("count", &count.to_string())])
            }
        }
    }

    /// Writes a price with its period.
    pub(super) fn tag(&self, tag: &Tag) -> String {
        match tag.amount {
            Some(amount) => format!("{} {}", self.price(amount, &tag.currency), self.per(tag)),
            None => self.say("by_usage", &[]),
        }
    }

    /// Returns the name of a plan's period: ours where we know it.
    pub(super) fn period(&self, name: &str) -> String {
        let known = ["daily", "weekly", "monthly", "quarterly", "yearly", "once"];
        match known.contains(&name) {
            true => self.say(name, &[]),
            false => name.to_owned(),
        }
    }
}

/// Finds the language that a browser wants, by the header `Accept-Language` or a single tag.
pub(super) fn wanted<'a>(languages: &'a [Language], accepted: &str) -> Option<&'a Language> {
    let mut ranges: Vec<(u32, &str)> = Vec::new();
    for range in accepted.split(',').take(RANGES_MAX) {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let weight = parts.find_map(|it| it.trim().strip_prefix("q=")).map_or(1.0, |it| {
            it.parse::<f32>().ok().filter(|it| (0.0..=1.0).contains(it)).unwrap_or(0.0)
        });
        // Thousandths are as fine as the header may be.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        ranges.push(((weight * 1000.0) as u32, tag));
    }
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let ranges = ranges.into_iter().filter(|(weight, tag)| *weight > 0 && !tag.is_empty());
    ranges.map(|(_, tag)| tag).find_map(|tag| {
        let exact = languages.iter().find(|it| it.lang.eq_ignore_ascii_case(tag));
        let base = |it: &'a str| it.split('-').next().unwrap_or_default();
        let near = || {
            let wanted = tag.split('-').next().unwrap_or_default();
            languages.iter().find(|it| base(&it.lang).eq_ignore_ascii_case(wanted))
        };
        exact.or_else(near)
    })
}

/// Languages that a browser may name.
const RANGES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn languages() -> Vec<Language> {
        OURS.iter().map(|(name, text)| Language::read(text).expect(name)).collect()
    }

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn amounts_are_written_by_currency_and_language() {
        let all = languages();
        for (amount, currency, english, german) in [
            (2900, "usd", "$29.00", "29,00 $"),
            (-800, "eur", "−€8.00", "−8,00 €"),
            (123_456_789, "eur", "€1,234,567.89", "1.234.567,89 €"),
            (5, "gbp", "£0.05", "0,05 £"),
            (500, "jpy", "¥500", "500 ¥"),
            (1_234_567, "krw", "₩1,234,567", "1.234.567 ₩"),
            (12_345, "kwd", "KWD 12.345", "12,345 KWD"),
            (500_000, "ugx", "UGX 5,000", "5.000 UGX"),
            (2900, "chf", "CHF 29.00", "29,00 CHF"),
            (1000, "pln", "zł 10.00", "10,00 zł"),
            (0, "usd", "$0.00", "0,00 $"),
            (i64::MIN, "jpy", "−¥9,223,372,036,854,775,808", "−9.223.372.036.854.775.808 ¥"),
        ] {
            assert_eq!(plain(&all[0].money(amount, currency)), english);
            assert_eq!(plain(&all[1].money(amount, currency)), german);
        }
    }

    #[test]
    fn a_tag_leaves_out_decimals_that_say_nothing() {
        let all = languages();
        assert_eq!(all[0].price(2900, "usd"), "$29");
        assert_eq!(all[0].price(2950, "usd"), "$29.50");
        assert_eq!(plain(&all[1].price(29_000, "eur")), "290 €");
        assert_eq!(plain(&all[0].price(5000, "kwd")), "KWD 5");
        let tag = |count| Tag {
            amount: Some(900),
            currency: "usd".to_owned(),
            interval: Some(("month".to_owned(), count)),
        };
        assert_eq!(all[0].tag(&tag(1)), "$9 per month");
        assert_eq!(plain(&all[1].tag(&tag(3))), "9 $ alle 3 Monate");
    }

    #[test]
    fn a_date_is_a_day() {
        let all = languages();
        assert_eq!(plain(&all[0].date(1_796_083_200)), "1 December 2026");
        assert_eq!(plain(&all[1].date(1_796_083_200)), "1. Dezember 2026");
    }

    #[test]
    fn the_browsers_first_choice_that_we_have_wins() {
        let all = languages();
        for (accepted, lang) in [
            ("de", Some("de")),
            ("de-AT,en;q=0.5", Some("de")),
            ("fr,de;q=0.4,en;q=0.8", Some("en")),
            ("EN-gb", Some("en")),
            ("fr, *;q=0.1", None),
            ("de;q=0,en", Some("en")),
            ("de;q=x, en;q=0.1", Some("en")),
            ("", None),
        ] {
            let found = wanted(&all, accepted).map(|it| it.lang.as_str());
            assert_eq!(found, lang, "{accepted}");
        }
    }

    /// A word that one language has and another has not would be a hole in a page.
    #[test]
    fn all_languages_say_the_same_things() {
        let all = languages();
        let holes = |text: &str| {
            let mut names: Vec<&str> =
                text.split('{').skip(1).filter_map(|it| it.split('}').next()).collect();
            names.sort_unstable();
            names.join(" ")
        };
        for other in &all[1..] {
            assert!(all[0].text.keys().eq(other.text.keys()), "{}", other.lang);
            for (key, text) in &all[0].text {
                assert_eq!(holes(text), holes(&other.text[key]), "{}: {key}", other.lang);
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let language = &languages()[0];
        let said = language.say("from_to", &[("from", "{to}"), ("to", "Pro")]);
        assert_eq!(said, "From {to} to Pro");
    }
}
