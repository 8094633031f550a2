//! Whole objects in the shapes of whole versions, and what holds for every step.

use serde_json::{Value, json};
use tollgate_stripe::version::{ApiVersion, PINNED};

use super::shelf::{Shelf, at};
use super::{STEPS, render};

const VERSIONS: [&str; 10] = [
    "2020-08-27",
    "2022-11-15",
    "2023-10-16",
    "2024-06-20",
    "2025-02-24.acacia",
    "2025-03-31.basil",
    "2025-09-30.clover",
    "2026-03-25.dahlia",
    "2026-09-30.endive",
    "2026-10-28.endive",
];

// What the types of stripe-node 14 (2023-10-16) declare as always present. A charge's `refunds`
// is declared too and left out here: since 2022-11-15 it is there only when expanded.
const SUBSCRIPTION: &str = "id object application application_fee_percent automatic_tax \
    billing_cycle_anchor billing_cycle_anchor_config billing_thresholds cancel_at \
    cancel_at_period_end canceled_at cancellation_details collection_method created currency \
    current_period_end current_period_start customer days_until_due default_payment_method \
    default_source description discount discounts ended_at items latest_invoice livemode metadata \
    next_pending_invoice_item_invoice on_behalf_of pause_collection payment_settings \
    pending_invoice_item_interval pending_setup_intent pending_update schedule start_date status \
    test_clock transfer_data trial_end trial_settings trial_start";
const SUBSCRIPTION_ITEM: &str =
    "id object billing_thresholds created discounts metadata plan price subscription tax_rates";
const INVOICE: &str = "id object account_country account_name account_tax_ids amount_due \
    amount_paid amount_remaining amount_shipping application application_fee_amount attempt_count \
    attempted automatic_tax billing_reason charge collection_method created currency custom_fields \
    customer customer_address customer_email customer_name customer_phone customer_shipping \
    customer_tax_exempt default_payment_method default_source default_tax_rates description \
    discount discounts due_date effective_at ending_balance footer from_invoice issuer \
    last_finalization_error latest_revision lines livemode metadata next_payment_attempt number \
    on_behalf_of paid paid_out_of_band payment_intent payment_settings period_end period_start \
    post_payment_credit_notes_amount pre_payment_credit_notes_amount quote receipt_number rendering \
    rendering_options shipping_cost shipping_details starting_balance statement_descriptor status \
    status_transitions subscription subscription_details subtotal subtotal_excluding_tax tax \
    test_clock total total_discount_amounts total_excluding_tax total_tax_amounts transfer_data \
    webhooks_delivered_at";
const LINE_ITEM: &str = "id object amount amount_excluding_tax currency description \
    discount_amounts discountable discounts invoice livemode metadata period plan price proration \
    proration_details quantity subscription type unit_amount_excluding_tax";
const PAYMENT_INTENT: &str = "id object amount amount_capturable amount_received application \
    application_fee_amount automatic_payment_methods canceled_at cancellation_reason \
    capture_method client_secret confirmation_method created currency customer description invoice \
    last_payment_error latest_charge livemode metadata next_action on_behalf_of payment_method \
    payment_method_configuration_details payment_method_options payment_method_types processing \
    receipt_email review setup_future_usage shipping source statement_descriptor \
    statement_descriptor_suffix status transfer_data transfer_group";
const CHARGE: &str = "id object amount amount_captured amount_refunded application \
    application_fee application_fee_amount balance_transaction billing_details \
    calculated_statement_descriptor captured created currency customer description disputed \
    failure_balance_transaction failure_code failure_message fraud_details invoice livemode \
    metadata on_behalf_of outcome paid payment_intent payment_method payment_method_details \
    receipt_email receipt_number receipt_url refunded review shipping source source_transfer \
    statement_descriptor statement_descriptor_suffix status transfer_data transfer_group";
const PLAN: &str = "id object active aggregate_usage amount amount_decimal billing_scheme created \
    currency interval interval_count livemode metadata nickname product tiers_mode \
    transform_usage trial_period_days usage_type";
