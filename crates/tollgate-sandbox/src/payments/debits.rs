//! What time does to payments: debits are answered, authorizations run out.

use super::banks::{self, End};
use super::{charges, confirm, disputes, intents};
use crate::checkout;
use crate::error::StripeError;
use crate::object::Id;
use crate::object::charge::Charge;
use crate::object::payment_intent::{IntentStatus, PaymentIntent};
use crate::object::payment_method::PaymentMethod;
use crate::world::World;
use crate::world::change::shape;

/// See [`super::wake`].
pub(super) fn wake(world: &mut World, intent: &Id) {
    let Some(row) = world.payment_intents.get(intent) else { return };
    let now = world.now_of(row.customer.as_ref());
    if row.due.is_none_or(|due| due > now) {
        return;
    }
    let (status, charge) = (row.status, row.latest_charge.clone());
    match (status, charge) {
        (IntentStatus::Processing, Some(charge)) => settle(world, intent, &charge),
        (IntentStatus::RequiresCapture, Some(charge)) => expire(world, intent, &charge),
        _ => {}
    }
}

/// The bank answers a debit.
fn settle(world: &mut World, intent: &Id, charge: &Id) {
    let customer = world.known::<PaymentIntent>(intent).customer.clone();
    let means = &world.known::<Charge>(charge).payment_method_details.means;
    let end = banks::of(means).map_or(End::Pays, |bank| bank.end);
    let failing = world.failing(customer.as_ref()).map(|decline| decline.decline_code);
    match (end, failing) {
        (End::Fails(reason), _) | (_, Some(reason)) => bounce(world, intent, charge, reason),
        _ => arrive(world, intent, charge),
    }
}

fn arrive(world: &mut World, intent: &Id, charge: &Id) {
    world.edit::<Charge>(charge, |row| {
        row.status = "succeeded";
        row.paid = true;
        row.captured = true;
        row.amount_captured = row.amount;
        row.outcome = Some(charges::settled());
    });
    let money = charges::money_in(world, &world.known::<Charge>(charge).clone());
    world.edit::<Charge>(charge, |row| row.balance_transaction = Some(money));
    world.emit::<Charge>("charge.succeeded", charge);
    confirm::succeed(world, intent, charge);
    disputes::follow(world, charge);
}

fn bounce(world: &mut World, intent: &Id, charge: &Id, reason: &'static str) {
    const MESSAGE: &str = "The bank sent the debit back.";
    world.edit::<Charge>(charge, |row| {
        row.status = "failed";
        row.failure_code = Some(reason);
        row.failure_message = Some(MESSAGE);
    });
    world.emit::<Charge>("charge.failed", charge);
    let mut error = StripeError::invalid(MESSAGE)
        .code("payment_intent_payment_attempt_failed")
        .with("charge", &**charge);
    let method = world.known::<PaymentIntent>(intent).payment_method.clone();
    if let Some(method) = method {
        error = error.with("payment_method", shape(world.known::<PaymentMethod>(&method)));
    }
    confirm::fail(world, intent, None, &error);
    if let (_, Some(session)) = confirm::waiting(world, intent) {
        checkout::payment_failed(world, &session, intent);
    }
}

/// Nobody captured an authorization in time.
fn expire(world: &mut World, intent: &Id, charge: &Id) {
    world.edit::<Charge>(charge, |row| {
        row.amount_refunded = row.amount;
        row.refunded = true;
    });
    world.emit::<Charge>("charge.expired", charge);
    intents::close(world, intent, Some("automatic"));
}
