//! `/v1/refunds`.

use serde_json::{Value, json};

use super::balance::{self, Entry};
use super::cards::Nature;
use super::terms;
use crate::error::StripeError;
use crate::object::balance_transaction::Movement;
use crate::object::charge::Charge;
use crate::object::dispute::{Dispute, DisputeStatus};
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::{Kind, Means};
use crate::object::refund::{Destination, Refund};
use crate::object::{Id, Null, Object as _, change_metadata, metadata};
use crate::params::Params;
use crate::world::change::shape;
use crate::world::{Call, Outcome, Route, Wake, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/refunds", list),
    Route::post("/v1/refunds", create),
    Route::get("/v1/refunds/{id}", |world, call| world.show::<Refund>(call.id())),
    Route::post("/v1/refunds/{id}", update),
    Route::post("/v1/refunds/{id}/cancel", cancel),
    Route::get("/v1/charges/{id}/refunds", |world, call| {
        world.get::<Charge>(call.id())?;
        let mut page = world.list::<Refund>(call, Some(call.id()), |_| true)?;
        page["url"] = format!("/v1/charges/{}/refunds", call.id()).into();
        Ok(page)
    }),
];

/// What belongs to platforms and to payments without a charge.
const ABSENT: &[&str] = &[
    "currency",
    "customer",
    "instructions_email",
    "origin",
    "refund_application_fee",
    "reverse_transfer",
];
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];
/// After how many seconds a bank that takes its time answers.
const ANSWER_SECS: i64 = 3;

/// Returns the refunds of a charge as the charge includes them.
pub(crate) fn of_charge(world: &World, charge: &str) -> Value {
    let data: Vec<Value> = world.refunds.of(charge).map(shape).collect();
    let url = format!("/v1/charges/{charge}/refunds");
    json!({ "object": "list", "data": data, "has_more": false, "url": url })
}

fn list(world: &mut World, call: &Call) -> Outcome {
    let (charge, intent) = (call.params.text("charge"), call.params.text("payment_intent"));
    world.list::<Refund>(call, charge.or(intent), |row| {
        charge.is_none_or(|charge| *row.charge == *charge)
            && (intent.is_none() || row.payment_intent.as_deref() == intent)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let charge = charge(world, params)?;
    let row = world.known::<Charge>(&charge);
    refundable(world, row)?;
    let amount = amount(row, params)?;
    let word = params.text("reason");
    let reason = word.and_then(|word| REASONS.into_iter().find(|known| *known == word));
    if word.is_some() && reason.is_none() {
        let message = format!("Invalid reason: must be one of {REASONS:?}.");
        return Err(params.refuse("reason", message));
    }
    let id = make(world, &charge, amount, reason, params);
    world.show::<Refund>(&id)
}

fn charge(world: &World, params: &Params) -> Result<Id, StripeError> {
    let intent = match params.text("payment_intent") {
        Some(intent) => Some(world.need::<PaymentIntent>(intent, "payment_intent")?),
        None => None,
    };
    if let Some(charge) = params.text("charge") {
        let charge = world.need::<Charge>(charge, "charge")?;
        if intent.is_some_and(|intent| charge.payment_intent.as_ref() != Some(&intent.id)) {
            let message = "The charge is not one of this PaymentIntent.";
            return Err(params.refuse("charge", message));
        }
        return Ok(charge.id.clone());
    }
    let Some(intent) = intent else {
        return Err(StripeError::invalid("Give one of `charge` and `payment_intent`.")
            .code("parameter_missing"));
    };
    let latest = intent.latest_charge.as_ref();
    let good = latest.filter(|charge| world.known::<Charge>(charge).status != "failed");
    good.cloned().ok_or_else(|| {
        let message = format!(
            "This PaymentIntent ({}) does not have a successful charge to refund.",
            intent.id
        );
        super::intents::unexpected_state(intent, message)
    })
}

/// Refuses charges that brought no money, or whose money is gone.
fn refundable(world: &World, row: &Charge) -> Result<(), StripeError> {
    let id = &row.id;
    let refuse = |code: &str, message: String| Err(StripeError::invalid(message).code(code));
    if row.status != "succeeded" {
        let message = format!("Charge {id} has the status {} and cannot be refunded.", row.status);
        return refuse("charge_not_refundable", message);
    }
    if !row.captured {
        let message = format!("Charge {id} is not captured. Cancel its PaymentIntent instead.");
        return refuse("charge_not_refundable", message);
    }
    let taken =
        |dispute: &Dispute| !dispute.status.is_inquiry() && dispute.status != DisputeStatus::Won;
    if world.disputes.of(id).any(taken) {
        let message = format!("Charge {id} has been charged back; it cannot be refunded.");
        return refuse("charge_disputed", message);
    }
    if row.refundable() == 0 {
        let message = format!("Charge {id} has already been refunded.");
        return refuse("charge_already_refunded", message);
    }
    Ok(())
}

fn amount(row: &Charge, params: &Params) -> Result<i64, StripeError> {
    let left = row.refundable();
    let amount = params.int("amount").unwrap_or(left);
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(params.refuse("amount", message).code("parameter_invalid_integer"));
    }
    if amount > left {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({}).",
            row.currency.write(amount),
            row.currency.write(left)
        );
        return Err(params.refuse("amount", message));
    }
    Ok(amount)
}

/// How the bank takes a refund.
fn nature(row: &Charge) -> Nature {
    match &row.payment_method_details.means {
        Means::Card(card) => card.test.nature,
        _ => Nature::RefundPends,
    }
}

