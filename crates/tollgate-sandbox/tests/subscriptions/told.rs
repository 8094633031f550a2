//! The exact events of each flow, in their order.

use tollgate_sandbox::Method;

use crate::market::{Market, item, text};
use crate::world::DAY;

const DECLINES: &str = "pm_card_chargeCustomerFail";

/// Compares the events since the last time with a list, one word a line.
fn heard(market: &mut Market, wanted: &str) {
    let told = market.told().join("\n");
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    assert_eq!(told, wanted.join("\n"));
}

#[test]
fn a_subscription_that_is_paid_at_once() {
    let mut market = Market::new();
    market.subscribe(&[("items[0][price]", "@10")]);
    heard(
        &mut market,
        "customer.updated invoice.created payment_intent.created invoice.finalized \
         charge.succeeded payment_intent.succeeded invoice.updated invoice.paid \
         invoice.payment_succeeded invoice_payment.paid customer.subscription.created",
    );
}

#[test]
fn a_subscription_whose_card_is_declined_and_then_paid() {
    let mut market = Market::new();
    let customer = market.customer(DECLINES);
    market.told();
    let sub = market.subscribe(&[("customer", &customer), ("items[0][price]", "@10")]);
    heard(
        &mut market,
        "customer.updated invoice.created payment_intent.created invoice.finalized \
         charge.failed payment_intent.payment_failed invoice.updated invoice.payment_failed \
         customer.subscription.created",
    );
    market.give(&customer, "pm_card_visa");
    market.told();
    market.post(&format!("/v1/invoices/{}/pay", text(&sub["latest_invoice"])), &[]);
    heard(
        &mut market,
        "charge.succeeded payment_intent.succeeded invoice.updated invoice.paid \
         invoice.payment_succeeded customer.subscription.updated invoice_payment.paid",
    );
}

#[test]
fn a_subscription_that_waits_for_its_first_payment() {
    let mut market = Market::new();
    market.subscribe(&[("items[0][price]", "@10"), ("payment_behavior", "default_incomplete")]);
    heard(
        &mut market,
        "customer.updated invoice.created payment_intent.created invoice.finalized \
         customer.subscription.created",
    );
}

#[test]
fn a_renewal_that_is_declined_until_the_end() {
    let mut market = Market::new();
    market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    market.days(31);
    market.told();
    market.sandbox.pass(3_600 + 15 * DAY);
    heard(
        &mut market,
        "payment_intent.created invoice.finalized charge.failed payment_intent.payment_failed \
         invoice.updated invoice.payment_failed customer.updated \
         customer.subscription.updated charge.failed payment_intent.payment_failed \
         invoice.updated invoice.payment_failed charge.failed payment_intent.payment_failed \
         invoice.updated invoice.payment_failed charge.failed payment_intent.payment_failed \
         invoice.updated invoice.payment_failed customer.subscription.deleted",
    );
}

#[test]
fn an_update_that_is_billed_and_declined() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    market.told();
    market.update(
        &sub,
        &[
            ("items[0][id]", &item(&sub, 0)),
            ("items[0][price]", "@100"),
            ("proration_behavior", "always_invoice"),
        ],
    );
    heard(
        &mut market,
        "invoiceitem.created invoiceitem.created invoice.created payment_intent.created \
         invoice.finalized charge.failed payment_intent.payment_failed invoice.updated \
         invoice.payment_failed customer.subscription.updated",
    );
}

#[test]
fn a_pending_update_that_is_paid() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    let waits = market.update(
        &sub,
        &[
            ("items[0][id]", &item(&sub, 0)),
            ("items[0][price]", "@100"),
            ("proration_behavior", "always_invoice"),
            ("payment_behavior", "pending_if_incomplete"),
        ],
    );
    market.give(&customer, "pm_card_visa");
    market.told();
    market.post(&format!("/v1/invoices/{}/pay", text(&waits["latest_invoice"])), &[]);
    heard(
        &mut market,
        "charge.succeeded payment_intent.succeeded invoice.updated invoice.paid \
         invoice.payment_succeeded customer.subscription.updated \
         customer.subscription.pending_update_applied invoice_payment.paid",
    );
}

#[test]
fn a_cancellation_that_is_prorated_and_billed() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    market.days(10);
    market.told();
    let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
    market.ask(Method::Delete, &path, &[("prorate", "true"), ("invoice_now", "true")]);
    heard(
        &mut market,
        "invoiceitem.created invoice.created customer.updated invoice.finalized \
         invoice.updated invoice.paid invoice.payment_succeeded customer.subscription.deleted",
    );
}
