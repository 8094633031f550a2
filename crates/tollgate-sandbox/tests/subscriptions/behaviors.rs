//! `payment_behavior`, with cards that pay, decline and ask for their owner.

use serde_json::json;
use tollgate_sandbox::Method;

use crate::market::{Market, item, text};
use crate::world::DAY;

const DECLINES: &str = "pm_card_chargeCustomerFail";
const ASKS: &str = "pm_card_authenticationRequired";

#[test]
fn a_subscription_begins_as_its_payment_ends() {
    // Card, behavior, status of the subscription or of the refusal, status of the first invoice.
    for (card, behavior, status, invoice) in [
        ("pm_card_visa", "allow_incomplete", "active", "paid"),
        ("pm_card_visa", "error_if_incomplete", "active", "paid"),
        ("pm_card_visa", "default_incomplete", "incomplete", "open"),
        (DECLINES, "allow_incomplete", "incomplete", "open"),
        (DECLINES, "default_incomplete", "incomplete", "open"),
        (DECLINES, "error_if_incomplete", "402", ""),
        (ASKS, "allow_incomplete", "incomplete", "open"),
        (ASKS, "default_incomplete", "incomplete", "open"),
        (ASKS, "error_if_incomplete", "402", ""),
        ("", "allow_incomplete", "400", ""),
        ("", "default_incomplete", "incomplete", "open"),
        ("", "error_if_incomplete", "400", ""),
    ] {
        let mut market = Market::new();
        let customer = market.customer(card);
        market.told();
        let params = [
            ("customer", customer.as_str()),
            ("items[0][price]", "@10"),
            ("payment_behavior", behavior),
        ];
        if let Ok(refused) = status.parse::<u16>() {
            let (found, _) = market.refused(Method::Post, "/v1/subscriptions", &params);
            assert_eq!(found, refused, "{card} {behavior}");
            assert_eq!(market.told(), [""; 0], "{card} {behavior}: nothing was made");
            continue;
        }
        let sub = market.subscribe(&params);
        assert_eq!(sub["status"], json!(status), "{card} {behavior}");
        assert_eq!(market.latest(&sub)["status"], json!(invoice), "{card} {behavior}");
        let events = market.sandbox.events();
        let created: Vec<_> =
            events.iter().filter(|(kind, _)| kind == "customer.subscription.created").collect();
        assert_eq!(created.len(), 1);
        assert_eq!(created[0].1["data"]["object"]["status"], json!(status), "{card} {behavior}");
        assert!(events.iter().all(|(kind, _)| kind != "customer.subscription.updated"));
    }
}

#[test]
fn an_update_ends_as_its_payment_does() {
    // Card, behavior, status or refusal, whether the price is the new one.
    for (card, behavior, status, changed) in [
        ("pm_card_visa", "allow_incomplete", "active", true),
        ("pm_card_visa", "error_if_incomplete", "active", true),
        ("pm_card_visa", "default_incomplete", "past_due", true),
        ("pm_card_visa", "pending_if_incomplete", "active", true),
        (DECLINES, "allow_incomplete", "past_due", true),
        (DECLINES, "default_incomplete", "past_due", true),
        (DECLINES, "error_if_incomplete", "402", false),
        (DECLINES, "pending_if_incomplete", "active", false),
        (ASKS, "allow_incomplete", "past_due", true),
        (ASKS, "error_if_incomplete", "402", false),
        (ASKS, "pending_if_incomplete", "active", false),
    ] {
        let mut market = Market::new();
        let sub = market.subscribe(&[("items[0][price]", "@10")]);
        let customer = market.id("customer");
        market.give(&customer, card);
        market.told();
        let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
        let item = item(&sub, 0);
        let params = [
            ("items[0][id]", item.as_str()),
            ("items[0][price]", "@100"),
            ("proration_behavior", "always_invoice"),
            ("payment_behavior", behavior),
        ];
        if let Ok(refused) = status.parse::<u16>() {
            let (found, error) = market.refused(Method::Post, &path, &params);
            assert_eq!((found, &error["type"]), (refused, &json!("card_error")), "{card}");
            assert_eq!(market.told(), [""; 0], "{card} {behavior}: nothing was changed");
            let now = market.now(&sub);
            assert_eq!(now["items"], sub["items"]);
            assert_eq!(now["latest_invoice"], sub["latest_invoice"]);
            continue;
        }
        let after = market.post(&path, &params);
        assert_eq!(after["status"], json!(status), "{card} {behavior}");
        let price = &after["items"]["data"][0]["price"]["id"];
        assert_eq!(*price == json!(market.id("100")), changed, "{card} {behavior}");
        assert_eq!(after["pending_update"].is_null(), status != "active" || changed);
        let told = market.told();
        let updated = told.iter().filter(|kind| *kind == "customer.subscription.updated").count();
        assert_eq!(updated, 1, "{card} {behavior}: {told:?}");
        assert_eq!(market.now(&sub), after, "the answer is what stands");
    }
}

