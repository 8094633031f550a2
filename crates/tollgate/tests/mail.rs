//! The letters: what they say, in which language, and that nothing from outside gets through.

mod letters;

use letters::{composed, config, letters, links, mailed, named};
use tollgate::config::LETTERS;
use tollgate::mail::{self, Audience, Letters, Sample};
use tollgate::rules::dunning::Level;
use tollgate::rules::effects::{Effect, EffectKind};
use tollgate_stripe::object::{Object, SubscriptionStatus};

const LANGUAGES: [&str; 2] = ["de", "en"];

/// Each sample's mail in each language.
fn each(check: impl Fn(&Sample, &str, &mail::Mail)) {
    let letters = letters("");
    for sample in mail::samples() {
        for language in LANGUAGES {
            let mail = letters.preview(&sample, Some(language)).expect(sample.name);
            check(&sample, language, &mail);
        }
    }
}

/// What stands in the HTML's cells of values.
fn cells(html: &str) -> Vec<String> {
    let parts = html.split("class=\"value\">").skip(1);
    parts.map(|it| unescaped(it.split("</td>").next().unwrap_or_default())).collect()
}

fn unescaped(text: &str) -> String {
    let marks = [("&lt;", "<"), ("&gt;", ">"), ("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\"")];
    marks.iter().fold(text.to_owned(), |it, (from, to)| it.replace(from, to)).replace("&amp;", "&")
}

#[test]
fn every_letter_that_can_be_switched_off_is_there_with_a_sample() {
    let names: Vec<&str> = mail::all().iter().map(|it| it.name).collect();
    assert_eq!(names, LETTERS);
    for it in mail::all() {
        assert!(
            mail::samples().iter().any(|sample| sample.letter().name == it.name),
            "{}",
            it.name
        );
        assert!(
            !it.kinds.is_empty() && it.kinds.iter().all(|kind| mail::audience(*kind).is_some())
        );
    }
    assert_eq!(mail::audience(EffectKind::DisputeOpened), Some(Audience::Operator));
    assert_eq!(mail::audience(EffectKind::InvoicePaid), Some(Audience::Customer));
    assert_eq!(mail::audience(EffectKind::Refresh), None);
}

/// Who reads the text learns the same as who sees the HTML.
#[test]
fn the_text_says_all_that_the_html_says() {
    each(|sample, language, mail| {
        let place = format!("{} in {language}", sample.name);
        for cell in cells(&mail.html) {
            assert!(mail.text.contains(&cell), "{place}: {cell} is missing in\n{}", mail.text);
        }
        for link in links(&mail.html) {
            assert!(mail.text.contains(&link), "{place}: {link} is missing in\n{}", mail.text);
        }
        let title = mail.html.split("<h1").nth(1).and_then(|it| it.split(['>', '<']).nth(1));
        assert!(mail.text.starts_with(&unescaped(title.expect("there is a title"))), "{place}");
        assert!(!mail.text.contains("{{") && !mail.html.contains("{{"), "{place}");
        assert!(!mail.text.contains("\n\n\n"), "{place} has holes");
    });
}

#[test]
fn a_subject_is_one_line_that_fits() {
    each(|sample, language, mail| {
        let length = mail.subject.chars().count();
        assert!((10..=78).contains(&length), "{} in {language}: {}", sample.name, mail.subject);
        assert!(!mail.subject.contains(char::is_control));
    });
}

#[test]
fn every_letter_is_another_in_each_language() {
    let letters = letters("");
    for sample in mail::samples() {
        let [de, en] =
            LANGUAGES.map(|it| letters.preview(&sample, Some(it)).expect("it is written"));
        assert_ne!(de.subject, en.subject, "{}", sample.name);
        assert!(de.html.contains("lang=\"de\"") && en.html.contains("lang=\"en\""));
        assert!(de.text.contains("Sie erhalten diese E-Mail"), "{}", de.text);
        let familiar = [" du ", " dein", " dir ", " dich ", "Du "];
        assert!(!familiar.iter().any(|it| de.text.contains(it)), "{}", de.text);
    }
}

#[test]
fn the_customers_own_language_decides() {
    let with = |locales: &[&str]| {
        let mut sample = named("receipt");
        let customer = sample.known.customer.as_mut().expect("there is one");
        customer.preferred_locales = locales.iter().map(|it| (*it).to_owned()).collect();
        sample
    };
    let is_german = |settings: &str, locales: &[&str]| {
        mailed(&letters(settings), &with(locales)).html.contains("lang=\"de\"")
    };
    assert!(is_german("", &["de-AT", "en"]));
    assert!(is_german("", &["fr", "de"]));
    assert!(!is_german("", &["en-US", "de"]));
    assert!(!is_german("", &["fr"]) && !is_german("", &[]));
    assert!(is_german("locale = \"de\"", &["fr"]) && is_german("locale = \"de\"", &[]));
    let operators = mailed(&letters("locale = \"de\""), &named("silence"));
    assert!(operators.html.contains("lang=\"de\""));
}

