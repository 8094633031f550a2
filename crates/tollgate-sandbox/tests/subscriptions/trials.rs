//! Trials: how they begin, are told of, end and are ended; anchors beside them.

use serde_json::{Value, json};

use crate::market::{Market, item, lines, text};
use crate::world::{DAY, START};

#[test]
fn a_trial_is_told_of_three_days_before_it_ends_and_then_billed() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10"), ("trial_period_days", "14")]);
    assert_eq!(sub["status"], json!("trialing"));
    let invoice = market.latest(&sub);
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(0), &json!("paid")));
    market.told();
    market.days(11);
    assert_eq!(market.told(), ["invoice.upcoming", "customer.subscription.trial_will_end"]);
    market.days(3);
    let told = market.told();
    assert_eq!(told, ["invoice.created", "customer.subscription.updated"]);
    let after = market.now(&sub);
    assert_eq!(after["status"], json!("active"));
    assert_eq!(after["billing_cycle_anchor"], json!(START + 14 * DAY));
    market.sandbox.pass(3_601);
    assert_eq!(market.latest(&sub)["total"], json!(1_000));
    assert_eq!(market.latest(&sub)["status"], json!("paid"));
}

#[test]
fn a_short_trial_is_told_of_at_once() {
    let mut market = Market::new();
    market.subscribe(&[("items[0][price]", "@10"), ("trial_period_days", "2")]);
    let told = market.told();
    assert_eq!(
        told[told.len() - 2..],
        ["customer.subscription.created", "customer.subscription.trial_will_end"],
    );
}

#[test]
fn a_trial_is_ended_by_a_call() {
    for mode in ["classic", "flexible"] {
        let mut market = Market::new();
        let sub = market.subscribe(&[
            ("items[0][price]", "@10"),
            ("trial_period_days", "14"),
            ("billing_mode[type]", mode),
        ]);
        market.days(5);
        market.told();
        let preview = market.preview(&sub, &[("trial_end", "now")]);
        let after = market.update(&sub, &[("trial_end", "now")]);
        let now = market.sandbox.world.now();
        assert_eq!((&after["status"], &after["trial_end"]), (&json!("active"), &json!(now)));
        let invoice = market.latest(&sub);
        assert_eq!((&invoice["total"], &invoice["status"]), (&json!(1_000), &json!("paid")));
        assert_eq!(preview["total"], invoice["total"]);
        let told = market.told();
        let updated = told.iter().filter(|kind| *kind == "customer.subscription.updated").count();
        assert_eq!((updated, told.first().unwrap().as_str()), (1, "invoice.created"), "{told:?}");
        assert_eq!(told.last().unwrap(), "customer.subscription.trial_will_end");
    }
}

#[test]
fn the_end_of_a_trial_is_told_of_once() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10"), ("trial_period_days", "2")]);
    market.told();
    market.update(&sub, &[("trial_end", "now")]);
    let told = market.told();
    assert!(!told.contains(&"customer.subscription.trial_will_end".to_owned()), "{told:?}");
}

#[test]
fn a_trial_can_begin_in_a_paid_month_and_be_made_longer() {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let sub = market.subscribe(&[("items[0][price]", "@200")]);
    market.days(10);
    let end = (START + 114 * DAY).to_string();
    let after = market.update(&sub, &[("trial_end", end.as_str())]);
    assert_eq!(after["status"], json!("trialing"));
    let invoice = market.latest(&sub);
    assert_eq!(lines(&invoice).iter().map(|line| line.0).collect::<Vec<_>>(), [-13_333, 0]);
    let end = (START + 120 * DAY).to_string();
    let longer = market.update(&sub, &[("trial_end", end.as_str())]);
    assert_eq!(longer["trial_end"], json!(START + 120 * DAY));
    assert_eq!(longer["billing_cycle_anchor"], json!(START + 120 * DAY));
    assert_eq!(market.latest(&sub)["total"], json!(0));
    market.days(21);
    let invoice = market.latest(&sub);
    assert_eq!(invoice["total"], json!(20_000));
    assert_eq!(invoice["amount_due"], json!(6_667), "the credit of 133.33 was kept");
}

