//! Disputes. Inquiries (`warning_…`) move no money and touch no access.

use tollgate_stripe::object::{Dispute, DisputeStatus};

use super::observation::Progress;

/// Asked, under review, decided, appealed.
pub fn progress(it: &Dispute) -> Progress {
    let stage = match it.status {
        DisputeStatus::WarningNeedsResponse
        | DisputeStatus::NeedsResponse
        | DisputeStatus::Unknown(_) => 0,
        DisputeStatus::WarningUnderReview | DisputeStatus::UnderReview => 1,
        DisputeStatus::WarningClosed
        | DisputeStatus::Won
        | DisputeStatus::Lost
        | DisputeStatus::Prevented => 2,
        DisputeStatus::AppealNeedsResponse => 3,
        DisputeStatus::AppealUnderReview => 4,
    };
    [stage, 0, 0, 0]
}

/// Whether the bank has taken the money and nobody has decided yet.
pub fn is_open(it: &Dispute) -> bool {
    matches!(
        it.status,
        DisputeStatus::NeedsResponse
            | DisputeStatus::UnderReview
            | DisputeStatus::AppealNeedsResponse
            | DisputeStatus::AppealUnderReview
    )
}

/// Whether the customer keeps the money.
pub fn is_lost(it: &Dispute) -> bool {
    it.status == DisputeStatus::Lost
}

/// Whether the dispute is decided, one way or the other.
pub fn is_closed(it: &Dispute) -> bool {
    matches!(
        it.status,
        DisputeStatus::Won
            | DisputeStatus::Lost
            | DisputeStatus::WarningClosed
            | DisputeStatus::Prevented
    )
}
