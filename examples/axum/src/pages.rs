//! The pages, from `templates/`. What comes from outside is escaped there.

use std::sync::LazyLock;

use axum::response::Html;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::tollgate::Access;

pub const STYLE: &str = include_str!("../static/style.css");

const TEMPLATES: [(&str, &str); 7] = [
    ("page.html", include_str!("../templates/page.html")),
    ("sign_in.html", include_str!("../templates/sign_in.html")),
    ("home.html", include_str!("../templates/home.html")),
    ("gate.html", include_str!("../templates/gate.html")),
    ("export.html", include_str!("../templates/export.html")),
    ("welcome.html", include_str!("../templates/welcome.html")),
    ("away.html", include_str!("../templates/away.html")),
];

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, text) in TEMPLATES {
        pages.add_template(name, text).expect("the templates are part of the program");
    }
    pages.add_filter("date", date);
    pages
});

impl From<Access> for Value {
    fn from(access: Access) -> Self {
        Serde(access).into()
    }
}

/// Fills in a page.
pub fn page(name: &str, context: Value) -> Html<String> {
    let template = PAGES.get_template(name).expect("the templates are part of the program");
    Html(template.render(context).expect("the templates ask for nothing that may be missing"))
}

/// "1 December 2026"
fn date(text: &str) -> Result<String, Error> {
    let time: Timestamp = text
        .parse()
        .map_err(|it| Error::new(ErrorKind::InvalidOperation, "not a time").with_source(it))?;
    Ok(time.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string())
}