#[test]
fn without_a_payment_method_a_trial_ends_as_it_was_asked_to() {
    for (missing, status, told) in [
        ("create_invoice", "active", vec!["invoice.created", "customer.subscription.updated"]),
        ("cancel", "canceled", vec!["customer.subscription.deleted"]),
        ("pause", "paused", vec!["customer.subscription.updated", "customer.subscription.paused"]),
    ] {
        let mut market = Market::new();
        let customer = market.customer("");
        let sub = market.subscribe(&[
            ("customer", &customer),
            ("items[0][price]", "@10"),
            ("trial_period_days", "7"),
            ("trial_settings[end_behavior][missing_payment_method]", missing),
        ]);
        market.sandbox.pass(7 * DAY - 1);
        market.told();
        market.sandbox.pass(1);
        assert_eq!(market.told(), told, "{missing}");
        assert_eq!(market.now(&sub)["status"], json!(status), "{missing}");
    }
}

#[test]
fn after_a_trial_the_time_until_a_later_anchor_is_billed_by_the_second() {
    for (behavior, total) in [("create_prorations", Some(10_000 * 17 / 28)), ("none", None)] {
        let mut market = Market::new();
        let anchor = (START + 31 * DAY + 27 * DAY).to_string();
        // The trial ends on 10 February; the anchor is 28 February, one month after 28 January.
        let end = (START + 40 * DAY).to_string();
        let sub = market.subscribe(&[
            ("items[0][price]", "@100"),
            ("trial_end", &end),
            ("billing_cycle_anchor", &anchor),
            ("proration_behavior", behavior),
        ]);
        assert_eq!(sub["billing_cycle_anchor"].to_string(), anchor);
        market.days(41);
        let invoice = market.latest(&sub);
        let found = invoice["total"].as_i64().unwrap();
        match total {
            Some(_) => assert_eq!(found, 5_806, "18 of the 31 days from 28 January on"),
            None => assert_eq!(found, 0),
        }
        market.days(18);
        assert_eq!(market.latest(&sub)["total"], json!(10_000));
        assert_eq!(
            market.now(&sub)["items"]["data"][0]["current_period_start"].to_string(),
            anchor,
        );
    }
}

#[test]
fn an_anchor_ahead_bills_a_part_or_nothing() {
    for (behavior, invoices) in [("create_prorations", 1), ("none", 0)] {
        let mut market = Market::new();
        let anchor = (START + 10 * DAY).to_string();
        let sub = market.subscribe(&[
            ("items[0][price]", "@100"),
            ("billing_cycle_anchor", &anchor),
            ("proration_behavior", behavior),
        ]);
        assert_eq!(sub["status"], json!("active"), "{behavior}");
        let found = market.invoices(&sub);
        assert_eq!(found.len(), invoices, "{behavior}");
        if let Some(invoice) = found.first() {
            // Ten of the 31 days from 11 December to 11 January.
            assert_eq!(invoice["total"], json!(3_226));
            assert_eq!(lines(invoice)[0].1, "Remaining time on 100 after 01 Jan 2027");
        }
        market.days(11);
        assert_eq!(market.latest(&sub)["total"], json!(10_000), "{behavior}");
    }
}

