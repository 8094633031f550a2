//! Objects as each API version wrote them, and what every version must read as. The texts are
//! cut to what tells the versions apart.

mod era;

use era::{END, START, each_reads_as, read, with};
use serde_json::{Value, json};
use tollgate_stripe::object::{
    Charge, ChargeStatus, CheckoutSession, Invoice, InvoiceLine, InvoicePayment, InvoiceStatus,
    Kind, Metadata, Object, PaymentIntent, PaymentIntentStatus, PaymentStatus, PromotionCode,
    SessionMode, SessionStatus, Subscription, SubscriptionItem, SubscriptionStatus,
};

/// A price as it stands inside other objects, with the noise that real ones have.
fn price() -> Value {
    json!({
        "id": "price_1", "object": "price", "active": true, "billing_scheme": "per_unit",
        "created": START, "currency": "usd", "livemode": false, "lookup_key": "pro_monthly",
        "metadata": {}, "nickname": null, "product": "prod_1",
        "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
        "tiers_mode": null, "type": "recurring", "unit_amount": 1000,
        "unit_amount_decimal": "1000"
    })
}

fn plan() -> Value {
    json!({
        "id": "price_1", "object": "plan", "active": true, "amount": 1000,
        "amount_decimal": "1000", "currency": "usd", "interval": "month", "product": "prod_1"
    })
}

fn subscription_base() -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "application": null, "cancel_at": null,
        "cancel_at_period_end": true, "canceled_at": START + 5, "collection_method":
        "charge_automatically", "created": START, "currency": "usd", "customer": "cus_1",
        "default_payment_method": "pm_1", "ended_at": null, "latest_invoice": "in_1",
        "livemode": false, "metadata": { "user_id": "u_7", "plan": "pro", "other": "x" },
        "pause_collection": null, "pending_update": null, "schedule": null, "status": "active",
        "trial_end": null, "trial_start": null
    })
}

fn subscription() -> Subscription {
    Subscription {
        id: "sub_1".into(),
        customer: Some("cus_1".into()),
        status: SubscriptionStatus::Active,
        items: vec![SubscriptionItem {
            id: Some("si_1".to_owned()),
            price: Some("price_1".into()),
            product: Some("prod_1".into()),
            lookup_key: Some("pro_monthly".to_owned()),
            quantity: Some(2),
            current_period_start: Some(START),
            current_period_end: Some(END),
        }],
        currency: Some("usd".to_owned()),
        created: Some(START),
        cancel_at_period_end: true,
        canceled_at: Some(START + 5),
        current_period_start: Some(START),
        current_period_end: Some(END),
        latest_invoice: Some("in_1".into()),
        default_payment_method: Some("pm_1".into()),
        collection_method: Some("charge_automatically".into()),
        metadata: Metadata { user_id: Some("u_7".to_owned()), plan: Some("pro".to_owned()) },
        ..Subscription::default()
    }
}

#[test]
fn subscriptions_with_their_period_at_the_top_read_alike() {
    let mut expected = subscription();
    expected.items[0].current_period_start = None;
    expected.items[0].current_period_end = None;
    let item = json!({
        "id": "si_1", "object": "subscription_item", "plan": plan(), "price": price(),
        "quantity": 2, "subscription": "sub_1", "tax_rates": []
    });
    let old = |fields: Value| {
        let moved = json!({
            "current_period_start": START, "current_period_end": END,
            "items": { "object": "list", "data": [item], "has_more": false, "total_count": 1 }
        });
        with(with(subscription_base(), moved), fields)
    };
    let discount = json!({ "id": "di_1", "object": "discount", "coupon": { "id": "OFF" } });
    each_reads_as(
        Kind::Subscription,
        &Object::Subscription(expected),
        &[
            ("2020-08-27", old(json!({ "plan": plan(), "quantity": 2, "discount": discount }))),
            ("2022-11-15", old(json!({ "plan": plan(), "quantity": 2, "discount": null }))),
            ("2024-06-20", old(json!({ "discounts": ["di_1"], "discount": discount }))),
        ],
    );
}