#[test]
fn a_pending_update_is_made_once_its_invoice_is_paid() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    let item = item(&sub, 0);
    let change = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", "@100"),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let waits = market.update(&sub, &change);
    let update = &waits["pending_update"];
    assert_eq!(update["subscription_items"][0]["price"]["id"], json!(market.id("100")));
    assert_eq!(update["expires_at"], json!(market.sandbox.world.now() + 23 * 3_600));
    assert_eq!(waits["status"], json!("active"));
    market.told();
    let invoice = text(&waits["latest_invoice"]);
    market.give(&customer, "pm_card_visa");
    market.told();
    market.post(&format!("/v1/invoices/{invoice}/pay"), &[]);
    let told = market.told();
    assert!(told.contains(&"customer.subscription.pending_update_applied".to_owned()), "{told:?}");
    assert!(told.contains(&"customer.subscription.updated".to_owned()), "{told:?}");
    let after = market.now(&sub);
    assert_eq!(after["pending_update"], json!(null));
    assert_eq!(after["items"]["data"][0]["price"]["id"], json!(market.id("100")));
    // What it debited counts: back again in the same second gives all of it back.
    let preview = market.preview(
        &sub,
        &[
            ("items[0][id]", item.as_str()),
            ("items[0][price]", "@10"),
            ("proration_behavior", "always_invoice"),
        ],
    );
    assert_eq!(preview["total"], json!(-9_000));
}

#[test]
fn a_pending_update_expires_after_23_hours() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    let change = [
        ("items[0][id]", &*item(&sub, 0)),
        ("items[0][price]", "@100"),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    market.update(&sub, &change);
    market.sandbox.pass(23 * 3_600 - 1);
    assert!(!market.now(&sub)["pending_update"].is_null());
    market.told();
    market.sandbox.pass(1);
    let told = market.told();
    assert!(told.contains(&"customer.subscription.pending_update_expired".to_owned()), "{told:?}");
    assert!(told.contains(&"invoice.voided".to_owned()), "{told:?}");
    let after = market.now(&sub);
    assert_eq!((&after["pending_update"], &after["status"]), (&json!(null), &json!("active")));
    assert_eq!(after["items"]["data"][0]["price"], sub["items"]["data"][0]["price"]);
}

#[test]
fn a_pending_update_gives_way_to_the_next_change() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, DECLINES);
    let id = item(&sub, 0);
    let change = [
        ("items[0][id]", id.as_str()),
        ("items[0][price]", "@100"),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let waits = market.update(&sub, &change);
    let old = text(&waits["latest_invoice"]);
    let noted = market.update(&sub, &[("metadata[a]", "b")]);
    assert!(!noted["pending_update"].is_null(), "a note leaves it");
    market.give(&customer, "pm_card_visa");
    let after = market.update(&sub, &[("items[0][id]", id.as_str()), ("items[0][price]", "@15")]);
    assert_eq!(after["pending_update"], json!(null));
    assert_eq!(after["metadata"], json!({ "a": "b" }));
    assert_eq!(market.get(&format!("/v1/invoices/{old}"))["status"], json!("void"));
}