#[test]
fn a_receipt_says_what_was_paid_when_and_how() {
    let mail = mailed(&letters(""), &named("receipt"));
    assert_eq!(mail.subject, "Your receipt from Example: €29.00");
    assert_eq!(
        (mail.to.as_str(), mail.to_name.as_deref()),
        ("ada@example.com", Some("Ada Lovelace"))
    );
    for fact in [
        "€29.00",
        "€4.63",
        "22 November 2026",
        "22 November 2026 – 22 December 2026",
        "Visa ending in 4242",
        "A1B2C3D4-0007",
        "\nPro: €29.00\n",
        "https://invoice.stripe.com/i/acct_1/sample",
    ] {
        assert!(mail.text.contains(fact), "{fact} is missing in\n{}", mail.text);
    }
}

/// The last attempt is the one after which Stripe announces none, whatever its number.
#[test]
fn a_failed_payment_gets_more_urgent() {
    let letters = letters("");
    let subject = |level: Level, attempts: i64, next: Option<i64>| {
        let mut sample = named("payment_failed-first");
        let dunning = sample.known.dunning.as_mut().expect("there is one");
        (dunning.level, dunning.attempts, dunning.next_attempt) = (level, attempts, next);
        mailed(&letters, &sample).subject
    };
    let next = Some(1_795_608_000);
    assert_eq!(subject(Level::First, 1, next), "Your payment of €29.00 did not go through");
    let further = "Please pay €29.00 to keep your access after 29 November 2026";
    assert_eq!(subject(Level::Further, 2, next), further);
    let last = "Last notice: your access ends on 29 November 2026";
    assert_eq!([subject(Level::Last, 1, None), subject(Level::Last, 9, None)], [last, last]);
}

#[test]
fn without_dunning_the_invoice_says_how_urgent_it_is() {
    let letters = letters("");
    let subject = |attempts: i64, next: Option<i64>| {
        let mut sample = named("payment_failed-first");
        sample.known.dunning = None;
        let Some(Object::Invoice(it)) = &mut sample.known.subject else { panic!("an invoice") };
        (it.attempt_count, it.next_payment_attempt) = (attempts, next);
        mailed(&letters, &sample).subject
    };
    let next = Some(1_795_608_000);
    assert!(subject(1, next).contains("did not go through"));
    assert!(subject(2, next).contains("is still open"));
    assert!(subject(1, None).starts_with("Last notice") && subject(8, None).starts_with("Last"));
}

#[test]
fn access_that_is_over_is_not_promised() {
    let mut sample = named("payment_failed-last");
    let dunning = sample.known.dunning.as_mut().expect("there is one");
    dunning.access_until = Some(sample.now - 1);
    let mail = mailed(&letters(""), &sample);
    assert!(
        mail.text.contains("has ended") && !mail.text.contains("Access until"),
        "{}",
        mail.text
    );
}

#[test]
fn a_renewal_says_what_it_will_cost() {
    let mail = mailed(&letters(""), &named("renewal_upcoming"));
    assert!(
        mail.text.contains("€29.00") && mail.text.contains("22 December 2026"),
        "{}",
        mail.text
    );
    let mut unknown = named("renewal_upcoming");
    unknown.known.invoice = None;
    let mail = mailed(&letters(""), &unknown);
    assert!(mail.subject.ends_with("renews on 22 December 2026"), "{}", mail.subject);
    assert!(!mail.text.contains('€'), "{}", mail.text);
}

#[test]
fn a_change_of_plans_names_both_or_what_is_known() {
    let said = |detail: &str| {
        let mut sample = named("plan_changed");
        detail.clone_into(&mut sample.effect.detail);
        mailed(&letters(""), &sample).text
    };
    assert!(said("1795348800:price_1>price_2").contains("from Pro to Team"));
    assert!(said("1795348800:price_1>price_1y").contains("from Pro, monthly to Pro, yearly"));
    let unknown = said("1795348800:price_0>price_2");
    assert!(unknown.contains("has changed") && unknown.contains("Now: Team"), "{unknown}");
    assert!(!unknown.contains("Before"), "{unknown}");
}

/// The ids of Stripe's prices say nothing then, nor does a plan that any price buys.
#[test]
fn a_change_of_plans_that_are_known_by_lookup_keys_names_both() {
    let mut shop = config("", true);
    let keys =
        [("price_1", "pro_monthly"), ("price_1y", "pro:yearly"), ("price_2", "team_monthly")];
    for price in shop.rulebook.plans.iter_mut().flat_map(|it| it.prices.values_mut()) {
        let (_, key) = keys.iter().find(|(it, _)| it == price).expect("it has one");
        (*key).clone_into(price);
    }
    shop.rulebook.any_price = Some("pro".to_owned());
    let letters = Letters::of(&shop).expect("ours are right");
    let said = |old_key: &str, new_key: &str| {
        let mut sample = named("plan_changed");
        sample.effect.detail = format!("1795348800:{old_key}price_8>price_9");
        let it = sample.known.subscription.as_mut().expect("there is one");
        (it.items[0].price, it.items[0].lookup_key) =
            (Some("price_9".into()), Some(new_key.to_owned()));
        mailed(&letters, &sample).text
    };
    assert!(said("pro_monthly:", "team_monthly").contains("from Pro to Team"));
    assert!(said("pro_monthly:", "pro:yearly").contains("from Pro, monthly to Pro, yearly"));
    assert!(said("pro:yearly:", "pro_monthly").contains("from Pro, yearly to Pro, monthly"));
    let unknown = said("", "team_monthly");
    assert!(unknown.contains("has changed") && unknown.contains("Now: Team"), "{unknown}");
}

