//! Any header over any body is judged without a panic, and never found good unless it is signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_stripe::signature::{TOLERANCE_SECS, header, verify};

const SECRETS: [&str; 2] = ["whsec_first", "whsec_second"];

fuzz_target!(|input: (&str, &[u8], i64)| {
    let (text, body, now) = input;
    if let Ok(verified) = verify(body, Some(text), &SECRETS, now, TOLERANCE_SECS) {
        let made = header(
            body,
            &SECRETS[verified.secret_index..=verified.secret_index],
            verified.timestamp,
        );
        let (_, v1) = made.split_once(",v1=").expect("a made header has a signature");
        assert!(text.contains(v1), "accepted without the right signature");
    }
    let made = header(body, &SECRETS, now.clamp(0, 999_999_999_999));
    assert!(verify(body, Some(&made), &SECRETS, 0, TOLERANCE_SECS).is_ok());
});
