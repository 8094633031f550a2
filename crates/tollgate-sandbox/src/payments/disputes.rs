//! `/v1/disputes`, and the disputes that test cards bring.

use super::balance::{self, Entry};
use super::banks::{self, End};
use super::cards::{Case, Nature};
use crate::error::StripeError;
use crate::object::balance_transaction::{BalanceTransaction, Movement};
use crate::object::charge::Charge;
use crate::object::dispute::{
    Dispute, DisputeStatus, DisputedCard, DisputedMethod, Evidence, EvidenceDetails, Nothing,
};
use crate::object::payment_method::Means;
use crate::object::{Empty, Id, Metadata, Object as _, change_metadata};
use crate::world::{Call, Outcome, Route, Wake, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/disputes", list),
    Route::get("/v1/disputes/{id}", |world, call| world.show::<Dispute>(call.id())),
    Route::post("/v1/disputes/{id}", update),
    Route::post("/v1/disputes/{id}/close", close),
];

/// How long a seller has to answer.
const ANSWER_SECS: i64 = 9 * 86_400;
/// How long the bank thinks about evidence that decides a test dispute.
const DECISION_SECS: i64 = 2;
/// The evidence that wins a test dispute, the one that loses it, and the one after which a
/// question becomes a dispute.
const WINNING: &str = "winning_evidence";
const LOSING: &str = "losing_evidence";
const ESCALATING: &str = "escalate_inquiry_evidence";

fn list(world: &mut World, call: &Call) -> Outcome {
    let (charge, intent) = (call.params.text("charge"), call.params.text("payment_intent"));
    world.list::<Dispute>(call, charge.or(intent), |row| {
        charge.is_none_or(|charge| *row.charge == *charge)
            && (intent.is_none() || row.payment_intent.as_deref() == intent)
    })
}

/// Opens the disputes that the test card or account of a charge brings.
pub(super) fn follow(world: &mut World, charge: &Id) {
    let row = world.known::<Charge>(charge);
    let amount = row.amount_captured;
    let means = &row.payment_method_details.means;
    if banks::of(means).is_some_and(|bank| bank.end == End::Disputed) {
        return open(world, charge, "debit_not_authorized", amount, DisputeStatus::Lost);
    }
    let Means::Card(card) = means else { return };
    let Nature::Disputed(case) = card.test.nature else { return };
    let waits = DisputeStatus::NeedsResponse;
    match case {
        Case::Fraudulent => open(world, charge, "fraudulent", amount, waits),
        Case::NotReceived => open(world, charge, "product_not_received", amount, waits),
        Case::Inquiry => {
            open(world, charge, "fraudulent", amount, DisputeStatus::WarningNeedsResponse);
        }
        Case::Multiple => {
            open(world, charge, "fraudulent", amount - amount / 2, waits);
            open(world, charge, "product_not_received", amount / 2, waits);
        }
    }
}

/// Opens a dispute (`charge.dispute.created`) and takes the money, unless the bank only asks.
fn open(world: &mut World, charge: &Id, reason: &'static str, amount: i64, status: DisputeStatus) {
    let row = blank(world, charge, reason, amount, status);
    let (id, customer, due) = (row.id.clone(), row.customer.clone(), row.evidence_details.due_by);
    world.create(row, "charge.dispute.created");
    if !status.is_inquiry() {
        withdraw(world, &id);
    }
    world.update::<Charge>(charge, "charge.updated", |row| row.disputed = true);
    match due {
        Some(due) if due > 0 => {
            world.wake_at(customer.as_ref(), due, Wake::Dispute(id));
        }
        _ => world.emit::<Dispute>("charge.dispute.closed", &id),
    }
}

fn blank(
    world: &mut World,
    charge: &Id,
    reason: &'static str,
    amount: i64,
    status: DisputeStatus,
) -> Dispute {
    let id = world.new_id(Dispute::PREFIX);
    let charge = world.known::<Charge>(charge);
    let now = world.now_of(charge.customer.as_ref());
    let mut evidence = Evidence::default();
    evidence.given.set("customer_email_address", charge.billing_details.email.as_deref());
    evidence.given.set("customer_name", charge.billing_details.name.as_deref());
    let method = method(charge, reason, status);
    Dispute {
        id,
        object: Dispute::NAME,
        amount,
        balance_transactions: Vec::new(),
        charge: charge.id.clone(),
        created: now,
        currency: charge.currency,
        enhanced_eligibility_types: Empty,
        evidence,
        evidence_details: EvidenceDetails {
            due_by: Some(if status.is_final() { 0 } else { now + ANSWER_SECS }),
            enhanced_eligibility: Nothing {},
            has_evidence: false,
            past_due: false,
            submission_count: 0,
            submission_method: "not_submitted",
        },
        intended_submission_method: "manual",
        is_charge_refundable: status.is_inquiry(),
        livemode: false,
        metadata: Metadata::new(),
        network_reason_code: method.as_ref().map(|method| method.card.network_reason_code),
        payment_intent: charge.payment_intent.clone(),
        payment_method_details: method,
        reason,
        status,
        customer: charge.customer.clone(),
        decides: None,
    }
}

fn method(charge: &Charge, reason: &str, status: DisputeStatus) -> Option<DisputedMethod> {
    let Means::Card(card) = &charge.payment_method_details.means else { return None };
    let brand = card.test.brand;
    let card = DisputedCard {
        brand: brand.name(),
        case_type: if status.is_inquiry() { "inquiry" } else { "chargeback" },
        network: brand.network(),
        network_reason_code: if reason == "fraudulent" { "10.4" } else { "13.1" },
    };
    Some(DisputedMethod { card, kind: "card" })
}

