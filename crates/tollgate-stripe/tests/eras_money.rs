//! Customers, their cards and features, refunds and disputes as each API version wrote them: little
//! moved in them, so each must read alike whatever stands beside it.

mod era;

use era::{END, START, each_reads_as, with};
use serde_json::{Value, json};
use tollgate_stripe::object::{
    Customer, Dispute, DisputeStatus, Entitlements, Kind, Metadata, Object, PaymentMethod, Refund,
    RefundStatus,
};

fn customer_base() -> Value {
    json!({
        "id": "cus_1", "object": "customer", "address": null, "balance": 0, "created": START,
        "currency": "usd", "default_source": null, "delinquent": false, "description": null,
        "email": "jenny@example.com", "invoice_prefix": "0A1B2C3D", "livemode": false,
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": "pm_1", "footer": null
        },
        "metadata": { "user_id": "u_7", "other": "x" }, "name": "Jenny", "phone": null,
        "preferred_locales": ["de", "en"], "shipping": null, "tax_exempt": "none"
    })
}

fn customer() -> Customer {
    Customer {
        id: "cus_1".into(),
        created: Some(START),
        email: Some("jenny@example.com".to_owned()),
        name: Some("Jenny".to_owned()),
        preferred_locales: vec!["de".to_owned(), "en".to_owned()],
        default_payment_method: Some("pm_1".into()),
        metadata: Metadata { user_id: Some("u_7".to_owned()), plan: None },
        deleted: false,
    }
}

#[test]
fn customers_of_every_era_read_alike() {
    let list = |of: Value| json!({ "object": "list", "data": [of], "has_more": false });
    let base = customer_base;
    // Always there until that version: a subscription and a card, each with an id and metadata.
    let lists = json!({
        "sources": list(json!({ "id": "card_1", "object": "card", "customer": "cus_1" })),
        "subscriptions": list(json!({
            "id": "sub_1", "object": "subscription", "metadata": { "user_id": "u_8" }
        })),
        "tax_ids": { "object": "list", "data": [], "has_more": false },
        "default_source": "card_1"
    });
    let coupon = json!({ "id": "OFF", "object": "coupon", "percent_off": 25.0 });
    let old = json!({ "discount": { "id": "di_1", "customer": "cus_9", "coupon": coupon } });
    let source = json!({ "type": "coupon", "coupon": "OFF" });
    let new = json!({ "discount": { "id": "di_1", "customer": "cus_9", "source": source } });
    let settings = json!({ "invoice_settings": {
        "custom_fields": null, "footer": null, "rendering_options": null,
        "default_payment_method": { "id": "pm_1", "object": "payment_method", "type": "card" }
    } });
    let newest = json!({
        "business_name": "Jenny Ltd", "customer_account": null, "individual_name": "Jenny R.",
        "tax": { "automatic_tax": "supported", "ip_address": null, "location": null }
    });
    each_reads_as(
        Kind::Customer,
        &Object::Customer(customer()),
        &[
            ("before 2020-08-27", with(base(), lists)),
            ("2020-08-27", with(base(), json!({ "discount": null }))),
            ("2022-11-15", with(base(), json!({ "test_clock": null, "cash_balance": null }))),
            ("2024-06-20", with(base(), old.clone())),
            ("2025-03-31.basil", with(with(base(), old), settings)),
            ("2025-09-30.clover", with(base(), new.clone())),
            ("2026-10-28.endive", with(with(base(), new), newest)),
        ],
    );
}

#[test]
fn a_deleted_customer_is_one_whatever_is_left_of_it() {
    let stub = json!({ "id": "cus_1", "object": "customer", "deleted": true });
    let gone = Customer { id: "cus_1".into(), deleted: true, ..Customer::default() };
    each_reads_as(Kind::Customer, &Object::Customer(gone), &[("fetched", stub)]);
    let whole = with(customer_base(), json!({ "deleted": true }));
    let gone = Customer { deleted: true, ..customer() };
    each_reads_as(Kind::Customer, &Object::Customer(gone), &[("in an event", whole)]);
}

