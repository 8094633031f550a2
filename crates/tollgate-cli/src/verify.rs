//! `tollgate verify`: why does this signature fail? The body is read from standard input.

use std::io::Read;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate_stripe::signature::{self, SignatureError, TOLERANCE_SECS};

use crate::exit;
use crate::out;

/// Bodies beyond this are not Stripe's.
const BODY_BYTES_MAX: u64 = 1 << 20;

/// Say why a signature fails; the body is read from standard input, byte for byte.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The signing secret, `whsec_…`; several, comma separated.
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// The value of the Stripe-Signature header.
    #[arg(long)]
    header: String,
    /// The time of the check in Unix seconds [default: now].
    #[arg(long)]
    now: Option<i64>,
    /// How old the signature may be, in seconds; 0 checks no age.
    #[arg(long, default_value_t = TOLERANCE_SECS)]
    tolerance: i64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut body = Vec::new();
    std::io::stdin().take(BODY_BYTES_MAX + 1).read_to_end(&mut body)?;
    let secrets: Vec<&str> = arguments.secret.split(',').collect();
    let now = arguments.now.unwrap_or_else(|| Clock::system().now());
    let verified =
        signature::verify(&body, Some(&arguments.header), &secrets, now, arguments.tolerance);
    let hints = match &verified {
        Ok(_) => Vec::new(),
        Err(error) => hints(error, &body, &arguments.header, &secrets),
    };
    match (&verified, arguments.json) {
        (_, true) => out::line(as_json(&verified, &hints))?,
        (Ok(it), false) => out::line(format_args!(
            "The signature is right: made by secret {} of {} at {}.",
            it.secret_index + 1,
            secrets.len(),
            it.timestamp
        ))?,
        (Err(error), false) => {
            let reason = error.reason();
            out::line(format_args!("The signature is refused ({reason}): {error}."))?;
            hints.iter().try_for_each(|it| out::line(format_args!("  {it}")))?;
        }
    }
    Ok(if verified.is_ok() { ExitCode::SUCCESS } else { exit::found_something() })
}

fn as_json(verified: &Result<signature::Verified, SignatureError>, hints: &[String]) -> Value {
    match verified {
        Ok(it) => json!({
            "verified": true, "secret": it.secret_index + 1, "timestamp": it.timestamp,
        }),
        Err(error) => json!({ "verified": false, "reason": error.reason(), "hints": hints }),
    }
}

/// What is probably wrong: the usual mistakes are made on purpose, to see which one fits.
fn hints(error: &SignatureError, body: &[u8], header: &str, secrets: &[&str]) -> Vec<String> {
    match error {
        SignatureError::MissingHeader => vec!["The header is empty.".to_owned()],
        SignatureError::MalformedHeader => {
            vec!["It should look like t=1761700000,v1=<64 hex digits>, without spaces.".to_owned()]
        }
        SignatureError::TimestampTooOld { .. } => vec![
            "Secret and body are right. Either this is an old delivery, or a clock is wrong."
                .to_owned(),
        ],
        SignatureError::NoMatchingSignature => mismatches(body, header, secrets),
    }
}

fn mismatches(body: &[u8], header: &str, secrets: &[&str]) -> Vec<String> {
    let fits = |body: &[u8], secrets: &[&str]| {
        signature::verify(body, Some(header), secrets, 0, 0).is_ok()
    };
    let trimmed: Vec<&str> = secrets.iter().map(|it| it.trim()).collect();
    let mut hints = Vec::new();
    if fits(body, &trimmed) {
        hints.push("It fits once white space around the secret is removed.".to_owned());
    }
    for (variant, what) in variants(body) {
        if fits(&variant, &trimmed) {
            hints.push(format!("It fits a body {what}: the body was changed on its way."));
        }
    }
    if secrets.iter().any(|it| !it.trim().starts_with("whsec_")) {
        hints.push(
            "A signing secret begins with whsec_; an API key is no signing secret.".to_owned(),
        );
    }
    if hints.is_empty() {
        hints.push(
            "Most likely the secret belongs to another endpoint: test mode, live mode and \
             `stripe listen` each have their own. Otherwise the body was parsed and written \
             again before it got here."
                .to_owned(),
        );
    }
    hints
}

/// What frameworks, editors and shells do to a body.
fn variants(body: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let mut variants = Vec::new();
    let mut with_newline = body.to_vec();
    with_newline.push(b'\n');
    variants.push((with_newline, "with a newline at its end"));
    if let Some(rest) = body.strip_suffix(b"\n") {
        variants.push((rest.to_vec(), "without the newline at its end"));
    }
    if let Ok(text) = std::str::from_utf8(body) {
        variants.push((text.replace("\r\n", "\n").into(), "with \\n instead of \\r\\n"));
    }
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        variants.push((value.to_string().into(), "without its white space"));
        let pretty = serde_json::to_vec_pretty(&value).unwrap_or_default();
        variants.push((pretty, "with two spaces of indentation"));
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test";

    fn hints_for(signed: &[u8], received: &[u8], secret: &str) -> String {
        let header = signature::header(signed, &[SECRET], 1_761_700_000);
        mismatches(received, &header, &[secret]).join("\n")
    }

    #[test]
    fn a_lost_newline_is_named() {
        assert!(hints_for(b"{}\n", b"{}", SECRET).contains("with a newline at its end"));
        assert!(hints_for(b"{}", b"{}\n", SECRET).contains("without the newline"));
    }

    #[test]
    fn a_rewritten_body_is_named() {
        let pretty = b"{\n  \"a\": 1\n}";
        assert!(hints_for(pretty, b"{\"a\":1}", SECRET).contains("two spaces"));
        assert!(hints_for(b"{\"a\":1}", pretty, SECRET).contains("without its white space"));
    }

    #[test]
    fn white_space_around_the_secret_is_named() {
        assert!(hints_for(b"{}", b"{}", "whsec_test\n").contains("white space around the secret"));
    }

    #[test]
    fn another_endpoints_secret_is_suspected() {
        assert!(hints_for(b"{}", b"{}", "whsec_other").contains("another endpoint"));
    }
}
