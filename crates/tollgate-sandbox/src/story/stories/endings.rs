//! How subscriptions end, or nearly do.

use super::life::{Life, RETRY_DAYS};
use crate::story::calendar::DAY;
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::subscription::period_end;
use crate::story::teller::Teller;
use crate::story::versions::ApiVersionShape;

/// The customer cancels at the end of the period, and takes it back.
pub(in crate::story) fn cancel_uncancel(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(6 * DAY);
    cancel_later(teller, &mut life, true);
    teller.wait(2 * DAY);
    teller.by_request();
    life.update(teller, |subscription| {
        subscription.set("cancel_at", Json::Null);
        subscription.set("cancel_at_period_end", false);
        subscription.set("canceled_at", Json::Null);
        subscription.set("cancellation_details.feedback", Json::Null);
        subscription.set("cancellation_details.reason", Json::Null);
    });
}

/// The customer cancels at the end of the period, which comes.
pub(in crate::story) fn cancel_at_period_end(teller: &mut Teller<'_>) {
    end_of_period(teller, true);
}

/// The same in the portal: flexible billing, the default since clover, sets `cancel_at` and not
/// `cancel_at_period_end`.
pub(in crate::story) fn cancel_in_portal(teller: &mut Teller<'_>) {
    let classic = teller.cast.api_version < ApiVersionShape::Clover;
    end_of_period(teller, classic);
}

fn end_of_period(teller: &mut Teller<'_>, flag: bool) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(6 * DAY);
    cancel_later(teller, &mut life, flag);
    teller.until(period_end(&life.subscription));
    teller.by_itself();
    life.end(teller, "cancellation_requested");
}

fn cancel_later(teller: &mut Teller<'_>, life: &mut Life, flag: bool) {
    const WHY: [&str; 4] = ["too_expensive", "unused", "missing_features", "switched_service"];
    let feedback = teller.ids.dice().pick(&WHY);
    let (now, end) = (teller.now, period_end(&life.subscription));
    teller.by_request();
    life.update(teller, |subscription| {
        subscription.set("cancel_at", end);
        subscription.set("cancel_at_period_end", flag);
        subscription.set("canceled_at", now);
        subscription.set("cancellation_details.feedback", feedback);
        subscription.set("cancellation_details.reason", "cancellation_requested");
    });
}

/// The subscription is canceled at once.
pub(in crate::story) fn cancel_now(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(11 * DAY);
    teller.by_request();
    life.end(teller, "cancellation_requested");
}

/// The customer is deleted, and the subscription with it.
pub(in crate::story) fn customer_deleted(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(17 * DAY);
    teller.by_request();
    life.end(teller, "cancellation_requested");
    teller.tell("customer.deleted", &life.customer);
}

/// The customer buys a second subscription; the first ends while the second goes on.
pub(in crate::story) fn two_subscriptions(teller: &mut Teller<'_>) {
    let mut old = Life::by_checkout(teller, Tariff::of(teller.cast));
    teller.wait(5 * DAY);
    let mut new = Life::new(old.customer.clone(), Tariff::dearer(teller.cast));
    new.invoices = old.invoices;
    new.check_out(teller, None);
    teller.wait(90);
    teller.by_request();
    old.end(teller, "cancellation_requested");
}

/// Every attempt to collect a renewal fails, and the subscription ends with the last.
pub(in crate::story) fn renewal_fails_canceled(teller: &mut Teller<'_>) {
    let mut life = fail_for_good(teller);
    life.end(teller, "payment_failed");
}

/// Every attempt to collect a renewal fails, and the subscription stays, unpaid.
pub(in crate::story) fn renewal_fails_unpaid(teller: &mut Teller<'_>) {
    let mut life = fail_for_good(teller);
    life.become_status(teller, "unpaid");
}

fn fail_for_good(teller: &mut Teller<'_>) -> Life {
    let mut life = super::failures::fail_renewal(teller, RETRY_DAYS.first().copied());
    for attempt in 1..=RETRY_DAYS.len() {
        teller.until(life.invoice.int("next_payment_attempt"));
        let next = RETRY_DAYS.get(attempt).map(|days| teller.now + days * DAY);
        life.decline(teller, next);
    }
    life
}
