//! The templates and languages of the pages: ours are compiled in, the operator's win over them by
//! name. All of them are read, and every template is tried, before the server starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use super::language::{self, Language};
use super::samples;

/// Ours, by name.
const OURS: [(&str, &str); 9] = [
    ("layout.html", include_str!("../../../assets/pages/layout.html")),
    ("pricing.html", include_str!("../../../assets/pages/pricing.html")),
    ("account.html", include_str!("../../../assets/pages/account.html")),
    ("cancel.html", include_str!("../../../assets/pages/cancel.html")),
    ("change.html", include_str!("../../../assets/pages/change.html")),
    ("checkout.html", include_str!("../../../assets/pages/checkout.html")),
    ("hosted.html", include_str!("../../../assets/pages/hosted.html")),
    ("message.html", include_str!("../../../assets/pages/message.html")),
    ("style.css", include_str!("../../../assets/pages/style.css")),
];
/// The largest file that is taken, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The stylesheet, which is no page but can be replaced like one.
const STYLE: &str = "style.css";

/// Why the pages cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file or the directory cannot be read.
    #[error("read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has a name that none of ours has, so nothing would ever show it.
    #[error("{}: no page has this name; there are {known}", path.display())]
    Unknown {
        /// Which.
        path: PathBuf,
        /// The names that win over ours.
        known: String,
    },
    /// A template is wrong.
    #[error("{file}, line {line}: {why}")]
    Broken {
        /// Which.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// What the pages are made of.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    languages: Vec<Language>,
    style: String,
}

impl Templates {
    /// Reads ours and, where there is a directory, the operator's, and tries them.
    ///
    /// # Errors
    /// Names the file and the line that are wrong.
    pub fn load(own: Option<&Path>) -> Result<Self, TemplateError> {
        let files = match own {
            Some(directory) => read_all(directory)?,
            None => BTreeMap::new(),
        };
        let shown = |name: &str| match own.filter(|_| files.contains_key(name)) {
            Some(directory) => directory.join(name).display().to_string(),
            None => name.to_owned(),
        };
        let languages = languages(&files, shown)?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut style = String::new();
        for (name, ours) in OURS {
            let text = files.get(name).cloned().unwrap_or_else(|| ours.to_owned());
            match name {
                STYLE => style = text,
                _ => environment
                    .add_template_owned(name, text)
                    .map_err(|error| broken(&error, name, shown))?,
            }
        }
        let templates = Self { environment, languages, style };
        for (name, view) in samples::all() {
            for language in &templates.languages {
                let page = templates.render(name, language, &view);
                page.map_err(|error| broken(&error, name, shown))?;
            }
        }
        Ok(templates)
    }

    /// Writes a page. `view` has what the page shows; the language's words are added as `t`.
    pub(super) fn render(
        &self,
        name: &str,
        language: &Language,
        view: &Value,
    ) -> Result<String, minijinja::Error> {
        let mut view = view.clone();
        view["t"] = json!(language.text);
        view["lang"] = language.lang.as_str().into();
        self.environment.get_template(name)?.render(Serde(&view))
    }

    /// Returns the language that is wanted: of several wishes the first that is understood, else
    /// the first language.
    pub(super) fn language(&self, wishes: &[Option<&str>]) -> &Language {
        let found = wishes.iter().flatten().find_map(|it| language::wanted(&self.languages, it));
        found.or(self.languages.first()).expect("ours are never none")
    }

    /// Returns all languages.
    pub(super) fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// Returns the stylesheet.
    pub(super) fn style(&self) -> &str {
        &self.style
    }
}

/// Ours and the operator's; what one of them leaves out is said in English.
fn languages(
    files: &BTreeMap<String, String>,
    shown: impl Fn(&str) -> String,
) -> Result<Vec<Language>, TemplateError> {
    let read = |name: &str, text: &str| {
        Language::read(text).map_err(|error| {
            let before = error.span().map_or("", |it| text.get(..it.start).unwrap_or(text));
            let line = before.matches('\n').count() + 1;
            TemplateError::Broken { file: shown(name), line, why: error.message().to_owned() }
        })
    };
    let english = Language::read(language::OURS[0].1).expect("a test reads it");
    let mut languages = Vec::new();
    for (name, ours) in language::OURS {
        languages.push(read(name, files.get(name).map_or(ours, String::as_str))?);
    }
    let is_ours = |name: &str| language::OURS.iter().any(|(it, _)| *it == name);
    for (name, text) in files.iter().filter(|(name, _)| is_language(name) && !is_ours(name)) {
        languages.push(read(name, text)?);
    }
    Ok(languages.into_iter().map(|it| it.completed_by(&english)).collect())
}

