//! Recipes about payments, refunds and disputes.

use super::{CLOCK, CLOCKED, CUSTOMER, NO_CARD, Recipe, Step, advance, get, post, recipe};

const WAITING: Step =
    post("payment", "/v1/payment_intents", "amount=2000&currency=usd&customer={customer}");
const PAID: Step =
    pay("amount=2000&currency=usd&confirm=true&customer={customer}&payment_method=pm_card_visa\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
const DECLINED: Step =
    pay("amount=2000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never")
    .refused();
const ASKED: Step =
    pay("amount=2000&currency=usd&confirm=true&payment_method=pm_card_authenticationRequired\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
const HELD: Step =
    pay("amount=2000&currency=usd&confirm=true&customer={customer}&payment_method=pm_card_visa\
     &capture_method=manual\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
const CLOCKED_HELD: Step =
    pay("amount=2000&currency=usd&confirm=true&customer={clocked}&payment_method=pm_card_visa\
     &capture_method=manual\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
const CAPTURED: Step = post("captured", "/v1/payment_intents/{payment}/capture", "");
const BANK: Step = post(
    "bank",
    "/v1/payment_methods",
    "type=sepa_debit&sepa_debit[iban]=AT611904300234573201\
     &billing_details[name]=Sandbox Customer&billing_details[email]=customer@example.com",
);
const DEBITED: Step =
    pay("amount=2000&currency=eur&confirm=true&customer={customer}&payment_method={bank}\
     &mandate_data[customer_acceptance][type]=offline\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
const REFUND: Step = post("refund", "/v1/refunds", "payment_intent={payment}");
const TOLD: Step = post("told", "/v1/refunds/{refund}", "metadata[seen]={now}");
const DISPUTED: Step =
    pay("amount=2000&currency=usd&confirm=true&payment_method=pm_card_createDispute\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
const CLOCKED_DISPUTED: Step = pay("amount=2000&currency=usd&confirm=true&customer={clocked}\
     &payment_method=pm_card_createDispute\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never");
/// The card of this payment is gone when its money comes back.
const NOT_REFUNDED: Step = pay(
    "amount=2000&currency=usd&confirm=true&customer={clocked}&payment_method=pm_card_refundFail\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
);
const DISPUTES: Step = get("disputes", "/v1/disputes", "payment_intent={payment}");
const WON: Step = post(
    "won",
    "/v1/disputes/{disputes:data.0}",
    "evidence[uncategorized_text]=winning_evidence&submit=true",
);
const SETUP: Step = post(
    "setup",
    "/v1/setup_intents",
    "customer={customer}&payment_method=pm_card_visa&confirm=true\
     &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
);
const SETUP_WAITING: Step = post("setup", "/v1/setup_intents", "customer={customer}");

const fn pay(form: &'static str) -> Step {
    post("payment", "/v1/payment_intents", form)
}

pub(super) const RECIPES: &[Recipe] = &[
    recipe("payment_intent.created", &[CUSTOMER, WAITING]),
    recipe("payment_intent.succeeded", &[CUSTOMER, PAID]),
    recipe("payment_intent.payment_failed", &[DECLINED]),
    recipe("payment_intent.requires_action", &[ASKED]),
    recipe("payment_intent.processing", &[CUSTOMER, BANK, DEBITED]),
    recipe(
        "payment_intent.canceled",
        &[CUSTOMER, WAITING, post("canceled", "/v1/payment_intents/{payment}/cancel", "")],
    ),
    recipe("payment_intent.amount_capturable_updated", &[CUSTOMER, HELD]),
    recipe("charge.succeeded", &[CUSTOMER, PAID]),
    recipe("charge.failed", &[DECLINED]),
    recipe("charge.pending", &[CUSTOMER, BANK, DEBITED]),
    recipe("charge.expired", &[CLOCK, CLOCKED, CLOCKED_HELD, advance("frozen_time={now:8d}")]),
    recipe("charge.captured", &[CUSTOMER, HELD, CAPTURED]),
    recipe(
        "charge.updated",
        &[CUSTOMER, PAID, post("told", "/v1/charges/{payment:latest_charge}", "metadata[seen]={now}")],
    ),
    recipe("charge.refunded", &[CUSTOMER, PAID, REFUND]),
    recipe("charge.refund.updated", &[CUSTOMER, PAID, REFUND, TOLD]),
    recipe("refund.created", &[CUSTOMER, PAID, REFUND]),
    recipe("refund.updated", &[CUSTOMER, PAID, REFUND, TOLD]),
    recipe(
        "refund.failed",
        &[CLOCK, CLOCKED, NOT_REFUNDED, REFUND, advance("frozen_time={now:60d}")],
    ),
    recipe("charge.dispute.created", &[DISPUTED]),
    recipe("charge.dispute.funds_withdrawn", &[DISPUTED]),
    recipe(
        "charge.dispute.updated",
        &[
            DISPUTED,
            DISPUTES,
            post("told", "/v1/disputes/{disputes:data.0}", "metadata[seen]={now}"),
        ],
    ),
    recipe(
        "charge.dispute.closed",
        &[DISPUTED, DISPUTES, post("closed", "/v1/disputes/{disputes:data.0}/close", "")],
    ),
    recipe(
        "charge.dispute.funds_reinstated",
        &[CLOCK, CLOCKED, CLOCKED_DISPUTED, DISPUTES, WON, advance("frozen_time={now:30d}")],
    ),
    recipe("setup_intent.created", &[CUSTOMER, SETUP_WAITING]),
    recipe("setup_intent.succeeded", &[CUSTOMER, SETUP]),
    recipe(
        "setup_intent.setup_failed",
        &[NO_CARD, post(
            "setup",
            "/v1/setup_intents",
            "customer={new}&payment_method=pm_card_chargeDeclined&confirm=true\
             &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
        )
        .refused()],
    ),
    recipe(
        "setup_intent.requires_action",
        &[NO_CARD, post(
            "setup",
            "/v1/setup_intents",
            "customer={new}&payment_method=pm_card_authenticationRequired&confirm=true\
             &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
        )],
    ),
    recipe(
        "setup_intent.canceled",
        &[CUSTOMER, SETUP_WAITING, post("canceled", "/v1/setup_intents/{setup}/cancel", "")],
    ),
];
