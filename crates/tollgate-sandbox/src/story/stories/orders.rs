//! One-time purchases: paid at once, days later or never, by known customers and by guests.

use super::life::meet;
use crate::story::calendar::{DAY, HOUR};
use crate::story::json::Json;
use crate::story::objects::catalog::Tariff;
use crate::story::objects::payment::{charge, payment_intent};
use crate::story::objects::session::{self, Mode, session};
use crate::story::teller::Teller;

/// An order: its Checkout session, its payment and its charge.
#[derive(Debug)]
pub(super) struct Order {
    page: Json,
    pub intent: Json,
    pub charge: Json,
}

/// A one-time purchase, paid by card.
pub(in crate::story) fn one_time_purchase(teller: &mut Teller<'_>) {
    paid_order(teller);
}

/// A one-time purchase by someone who has no customer.
pub(in crate::story) fn guest_purchase(teller: &mut Teller<'_>) {
    let mut order = place(teller, true);
    pay(teller, &mut order);
    complete(teller, &mut order, "paid");
}

/// Orders and pays.
pub(super) fn paid_order(teller: &mut Teller<'_>) -> Order {
    meet(teller);
    let mut order = place(teller, false);
    pay(teller, &mut order);
    complete(teller, &mut order, "paid");
    order
}

/// A session that nobody completes in a day.
pub(in crate::story) fn checkout_expired(teller: &mut Teller<'_>) {
    meet(teller);
    teller.wait(8);
    let mut page = session(teller, &Tariff::of(teller.cast), Mode::Subscription);
    teller.wait(DAY);
    teller.by_itself();
    page.set("status", "expired");
    page.set("url", Json::Null);
    teller.tell("checkout.session.expired", &page);
}

/// A purchase by direct debit, which arrives days later.
pub(in crate::story) fn delayed_payment(teller: &mut Teller<'_>) {
    let mut order = debit(teller);
    order.intent.set("amount_received", order.intent.int("amount"));
    settle(teller, &mut order, "succeeded", "charge.succeeded", "payment_intent.succeeded");
    order.page.set("payment_status", "paid");
    teller.tell("checkout.session.async_payment_succeeded", &order.page);
}

/// A purchase by direct debit that the bank returns.
pub(in crate::story) fn delayed_payment_failed(teller: &mut Teller<'_>) {
    let mut order = debit(teller);
    for (key, value) in [
        ("balance_transaction", Json::Null),
        ("failure_code", "insufficient_funds".into()),
        ("failure_message", "The customer's account has insufficient funds.".into()),
        ("outcome", Json::Null),
        ("paid", false.into()),
        ("receipt_url", Json::Null),
    ] {
        order.charge.set(key, value);
    }
    let error = Json::object([
        ("charge", order.charge.id()),
        ("code", "payment_intent_payment_attempt_failed".into()),
        ("message", "The payment failed.".into()),
        ("payment_method_type", "sepa_debit".into()),
        ("type", "invalid_request_error".into()),
    ]);
    order.intent.set("last_payment_error", error);
    settle(teller, &mut order, "failed", "charge.failed", "payment_intent.payment_failed");
    teller.tell("checkout.session.async_payment_failed", &order.page);
}

/// An amount is held on a card and captured two days later.
pub(in crate::story) fn authorize_capture(teller: &mut Teller<'_>) {
    let mut order = hold(teller);
    teller.wait(2 * DAY);
    teller.by_request();
    let amount = order.intent.int("amount");
    let balance = teller.id("txn_3");
    teller.change("charge.captured", &mut order.charge, |charge| {
        charge.set("amount_captured", amount);
        charge.set("balance_transaction", balance);
        charge.set("captured", true);
    });
    order.intent.set("amount_capturable", 0);
    order.intent.set("amount_received", amount);
    order.intent.set("latest_charge", order.charge.clone());
    order.intent.set("status", "succeeded");
    teller.tell("payment_intent.succeeded", &order.intent);
}

/// An amount is held on a card and never captured: the hold ends after a week.
pub(in crate::story) fn authorize_expired(teller: &mut Teller<'_>) {
    let mut order = hold(teller);
    teller.wait(7 * DAY);
    teller.by_itself();
    let amount = order.charge.int("amount");
    order.charge.set("amount_refunded", amount);
    order.charge.set("refunded", true);
    teller.tell("charge.expired", &order.charge);
    order.intent.set("amount_capturable", 0);
    order.intent.set("canceled_at", teller.now);
    order.intent.set("cancellation_reason", "automatic");
    order.intent.set("latest_charge", order.charge.clone());
    order.intent.set("status", "canceled");
    teller.tell("payment_intent.canceled", &order.intent);
}

