//! Before basil: a subscription had one period, one plan and one discount, a payment knew its
//! invoice. Invoices, where most moved, have a file of their own.

use serde_json::{Map, Value};

use super::{Facts, Object, field, id_of, set, whole};

/// 2025-03-31.basil took `billing_thresholds` away, 2025-05-28.basil brought them back.
pub(super) fn without_thresholds(fields: &mut Object, _: &dyn Facts) {
    fields.remove("billing_thresholds");
}

/// 2025-03-31.basil: the period moved to the items, `discount` became `discounts`. `plan` and
/// `quantity` are those of the only item.
pub(super) fn subscription(subscription: &mut Object, facts: &dyn Facts) {
    let items = field(subscription, "items.data").as_array().cloned().unwrap_or_default();
    let first_to_end = items.iter().min_by_key(|item| item["current_period_end"].as_i64());
    for name in ["current_period_end", "current_period_start"] {
        set(subscription, name, first_to_end.map_or(Value::Null, |item| item[name].clone()));
    }
    let only = (items.len() == 1).then(|| &items[0]);
    for name in ["plan", "quantity"] {
        set(subscription, name, only.map_or(Value::Null, |item| item[name].clone()));
    }
    set_first_discount(subscription, facts);
}

/// 2025-03-31.basil: a phase's `coupon` became `discounts`.
pub(super) fn schedule(schedule: &mut Object, _: &dyn Facts) {
    let phases = schedule.get_mut("phases").and_then(Value::as_array_mut);
    for phase in phases.into_iter().flatten().filter_map(Value::as_object_mut) {
        let coupon = field(phase, "discounts").get(0).map(|first| first["coupon"].clone());
        set(phase, "coupon", coupon);
    }
}

/// 2025-03-31.basil: `invoice` became a list of invoice payments.
pub(super) fn payment_intent(intent: &mut Object, facts: &dyn Facts) {
    let invoice = intent.get("id").and_then(id_of).and_then(|id| facts.invoice_of_payment(id));
    set(intent, "invoice", invoice);
}

/// 2025-03-31.basil: the same for a charge.
pub(super) fn charge(charge: &mut Object, facts: &dyn Facts) {
    let intent = id_of(field(charge, "payment_intent"));
    let invoice = intent.and_then(|id| facts.invoice_of_payment(id));
    set(charge, "invoice", invoice);
}

/// 2025-03-31.basil: `shipping_details` moved into `collected_information`.
pub(super) fn session(session: &mut Object, _: &dyn Facts) {
    let details = field(session, "collected_information.shipping_details").clone();
    set(session, "shipping_details", details);
}

/// 2025-03-31.basil: usage records went, and `recurring.aggregate_usage` with them.
pub(super) fn price(price: &mut Object, _: &dyn Facts) {
    if let Some(Value::Object(recurring)) = price.get_mut("recurring") {
        set(recurring, "aggregate_usage", Value::Null);
    }
}

/// 2025-03-31.basil: the same for a plan.
pub(super) fn plan(plan: &mut Object, _: &dyn Facts) {
    set(plan, "aggregate_usage", Value::Null);
}

/// Sets `discount` to the first of `discounts`, whole; also for invoices.
pub(super) fn set_first_discount(fields: &mut Object, facts: &dyn Facts) {
    let first = field(fields, "discounts").get(0).unwrap_or(&Value::Null);
    let discount = whole(first, facts);
    set(fields, "discount", discount);
}

/// Returns a recurring price as a plan; a price for one time has none.
pub(super) fn plan_of(price: &Value) -> Value {
    if !price["recurring"].is_object() {
        return Value::Null;
    }
    let mut plan = Map::new();
    set(&mut plan, "object", "plan");
    for (name, path) in PLAN_FROM_PRICE {
        set(&mut plan, name, price.pointer(path).cloned());
    }
    Value::Object(plan)
}

const PLAN_FROM_PRICE: [(&str, &str); 18] = [
    ("id", "/id"),
    ("active", "/active"),
    ("amount", "/unit_amount"),
    ("amount_decimal", "/unit_amount_decimal"),
    ("billing_scheme", "/billing_scheme"),
    ("created", "/created"),
    ("currency", "/currency"),
    ("interval", "/recurring/interval"),
    ("interval_count", "/recurring/interval_count"),
    ("livemode", "/livemode"),
    ("metadata", "/metadata"),
    ("meter", "/recurring/meter"),
    ("nickname", "/nickname"),
    ("product", "/product"),
    ("tiers_mode", "/tiers_mode"),
    ("transform_usage", "/transform_quantity"),
    ("trial_period_days", "/recurring/trial_period_days"),
    ("usage_type", "/recurring/usage_type"),
];

#[cfg(test)]
mod tests {
    use crate::version::shelf::{Shelf, at};
    use serde_json::{Value, json};

    const BEFORE: &str = "2025-02-24.acacia";
    const BASIL: &str = "2025-03-31.basil";

    fn item(end: i64) -> Value {
        json!({
            "object": "subscription_item", "billing_thresholds": null, "quantity": 3,
            "current_period_start": end - 10, "current_period_end": end,
            "plan": {"object": "plan", "id": "price_1"},
        })
    }