const SESSION: &str = "id object after_expiration allow_promotion_codes amount_subtotal \
    amount_total automatic_tax billing_address_collection cancel_url client_reference_id \
    client_secret consent consent_collection created currency currency_conversion custom_fields \
    custom_text customer customer_creation customer_details customer_email expires_at invoice \
    invoice_creation livemode locale metadata mode payment_intent payment_link \
    payment_method_collection payment_method_configuration_details payment_method_options \
    payment_method_types payment_status recovered_from setup_intent shipping_address_collection \
    shipping_cost shipping_details shipping_options status submit_type subscription success_url \
    total_details ui_mode url";
const PRODUCT: &str = "id object active created description features images livemode metadata name \
    package_dimensions shippable tax_code type updated url";
const DISPUTE: &str = "id object amount balance_transactions charge created currency evidence \
    evidence_details is_charge_refundable livemode metadata payment_intent reason status";
const PROMOTION_CODE: &str = "id object active code coupon created customer expires_at livemode \
    max_redemptions metadata restrictions times_redeemed";
const DISCOUNT: &str = "id object checkout_session coupon customer end invoice invoice_item \
    promotion_code start subscription subscription_item";

/// Returns a blank object of the newest shape, with what hangs on it.
fn blank(name: &str) -> Value {
    let text = match name {
        "subscription" => include_str!("../story/objects/subscription.json"),
        "subscription_item" => include_str!("../story/objects/subscription_item.json"),
        "invoice" => include_str!("../story/objects/invoice.json"),
        "line_item" => include_str!("../story/objects/line_item.json"),
        "payment_intent" => include_str!("../story/objects/payment_intent.json"),
        "charge" => include_str!("../story/objects/charge.json"),
        "price" => include_str!("../story/objects/price.json"),
        "plan" => include_str!("../story/objects/plan.json"),
        "checkout.session" => include_str!("../story/objects/session.json"),
        "product" => include_str!("../story/objects/product.json"),
        "dispute" => include_str!("../story/objects/dispute.json"),
        "promotion_code" => include_str!("../story/objects/promotion_code.json"),
        "discount" => include_str!("../story/objects/discount.json"),
        other => panic!("no blank {other}"),
    };
    let mut object: Value = serde_json::from_str(text).unwrap();
    // What the stories keep for older shapes is not in the newest.
    for gone in ["invoice", "refunds"] {
        if matches!(name, "payment_intent" | "charge") {
            object.as_object_mut().unwrap().remove(gone);
        }
    }
    object
}

/// A blank subscription with an item, and a blank invoice with a line.
fn furnished() -> (Value, Value, Shelf) {
    let mut price = blank("price");
    price["id"] = json!("price_1");
    let mut item = blank("subscription_item");
    item["plan"] = blank("plan");
    item["price"] = price.clone();
    let mut subscription = blank("subscription");
    subscription["items"]["data"] = json!([item]);
    let mut line = blank("line_item");
    line["pricing"]["price_details"]["price"] = json!("price_1");
    let mut invoice = blank("invoice");
    invoice["lines"]["data"] = json!([line]);
    (subscription, invoice, Shelf::of([price]))
}

fn assert_has(object: &Value, names: &str) {
    let kind = &object["object"];
    let fields = object.as_object().unwrap();
    for name in names.split_whitespace() {
        assert!(fields.contains_key(name), "{kind} lacks {name}");
    }
}

#[test]
fn subscriptions_and_invoices_have_all_that_stripe_node_14_expects() {
    let (subscription, invoice, shelf) = furnished();
    let subscription = at("2023-10-16", &subscription, &shelf);
    assert_has(&subscription, SUBSCRIPTION);
    assert_has(&subscription["items"]["data"][0], SUBSCRIPTION_ITEM);
    assert_has(&subscription["items"]["data"][0]["plan"], PLAN);
    assert_has(&subscription["plan"], PLAN);
    let invoice = at("2023-10-16", &invoice, &shelf);
    assert_has(&invoice, INVOICE);
    assert_has(&invoice["lines"]["data"][0], LINE_ITEM);
    assert_has(&invoice["lines"]["data"][0]["plan"], PLAN);
}