#[test]
fn refunds_of_every_era_read_alike() {
    let expected = Refund {
        id: "re_1".into(),
        charge: Some("ch_1".into()),
        payment_intent: Some("pi_1".into()),
        customer: None,
        status: RefundStatus::Succeeded,
        currency: Some("usd".to_owned()),
        amount: 400,
        reason: Some("requested_by_customer".to_owned()),
        created: Some(START),
    };
    let base = json!({
        "id": "re_1", "object": "refund", "amount": 400, "balance_transaction": "txn_1",
        "charge": "ch_1", "created": START, "currency": "usd", "metadata": {},
        "payment_intent": "pi_1", "reason": "requested_by_customer", "receipt_number": null,
        "source_transfer_reversal": null, "status": "succeeded", "transfer_reversal": null
    });
    let expanded = json!({
        "charge": { "id": "ch_1", "object": "charge", "amount": 1000, "status": "failed" },
        "payment_intent": { "id": "pi_1", "object": "payment_intent", "created": END }
    });
    let details = json!({ "destination_details": {
        "type": "card", "card": { "type": "refund", "reference_status": "pending" }
    } });
    let newest = json!({
        "customer": "cus_1", "customer_account": null, "payment_method": "pm_1",
        "presentment_details": { "presentment_amount": 370, "presentment_currency": "eur" }
    });
    each_reads_as(
        Kind::Refund,
        &Object::Refund(expected.clone()),
        &[
            ("2020-08-27", base.clone()),
            ("2022-11-15", with(base.clone(), json!({ "description": "x" }))),
            ("2024-06-20", with(base.clone(), details.clone())),
            ("2025-03-31.basil", with(base.clone(), expanded)),
            ("2025-09-30.clover", with(base.clone(), details)),
        ],
    );
    let expected = Refund { customer: Some("cus_1".into()), ..expected };
    let newest = with(base, newest);
    each_reads_as(Kind::Refund, &Object::Refund(expected), &[("2026-10-28.endive", newest)]);
}

fn dispute_base() -> Value {
    json!({
        "id": "dp_1", "object": "dispute", "amount": 1000, "balance_transactions": [
            { "id": "txn_2", "object": "balance_transaction", "amount": -1000, "created": END }
        ],
        "charge": "ch_1", "created": START, "currency": "usd",
        "evidence": { "customer_name": "Jenny", "receipt": null },
        "evidence_details": {
            "due_by": END, "has_evidence": false, "past_due": false, "submission_count": 0
        },
        "is_charge_refundable": false, "livemode": false, "metadata": {},
        "payment_intent": "pi_1", "reason": "fraudulent", "status": "needs_response"
    })
}

fn dispute() -> Dispute {
    Dispute {
        id: "dp_1".into(),
        charge: Some("ch_1".into()),
        payment_intent: Some("pi_1".into()),
        status: DisputeStatus::NeedsResponse,
        reason: Some("fraudulent".to_owned()),
        currency: Some("usd".to_owned()),
        amount: 1000,
        due_by: Some(END),
        created: Some(START),
    }
}

#[test]
fn disputes_of_every_era_read_alike() {
    let base = dispute_base;
    let card = json!({ "payment_method_details": {
        "type": "card", "card": { "brand": "visa", "network_reason_code": "10.4" }
    } });
    let eligible = json!({ "evidence_details": {
        "due_by": END, "enhanced_eligibility": { "visa_compliance": { "status": "required" } },
        "has_evidence": true, "past_due": false, "submission_count": 1
    } });
    let newest = json!({
        "enhanced_eligibility_types": [], "evidence_details": {
            "due_by": END, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
            "submission_count": 0, "submission_method": "not_submitted"
        },
        "intended_submission_method": "smart_disputes", "network_reason_code": "10.4"
    });
    let expanded = json!({ "charge": { "id": "ch_1", "object": "charge", "amount": 5000 } });
    each_reads_as(
        Kind::Dispute,
        &Object::Dispute(dispute()),
        &[
            ("2020-08-27", base()),
            ("2022-11-15", with(base(), json!({ "network_reason_code": "83" }))),
            ("2024-06-20", with(base(), card)),
            ("2025-03-31.basil", with(base(), eligible)),
            ("2025-09-30.clover", with(base(), expanded)),
            ("2026-10-28.endive", with(base(), newest)),
        ],
    );
}

#[test]
fn what_came_to_disputes_later_is_known_and_no_deadline_is_none() {
    let cases = [
        ("prevented", DisputeStatus::Prevented),
        ("appeal_needs_response", DisputeStatus::AppealNeedsResponse),
        ("appeal_under_review", DisputeStatus::AppealUnderReview),
    ];
    for (word, status) in cases {
        let settled = json!({ "status": word, "evidence_details": { "due_by": null } });
        let expected = Dispute { status, due_by: None, ..dispute() };
        let body = with(dispute_base(), settled);
        each_reads_as(Kind::Dispute, &Object::Dispute(expected), &[(word, body)]);
    }
}