#[test]
fn a_first_payment_has_23_hours() {
    for pays in [true, false] {
        let mut market = Market::new();
        let customer = market.customer(DECLINES);
        let sub = market.subscribe(&[("customer", &customer), ("items[0][price]", "@10")]);
        assert_eq!(sub["status"], json!("incomplete"));
        market.sandbox.pass(22 * 3_600);
        let invoice = text(&sub["latest_invoice"]);
        market.told();
        if pays {
            market.give(&customer, "pm_card_visa");
            market.told();
            market.post(&format!("/v1/invoices/{invoice}/pay"), &[]);
            assert_eq!(market.now(&sub)["status"], json!("active"));
            let events = market.sandbox.events();
            let updated =
                events.iter().find(|(kind, _)| kind == "customer.subscription.updated").unwrap();
            let previous = &updated.1["data"]["previous_attributes"];
            assert_eq!(previous, &json!({ "status": "incomplete" }));
        }
        market.sandbox.pass(DAY);
        let status = if pays { "active" } else { "incomplete_expired" };
        assert_eq!(market.now(&sub)["status"], json!(status));
        let paid = if pays { "paid" } else { "void" };
        assert_eq!(market.get(&format!("/v1/invoices/{invoice}"))["status"], json!(paid));
        if !pays {
            let told = market.told();
            assert_eq!(told[0], "customer.subscription.updated");
            assert_eq!(told.last().unwrap(), "invoice.voided");
        }
    }
}

#[test]
fn what_pays_a_first_invoice_also_pays_the_renewals() {
    // The second card is set up by the authentication of the first payment.
    for card in ["pm_card_visa", "pm_card_authenticationRequiredOnSetup"] {
        let mut market = Market::new();
        let customer = market.customer("");
        let sub = market.subscribe(&[
            ("customer", &customer),
            ("items[0][price]", "@10"),
            ("payment_behavior", "default_incomplete"),
            ("payment_settings[save_default_payment_method]", "on_subscription"),
            ("expand[]", "latest_invoice.payments"),
        ]);
        let payment = &sub["latest_invoice"]["payments"]["data"][0]["payment"];
        let path = format!("/v1/payment_intents/{}", text(&payment["payment_intent"]));
        assert_eq!(market.get(&path)["setup_future_usage"], json!("off_session"));
        let intent = market.post(&format!("{path}/confirm"), &[("payment_method", card)]);
        if intent["status"] == json!("requires_action") {
            let path = format!("/_sandbox/authenticate/{}", text(&intent["id"]));
            market.post(&path, &[("outcome", "complete")]);
        }
        let methods = market.get(&format!("/v1/customers/{customer}/payment_methods"));
        let method = &methods["data"][0]["id"];
        assert_eq!(market.now(&sub)["default_payment_method"], *method, "{card}");
        market.days(32);
        assert_eq!(market.now(&sub)["status"], json!("active"), "{card}");
        assert_eq!(market.latest(&sub)["status"], json!("paid"), "{card}");
        assert_eq!(market.invoices(&sub).len(), 2, "{card}");
    }
}

