//! The look: one layout for HTML, written in MJML and compiled once, and one for plain text. The
//! operator's may replace both, or be a letter's own (`receipt.mjml`). What stands in a letter is
//! escaped here, in the HTML, all of it.

use std::collections::BTreeMap;
use std::collections::HashMap;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use mrml::prelude::parser::Error as MjmlError;
use mrml::prelude::render::RenderOptions;

use super::letter;
use super::locale::Locale;
use super::template::{LettersError, engine, files, line_at};
use super::values::Values;
use super::words::Written;
use crate::config::{Brand, Colour};

const OURS: &[(&str, &str)] = &[
    ("layout.mjml", include_str!("../../assets/mail/layout.mjml")),
    ("layout.txt", include_str!("../../assets/mail/layout.txt")),
];
const LAYOUT: &str = "layout";
/// What mails lie on in the dark; `layout.mjml` names it too.
const CARD_DARK: Colour = Colour(27, 30, 37);
/// What a source is called beside what it was compiled to.
const SOURCE: &str = "source of ";

/// The layouts.
#[derive(Debug)]
pub(super) struct Layouts {
    engine: Environment<'static>,
    colours: Value,
}

impl Layouts {
    /// Reads the layouts, ours and the operator's.
    pub(super) fn load(
        theirs: &BTreeMap<String, String>,
        brand: &Brand,
    ) -> Result<Self, LettersError> {
        let mut engine = engine();
        for (file, text) in files(OURS, theirs, ".txt") {
            known(file)?;
            add(&mut engine, file, file.to_owned(), text.to_owned())?;
        }
        for (file, text) in files(OURS, theirs, ".mjml") {
            known(file)?;
            // Its own lines are those that a complaint has to name.
            add(&mut engine, file, format!("{SOURCE}{file}"), text.to_owned())?;
            add(&mut engine, file, file.to_owned(), compiled(file, text)?)?;
        }
        Ok(Self { engine, colours: colours(brand) })
    }

    /// Writes the HTML and the text.
    pub(super) fn render(
        &self,
        name: &str,
        locale: &Locale,
        written: &Written,
        values: &Values,
    ) -> Result<(String, String), minijinja::Error> {
        let all = self.all(locale, written, values);
        let html = self.engine.get_template(&self.file(name, "mjml"))?.render(all.clone())?;
        let text = self.engine.get_template(&self.file(name, "txt"))?.render(all)?;
        Ok((html, tidied(&text)))
    }

    /// Renders, and says where what is wrong stands.
    pub(super) fn check(
        &self,
        name: &str,
        locale: &Locale,
        written: &Written,
        values: &Values,
    ) -> Result<(), LettersError> {
        let all = self.all(locale, written, values);
        let (mjml, txt) = (self.file(name, "mjml"), self.file(name, "txt"));
        for (file, template) in
            [(&mjml, format!("{SOURCE}{mjml}")), (&mjml, mjml.clone()), (&txt, txt.clone())]
        {
            let rendered =
                self.engine.get_template(&template).and_then(|it| it.render(all.clone()));
            rendered.map_err(|error| LettersError::of(file, 0, &error))?;
        }
        Ok(())
    }

    /// The letter's own file, else everybody's.
    fn file(&self, name: &str, ending: &str) -> String {
        let own = format!("{name}.{ending}");
        match self.engine.get_template(&own) {
            Ok(_) => own,
            Err(_) => format!("{LAYOUT}.{ending}"),
        }
    }

    /// The words win over the values: a letter's `title` is what its words say.
    fn all(&self, locale: &Locale, written: &Written, values: &Values) -> Value {
        let written = Value::from(Serde(written));
        let own = context! { locale => locale.tag.as_str(), colours => self.colours.clone() };
        context! { ..own, ..written, ..Value::from(Serde(values)) }
    }
}

fn add(
    engine: &mut Environment<'static>,
    file: &str,
    name: String,
    text: String,
) -> Result<(), LettersError> {
    engine.add_template_owned(name, text).map_err(|error| LettersError::of(file, 0, &error))
}

fn known(file: &str) -> Result<(), LettersError> {
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    if name == LAYOUT || letter::ALL.iter().any(|it| it.name == name) {
        return Ok(());
    }
    let names: Vec<&str> =
        [LAYOUT].into_iter().chain(letter::ALL.iter().map(|it| it.name)).collect();
    let allowed = format!(".mjml or .txt after one of: {}", names.join(", "));
    Err(LettersError::UnknownFile { file: file.to_owned(), allowed })
}

/// Turns MJML into HTML; Jinja's marks come through. No font is loaded from anywhere.
fn compiled(file: &str, text: &str) -> Result<String, LettersError> {
    let wrong = |line, why: String| LettersError::Template { file: file.to_owned(), line, why };
    let parsed = mrml::parse(text).map_err(|it| wrong(line_of(text, &it), it.to_string()))?;
    if let Some(it) = parsed.warnings.first() {
        let why = format!("{:?}", it.kind);
        return Err(wrong(line_at(text, it.span.start), why));
    }
    let options = RenderOptions { fonts: HashMap::new(), ..RenderOptions::default() };
    let html = parsed.element.render(&options).map_err(|it| wrong(1, it.to_string()))?;
    // What MJML does not know comes through as it is, and no mail program knows it either.
    let Some(at) = html.find("<mj-") else { return Ok(html) };
    let element: String =
        html[at..].chars().take_while(|it| !it.is_whitespace() && *it != '>').collect();
    let line = text.find(&element).map_or(1, |it| line_at(text, it));
    Err(wrong(line, format!("{element}> is no element of MJML")))
}

fn line_of(text: &str, error: &MjmlError) -> usize {
    match error {
        MjmlError::UnexpectedElement { position, .. }
        | MjmlError::UnexpectedToken { position, .. }
        | MjmlError::MissingAttribute { position, .. }
        | MjmlError::InvalidAttribute { position, .. }
        | MjmlError::InvalidFormat { position, .. }
        | MjmlError::IncludeLoaderError { position, .. } => line_at(text, position.start),
        MjmlError::ParserError { source, .. } => usize::try_from(source.pos().row).unwrap_or(1),
        MjmlError::EndOfStream { .. } => text.lines().count(),
        MjmlError::SizeLimit { .. } | MjmlError::NoRootNode => 1,
    }
}

/// The accent, made legible where it has to be read.
fn colours(brand: &Brand) -> Value {
    let dark = brand.accent.legible_on(CARD_DARK);
    context! {
        accent => brand.accent.legible_on(Colour::WHITE).to_string(),
        accent_dark => dark.to_string(),
        button => brand.accent.to_string(),
        button_text => brand.accent.text_on().to_string(),
        button_dark => dark.to_string(),
        button_dark_text => dark.text_on().to_string(),
    }
}

/// One blank line is enough.
fn tidied(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|it| it.is_empty())) {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}
