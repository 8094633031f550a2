//! Whatever arrives, nothing panics; and whatever was read is stored and read back the same.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use tollgate_stripe::event::Event;
use tollgate_stripe::form;
use tollgate_stripe::object::{Kind, Object};
use tollgate_stripe::signature::{header, verify};

/// The keys that views know; a text of any other key is skipped, which tests little.
const KEYS: &[&str] = &[
    "id",
    "object",
    "type",
    "created",
    "livemode",
    "data",
    "account",
    "context",
    "customer",
    "status",
    "items",
    "has_more",
    "plan",
    "price",
    "product",
    "lookup_key",
    "quantity",
    "currency",
    "trial_start",
    "trial_end",
    "cancel_at",
    "cancel_at_period_end",
    "canceled_at",
    "ended_at",
    "current_period_start",
    "current_period_end",
    "latest_invoice",
    "default_payment_method",
    "pause_collection",
    "pending_update",
    "schedule",
    "metadata",
    "user_id",
    "deleted",
    "entitlements",
    "card",
    "brand",
    "last4",
    "exp_month",
    "exp_year",
    "active",
    "name",
    "unit_amount",
    "recurring",
    "interval",
    "interval_count",
    "percent_off",
    "amount_off",
    "duration",
    "times_redeemed",
    "valid",
    "code",
    "coupon",
    "promotion",
    "max_redemptions",
    "expires_at",
    "charge",
    "payment_intent",
    "reason",
    "amount",
    "evidence_details",
    "due_by",
    "invoice",
    "amount_captured",
    "amount_refunded",
    "refunded",
    "disputed",
    "failure_code",
    "amount_received",
    "latest_charge",
    "charges",
    "last_payment_error",
    "decline_code",
    "mode",
    "payment_status",
    "subscription",
    "client_reference_id",
    "amount_total",
    "line_items",
    "display_items",
    "billing_reason",
    "amount_due",
    "amount_paid",
    "amount_remaining",
    "total",
    "attempt_count",
    "attempted",
    "next_payment_attempt",
    "period_start",
    "period_end",
    "status_transitions",
    "finalized_at",
    "paid_at",
    "paid",
    "parent",
    "subscription_details",
    "payments",
    "payment",
    "related_object",
    "snapshot_event",
    "previous_attributes",
];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => proptest::sample::select(KEYS).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    const WORDS: &[&str] = &["active", "paid", "open", "succeeded", "10.00", "25.5", "", "x\0y"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..4_000_000_000_i64).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-1000_i16..1000).prop_map(|number| json!(f64::from(number) / 4.0)),
        any::<String>().prop_map(Value::from),
        "[a-z]{2,4}_[A-Za-z0-9]{1,12}".prop_map(Value::from),
        proptest::sample::select(WORDS).prop_map(|word| json!(word)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 96, 8, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            3 => fields(inner),
        ]
    })
}

fn fields(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::vec((key(), inner), 0..12)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>()))
}

/// An object that has what every kind needs to be read.
fn named_object() -> impl Strategy<Value = Value> {
    fields(value()).prop_map(|mut object| {
        object["id"] = json!("id_1");
        if object["customer"].as_str().is_none_or(|id| id.is_empty() || id.contains('\0')) {
            object["customer"] = json!("cus_1");
        }
        object
    })
}

fn read_as_every_kind(text: &str) {
    for kind in Kind::ALL {
        if let Ok(object) = Object::read(kind, text) {
            assert_restores(&object);
        }
    }
}

fn assert_restores(object: &Object) {
    let stored = object.to_stored();
    let restored = Object::parse_stored(&stored);
    assert_eq!(restored.as_ref(), Ok(object), "stored as {stored}");
    assert_eq!(restored.expect("equal to Ok").to_stored(), stored);
}

/// The same cases on every run; the fuzz targets are for exploring.
fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn any_bytes_parse_or_fail_without_panic(body in any::<Vec<u8>>()) {
        let _ = Event::parse(&body);
        read_as_every_kind(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn any_json_parses_or_fails_without_panic(body in value()) {
        let text = body.to_string();
        let _ = Event::parse(text.as_bytes());
        read_as_every_kind(&text);
        let _ = form::encode(&body);
    }

    #[test]
    fn a_torn_text_fails_without_panic(body in named_object(), at in any::<prop::sample::Index>()) {
        let text = body.to_string();
        let torn: String = text.chars().take(at.index(text.chars().count())).collect();
        for kind in Kind::ALL {
            prop_assert!(Object::read(kind, &torn).is_err());
        }
        prop_assert!(Event::parse(torn.as_bytes()).is_err());
    }

    #[test]
    fn what_was_read_is_restored_from_its_stored_form(body in named_object()) {
        let text = body.to_string();
        for kind in Kind::ALL {
            let object = Object::read(kind, &text).expect("a named object is readable");
            prop_assert_eq!(object.kind(), kind);
            assert_restores(&object);
        }
    }

    #[test]
    fn any_event_around_an_object_hands_that_object_over(object in named_object(), live: bool) {
        let body = json!({
            "id": "evt_1", "type": "t", "created": 1, "livemode": live, "data": { "object": object }
        });
        let body = body.to_string();
        let Ok(Event::Snapshot(event)) = Event::parse(body.as_bytes()) else {
            return Err(TestCaseError::fail("not read"));
        };
        prop_assert_eq!(event.object.get(), object.to_string());
    }

    #[test]
    fn any_header_is_judged_without_panic(
        header in "[tv01=, a-f0-9\\PC]{0,80}", body: Vec<u8>, now: i64, tolerance: i64,
    ) {
        let _ = verify(&body, Some(&header), &["whsec_a", ""], now, tolerance);
    }

    #[test]
    fn a_change_of_any_bit_of_the_body_is_noticed(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let made = header(&body, &["whsec_a"], 1_761_700_000);
        prop_assert!(verify(&body, Some(&made), &["whsec_a"], 1_761_700_000, 300).is_ok());
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        prop_assert!(verify(&changed, Some(&made), &["whsec_a"], 1_761_700_000, 300).is_err());
    }
}
