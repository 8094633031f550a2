//! What comes from Stripe was typed by somebody: none of it becomes markup, a header or a link.

use super::{composed, letters, links, mailed, named};
use tollgate::mail::{self, Mail, Sample};
use tollgate_stripe::object::{Invoice, InvoiceLine, Object, PaymentMethod};

const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'\r\nBcc: x@evil.example\u{202e}{{ 7*7 }}";
const ELSEWHERE: [&str; 6] = [
    "javascript:alert(1)",
    "https://evil.example/",
    "https://invoice.stripe.com.evil.example/",
    "http://invoice.stripe.com/",
    "https://invoice.stripe.com@evil.example/",
    "data:text/html,<script>alert(1)</script>",
];

fn text() -> Option<String> {
    Some(HOSTILE.to_owned())
}

/// Puts the hostile text wherever Stripe puts one.
fn hostile(mut sample: Sample, link: &str) -> Sample {
    let known = &mut sample.known;
    (known.name, known.user_id) = (text(), text());
    if let Some(it) = &mut known.customer {
        (it.name, it.preferred_locales) = (text(), vec![HOSTILE.to_owned()]);
    }
    if let Some(it) = &mut known.invoice {
        spoil_invoice(it, link);
    }
    if let Some(it) = &mut known.payment_method {
        spoil_card(it);
    }
    match &mut known.subject {
        Some(Object::Invoice(it)) => spoil_invoice(it, link),
        Some(Object::PaymentMethod(it)) => spoil_card(it),
        Some(Object::Charge(it)) => {
            (it.brand, it.last4, it.receipt_url) = (text(), text(), Some(link.to_owned()));
        }
        Some(Object::Dispute(it)) => it.reason = text(),
        Some(Object::CheckoutSession(it)) => (it.name, it.locale) = (text(), text()),
        _ => {}
    }
    if sample.name == "event_failed" {
        (sample.effect.subject, sample.known.failure) = (HOSTILE.to_owned(), text());
    }
    sample
}

fn spoil_invoice(it: &mut Invoice, link: &str) {
    (it.number, it.hosted_invoice_url) = (text(), Some(link.to_owned()));
    let line = InvoiceLine { description: text(), amount: i64::MIN, ..InvoiceLine::default() };
    it.lines = vec![line];
}

fn spoil_card(it: &mut PaymentMethod) {
    (it.brand, it.last4, it.kind) = (text(), text(), text());
    (it.exp_month, it.exp_year) = (Some(i64::MAX), Some(i64::MIN));
}

fn is_harmless(name: &str, mail: &Mail) {
    let html = mail.html.to_lowercase();
    for mark in ["<script", "<img src=x", "javascript:", "data:text"] {
        assert!(!html.contains(mark), "{name}: {mark} in\n{html}");
    }
    for line in [Some(&mail.subject), mail.to_name.as_ref(), Some(&mail.to), Some(&mail.message_id)]
    {
        let line = line.map_or("", String::as_str);
        assert!(!line.contains(char::is_control), "{name}: {line:?}");
    }
    assert!(!mail.text.lines().any(|it| it.starts_with("Bcc:")), "{name}: {}", mail.text);
    assert!(!mail.text.contains('\r') && !mail.text.contains('\u{202e}'), "{name}");
    assert!(!html.contains('\u{202e}') && !mail.subject.contains('\u{202e}'), "{name}");
    assert!(!mail.text.contains("49"), "{name}: a value was taken for a template\n{}", mail.text);
}

fn leads_nowhere_else(name: &str, mail: &Mail) {
    let allowed = ["https://app.example.com/", "https://dashboard.stripe.com/"];
    let addresses = mail.text.split_whitespace().filter(|it| it.contains("://"));
    let all = links(&mail.html).into_iter().chain(addresses.map(str::to_owned));
    for link in all {
        assert!(allowed.iter().any(|it| link.starts_with(it)), "{name} leads to {link}");
    }
}

#[test]
fn nothing_from_stripe_becomes_markup_a_header_or_a_template() {
    let letters = letters("survey_url = \"https://app.example.com/why\"");
    let mut written = 0;
    for sample in mail::samples()
        .into_iter()
        .filter(|it| it.name != "receipt-order" && it.name != "order_failed")
    {
        let sample = hostile(sample, ELSEWHERE[0]);
        if let Some(mail) = composed(&letters, &sample) {
            is_harmless(sample.name, &mail);
            written += 1;
        }
    }
    assert!(written >= 25, "{written}");
}

#[test]
fn a_mail_leads_to_configured_places_and_stripe_alone() {
    let letters = letters("");
    for link in ELSEWHERE {
        for sample in
            ["receipt", "payment_failed-last", "action_required", "refund", "access_ended-unpaid"]
        {
            let sample = hostile(named(sample), link);
            leads_nowhere_else(sample.name, &mailed(&letters, &sample));
        }
    }
}

/// Otherwise anybody could have us send their advertisement to anybody.
#[test]
fn a_name_with_an_address_in_it_is_not_used() {
    let letters = letters("");
    for name in ["You won! http://evil.example", "www.evil.example", "evil.example", "x@y.z"] {
        let mut sample = named("receipt");
        sample.known.name = Some(name.to_owned());
        let mail = mailed(&letters, &sample);
        assert_eq!(mail.to_name, None);
        assert!(mail.text.contains("\nHello,\n") && !mail.text.contains("evil"), "{}", mail.text);
    }
}

#[test]
fn an_order_of_a_guest_with_a_hostile_name_is_harmless() {
    let letters = letters("");
    for name in ["receipt-order", "order_failed"] {
        let sample = hostile(named(name), ELSEWHERE[0]);
        let mail = mailed(&letters, &sample);
        // The amount of the order is 499.
        let mail = Mail { text: mail.text.replace("499.00", ""), ..mail };
        is_harmless(name, &mail);
    }
}
