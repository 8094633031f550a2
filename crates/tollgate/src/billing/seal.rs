//! What a caller keeps for us and cannot change: sealed with a key that only the holders of Stripe's
//! key can make, so that every node opens what another closed.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// The key.
pub(crate) struct Seal([u8; 32]);

impl Seal {
    /// Makes it of Stripe's key. What is sealed for one purpose does not open for another.
    pub(crate) fn new(key: &Secret, purpose: &str) -> Self {
        let digest = Sha256::new().chain_update("tollgate seal\0").chain_update(purpose);
        Self(digest.chain_update("\0").chain_update(key.reveal()).finalize().into())
    }

    /// Seals a value.
    pub(crate) fn close(&self, value: &Value) -> String {
        let text = hex(value.to_string().as_bytes());
        let tag = hex(&self.mac(&text).finalize().into_bytes());
        format!("{text}.{tag}")
    }

    /// Opens what was sealed; `None` if anything of it was changed.
    pub(crate) fn open(&self, sealed: &str) -> Option<Value> {
        let (text, tag) = sealed.split_once('.')?;
        self.mac(text).verify_slice(&unhex(tag)?).ok()?;
        serde_json::from_slice(&unhex(text)?).ok()
    }

    /// Returns a short name of what was sealed.
    pub(crate) fn name(&self, sealed: &str) -> String {
        hex(&self.mac(sealed).finalize().into_bytes()[..16])
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        mac.chain_update(text.as_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|it| it.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_sealed_opens_as_it_was_and_only_so() {
        let seal = Seal::new(&Secret::new("sk_test_1"), "preview");
        let value = json!({ "amount_due": 1234, "user_id": "ada" });
        let sealed = seal.close(&value);
        assert_eq!(seal.open(&sealed), Some(value));
        for (key, purpose) in [("sk_test_2", "preview"), ("sk_test_1", "session")] {
            assert_eq!(Seal::new(&Secret::new(key), purpose).open(&sealed), None);
        }
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            let new = if &sealed[at..=at] == "0" { "1" } else { "0" };
            other.replace_range(at..=at, new);
            assert!(other == sealed || seal.open(&other).is_none(), "{at}");
        }
        for text in ["", ".", "00.00", "zz.zz", "0.0"] {
            assert_eq!(seal.open(text), None, "{text}");
        }
    }
}