fn is_language(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it == "toml")
}

fn read_all(directory: &Path) -> Result<BTreeMap<String, String>, TemplateError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Unreadable { path, source }
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).map_err(fail(directory))? {
        let path = entry.map_err(fail(directory))?.path();
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_owned();
        // An editor's own files begin with a dot.
        if path.is_dir() || name.starts_with('.') {
            continue;
        }
        if !is_language(&name) && !OURS.iter().any(|(it, _)| *it == name) {
            let known = OURS.map(|(name, _)| name).join(", ");
            return Err(TemplateError::Unknown { path, known: format!("{known} and *.toml") });
        }
        let size = std::fs::metadata(&path).map_err(fail(&path))?.len();
        if size > FILE_BYTES_MAX {
            let source = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
            return Err(TemplateError::Unreadable { path, source });
        }
        files.insert(name, std::fs::read_to_string(&path).map_err(fail(&path))?);
    }
    Ok(files)
}

fn broken(error: &minijinja::Error, asked: &str, shown: impl Fn(&str) -> String) -> TemplateError {
    // Where one page is made of several, the innermost error names the one that is wrong.
    let mut innermost = error;
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        if let Some(it) = it.downcast_ref::<minijinja::Error>() {
            innermost = it;
        }
        cause = it.source();
    }
    let why = innermost.detail().map(str::to_owned);
    TemplateError::Broken {
        file: shown(innermost.name().unwrap_or(asked)),
        line: innermost.line().unwrap_or(1),
        why: why.unwrap_or_else(|| innermost.kind().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Templates, String> {
        let directory = tempfile::tempdir().expect("a directory can be made");
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).expect("it can be written");
        }
        Templates::load(Some(directory.path())).map_err(|it| it.to_string())
    }

    #[test]
    fn ours_are_whole() {
        let templates = Templates::load(None).expect("they are right");
        assert!(templates.style().len() < 20 * 1024, "{} bytes", templates.style().len());
    }

    #[test]
    fn the_operators_win_by_name() {
        let own = "{% extends 'layout.html' %}{% block main %}<p>{{ heading }}!</p>{% endblock %}";
        let templates = load(&[("message.html", own), (".swp", "")]).expect("they are right");
        let (_, view) = samples::all().into_iter().find(|(it, _)| *it == "message.html").unwrap();
        let page = templates.render("message.html", templates.language(&[]), &view).unwrap();
        assert!(page.contains(&format!("<p>{}!</p>", view["heading"].as_str().unwrap())), "{page}");
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        for (name, text, line, word) in [
            ("pricing.html", "one\n{% if %}", "line 2", ""),
            ("pricing.html", "\n\n{{ no_such_value }}", "line 3", ""),
            ("layout.html", "{{ t.no_such_text }}", "line 1", ""),
            ("account.html", "{{ heading|no_such_filter }}", "line 1", "no_such_filter"),
            ("fr.toml", "lang = \"fr\"\nname = 7", "line 2", ""),
            ("de.toml", "lang = \"de\"\nname = \"D\"\nodd = 1", "line 3", "odd"),
        ] {
            let error = load(&[(name, text)]).expect_err(text);
            assert!(error.contains(name) && error.contains(line), "{text}: {error}");
            assert!(error.contains(word), "{text}: {error}");
        }
        let error = load(&[("pricing.htm", "")]).expect_err("nothing shows it");
        assert!(error.contains("pricing.htm") && error.contains("pricing.html"), "{error}");
        let nowhere = Templates::load(Some(Path::new("/nowhere/at/all"))).expect_err("it is none");
        assert!(matches!(nowhere, TemplateError::Unreadable { .. }), "{nowhere}");
    }

    #[test]
    fn another_language_is_one_more_file() {
        let french = language::OURS[0].1.replace("lang = \"en\"", "lang = \"fr\"");
        let french = french.replace("name = \"English\"", "name = \"Français\"");
        let french = french.replace("account = \"Your plan\"", "account = \"Votre offre\"");
        let head = french.split("# The pricing page.").next().expect("it has one");
        let head = format!("{head}\naccount = \"Votre offre\"\n");
        let templates = load(&[("fr.toml", &head)]).expect("it is right");
        let language = templates.language(&[Some("fr-CA")]);
        assert_eq!(language.say("account", &[]), "Votre offre");
        assert_eq!(language.say("preview", &[]), "Check the change");
        assert_eq!(templates.languages().len(), 3);
    }
}
