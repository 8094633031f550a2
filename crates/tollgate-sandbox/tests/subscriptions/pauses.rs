//! Paused subscriptions, and how they go on.

use serde_json::json;
use tollgate_sandbox::Method;

use crate::market::{Market, lines, text};
use crate::world::{DAY, START};

fn paused() -> (Market, serde_json::Value) {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let sub = market.subscribe(&[("items[0][price]", "@100")]);
    market.days(15);
    market.told();
    let after = market.post(&format!("/v1/subscriptions/{}/pause", text(&sub["id"])), &[]);
    (market, after)
}

#[test]
fn a_pause_gives_back_unused_time_with_the_next_invoice() {
    let (mut market, sub) = paused();
    assert_eq!(sub["status"], json!("paused"));
    assert_eq!(sub["status_details"]["paused"]["subscription"]["type"], json!("pause_requested"),);
    assert_eq!(
        market.told(),
        ["invoiceitem.created", "customer.subscription.updated", "customer.subscription.paused"],
    );
    market.days(60);
    assert_eq!(market.told(), [""; 0], "nothing comes while it is paused");
    let resume = format!("/v1/subscriptions/{}/resume", text(&sub["id"]));
    let after = market.post(&resume, &[]);
    assert_eq!(after["status"], json!("active"));
    assert_eq!(after["status_details"], json!(null));
    let invoice = market.latest(&sub);
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(5_000), &json!("paid")));
    let told = market.told();
    assert_eq!(
        told[told.len() - 2..],
        ["customer.subscription.updated", "customer.subscription.resumed"],
    );
    assert_eq!(market.refused(Method::Post, &resume, &[]).0, 400);
    market.days(31);
    assert_eq!(market.latest(&sub)["total"], json!(10_000));
}

#[test]
fn a_pause_can_give_back_at_once_or_not_at_all() {
    for (params, total) in [
        (vec![("invoicing_behavior", "invoice")], Some(-5_000)),
        (vec![("bill_for[unused_time_from][type]", "none")], None),
        (
            vec![
                ("invoicing_behavior", "invoice"),
                ("bill_for[unused_time_from][type]", "item_current_period_start"),
            ],
            Some(-10_000),
        ),
    ] {
        let mut market = Market::new();
        market.sandbox.world.advance(START + 90 * DAY);
        let sub = market.subscribe(&[("items[0][price]", "@100")]);
        market.days(15);
        market.post(&format!("/v1/subscriptions/{}/pause", text(&sub["id"])), &params);
        let invoices = market.invoices(&sub);
        match total {
            Some(total) => assert_eq!(invoices[0]["total"], json!(total), "{params:?}"),
            None => assert_eq!(invoices.len(), 1),
        }
    }
}

#[test]
fn an_unchanged_anchor_bills_the_rest_of_the_period() {
    let (mut market, sub) = paused();
    market.days(5);
    let resume = format!("/v1/subscriptions/{}/resume", text(&sub["id"]));
    let after = market.post(
        &resume,
        &[("billing_cycle_anchor[type]", "unchanged"), ("proration_behavior", "always_invoice")],
    );
    assert_eq!(after["billing_cycle_anchor"], sub["billing_cycle_anchor"]);
    let invoice = market.latest(&sub);
    let mut amounts: Vec<i64> = lines(&invoice).iter().map(|line| line.0).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [-5_000, 3_333], "ten of 30 days are charged, fifteen were given back");
}

#[test]
fn a_resumption_may_wait_for_its_payment() {
    for pays in [true, false] {
        let (mut market, sub) = paused();
        let customer = market.id("customer");
        market.give(&customer, "pm_card_chargeCustomerFail");
        let resume = format!("/v1/subscriptions/{}/resume", text(&sub["id"]));
        let waits = [("payment_behavior", "resume_on_payment_success")];
        let after = market.post(&resume, &waits);
        assert_eq!(after["status"], json!("paused"));
        let invoice = text(&after["latest_invoice"]);
        market.told();
        if pays {
            market.give(&customer, "pm_card_visa");
            market.told();
            market.post(&format!("/v1/invoices/{invoice}/pay"), &[]);
            assert_eq!(market.now(&sub)["status"], json!("active"));
            assert!(market.told().contains(&"customer.subscription.resumed".to_owned()));
        } else {
            market.sandbox.pass(23 * 3_600);
            assert_eq!(market.get(&format!("/v1/invoices/{invoice}"))["status"], json!("void"));
            assert_eq!(market.now(&sub)["status"], json!("paused"));
        }
    }
}

#[test]
fn an_attempt_is_enough_unless_it_is_asked_for_more() {
    let (mut market, sub) = paused();
    let customer = market.id("customer");
    market.give(&customer, "pm_card_chargeCustomerFail");
    let resume = format!("/v1/subscriptions/{}/resume", text(&sub["id"]));
    assert_eq!(market.post(&resume, &[])["status"], json!("past_due"));
}
