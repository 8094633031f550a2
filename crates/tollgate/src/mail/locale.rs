//! Dates, money and the names of things in a language's form. A language is a file
//! `locale.xx.toml`; English and German are ours, others the operator's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tollgate_stripe::currency::{self, Marks, Side};
use toml::Spanned;

use super::template::{LettersError, files, line_at};

/// The language that always has words.
pub(super) const FALLBACK: &str = "en";
const OURS: &[(&str, &str)] = &[
    ("locale.en.toml", include_str!("../../assets/mail/locale.en.toml")),
    ("locale.de.toml", include_str!("../../assets/mail/locale.de.toml")),
];
/// A language's forms.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Locale {
    /// `en`, or `en-gb`.
    #[serde(skip)]
    pub(super) tag: String,
    /// The text of its file.
    #[serde(skip)]
    pub(super) source: String,
    months: [String; 12],
    /// With `{day}`, `{month}` and `{year}`.
    date: String,
    /// With `{from}` and `{to}`.
    period: String,
    decimal: String,
    group: String,
    /// Where a currency's sign stands.
    symbol: Side,
    /// With `{brand}` and `{last4}`.
    card: String,
    /// Ways to pay other than cards, by Stripe's word.
    methods: BTreeMap<String, String>,
    /// The names of periods.
    periods: BTreeMap<String, String>,
    /// Why a bank disputes a payment, by Stripe's word.
    reasons: BTreeMap<String, String>,
    /// What Stripe says of prorations; its words where a language has none.
    #[serde(default)]
    pub(super) lines: Lines,
    /// What the layouts say in every letter.
    pub(super) layout: Shared,
}

/// Lines of an invoice, each with `{what}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lines {
    pub(super) unused: Option<String>,
    pub(super) remaining: Option<String>,
}

/// What the layouts say in every letter; templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shared {
    pub(super) greeting: Spanned<String>,
    pub(super) greeting_nameless: Spanned<String>,
    pub(super) why_customer: Spanned<String>,
    pub(super) why_operator: Spanned<String>,
    pub(super) support: Spanned<String>,
    pub(super) closing: Spanned<String>,
}

/// Reads the languages.
pub(super) fn load(theirs: &BTreeMap<String, String>) -> Result<Vec<Locale>, LettersError> {
    let mut locales = Vec::new();
    for (file, text) in files(OURS, theirs, ".toml") {
        let Some(tag) = file.strip_prefix("locale.").and_then(|it| it.strip_suffix(".toml")) else {
            continue;
        };
        let read: Result<Locale, toml::de::Error> = toml::from_str(text);
        let locale = read.map_err(|error| {
            let line = error.span().map_or(1, |it| line_at(text, it.start));
            LettersError::Template { file: file.to_owned(), line, why: error.message().to_owned() }
        })?;
        let (tag, source) = (tag.to_ascii_lowercase(), text.to_owned());
        locales.push(Locale { tag, source, ..locale });
    }
    Ok(locales)
}

/// Returns the language of this tag, or the one that it is a kind of.
pub(super) fn find<'a>(locales: &'a [Locale], tag: &str) -> Option<&'a Locale> {
    let tag = tag.replace('_', "-").to_ascii_lowercase();
    let general = tag.split('-').next().unwrap_or_default();
    let of = |tag: &str| locales.iter().find(|it| it.tag == tag);
    of(&tag).or_else(|| of(general))
}

impl Locale {
    /// Writes the day of a time.
    pub(super) fn date(&self, seconds: i64) -> String {
        let Ok(time) = Timestamp::from_second(seconds) else { return String::new() };
        let day = time.to_zoned(TimeZone::UTC).date();
        let month = usize::try_from(day.month()).unwrap_or(1) - 1;
        self.date
            .replace("{day}", &day.day().to_string())
            .replace("{month}", &self.months[month])
            .replace("{year}", &day.year().to_string())
    }

    /// Writes from when to when.
    pub(super) fn period(&self, from: i64, to: i64) -> String {
        self.period.replace("{from}", &self.date(from)).replace("{to}", &self.date(to))
    }

    /// Writes an amount of minor units.
    pub(super) fn money(&self, amount: i64, currency: &str) -> String {
        let marks = Marks { group: &self.group, decimal: &self.decimal };
        currency::money(amount, currency, marks, self.symbol)
    }

    /// Names a card.
    pub(super) fn card(&self, brand: &str, last4: &str) -> String {
        self.card.replace("{brand}", brand).replace("{last4}", last4)
    }

    /// Names a way to pay that is no card; empty where it has no name here.
    pub(super) fn method(&self, kind: &str) -> String {
        self.methods.get(kind).cloned().unwrap_or_default()
    }

    /// Names a period such as `monthly`, in the operator's word where it has none here.
    pub(super) fn period_name(&self, period: &str) -> String {
        self.periods.get(period).cloned().unwrap_or_else(|| period.to_owned())
    }

    /// Says why a bank disputes a payment.
    pub(super) fn reason(&self, reason: &str) -> String {
        self.reasons.get(reason).cloned().unwrap_or_else(|| reason.replace('_', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        let all = load(&BTreeMap::new()).expect("ours are right");
        find(&all, tag).expect("it is ours").clone()
    }

    #[test]
    fn money_is_written_by_the_currency_and_the_language() {
        let (en, de) = (locale("en"), locale("de"));
        for (amount, code, english, german) in [
            (1_200, "usd", "$12.00", "12,00\u{a0}$"),
            (123_456_789, "eur", "€1,234,567.89", "1.234.567,89\u{a0}€"),
            (5, "eur", "€0.05", "0,05\u{a0}€"),
            (0, "eur", "€0.00", "0,00\u{a0}€"),
            (-1_050, "gbp", "−£10.50", "−10,50\u{a0}£"),
            (1_200, "jpy", "¥1,200", "1.200\u{a0}¥"),
            (12, "krw", "₩12", "12\u{a0}₩"),
            (1_234_560, "kwd", "KWD\u{a0}1,234.560", "1.234,560\u{a0}KWD"),
            (1_200, "chf", "CHF\u{a0}12.00", "12,00\u{a0}CHF"),
            (500, "isk", "ISK\u{a0}5", "5\u{a0}ISK"),
            (500_000, "ugx", "UGX\u{a0}5,000", "5.000\u{a0}UGX"),
            (i64::MIN, "jpy", "−¥9,223,372,036,854,775,808", "−9.223.372.036.854.775.808\u{a0}¥"),
        ] {
            assert_eq!(en.money(amount, code), english);
            assert_eq!(de.money(amount, code), german);
        }
    }

    #[test]
    fn dates_are_written_in_the_languages_order() {
        assert_eq!(locale("en").date(1_796_428_800), "5 December 2026");
        assert_eq!(locale("de").date(1_796_428_800), "5. Dezember 2026");
        assert_eq!(locale("de").date(1_772_323_199), "28. Februar 2026");
        assert_eq!(locale("en").date(i64::MAX), "");
    }

    #[test]
    fn a_kind_of_a_language_is_that_language() {
        let all = load(&BTreeMap::new()).expect("ours are right");
        assert_eq!(find(&all, "de-AT").map(|it| it.tag.as_str()), Some("de"));
        assert_eq!(find(&all, "EN_gb").map(|it| it.tag.as_str()), Some("en"));
        assert!(find(&all, "fr").is_none() && find(&all, "").is_none());
    }
}
