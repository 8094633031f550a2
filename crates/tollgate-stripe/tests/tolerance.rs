//! What is not as it should be: expanded ids, wrong types, objects cut by hand, repeated keys.
//! Such a field counts as absent; only a missing id is an error.

use serde_json::{Value, json};
use tollgate_stripe::object::{
    Coupon, Customer, Dispute, DisputeStatus, Entitlements, Invoice, Kind, Metadata, Object,
    ObjectError, PaymentMethod, Price, Product, Refund, RefundStatus, Subscription,
    SubscriptionStatus,
};

fn read(kind: Kind, body: &Value) -> Object {
    let object = Object::read(kind, &body.to_string()).expect("the object is readable");
    let stored = object.to_stored();
    assert_eq!(Object::parse_stored(&stored).as_ref(), Ok(&object), "stored as {stored}");
    object
}

fn subscription(body: &Value) -> Subscription {
    match read(Kind::Subscription, body) {
        Object::Subscription(view) => view,
        other => panic!("read as {}", other.kind()),
    }
}

#[test]
fn expanded_objects_stand_for_their_ids() {
    let view = subscription(&json!({
        "id": "sub_1",
        "customer": { "id": "cus_1", "object": "customer", "deleted": true },
        "default_payment_method": { "id": "pm_1", "card": { "last4": "4242" } },
        "items": { "data": [{ "price": { "id": "price_1", "product": {
            "id": "prod_1", "object": "product", "name": "Pro", "metadata": { "id": "no" }
        } } }] },
        "latest_invoice": { "id": "in_1", "lines": { "data": [{ "id": "il_1" }] } },
        "schedule": { "id": "sub_sched_1" }
    }));
    assert_eq!(view.customer.unwrap(), "cus_1");
    assert_eq!(view.default_payment_method.unwrap(), "pm_1");
    assert_eq!(view.items[0].product.as_ref().unwrap(), &"prod_1");
    assert_eq!(view.latest_invoice.unwrap(), "in_1");
    assert_eq!(view.schedule.as_deref(), Some("sub_sched_1"));
}

#[test]
fn objects_cut_by_hand_read_as_far_as_they_go() {
    let view = subscription(&json!({ "id": "sub_1", "status": "past_due", "customer": "cus_1" }));
    let expected = Subscription {
        id: "sub_1".into(),
        status: SubscriptionStatus::PastDue,
        customer: Some("cus_1".into()),
        ..Subscription::default()
    };
    assert_eq!(view, expected);
    let view = subscription(&json!({ "id": "sub_1", "items": [{ "price": "price_1" }] }));
    assert_eq!(view.items[0].price.as_ref().unwrap(), &"price_1");
    assert_eq!(view.status, SubscriptionStatus::Unknown(String::new()));
    let view = subscription(&json!({ "id": "sub_1", "items": { "data": [{ "plan": "gold" }] } }));
    assert_eq!(view.items[0].price.as_ref().unwrap(), &"gold");
}

/// Every field of every kind, with every type that it should not have.
#[test]
fn a_field_of_the_wrong_type_counts_as_absent() {
    let fields = [
        "status",
        "items",
        "plan",
        "metadata",
        "created",
        "current_period_end",
        "quantity",
        "cancel_at_period_end",
        "pause_collection",
        "pending_update",
        "latest_invoice",
        "schedule",
        "entitlements",
        "card",
        "active",
        "recurring",
        "percent_off",
        "valid",
        "promotion",
        "coupon",
        "evidence_details",
        "amount",
        "amount_refunded",
        "refunded",
        "charges",
        "last_payment_error",
        "latest_charge",
        "line_items",
        "display_items",
        "payments",
        "parent",
        "subscription_details",
        "status_transitions",
        "paid",
        "attempt_count",
        "payment",
        "deleted",
        "unit_amount",
        "lookup_key",
        "product",
        "due_by",
        "currency",
        "name",
        "code",
        "type",
    ];
    let wrong = [json!(null), json!([]), json!([[{}], 1.5]), json!("\0"), json!(""), json!(-0.5)];
    for kind in Kind::ALL {
        let bare = json!({ "id": "id_1", "customer": "cus_1" });
        let expected = read(kind, &bare);
        for field in fields {
            for value in &wrong {
                let mut body = bare.clone();
                body[field] = value.clone();
                assert_eq!(read(kind, &body), expected, "{kind}: {field} = {value}");
            }
        }
    }
}

#[test]
fn numbers_as_text_and_impossible_times_count_as_absent() {
    let body = json!({
        "id": "in_1", "amount_due": "10.00", "amount_paid": "1000", "total": 10.5,
        "amount_remaining": 18_446_744_073_709_551_615_u64, "created": -1,
        "period_end": 253_402_300_800_i64, "period_start": 1e300, "attempt_count": "2"
    });
    let expected = Invoice { id: Some("in_1".into()), ..Invoice::default() };
    assert_eq!(read(Kind::Invoice, &body), Object::Invoice(expected));
    let float = Object::read(Kind::Refund, "{\"id\":\"re_1\",\"amount\":1000.00}").unwrap();
    let Object::Refund(refund) = float else { panic!("kind") };
    assert_eq!(refund.amount, 1000);
}

