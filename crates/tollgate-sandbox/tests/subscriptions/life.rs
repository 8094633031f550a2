//! Renewals, dunning to its ends, recovery, collection that is paused, and test clocks.

use serde_json::json;
use tollgate_sandbox::{AfterLastRetry, Method, Settings};

use crate::market::{Market, text};
use crate::world::{DAY, START};

const DECLINES: &str = "pm_card_chargeCustomerFail";

#[test]
fn an_unpaid_renewal_ends_as_the_account_says() {
    for (after_last_retry, status, end) in [
        (AfterLastRetry::Cancel, "canceled", "customer.subscription.deleted"),
        (AfterLastRetry::Unpaid, "unpaid", "customer.subscription.updated"),
        (AfterLastRetry::Leave, "past_due", "invoice.payment_failed"),
    ] {
        let mut market = Market::with(Settings { after_last_retry, ..Settings::default() });
        let sub = market.subscribe(&[("items[0][price]", "@10")]);
        let customer = market.id("customer");
        market.give(&customer, DECLINES);
        market.sandbox.pass(31 * DAY + 3_600);
        assert_eq!(market.now(&sub)["status"], json!("past_due"));
        market.sandbox.pass(15 * DAY - 1);
        market.told();
        market.sandbox.pass(1);
        assert_eq!(market.now(&sub)["status"], json!(status));
        let told = market.told();
        assert!(told.contains(&end.to_owned()), "{status}: {told:?}");
        let over = market.now(&sub);
        let reason = &over["cancellation_details"]["reason"];
        assert_eq!(*reason == json!("payment_failed"), status == "canceled");
    }
}

#[test]
fn an_unpaid_subscription_makes_drafts_and_is_active_once_its_latest_invoice_is_paid() {
    let settings = Settings { after_last_retry: AfterLastRetry::Unpaid, ..Settings::default() };
    let mut market = Market::with(settings);
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    market.days(31 + 28 + 2);
    assert_eq!(market.now(&sub)["status"], json!("unpaid"));
    let draft = market.latest(&sub);
    assert_eq!((&draft["status"], &draft["auto_advance"]), (&json!("draft"), &json!(false)));
    market.give(&customer, "pm_card_visa");
    let path = format!("/v1/invoices/{}", text(&draft["id"]));
    market.post(&format!("{path}/finalize"), &[]);
    market.told();
    market.post(&format!("{path}/pay"), &[]);
    assert_eq!(market.now(&sub)["status"], json!("active"));
    assert!(market.told().contains(&"customer.subscription.updated".to_owned()));
}

#[test]
fn a_new_card_recovers_a_subscription_that_is_past_due() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    market.days(32);
    assert_eq!(market.now(&sub)["status"], json!("past_due"));
    market.give(&customer, "pm_card_visa");
    market.told();
    market.days(3);
    assert_eq!(market.now(&sub)["status"], json!("active"));
    let events = market.sandbox.events();
    let updated = events.iter().find(|(kind, _)| kind == "customer.subscription.updated").unwrap();
    assert_eq!(updated.1["data"]["previous_attributes"], json!({ "status": "past_due" }),);
}

