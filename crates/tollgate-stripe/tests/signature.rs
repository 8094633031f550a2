//! Signatures, against headers that Stripe's own libraries have judged, and the rules where those
//! disagree with each other or with prudence.

use std::collections::HashMap;

use serde::Deserialize;
use tollgate_stripe::signature::{
    SIGNATURES_MAX, SignatureError, TOLERANCE_SECS, Verified, header, sign, verify,
};

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";
const SECRET: &str = "whsec_first";
const AT: i64 = 1_761_700_000;

#[derive(Deserialize)]
struct File {
    bodies_hex: HashMap<String, String>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    note: String,
    body: Option<String>,
    header: Option<String>,
    secret: Option<String>,
    now: i64,
    tolerance: Option<i64>,
    accept: bool,
    core: bool,
}

/// The one body that is too large to be written out.
fn large_body() -> Vec<u8> {
    format!("{{\"object\":\"event\",\"pad\":\"{}\"}}", "x".repeat(200_000)).into_bytes()
}

fn judge(body: &[u8], vector: &Vector) -> Result<Verified, SignatureError> {
    let secrets: Vec<&str> = vector.secret.as_deref().into_iter().collect();
    let tolerance = vector.tolerance.unwrap_or(TOLERANCE_SECS);
    verify(body, vector.header.as_deref(), &secrets, vector.now, tolerance)
}

#[test]
fn every_vector_is_judged_as_by_stripes_libraries() {
    let file: File = serde_json::from_str(include_str!("signature-vectors.json")).unwrap();
    for vector in &file.vectors {
        let body = vector.body.as_ref().map(|name| hex::decode(&file.bodies_hex[name]).unwrap());
        let verdict = judge(&body.unwrap_or_else(large_body), vector);
        assert_eq!(verdict.is_ok(), vector.accept, "{}: {}: {verdict:?}", vector.id, vector.note);
    }
    assert_eq!(file.vectors.iter().filter(|vector| vector.core).count(), 45);
    assert_eq!(file.vectors.len(), 54);
}

#[test]
fn a_header_made_here_verifies_here() {
    let secrets = [SECRET, "whsec_second"];
    let made = header(BODY, &secrets, AT);
    assert_eq!(made.len(), "t=1761700000".len() + 2 * (",v1=".len() + 64));
    for (index, secret) in secrets.iter().enumerate() {
        let verified = verify(BODY, Some(&made), &[secret], AT, TOLERANCE_SECS).unwrap();
        assert_eq!(verified, Verified { timestamp: AT, secret_index: 0 });
        let others = ["whsec_gone", "", secrets[index]];
        let verified = verify(BODY, Some(&made), &others, AT, TOLERANCE_SECS).unwrap();
        assert_eq!(verified.secret_index, 2);
    }
}

/// `HMAC-SHA256("whsec_test", "1.{}")`, computed with another implementation.
#[test]
fn a_signature_is_the_known_one() {
    assert_eq!(
        sign(b"{}", "whsec_test", 1),
        "7500d5d4be4b3ef07af1fe56f7d522d135cdaa7530de557e67cc1049c52de094"
    );
}

#[test]
fn each_failure_has_its_reason() {
    let good = header(BODY, &[SECRET], AT);
    let reason = |header: Option<&str>, body: &[u8], now: i64| {
        verify(body, header, &[SECRET], now, TOLERANCE_SECS).unwrap_err().reason()
    };
    assert_eq!(reason(None, BODY, AT), "missing_header");
    assert_eq!(reason(Some(""), BODY, AT), "missing_header");
    assert_eq!(reason(Some(" "), BODY, AT), "malformed_header");
    assert_eq!(reason(Some("t=1761700000"), BODY, AT), "malformed_header");
    assert_eq!(reason(Some(&good[13..]), BODY, AT), "malformed_header");
    assert_eq!(reason(Some("t=1761700000,v1="), BODY, AT), "no_matching_signature");
    assert_eq!(reason(Some(&good), b"{}", AT), "no_matching_signature");
    assert_eq!(reason(Some(&good), BODY, AT + 301), "timestamp_too_old");
}

#[test]
fn an_old_message_with_a_wrong_signature_is_called_wrong_not_old() {
    let made = header(BODY, &["whsec_other"], AT);
    let error = verify(BODY, Some(&made), &[SECRET], AT + 9999, TOLERANCE_SECS).unwrap_err();
    assert_eq!(error, SignatureError::NoMatchingSignature);
}

