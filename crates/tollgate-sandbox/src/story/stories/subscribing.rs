//! How subscriptions begin and go on when nothing goes wrong.

use super::life::{Life, attach_card, meet};
use crate::story::calendar::{DAY, HOUR};
use crate::story::json::Json;
use crate::story::objects::catalog::{Tariff, coupon, promotion_code};
use crate::story::objects::entitlement::summary;
use crate::story::objects::invoice::{LineTerms, invoice, upcoming};
use crate::story::objects::subscription::period_end;
use crate::story::teller::Teller;

/// A subscription bought in Checkout.
pub(in crate::story) fn checkout(teller: &mut Teller<'_>) {
    Life::by_checkout(teller, Tariff::of(teller.cast));
}

/// A subscription created through the API: incomplete until its first invoice is paid.
pub(in crate::story) fn api(teller: &mut Teller<'_>) {
    let mut life = incomplete(teller);
    life.pay(teller);
    life.become_status(teller, "active");
}

/// A subscription whose first payment fails and is given up after 23 hours.
pub(in crate::story) fn first_payment_fails(teller: &mut Teller<'_>) {
    let mut life = incomplete(teller);
    life.decline(teller, None);
    teller.wait(23 * HOUR);
    teller.by_itself();
    life.become_status(teller, "incomplete_expired");
    super::invoices::void(teller, &mut life);
}

/// The subscription exists, incomplete, and its first invoice is open.
fn incomplete(teller: &mut Teller<'_>) -> Life {
    let mut life = ready(teller);
    life.create(teller);
    life.subscription.set("status", "incomplete");
    life.subscription.set("payment_settings.save_default_payment_method", "on_subscription");
    let terms = LineTerms::period(&life.tariff, teller.now, period_end(&life.subscription));
    let first = invoice(teller, &life.subscription, "subscription_create", &[terms]);
    life.subscription.set("latest_invoice", first.id());
    teller.tell("customer.subscription.created", &life.subscription);
    life.open(teller, first);
    life
}

/// A customer with a card, some seconds after they met.
pub(super) fn ready(teller: &mut Teller<'_>) -> Life {
    let mut customer = meet(teller);
    teller.wait(4);
    teller.by_request();
    let card = attach_card(teller, &mut customer);
    teller.wait(3);
    teller.by_request();
    let mut life = Life::new(customer, Tariff::of(teller.cast));
    life.card = card;
    life
}

/// A subscription that renews once.
pub(in crate::story) fn renewal(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    life.renew_and_pay(teller);
}

/// A renewal that Stripe announces a week before.
pub(in crate::story) fn upcoming_invoice(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    let start = period_end(&life.subscription);
    teller.until(start - 7 * DAY);
    teller.by_itself();
    let terms = LineTerms::period(&life.tariff, start, life.tariff.period_end(start));
    let notice = upcoming(teller, &life.subscription, terms);
    teller.tell("invoice.upcoming", &notice);
    life.renew_and_pay(teller);
}

/// A subscription bought with a promotion code.
pub(in crate::story) fn discounted(teller: &mut Teller<'_>) {
    teller.by_request();
    let id = teller.ids.plain("", 8);
    let coupon = coupon(teller, &id);
    teller.tell("coupon.created", &coupon);
    teller.wait(20);
    teller.by_request();
    let code = promotion_code(teller, &coupon);
    teller.tell("promotion_code.created", &code);
    teller.wait(HOUR);
    let customer = meet(teller);
    Life::new(customer, Tariff::of(teller.cast)).check_out(teller, Some(&code));
}

/// Features come with the subscription and go with it.
pub(in crate::story) fn entitlements(teller: &mut Teller<'_>) {
    const CHANGED: &str = "entitlements.active_entitlement_summary.updated";
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    let (none, all): (Json, Json) = (summary(teller, false), summary(teller, true));
    teller.tell_change(CHANGED, &none, &all);
    teller.wait(10 * DAY);
    teller.by_request();
    life.end(teller, "cancellation_requested");
    teller.tell_change(CHANGED, &all, &none);
}
