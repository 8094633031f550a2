//! Plan changes: now with a proration, at the end of the period, and those that wait for a payment.

use super::life::Life;
use crate::story::calendar::{DAY, HOUR};
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::invoice::{LineTerms, invoice};
use crate::story::objects::subscription::{period_end, set_price};
use crate::story::teller::Teller;

/// Twelve days in, the customer changes to the dearer price and pays the difference at once.
pub(in crate::story) fn upgrade(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    let dearer = Tariff::dearer(teller.cast);
    teller.wait(12 * DAY);
    teller.by_request();
    let draft = difference(teller, &life, &dearer);
    let id = draft.id();
    life.update(teller, |subscription| {
        set_price(subscription, &dearer);
        subscription.set("latest_invoice", id);
    });
    life.tariff = dearer;
    life.open(teller, draft);
    life.pay(teller);
}

/// The draft that credits what is left of the old price and bills what is left of the new one.
fn difference(teller: &mut Teller<'_>, life: &Life, dearer: &Tariff) -> Json {
    let end = period_end(&life.subscription);
    let start = life.subscription.int("items.data.0.current_period_start");
    let left = |amount: i64| amount * (end - teller.now) / (end - start);
    let (credit, debit) = (-left(life.tariff.amount), left(dearer.amount));
    let line = life.invoice.text("lines.data.0.id").to_owned();
    let credits = Some((life.invoice.text("id").to_owned(), line));
    let terms = [
        LineTerms::rest(&life.tariff, credit, teller.now, end, credits),
        LineTerms::rest(dearer, debit, teller.now, end, None),
    ];
    let mut draft = invoice(teller, &life.subscription, "subscription_update", &terms);
    draft.set("parent.subscription_details.subscription_proration_date", teller.now);
    draft
}

/// A schedule waits for the end of the period and then changes to the cheaper price.
pub(in crate::story) fn downgrade_at_period_end(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::dearer(teller.cast));
    let cheaper = Tariff::of(teller.cast);
    teller.wait(9 * DAY);
    teller.by_request();
    let schedule = teller.id("sub_sched_1");
    life.update(teller, |subscription| subscription.set("schedule", schedule));
    life.tariff = cheaper.clone();
    life.renew(teller, |subscription| {
        set_price(subscription, &cheaper);
        subscription.set("schedule", Json::Null);
    });
    life.pay(teller);
}

/// A change that needs the customer's confirmation, which comes.
pub(in crate::story) fn pending_update(teller: &mut Teller<'_>) {
    let (mut life, dearer) = wait_for_payment(teller);
    teller.wait(2 * HOUR);
    teller.by_request();
    life.pay(teller);
    let before = life.subscription.clone();
    set_price(&mut life.subscription, &dearer);
    life.subscription.set("pending_update", Json::Null);
    teller.tell("customer.subscription.pending_update_applied", &life.subscription);
    teller.tell_change("customer.subscription.updated", &before, &life.subscription);
}

/// A change that needs the customer's confirmation, which never comes.
pub(in crate::story) fn pending_update_expired(teller: &mut Teller<'_>) {
    let (mut life, _) = wait_for_payment(teller);
    teller.wait(23 * HOUR);
    teller.by_itself();
    super::invoices::void(teller, &mut life);
    let before = life.subscription.clone();
    life.subscription.set("pending_update", Json::Null);
    teller.tell("customer.subscription.pending_update_expired", &life.subscription);
    teller.tell_change("customer.subscription.updated", &before, &life.subscription);
}

/// The change stands in `pending_update` and its invoice waits for the customer.
fn wait_for_payment(teller: &mut Teller<'_>) -> (Life, Tariff) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    let dearer = Tariff::dearer(teller.cast);
    teller.wait(8 * DAY);
    teller.by_request();
    let draft = difference(teller, &life, &dearer);
    let mut changed = life.subscription.clone();
    set_price(&mut changed, &dearer);
    let pending = Json::object([
        ("billing_cycle_anchor", Json::Null),
        ("cancel_at_period_end", Json::Null),
        ("discount", Json::Null),
        ("discounts", Json::Null),
        ("expires_at", (teller.now + 23 * HOUR).into()),
        ("metadata", Json::Null),
        ("subscription_items", changed.get("items.data").clone()),
        ("trial_end", Json::Null),
        ("trial_from_plan", Json::Null),
    ]);
    let id = draft.id();
    life.update(teller, |subscription| {
        subscription.set("latest_invoice", id);
        subscription.set("pending_update", pending);
    });
    life.open(teller, draft);
    super::failures::ask_customer(teller, &mut life);
    (life, dearer)
}