#[test]
fn the_age_is_told_and_only_the_past_has_one() {
    let made = header(BODY, &[SECRET], AT);
    let at = |now, tolerance| verify(BODY, Some(&made), &[SECRET], now, tolerance);
    assert!(at(AT + 300, 300).is_ok());
    let error = at(AT + 412, 300).unwrap_err();
    assert_eq!(error, SignatureError::TimestampTooOld { age: 412, tolerance: 300 });
    assert_eq!(error.to_string(), "timestamp 412 s old, tolerance 300 s");
    assert!(at(0, 300).is_ok(), "a time in the future was refused");
    assert!(at(i64::MAX, 0).is_ok() && at(i64::MAX, -1).is_ok(), "no tolerance means no check");
    assert!(at(i64::MIN, 300).is_ok(), "an absurd clock must not overflow");
}

#[test]
fn blank_secrets_never_match() {
    for blank in ["", " ", "\t\r\n\x0b\x0c "] {
        let made = header(BODY, &[blank], AT);
        let error = verify(BODY, Some(&made), &[blank], AT, TOLERANCE_SECS).unwrap_err();
        assert_eq!(error, SignatureError::NoMatchingSignature, "{blank:?}");
    }
    let none: [&str; 0] = [];
    let made = header(BODY, &[SECRET], AT);
    assert!(verify(BODY, Some(&made), &none, AT, TOLERANCE_SECS).is_err());
}

/// Stripe writes one `t`; two would let one be checked and the other be believed.
#[test]
fn a_timestamp_is_one_plain_number() {
    let v1 = sign(BODY, SECRET, AT);
    let twice = format!("t={AT},v1={v1},t={AT}");
    let error = verify(BODY, Some(&twice), &[SECRET], AT, TOLERANCE_SECS).unwrap_err();
    assert_eq!(error, SignatureError::MalformedHeader);
    for t in ["", "-1", "+1", " 1", "1 ", "01", "00", "1.0", "1e3", "١", "1234567890123"] {
        let error = verify(BODY, Some(&format!("t={t},v1={v1}")), &[SECRET], AT, 0).unwrap_err();
        assert_eq!(error, SignatureError::MalformedHeader, "{t:?}");
    }
    for t in ["0", "7", "999999999999"] {
        let at = t.parse().unwrap();
        assert_eq!(
            verify(BODY, Some(&header(BODY, &[SECRET], at)), &[SECRET], 0, 0).unwrap().timestamp,
            at
        );
    }
}

#[test]
fn the_number_of_signatures_looked_at_is_bounded() {
    let good = sign(BODY, SECRET, AT);
    let padded = |before: usize| format!("t={AT}{},v1={good}", ",v1=00".repeat(before));
    assert!(verify(BODY, Some(&padded(SIGNATURES_MAX - 1)), &[SECRET], AT, 0).is_ok());
    assert!(verify(BODY, Some(&padded(SIGNATURES_MAX)), &[SECRET], AT, 0).is_err());
}

#[test]
fn upper_case_hex_and_other_schemes_do_not_count() {
    let good = sign(BODY, SECRET, AT);
    let upper = format!("t={AT},v1={}", good.to_uppercase());
    assert_eq!(
        verify(BODY, Some(&upper), &[SECRET], AT, 0),
        Err(SignatureError::NoMatchingSignature)
    );
    for scheme in ["v0", "v2", "V1", "", "v10"] {
        let other = format!("t={AT},{scheme}={good}");
        assert_eq!(
            verify(BODY, Some(&other), &[SECRET], AT, 0),
            Err(SignatureError::MalformedHeader),
            "{scheme}"
        );
    }
}

/// Both of Stripe's libraries drop what follows, so a proxy that adds to it breaks nothing.
#[test]
fn what_follows_a_second_equals_sign_is_ignored() {
    let made = format!("t={AT}=x,v1={}=junk", sign(BODY, SECRET, AT));
    assert!(verify(BODY, Some(&made), &[SECRET], AT, TOLERANCE_SECS).is_ok());
}

#[test]
fn an_empty_v1_does_not_hide_a_good_one() {
    let made = format!("t={AT},v1=,v1={}", sign(BODY, SECRET, AT));
    assert!(verify(BODY, Some(&made), &[SECRET], AT, TOLERANCE_SECS).is_ok());
}

#[test]
fn errors_show_neither_header_nor_secret() {
    let made = header(BODY, &["whsec_other"], AT);
    let error = verify(BODY, Some(&made), &[SECRET], AT, 0).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("whsec"));
}
