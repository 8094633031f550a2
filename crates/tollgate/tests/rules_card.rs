//! When a card cannot pay for what it is to pay for next, and when nobody has to hear of it. What
//! is found does not depend on the order in which anything is known.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::objects::{self, PERIOD_END, customer, subscription, with};
use history::{DAY, START};
use serde_json::{Value, json};
use tollgate::rules::card::{Month, Payer};
use tollgate_stripe::object::{Object, PaymentMethod};

/// The months of START (2026-09-21) and of PERIOD_END (2026-10-21).
const NOW: (i64, i64) = (2026, 9);
const RENEWAL: (i64, i64) = (2026, 10);

fn object(value: &Value) -> Object {
    Object::parse_stored(&value.to_string()).expect("it names its kind")
}

fn card((year, month): (i64, i64)) -> Value {
    let card = json!({ "brand": "visa", "last4": "4242", "exp_month": month, "exp_year": year });
    json!({ "id": "pm_1", "object": "payment_method", "customer": objects::CUSTOMER,
        "type": "card", "card": card })
}

fn paying(fields: &Value) -> Value {
    let it = with(&subscription("sub_1", "active"), &json!({ "default_payment_method": "pm_1" }));
    with(&it, fields)
}

fn paid_by_customer(method: &str) -> Value {
    with(&customer(), &json!({ "invoice_settings": { "default_payment_method": method } }))
}

fn fact(card: &Value, others: &[Value]) -> Option<String> {
    let others: Vec<Object> = others.iter().map(object).collect();
    let payers = Payer::all(others.iter());
    let Object::PaymentMethod(card) = object(card) else { panic!("it is a payment method") };
    let card: PaymentMethod = card;
    let payer = payers.get(card.customer.as_ref()?.as_str())?;
    payer.fact(&card).map(|it| it.key())
}

fn told(month: (i64, i64), others: &[Value]) -> Option<String> {
    fact(&card(month), others)
}

#[test]
fn a_card_is_valid_to_the_end_of_its_month() {
    let (september, october) = (Month::of(START), Month::of(PERIOD_END));
    assert_eq!((september.parts(), october.parts()), (NOW, RENEWAL));
    let key = Some("card_expiring:pm_1:2026-09".to_owned());
    assert_eq!(told(NOW, &[paying(&json!({}))]), key);
    assert_eq!(told(RENEWAL, &[paying(&json!({}))]), None, "it pays on the 21st");
    assert_eq!(
        told((2024, 2), &[paying(&json!({}))]).as_deref(),
        Some("card_expiring:pm_1:2024-02")
    );
    for (renews_at, missed) in [(october.begins_at() - 1, false), (october.begins_at(), true)] {
        let mut it = paying(&json!({}));
        it["items"]["data"][0]["current_period_end"] = renews_at.into();
        assert_eq!(told(NOW, &[it]).is_some(), missed, "it renews at {renews_at}");
    }
}

#[test]
fn only_what_renews_and_is_charged_depends_on_a_card() {
    let table = [
        (json!({}), true),
        (json!({ "status": "trialing" }), true),
        (json!({ "status": "past_due" }), true),
        (json!({ "cancel_at": PERIOD_END + DAY }), true),
        (json!({ "cancel_at": PERIOD_END }), false),
        (json!({ "cancel_at_period_end": true }), false),
        (json!({ "status": "canceled", "ended_at": START }), false),
        (json!({ "status": "incomplete" }), false),
        (json!({ "status": "paused" }), false),
        (json!({ "status": "unpaid" }), false),
        (json!({ "pause_collection": { "behavior": "void" } }), false),
        (json!({ "collection_method": "send_invoice" }), false),
        (json!({ "collection_method": "charge_automatically" }), true),
        (json!({ "default_payment_method": "pm_2" }), false),
        (json!({ "default_payment_method": null }), false),
        (json!({ "customer": "cus_2" }), false),
    ];
    for (fields, missed) in table {
        assert_eq!(told(NOW, &[paying(&fields)]).is_some(), missed, "{fields}");
    }
}

#[test]
fn a_customers_card_pays_where_the_subscription_names_none() {
    let none = paying(&json!({ "default_payment_method": null }));
    assert!(told(NOW, &[none.clone(), paid_by_customer("pm_1")]).is_some());
    assert!(told(NOW, &[none.clone(), paid_by_customer("pm_2")]).is_none());
    assert!(told(NOW, &[none.clone(), customer()]).is_none());
    let gone = with(&paid_by_customer("pm_1"), &json!({ "deleted": true }));
    assert!(told(NOW, &[none, gone]).is_none());
    let other = paying(&json!({ "default_payment_method": "pm_2" }));
    assert!(told(NOW, &[other, paid_by_customer("pm_1")]).is_none(), "the subscription's own wins");
}

#[test]
fn what_does_not_expire_or_is_nobodys_is_not_told_of() {
    let others = [paying(&json!({}))];
    let sepa = json!({ "id": "pm_1", "object": "payment_method", "customer": objects::CUSTOMER,
        "type": "sepa_debit" });
    assert_eq!(fact(&sepa, &others), None);
    assert_eq!(fact(&with(&card(NOW), &json!({ "customer": null })), &others), None);
    for month in [(2026, 0), (2026, 13), (0, 1), (i64::MAX, i64::MAX)] {
        assert_eq!(told(month, &others), None, "{month:?}");
    }
}

#[test]
fn of_several_subscriptions_the_one_that_renews_first_is_meant_in_any_order() {
    let later = |id: &str, days: i64| {
        let mut it = paying(&json!({ "id": id }));
        it["items"]["data"][0]["current_period_end"] = (PERIOD_END + days * DAY).into();
        it
    };
    let all = [later("sub_a", 5), later("sub_b", 2), later("sub_c", 2), paid_by_customer("pm_9")];
    let objects: Vec<Object> = all.iter().map(object).collect();
    let Object::PaymentMethod(card) = object(&card(NOW)) else { panic!("it is a card") };
    for turn in 0..objects.len() {
        let mut turned: Vec<&Object> = objects.iter().collect();
        turned.rotate_left(turn);
        for turned in [turned.clone(), turned.into_iter().rev().collect()] {
            let payers = Payer::all(turned.into_iter());
            let missed = payers[objects::CUSTOMER].missed(&card).expect("it cannot pay");
            assert_eq!(missed.id.as_str(), "sub_b");
        }
    }
}