#[test]
fn without_its_id_an_object_is_refused() {
    for kind in Kind::ALL {
        for id in [json!(null), json!(7), json!(""), json!({ "id": "x" }), json!("a\0")] {
            let (own, customer) = match kind {
                Kind::Entitlements => (json!("ignored"), id.clone()),
                _ => (id.clone(), json!("cus_1")),
            };
            // An expanded customer is one; and an invoice may be a preview.
            if kind == Kind::Invoice || (kind == Kind::Entitlements && id.is_object()) {
                continue;
            }
            let body = json!({ "id": own, "customer": customer }).to_string();
            assert_eq!(Object::read(kind, &body), Err(ObjectError::MissingId(kind)), "{body}");
        }
    }
    let error = Object::read(Kind::Charge, "{}").unwrap_err();
    assert_eq!(error.to_string(), "charge has no id");
}

#[test]
fn the_last_of_equal_keys_counts() {
    let raw = "{\"id\":\"sub_a\",\"status\":\"active\",\"items\":{\"data\":[{\"id\":\"si_1\"}]},\
               \"customer\":\"cus_a\",\"id\":\"sub_b\",\"status\":\"canceled\",\"items\":{\"data\":\
               [{\"id\":\"si_1\"}],\"data\":[{\"id\":\"si_2\",\"id\":\"si_3\"}]},\
               \"customer\":null}";
    let Object::Subscription(view) = Object::read(Kind::Subscription, raw).unwrap() else {
        panic!("kind")
    };
    assert_eq!((view.id.as_str(), view.customer), ("sub_b", None));
    assert_eq!(view.status, SubscriptionStatus::Canceled);
    let items: Vec<_> = view.items.iter().map(|item| item.id.as_deref()).collect();
    assert_eq!(items, [Some("si_3")]);
    let lost = "{\"id\":\"sub_a\",\"id\":null}";
    let error = Object::read(Kind::Subscription, lost).unwrap_err();
    assert_eq!(error, ObjectError::MissingId(Kind::Subscription));
}

#[test]
fn what_is_not_an_object_is_refused_without_being_shown() {
    for text in ["[]", "1", "null", "\"jenny\""] {
        assert_eq!(Object::read(Kind::Charge, text), Err(ObjectError::NotObject), "{text}");
    }
    let error = Object::read(Kind::Charge, "{\"id\":\"ch_1\",\n \"jenny\"}").unwrap_err();
    assert_eq!(error.to_string(), "object is not JSON at line 2 column 9");
    let lone = "{\"id\":\"ch_1\",\"status\":\"\\ud800\"}";
    assert!(matches!(Object::read(Kind::Charge, lone), Err(ObjectError::NotJson { .. })));
    let unread = "{\"id\":\"ch_1\",\"description\":\"\\ud800\",\"x\":1e999}";
    assert!(Object::read(Kind::Charge, unread).is_ok(), "unread fields are not judged");
}

#[test]
fn stored_objects_must_name_a_known_kind() {
    for text in ["{}", "{\"object\":\"payout\",\"id\":\"po_1\"}", "{\"object\":7}"] {
        assert_eq!(Object::parse_stored(text), Err(ObjectError::UnknownKind), "{text}");
    }
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>(), Ok(kind));
    }
}

#[test]
fn a_pause_and_a_pending_update_show_whatever_is_in_them() {
    let view = subscription(&json!({
        "id": "sub_1", "pause_collection": { "behavior": "void", "resumes_at": null },
        "pending_update": { "expires_at": 1 }
    }));
    assert!(view.pause_collection && view.pending_update);
}

#[test]
fn unknown_words_are_kept_as_they_came() {
    let view = subscription(&json!({ "id": "sub_1", "status": "hibernating" }));
    assert_eq!(view.status, SubscriptionStatus::Unknown("hibernating".to_owned()));
}

#[test]
fn customers_read_with_what_the_app_said_of_them() {
    let body = json!({
        "id": "cus_1", "created": 5, "email": "jenny@example.com",
        "metadata": { "user_id": "u_7", "plan": 7 }
    });
    let metadata = Metadata { user_id: Some("u_7".to_owned()), plan: None };
    let email = Some("jenny@example.com".to_owned());
    let expected =
        Customer { id: "cus_1".into(), created: Some(5), email, metadata, ..Customer::default() };
    let object = read(Kind::Customer, &body);
    assert_eq!(object, Object::Customer(expected));
    assert_eq!((object.id(), object.customer().unwrap().as_str()), (Some("cus_1"), "cus_1"));
    let gone = read(Kind::Customer, &json!({ "id": "cus_1", "deleted": true }));
    let Object::Customer(gone) = gone else { panic!("kind") };
    assert!(gone.deleted);
}

#[test]
fn entitlements_are_sorted_and_without_repeats() {
    let entry = |key: &str| json!({ "id": "ent_1", "feature": "feat_1", "lookup_key": key });
    let body = json!({
        "object": "entitlements.active_entitlement_summary", "customer": "cus_1",
        "entitlements": {
            "object": "list", "data": [entry("export"), entry("api"), entry("export"), {}],
            "has_more": true
        }
    });
    let expected = Entitlements {
        customer: "cus_1".into(),
        features: vec!["api".to_owned(), "export".to_owned()],
        truncated: true,
    };
    assert_eq!(read(Kind::Entitlements, &body), Object::Entitlements(expected));
}

