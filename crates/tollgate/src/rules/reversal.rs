//! Money that went back by refunds and disputes, and what the policy makes of it.

use super::access::{Claim, Reason};
use super::policy::{Policy, Rule};

/// Since when what went back of something that was paid for, Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// A dispute was lost: the customer keeps the money.
    pub lost: Option<i64>,
    /// All of it was refunded.
    pub whole: Option<i64>,
    /// A dispute is open.
    pub open: Option<i64>,
    /// Not all of it was refunded.
    pub part: Option<i64>,
}

impl Returned {
    /// Applies what the policy says of it; the worst wins.
    pub fn judge(&self, policy: &Policy, now: i64, claim: &mut Claim) {
        let found = [
            (self.lost, policy.dispute_lost, Reason::DisputeLost),
            (self.whole, policy.full_refund, Reason::FullRefund),
            (self.open, policy.dispute_open, Reason::DisputeOpen),
            (self.part, policy.partial_refund, Reason::PartialRefund),
        ];
        for (since, rule, reason) in found {
            // What a graver reversal took, a milder one does not give back.
            if !claim.granted {
                return;
            }
            match (since, rule) {
                (Some(_), Rule::Revoke) => claim.deny(reason),
                (Some(since), Rule::Grace(secs)) => {
                    claim.grant_until(reason, since.saturating_add(secs), now, reason);
                }
                (Some(_), Rule::Keep) | (None, _) => {}
            }
        }
    }
}

/// What was paid with one invoice, and what went back of it. Amounts are in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What was paid.
    pub paid: i64,
    /// What was refunded of it.
    pub back: i64,
    /// It was paid for something added within the period.
    pub is_more: bool,
    /// Since when a dispute is lost, Unix seconds.
    pub lost: Option<i64>,
    /// Since when one is open.
    pub open: Option<i64>,
    /// When money was refunded last.
    pub refunded: Option<i64>,
}

/// Returns what went back of a period that was paid for by all of these. It is given back whole
/// with all that was paid, or with the renewal alone where that was no less than all the rest: a
/// seat that is left does not keep the period, nor does an upgrade go with the little before it.
pub fn of_period(shares: &[Share]) -> Returned {
    let paid: i64 = shares.iter().map(|it| it.paid).sum();
    let back: i64 = shares.iter().map(|it| it.back.min(it.paid)).sum();
    let renewal = shares.iter().filter(|it| !it.is_more).max_by_key(|it| it.paid);
    let renewal_is_back =
        renewal.is_some_and(|it| it.back >= it.paid && it.paid >= paid.saturating_sub(it.paid));
    let is_whole = back >= paid || renewal_is_back;
    let refunded = shares.iter().filter_map(|it| it.refunded).max();
    Returned {
        lost: shares.iter().filter_map(|it| it.lost).min(),
        whole: refunded.filter(|_| is_whole),
        open: shares.iter().filter_map(|it| it.open).min(),
        part: refunded.filter(|_| !is_whole),
    }
}
