//! Templates, ours and the operator's, and what is said where one is wrong.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// Why the letters cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// A template is wrong.
    #[error("{file}, line {line}: {why}")]
    Template {
        /// The file's name.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A file of the operator's directory has a name that means nothing.
    #[error("{file} is no template: allowed is {allowed}")]
    UnknownFile {
        /// The file's name.
        file: String,
        /// What would have been right.
        allowed: String,
    },
}

impl LettersError {
    /// Tells of an error of the engine in a part of a file that begins after `lines_before`.
    pub(super) fn of(file: &str, lines_before: usize, error: &minijinja::Error) -> Self {
        let line = lines_before + error.line().unwrap_or(1);
        let why = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self::Template { file: file.to_owned(), line, why }
    }
}

/// The files by name: ours, and over them the operator's.
pub(super) fn files<'a>(
    ours: &[(&'a str, &'a str)],
    theirs: &'a BTreeMap<String, String>,
    ending: &str,
) -> BTreeMap<&'a str, &'a str> {
    let own = theirs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let own = own.filter(|(name, _)| name.ends_with(ending));
    ours.iter().copied().filter(|(name, _)| name.ends_with(ending)).chain(own).collect()
}

/// Returns an engine that fails where a value is unknown, and escapes in all that ends in
/// `.mjml`.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|name| match name.ends_with(".mjml") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    engine
}

/// Returns the line, counted from 1, of a place in a text.
pub(super) fn line_at(text: &str, place: usize) -> usize {
    let before = text.get(..place).unwrap_or(text);
    before.matches('\n').count() + 1
}