#[test]
fn subscriptions_with_their_period_on_the_items_read_alike() {
    let item = json!({
        "id": "si_1", "object": "subscription_item", "current_period_start": START,
        "current_period_end": END, "discounts": [], "metadata": {}, "plan": plan(),
        "price": price(), "quantity": 2, "subscription": "sub_1"
    });
    let new = |fields: Value| {
        let items = json!({ "items": { "object": "list", "data": [item], "has_more": false } });
        with(with(subscription_base(), items), fields)
    };
    each_reads_as(
        Kind::Subscription,
        &Object::Subscription(subscription()),
        &[
            ("2025-03-31.basil", new(json!({ "discounts": [{ "coupon": { "id": "OFF" } }] }))),
            (
                "2025-09-30.clover",
                new(json!({
                    "billing_mode": { "type": "flexible" },
                    "discounts": [{ "source": { "type": "coupon", "coupon": "OFF" } }]
                })),
            ),
            (
                "2026-10-28.endive",
                new(json!({
                    "billing_schedules": [], "managed_payments": null,
                    "status_details": { "paused": null }
                })),
            ),
        ],
    );
}

#[test]
fn a_subscription_of_a_single_plan_has_that_plan_as_its_item() {
    let body = with(subscription_base(), json!({ "plan": plan(), "quantity": 3 }));
    let Object::Subscription(read) = read(Kind::Subscription, &body) else { panic!("kind") };
    let expected = SubscriptionItem {
        price: Some("price_1".into()),
        product: Some("prod_1".into()),
        quantity: Some(3),
        ..SubscriptionItem::default()
    };
    assert_eq!(read.items, [expected]);
}

#[test]
fn the_period_spans_all_items() {
    let item = |start: i64, end: i64| {
        let period = json!({ "current_period_start": start, "current_period_end": end });
        with(json!({ "price": "price_1" }), period)
    };
    let items = json!({ "data": [item(20, 50), item(10, 30)], "has_more": true });
    let body = json!({ "id": "sub_1", "items": items, "current_period_end": 99 });
    let Object::Subscription(read) = read(Kind::Subscription, &body) else { panic!("kind") };
    assert_eq!((read.current_period_start, read.current_period_end), (Some(10), Some(50)));
    assert!(read.items_truncated);
}

#[test]
fn the_end_is_what_ended_then_what_is_fixed_then_the_period() {
    let mut view = subscription();
    assert_eq!(view.ends_at(), Some(END));
    view.cancel_at = Some(END + 1);
    assert_eq!(view.ends_at(), Some(END + 1));
    view.ended_at = Some(END - 1);
    assert_eq!(view.ends_at(), Some(END - 1));
    let going_on = Subscription { cancel_at_period_end: false, ..subscription() };
    assert_eq!(going_on.ends_at(), None);
}

fn invoice_base() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "amount_due": 1000, "amount_paid": 1000,
        "amount_remaining": 0, "attempt_count": 2, "attempted": true,
        "billing_reason": "subscription_cycle", "created": START, "currency": "usd",
        "customer": "cus_1", "customer_email": "jenny@example.com",
        "lines": { "object": "list", "data": [{ "id": "il_1", "amount": 1000 }] },
        "next_payment_attempt": null, "period_start": START, "period_end": END, "status": "paid",
        "status_transitions": {
            "finalized_at": START + 3600, "marked_uncollectible_at": null,
            "paid_at": START + 3601, "voided_at": null
        },
        "total": 1000
    })
}