#[test]
fn payment_methods_of_every_era_read_alike() {
    let expected = PaymentMethod {
        id: "pm_1".into(),
        customer: Some("cus_1".into()),
        kind: Some("card".to_owned()),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        exp_month: Some(8),
        exp_year: Some(2031),
    };
    let card = json!({
        "brand": "visa", "checks": { "cvc_check": "pass" }, "country": "US", "exp_month": 8,
        "exp_year": 2031, "funding": "credit", "generated_from": null, "last4": "4242",
        "networks": { "available": ["visa"], "preferred": null }, "wallet": null
    });
    let base = json!({
        "id": "pm_1", "object": "payment_method", "card": card, "created": START,
        "billing_details": { "address": null, "email": null, "name": "Jenny", "phone": null },
        "customer": "cus_1", "livemode": false, "metadata": {}, "type": "card"
    });
    let shown = with(card, json!({ "display_brand": "visa", "regulated_status": "unregulated" }));
    let expanded = json!({ "customer": { "id": "cus_1", "object": "customer", "name": "Jenny" } });
    let newest = json!({ "allow_redisplay": "always", "card": shown, "customer_account": null });
    each_reads_as(
        Kind::PaymentMethod,
        &Object::PaymentMethod(expected.clone()),
        &[
            ("2020-08-27", base.clone()),
            ("2022-11-15", with(base.clone(), json!({ "radar_options": {} }))),
            ("2024-06-20", with(base.clone(), json!({ "allow_redisplay": "limited" }))),
            ("2025-03-31.basil", with(base.clone(), expanded)),
            ("2025-09-30.clover", with(base.clone(), newest.clone())),
            ("2026-10-28.endive", with(base.clone(), newest)),
        ],
    );
    let gone = PaymentMethod { customer: None, ..expected };
    let detached = with(base, json!({ "customer": null }));
    each_reads_as(Kind::PaymentMethod, &Object::PaymentMethod(gone), &[("detached", detached)]);
}

#[test]
fn a_payment_method_that_is_no_card_has_no_card() {
    let debit = json!({
        "id": "pm_2", "object": "payment_method", "created": START, "customer": "cus_1",
        "sepa_debit": { "bank_code": "37040044", "country": "DE", "last4": "3000" },
        "type": "sepa_debit"
    });
    let expected = PaymentMethod {
        id: "pm_2".into(),
        customer: Some("cus_1".into()),
        kind: Some("sepa_debit".to_owned()),
        ..PaymentMethod::default()
    };
    each_reads_as(Kind::PaymentMethod, &Object::PaymentMethod(expected), &[("any", debit)]);
}

#[test]
fn entitlements_of_every_era_read_alike() {
    let expected = Entitlements {
        customer: "cus_1".into(),
        features: vec!["api".to_owned(), "export".to_owned()],
        truncated: false,
    };
    let entitlement = |key: &str, feature: Value| {
        json!({
            "id": format!("ent_{key}"), "object": "entitlements.active_entitlement",
            "feature": feature, "livemode": false, "lookup_key": key
        })
    };
    let summary = |data: [Value; 2], has_more: bool| {
        json!({
            "object": "entitlements.active_entitlement_summary", "customer": "cus_1",
            "entitlements": {
                "object": "list", "data": data, "has_more": has_more,
                "url": "/v1/customer/cus_1/entitlements"
            },
            "livemode": false
        })
    };
    let by_id = ["export", "api"].map(|key| entitlement(key, json!(format!("feat_{key}"))));
    // A feature has a lookup key too; it is the entitlement's that counts.
    let whole = ["api", "export"]
        .map(|key| entitlement(key, json!({ "id": "feat_1", "lookup_key": "old", "name": "Old" })));
    let of_kind = Kind::Entitlements;
    each_reads_as(
        of_kind,
        &Object::Entitlements(expected.clone()),
        &[
            ("2024-06-20", summary(by_id.clone(), false)),
            ("2025-03-31.basil", summary(whole, false)),
            ("2025-09-30.clover", summary(by_id.clone(), false)),
            ("2026-10-28.endive", summary(by_id.clone(), false)),
        ],
    );
    let cut = Entitlements { truncated: true, ..expected };
    each_reads_as(of_kind, &Object::Entitlements(cut), &[("cut", summary(by_id, true))]);
}
