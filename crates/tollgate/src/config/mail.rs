//! From whom mails come, which are sent, and in whose words: `[mail]` in the file, or variables
//! that begin with `TOLLGATE_MAIL_`. How they are sent is a secret, because it holds a password.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::layers::Layers;
use super::value::{self, Read};
use super::{ConfigError, Secret, brand, selling};

/// The keys of `[mail]`.
pub(super) const KEYS: &[&str] =
    &["account_url", "from", "locale", "off", "operator", "reply_to", "survey_url", "templates"];
/// Every letter by its name; [`Mail::off`] switches some of them off.
pub const LETTERS: &[&str] = &[
    "welcome",
    "receipt",
    "payment_failed",
    "action_required",
    "payment_recovered",
    "trial_ending",
    "renewal_upcoming",
    "plan_changed",
    "cancellation_scheduled",
    "cancellation_withdrawn",
    "survey",
    "card_removed",
    "card_expiring",
    "refund",
    "access_ended",
    "order_failed",
    "dispute_opened",
    "dispute_closed",
    "double_subscription",
    "event_failed",
    "silence",
];
const LETTERS_ALLOWED: &str = "names of letters, comma separated: welcome, receipt, \
    payment_failed, action_required, payment_recovered, trial_ending, renewal_upcoming, \
    plan_changed, cancellation_scheduled, cancellation_withdrawn, survey, card_removed, \
    card_expiring, refund, access_ended, order_failed, dispute_opened, dispute_closed, \
    double_subscription, event_failed, silence";
const NAME_CHARS_MAX: usize = 80;
/// What a directory of templates may hold.
const TEMPLATES_MAX: usize = 500;
const TEMPLATE_BYTES_MAX: u64 = 256 * 1024;
const ENDINGS: [&str; 3] = ["mjml", "txt", "toml"];

/// From whom mails come, which are sent, and in whose words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The server that sends them, `smtp://…` or `smtps://…`; without one no mail is sent.
    pub smtp_url: Option<Secret>,
    /// From whom they come.
    pub from: Option<Mailbox>,
    /// Where answers go, if not to where the mail came from.
    pub reply_to: Option<String>,
    /// Who hears of disputes and of what fails.
    pub operator: Option<String>,
    /// The letters that are not sent, by their names.
    pub off: Vec<String>,
    /// The language where a customer's own is unknown or there are no words in it.
    pub locale: String,
    /// What somebody who left is asked to answer; without it nobody is asked.
    pub survey_url: Option<String>,
    /// The page of the app where customers change their card; the app itself unless set.
    pub account_url: Option<String>,
    /// Templates of the operator's own: file name to text.
    pub templates: BTreeMap<String, String>,
}

/// An address with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Who; the brand's name unless set.
    pub name: Option<String>,
    /// `billing@example.com`.
    pub address: String,
}

impl Mailbox {
    /// Reads `Name <address>` or an address.
    pub fn read(text: &str) -> Option<Self> {
        let (name, address) = match text.strip_suffix('>').and_then(|it| it.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"'), address),
            None => ("", text),
        };
        let odd = |it: char| it.is_control() || "<>\"\\".contains(it);
        let plain = !name.contains(odd) && name.chars().count() <= NAME_CHARS_MAX;
        let address = brand::address(address.trim()).ok().filter(|_| plain)?;
        Some(Self { name: (!name.is_empty()).then(|| name.to_owned()), address })
    }

