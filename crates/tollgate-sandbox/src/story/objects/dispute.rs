//! Disputes and the balance transactions that move their money.

use crate::story::calendar::DAY;
use crate::story::json::{Blank, Json};
use crate::story::teller::Teller;

static DISPUTE: Blank = Blank::new(include_str!("dispute.json"));
static BALANCE_TRANSACTION: Blank = Blank::new(include_str!("balance_transaction.json"));

/// What a lost case costs, in minor units.
const FEE: i64 = 1_500;

/// Reasons of the card networks and their codes.
const REASONS: [(&str, &str); 4] = [
    ("fraudulent", "10.4"),
    ("subscription_canceled", "13.2"),
    ("product_not_received", "13.1"),
    ("unrecognized", "10.4"),
];

/// Returns a dispute of a whole charge that waits for an answer for nine days.
pub(in crate::story) fn dispute(teller: &mut Teller<'_>, charge: &Json) -> Json {
    let id = teller.id("dp_1");
    let (reason, code) = teller.ids.dice().pick(&REASONS);
    let card = charge.get("payment_method_details.card");
    DISPUTE
        .copy()
        .with("id", id)
        .with("amount", charge.int("amount"))
        .with("charge", charge.id())
        .with("created", teller.now)
        .with("currency", charge.get("currency"))
        .with("evidence.customer_email_address", &teller.person.email)
        .with("evidence.customer_name", &teller.person.name)
        .with("evidence_details.due_by", teller.now + 9 * DAY)
        .with("livemode", teller.cast.livemode)
        .with("network_reason_code", code)
        .with("payment_intent", charge.get("payment_intent"))
        .with("payment_method_details.card.brand", card.get("brand"))
        .with("payment_method_details.card.network", card.get("network"))
        .with("payment_method_details.card.network_reason_code", code)
        .with("reason", reason)
}

/// Returns the transaction that takes a dispute's money, or gives it back when it is won.
pub(in crate::story) fn balance_transaction(
    teller: &mut Teller<'_>,
    dispute: &Json,
    won: bool,
) -> Json {
    let (amount, fee) =
        if won { (dispute.int("amount"), 0) } else { (-dispute.int("amount"), FEE) };
    let fee_detail = Json::object([
        ("amount", fee.into()),
        ("application", Json::Null),
        ("currency", dispute.get("currency").clone()),
        ("description", "Dispute fee".into()),
        ("type", "stripe_fee".into()),
    ]);
    let word = if won { "Chargeback reversal" } else { "Chargeback withdrawal" };
    BALANCE_TRANSACTION
        .copy()
        .with("id", teller.id("txn_1"))
        .with("amount", amount)
        .with("available_on", teller.now)
        .with("created", teller.now)
        .with("currency", dispute.get("currency"))
        .with("description", format!("{word} for {}", dispute.text("charge")))
        .with("fee", fee)
        .with("fee_details", if fee == 0 { Vec::new() } else { vec![fee_detail] })
        .with("net", amount - fee)
        .with("reporting_category", if won { "dispute_reversal" } else { "dispute" })
        .with("source", dispute.id())
}
