//! The names under which facts are told outside: the types of notifications. A fact without one
//! is ours alone.

use super::effects::EffectKind;

/// Every type there is, sorted.
pub const TYPES: &[&str] = &[
    "access.changed",
    "access.granted",
    "access.revoked",
    "card.expiring",
    "card.removed",
    "customer.linked",
    "dispute.closed",
    "dispute.opened",
    "order.failed",
    "order.paid",
    "payment.action_required",
    "payment.failed",
    "payment.recovered",
    "payment.succeeded",
    "refund.created",
    "subscription.cancellation_scheduled",
    "subscription.cancellation_withdrawn",
    "subscription.doubled",
    "subscription.ended",
    "subscription.plan_changed",
    "subscription.renewal_upcoming",
    "subscription.started",
    "subscription.trial_ending",
];

/// Returns the type under which a fact is told outside; `None` if nobody outside hears of it.
pub fn type_of(kind: EffectKind) -> Option<&'static str> {
    Some(match kind {
        EffectKind::AccessGranted => "access.granted",
        EffectKind::AccessRevoked => "access.revoked",
        EffectKind::AccessChanged => "access.changed",
        EffectKind::PaymentFailed => "payment.failed",
        EffectKind::PaymentRecovered => "payment.recovered",
        EffectKind::PaymentActionRequired => "payment.action_required",
        EffectKind::InvoicePaid => "payment.succeeded",
        EffectKind::SubscriptionStarted => "subscription.started",
        EffectKind::SubscriptionEnded => "subscription.ended",
        EffectKind::CancellationScheduled => "subscription.cancellation_scheduled",
        EffectKind::CancellationWithdrawn => "subscription.cancellation_withdrawn",
        EffectKind::PlanChanged => "subscription.plan_changed",
        EffectKind::TrialEnding => "subscription.trial_ending",
        EffectKind::RenewalUpcoming => "subscription.renewal_upcoming",
        EffectKind::OrderPaid => "order.paid",
        EffectKind::OrderFailed => "order.failed",
        EffectKind::PaymentRefunded => "refund.created",
        EffectKind::DisputeOpened => "dispute.opened",
        EffectKind::DisputeClosed => "dispute.closed",
        EffectKind::PaymentMethodDetached => "card.removed",
        EffectKind::DoubleSubscription => "subscription.doubled",
        EffectKind::CardExpiring => "card.expiring",
        EffectKind::CustomerLinked => "customer.linked",
        EffectKind::EventFailed | EffectKind::Silence | EffectKind::Refresh => return None,
    })
}

/// Returns whether a pattern names a type: segment by segment, where `*` is any one segment and,
/// at the end, all that remain.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut segments) = (pattern.split('.').peekable(), name.split('.'));
    while let Some(pattern) = patterns.next() {
        let Some(segment) = segments.next() else { return false };
        match (pattern, patterns.peek()) {
            ("*", None) => return true,
            ("*", _) => {}
            _ if pattern == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}