/// A buyer fills in the payment page; the payment exists but is not tried.
fn place(teller: &mut Teller<'_>, guest: bool) -> Order {
    let tariff = Tariff::once(teller.cast);
    teller.wait(12);
    let mut page = session(teller, &tariff, Mode::Payment);
    teller.wait_between(40, 300);
    teller.by_request();
    let mut intent = payment_intent(teller, &tariff, tariff.amount, &tariff.name());
    intent.set("metadata", page.get("metadata"));
    intent.set("payment_method", teller.id("pm_1"));
    intent.set("setup_future_usage", Json::Null);
    page.set("payment_intent", intent.id());
    if guest {
        page.set("customer", Json::Null);
        page.set("customer_creation", "if_required");
        intent.set("customer", Json::Null);
    }
    teller.tell("payment_intent.created", &intent);
    Order { page, intent, charge: Json::Null }
}

fn pay(teller: &mut Teller<'_>, order: &mut Order) {
    order.charge = charge(teller, &order.intent);
    order.intent.set("amount_received", order.intent.int("amount"));
    order.intent.set("latest_charge", order.charge.clone());
    order.intent.set("status", "succeeded");
    teller.tell("charge.succeeded", &order.charge);
    teller.tell("payment_intent.succeeded", &order.intent);
}

fn complete(teller: &mut Teller<'_>, order: &mut Order, status: &'static str) {
    session::complete(teller, &mut order.page, status);
    teller.by_itself();
    teller.tell("checkout.session.completed", &order.page);
}

/// Orders by direct debit: complete, but unpaid for now.
fn debit(teller: &mut Teller<'_>) -> Order {
    meet(teller);
    let mut order = place(teller, false);
    order.charge = charge(teller, &order.intent);
    let details = debit_details(teller);
    let charge = &mut order.charge;
    charge.set("amount_captured", 0);
    charge.set("balance_transaction", Json::Null);
    charge.set("captured", false);
    charge.set("paid", false);
    charge.set("payment_method_details", details);
    charge.set("receipt_url", Json::Null);
    charge.set("status", "pending");
    let intent = &mut order.intent;
    let options = Json::object([("sepa_debit", Json::Object(Vec::new()))]);
    intent.set("latest_charge", charge.clone());
    intent.set("payment_method_options", options);
    intent.set("payment_method_types", vec!["sepa_debit".into()]);
    intent.set("status", "processing");
    order.page.set("payment_method_types", vec!["card".into(), "sepa_debit".into()]);
    teller.tell("charge.pending", &order.charge);
    teller.tell("payment_intent.processing", &order.intent);
    complete(teller, &mut order, "unpaid");
    order
}

fn debit_details(teller: &mut Teller<'_>) -> Json {
    let mandate = teller.id("mandate_1");
    let country = teller.person.country;
    let dice = teller.ids.dice();
    let debit = Json::object([
        ("bank_code", dice.decimals(8).into()),
        ("branch_code", Json::Null),
        ("country", country.into()),
        ("fingerprint", dice.word(16).into()),
        ("last4", dice.decimals(4).into()),
        ("mandate", mandate.into()),
    ]);
    Json::object([("sepa_debit", debit), ("type", "sepa_debit".into())])
}

/// Four days later the bank has answered.
fn settle(
    teller: &mut Teller<'_>,
    order: &mut Order,
    status: &'static str,
    charge_event: &'static str,
    intent_event: &'static str,
) {
    teller.wait(4 * DAY + HOUR);
    teller.by_itself();
    let paid = status == "succeeded";
    if paid {
        order.charge.set("amount_captured", order.charge.int("amount"));
        order.charge.set("balance_transaction", teller.id("txn_3"));
        order.charge.set("captured", true);
        order.charge.set("paid", true);
    }
    order.charge.set("status", status);
    order.intent.set("latest_charge", order.charge.clone());
    order.intent.set("status", if paid { "succeeded" } else { "requires_payment_method" });
    teller.tell(charge_event, &order.charge);
    teller.tell(intent_event, &order.intent);
}

/// A payment outside Checkout that holds the amount.
fn hold(teller: &mut Teller<'_>) -> Order {
    meet(teller);
    teller.wait(30);
    let mut order = place(teller, false);
    order.intent.set("capture_method", "manual");
    teller.wait(20);
    teller.by_request();
    order.charge = charge(teller, &order.intent);
    let amount = order.intent.int("amount");
    order.charge.set("amount_captured", 0);
    order.charge.set("balance_transaction", Json::Null);
    order.charge.set("captured", false);
    order.intent.set("amount_capturable", amount);
    order.intent.set("latest_charge", order.charge.clone());
    order.intent.set("status", "requires_capture");
    teller.tell("charge.succeeded", &order.charge);
    teller.tell("payment_intent.amount_capturable_updated", &order.intent);
    complete(teller, &mut order, "unpaid");
    order
}
