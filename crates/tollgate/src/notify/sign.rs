//! The signature after Standard Webhooks 1.0: HMAC-SHA256 of id, time and body, one for each key,
//! so that a receiver verifies with the old key or the new one while they are exchanged.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::notify::SigningKey;

/// Returns the value of `webhook-signature`: `v1,…` for each key, in their order.
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn signature(keys: &[SigningKey], id: &str, timestamp: i64, body: &str) -> String {
    let one = |key: &SigningKey| {
        let mac =
            Hmac::<Sha256>::new_from_slice(key.reveal()).expect("a key of any length will do");
        let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the standard's own libraries test with.
    #[test]
    fn the_documented_example_has_the_documented_signature() {
        let key = SigningKey::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("it is a key");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}");
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(std::slice::from_ref(&key), id, 1_614_265_330, body), expected);
        let twice = signature(&[key.clone(), key], id, 1_614_265_330, body);
        assert_eq!(twice, format!("{expected} {expected}"));
    }
}
