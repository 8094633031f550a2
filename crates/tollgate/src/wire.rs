//! What a caller reads, wherever they read it: the answer about a user's access, and times. The
//! routes and the notifications write it here, so that it is the same in both.

use serde::Serialize;

use crate::rules::access::Access;

/// The answer about a user's access, as callers see it. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    user_id: String,
    customer_id: Option<String>,
    granted: bool,
    plan: String,
    features: Vec<String>,
    status: Option<String>,
    reason: &'static str,
    until: Option<String>,
    grace_until: Option<String>,
    cancel_at: Option<String>,
    revision: i64,
    as_of: String,
}

impl Answer {
    /// Writes a user's access of that revision as it is at `now` (Unix seconds).
    pub fn new(user_id: String, access: Access, revision: i64, now: i64) -> Self {
        Self {
            user_id,
            customer_id: access.customer_id,
            granted: access.granted,
            plan: access.plan,
            features: access.features,
            status: access.status,
            reason: access.reason.as_str(),
            until: access.until.map(rfc3339),
            grace_until: access.grace_until.map(rfc3339),
            cancel_at: access.cancel_at.map(rfc3339),
            revision,
            as_of: rfc3339(now),
        }
    }
}

/// Writes Unix seconds as RFC 3339; a time beyond the calendar as the number it is.
pub fn rfc3339(at: i64) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| at.to_string(), |it| it.to_string())
}
