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

/// Whether it was made for something added within a period, rather than for the period.
pub fn is_more(it: &Invoice) -> bool {
    let made_within = [
        "subscription_update",
        "subscription_threshold",
        "automatic_pending_invoice_item_invoice",
        "manual",
    ];
    it.billing_reason.as_deref().is_some_and(|it| made_within.contains(&it))
}

/// Whether the customer was charged and the money has not come.
pub fn is_overdue(it: &Invoice) -> bool {
    it.status == InvoiceStatus::Open && (it.attempted || it.attempt_count > 0)
}

/// Whether the customer is asked to pay it, rather than charged.
pub fn is_sent(it: &Invoice) -> bool {
    it.collection_method.as_deref() == Some("send_invoice")
}

/// Whether the money was asked for, one way or the other, and has not come.
pub fn is_owed(it: &Invoice) -> bool {
    is_overdue(it) || (it.status == InvoiceStatus::Open && is_sent(it))
}

/// Returns since when the money of an invoice that is owed is missing, in Unix seconds: of one that
/// is sent, from when it had to be paid.
pub fn missing_since(it: &Invoice) -> Option<i64> {
    let asked = it.finalized_at.or(it.created);
    if is_sent(it) { it.due_date.or(asked) } else { asked }
}
