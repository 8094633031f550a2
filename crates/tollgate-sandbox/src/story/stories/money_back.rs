//! Refunds: whole, in part, and one that the bank cannot deliver.

use super::life::Life;
use super::orders::paid_order;
use crate::story::calendar::DAY;
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::refund::refund;
use crate::story::teller::Teller;

/// A subscription's payment is refunded whole.
pub(in crate::story) fn refund_full(teller: &mut Teller<'_>) {
    let mut charge = subscribed(teller);
    give_back(teller, &mut charge, |amount| amount);
}

/// A quarter of a subscription's payment is refunded.
pub(in crate::story) fn refund_partial(teller: &mut Teller<'_>) {
    let mut charge = subscribed(teller);
    give_back(teller, &mut charge, |amount| amount / 4);
}

/// A one-time purchase is refunded whole.
pub(in crate::story) fn order_refund_full(teller: &mut Teller<'_>) {
    let mut charge = ordered(teller);
    give_back(teller, &mut charge, |amount| amount);
}

/// Part of a one-time purchase is refunded.
pub(in crate::story) fn order_refund_partial(teller: &mut Teller<'_>) {
    let mut charge = ordered(teller);
    give_back(teller, &mut charge, |amount| amount / 4);
}

/// A refund that the bank sends back: the money stays with the shop.
pub(in crate::story) fn refund_failed(teller: &mut Teller<'_>) {
    let mut charge = subscribed(teller);
    let mut refund = give_back(teller, &mut charge, |amount| amount);
    teller.wait(5 * DAY);
    teller.by_itself();
    let balance = teller.id("txn_1");
    let before = refund.clone();
    refund.set("failure_balance_transaction", balance);
    refund.set("failure_reason", "lost_or_stolen_card");
    refund.set("status", "failed");
    teller.tell_change("refund.updated", &before, &refund);
    teller.tell("refund.failed", &refund);
    teller.tell_change("charge.refund.updated", &before, &refund);
    teller.change("charge.updated", &mut charge, |charge| {
        charge.set("amount_refunded", 0);
        charge.set("refunded", false);
    });
}

fn subscribed(teller: &mut Teller<'_>) -> Json {
    let life = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(4 * DAY);
    life.charge
}

fn ordered(teller: &mut Teller<'_>) -> Json {
    let order = paid_order(teller);
    teller.wait(4 * DAY);
    order.charge
}

/// Refunds what `part` takes of the amount; the bank's reference follows a few seconds later.
fn give_back(teller: &mut Teller<'_>, charge: &mut Json, part: fn(i64) -> i64) -> Json {
    let amount = part(charge.int("amount"));
    teller.by_request();
    let mut refund = refund(teller, charge, amount);
    let before = charge.clone();
    charge.set("amount_refunded", amount);
    charge.set("refunded", amount == charge.int("amount"));
    charge.push("refunds.data", refund.clone());
    teller.tell("refund.created", &refund);
    teller.tell_change("charge.refunded", &before, charge);
    let receipt = format!("{}-{}", teller.ids.dice().decimals(4), teller.ids.dice().decimals(4));
    teller.change("charge.updated", charge, |charge| charge.set("receipt_number", receipt));
    teller.wait(3);
    teller.by_itself();
    let reference = teller.ids.dice().decimals(23);
    let before = refund.clone();
    refund.set("destination_details.card.reference", reference);
    refund.set("destination_details.card.reference_status", "available");
    teller.tell_change("refund.updated", &before, &refund);
    teller.tell_change("charge.refund.updated", &before, &refund);
    refund
}
