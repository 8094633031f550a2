//! Renewals that are not paid at the first attempt, or not without the customer.

use super::life::{Life, RETRY_DAYS};
use crate::story::calendar::{DAY, HOUR};
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::teller::Teller;

/// A renewal fails; the subscription is past due and stays so.
pub(in crate::story) fn renewal_fails(teller: &mut Teller<'_>) {
    fail_renewal(teller, RETRY_DAYS.first().copied());
}

/// Two attempts fail, the third succeeds.
pub(in crate::story) fn renewal_fails_recovers(teller: &mut Teller<'_>) {
    let mut life = fail_renewal(teller, RETRY_DAYS.first().copied());
    teller.until(life.invoice.int("next_payment_attempt"));
    life.decline(teller, Some(teller.now + RETRY_DAYS[1] * DAY));
    teller.until(life.invoice.int("next_payment_attempt"));
    life.pay(teller);
    life.become_status(teller, "active");
}

/// The first attempt to collect a renewal fails; the next one is some days away.
pub(super) fn fail_renewal(teller: &mut Teller<'_>, days: Option<i64>) -> Life {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    life.renew(teller, |_| {});
    let next = days.map(|days| teller.now + days * DAY);
    life.decline(teller, next);
    life.become_status(teller, "past_due");
    life
}

/// The bank asks the customer to confirm a renewal, who does so two hours later.
pub(in crate::story) fn action_required(teller: &mut Teller<'_>) {
    let mut life = Life::by_checkout(teller, Tariff::of(teller.cast));
    life.renew(teller, |_| {});
    ask_customer(teller, &mut life);
    life.become_status(teller, "past_due");
    teller.wait(2 * HOUR);
    teller.by_request();
    life.pay(teller);
    life.become_status(teller, "active");
}

/// The payment of the open invoice waits for the customer.
pub(super) fn ask_customer(teller: &mut Teller<'_>, life: &mut Life) {
    let url = format!(
        "https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={}",
        life.intent.text("id")
    );
    let redirect = Json::object([("return_url", Json::Null), ("url", url.into())]);
    let action = Json::object([("redirect_to_url", redirect), ("type", "redirect_to_url".into())]);
    life.intent.set("next_action", action);
    life.intent.set("status", "requires_action");
    teller.tell("payment_intent.requires_action", &life.intent);
    life.count_attempt(teller, None);
    teller.tell("invoice.payment_action_required", &life.invoice);
    teller.tell("invoice.payment_failed", &life.invoice);
}