#[test]
fn a_pending_update_is_charged_with_the_discounts_that_it_brings() {
    // The discount before, the one of the call, what is charged.
    for (before, wanted, total) in
        [("", "HALF", 5_000), ("HALF", "", 10_000), ("HALF", "ONCE", 7_500), ("", "ONCE", 7_500)]
    {
        for card in ["pm_card_visa", ASKS] {
            let mut market = Market::new();
            market.coupon("HALF", ("percent_off", "50"), "forever");
            market.coupon("ONCE", ("percent_off", "25"), "once");
            let customer = market.customer(card);
            let mut params = vec![
                ("customer", customer.as_str()),
                ("items[0][price]", "@100"),
                ("trial_period_days", "7"),
            ];
            params.extend((!before.is_empty()).then_some(("discounts[0][coupon]", before)));
            let sub = market.subscribe(&params);
            let name = if wanted.is_empty() { "discounts" } else { "discounts[0][coupon]" };
            let preview = market.preview(&sub, &[("trial_end", "now"), (name, wanted)]);
            assert_eq!(preview["total"], json!(total), "{before} {wanted}");
            let behavior = ("payment_behavior", "pending_if_incomplete");
            let waits = market.update(&sub, &[("trial_end", "now"), (name, wanted), behavior]);
            let invoice = market.latest(&sub);
            assert_eq!(invoice["total"], json!(total), "{before} {wanted} {card}");
            if card == ASKS {
                assert!(!waits["pending_update"].is_null());
                market.give(&customer, "pm_card_visa");
                market.post(&format!("/v1/invoices/{}/pay", text(&invoice["id"])), &[]);
            }
            let after = market.now(&sub);
            assert_eq!(after["pending_update"], json!(null));
            let left = usize::from(wanted == "HALF");
            assert_eq!(after["discounts"].as_array().unwrap().len(), left, "{before} {wanted}");
        }
    }
}

#[test]
fn a_refused_change_leaves_the_pending_update_before_it() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    let customer = market.id("customer");
    market.give(&customer, ASKS);
    let id = item(&sub, 0);
    let change = |price, behavior| {
        [
            ("items[0][id]", id.as_str()),
            ("items[0][price]", price),
            ("proration_behavior", "always_invoice"),
            ("payment_behavior", behavior),
        ]
    };
    let waits = market.update(&sub, &change("@100", "pending_if_incomplete"));
    market.give(&customer, DECLINES);
    market.told();
    let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
    let wanted = change("@15", "error_if_incomplete");
    assert_eq!(market.refused(Method::Post, &path, &wanted).0, 402);
    assert_eq!(market.told(), [""; 0], "nothing has happened");
    assert_eq!(market.now(&sub), waits);
    assert_eq!(market.latest(&sub)["status"], json!("open"));
    market.give(&customer, "pm_card_visa");
    let after = market.update(&sub, &wanted);
    assert_eq!(after["pending_update"], json!(null));
    assert_eq!(after["items"]["data"][0]["price"]["id"], json!(market.id("15")));
    let invoice = text(&waits["latest_invoice"]);
    assert_eq!(market.get(&format!("/v1/invoices/{invoice}"))["status"], json!("void"));
    market.days(1);
    assert_eq!(market.now(&sub)["items"], after["items"]);
}

#[test]
fn what_paid_last_is_charged_from_then_on_where_it_is_to_be_saved() {
    for (saves, becomes) in [("on_subscription", true), ("off", false)] {
        let mut market = Market::new();
        let sub = market.subscribe(&[
            ("items[0][price]", "@10"),
            ("default_payment_method", "pm_card_visa"),
            ("payment_settings[save_default_payment_method]", saves),
        ]);
        let failing = market.update(&sub, &[("default_payment_method", DECLINES)]);
        market.days(32);
        assert_eq!(market.now(&sub)["status"], json!("past_due"));
        let customer = market.id("customer");
        let card = market
            .post("/v1/payment_methods/pm_card_mastercard/attach", &[("customer", &customer)]);
        let invoice = text(&market.latest(&sub)["id"]);
        market.post(
            &format!("/v1/invoices/{invoice}/pay"),
            &[("payment_method", &text(&card["id"]))],
        );
        let charged = if becomes { &card["id"] } else { &failing["default_payment_method"] };
        assert_eq!(market.now(&sub)["default_payment_method"], *charged, "{saves}");
        market.days(31);
        let status = if becomes { "active" } else { "past_due" };
        assert_eq!(market.now(&sub)["status"], json!(status), "{saves}");
    }
}
