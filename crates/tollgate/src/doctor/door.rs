//! Verdicts on what the running server answers: whether posts reach it unharmed, and which signing
//! secrets it knows.

use super::Finding;
use super::knock::{Heard, Knocks};
use crate::config::Config;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    /// Our webhook, which gave this reason for its refusal.
    Webhook(String),
    /// Something else; says what, and what to do.
    Wrong(String, String),
    /// Our webhook, which takes calls from some networks only.
    Closed,
}

/// Judges all answers.
pub(super) fn judge(config: &Config, knocks: &Knocks) -> Vec<Finding> {
    let Knocks { url, plain, other_url, other, signed } = knocks;
    let mut findings = vec![match meaning(plain) {
        Meaning::Webhook(_) => Finding::ok("server", format!("The server answers at {url}.")),
        Meaning::Closed => Finding::warn(
            "server",
            format!("The server at {url} takes posts from TOLLGATE_WEBHOOK_NETWORKS only."),
            "Run `tollgate doctor` from one of them to see the rest of the way.",
        ),
        Meaning::Wrong(says, next) => {
            return vec![Finding::fail("server", format!("{url}: {says}."), next)];
        }
    }];
    if let Meaning::Wrong(says, _) = meaning(other) {
        let next = format!("Keep Stripe's endpoint at {url}, to the letter.");
        findings.push(Finding::warn("slash", format!("{other_url}: {says}."), next));
    } else {
        let says = "It answers with and without a final slash.";
        findings.push(Finding::ok("slash", says));
    }
    let count = config.webhook_secrets.len();
    let judged = signed.iter().enumerate();
    findings.extend(judged.map(|(index, heard)| signing(heard, index + 1, count)));
    findings
}

fn meaning(heard: &Heard) -> Meaning {
    let wrong = |says: String, next: &str| Meaning::Wrong(says, next.to_owned());
    let (status, location, word, is_page) = match heard {
        Heard::Nothing(why) => {
            let next = "Start `tollgate serve` and let the public URL lead to it.";
            return wrong(format!("it cannot be reached ({why})"), next);
        }
        Heard::Answer { status, location, word, is_page } => {
            (*status, location.as_deref().unwrap_or("nowhere"), word, *is_page)
        }
    };
    if let Some((error, reason)) = word {
        return ours(status, error, reason);
    }
    match status {
        300..=399 => wrong(
            format!("it redirects to {location}, and Stripe follows no redirect"),
            "Set TOLLGATE_PUBLIC_URL to where that leads and run `tollgate setup`, or end the redirect.",
        ),
        401 | 403 => wrong(
            format!("something before the server wants a login or holds strangers off ({status})"),
            "Let the proxy or firewall pass posts to this path: the signature protects it.",
        ),
        404 => wrong(
            "something else answers there, and knows no such path (404)".to_owned(),
            "Let the proxy pass this path on to the server unchanged.",
        ),
        405 => wrong(
            "something else answers there, and takes no posts (405)".to_owned(),
            "Let the proxy pass this path on to the server unchanged.",
        ),
        413 => wrong(
            "a proxy refuses bodies that are small (413)".to_owned(),
            "Let the proxy take bodies of up to 1 MiB.",
        ),
        500..=599 => wrong(
            format!("a proxy answers that the server is away ({status})"),
            "Start `tollgate serve` and let the proxy reach it.",
        ),
        _ if is_page => wrong(
            format!("a web page answers there ({status}), not this server"),
            "Let the public URL lead to Tollgate, or this path of it.",
        ),
        _ => wrong(
            format!("something else answers there ({status}), not this server"),
            "Let the public URL lead to Tollgate, or this path of it.",
        ),
    }
}

/// What our own server says.
fn ours(status: u16, error: &str, reason: &str) -> Meaning {
    let wrong = |says: &str, next: &str| Meaning::Wrong(says.to_owned(), next.to_owned());
    match (status, error) {
        (400, "validation_error") if !reason.is_empty() => Meaning::Webhook(reason.to_owned()),
        (403, "forbidden") => Meaning::Closed,
        (404 | 405, _) => wrong(
            "the server answers, and takes no webhook at this path",
            "Use /stripe/webhook, or set TOLLGATE_WEBHOOK_PATH.",
        ),
        (429, _) => wrong(
            "the server refuses more requests from this address",
            "Wait a second, and raise TOLLGATE_RATE_LIMIT if it stays so.",
        ),
        (503, "external_service_error") => wrong(
            "the running server has no signing secret",
            "Set STRIPE_WEBHOOK_SECRET and restart the server.",
        ),
        (503, _) => wrong(
            "the server runs, and its database is away",
            "Bring the database back; the server goes on by itself.",
        ),
        _ => wrong(
            "something answers there in a way that is not this server's",
            "Let the public URL lead to Tollgate, or this path of it.",
        ),
    }
}

/// Whether the server knows the secret of this number.
fn signing(heard: &Heard, number: usize, count: usize) -> Finding {
    let which = match count {
        1 => "the signing secret".to_owned(),
        _ => format!("signing secret {number} of {count}"),
    };
    let restart = "Restart the server with this configuration.";
    match meaning(heard) {
        Meaning::Webhook(reason) => match reason.as_str() {
            "malformed_event" => {
                Finding::ok("signature", format!("The running server knows {which}."))
            }
            "no_matching_signature" => Finding::fail(
                "signature",
                format!("The running server does not know {which}, or the body was changed."),
                restart,
            ),
            "timestamp_too_old" => Finding::fail(
                "signature",
                "The server's clock is so wrong that it takes fresh signatures for old ones.",
                "Let the server's machine keep the time by NTP.",
            ),
            _ => Finding::fail(
                "signature",
                "The header Stripe-Signature does not reach the server.",
                "Let the proxy pass all headers on.",
            ),
        },
        Meaning::Closed => Finding::warn(
            "signature",
            format!("Whether the server knows {which} cannot be seen from here."),
            "Run `tollgate doctor` from one of TOLLGATE_WEBHOOK_NETWORKS.",
        ),
        Meaning::Wrong(says, next) => Finding::fail("signature", format!("Signed: {says}."), next),
    }
}
