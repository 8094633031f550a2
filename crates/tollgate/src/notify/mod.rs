//! What the app is told: one fact, the user's access after it, and what caused it, as JSON; and
//! its signature after Standard Webhooks. Pure.
//!
//! - this file: the notification;
//! - [`details`]: what each type says beside the access;
//! - [`sign`]: the signature.

mod details;
mod sign;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::rules::effects::Effect;
use crate::rules::known::Known;
pub use crate::rules::notice::{TYPES, type_of};
use crate::wire::{Answer, rfc3339};
pub use sign::signature;

/// The type of the notification that `tollgate notify test` sends.
pub const TEST: &str = "tollgate.test";
/// Bytes of an id's hash.
const ID_BYTES: usize = 16;

/// A fact as the app is told it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notification {
    /// The same for a fact however often and to whomever it is told.
    pub id: String,
    /// What kind of fact, such as `access.granted`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it was learned of, RFC 3339.
    pub timestamp: String,
    /// All about it.
    pub data: Content,
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Content {
    /// The app's id of the user, if any is known.
    pub user_id: Option<String>,
    /// Stripe's id of who pays.
    pub customer_id: Option<String>,
    /// As `GET /access/{user_id}` answers it now; absent without a user.
    pub access: Option<Answer>,
    /// The revision of that access: what has a lower one than was seen before is stale.
    pub revision: i64,
    /// Stripe's id of the event that told the fact; absent where time or the app did.
    pub cause: Option<String>,
    /// What the fact is about.
    pub object: Option<Subject>,
    /// What this type says beside it.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// Stripe's word for what it is, or `user`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl Notification {
    /// Writes a fact with what is `known` around it at `now` (Unix seconds); `cause` is the event
    /// that told it. `None` if nobody outside hears of such facts.
    pub fn of(effect: &Effect, known: &Known, cause: Option<&str>, now: i64) -> Option<Self> {
        let kind = type_of(effect.kind)?;
        let user = known.user_id.clone();
        let access = user.clone().zip(known.access.clone());
        let answer = access.map(|(user, it)| Answer::new(user, it, known.revision, now));
        Some(Self {
            id: id_of(&effect.key()),
            kind,
            timestamp: rfc3339(now),
            data: Content {
                user_id: user,
                customer_id: details::customer_of(known),
                access: answer,
                revision: known.revision,
                cause: cause.map(str::to_owned),
                object: Some(details::subject_of(effect, known)),
                details: details::of(effect, known),
            },
        })
    }

    /// Dates it: when the fact was learned of, where that is not now.
    #[must_use]
    pub fn learned_at(self, at: i64) -> Self {
        Self { timestamp: rfc3339(at), ..self }
    }

    /// Writes a notification that tells nothing, to see whether it arrives.
    pub fn test(now: i64) -> Self {
        let content = Content {
            user_id: None,
            customer_id: None,
            access: None,
            revision: 0,
            cause: None,
            object: None,
            details: Map::new(),
        };
        let id = id_of(&format!("{TEST}:{now}"));
        Self { id, kind: TEST, timestamp: rfc3339(now), data: content }
    }

    /// Returns the body that is signed and sent.
    ///
    /// # Panics
    /// Never: nothing in it fails to be JSON.
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and maps with text keys are JSON")
    }
}

/// Names a fact: from its key alone, so that every attempt, node and destination has the same.
pub fn id_of(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().take(ID_BYTES).map(|it| format!("{it:02x}")).collect();
    format!("msg_{hex}")
}
