//! What the mails say and look like: a fact and what is known around it become a finished letter
//! in the customer's language. Pure: no I/O, no clock. Words stand in one file a letter and
//! language, the look in one layout for HTML (MJML) and one for plain text.
//!
//! - this file: the letters, loaded once and composed from;
//! - [`letter`]: which letter tells which fact, to whom, and when it keeps silent;
//! - [`values`]: what a letter can name, and where it is from;
//! - [`words`]: the files with the words;
//! - [`layout`]: the look;
//! - [`locale`]: dates, money and names in a language's form;
//! - [`mod@line`]: what an invoice's lines are for;
//! - [`link`]: where a mail may lead;
//! - [`plain`]: texts from outside, made harmless;
//! - [`ours`]: our own words;
//! - [`sample`]: facts to look at a letter with.

mod layout;
mod letter;
mod line;
mod link;
mod locale;
mod ours;
mod plain;
mod sample;
mod template;
mod values;
mod words;

use sha2::{Digest, Sha256};

use crate::config::{self, Brand, Config};
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;
use crate::rules::policy::Rulebook;

pub use letter::{Audience, Letter};
pub use sample::Sample;
pub use template::LettersError;

use layout::Layouts;
use link::Links;
use locale::Locale;
use values::{Source, Values};
use words::Words;

/// The letters, ready to be written.
#[derive(Debug)]
pub struct Letters {
    config: config::Mail,
    brand: Brand,
    rulebook: Rulebook,
    links: Links,
    locales: Vec<Locale>,
    words: Words,
    layouts: Layouts,
}

/// A finished mail. None of its texts has a line break where a header may not have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// Whose that is.
    pub to_name: Option<String>,
    /// One line.
    pub subject: String,
    /// The part for programs that show HTML.
    pub html: String,
    /// The same for all others.
    pub text: String,
    /// `<…@…>`; the same however often the fact is told.
    pub message_id: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// Why a mail could not be written.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template asks for what this letter does not have.
    #[error("write the mail {letter}")]
    Template {
        /// The letter's name.
        letter: &'static str,
        /// What the template's engine says.
        source: minijinja::Error,
    },
}

/// Returns who hears of facts of this kind by mail; `None` is nobody.
pub fn audience(kind: EffectKind) -> Option<Audience> {
    letter::of(kind).map(|it| it.audience)
}

/// Returns facts to look at every letter with.
pub fn samples() -> Vec<Sample> {
    sample::all()
}

/// Returns every letter.
pub fn all() -> &'static [Letter] {
    letter::ALL
}

impl Letters {
    /// Reads the words and compiles the layouts, ours and the operator's, and writes every letter
    /// once with sample facts.
    ///
    /// # Errors
    /// A template is wrong: the file, the line and why.
    pub fn load(config: &config::Mail, brand: &Brand) -> Result<Self, LettersError> {
        let locales = locale::load(&config.templates)?;
        let letters = Self {
            words: Words::load(&config.templates, &locales)?,
            layouts: Layouts::load(&config.templates, brand)?,
            links: Links::new(config, brand),
            rulebook: Rulebook::default(),
            config: config.clone(),
            brand: brand.clone(),
            locales,
        };
        letters.try_all()?;
        Ok(letters)
    }

    /// As [`Letters::load`], and with the titles of the plans, and leading to all places that are
    /// configured.
    ///
    /// # Errors
    /// As [`Letters::load`].
    pub fn of(config: &Config) -> Result<Self, LettersError> {
        let mut letters = Self::load(&config.mail, &config.brand)?;
        letters.rulebook = config.rulebook.clone();
        letters.links.allow(&config.selling.public_url);
        letters.links.allow(&config.stripe_api_base);
        letters.links.at(&config.stripe_api_base, config.livemode());
        config.selling.origins.iter().for_each(|it| letters.links.allow(it));
        Ok(letters)
    }

    /// Writes the mail that tells a fact; `None` where this fact makes none.
    ///
    /// # Errors
    /// A template asks for what this letter does not have.
    pub fn compose(
        &self,
        effect: &Effect,
        known: &Known,
        now: i64,
    ) -> Result<Option<Mail>, MailError> {
        let Some(letter) = letter::of(effect.kind) else { return Ok(None) };
        if self.why_not(effect, known).is_some() {
            return Ok(None);
        }
        let Self { config, brand, rulebook, links, .. } = self;
        let locale = self.locale_for(letter, known);
        let values =
            Source { letter, locale, effect, known, now, config, brand, rulebook, links }.values();
        self.mail(letter, locale, known, &effect.key(), &values).map(Some)
    }

