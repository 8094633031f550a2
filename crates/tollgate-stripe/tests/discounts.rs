//! What was taken off, and by which coupon or code, in the shapes of every era.

use serde_json::{Value, json};
use tollgate_stripe::object::{Discount, Kind, Object, SessionDiscount};

/// Adds fields to an object.
fn with(base: &Value, more: &Value) -> Value {
    let mut all = base.clone();
    for (name, value) in more.as_object().expect("it is an object") {
        all[name] = value.clone();
    }
    all
}

#[test]
fn discounts_name_their_coupon_in_every_era() {
    let expected = Discount {
        id: "di_1".into(),
        coupon: Some("OFF".into()),
        promotion_code: Some("promo_1".into()),
        customer: Some("cus_1".into()),
        subscription: Some("sub_1".into()),
        checkout_session: None,
        start: Some(1_780_000_000),
    };
    let base = json!({
        "id": "di_1", "object": "discount", "customer": "cus_1", "subscription": "sub_1",
        "promotion_code": "promo_1", "checkout_session": null, "start": 1_780_000_000, "end": null
    });
    let old = json!({ "coupon": { "id": "OFF", "object": "coupon", "percent_off": 25.0 } });
    let new = json!({ "source": { "type": "coupon", "coupon": "OFF" } });
    let expanded = json!({ "promotion_code": { "id": "promo_1", "object": "promotion_code" } });
    for (era, shape) in [
        ("2020-08-27", with(&base, &old)),
        ("2025-09-30.clover", with(&base, &new)),
        ("2026-10-28.endive", with(&with(&base, &new), &expanded)),
    ] {
        let read = Object::read(Kind::Discount, &shape.to_string());
        assert_eq!(read, Ok(Object::Discount(expected.clone())), "{era}");
    }
    let object = Object::Discount(expected);
    assert_eq!(Object::parse_stored(&object.to_stored()), Ok(object.clone()));
}

#[test]
fn checkout_sessions_name_what_they_take_off() {
    let read = |discounts: Value| {
        let raw = json!({ "id": "cs_1", "object": "checkout.session", "discounts": discounts });
        match Object::read(Kind::CheckoutSession, &raw.to_string()) {
            Ok(object @ Object::CheckoutSession(_)) => object,
            other => panic!("{other:?}"),
        }
    };
    let coupon = SessionDiscount { coupon: Some("OFF".into()), promotion_code: None };
    let code = SessionDiscount { coupon: None, promotion_code: Some("promo_1".into()) };
    for (discounts, expected) in [
        (json!(null), vec![]),
        (json!([]), vec![]),
        (json!([{ "coupon": "OFF", "promotion_code": null }]), vec![coupon]),
        (json!([{ "coupon": null, "promotion_code": { "id": "promo_1" } }]), vec![code]),
        (json!([{}]), vec![]),
    ] {
        let object = read(discounts);
        let Object::CheckoutSession(session) = &object else { panic!("{object:?}") };
        assert_eq!(session.discounts, expected);
        assert_eq!(Object::parse_stored(&object.to_stored()), Ok(object.clone()));
    }
}
