//! A text that must not be shown, and one in which a secret may stand by mistake.

use std::fmt;

/// A secret: printing it in any way hides it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How Stripe's secrets begin.
const KEYS: [&str; 3] = ["sk_", "rk_", "whsec_"];

/// Whether a text begins as a secret of Stripe's.
pub(super) fn is_key(text: &str) -> bool {
    KEYS.iter().any(|it| text.starts_with(it))
}

/// Shows a text that should hold no secret, without those that stand in it by mistake: of each only
/// what says which kind it is.
pub(super) fn without_keys(text: &str) -> String {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let Some(kind) = KEYS.iter().find(|it| rest.starts_with(**it)) else {
            let end = if is_part(first) { rest.find(|it| !is_part(it)) } else { None };
            let end = end.unwrap_or(if is_part(first) { rest.len() } else { first.len_utf8() });
            shown.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        };
        let modes = [format!("{kind}live_"), format!("{kind}test_")];
        let kind = modes.iter().map(String::as_str).find(|it| rest.starts_with(it)).unwrap_or(kind);
        shown.push_str(kind);
        shown.push_str("***");
        let end = rest.find(|it: char| it.is_whitespace() || matches!(it, ',' | ';' | '"' | '\''));
        rest = &rest[end.unwrap_or(rest.len())..];
    }
    shown
}
