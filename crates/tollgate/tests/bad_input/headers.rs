//! Signature headers that must not be believed.

use tollgate_stripe::signature::{header, sign};

use super::world::{NOW, SECRET, request};
use super::{Answer, Case, KEPT, MALFORMED, MISSING, NO_HTTP, NO_MATCH, TOO_OLD, case, event};

/// A request with a header as it stands here, bytes and all.
fn with_header(name: &str, value: &[u8], body: &[u8], answer: Answer) -> Case {
    let mut bytes = b"POST /stripe/webhook HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_vec();
    bytes.extend_from_slice(b"stripe-signature: ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(format!("\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    case(format!("header: {name}"), bytes, answer)
}

/// Headers that are wrong in every way we could think of.
pub fn all() -> Vec<Case> {
    let body = event();
    let body = body.as_bytes();
    let values = shapes(body).into_iter().chain(signatures(body));
    let mut all: Vec<Case> =
        values.map(|(value, answer)| with_header(&value, value.as_bytes(), body, answer)).collect();
    let latin = [b"t=1,v1=\xff\xfe".as_slice(), b"\xe9", b"\x80\x81", "t=1,v1=é".as_bytes()];
    all.extend(latin.iter().map(|it| with_header("not ASCII", it, body, MALFORMED)));
    let invalid = [b"a\0b".as_slice(), b"\x7f", b"a\x01b"];
    all.extend(invalid.iter().map(|it| with_header("not a header", it, body, NO_HTTP)));
    all
}

/// The signature is right, but the header is none.
fn shapes(body: &[u8]) -> Vec<(String, Answer)> {
    let v1 = sign(body, SECRET, NOW);
    vec![
        (String::new(), MISSING),
        (" ".to_owned(), MISSING),
        ("\t".to_owned(), MISSING),
        ("garbage".to_owned(), MALFORMED),
        (",".to_owned(), MALFORMED),
        (",,,,".to_owned(), MALFORMED),
        ("=".to_owned(), MALFORMED),
        ("t=".to_owned(), MALFORMED),
        ("v1=".to_owned(), MALFORMED),
        ("t=,v1=".to_owned(), MALFORMED),
        (format!("t={NOW}"), MALFORMED),
        (format!("v1={v1}"), MALFORMED),
        (format!("t={NOW},v1"), MALFORMED),
        (format!("t={NOW},v0={v1}"), MALFORMED),
        (format!("t={NOW},v2={v1}"), MALFORMED),
        (format!("t={NOW},V1={v1}"), MALFORMED),
        (format!("T={NOW},v1={v1}"), MALFORMED),
        (format!("t={NOW}, v1={v1}"), MALFORMED),
        (format!("t={NOW};v1={v1}"), MALFORMED),
        (format!("t:{NOW},v1:{v1}"), MALFORMED),
        (format!("\"t={NOW},v1={v1}\""), MALFORMED),
        (format!("t={NOW},t={NOW},v1={v1}"), MALFORMED),
        (format!("t={NOW},t={},v1={v1}", NOW + 1), MALFORMED),
        (format!("t= {NOW},v1={v1}"), MALFORMED),
        (format!("t={NOW} ,v1={v1}"), MALFORMED),
        (format!("t=+{NOW},v1={v1}"), MALFORMED),
        (format!("t=-{NOW},v1={v1}"), MALFORMED),
        (format!("t=0{NOW},v1={v1}"), MALFORMED),
        (format!("t={NOW}.0,v1={v1}"), MALFORMED),
        (format!("t={NOW}abc,v1={v1}"), MALFORMED),
        (format!("t=1_795_348_800,v1={v1}"), MALFORMED),
        (format!("t=abc,v1={v1}"), MALFORMED),
        (format!("t=NaN,v1={v1}"), MALFORMED),
        (format!("t=0x6b028b00,v1={v1}"), MALFORMED),
        (format!("t=1.7e9,v1={v1}"), MALFORMED),
        (format!("t=9999999999999,v1={v1}"), MALFORMED),
        (format!("t=99999999999999999999999999,v1={v1}"), MALFORMED),
        ("t=\u{661}\u{667}\u{669},v1=x".to_owned(), MALFORMED),
    ]
}

/// The header is one, but the signature is not right, or too old.
fn signatures(body: &[u8]) -> Vec<(String, Answer)> {
    let v1 = sign(body, SECRET, NOW);
    let upper = v1.to_uppercase();
    let forged = sign(body, "whsec_of_somebody_else", NOW);
    let other_body = sign(b"{}", SECRET, NOW);
    let later = sign(body, SECRET, NOW + 1);
    let bare = sign(body, SECRET.trim_start_matches("whsec_"), NOW);
    let blank = sign(body, "", NOW);
    let many = format!(",v1={forged}").repeat(1000);
    let late = format!(",v1={forged}").repeat(40);
    vec![
        (format!("t={NOW},v1="), NO_MATCH),
        (format!("t={NOW},v1=x"), NO_MATCH),
        (format!("t={NOW},v1={upper}"), NO_MATCH),
        (format!("t={NOW},v1={}", &v1[..63]), NO_MATCH),
        (format!("t={NOW},v1={v1}0"), NO_MATCH),
        (format!("t={NOW},v1={}", "0".repeat(64)), NO_MATCH),
        (format!("t={NOW},v1={}", "0".repeat(8000)), NO_MATCH),
        (format!("t={NOW},v1= {v1}"), NO_MATCH),
        (format!("t={NOW},v1={forged}"), NO_MATCH),
        (format!("t={NOW},v1={forged},v0={v1}"), NO_MATCH),
        (format!("t={NOW},v1={other_body}"), NO_MATCH),
        (format!("t={NOW},v1={later}"), NO_MATCH),
        (format!("t={},v1={v1}", NOW + 1), NO_MATCH),
        (format!("t={NOW},v1={bare}"), NO_MATCH),
        (format!("t={NOW},v1={blank}"), NO_MATCH),
        (format!("t={NOW},v1={v1}%0a"), NO_MATCH),
        (format!("t={NOW}{many}"), NO_MATCH),
        (format!("t={NOW}{late},v1={v1}"), NO_MATCH),
        (format!("t=0,v1={v1}"), NO_MATCH),
        (header(body, &[SECRET], 0), TOO_OLD),
        (header(body, &[SECRET], 1), TOO_OLD),
        (header(body, &[SECRET], NOW - 301), TOO_OLD),
        (header(body, &[SECRET], NOW - 86_400), TOO_OLD),
        (header(body, &["whsec_x", SECRET], NOW - 301), TOO_OLD),
        (header(body, &["whsec_x"], NOW - 301), NO_MATCH),
    ]
}

/// Headers that come several times, or under other names.
pub fn repeated() -> Vec<Case> {
    let body = event();
    let body = body.as_bytes();
    let good = header(body, &[SECRET], NOW);
    let forged = header(body, &["whsec_x"], NOW);
    let make = |name: &str, headers: &[(&str, &str)], answer| {
        case(name, request("POST", "/webhook", headers, body), answer)
    };
    vec![
        make(
            "the same header twice",
            &[("stripe-signature", &good), ("stripe-signature", &good)],
            MALFORMED,
        ),
        make(
            "a forged header first",
            &[("stripe-signature", &forged), ("stripe-signature", &good)],
            MALFORMED,
        ),
        make(
            "an empty header first",
            &[("stripe-signature", ""), ("stripe-signature", "")],
            MALFORMED,
        ),
        make("no header at all", &[], MISSING),
        make("x-stripe-signature", &[("x-stripe-signature", &good)], MISSING),
        make("stripe_signature", &[("stripe_signature", &good)], MISSING),
        make("authorization", &[("authorization", &good)], MISSING),
        make("webhook-signature", &[("webhook-signature", &good)], MISSING),
        case(
            "signature in the query",
            request("POST", &format!("/webhook?stripe-signature={good}"), &[], body),
            MISSING,
        ),
    ]
}

/// What a request says of its body besides the signature, which is right: that was made of the
/// bytes as they come, and so they are read, whatever they are called.
pub fn beside() -> Vec<Case> {
    let headers = [
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "application/json; charset=utf-16"),
        ("content-type", ""),
        ("content-encoding", "gzip"),
        ("content-encoding", "br, zstd"),
    ];
    let make = |(number, (name, value)): (usize, &(&str, &str))| {
        let body = format!(
            r#"{{"id":"evt_beside_{number}","object":"event","type":"moon.rose","created":{NOW},"livemode":false,"data":{{"object":{{"id":"moon_1"}}}}}}"#
        );
        let good = header(body.as_bytes(), &[SECRET], NOW);
        let headers = [(*name, *value), ("stripe-signature", &good)];
        let bytes = request("POST", "/webhook", &headers, body.as_bytes());
        case(format!("{name}: {value}"), bytes, KEPT)
    };
    headers.iter().enumerate().map(make).collect()
}