/// Refunds a part of a charge (`refund.created`, `charge.refunded`); the bank of most cards gives
/// its number at once (`refund.updated`, `charge.refund.updated`).
fn make(
    world: &mut World,
    charge: &Id,
    amount: i64,
    reason: Option<&'static str>,
    params: &Params,
) -> Id {
    let row = world.known::<Charge>(charge).clone();
    let kind = row.payment_method_details.means.kind();
    let id = world.new_id(if kind == Kind::Card { Refund::PREFIX } else { "pyr_" });
    let pends = nature(&row) == Nature::RefundPends;
    let now = world.now_of(row.customer.as_ref());
    let due = now + ANSWER_SECS;
    let money = money_out(world, &row, &id, -amount);
    let refund = Refund {
        id: id.clone(),
        object: Refund::NAME,
        amount,
        balance_transaction: Some(money),
        charge: charge.clone(),
        created: now,
        currency: row.currency,
        customer: row.customer.clone(),
        customer_account: Null,
        destination_details: Destination { kind, known: false, refund: id.clone() },
        failure_balance_transaction: None,
        failure_reason: None,
        metadata: metadata(params),
        payment_intent: row.payment_intent.clone(),
        payment_method: row.payment_method.clone(),
        pending_reason: pends.then_some("processing"),
        reason,
        receipt_number: Null,
        source_transfer_reversal: Null,
        status: if pends { "pending" } else { "succeeded" },
        transfer_reversal: Null,
        due: None,
    };
    world.create(refund, "refund.created");
    world.update::<Charge>(charge, "charge.refunded", |row| {
        row.amount_refunded += amount;
        row.refunded = row.amount_refunded == row.amount;
        if reason == Some("fraudulent") {
            row.fraud_details.user_report = Some("fraudulent");
        }
    });
    if pends || nature(&row) == Nature::RefundFails {
        world.edit::<Refund>(&id, |row| row.due = Some(due));
        world.wake_at(row.customer.as_ref(), due, Wake::Refund(id.clone()));
    } else {
        answer(world, &id);
    }
    id
}

fn money_out(world: &mut World, charge: &Charge, refund: &Id, amount: i64) -> Id {
    let card = matches!(charge.payment_method_details.means, Means::Card(_));
    let movement = match (amount < 0, card) {
        (true, true) => Movement::Refund,
        (true, false) => Movement::PaymentRefund,
        (false, _) => Movement::RefundFailure,
    };
    let what = if amount < 0 { "REFUND FOR CHARGE" } else { "REFUND FAILURE FOR CHARGE" };
    let entry = Entry {
        movement,
        amount,
        currency: charge.currency,
        source: refund,
        customer: charge.customer.as_ref(),
        description: Some(match &charge.description {
            Some(text) => format!("{what} ({text})"),
            None => what.to_owned(),
        }),
    };
    balance::enter(world, entry)
}

/// A bank that took its time answers: with its number, or by sending the money back.
pub(super) fn wake(world: &mut World, refund: &Id) {
    let Some(row) = world.refunds.get(refund) else { return };
    if row.due.is_none_or(|due| due > world.now_of(row.customer.as_ref())) {
        return;
    }
    let charge = row.charge.clone();
    if nature(world.known::<Charge>(&charge)) == Nature::RefundFails {
        return fail(world, refund, &charge);
    }
    answer(world, refund);
}

/// The bank has taken a refund, and gives its number.
fn answer(world: &mut World, refund: &Id) {
    change(world, refund, |row| {
        row.due = None;
        row.status = "succeeded";
        row.pending_reason = None;
        row.destination_details.known = true;
    });
}

/// Changes a refund; two events tell of it, the older one in the charge's name.
fn change(world: &mut World, refund: &Id, change: impl FnOnce(&mut Refund)) {
    let before = world.known::<Refund>(refund).clone();
    world.edit::<Refund>(refund, change);
    world.tell_change("refund.updated", refund, &before);
    world.tell_change("charge.refund.updated", refund, &before);
}

/// The money comes back to the account.
fn fail(world: &mut World, refund: &Id, charge: &Id) {
    let row = world.known::<Charge>(charge).clone();
    let amount = world.known::<Refund>(refund).amount;
    let money = money_out(world, &row, refund, amount);
    let before = world.known::<Refund>(refund).clone();
    world.edit::<Refund>(refund, |row| {
        row.due = None;
        row.status = "failed";
        row.failure_reason = Some("expired_or_canceled_card");
        row.failure_balance_transaction = Some(money);
    });
    world.tell_change("refund.updated", refund, &before);
    world.emit::<Refund>("refund.failed", refund);
    world.tell_change("charge.refund.updated", refund, &before);
    world.update::<Charge>(charge, "charge.updated", |row| {
        row.amount_refunded -= amount;
        row.refunded = false;
    });
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let id = world.get::<Refund>(call.id())?.id.clone();
    change(world, &id, |row| change_metadata(&mut row.metadata, &call.params));
    world.show::<Refund>(&id)
}

/// Only refunds that wait for the customer can be canceled, and here none does.
fn cancel(world: &mut World, call: &Call) -> Outcome {
    let row = world.get::<Refund>(call.id())?;
    let message = format!(
        "You cannot cancel this refund because it has the status {}; only one that requires \
         action can be canceled.",
        row.status
    );
    Err(StripeError::invalid(message))
}
