//! The `Stripe-Signature` header: `t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, where each `v1` is the
//! HMAC-SHA256 of `t`, a dot and the raw body, keyed with the whole text of a signing secret.
//! It accepts what both of Stripe's own libraries accept, but not their leniency about `t`.
//! <https://docs.stripe.com/webhooks#verify-manually>, as of November 2026.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How old a signature may be unless configured otherwise, in seconds.
pub const TOLERANCE_SECS: i64 = 300;

/// How many `v1` signatures of one header are looked at; Stripe sends one per active secret.
pub const SIGNATURES_MAX: usize = 32;

/// What a good signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When the delivery was signed, Unix seconds.
    pub timestamp: i64,
    /// Which of the given secrets signed it.
    pub secret_index: usize,
}

/// Why a delivery is not known to come from Stripe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no header, or an empty one.
    #[error("header is missing")]
    MissingHeader,
    /// The header has no `v1`, or not exactly one well-formed `t`.
    #[error("header is malformed")]
    MalformedHeader,
    /// No `v1` was made with one of the secrets over this body.
    #[error("no signature matches the body and a secret")]
    NoMatchingSignature,
    /// The signature is right, but too old to be trusted not to be a replay.
    #[error("timestamp {age} s old, tolerance {tolerance} s")]
    TimestampTooOld {
        /// Seconds since it was signed.
        age: i64,
        /// Seconds that were allowed.
        tolerance: i64,
    },
}

impl SignatureError {
    /// Returns the reason as the word that answers and metrics use.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::MissingHeader => "missing_header",
            Self::MalformedHeader => "malformed_header",
            Self::NoMatchingSignature => "no_matching_signature",
            Self::TimestampTooOld { .. } => "timestamp_too_old",
        }
    }
}

/// Checks that one of `secrets` signed these very bytes no longer than `tolerance` seconds before
/// `now` (Unix seconds). Exactly `tolerance` passes, as does any time in the future; a tolerance
/// of 0 or less checks no age. The signature is checked before the age.
///
/// # Errors
/// Says which check failed; see [`SignatureError`].
pub fn verify(
    body: &[u8],
    header: Option<&str>,
    secrets: &[impl AsRef<str>],
    now: i64,
    tolerance: i64,
) -> Result<Verified, SignatureError> {
    let header = header.filter(|text| !text.is_empty()).ok_or(SignatureError::MissingHeader)?;
    let header = Header::parse(header).ok_or(SignatureError::MalformedHeader)?;
    let secret_index = secrets
        .iter()
        .position(|secret| header.is_signed_with(secret.as_ref(), body))
        .ok_or(SignatureError::NoMatchingSignature)?;
    let age = now.saturating_sub(header.timestamp);
    if tolerance > 0 && age > tolerance {
        return Err(SignatureError::TimestampTooOld { age, tolerance });
    }
    Ok(Verified { timestamp: header.timestamp, secret_index })
}

/// Returns the `v1` signature of a body signed at `timestamp` (Unix seconds), lower-case hex.
pub fn sign(body: &[u8], secret: &str, timestamp: i64) -> String {
    v1(body, secret, &timestamp.to_string())
}

/// Returns the header of a body signed at `timestamp`, with one `v1` per secret.
pub fn header(body: &[u8], secrets: &[impl AsRef<str>], timestamp: i64) -> String {
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        header.push_str(",v1=");
        header.push_str(&sign(body, secret.as_ref(), timestamp));
    }
    header
}

struct Header<'a> {
    timestamp: i64,
    /// The digits as they came: the signature is over these, not over the number.
    digits: &'a str,
    signatures: Vec<&'a str>,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut digits = None;
        let mut signatures = Vec::new();
        for item in text.split(',') {
            let mut parts = item.split('=');
            // What follows a second `=` is ignored, as both of Stripe's libraries do.
            let (Some(scheme), Some(value)) = (parts.next(), parts.next()) else { continue };
            match scheme {
                "t" if digits.is_some() => return None,
                "t" => digits = Some(value),
                "v1" if signatures.len() < SIGNATURES_MAX => signatures.push(value),
                // Any other scheme could only be weaker; `v0` is a decoy of test mode.
                _ => {}
            }
        }
        let digits = digits.filter(|text| is_timestamp(text))?;
        let timestamp = digits.parse().ok()?;
        (!signatures.is_empty()).then_some(Self { timestamp, digits, signatures })
    }

    fn is_signed_with(&self, secret: &str, body: &[u8]) -> bool {
        // Anyone could sign with a blank secret, which is one that somebody forgot to set.
        if secret.bytes().all(|byte| byte.is_ascii_whitespace() || byte == b'\x0b') {
            return false;
        }
        let expected = v1(body, secret, self.digits);
        let matches = |given: &&str| bool::from(given.as_bytes().ct_eq(expected.as_bytes()));
        self.signatures.iter().any(matches)
    }
}

/// One to twelve digits without a leading zero: what Stripe writes, and nothing that a lenient
/// number parser would read differently.
fn is_timestamp(text: &str) -> bool {
    let plain = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain && (text == "0" || !text.starts_with('0'))
}

fn v1(body: &[u8], secret: &str, digits: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(digits.as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
