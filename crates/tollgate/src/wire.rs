//! What a caller reads, wherever they read it: the answer about a user's access, and times. The
//! routes and the notifications write it here, so that it is the same in both.

use serde::{Serialize, Serializer};
use tollgate_stripe::id::CustomerId;

use crate::rules::access::{Access, Claim, Reason};
use crate::rules::dunning::{Dunning, Level};

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
    dunning: Option<Missing>,
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
            dunning: access.dunning.iter().find(|it| it.decides).map(Missing::new),
            revision,
            as_of: rfc3339(now),
        }
    }
}

/// Money of a subscription that is missing, as callers see it. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    subscription_id: String,
    invoice_id: String,
    since: String,
    attempts: i64,
    next_attempt: Option<String>,
    level: Level,
    access_until: Option<String>,
}

impl Missing {
    /// Writes how it stands.
    pub fn new(it: &Dunning) -> Self {
        Self {
            subscription_id: it.subscription_id.clone(),
            invoice_id: it.invoice_id.clone(),
            since: rfc3339(it.since),
            attempts: it.attempts,
            next_attempt: it.next_attempt.map(rfc3339),
            level: it.level,
            access_until: it.access_until.map(rfc3339),
        }
    }
}

/// What one subscription or purchase claims, as callers see it. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claimed<'a> {
    source: &'a str,
    customer_id: Option<&'a str>,
    plan: Option<&'a str>,
    granted: bool,
    reason: Reason,
    status: Option<&'a str>,
    until: Option<String>,
    grace_until: Option<String>,
    cancel_at: Option<String>,
    paid_through: Option<String>,
    unpaid_since: Option<String>,
}

impl<'a> Claimed<'a> {
    /// Writes a claim.
    pub fn new(it: &'a Claim) -> Self {
        Self {
            source: &it.source,
            customer_id: it.customer_id.as_ref().map(CustomerId::as_str),
            plan: it.plan.as_deref(),
            granted: it.granted,
            reason: it.reason,
            status: it.status.as_deref(),
            until: it.until.map(rfc3339),
            grace_until: it.grace_until.map(rfc3339),
            cancel_at: it.cancel_at.map(rfc3339),
            paid_through: it.paid_through.map(rfc3339),
            unpaid_since: it.unpaid_since.map(rfc3339),
        }
    }
}

/// Money that is missing, and whether what the user may use depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owed {
    #[serde(flatten)]
    missing: Missing,
    decides: bool,
}

impl Owed {
    /// Writes how it stands.
    pub fn new(it: &Dunning) -> Self {
        Self { missing: Missing::new(it), decides: it.decides }
    }
}

/// Writes a field of Unix seconds as [`rfc3339`], for `serde(serialize_with)`.
///
/// # Errors
/// As the format says.
pub fn moment<S: Serializer>(at: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*at))
}

/// Writes Unix milliseconds as RFC 3339; a time beyond the calendar as the number it is.
pub fn rfc3339_ms(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |it| it.to_string())
}

/// Writes Unix seconds as RFC 3339; a time beyond the calendar as the number it is.
pub fn rfc3339(at: i64) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| at.to_string(), |it| it.to_string())
}
