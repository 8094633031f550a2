//! What notifications say: which facts are told, under which type and id, and with what.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::BTreeSet;

use history::objects::{charge, dispute, invoice, session, subscription, with};
use history::{DAY, START};
use serde_json::{Value, json};
use tollgate::notify::{Notification, TYPES, id_of, type_of};
use tollgate::rules::access::{Access, Reason};
use tollgate::rules::dunning::{Dunning, Level};
use tollgate::rules::effects::{Effect, EffectKind};
use tollgate::rules::known::Known;
use tollgate::wire::rfc3339;
use tollgate_stripe::object::Object;

fn known(object: Option<&Value>) -> Known {
    let read = |it: &Value| Object::parse_stored(&it.to_string()).expect("it names its kind");
    let access = Access {
        customer_id: Some("cus_1".to_owned()),
        granted: true,
        plan: "pro".to_owned(),
        features: vec!["export".to_owned()],
        status: Some("past_due".to_owned()),
        grace_until: Some(START + DAY),
        ..Access::none(Reason::Grace)
    };
    Known {
        user_id: Some("ada".to_owned()),
        access: Some(access),
        revision: 7,
        subject: object.map(read),
        ..Known::default()
    }
}

fn told(effect: &Effect, known: &Known) -> Value {
    let it = Notification::of(effect, known, Some("evt_1"), START).expect("it is told outside");
    serde_json::from_str(&it.body()).expect("the body is JSON")
}

fn details(kind: EffectKind, detail: &str, object: &Value) -> Value {
    let id = object["id"].as_str().expect("it has an id");
    told(&Effect::new(kind, id, detail), &known(Some(object)))["data"].clone()
}

#[test]
fn every_type_is_told_of_some_fact_and_by_one_name() {
    let named: Vec<&str> = EffectKind::all().filter_map(type_of).collect();
    let distinct: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!(named.len(), distinct.len());
    assert_eq!(distinct.into_iter().collect::<Vec<_>>(), TYPES);
    for ours in [EffectKind::Refresh, EffectKind::EventFailed, EffectKind::Silence] {
        assert_eq!(type_of(ours), None);
        let effect = Effect::new(ours, "cus_1", 1);
        assert_eq!(Notification::of(&effect, &known(None), None, START), None);
    }
}

#[test]
fn a_change_of_access_says_who_what_which_and_why() {
    let effect = Effect::new(EffectKind::AccessGranted, "ada", 7);
    let expected = json!({
        "id": id_of("access_granted:ada:7"),
        "type": "access.granted",
        "timestamp": rfc3339(START),
        "data": {
            "user_id": "ada",
            "customer_id": "cus_1",
            "access": {
                "user_id": "ada",
                "customer_id": "cus_1",
                "granted": true,
                "plan": "pro",
                "features": ["export"],
                "status": "past_due",
                "reason": "grace",
                "until": null,
                "grace_until": rfc3339(START + DAY),
                "cancel_at": null,
                "dunning": null,
                "revision": 7,
                "as_of": rfc3339(START),
            },
            "revision": 7,
            "cause": "evt_1",
            "object": { "id": "ada", "type": "user" },
        },
    });
    assert_eq!(told(&effect, &known(None)), expected);
}

#[test]
fn the_id_is_the_facts_alone() {
    let effect = Effect::new(EffectKind::PaymentFailed, "in_1", "attempt_2");
    let id = |known: &Known, cause, now| {
        Notification::of(&effect, known, cause, now).expect("it is told").id
    };
    let first = id(&known(None), Some("evt_1"), START);
    assert_eq!(first, id(&Known::default(), None, START + 9));
    // It stands in receivers' databases: no release may change it.
    assert_eq!(first, id_of("payment_failed:in_1:attempt_2"));
    assert_eq!(id_of(""), "msg_e3b0c44298fc1c149afbf4c8996fb924");
    let other = Effect::new(EffectKind::PaymentFailed, "in_1", "attempt_3");
    assert_ne!(first, Notification::of(&other, &known(None), None, START).expect("told").id);
    assert!(!first.contains('.') && first.len() == 36);
}

#[test]
fn what_was_learned_earlier_is_dated_so() {
    let effect = Effect::new(EffectKind::AccessRevoked, "ada", 8);
    let it = Notification::of(&effect, &known(None), None, START + 60).expect("it is told");
    let it = it.learned_at(START);
    assert_eq!(it.timestamp, rfc3339(START));
    let body: Value = serde_json::from_str(&it.body()).expect("the body is JSON");
    assert_eq!(body["data"]["access"]["as_of"], rfc3339(START + 60));
}