#[test]
fn invoices_of_every_era_name_their_subscription_and_payment() {
    let expected = Invoice {
        id: Some("in_1".into()),
        customer: Some("cus_1".into()),
        subscription: Some("sub_1".into()),
        status: InvoiceStatus::Paid,
        billing_reason: Some("subscription_cycle".to_owned()),
        currency: Some("usd".to_owned()),
        amount_due: Some(1000),
        amount_paid: Some(1000),
        amount_remaining: Some(0),
        total: Some(1000),
        attempt_count: 2,
        attempted: true,
        created: Some(START),
        period_start: Some(START),
        period_end: Some(END),
        finalized_at: Some(START + 3600),
        paid_at: Some(START + 3601),
        payment_intent: Some("pi_1".into()),
        charge: Some("ch_1".into()),
        lines: vec![InvoiceLine { amount: 1000, ..InvoiceLine::default() }],
        ..Invoice::default()
    };
    let old = json!({
        "subscription": "sub_1", "payment_intent": "pi_1", "charge": "ch_1", "paid": true
    });
    let payment = json!({
        "id": "inpay_1", "object": "invoice_payment", "amount_paid": 1000, "invoice": "in_1",
        "payment": { "type": "payment_intent", "payment_intent": "pi_1", "charge": "ch_1" }
    });
    let new = json!({
        "parent": {
            "type": "subscription_details", "quote_details": null,
            "subscription_details": { "metadata": {}, "subscription": "sub_1" }
        },
        "payments": { "object": "list", "data": [payment], "has_more": false }
    });
    let details = json!({ "subscription_details": { "metadata": { "user_id": "u_7" } } });
    each_reads_as(
        Kind::Invoice,
        &Object::Invoice(expected),
        &[
            ("2020-08-27", with(invoice_base(), old.clone())),
            ("2022-11-15", with(with(invoice_base(), old.clone()), json!({ "discount": null }))),
            ("2024-06-20", with(with(invoice_base(), old), details)),
            ("2025-03-31.basil", with(invoice_base(), new.clone())),
            (
                "2025-09-30.clover",
                with(with(invoice_base(), new.clone()), json!({ "discounts": [] })),
            ),
            ("2026-10-28.endive", with(with(invoice_base(), new), json!({ "status_details": {} }))),
        ],
    );
}

#[test]
fn an_invoice_that_only_says_paid_is_paid() {
    let Object::Invoice(paid) = read(Kind::Invoice, &json!({ "id": "in_1", "paid": true })) else {
        panic!("kind")
    };
    assert_eq!(paid.status, InvoiceStatus::Paid);
    let body = json!({ "id": "in_1", "paid": true, "status": "void" });
    let Object::Invoice(void) = read(Kind::Invoice, &body) else { panic!("kind") };
    assert_eq!(void.status, InvoiceStatus::Void);
    let Object::Invoice(open) = read(Kind::Invoice, &json!({ "id": "in_1", "paid": false })) else {
        panic!("kind")
    };
    assert_eq!(open.status.as_str(), "");
}

#[test]
fn an_upcoming_invoice_has_no_id() {
    let body = json!({
        "object": "invoice", "customer": "cus_1",
        "subscription_details": { "subscription": { "id": "sub_1" } }
    });
    let object = read(Kind::Invoice, &body);
    assert_eq!(object.id(), None);
    assert_eq!(object.customer().unwrap(), "cus_1");
    let Object::Invoice(invoice) = object else { panic!("kind") };
    assert_eq!(invoice.subscription.unwrap(), "sub_1");
}

#[test]
fn invoice_payments_name_what_was_paid_with() {
    let body = json!({
        "id": "inpay_1", "object": "invoice_payment", "amount_paid": 1000,
        "amount_requested": 1000, "created": START, "currency": "usd", "invoice": "in_1",
        "is_default": true, "livemode": false, "status": "paid",
        "payment": { "type": "payment_intent", "payment_intent": { "id": "pi_1" } },
        "status_transitions": { "canceled_at": null, "paid_at": START }
    });
    let expected = InvoicePayment {
        id: "inpay_1".into(),
        invoice: Some("in_1".into()),
        payment_intent: Some("pi_1".into()),
        charge: None,
        status: Some("paid".to_owned()),
        amount_paid: Some(1000),
    };
    assert_eq!(read(Kind::InvoicePayment, &body), Object::InvoicePayment(expected));
}