    /// Returns what stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// The variable that says the same as a key of `[mail]`.
pub(super) fn variable_of(key: &str) -> String {
    format!("TOLLGATE_MAIL_{}", key.to_ascii_uppercase())
}

/// Reads it; a directory of templates is meant from where the file is.
///
/// # Errors
/// A value is none of what is allowed, or a template cannot be read.
pub(super) fn mail(layers: &mut Layers, here: &Path) -> Result<Mail, ConfigError> {
    let from = layers.read_optional("TOLLGATE_MAIL_FROM", mailbox)?;
    let directory = layers
        .read_optional("TOLLGATE_MAIL_TEMPLATES", |text| Ok(here.join(text)))?
        .map_or(Ok(BTreeMap::new()), |it| templates(&it))?;
    Ok(Mail {
        smtp_url: layers.read_secret(&["TOLLGATE_SMTP_URL"], super::without_password, smtp)?,
        from,
        reply_to: layers.read_optional("TOLLGATE_MAIL_REPLY_TO", brand::address)?,
        operator: layers.read_optional("TOLLGATE_MAIL_OPERATOR", brand::address)?,
        off: layers.read("TOLLGATE_MAIL_OFF", "", letters)?,
        locale: layers.read("TOLLGATE_MAIL_LOCALE", "en", locale)?,
        survey_url: layers.read_optional("TOLLGATE_MAIL_SURVEY_URL", link)?,
        account_url: layers.read_optional("TOLLGATE_MAIL_ACCOUNT_URL", link)?,
        templates: directory,
    })
}

fn mailbox(text: &str) -> Read<Mailbox> {
    Mailbox::read(text)
        .ok_or("an address such as billing@example.com or Name <billing@example.com>")
}

fn smtp(text: &str) -> Read<Secret> {
    match text.starts_with("smtp://") || text.starts_with("smtps://") {
        true => Ok(Secret::new(text)),
        false => Err("a URL that begins with smtp:// or smtps://"),
    }
}

fn letters(text: &str) -> Read<Vec<String>> {
    let known = |it: &str| LETTERS.contains(&it).then(|| it.to_owned());
    let all: Option<Vec<String>> = value::items(text).map(known).collect();
    all.ok_or(LETTERS_ALLOWED)
}

/// Whether there are words in it is found when the templates are read.
fn locale(text: &str) -> Read<String> {
    let plain = text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    let right = plain && (2..=16).contains(&text.len());
    if right { Ok(text.to_ascii_lowercase()) } else { Err("a language such as \"en\" or \"de\"") }
}

fn link(text: &str) -> Read<String> {
    let url = selling::url(text).ok_or("a URL such as https://app.example.com/account")?;
    Ok(url.into())
}

fn templates(directory: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let refuse = |path: &Path, source| ConfigError::Unreadable { path: path.to_path_buf(), source };
    let entries = std::fs::read_dir(directory).map_err(|it| refuse(directory, it))?;
    let mut found = BTreeMap::new();
    for entry in entries.take(TEMPLATES_MAX) {
        let path = entry.map_err(|it| refuse(directory, it))?.path();
        let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        let name =
            path.file_name().and_then(|it| it.to_str()).filter(|_| ENDINGS.contains(&ending));
        let Some(name) = name else { continue };
        let text = template(&path).map_err(|it| refuse(&path, it))?;
        found.insert(name.to_owned(), text);
    }
    Ok(found)
}

fn template(path: &Path) -> std::io::Result<String> {
    let bytes = std::fs::metadata(path)?.len();
    match bytes <= TEMPLATE_BYTES_MAX {
        true => std::fs::read_to_string(path),
        false => Err(std::io::Error::other("larger than 256 KiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        let named = Mailbox::read("Example Inc. <billing@example.com>").expect("it is one");
        assert_eq!(named.name.as_deref(), Some("Example Inc."));
        assert_eq!(
            (named.address.as_str(), named.domain()),
            ("billing@example.com", "example.com")
        );
        assert_eq!(named.to_string(), "Example Inc. <billing@example.com>");
        assert_eq!(Mailbox::read("a@example.com").and_then(|it| it.name), None);
        for text in ["", "a", "A <a>", "A\r\nBcc: x@y.z <a@b.c>", "A <a@b.c> B", "A <<a@b.c>>"] {
            assert_eq!(Mailbox::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_said_to_be_allowed_are_the_letters() {
        assert_eq!(LETTERS_ALLOWED.split_once(": ").map(|it| it.1), Some(&*LETTERS.join(", ")));
    }
}