#[test]
fn other_objects_have_all_that_stripe_node_14_expects() {
    for (kind, names) in [
        ("payment_intent", PAYMENT_INTENT),
        ("charge", CHARGE),
        ("checkout.session", SESSION),
        ("product", PRODUCT),
        ("dispute", DISPUTE),
        ("promotion_code", PROMOTION_CODE),
        ("discount", DISCOUNT),
        ("plan", PLAN),
    ] {
        assert_has(&at("2023-10-16", &blank(kind), &Shelf::default()), names);
    }
}

#[test]
fn the_newest_version_changes_nothing() {
    let (subscription, invoice, shelf) = furnished();
    for object in [subscription, invoice, blank("payment_intent"), blank("checkout.session")] {
        let mut rendered = object.clone();
        render(&mut rendered, &ApiVersion::pinned(), &shelf);
        assert_eq!(rendered, object);
    }
}

#[test]
fn objects_in_lists_and_in_other_objects_are_rendered_too() {
    let shelf = Shelf::default().with_payment("in_1", "pi_1", "ch_1");
    let list = json!({"object": "list", "data": [
        {"object": "invoice", "id": "in_1", "customer": {"object": "customer", "discount": {
            "object": "discount", "source": {"coupon": {"object": "coupon", "id": "SPRING"}},
        }}},
    ]});
    let older = at("2024-06-20", &list, &shelf);
    let invoice = &older["data"][0];
    assert_eq!(invoice["payment_intent"], "pi_1");
    assert_eq!(invoice["customer"]["discount"]["coupon"]["id"], "SPRING");
}

#[test]
fn metadata_is_the_users() {
    let object = json!({"object": "customer", "metadata": {"object": "invoice", "id": "mine"}});
    for version in VERSIONS {
        assert_eq!(at(version, &object, &Shelf::default()), object, "{version}");
    }
}

#[test]
fn of_a_deleted_object_only_the_id_is_left_but_of_a_discount_all() {
    for kind in ["product", "price", "plan", "invoice", "subscription_item"] {
        let stub = json!({"object": kind, "id": "x_1", "deleted": true});
        assert_eq!(at("2020-08-27", &stub, &Shelf::default()), stub);
    }
    let source = json!({"type": "coupon", "coupon": {"object": "coupon", "id": "SPRING"}});
    let discount = json!({"object": "discount", "deleted": true, "source": source});
    let older = at("2020-08-27", &discount, &Shelf::default());
    assert_eq!(older["coupon"]["id"], "SPRING");
}

#[test]
fn an_event_keeps_the_shape_it_was_sent_in() {
    let event = json!({"object": "event", "data": {"object": {"object": "invoice"}}});
    assert_eq!(at("2020-08-27", &event, &Shelf::default()), event);
}

#[test]
fn what_is_partial_or_malformed_never_panics() {
    let odd = [
        json!(null),
        json!(7),
        json!("x"),
        json!([]),
        json!([1, {}]),
        json!({}),
        json!({"data": 1}),
    ];
    let names = "id items discounts phases parent pricing lines taxes total_taxes source promotion \
        recurring payment_intent collected_information ui_mode rendering shipping_cost status";
    for kind in STEPS.iter().map(|step| step.kind) {
        for value in &odd {
            let mut object = json!({"object": kind});
            for name in names.split_whitespace() {
                object[name] = value.clone();
            }
            for version in VERSIONS {
                let rendered = at(version, &object, &Shelf::default());
                assert_eq!(rendered["object"], kind);
            }
        }
    }
}

#[test]
fn steps_stand_newest_first_and_before_the_pinned_version() {
    assert!(STEPS.is_sorted_by(|newer, older| newer.date >= older.date));
    for step in STEPS {
        assert!(step.since < step.date && step.date < PINNED, "{} {}", step.date, step.kind);
    }
}

/// A version between two changes has the shape of the older side of the later one.
#[test]
fn versions_between_have_the_shape_of_the_last_change() {
    let invoice = json!({"object": "invoice", "rendering": null});
    let shelf = Shelf::default();
    assert_eq!(at("2023-08-16", &invoice, &shelf), at("2023-10-16", &invoice, &shelf));
    assert_eq!(at("2024-09-30.acacia", &invoice, &shelf), at("2024-06-20", &invoice, &shelf));
    assert_eq!(at("2025-07-30.basil", &invoice, &shelf), at("2026-08-26.dahlia", &invoice, &shelf));
}
