//! Checkout sessions: a completed session is a purchase only once its money is there.

use tollgate_stripe::object::{CheckoutSession, PaymentStatus, SessionMode, SessionStatus};

use super::access::{Claim, Reason};
use super::ledger::Ledger;
use super::observation::Progress;
use super::policy::Rulebook;

/// An expired session can never be completed.
pub fn is_terminal(it: &CheckoutSession) -> bool {
    it.status == SessionStatus::Expired
}

/// Open, then complete; unpaid, then paid.
pub fn progress(it: &CheckoutSession) -> Progress {
    [i64::from(it.status == SessionStatus::Complete), i64::from(is_paid(it)), 0, 0]
}

/// Whether the money is there, or none was needed. Delayed methods complete the session first
/// and pay days later (docs.stripe.com/checkout/fulfillment, November 2026).
pub fn is_paid(it: &CheckoutSession) -> bool {
    matches!(it.payment_status, PaymentStatus::Paid | PaymentStatus::NoPaymentRequired)
}

/// Whether something was bought once, and no lines say what.
pub fn is_without_lines(it: &CheckoutSession) -> bool {
    let is_bought = it.mode == SessionMode::Payment && it.status == SessionStatus::Complete;
    is_bought && it.prices.is_empty()
}

/// Whether Stripe has to be asked what was bought: events come without a session's lines, and no
/// name tells the plan.
pub fn is_of_unknown_goods(it: &CheckoutSession, rulebook: &Rulebook) -> bool {
    let named = it.metadata.plan.as_deref().and_then(|it| rulebook.plan(it));
    is_without_lines(it) && rulebook.sells_once() && named.is_none()
}

/// Returns what a one-time purchase claims; sessions of other modes claim nothing themselves.
pub fn claim(
    it: &CheckoutSession,
    ledger: &Ledger<'_>,
    rulebook: &Rulebook,
    now: i64,
) -> Option<Claim> {
    if it.mode != SessionMode::Payment || it.status != SessionStatus::Complete {
        return None;
    }
    let mut claim = Claim::new(it.id.as_str(), it.customer.as_ref(), it.created);
    claim.status = Some(it.payment_status.as_str().to_owned());
    let named = it.metadata.plan.as_deref();
    let Some(plan) = rulebook.plan_of_purchase(it.price_names(), named) else {
        return Some(claim.denied(Reason::UnknownPrice));
    };
    claim.buys(plan);
    if !is_paid(it) {
        return Some(claim.denied(Reason::PaymentPending));
    }
    claim.grant(Reason::Purchased);
    ledger.reverse_purchase(it, &rulebook.policy, now, &mut claim);
    Some(claim)
}
