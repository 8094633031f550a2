//! What the rules say of a few objects, without events: the access of the only customer.

use serde_json::Value;
use tollgate::rules::access::{Access, Reason, access, claims};
use tollgate::rules::ledger::Ledger;
use tollgate::rules::policy::{Policy, Rulebook};
use tollgate_stripe::object::Object;

use super::objects::{CUSTOMER, rulebook};
use super::{DAY, START};

/// Somewhere within the first period.
pub const NOW: i64 = START + 2 * DAY;

pub fn at(objects: &[Value], rulebook: &Rulebook, now: i64) -> Access {
    let objects: Vec<Object> = objects
        .iter()
        .map(|it| Object::parse_stored(&it.to_string()).expect("it names its kind"))
        .collect();
    let ledger = Ledger::new(objects.iter());
    access(&ledger, &claims(&ledger, rulebook, now), Some(CUSTOMER))
}

pub fn now(objects: &[Value]) -> Access {
    at(objects, &rulebook(), NOW)
}

pub fn under(policy: Policy) -> Rulebook {
    Rulebook { policy, ..rulebook() }
}

pub fn verdict(it: &Access) -> (bool, &str, Reason) {
    (it.granted, it.plan.as_str(), it.reason)
}
