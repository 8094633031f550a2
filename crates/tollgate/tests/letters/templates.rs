//! The operator's own templates: which win, and what is said where one is wrong.

use super::{mailed, named, with_templates};

/// Why templates are refused.
fn refused(templates: &[(&str, &str)]) -> String {
    with_templates(templates).expect_err("a template is wrong").to_string()
}

const WORDS: &str = r#"subject = "Paid: {{ amount }}"
preheader = "Thanks"
title = "Cheers"
text = ["You paid {{ amount }}."]
"#;

#[test]
fn the_operators_words_win() {
    let letters = with_templates(&[("receipt.en.toml", WORDS)]).expect("they are right");
    let mail = mailed(&letters, &named("receipt"));
    assert_eq!(mail.subject, "Paid: €29.00");
    assert!(mail.text.contains("You paid €29.00."), "{}", mail.text);
    let mut german = named("receipt");
    let customer = german.known.customer.as_mut().expect("there is one");
    customer.preferred_locales = vec!["de".to_owned()];
    assert!(mailed(&letters, &german).subject.starts_with("Ihre Zahlung"), "German is still ours");
}

#[test]
fn a_letter_may_have_a_layout_of_its_own() {
    let mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>Only {{ amount }} for {{ name }}\
        </mj-text></mj-column></mj-section></mj-body></mjml>";
    let letters = with_templates(&[("receipt.mjml", mjml), ("receipt.txt", "Only {{ amount }}")])
        .expect("right");
    let mail = mailed(&letters, &named("receipt"));
    assert!(mail.html.contains("Only €29.00 for Ada Lovelace"), "{}", mail.html);
    assert_eq!(mail.text, "Only €29.00\n");
    assert!(mailed(&letters, &named("refund")).text.contains("Example"), "others keep ours");
}

#[test]
fn a_language_is_added_by_files() {
    let english = include_str!("../../assets/mail/locale.en.toml");
    let french =
        english.replace("Hello {{ name }},", "Bonjour {{ name }},").replace("November", "novembre");
    let letters =
        with_templates(&[("locale.fr.toml", &french), ("receipt.fr.toml", WORDS)]).expect("right");
    let french = |name: &str| {
        let mut sample = named(name);
        let customer = sample.known.customer.as_mut().expect("there is one");
        customer.preferred_locales = vec!["fr-CA".to_owned()];
        mailed(&letters, &sample).text
    };
    assert!(french("receipt").contains("Bonjour Ada Lovelace,"), "{}", french("receipt"));
    assert!(
        french("refund").contains("Hello Ada Lovelace,"),
        "where words are missing, the default"
    );
}

#[test]
fn a_wrong_template_stops_the_start_with_its_file_and_line() {
    let broken = |from: &str, to: &str| refused(&[("receipt.en.toml", &WORDS.replace(from, to))]);
    let unknown = broken("You paid {{ amount }}", "You paid {{ amonut }}");
    assert!(unknown.starts_with("receipt.en.toml, line 4: "), "{unknown}");
    let open = broken("Paid: {{ amount }}", "Paid: {{ amount");
    assert!(open.starts_with("receipt.en.toml, line 1: "), "{open}");
    let toml = broken("title = \"Cheers\"", "title = Cheers");
    assert!(toml.starts_with("receipt.en.toml, line 3: "), "{toml}");
    let key = refused(&[("receipt.en.toml", &format!("{WORDS}buton = 1\n"))]);
    assert!(key.starts_with("receipt.en.toml, line 5: ") && key.contains("buton"), "{key}");
    let missing = broken("title = \"Cheers\"\n", "");
    assert!(missing.contains("receipt.en.toml") && missing.contains("title"), "{missing}");
}

#[test]
fn a_wrong_layout_stops_the_start_with_its_file_and_line() {
    let mjml = |inner: &str| {
        format!(
            "<mjml>\n<mj-body>\n<mj-section><mj-column>\n{inner}\n</mj-column></mj-section></mj-body></mjml>"
        )
    };
    let element = refused(&[("layout.mjml", &mjml("<mj-txet>x</mj-txet>"))]);
    assert!(element.starts_with("layout.mjml, line 4: "), "{element}");
    let value = refused(&[("layout.mjml", &mjml("<mj-text>{{ titel }}</mj-text>"))]);
    assert!(value.starts_with("layout.mjml, line 4: "), "{value}");
    let text = refused(&[("layout.txt", "{{ title }}\n\n{% for %}")]);
    assert!(text.starts_with("layout.txt, line 3: "), "{text}");
}

#[test]
fn a_wrong_language_stops_the_start_with_its_file_and_line() {
    let english = include_str!("../../assets/mail/locale.en.toml");
    let line = english.lines().position(|it| it.starts_with("closing")).expect("it is there") + 1;
    let wrong = refused(&[(
        "locale.en.toml",
        &english.replace("closing = \"{{ brand }}\"", "closing = \"{{ brnd }}\""),
    )]);
    assert!(wrong.starts_with(&format!("locale.en.toml, line {line}: ")), "{wrong}");
    assert!(refused(&[("locale.fr.toml", "date = 1")]).starts_with("locale.fr.toml, line 1: "));
}

#[test]
fn a_file_whose_name_means_nothing_is_refused() {
    for file in
        ["reciept.en.toml", "receipt.toml", "payment_failed.en.toml", "reciept.mjml", "x.txt"]
    {
        let why = refused(&[(file, WORDS)]);
        assert!(why.starts_with(file) && why.contains("receipt"), "{why}");
    }
}
