//! The files with the words: `NAME.xx.toml` for a letter and a language, such as
//! `receipt.de.toml`. Every text in them is a Jinja template; one that comes out empty is left
//! out, and so is a fact without a value and a button without a link.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::letter::{self, Audience, Letter};
use super::locale::Locale;
use super::plain;
use super::template::{LettersError, engine, files, line_at};
use super::values::Values;

/// What the words come to, for the layouts. Nothing in it is escaped yet.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Written {
    pub(super) subject: String,
    preheader: String,
    title: String,
    figure: String,
    greeting: String,
    text: Vec<String>,
    facts: Vec<Fact>,
    button: Option<Button>,
    note: String,
    why: String,
    support: String,
    closing: String,
}

#[derive(Clone, Debug, Serialize)]
struct Fact {
    name: String,
    value: String,
}

#[derive(Clone, Debug, Serialize)]
struct Button {
    text: String,
    url: String,
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    subject: Spanned<String>,
    preheader: Spanned<String>,
    title: Spanned<String>,
    figure: Option<Spanned<String>>,
    text: Vec<Spanned<String>>,
    #[serde(default)]
    facts: Vec<[Spanned<String>; 2]>,
    button: Option<ButtonFile>,
    note: Option<Spanned<String>>,
    why: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ButtonFile {
    text: Spanned<String>,
    url: Spanned<String>,
}

/// A text of a file: the engine's name for it, and where it begins.
#[derive(Debug)]
struct Place {
    name: String,
    file: String,
    line: usize,
}

/// A file, its texts known to the engine.
#[derive(Debug)]
struct Letterhead {
    subject: Place,
    preheader: Place,
    title: Place,
    figure: Option<Place>,
    text: Vec<Place>,
    facts: Vec<[Place; 2]>,
    button: Option<[Place; 2]>,
    note: Option<Place>,
    why: Option<Place>,
}

/// All files.
#[derive(Debug)]
pub(super) struct Words {
    engine: Environment<'static>,
    /// By the letter's name with its variant, and the language.
    letters: BTreeMap<(String, String), Letterhead>,
    /// What every letter says, by the language and the key.
    shared: BTreeMap<(String, &'static str), Place>,
}

/// A text could not be written, and where it stands.
struct Wrong<'a> {
    place: &'a Place,
    source: minijinja::Error,
}

impl Words {
    /// Reads the files, ours and the operator's.
    pub(super) fn load(
        theirs: &BTreeMap<String, String>,
        locales: &[Locale],
    ) -> Result<Self, LettersError> {
        let mut words =
            Self { engine: engine(), letters: BTreeMap::new(), shared: BTreeMap::new() };
        for (file, text) in files(super::ours::WORDS, theirs, ".toml") {
            let parts: Vec<&str> = file.split('.').collect();
            match parts[..] {
                ["locale", _, _] => {}
                [name, tag, _] if letter::find(name, "").is_some() => {
                    words.add(file, name, tag, text)?;
                }
                [name, variant, tag, _] if letter::find(name, variant).is_some() => {
                    words.add(file, &format!("{name}.{variant}"), tag, text)?;
                }
                _ => return Err(unknown(file)),
            }
        }
        for locale in locales {
            words.add_shared(locale)?;
        }
        Ok(words)
    }

    /// Whether there are words for every variant of a letter.
    pub(super) fn has(&self, letter: &Letter, tag: &str) -> bool {
        let mut names = letter.names();
        names.all(|name| self.letters.contains_key(&(name, tag.to_owned())))
    }

    /// Writes a letter's words.
    pub(super) fn write(
        &self,
        letter: &Letter,
        locale: &Locale,
        values: &Values,
    ) -> Result<Written, minijinja::Error> {
        self.written(letter, locale, values).map_err(|it| it.source)
    }

    /// As [`Words::write`], and says where what is wrong stands.
    pub(super) fn write_checked(
        &self,
        letter: &Letter,
        locale: &Locale,
        values: &Values,
    ) -> Result<Written, LettersError> {
        let written = self.written(letter, locale, values);
        written.map_err(|it| LettersError::of(&it.place.file, it.place.line - 1, &it.source))
    }

    fn add(&mut self, file: &str, name: &str, tag: &str, text: &str) -> Result<(), LettersError> {
        let read: Result<File, toml::de::Error> = toml::from_str(text);
        let read = read.map_err(|error| LettersError::Template {
            file: file.to_owned(),
            line: error.span().map_or(1, |it| line_at(text, it.start)),
            why: error.message().to_owned(),
        })?;
        let mut add = |it: Spanned<String>| self.place(file, text, it);
        let letterhead = Letterhead {
            subject: add(read.subject)?,
            preheader: add(read.preheader)?,
            title: add(read.title)?,
            figure: read.figure.map(&mut add).transpose()?,
            text: read.text.into_iter().map(&mut add).collect::<Result<_, _>>()?,
            facts: read
                .facts
                .into_iter()
                .map(|[name, value]| Ok([add(name)?, add(value)?]))
                .collect::<Result<_, _>>()?,
            button: read.button.map(|it| Ok([add(it.text)?, add(it.url)?])).transpose()?,
            note: read.note.map(&mut add).transpose()?,
            why: read.why.map(&mut add).transpose()?,
        };
        self.letters.insert((name.to_owned(), tag.to_ascii_lowercase()), letterhead);
        Ok(())
    }