#[test]
fn payment_intents_name_their_last_charge_and_error() {
    let expected = PaymentIntent {
        id: "pi_1".into(),
        customer: Some("cus_1".into()),
        status: PaymentIntentStatus::RequiresPaymentMethod,
        currency: Some("usd".to_owned()),
        amount: Some(1000),
        amount_received: Some(0),
        invoice: None,
        latest_charge: Some("ch_2".into()),
        error_code: Some("insufficient_funds".to_owned()),
        created: Some(START),
    };
    let base = json!({
        "id": "pi_1", "object": "payment_intent", "amount": 1000, "amount_received": 0,
        "client_secret": "pi_1_secret", "created": START, "currency": "usd", "customer": "cus_1",
        "last_payment_error": {
            "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"
        },
        "payment_method_types": ["card"], "status": "requires_payment_method"
    });
    let charges = json!({ "charges": {
        "object": "list", "data": [{ "id": "ch_2", "amount": 1000 }, { "id": "ch_1" }]
    } });
    let latest = json!({ "latest_charge": "ch_2" });
    each_reads_as(
        Kind::PaymentIntent,
        &Object::PaymentIntent(expected.clone()),
        &[
            ("2020-08-27", with(base.clone(), charges)),
            ("2022-11-15", with(base.clone(), latest.clone())),
            ("2024-06-20", with(base.clone(), json!({ "latest_charge": { "id": "ch_2" } }))),
            ("2025-03-31.basil", with(base.clone(), latest.clone())),
            ("2025-09-30.clover", with(base.clone(), latest.clone())),
            ("2026-10-28.endive", with(base.clone(), latest)),
        ],
    );
    let billed = with(base, json!({ "latest_charge": "ch_2", "invoice": "in_1" }));
    let expected = PaymentIntent { invoice: Some("in_1".into()), ..expected };
    assert_eq!(read(Kind::PaymentIntent, &billed), Object::PaymentIntent(expected));
}

#[test]
fn charges_of_every_era_read_alike() {
    let expected = Charge {
        id: "ch_1".into(),
        customer: Some("cus_1".into()),
        payment_intent: Some("pi_1".into()),
        invoice: None,
        status: ChargeStatus::Succeeded,
        currency: Some("usd".to_owned()),
        amount: 1000,
        amount_captured: Some(1000),
        amount_refunded: 400,
        refunded: false,
        disputed: true,
        failure_code: None,
        created: Some(START),
        ..Charge::default()
    };
    let base = json!({
        "id": "ch_1", "object": "charge", "amount": 1000, "amount_captured": 1000,
        "amount_refunded": 400, "billing_details": { "email": "jenny@example.com" },
        "captured": true, "created": START, "currency": "usd", "customer": "cus_1",
        "disputed": true, "failure_code": null, "paid": true, "payment_intent": "pi_1",
        "refunded": false, "status": "succeeded"
    });
    let refunds = json!({ "refunds": { "object": "list", "data": [{ "id": "re_1" }] } });
    each_reads_as(
        Kind::Charge,
        &Object::Charge(expected.clone()),
        &[
            ("2020-08-27", with(base.clone(), refunds)),
            ("2022-11-15", with(base.clone(), json!({ "invoice": null }))),
            ("2024-06-20", with(base.clone(), json!({ "radar_options": {} }))),
            ("2025-03-31.basil", base.clone()),
            ("2025-09-30.clover", with(base.clone(), json!({ "presentment_details": {} }))),
            ("2026-10-28.endive", with(base.clone(), json!({ "authorization_code": "1" }))),
        ],
    );
    let billed = with(base, json!({ "invoice": { "id": "in_1", "object": "invoice" } }));
    let expected = Charge { invoice: Some("in_1".into()), ..expected };
    assert_eq!(read(Kind::Charge, &billed), Object::Charge(expected));
}

