//! Tokens with which browsers call for their users.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{Shop, TOKEN_SECRET};

impl Shop {
    /// A token of a user's, as an app signs it.
    pub fn token_of(&self, user: &str) -> String {
        let claims = json!({ "sub": user, "exp": self.clock.now() + 60 });
        let parts = [json!({ "alg": "HS256", "typ": "JWT" }), claims];
        let signed = parts.map(|it| base64url(it.to_string().as_bytes())).join(".");
        let mut mac =
            Hmac::<Sha256>::new_from_slice(TOKEN_SECRET.as_bytes()).expect("any key will do");
        mac.update(signed.as_bytes());
        format!("{signed}.{}", base64url(&mac.finalize().into_bytes()))
    }
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> =
        bytes.iter().flat_map(|it| (0..8).rev().map(move |n| it >> n & 1)).collect();
    let letter = |six: &[u8]| {
        let value = six.iter().fold(0, |all, it| all << 1 | it) << (6 - six.len());
        char::from(LETTERS[usize::from(value)])
    };
    bits.chunks(6).map(letter).collect()
}
