//! Payment intents and charges.

use super::catalog::Tariff;
use crate::story::json::{Blank, Json};
use crate::story::people::shop;
use crate::story::teller::Teller;

static PAYMENT_INTENT: Blank = Blank::new(include_str!("payment_intent.json"));
static CHARGE: Blank = Blank::new(include_str!("charge.json"));

/// Returns a payment intent for an amount that is not tried yet.
pub(in crate::story) fn payment_intent(
    teller: &mut Teller<'_>,
    tariff: &Tariff,
    amount: i64,
    description: &str,
) -> Json {
    let id = teller.id("pi_3");
    let secret = format!("{id}_secret_{}", teller.ids.plain("", 25));
    PAYMENT_INTENT
        .copy()
        .with("id", id)
        .with("amount", amount)
        .with("client_secret", secret)
        .with("created", teller.now)
        .with("currency", tariff.currency)
        .with("customer", &teller.cast.customer)
        .with("description", description.to_owned())
        .with("livemode", teller.cast.livemode)
        .with("setup_future_usage", "off_session")
}

/// Returns the charge of a payment intent with the person's card; it succeeds.
pub(in crate::story) fn charge(teller: &mut Teller<'_>, intent: &Json) -> Json {
    let id = teller.id("ch_3");
    let amount = intent.int("amount");
    let mut charge = CHARGE
        .copy()
        .with("amount", amount)
        .with("amount_captured", amount)
        .with("balance_transaction", teller.id("txn_3"))
        .with("billing_details", teller.person.billing_details())
        .with("calculated_statement_descriptor", descriptor(teller))
        .with("created", teller.now)
        .with("outcome.risk_score", teller.ids.dice().between(1, 60))
        .with("payment_intent", intent.id())
        .with("receipt_url", receipt_url(teller, &id))
        .with("refunds.url", format!("/v1/charges/{id}/refunds"))
        .with("id", id);
    for key in
        ["currency", "customer", "description", "invoice", "livemode", "metadata", "payment_method"]
    {
        charge.set(key, intent.get(key));
    }
    write_card(teller, &mut charge, amount);
    charge
}

fn write_card(teller: &mut Teller<'_>, charge: &mut Json, amount: i64) {
    let network_id = teller.ids.dice().decimals(15);
    let code = teller.ids.dice().decimals(6);
    let card = &teller.person.card;
    let details = charge.slot("payment_method_details.card");
    details.set("amount_authorized", amount);
    details.set("authorization_code", code);
    details.set("brand", card.brand);
    details.set("country", card.country);
    details.set("exp_month", card.exp_month);
    details.set("exp_year", card.exp_year);
    details.set("fingerprint", &card.fingerprint);
    details.set("funding", card.funding);
    details.set("last4", &card.last4);
    details.set("network", card.network);
    details.set("network_transaction_id", network_id);
    details.set("overcapture.maximum_amount_capturable", amount);
}

/// Turns a charge into one that the bank refused.
pub(in crate::story) fn refuse(charge: &mut Json, decline_code: &'static str) {
    for (key, value) in [
        ("amount_captured", Json::Int(0)),
        ("balance_transaction", Json::Null),
        ("captured", false.into()),
        ("failure_code", "card_declined".into()),
        ("failure_message", declined(decline_code).into()),
        ("outcome.network_decline_code", "51".into()),
        ("outcome.network_status", "declined_by_network".into()),
        ("outcome.reason", decline_code.into()),
        ("outcome.seller_message", refusal(decline_code).into()),
        ("outcome.type", "issuer_declined".into()),
        ("paid", false.into()),
        ("payment_method_details.card.authorization_code", Json::Null),
        ("receipt_url", Json::Null),
        ("status", "failed".into()),
    ] {
        charge.set(key, value);
    }
}

/// Returns `last_payment_error` of an intent whose charge was refused.
pub(in crate::story) fn payment_error(
    charge: &Json,
    method: &Json,
    decline_code: &'static str,
) -> Json {
    Json::object([
        ("charge", charge.id()),
        ("code", "card_declined".into()),
        ("decline_code", decline_code.into()),
        ("doc_url", "https://stripe.com/docs/error-codes/card-declined".into()),
        ("message", declined(decline_code).into()),
        ("payment_method", method.clone()),
        ("type", "card_error".into()),
    ])
}

fn declined(decline_code: &str) -> &'static str {
    match decline_code {
        "insufficient_funds" => "Your card has insufficient funds.",
        "expired_card" => "Your card has expired.",
        _ => "Your card was declined.",
    }
}

fn refusal(decline_code: &str) -> String {
    format!("The bank returned the decline code `{decline_code}`.")
}

fn receipt_url(teller: &mut Teller<'_>, charge: &str) -> String {
    let token = teller.ids.plain("", 64);
    format!("https://pay.stripe.com/receipts/payment/{charge}/{token}")
}

fn descriptor(teller: &Teller<'_>) -> String {
    shop(&teller.cast.product).to_uppercase()
}
