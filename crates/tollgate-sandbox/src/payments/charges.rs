//! Charges: each try of a payment intent makes one.

use std::borrow::Cow;

use super::balance::{self, Entry};
use super::cards::Nature;
use super::declines::Decline;
use crate::dice::{Dice, hash};
use crate::object::balance_transaction::Movement;
use crate::object::charge::{Charge, ChargeOutcome, Details, FraudDetails, RadarOptions, Receipt};
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::{Kind, Means, PaymentMethod};
use crate::object::{Id, Null, Object as _};
use crate::world::World;

/// What the bank answers to a try.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reply {
    Paid,
    /// Authorized, to be captured by this moment.
    Held(i64),
    /// Answered later.
    Pending,
    Declined(&'static Decline),
}

/// What an account's charges are called on statements.
const DESCRIPTOR: &str = "SANDBOX";

/// Makes the charge of one try and tells of it (`charge.succeeded`, `.pending`, `.failed`).
pub(super) fn make(world: &mut World, intent: &Id, method: &Id, reply: Reply) -> Id {
    let prefix = match world.known::<PaymentMethod>(method).kind {
        Kind::Card | Kind::Link => Charge::PREFIX,
        Kind::SepaDebit | Kind::UsBankAccount => "py_",
    };
    let id = world.new_id(prefix);
    let mut row = blank(world, &id, intent, method, reply);
    let event = match reply {
        Reply::Paid => {
            row.balance_transaction = Some(money_in(world, &row));
            "charge.succeeded"
        }
        Reply::Held(_) => "charge.succeeded",
        Reply::Pending => "charge.pending",
        Reply::Declined(_) => "charge.failed",
    };
    world.create(row, event)
}

/// Writes down the money that a charge brings.
pub(super) fn money_in(world: &mut World, charge: &Charge) -> Id {
    let card = matches!(charge.payment_method_details.means, Means::Card(_));
    let entry = Entry {
        movement: if card { Movement::Charge } else { Movement::Payment },
        amount: charge.amount_captured,
        currency: charge.currency,
        source: &charge.id,
        customer: charge.customer.as_ref(),
        description: charge.description.clone(),
    };
    balance::enter(world, entry)
}

fn blank(world: &World, id: &Id, intent: &Id, method: &Id, reply: Reply) -> Charge {
    let (intent, method) =
        (world.known::<PaymentIntent>(intent), world.known::<PaymentMethod>(method));
    let declined = match reply {
        Reply::Declined(decline) => Some(decline),
        _ => None,
    };
    let captured = matches!(reply, Reply::Paid);
    Charge {
        id: id.clone(),
        object: Charge::NAME,
        amount: intent.amount,
        amount_captured: if captured { intent.amount } else { 0 },
        amount_refunded: 0,
        application: Null,
        application_fee: Null,
        application_fee_amount: Null,
        balance_transaction: None,
        billing_details: method.billing_details.clone(),
        calculated_statement_descriptor: descriptor(intent, method),
        captured,
        created: world.now_of(intent.customer.as_ref()),
        currency: intent.currency,
        customer: intent.customer.clone(),
        description: intent.description.clone(),
        disputed: false,
        failure_balance_transaction: None,
        failure_code: declined.map(|decline| decline.code),
        failure_message: declined.map(|decline| decline.message),
        fraud_details: FraudDetails::default(),
        livemode: false,
        metadata: intent.metadata.clone(),
        on_behalf_of: Null,
        outcome: outcome(id, method, reply),
        paid: matches!(reply, Reply::Paid | Reply::Held(_)),
        payment_intent: Some(intent.id.clone()),
        payment_method: Some(method.id.clone()),
        payment_method_details: details(id, intent, method, reply),
        radar_options: RadarOptions {},
        receipt_email: intent.receipt_email.clone(),
        receipt_number: Null,
        receipt_url: Receipt(declined.is_none().then(|| id.clone())),
        refunded: false,
        review: Null,
        shipping: intent.shipping.clone(),
        source: Null,
        source_transfer: Null,
        statement_descriptor: intent.statement_descriptor.clone(),
        statement_descriptor_suffix: intent.statement_descriptor_suffix.clone(),
        status: status(reply),
        transfer_data: Null,
        transfer_group: intent.transfer_group.clone(),
    }
}

fn status(reply: Reply) -> &'static str {
    match reply {
        Reply::Paid | Reply::Held(_) => "succeeded",
        Reply::Pending => "pending",
        Reply::Declined(_) => "failed",
    }
}

fn details(id: &Id, intent: &PaymentIntent, method: &PaymentMethod, reply: Reply) -> Details {
    Details {
        means: method.means.clone(),
        amount: intent.amount,
        authorized: matches!(reply, Reply::Paid | Reply::Held(_)),
        authenticated: intent.authenticated,
        capture_before: match reply {
            Reply::Held(until) => Some(until),
            _ => None,
        },
        mandate: method.mandate.clone(),
        charge: id.clone(),
    }
}

fn descriptor(intent: &PaymentIntent, method: &PaymentMethod) -> Option<Cow<'static, str>> {
    let suffix = intent.statement_descriptor_suffix.as_ref();
    match (method.kind, suffix, &intent.statement_descriptor) {
        (Kind::Card, Some(suffix), _) => {
            Some(format!("{DESCRIPTOR}* {}", suffix.to_uppercase()).into())
        }
        (Kind::Card, None, _) => Some(DESCRIPTOR.into()),
        (_, _, given) => given.clone().map(Cow::Owned),
    }
}

/// Returns what the network and Stripe's rules said; nothing while a debit is pending.
fn outcome(id: &Id, method: &PaymentMethod, reply: Reply) -> Option<ChargeOutcome> {
    let nature = match &method.means {
        Means::Card(card) => card.test.nature,
        _ => Nature::Plain,
    };
    let score = Dice::new(hash(id), "risk").below(60) + 1;
    let (level, score) = match nature {
        Nature::Blocked => ("highest", score.max(40) + 40),
        Nature::Risky => ("elevated", score.min(9) + 65),
        _ => ("normal", score),
    };
    let mut outcome = ChargeOutcome {
        advice_code: None,
        network_advice_code: Null,
        network_decline_code: None,
        network_status: "approved_by_network",
        reason: (nature == Nature::Risky).then_some("elevated_risk_level"),
        risk_level: level,
        risk_score: Some(score),
        seller_message: "Payment complete.",
        kind: "authorized",
    };
    match reply {
        Reply::Declined(decline) => refuse(&mut outcome, decline, nature == Nature::Blocked),
        Reply::Pending => return None,
        Reply::Paid | Reply::Held(_) => {}
    }
    Some(outcome)
}

/// Returns what the network says to a debit that arrived.
pub(super) fn settled() -> ChargeOutcome {
    ChargeOutcome {
        advice_code: None,
        network_advice_code: Null,
        network_decline_code: None,
        network_status: "approved_by_network",
        reason: None,
        risk_level: "not_assessed",
        risk_score: None,
        seller_message: "Payment complete.",
        kind: "authorized",
    }
}

fn refuse(outcome: &mut ChargeOutcome, decline: &'static Decline, blocked: bool) {
    outcome.seller_message = decline.seller_message;
    if blocked {
        outcome.network_status = "not_sent_to_network";
        outcome.reason = Some("highest_risk_level");
        outcome.kind = "blocked";
        return;
    }
    outcome.advice_code = decline.advice;
    outcome.network_decline_code = Some(decline.network_code);
    outcome.network_status = "declined_by_network";
    outcome.reason = Some(decline.decline_code);
    outcome.kind = "issuer_declined";
}