#[test]
fn what_is_nothing_to_say_makes_no_mail() {
    let letters = letters("off = [\"refund\"]");
    let silent = |name: &str, change: &dyn Fn(&mut Sample)| {
        let mut sample = named(name);
        change(&mut sample);
        assert_eq!(composed(&letters, &sample), None, "{name}");
        letters.why_not(&sample.effect, &sample.known).expect("there is a reason")
    };
    let invoice = |sample: &mut Sample, paid: i64| {
        let Some(Object::Invoice(it)) = &mut sample.known.subject else { panic!("an invoice") };
        it.amount_paid = Some(paid);
    };
    assert_eq!(silent("receipt", &|it| invoice(it, 0)), "nothing was paid");
    assert_eq!(silent("receipt", &|it| it.known.email = None), "no address is known");
    for odd in ["ada", "ada@", "@example.com", "a@b.c\r\nBcc: x@y.z", "a b@c.de", "a@b.c, x@y.z"] {
        let reason = silent("receipt", &|it| it.known.email = Some(odd.to_owned()));
        assert_eq!(reason, "no address is known", "{odd}");
    }
    assert_eq!(silent("refund", &|_| {}), "switched off");
    assert_eq!(silent("survey", &|_| {}), "no survey is configured");
    let first = |it: &mut Sample| {
        let subscription = it.known.subscription.as_mut().expect("there is one");
        subscription.status = SubscriptionStatus::Incomplete;
    };
    assert_eq!(silent("payment_failed-first", &first), "the page where they pay has said so");
    let billed = |it: &mut Sample| {
        let Some(Object::CheckoutSession(it)) = &mut it.known.subject else { panic!("a session") };
        it.invoice = Some("in_1".into());
    };
    assert_eq!(silent("receipt-order", &billed), "its invoice has a receipt");
    let untold = |it: &mut Sample| it.effect = Effect::new(EffectKind::Refresh, "sub_1", "");
    assert_eq!(silent("receipt", &untold), "no letter tells this");
}

#[test]
fn without_an_operator_nobody_hears_of_a_dispute() {
    let letters = mail::Letters::of(&config("", false)).expect("they load");
    let sample = named("dispute_opened");
    assert_eq!(composed(&letters, &sample), None);
    let why = letters.why_not(&sample.effect, &sample.known);
    assert_eq!(why, Some("no address of the operator is configured"));
}

/// Somebody may buy without ever becoming a customer.
#[test]
fn a_guest_is_written_to_where_they_said() {
    let mut sample = named("receipt-order");
    (sample.known.email, sample.known.name, sample.known.customer) = (None, None, None);
    let Some(Object::CheckoutSession(it)) = &mut sample.known.subject else { panic!("a session") };
    it.email = Some("guest@example.com".to_owned());
    it.name = Some("Grace".to_owned());
    it.locale = Some("de".to_owned());
    let mail = mailed(&letters(""), &sample);
    assert_eq!((mail.to.as_str(), mail.to_name.as_deref()), ("guest@example.com", Some("Grace")));
    assert!(mail.text.contains("Guten Tag Grace"), "{}", mail.text);
}

/// A mail that is sent again after a crash is the same mail.
#[test]
fn a_fact_has_one_message_id() {
    let letters = letters("");
    let id = |name: &str| mailed(&letters, &named(name)).message_id;
    assert_eq!(id("receipt"), id("receipt"));
    assert_ne!(id("payment_failed-first"), id("payment_failed-further"));
    assert!(id("receipt").starts_with('<') && id("receipt").ends_with("@example.com>"));
}

#[test]
fn only_what_one_can_live_without_can_be_declined() {
    let letters = letters("survey_url = \"https://app.example.com/why\"");
    let header = |name: &str, header: &str| {
        let headers = mailed(&letters, &named(name)).headers;
        headers.into_iter().find(|(it, _)| *it == header).map(|(_, value)| value)
    };
    let unsubscribe = "<mailto:billing@example.com?subject=unsubscribe>";
    assert_eq!(header("survey", "List-Unsubscribe").as_deref(), Some(unsubscribe));
    for name in ["receipt", "payment_failed-last", "dispute_opened"] {
        assert_eq!(header(name, "List-Unsubscribe"), None, "{name}");
        assert_eq!(header(name, "Auto-Submitted").as_deref(), Some("auto-generated"), "{name}");
    }
}
