//! Our own words, in English and German.

/// File name and text.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("receipt.en.toml", include_str!("../../assets/mail/receipt.en.toml")),
    ("receipt.de.toml", include_str!("../../assets/mail/receipt.de.toml")),
];