#[test]
fn checkout_sessions_name_their_prices_in_every_era() {
    let expected = CheckoutSession {
        id: "cs_test_1".into(),
        mode: SessionMode::Subscription,
        status: SessionStatus::default(),
        payment_status: PaymentStatus::Paid,
        customer: Some("cus_1".into()),
        subscription: Some("sub_1".into()),
        client_reference_id: Some("u_7".to_owned()),
        currency: Some("usd".to_owned()),
        amount_total: Some(1000),
        prices: vec!["price_1".into()],
        ..CheckoutSession::default()
    };
    let base = json!({
        "id": "cs_test_1", "object": "checkout.session", "amount_total": 1000,
        "client_reference_id": "u_7", "currency": "usd", "customer": "cus_1", "metadata": {},
        "mode": "subscription", "payment_intent": null, "payment_status": "paid",
        "subscription": "sub_1", "success_url": "https://example.com"
    });
    let lines = json!({ "line_items": {
        "object": "list", "data": [{ "id": "li_1", "object": "item", "price": price() }]
    } });
    let display = json!({ "display_items": [{ "type": "plan", "plan": plan(), "quantity": 1 }] });
    each_reads_as(
        Kind::CheckoutSession,
        &Object::CheckoutSession(expected.clone()),
        &[("before 2020-08-27", with(base.clone(), display))],
    );
    let expected = CheckoutSession { lookup_keys: vec!["pro_monthly".to_owned()], ..expected };
    each_reads_as(
        Kind::CheckoutSession,
        &Object::CheckoutSession(expected.clone()),
        &[("2020-08-27", with(base.clone(), lines.clone()))],
    );
    let newer = json!({ "status": "complete", "created": START, "expires_at": END });
    let newer = with(with(base, lines), newer);
    let expected = CheckoutSession {
        status: SessionStatus::Complete,
        created: Some(START),
        expires_at: Some(END),
        ..expected
    };
    each_reads_as(
        Kind::CheckoutSession,
        &Object::CheckoutSession(expected),
        &[
            ("2022-11-15", newer.clone()),
            ("2024-06-20", with(newer.clone(), json!({ "ui_mode": "hosted", "url": null }))),
            ("2025-03-31.basil", with(newer.clone(), json!({ "discounts": [] }))),
            ("2025-09-30.clover", with(newer.clone(), json!({ "ui_mode": "custom" }))),
            ("2026-10-28.endive", with(newer, json!({ "ui_mode": "hosted_page" }))),
        ],
    );
}

#[test]
fn promotion_codes_name_their_coupon_in_every_era() {
    let expected = PromotionCode {
        id: "promo_1".into(),
        code: Some("SPRING".to_owned()),
        coupon: Some("OFF".into()),
        customer: None,
        active: true,
        times_redeemed: Some(3),
        max_redemptions: Some(10),
        expires_at: Some(END),
    };
    let base = json!({
        "id": "promo_1", "object": "promotion_code", "active": true, "code": "SPRING",
        "created": START, "customer": null, "expires_at": END, "max_redemptions": 10,
        "restrictions": { "first_time_transaction": true }, "times_redeemed": 3
    });
    let old = json!({ "coupon": { "id": "OFF", "object": "coupon", "percent_off": 25.0 } });
    let new = json!({ "promotion": { "type": "coupon", "coupon": "OFF" } });
    let expanded = json!({ "promotion": { "type": "coupon", "coupon": { "id": "OFF" } } });
    each_reads_as(
        Kind::PromotionCode,
        &Object::PromotionCode(expected),
        &[
            ("2020-08-27", with(base.clone(), old.clone())),
            ("2022-11-15", with(base.clone(), old.clone())),
            ("2024-06-20", with(base.clone(), old.clone())),
            ("2025-03-31.basil", with(base.clone(), old)),
            ("2025-09-30.clover", with(base.clone(), new)),
            ("2026-10-28.endive", with(base, expanded)),
        ],
    );
}