#[test]
fn a_change_within_a_trial_costs_nothing() {
    for (mode, invoiced) in [("classic", 1), ("flexible", 2)] {
        let mut market = Market::new();
        let sub = market.subscribe(&[
            ("items[0][price]", "@10"),
            ("trial_period_days", "14"),
            ("billing_mode[type]", mode),
        ]);
        market.days(3);
        let after = market.update(
            &sub,
            &[
                ("items[0][id]", &item(&sub, 0)),
                ("items[0][price]", "@100"),
                ("proration_behavior", "always_invoice"),
            ],
        );
        assert_eq!(after["status"], json!("trialing"));
        let invoices = market.invoices(&sub);
        assert_eq!(invoices.len(), invoiced, "{mode}");
        assert!(invoices.iter().all(|invoice| invoice["total"] == json!(0)), "{mode}");
        market.days(12);
        assert_eq!(market.latest(&sub)["total"], json!(10_000), "{mode}");
        let _ = text(&after["id"]);
    }
}

#[test]
fn a_trial_without_a_payment_method_asks_for_one() {
    let mut market = Market::new();
    let customer = market.customer("");
    let sub = market.subscribe(&[
        ("customer", &customer),
        ("items[0][price]", "@10"),
        ("trial_period_days", "14"),
    ]);
    let intent = text(&sub["pending_setup_intent"]);
    let asked = market.get(&format!("/v1/setup_intents/{intent}"));
    assert_eq!(asked["status"], json!("requires_payment_method"));
    market.told();
    market.post(
        &format!("/v1/setup_intents/{intent}/confirm"),
        &[("payment_method", "pm_card_visa")],
    );
    let after = market.now(&sub);
    assert_eq!(after["pending_setup_intent"], json!(null));
    assert!(after["default_payment_method"].is_string());
    assert_eq!(market.told().last().unwrap(), "customer.subscription.updated");
    market.days(15);
    assert_eq!(market.latest(&sub)["status"], json!("paid"));
}

#[test]
fn a_trial_that_is_ended_with_a_payment_method_is_charged_to_it() {
    for missing in ["cancel", "pause"] {
        let mut market = Market::new();
        let sub = trial_without_a_card(&mut market, missing);
        let trial = [("trial_end", "now"), ("default_payment_method", "pm_card_visa")];
        let after = market.update(&sub, &trial);
        assert_eq!(after["status"], json!("active"), "{missing}");
        let invoice = market.latest(&sub);
        assert_eq!((&invoice["total"], &invoice["status"]), (&json!(1_000), &json!("paid")));
    }
}

#[test]
fn a_trial_that_is_ended_without_a_payment_method_keeps_what_else_the_call_says() {
    for (missing, status) in [("cancel", "canceled"), ("pause", "paused")] {
        let mut market = Market::new();
        let sub = trial_without_a_card(&mut market, "create_invoice");
        let after = market.update(
            &sub,
            &[
                ("items[0][id]", &item(&sub, 0)),
                ("items[0][price]", "@100"),
                ("trial_settings[end_behavior][missing_payment_method]", missing),
                ("metadata[ended]", "early"),
                ("trial_end", "now"),
            ],
        );
        assert_eq!(after["status"], json!(status));
        assert_eq!(after["metadata"], json!({ "ended": "early" }), "{missing}");
        assert_eq!(after["items"]["data"][0]["price"]["id"], json!(market.id("100")), "{missing}");
        let events = market.sandbox.events();
        let updated = events.iter().filter(|(kind, _)| kind == "customer.subscription.updated");
        let previous: Vec<_> =
            updated.map(|(_, event)| event["data"]["previous_attributes"].clone()).collect();
        if missing == "pause" {
            assert_eq!(previous.len(), 1);
            assert_eq!(previous[0]["status"], json!("trialing"));
            assert_eq!(previous[0]["metadata"], json!({ "ended": null }));
        }
    }
}

/// A trial of a customer who cannot be charged; all events are read.
fn trial_without_a_card(market: &mut Market, missing: &str) -> Value {
    let customer = market.customer("");
    let sub = market.subscribe(&[
        ("customer", &customer),
        ("items[0][price]", "@10"),
        ("trial_period_days", "7"),
        ("trial_settings[end_behavior][missing_payment_method]", missing),
    ]);
    market.told();
    sub
}