#[test]
fn a_failed_payment_says_how_much_which_attempt_and_what_follows() {
    let fields = json!({
        "attempt_count": 2, "amount_remaining": 2900, "next_payment_attempt": START + 3600,
    });
    let invoice = with(&invoice("in_1", "open", START), &fields);
    let dunning = Dunning {
        subscription_id: "sub_1".to_owned(),
        invoice_id: "in_1".to_owned(),
        since: START,
        attempts: 2,
        next_attempt: Some(START + 3600),
        level: Level::Further,
        access_until: Some(START + 7200),
        decides: true,
    };
    let known = Known { dunning: Some(dunning), ..known(Some(&invoice)) };
    let it = told(&Effect::new(EffectKind::PaymentFailed, "in_1", "attempt_2"), &known);
    assert_eq!((&it["type"], &it["data"]["revision"]), (&json!("payment.failed"), &json!(7)));
    let it = &it["data"];
    let next = rfc3339(START + 3600);
    for (field, value) in [
        ("object", json!({ "id": "in_1", "type": "invoice" })),
        ("invoice_id", json!("in_1")),
        ("subscription_id", json!("sub_1")),
        ("amount", json!(2900)),
        ("currency", json!("usd")),
        ("attempt", json!(2)),
        ("next_attempt", json!(next)),
    ] {
        assert_eq!(it[field], value, "{field}");
    }
    assert_eq!(it["dunning"]["level"], "further");
    assert_eq!(it["dunning"]["next_attempt"], next);
    assert_eq!(it["dunning"]["access_until"], rfc3339(START + 7200));
}

#[test]
fn what_was_paid_is_the_amount_of_a_paid_invoice() {
    let fields = json!({ "amount_remaining": 0, "amount_paid": 2900 });
    let invoice = with(&invoice("in_1", "paid", START), &fields);
    for kind in [EffectKind::InvoicePaid, EffectKind::PaymentRecovered] {
        assert_eq!(details(kind, "", &invoice)["amount"], 2900);
    }
}

#[test]
fn a_subscription_says_what_it_is_and_how_it_goes_on() {
    let fields = json!({ "cancel_at": START + 60, "trial_end": START + 30 });
    let subscription = with(&subscription("sub_1", "active"), &fields);
    let it = details(EffectKind::CancellationScheduled, "1@2", &subscription);
    assert_eq!(it["object"], json!({ "id": "sub_1", "type": "subscription" }));
    assert_eq!((&it["status"], &it["prices"]), (&json!("active"), &json!(["price_pro"])));
    assert_eq!(it["ends_at"], rfc3339(START + 60));
    assert_eq!(it["trial_end"], rfc3339(START + 30));
    let changed = details(EffectKind::PlanChanged, "123:price_old>price_pro", &subscription);
    assert_eq!(changed["old_price"], "price_old");
    assert_eq!(changed["new_price"], "price_pro");
    let renewal = details(EffectKind::RenewalUpcoming, &START.to_string(), &subscription);
    assert_eq!(renewal["renews_at"], rfc3339(START));
}

#[test]
fn orders_refunds_disputes_and_cards_say_what_they_are_about() {
    let paid = with(&session("paid"), &json!({ "amount_total": 4900, "currency": "eur" }));
    let order = details(EffectKind::OrderPaid, "", &paid);
    assert_eq!((&order["amount"], &order["currency"]), (&json!(4900), &json!("eur")));
    assert_eq!(order["object"]["type"], "checkout.session");

    let charge = with(&charge("1", START), &json!({ "amount_refunded": 2900, "refunded": true }));
    let refund = details(EffectKind::PaymentRefunded, "1000", &charge);
    assert_eq!((&refund["amount"], &refund["amount_charged"]), (&json!(1000), &json!(2900)));
    assert_eq!(refund["full"], false, "this refund alone was not all of it");

    let due = json!({ "evidence_details": { "due_by": START }, "reason": "fraudulent" });
    let dispute =
        details(EffectKind::DisputeOpened, "", &with(&dispute("needs_response", "1"), &due));
    assert_eq!((&dispute["reason"], &dispute["amount"]), (&json!("fraudulent"), &json!(2900)));
    assert_eq!(dispute["evidence_due_by"], rfc3339(START));

    let card = json!({
        "id": "pm_1", "object": "payment_method", "customer": null, "type": "card",
        "card": { "brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2030 },
    });
    let card = details(EffectKind::PaymentMethodDetached, "", &card);
    assert_eq!((&card["brand"], &card["last4"]), (&json!("visa"), &json!("4242")));
    assert_eq!((&card["exp_month"], &card["exp_year"]), (&json!(4), &json!(2030)));
}

/// An object may be gone, and a guest is no user.
#[test]
fn what_is_not_known_is_null_and_the_fact_is_told_all_the_same() {
    for kind in EffectKind::all().filter(|it| type_of(*it).is_some()) {
        let it = told(&Effect::new(kind, "x_1", ""), &Known::default());
        assert_eq!(it["data"]["object"]["id"], "x_1");
        assert!(it["data"]["object"]["type"].as_str().is_some_and(|it| !it.is_empty()));
        for field in ["user_id", "customer_id", "access"] {
            assert_eq!(it["data"][field], Value::Null, "{kind:?}");
        }
        assert_eq!(it["data"]["revision"], 0);
    }
}

#[test]
fn a_test_tells_nothing() {
    let it = Notification::test(START);
    let body: Value = serde_json::from_str(&it.body()).expect("the body is JSON");
    assert_eq!((&body["type"], &body["data"]["object"]), (&json!("tollgate.test"), &Value::Null));
    assert!(!TYPES.contains(&it.kind));
}
