//! Captures: an authorization becomes a payment, whole or in part.

use super::confirm;
use super::intents::unexpected_state;
use super::{charges, terms};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::change_metadata;
use crate::object::charge::Charge;
use crate::object::payment_intent::{IntentStatus, PaymentIntent};
use crate::world::{Call, Outcome, World};

/// `POST /v1/payment_intents/{id}/capture`.
pub(super) fn capture(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(
        params,
        &["amount_details", "application_fee_amount", "hooks", "payment_details", "transfer_data"],
    )?;
    if params.flag("final_capture") == Some(false) {
        let message = "Captures in several parts are not part of the sandbox.";
        return Err(params.refuse("final_capture", message));
    }
    let row = world.get::<PaymentIntent>(call.id())?;
    let (id, charge) = check(row)?;
    let amount = amount(row, params.int("amount_to_capture"))?;
    world.edit::<PaymentIntent>(&id, |row| change_metadata(&mut row.metadata, params));
    take(world, &id, &charge, amount);
    world.show::<PaymentIntent>(&id)
}

fn check(row: &PaymentIntent) -> Result<(Id, Id), StripeError> {
    match (&row.latest_charge, row.status) {
        (Some(charge), IntentStatus::RequiresCapture) => Ok((row.id.clone(), charge.clone())),
        (_, status) => {
            let why = if status == IntentStatus::Succeeded {
                "it has already been captured".to_owned()
            } else {
                format!("it has a status of {}, not requires_capture", status.as_str())
            };
            let message = format!("This PaymentIntent could not be captured because {why}.");
            Err(unexpected_state(row, message))
        }
    }
}

fn amount(row: &PaymentIntent, given: Option<i64>) -> Result<i64, StripeError> {
    let amount = given.unwrap_or(row.amount_capturable);
    let refuse = |message: &str| StripeError::param("amount_to_capture", message);
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(refuse(message).code("parameter_invalid_integer"));
    }
    if amount > row.amount_capturable {
        let message = format!(
            "The requested capture amount is greater than the amount you can capture for this \
             PaymentIntent, {}.",
            row.amount_capturable
        );
        return Err(refuse(&message).code("amount_too_large"));
    }
    Ok(amount)
}

/// Captures; the rest of the authorization goes back to the customer.
fn take(world: &mut World, intent: &Id, charge: &Id, amount: i64) {
    world.edit::<Charge>(charge, |row| {
        row.captured = true;
        row.amount_captured = amount;
        row.amount_refunded = row.amount - amount;
    });
    let money = charges::money_in(world, &world.known::<Charge>(charge).clone());
    world.edit::<Charge>(charge, |row| row.balance_transaction = Some(money));
    world.emit::<Charge>("charge.captured", charge);
    confirm::succeed(world, intent, charge);
}
