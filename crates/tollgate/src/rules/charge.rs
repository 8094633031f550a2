//! Charges and refunds.

use tollgate_stripe::object::{Charge, ChargeStatus, Refund, RefundStatus};

use super::observation::Progress;

/// Pending, then decided; refunds and disputes follow.
pub fn progress(it: &Charge) -> Progress {
    let decided = matches!(it.status, ChargeStatus::Succeeded | ChargeStatus::Failed);
    [
        i64::from(decided),
        it.amount_captured.unwrap_or(0),
        it.amount_refunded,
        i64::from(it.disputed),
    ]
}

/// Pending, then succeeded; a succeeded refund may still fail at the bank.
pub fn refund_progress(it: &Refund) -> Progress {
    let status = match it.status {
        RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Unknown(_) => 0,
        RefundStatus::Succeeded => 1,
        RefundStatus::Failed | RefundStatus::Canceled => 2,
    };
    [status, 0, 0, 0]
}

/// Whether this refund gives money back, now or soon.
pub fn gives_back(it: &Refund) -> bool {
    !matches!(it.status, RefundStatus::Failed | RefundStatus::Canceled)
}

/// Whether money went back, or the bank disputes the charge.
pub fn is_reversed(it: &Charge) -> bool {
    it.refunded || it.amount_refunded > 0 || it.disputed
}
