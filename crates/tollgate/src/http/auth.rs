//! Who a caller is: the app, by one of its keys, or one of its users, by a short-lived token that
//! the app signed (a JWT with HS256, `sub` and `exp`). Keys are compared in constant time.

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::error::Error;
use crate::config::{Config, Secret};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The app.
    App,
    /// One of its users, until the token's end.
    User {
        /// The user's id.
        user_id: String,
        /// Unix seconds at which the token ends.
        until: i64,
    },
}

/// What callers prove themselves with.
pub struct Keys {
    api_keys: Vec<Secret>,
    token_secret: Option<Secret>,
}

impl Keys {
    /// Takes the keys that are configured.
    pub fn new(config: &Config) -> Self {
        Self { api_keys: config.api_keys.clone(), token_secret: config.user_token_secret.clone() }
    }

    /// Says who calls. `now` is in Unix seconds.
    ///
    /// # Errors
    /// No key is configured, or the caller has none of them.
    pub fn caller(&self, headers: &HeaderMap, now: i64) -> Result<Caller, Error> {
        if self.api_keys.is_empty() {
            let message = "Set TOLLGATE_API_KEY to open the routes for the app.";
            return Err(Error::NotConfigured(message));
        }
        let token = bearer(headers).ok_or(Error::Unauthorized(
            "Send the header Authorization: Bearer with one of the keys of TOLLGATE_API_KEY.",
        ))?;
        if self.is_api_key(token) {
            return Ok(Caller::App);
        }
        let user = self.token_secret.as_ref().and_then(|it| user(token, it.reveal(), now));
        user.ok_or(Error::Unauthorized("The bearer token is not known, or it has ended."))
    }

    /// Says whose token this is; `None` if it is none, or has ended.
    pub fn user_of(&self, token: &str, now: i64) -> Option<String> {
        let secret = self.token_secret.as_ref()?;
        match user(token, secret.reveal(), now)? {
            Caller::User { user_id, .. } => Some(user_id),
            Caller::App => None,
        }
    }

    /// Looks at every key, so that the time does not tell which one is near.
    pub fn is_api_key(&self, token: &str) -> bool {
        let token = Sha256::digest(token.as_bytes());
        let matches = self.api_keys.iter().map(|key| {
            let key = Sha256::digest(key.reveal().as_bytes());
            key.as_slice().ct_eq(token.as_slice())
        });
        matches.fold(Choice::from(0), |all, it| all | it).into()
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

/// Reads a user's token. The algorithm is ours to say, never the token's.
#[expect(clippy::cast_precision_loss, reason = "seconds stay exact for 285 million years")]
#[expect(clippy::cast_possible_truncation, reason = "the fraction of a second does not matter")]
fn user(token: &str, secret: &str, now: i64) -> Option<Caller> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    mac.verify_slice(&base64url(signature)?).ok()?;
    let head: Head = serde_json::from_slice(&base64url(head)?).ok()?;
    let claims: Claims = serde_json::from_slice(&base64url(claims)?).ok()?;
    let starts = claims.nbf.is_none_or(|it| it <= now as f64);
    let current = starts && claims.exp > now as f64;
    let plain = head.alg == "HS256" && head.crit.is_none();
    let user = Caller::User { user_id: claims.sub, until: claims.exp as i64 };
    (plain && current).then_some(user)
}

/// Reads base64 as tokens write it: `-` and `_`, without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for it in text.bytes() {
        let six = match it {
            b'A'..=b'Z' => it - b'A',
            b'a'..=b'z' => it - b'a' + 26,
            b'0'..=b'9' => it - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    // What is left over must be nothing: one text for one value.
    (bits < 6 && held & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_reads_one_way_only() {
        assert_eq!(base64url("aGVsbG8"), Some(b"hello".to_vec()));
        assert_eq!(base64url("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(base64url(""), Some(Vec::new()));
        for text in ["a", "aGVsbG9", "aGVsbG8=", "aG Vs", "+/8"] {
            assert_eq!(base64url(text), None, "{text}");
        }
    }
}