    /// Says why this fact makes no mail; `None` where it makes one.
    pub fn why_not(&self, effect: &Effect, known: &Known) -> Option<&'static str> {
        let Some(letter) = letter::of(effect.kind) else { return Some("no letter tells this") };
        if !self.is_on(letter) {
            return Some("switched off");
        }
        match letter.audience {
            Audience::Operator if self.config.operator.is_none() => {
                return Some("no address of the operator is configured");
            }
            Audience::Customer if letter::address_of(known).is_none() => {
                return Some("no address is known");
            }
            _ => {}
        }
        if letter.name == "survey" && self.config.survey_url.is_none() {
            return Some("no survey is configured");
        }
        let said = letter::instead(effect, known).and_then(letter::of);
        if said.is_some_and(|it| self.is_on(it)) {
            return Some("another mail says it");
        }
        letter::silence(effect, known)
    }

    /// Returns the languages in which there are words, each by its tag.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.locales.iter().map(|it| it.tag.as_str())
    }

    /// Returns whether this letter is sent at all.
    pub fn is_on(&self, letter: &Letter) -> bool {
        !self.config.off.iter().any(|it| it == letter.name)
    }

    /// Writes a sample's mail, also of a letter that is switched off, in the language of this tag
    /// or the configured one.
    ///
    /// # Errors
    /// A template asks for what this letter does not have.
    pub fn preview(&self, sample: &Sample, language: Option<&str>) -> Result<Mail, MailError> {
        let (letter, known) = (sample.letter(), &sample.known);
        let speaks = |it: &&Locale| self.words.has(letter, &it.tag);
        let wanted = language.and_then(|it| locale::find(&self.locales, it)).filter(speaks);
        let locale = wanted.unwrap_or_else(|| self.locale_for(letter, known));
        self.mail(letter, locale, known, &sample.effect.key(), &self.sampled(locale, sample))
    }

    fn address(&self, letter: &Letter, known: &Known) -> (String, Option<String>) {
        match letter.audience {
            Audience::Operator => (self.config.operator.clone().unwrap_or_default(), None),
            Audience::Customer => {
                let name = Some(letter::name_of(known)).filter(|it| !it.is_empty());
                (letter::address_of(known).unwrap_or_default().to_owned(), name)
            }
        }
    }

    /// The first language the customer prefers in which there are words for this letter.
    fn locale_for(&self, letter: &Letter, known: &Known) -> &Locale {
        let preferred = match letter.audience {
            Audience::Customer => letter::preferred_locales(known),
            Audience::Operator => Vec::new(),
        };
        let mut wanted =
            preferred.into_iter().chain([self.config.locale.as_str(), locale::FALLBACK]);
        let speaks = |it: &&Locale| self.words.has(letter, &it.tag);
        let found = wanted.find_map(|it| locale::find(&self.locales, it).filter(speaks));
        found.unwrap_or(&self.locales[0])
    }

    fn mail(
        &self,
        letter: &Letter,
        locale: &Locale,
        known: &Known,
        key: &str,
        values: &Values,
    ) -> Result<Mail, MailError> {
        let wrong = |source| MailError::Template { letter: letter.name, source };
        let written = self.words.write(letter, locale, values).map_err(wrong)?;
        let parts = self.layouts.render(letter.name, locale, &written, values);
        let ((html, text), (to, to_name)) = (parts.map_err(wrong)?, self.address(letter, known));
        let subject = plain::subject(&written.subject);
        let (message_id, headers) = (self.message_id(key), self.headers(letter));
        Ok(Mail { to, to_name, subject, html, text, message_id, headers })
    }

    /// What a sample's letter can name: with the operator's plans, and a survey in any case.
    fn sampled(&self, locale: &Locale, sample: &Sample) -> Values {
        let mut config = self.config.clone();
        config.survey_url.get_or_insert_with(|| self.brand.app_url.clone());
        let (letter, rulebook) = (sample.letter(), &sample::rulebook(&self.rulebook));
        let Self { brand, links, .. } = self;
        let Sample { effect, known, now, .. } = sample;
        Source { letter, locale, effect, known, now: *now, config: &config, brand, rulebook, links }
            .values()
    }

    /// The same fact has the same id, so that a mail that was sent twice is shown once.
    fn message_id(&self, key: &str) -> String {
        let hash = Sha256::digest(key.as_bytes());
        let hash: String = hash.iter().take(16).map(|it| format!("{it:02x}")).collect();
        let domain = self.config.from.as_ref().map_or("localhost", config::Mailbox::domain);
        format!("<{hash}@{domain}>")
    }

    /// Nobody answers to a machine's mail automatically. What is not about a payment or access
    /// can be declined (RFC 2369); bills and warnings cannot.
    fn headers(&self, letter: &Letter) -> Vec<(&'static str, String)> {
        let mut headers = vec![("Auto-Submitted", "auto-generated".to_owned())];
        let from = self.config.from.as_ref().map(|it| it.address.as_str());
        let answers = self.config.reply_to.as_deref().or(from);
        if let Some(answers) = answers.filter(|_| letter.declinable) {
            headers.push(("List-Unsubscribe", format!("<mailto:{answers}?subject=unsubscribe>")));
        }
        headers
    }

    /// Writes every letter in every language with its samples: a wrong template stops the start.
    fn try_all(&self) -> Result<(), LettersError> {
        for sample in sample::all() {
            let letter = sample.letter();
            for locale in self.locales.iter().filter(|it| self.words.has(letter, &it.tag)) {
                let values = self.sampled(locale, &sample);
                let written = self.words.write_checked(letter, locale, &values)?;
                self.layouts.check(letter.name, locale, &written, &values)?;
            }
        }
        Ok(())
    }
}