#[test]
fn what_is_sold_reads_whole() {
    let product = json!({ "id": "any text ☃", "active": true, "name": "Pro" });
    let expected = Product {
        id: "any text ☃".into(),
        active: true,
        name: Some("Pro".to_owned()),
        deleted: false,
    };
    assert_eq!(read(Kind::Product, &product), Object::Product(expected));
    let price = json!({
        "id": "price_1", "product": { "id": "prod_1" }, "active": true, "lookup_key": "pro",
        "currency": "usd", "unit_amount": 1000,
        "recurring": { "interval": "month", "interval_count": 3 }
    });
    let expected = Price {
        id: "price_1".into(),
        product: Some("prod_1".into()),
        active: true,
        lookup_key: Some("pro".to_owned()),
        currency: Some("usd".to_owned()),
        unit_amount: Some(1000),
        interval: Some("month".to_owned()),
        interval_count: Some(3),
        deleted: false,
    };
    assert_eq!(read(Kind::Price, &price), Object::Price(expected));
}

#[test]
fn a_percentage_is_kept_as_a_decimal_text() {
    let percent = |raw: &str| {
        let raw = format!("{{\"id\":\"c\",\"percent_off\":{raw},\"valid\":true}}");
        match Object::read(Kind::Coupon, &raw).unwrap() {
            Object::Coupon(Coupon { percent_off, .. }) => percent_off,
            other => panic!("read as {}", other.kind()),
        }
    };
    for (written, kept) in [("25", "25"), ("25.0", "25"), ("33.33", "33.33"), ("\"12.5\"", "12.5")]
    {
        assert_eq!(percent(written).as_deref(), Some(kept));
    }
    for bad in ["null", "\"all\"", "-5", "1e300", "\".5\"", "[]"] {
        assert_eq!(percent(bad), None, "{bad}");
    }
}

#[test]
fn refunds_disputes_and_payment_methods_read_whole() {
    let refund = json!({
        "id": "re_1", "amount": 400, "charge": { "id": "ch_1" }, "payment_intent": "pi_1",
        "currency": "usd", "reason": null, "status": "succeeded", "created": 5
    });
    let expected = Refund {
        id: "re_1".into(),
        charge: Some("ch_1".into()),
        payment_intent: Some("pi_1".into()),
        status: RefundStatus::Succeeded,
        currency: Some("usd".to_owned()),
        amount: 400,
        created: Some(5),
        ..Refund::default()
    };
    assert_eq!(read(Kind::Refund, &refund), Object::Refund(expected));
    let dispute = json!({
        "id": "du_1", "amount": 1000, "charge": "ch_1", "payment_intent": null, "currency": "usd",
        "evidence_details": { "due_by": 0, "has_evidence": false }, "reason": "fraudulent",
        "status": "prevented"
    });
    let expected = Dispute {
        id: "du_1".into(),
        charge: Some("ch_1".into()),
        status: DisputeStatus::Prevented,
        reason: Some("fraudulent".to_owned()),
        currency: Some("usd".to_owned()),
        amount: 1000,
        due_by: Some(0),
        ..Dispute::default()
    };
    assert_eq!(read(Kind::Dispute, &dispute), Object::Dispute(expected));
    let method = json!({
        "id": "pm_1", "customer": "cus_1", "type": "card",
        "card": { "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030 }
    });
    let expected = PaymentMethod {
        id: "pm_1".into(),
        customer: Some("cus_1".into()),
        kind: Some("card".to_owned()),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        exp_month: Some(12),
        exp_year: Some(2030),
    };
    assert_eq!(read(Kind::PaymentMethod, &method), Object::PaymentMethod(expected));
}

/// Stored views are kept for every object, so what is empty must not take room.
#[test]
fn stored_views_hold_only_what_is_there() {
    let customer = read(Kind::Customer, &json!({ "id": "cus_1", "metadata": {}, "name": null }));
    assert_eq!(customer.to_stored(), "{\"object\":\"customer\",\"id\":\"cus_1\"}");
    let view = read(
        Kind::Subscription,
        &json!({
            "id": "sub_1", "customer": "cus_1", "status": "active", "cancel_at_period_end": false,
            "items": { "data": [{
                "id": "si_1", "price": { "id": "price_1", "product": "prod_1", "lookup_key": null },
                "quantity": 1, "current_period_start": 10, "current_period_end": 20
            }] }
        }),
    );
    assert_eq!(
        view.to_stored(),
        "{\"object\":\"subscription\",\"id\":\"sub_1\",\"customer\":\"cus_1\",\
         \"status\":\"active\",\"items\":{\"data\":[{\"id\":\"si_1\",\"price\":{\"id\":\
         \"price_1\",\"product\":\"prod_1\"},\"quantity\":1,\"current_period_start\":10,\
         \"current_period_end\":20}]}}"
    );
}
