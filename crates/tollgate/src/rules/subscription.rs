//! Subscriptions: when they are final, how they progress, what they claim.

use tollgate_stripe::object::{Subscription, SubscriptionStatus};

use super::access::{Claim, Reason};
use super::ledger::Ledger;
use super::observation::Progress;
use super::period;
use super::policy::{Policy, Rule, Rulebook};

/// How long a trial that is over counts while Stripe has not told what followed. Stripe changes
/// the status at once, but its event may be late; a paying customer must not be locked out for it.
pub const TRIAL_SETTLE_SECS: i64 = 86_400;

/// `canceled` and `incomplete_expired` are never left
/// (docs.stripe.com/billing/subscriptions/overview, November 2026).
pub fn is_terminal(it: &Subscription) -> bool {
    matches!(it.status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
}

/// Whether money is to come again: an attempt that was never paid is none.
pub fn goes_on(it: &Subscription) -> bool {
    matches!(
        it.status,
        SubscriptionStatus::Active
            | SubscriptionStatus::Trialing
            | SubscriptionStatus::PastDue
            | SubscriptionStatus::Paused
            | SubscriptionStatus::Unpaid
    )
}

/// A subscription is `incomplete` only at its beginning.
pub fn progress(it: &Subscription) -> Progress {
    [i64::from(it.status != SubscriptionStatus::Incomplete), 0, 0, 0]
}

/// Returns what a subscription claims at `now`.
pub fn claim(it: &Subscription, ledger: &Ledger<'_>, rulebook: &Rulebook, now: i64) -> Claim {
    let mut claim = Claim::new(it.id.as_str(), it.customer.as_ref(), it.created);
    claim.status = Some(it.status.as_str().to_owned());
    claim.paid_through = it.current_period_end;
    if ledger.is_deleted(it.customer.as_ref()) && !is_terminal(it) {
        return claim.denied(Reason::CustomerDeleted);
    }
    let Some(plan) = rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref()) else {
        return claim.denied(Reason::UnknownPrice);
    };
    claim.buys(plan);
    by_status(it, ledger, &rulebook.policy, now, &mut claim);
    if claim.granted {
        end_as_scheduled(it, now, &mut claim);
    }
    if claim.granted {
        ledger.reverse_subscription(it, &rulebook.policy, now, &mut claim);
    }
    claim
}

fn by_status(it: &Subscription, ledger: &Ledger<'_>, policy: &Policy, now: i64, claim: &mut Claim) {
    let reason = Reason::of_status(&it.status);
    match (policy.rule(&it.status), &it.status) {
        (Rule::Keep, SubscriptionStatus::Trialing) => trial(it, now, claim),
        (Rule::Keep, _) => claim.grant(reason),
        (Rule::Revoke, _) => claim.deny(reason),
        (Rule::Grace(secs), _) => {
            let since = period::unpaid_since(it, ledger.owed(it).collect());
            claim.grant_until(Reason::Grace, since.saturating_add(secs), now, Reason::GraceOver);
            claim.unpaid_since = Some(since);
        }
    }
}

fn trial(it: &Subscription, now: i64, claim: &mut Claim) {
    match it.trial_end {
        Some(end) if now >= end => {
            let settle = end.saturating_add(TRIAL_SETTLE_SECS);
            claim.grant_until(Reason::TrialOver, settle, now, Reason::TrialOver);
            claim.grace_until = None;
        }
        end => {
            claim.grant(Reason::Trialing);
            claim.changes_at(end);
        }
    }
}

/// A cancellation that is due ends access at its time, also where Stripe's event is late.
fn end_as_scheduled(it: &Subscription, now: i64, claim: &mut Claim) {
    let Some(end) = it.ends_at() else { return };
    claim.cancel_at = Some(end);
    claim.until = Some(claim.until.map_or(end, |until| until.min(end)));
    if now < end {
        claim.changes_at(Some(end));
    } else {
        claim.deny(Reason::Ended);
    }
}