    fn subscription(items: &[Value]) -> Value {
        json!({
            "object": "subscription", "billing_thresholds": {"amount_gte": 5},
            "discounts": [], "items": {"object": "list", "data": items},
        })
    }

    #[test]
    fn the_period_plan_and_quantity_stand_on_the_subscription() {
        let newest = subscription(&[item(100)]);
        let older = at(BEFORE, &newest, &Shelf::default());
        assert_eq!(older["current_period_end"], 100);
        assert_eq!(older["current_period_start"], 90);
        assert_eq!(older["quantity"], 3);
        assert_eq!(older["plan"]["id"], "price_1");
        assert_eq!(older["plan"]["aggregate_usage"], Value::Null);
        assert_eq!(older["discount"], Value::Null);
        assert_eq!(older["billing_thresholds"], json!({"amount_gte": 5}));
        let newer = at("2025-05-28.basil", &newest, &Shelf::default());
        assert_eq!(newer, newest);
    }

    #[test]
    fn several_items_have_the_period_that_ends_first_and_no_plan() {
        let newest = subscription(&[item(200), item(100)]);
        let older = at(BEFORE, &newest, &Shelf::default());
        assert_eq!(older["current_period_start"], 90);
        assert_eq!((&older["plan"], &older["quantity"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn thresholds_were_away_for_two_versions() {
        let newest = subscription(&[item(100)]);
        for (version, there) in [
            (BEFORE, true),
            (BASIL, false),
            ("2025-04-30.basil", false),
            ("2025-05-28.basil", true),
        ] {
            let shown = at(version, &newest, &Shelf::default());
            let item = &shown["items"]["data"][0];
            assert_eq!(shown.get("billing_thresholds").is_some(), there, "{version}");
            assert_eq!(item.get("billing_thresholds").is_some(), there, "{version}");
        }
    }

    #[test]
    fn the_first_discount_stands_whole_with_its_coupon() {
        let coupon = json!({"id": "SPRING", "object": "coupon"});
        let discount = json!({"id": "di_1", "object": "discount", "source": {"coupon": "SPRING"}});
        let shelf = Shelf::of([coupon.clone(), discount]);
        let newest = json!({"object": "subscription", "discounts": ["di_1", "di_2"]});
        let older = at(BEFORE, &newest, &shelf);
        assert_eq!(older["discount"]["id"], "di_1");
        assert_eq!(older["discount"]["coupon"], coupon);
        assert_eq!(older["discounts"], json!(["di_1", "di_2"]));
        assert_eq!(at(BASIL, &newest, &shelf).get("discount"), None);
    }

    #[test]
    fn a_phase_names_its_coupon() {
        let newest = json!({"object": "subscription_schedule", "phases": [
            {"discounts": [{"coupon": "SPRING"}]}, {"discounts": []},
        ]});
        let older = at(BEFORE, &newest, &Shelf::default());
        assert_eq!(older["phases"][0]["coupon"], "SPRING");
        assert_eq!(older["phases"][1].get("coupon"), Some(&Value::Null));
        assert_eq!(at(BASIL, &newest, &Shelf::default()), newest);
    }

    #[test]
    fn payments_and_charges_name_their_invoice() {
        let shelf = Shelf::default().with_payment("in_1", "pi_1", "ch_1");
        let intent = json!({"object": "payment_intent", "id": "pi_1", "transfer_data": null});
        let charge = json!({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"});
        let alone = json!({"object": "charge", "id": "ch_2", "payment_intent": null});
        for newest in [&intent, &charge] {
            assert_eq!(at(BEFORE, newest, &shelf)["invoice"], "in_1");
            assert_eq!(at(BASIL, newest, &shelf), *newest);
        }
        assert_eq!(at(BEFORE, &alone, &shelf).get("invoice"), Some(&Value::Null));
    }

    #[test]
    fn a_session_tells_where_to_ship_beside_what_it_collected() {
        let details = json!({"name": "Ada", "address": {}});
        let newest = json!({
            "object": "checkout.session", "collected_information": {"shipping_details": details},
        });
        assert_eq!(at(BEFORE, &newest, &Shelf::default())["shipping_details"], details);
        assert_eq!(at(BASIL, &newest, &Shelf::default()), newest);
    }

    #[test]
    fn prices_and_plans_aggregate_usage() {
        let price = json!({"object": "price", "recurring": {"interval": "month"}});
        let once = json!({"object": "price", "recurring": null});
        let plan = json!({"object": "plan"});
        let shelf = Shelf::default();
        let aggregate = |value: &Value| value.get("aggregate_usage").cloned();
        assert_eq!(aggregate(&at(BEFORE, &price, &shelf)["recurring"]), Some(Value::Null));
        assert_eq!(aggregate(&at(BEFORE, &plan, &shelf)), Some(Value::Null));
        assert_eq!(at(BEFORE, &once, &shelf), once);
        assert_eq!(at(BASIL, &price, &shelf), price);
        assert_eq!(at(BASIL, &plan, &shelf), plan);
    }
}
