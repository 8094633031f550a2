//! Which invoices belong together: what was paid for a subscription's present period, and since
//! when, without a break, nothing was paid. An invoice may stay open for ever while later ones are
//! paid, and those that are paid are not read for nothing; so what is owed has to tell it alone.

use tollgate_stripe::object::{Invoice, Subscription, SubscriptionStatus};

use super::invoice;

/// An invoice may be made so much before the period that it pays for is said to begin.
const SLACK_SECS: i64 = 3_600;

/// Returns those of the subscription's paid invoices that paid for its present period; where none
/// did so far, the last renewal and what was added to it.
pub fn paid_for<'a>(it: &Subscription, mut paid: Vec<&'a Invoice>) -> Vec<&'a Invoice> {
    paid.sort_by_key(|it| (it.created, &it.id));
    let begins = it.current_period_start.map(|it| it.saturating_sub(SLACK_SECS));
    let is_present = |it: &&Invoice| begins.is_some() && it.created >= begins;
    let first = paid.iter().position(is_present);
    let first = first.or_else(|| paid.iter().rposition(|it| !invoice::is_more(it)));
    paid.split_off(first.unwrap_or(paid.len().saturating_sub(1)))
}

/// Returns since when the subscription's money is missing, Unix seconds: the first of the invoices
/// that are owed and follow each other up to the present period, else the start of that, which is
/// when a renewal was due.
pub fn unpaid_since(it: &Subscription, mut owed: Vec<&Invoice>) -> i64 {
    owed.sort_by_key(|it| (it.created, &it.id));
    let newest = owed.last().and_then(|it| it.created);
    let mut earliest = newest.and_then(|newest| first_edge(it, newest));
    let mut since = None;
    for invoice in owed.into_iter().rev() {
        if earliest.is_some_and(|earliest| invoice.created.is_some_and(|it| it < earliest)) {
            break;
        }
        since = [since, invoice::missing_since(invoice)].into_iter().flatten().min();
        earliest = [earliest, edge_before(it, invoice)].into_iter().flatten().min();
    }
    since.or(it.current_period_start).or(it.created).unwrap_or(0)
}

/// The earliest time of an invoice that tells since when the money of the present period is
/// missing, or of the one before where that of the present one is not tried yet.
fn first_edge(it: &Subscription, newest: i64) -> Option<i64> {
    let begins = it.current_period_start?.saturating_sub(SLACK_SECS);
    match it.status {
        _ if newest >= begins => Some(begins),
        // Stripe gave up on the newest one; since then it only drafts them.
        SubscriptionStatus::Unpaid => Some(newest),
        _ => Some(begins.saturating_sub(one_and_a_half(it)?)),
    }
}

/// The earliest time of the invoice of the period before, where this one is a renewal's.
fn edge_before(it: &Subscription, invoice: &Invoice) -> Option<i64> {
    if invoice::is_more(invoice) {
        return None;
    }
    let before = invoice.period_start.filter(|start| Some(*start) < invoice.created);
    let before = before.map(|it| it.saturating_sub(SLACK_SECS));
    before.or_else(|| Some(invoice.created?.saturating_sub(one_and_a_half(it)?)))
}

/// A period and a half: periods are not all of one length, but never is one as long as two.
fn one_and_a_half(it: &Subscription) -> Option<i64> {
    let length = it.current_period_end?.saturating_sub(it.current_period_start?);
    Some(length.saturating_add(length / 2))
}