#[test]
fn collection_can_be_paused() {
    for (behavior, status) in
        [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")]
    {
        let mut market = Market::new();
        let sub = market.subscribe(&[("items[0][price]", "@10")]);
        let until = (START + 40 * DAY).to_string();
        let after = market.update(
            &sub,
            &[("pause_collection[behavior]", behavior), ("pause_collection[resumes_at]", &until)],
        );
        assert_eq!(after["status"], json!("active"));
        market.days(32);
        assert_eq!(market.latest(&sub)["status"], json!(status));
        assert_eq!(market.now(&sub)["status"], json!("active"), "{behavior}");
        market.told();
        market.days(9);
        assert_eq!(market.told(), ["customer.subscription.updated"]);
        assert_eq!(market.now(&sub)["pause_collection"], json!(null));
        market.days(28);
        assert_eq!(market.latest(&sub)["status"], json!("paid"));
        market.update(&sub, &[("pause_collection[behavior]", "void")]);
        assert_eq!(
            market.update(&sub, &[("pause_collection", "")])["pause_collection"],
            json!(null),
        );
    }
}

#[test]
fn sent_invoices_leave_a_subscription_active() {
    let mut market = Market::new();
    let customer = market.customer("");
    let sub = market.subscribe(&[
        ("customer", &customer),
        ("items[0][price]", "@10"),
        ("collection_method", "send_invoice"),
        ("days_until_due", "7"),
    ]);
    assert_eq!(sub["status"], json!("active"));
    assert_eq!(market.latest(&sub)["status"], json!("draft"));
    market.sandbox.pass(3_601);
    assert_eq!(market.latest(&sub)["status"], json!("open"));
    market.days(8);
    assert_eq!(market.now(&sub)["status"], json!("past_due"));
}

#[test]
fn subscriptions_live_by_their_test_clock() {
    let mut market = Market::new();
    let clock =
        market.post("/v1/test_helpers/test_clocks", &[("frozen_time", &(START + DAY).to_string())]);
    let clock = text(&clock["id"]);
    let customer = text(&market.post("/v1/customers", &[("test_clock", &clock)])["id"]);
    market.give(&customer, "pm_card_visa");
    let sub = market.subscribe(&[("customer", &customer), ("items[0][price]", "@10")]);
    assert_eq!((&sub["test_clock"], &sub["created"]), (&json!(clock), &json!(START + DAY)));
    market.days(20);
    assert_eq!(market.invoices(&sub).len(), 1, "the main clock does not move it");
    for days in [50, 94] {
        let to = (START + days * DAY).to_string();
        let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
        market.post(&path, &[("frozen_time", &to)]);
        market.sandbox.pass(60);
    }
    let invoices = market.invoices(&sub);
    assert_eq!(invoices.len(), 4, "2 January, February, March, April");
    assert!(invoices.iter().all(|invoice| invoice["status"] == json!("paid")));
}

#[test]
fn what_is_pending_when_the_end_comes_goes_on_a_last_invoice() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    market.update(&sub, &[("cancel_at_period_end", "true")]);
    let customer = market.id("customer");
    market.post(
        "/v1/invoiceitems",
        &[
            ("customer", &customer),
            ("subscription", &text(&sub["id"])),
            ("amount", "700"),
            ("currency", "usd"),
        ],
    );
    market.told();
    market.days(31);
    let told = market.told();
    assert_eq!(told.last().unwrap(), "customer.subscription.deleted", "{told:?}");
    let last = market.latest(&sub);
    assert_eq!((&last["total"], &last["status"]), (&json!(700), &json!("paid")));
}

#[test]
fn subscriptions_are_found() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10"), ("metadata[plan]", "gold")]);
    market.subscribe(&[("items[0][price]", "@15"), ("trial_period_days", "5")]);
    let found = market.ask(
        Method::Get,
        "/v1/subscriptions/search",
        &[("query", "status:'active' AND metadata['plan']:'gold'")],
    );
    assert_eq!(found["data"], json!([sub]));
    for (params, count) in [
        (vec![("status", "trialing")], 1),
        (vec![("status", "all")], 2),
        (vec![("price", "@10")], 1),
        (vec![("collection_method", "send_invoice")], 0),
        (vec![("customer", "@customer"), ("limit", "1")], 1),
    ] {
        let list = market.ask(Method::Get, "/v1/subscriptions", &params);
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{params:?}");
    }
}

#[test]
fn classic_billing_becomes_flexible_and_then_credits_what_was_paid() {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let sub = market.subscribe(&[("items[0][price]", "@100"), ("billing_mode[type]", "classic")]);
    let path = format!("/v1/subscriptions/{}/migrate", text(&sub["id"]));
    let after = market.post(&path, &[("billing_mode[type]", "flexible")]);
    assert_eq!(after["billing_mode"]["type"], json!("flexible"));
    assert_eq!(after["billing_mode"]["updated_at"], json!(START + 90 * DAY));
    let (status, _) = market.refused(Method::Post, &path, &[("billing_mode[type]", "flexible")]);
    assert_eq!(status, 400);
    market.days(15);
    market.update(
        &sub,
        &[
            ("items[0][id]", &crate::market::item(&sub, 0)),
            ("items[0][quantity]", "0"),
            ("proration_behavior", "always_invoice"),
        ],
    );
    assert_eq!(market.latest(&sub)["total"], json!(-5_000));
}
