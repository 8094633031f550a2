//! Trials: those that are paid in the end, and those that pause without a card.

use super::life::{Life, attach_card, meet};
use crate::story::calendar::DAY;
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::invoice::{LineTerms, invoice};
use crate::story::objects::session::{Mode, session};
use crate::story::objects::subscription::{period_end, set_period};
use crate::story::teller::Teller;

const TRIAL_DAYS: i64 = 14;
/// Stripe warns this long before the end.
const WARNING_DAYS: i64 = 3;

/// A trial with a card, paid when it ends.
pub(in crate::story) fn trial_to_paid(teller: &mut Teller<'_>) {
    let mut life = begin(teller, true);
    warn(teller, &life);
    life.renew(teller, |subscription| subscription.set("status", "active"));
    life.pay(teller);
}

/// A trial without a card: paused at its end, resumed when the customer brings one.
pub(in crate::story) fn paused_resumed(teller: &mut Teller<'_>) {
    let mut life = begin(teller, false);
    warn(teller, &life);
    let end = period_end(&life.subscription);
    teller.until(end);
    pause(teller, &mut life);
    teller.wait(2 * DAY);
    teller.by_request();
    life.card = attach_card(teller, &mut life.customer);
    teller.wait(5);
    teller.by_request();
    resume(teller, &mut life);
}

/// A trial of two weeks begins in Checkout.
fn begin(teller: &mut Teller<'_>, with_card: bool) -> Life {
    let customer = meet(teller);
    let mut life = Life::new(customer, Tariff::of(teller.cast));
    teller.wait(15);
    let mut page = session(teller, &life.tariff, Mode::Subscription);
    teller.wait(70);
    teller.by_request();
    if with_card {
        life.card = attach_card(teller, &mut life.customer);
    } else {
        page.set("payment_method_collection", "if_required");
    }
    let end = teller.now + TRIAL_DAYS * DAY;
    life.create(teller);
    let subscription = &mut life.subscription;
    set_period(subscription, teller.now, end);
    subscription.set("billing_cycle_anchor", end);
    subscription.set("status", "trialing");
    subscription.set("trial_end", end);
    subscription.set("trial_settings.end_behavior.missing_payment_method", "pause");
    subscription.set("trial_start", teller.now);
    let terms = LineTerms::trial(&life.tariff, teller.now, end);
    let first = invoice(teller, &life.subscription, "subscription_create", &[terms]);
    life.subscription.set("latest_invoice", first.id());
    teller.tell("customer.subscription.created", &life.subscription);
    life.open(teller, first);
    life.pay(teller);
    page.set("amount_subtotal", 0);
    life.come_back(teller, &mut page, "no_payment_required", None);
    life
}

fn warn(teller: &mut Teller<'_>, life: &Life) {
    teller.until(period_end(&life.subscription) - WARNING_DAYS * DAY);
    teller.by_itself();
    teller.tell("customer.subscription.trial_will_end", &life.subscription);
}

fn pause(teller: &mut Teller<'_>, life: &mut Life) {
    let why = Json::object([("type", "trial_end_without_payment_method".into())]);
    let paused = Json::object([
        ("subscription", why),
        ("transitioned_at", teller.now.into()),
        ("type", "subscription".into()),
    ]);
    teller.by_itself();
    let before = life.subscription.clone();
    life.subscription.set("status", "paused");
    life.subscription.set("status_details.paused", paused);
    teller.tell("customer.subscription.paused", &life.subscription);
    teller.tell_change("customer.subscription.updated", &before, &life.subscription);
}

fn resume(teller: &mut Teller<'_>, life: &mut Life) {
    let (now, end) = (teller.now, life.tariff.period_end(teller.now));
    let terms = LineTerms::period(&life.tariff, now, end);
    let draft = invoice(teller, &life.subscription, "subscription_update", &[terms]);
    let before = life.subscription.clone();
    let subscription = &mut life.subscription;
    subscription.take("status_details");
    subscription.set("billing_cycle_anchor", now);
    subscription.set("default_payment_method", life.card.id());
    subscription.set("latest_invoice", draft.id());
    subscription.set("status", "active");
    set_period(subscription, now, end);
    life.open(teller, draft);
    life.pay(teller);
    teller.tell("customer.subscription.resumed", &life.subscription);
    teller.tell_change("customer.subscription.updated", &before, &life.subscription);
}
