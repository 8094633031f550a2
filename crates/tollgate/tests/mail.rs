//! The letters: what they say, in which language, and that nothing from outside gets through.

use std::collections::BTreeMap;
use std::path::Path;

use tollgate::config::Config;
use tollgate::mail::Letters;

fn config() -> Config {
    let environment = BTreeMap::from([
        ("TOLLGATE_MAIL_FROM".to_owned(), "Example <billing@example.com>".to_owned()),
        ("TOLLGATE_MAIL_OPERATOR".to_owned(), "ops@example.com".to_owned()),
    ]);
    Config::load(None, Path::new("/nonexistent"), &environment).expect("it is right")
}

#[test]
fn a_receipt_says_what_was_paid() {
    let letters = Letters::of(&config()).unwrap_or_else(|it| panic!("{it}"));
    let it = tollgate::mail::samples().remove(0);
    let mail = letters.compose(&it.effect, &it.known, it.now).expect("it is written");
    let mail = mail.expect("it is told");
    assert_eq!(mail.subject, "Your receipt from Your app: €29.00");
    for part in [&mail.html, &mail.text] {
        assert!(part.contains("€29.00") && part.contains("Visa ending in 4242"), "{part}");
    }
    assert!(mail.message_id.ends_with("@example.com>"), "{}", mail.message_id);
}