/// The bank takes the money (`charge.dispute.funds_withdrawn`).
fn withdraw(world: &mut World, id: &Id) {
    let moved = movement(world, id, Movement::Dispute);
    world.edit::<Dispute>(id, |row| row.balance_transactions.push(moved));
    world.emit::<Dispute>("charge.dispute.funds_withdrawn", id);
}

fn movement(world: &mut World, id: &Id, movement: Movement) -> BalanceTransaction {
    let row = world.known::<Dispute>(id).clone();
    let (amount, what) = match movement {
        Movement::DisputeReversal => (row.amount, "Chargeback reversal"),
        _ => (-row.amount, "Chargeback withdrawal"),
    };
    let entry = Entry {
        movement,
        amount,
        currency: row.currency,
        source: &row.id,
        customer: row.customer.as_ref(),
        description: Some(format!("{what} for {}", row.charge)),
    };
    let money = balance::enter(world, entry);
    world.known::<BalanceTransaction>(&money).clone()
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let row = world.get::<Dispute>(call.id())?;
    let (id, status) = (row.id.clone(), row.status);
    let evidence = params.sub("evidence");
    let submits = params.flag("submit").unwrap_or(evidence.is_some());
    let waits =
        matches!(status, DisputeStatus::NeedsResponse | DisputeStatus::WarningNeedsResponse);
    if (evidence.is_some() || submits) && !waits {
        return Err(StripeError::invalid(
            "This dispute takes no more evidence: it was submitted, or the dispute is closed.",
        ));
    }
    if evidence.as_ref().is_some_and(|given| given.has("enhanced_evidence")) {
        let message = "Enhanced evidence is not part of the sandbox.";
        return Err(StripeError::param("evidence[enhanced_evidence]", message));
    }
    world.update::<Dispute>(&id, "charge.dispute.updated", |row| {
        change_metadata(&mut row.metadata, params);
        if let Some(evidence) = &evidence {
            row.evidence.given.change(evidence);
            row.evidence_details.has_evidence = row.evidence.given.is_there();
        }
        if submits {
            submit(row);
        }
    });
    if submits {
        ponder(world, &id);
    }
    world.show::<Dispute>(&id)
}

fn submit(row: &mut Dispute) {
    row.status = match row.status {
        DisputeStatus::WarningNeedsResponse => DisputeStatus::WarningUnderReview,
        _ => DisputeStatus::UnderReview,
    };
    row.evidence_details.submission_count += 1;
    row.evidence_details.submission_method = "manual";
}

/// The bank thinks about evidence that decides; about any other it never ends.
fn ponder(world: &mut World, id: &Id) {
    let row = world.known::<Dispute>(id);
    if ![WINNING, LOSING, ESCALATING].contains(&row.evidence.given.uncategorized_text()) {
        return;
    }
    let customer = row.customer.clone();
    let at = world.now_of(customer.as_ref()) + DECISION_SECS;
    world.edit::<Dispute>(id, |row| row.decides = Some(at));
    world.wake_at(customer.as_ref(), at, Wake::Dispute(id.clone()));
}

/// Gives a dispute up: it is lost, and a question is closed.
fn close(world: &mut World, call: &Call) -> Outcome {
    let row = world.get::<Dispute>(call.id())?;
    if row.status.is_final() {
        return Err(StripeError::invalid("This dispute is already closed."));
    }
    let id = row.id.clone();
    end(world, &id, false);
    world.show::<Dispute>(&id)
}

/// See [`super::wake_dispute`].
pub(super) fn wake(world: &mut World, id: &Id) {
    let Some(row) = world.disputes.get(id) else { return };
    let now = world.now_of(row.customer.as_ref());
    let text = row.evidence.given.uncategorized_text();
    if row.decides.is_some_and(|at| at <= now) && !row.status.is_final() {
        match (text, row.status.is_inquiry()) {
            (LOSING | ESCALATING, true) => escalate(world, id),
            (LOSING, false) => end(world, id, false),
            _ => end(world, id, true),
        }
        return;
    }
    let waits =
        matches!(row.status, DisputeStatus::NeedsResponse | DisputeStatus::WarningNeedsResponse);
    if waits && row.evidence_details.due_by.is_some_and(|due| due <= now) {
        world.edit::<Dispute>(id, |row| row.evidence_details.past_due = true);
        end(world, id, false);
    }
}

/// A question becomes a dispute.
fn escalate(world: &mut World, id: &Id) {
    let customer = world.known::<Dispute>(id).customer.clone();
    let due = world.now_of(customer.as_ref()) + ANSWER_SECS;
    world.update::<Dispute>(id, "charge.dispute.updated", |row| {
        row.status = DisputeStatus::NeedsResponse;
        row.is_charge_refundable = false;
        row.decides = None;
        row.evidence_details.due_by = Some(due);
        if let Some(method) = &mut row.payment_method_details {
            method.card.case_type = "chargeback";
        }
    });
    withdraw(world, id);
    world.wake_at(customer.as_ref(), due, Wake::Dispute(id.clone()));
}

/// Ends a dispute (`charge.dispute.closed`); one that is won brings the money back.
fn end(world: &mut World, id: &Id, won: bool) {
    let inquiry = world.known::<Dispute>(id).status.is_inquiry();
    world.edit::<Dispute>(id, |row| {
        row.decides = None;
        row.status = match (inquiry, won) {
            (true, _) => DisputeStatus::WarningClosed,
            (false, true) => DisputeStatus::Won,
            (false, false) => DisputeStatus::Lost,
        };
    });
    world.emit::<Dispute>("charge.dispute.closed", id);
    if won && !inquiry {
        let moved = movement(world, id, Movement::DisputeReversal);
        world.edit::<Dispute>(id, |row| row.balance_transactions.push(moved));
        world.emit::<Dispute>("charge.dispute.funds_reinstated", id);
    }
}
