//! Letters for tests: an imagined shop, its samples, and what a mail leads to.

mod hostile;
mod templates;

use std::collections::BTreeMap;

use tollgate::config::Config;
use tollgate::mail::{self, Letters, LettersError, Mail, Sample};

const SHOP: &str = r#"
[brand]
name = "Example"
app_url = "https://app.example.com"
support_email = "help@example.com"
[plans.pro]
title = "Pro"
rank = 10
prices = { monthly = "price_1", yearly = "price_1y" }
[plans.team]
title = "Team"
rank = 20
prices = { monthly = "price_2" }
[mail]
from = "Example Billing <billing@example.com>"
"#;

/// The shop's configuration with further lines of `[mail]`.
pub fn config(settings: &str, has_operator: bool) -> Config {
    let operator = if has_operator { "operator = \"ops@example.com\"" } else { "" };
    let place = tempfile::tempdir().expect("a directory can be made");
    let text = format!("{SHOP}{operator}\n{settings}\n");
    std::fs::write(place.path().join("tollgate.toml"), text).expect("the file can be written");
    Config::load(None, place.path(), &BTreeMap::new()).unwrap_or_else(|it| panic!("{it}"))
}

/// The shop's letters with further lines of `[mail]`.
pub fn letters(settings: &str) -> Letters {
    Letters::of(&config(settings, true)).unwrap_or_else(|it| panic!("{it}"))
}

/// The shop's letters with templates of its own.
pub fn with_templates(templates: &[(&str, &str)]) -> Result<Letters, LettersError> {
    let mut config = config("", true);
    let owned = templates.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    config.mail.templates = owned.collect();
    Letters::of(&config)
}

/// The sample of this name.
pub fn named(name: &str) -> Sample {
    let found = mail::samples().into_iter().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("there is no sample {name}"))
}

/// The mail that tells a sample's fact.
pub fn composed(letters: &Letters, it: &Sample) -> Option<Mail> {
    letters.compose(&it.effect, &it.known, it.now).expect("it is written")
}

/// The mail that tells a sample's fact, which must be one.
pub fn mailed(letters: &Letters, it: &Sample) -> Mail {
    composed(letters, it).unwrap_or_else(|| panic!("{} makes no mail", it.name))
}

/// The links of a mail's HTML.
pub fn links(html: &str) -> Vec<String> {
    let body = html.split("<body").nth(1).expect("there is a body");
    let links = body.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
    links.map(|it| it.replace("&#x2f;", "/").replace("&amp;", "&")).collect()
}
