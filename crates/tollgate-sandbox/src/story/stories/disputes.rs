//! Disputes, lost and won.

use super::life::Life;
use crate::story::calendar::DAY;
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::dispute::{balance_transaction, dispute};
use crate::story::people::shop;
use crate::story::teller::Teller;

/// A dispute that the bank decides for its customer.
pub(in crate::story) fn dispute_lost(teller: &mut Teller<'_>) {
    let mut case = open(teller);
    close(teller, &mut case, "lost");
}

/// A dispute that the bank decides for the shop, which gets its money back.
pub(in crate::story) fn dispute_won(teller: &mut Teller<'_>) {
    let mut case = open(teller);
    close(teller, &mut case, "won");
    let back = balance_transaction(teller, &case, true);
    case.push("balance_transactions", back);
    teller.tell("charge.dispute.funds_reinstated", &case);
}

/// A payment is disputed, its money withdrawn, and the shop sends its evidence.
fn open(teller: &mut Teller<'_>) -> Json {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(20 * DAY);
    teller.by_itself();
    let mut case = dispute(teller, &life.charge);
    teller.tell("charge.dispute.created", &case);
    let withdrawal = balance_transaction(teller, &case, false);
    case.push("balance_transactions", withdrawal);
    teller.tell("charge.dispute.funds_withdrawn", &case);
    teller.change("charge.updated", &mut life.charge, |charge| charge.set("disputed", true));
    teller.wait(3 * DAY);
    teller.by_request();
    let what = format!("A subscription to {}", shop(&teller.cast.product));
    teller.change("charge.dispute.updated", &mut case, |case| {
        case.set("evidence.product_description", what);
        case.set("evidence.uncategorized_text", "The customer used the service after the charge.");
        case.set("evidence_details.has_evidence", true);
        case.set("evidence_details.submission_count", 1);
        case.set("evidence_details.submission_method", "manual");
        case.set("status", "under_review");
    });
    case
}

fn close(teller: &mut Teller<'_>, case: &mut Json, status: &'static str) {
    teller.wait(40 * DAY);
    teller.by_itself();
    teller.change("charge.dispute.updated", case, |case| case.set("status", status));
    teller.tell("charge.dispute.closed", case);
}