    /// Makes a text of a file known to the engine.
    fn place(
        &mut self,
        file: &str,
        text: &str,
        it: Spanned<String>,
    ) -> Result<Place, LettersError> {
        let start = it.span().start;
        let place = Place {
            name: format!("{file}:{start}"),
            file: file.to_owned(),
            line: line_at(text, start),
        };
        let added = self.engine.add_template_owned(place.name.clone(), it.into_inner());
        added.map_err(|error| LettersError::of(file, place.line - 1, &error))?;
        Ok(place)
    }

    fn add_shared(&mut self, locale: &Locale) -> Result<(), LettersError> {
        let file = format!("locale.{}.toml", locale.tag);
        let it = locale.layout.clone();
        for (key, text) in [
            ("greeting", it.greeting),
            ("greeting_nameless", it.greeting_nameless),
            ("why_customer", it.why_customer),
            ("why_operator", it.why_operator),
            ("support", it.support),
            ("closing", it.closing),
        ] {
            let place = self.place(&file, &locale.source, text)?;
            self.shared.insert((locale.tag.clone(), key), place);
        }
        Ok(())
    }

    fn written<'a>(
        &'a self,
        letter: &Letter,
        locale: &Locale,
        values: &Values,
    ) -> Result<Written, Wrong<'a>> {
        let found = self.letters.get(&(letter.name_of(values), locale.tag.clone()));
        let it = found.expect("the language is one that has words for the letter");
        let all = Value::from(Serde(values));
        let write = |place: &'a Place| self.render(place, &all);
        let maybe = |place: &'a Option<Place>| place.as_ref().map_or(Ok(String::new()), write);
        let shared = |key| match self.shared.get(&(locale.tag.clone(), key)) {
            Some(place) => self.render(place, &all),
            None => Ok(String::new()),
        };
        let fact =
            |[name, value]: &'a [Place; 2]| Ok(Fact { name: write(name)?, value: write(value)? });
        let [greeting, why, support] = shared_keys(letter, values);
        Ok(Written {
            subject: write(&it.subject)?,
            preheader: write(&it.preheader)?,
            title: write(&it.title)?,
            figure: maybe(&it.figure)?,
            greeting: shared(greeting)?,
            text: kept(it.text.iter().map(write), |it| !it.is_empty())?,
            facts: kept(it.facts.iter().map(fact), |it| !it.value.is_empty())?,
            button: match &it.button {
                Some([text, url]) => Some(Button { text: write(text)?, url: write(url)? }),
                None => None,
            }
            .filter(|it| !it.url.is_empty()),
            note: maybe(&it.note)?,
            why: if it.why.is_some() { maybe(&it.why)? } else { shared(why)? },
            support: shared(support)?,
            closing: shared("closing")?,
        })
    }

    fn render<'a>(&self, place: &'a Place, values: &Value) -> Result<String, Wrong<'a>> {
        let template = self.engine.get_template(&place.name);
        let written = template.and_then(|it| it.render(values.clone()));
        written.map(|it| plain::paragraph(&it)).map_err(|source| Wrong { place, source })
    }
}

/// Which of the shared texts greet, say why, and lead to an answer. A machine does not greet the
/// operator, whose own address the support is.
fn shared_keys(letter: &Letter, values: &Values) -> [&'static str; 3] {
    match letter.audience {
        Audience::Operator => ["", "why_operator", ""],
        Audience::Customer => {
            let greeting = if values.name.is_empty() { "greeting_nameless" } else { "greeting" };
            let support = if values.support_email.is_empty() { "" } else { "support" };
            [greeting, "why_customer", support]
        }
    }
}

/// What is not empty.
fn kept<T, E>(
    all: impl Iterator<Item = Result<T, E>>,
    keep: impl Fn(&T) -> bool,
) -> Result<Vec<T>, E> {
    all.filter(|it| it.as_ref().map_or(true, &keep)).collect()
}

fn unknown(file: &str) -> LettersError {
    let names: Vec<String> = letter::ALL.iter().flat_map(Letter::names).collect();
    let allowed = format!("locale.xx.toml, or one of these and .xx.toml: {}", names.join(", "));
    LettersError::UnknownFile { file: file.to_owned(), allowed }
}
