//! Invoices and the payments of invoices.

use tollgate_stripe::object::{Invoice, InvoicePayment, InvoiceStatus};

use super::observation::Progress;

/// Paid, void and deleted invoices never reopen
/// (docs.stripe.com/invoicing/overview#workflow-overview, November 2026).
pub fn is_terminal(it: &Invoice) -> bool {
    it.deleted || matches!(it.status, InvoiceStatus::Paid | InvoiceStatus::Void)
}

/// Draft, open, uncollectible, final; attempts and money only grow.
pub fn progress(it: &Invoice) -> Progress {
    let status = match it.status {
        InvoiceStatus::Draft | InvoiceStatus::Unknown(_) => 0,
        InvoiceStatus::Open => 1,
        InvoiceStatus::Uncollectible => 2,
        InvoiceStatus::Paid | InvoiceStatus::Void => 3,
    };
    [status, it.attempt_count, it.amount_paid.unwrap_or(0), i64::from(it.attempted)]
}

/// Open, then canceled or paid.
pub fn payment_progress(it: &InvoicePayment) -> Progress {
    let status = match it.status.as_deref() {
        Some("paid") => 2,
        Some("canceled") => 1,
        _ => 0,
    };
    [status, it.amount_paid.unwrap_or(0), 0, 0]
}

/// Whether money was asked for and has not come.
pub fn is_overdue(it: &Invoice) -> bool {
    it.status == InvoiceStatus::Open && (it.attempted || it.attempt_count > 0)
}
