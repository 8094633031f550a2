//! The thin events that tell more closely what changed, beside the twin of a snapshot event: a
//! subscription became past due, an item was added. They follow from the object before and after,
//! so what changes without a snapshot event of its own has none of these either.
//! The types are those of 2026-10-28.endive.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::event::Change;

/// A thin event without a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Further {
    /// Its whole type.
    pub(crate) kind: &'static str,
    /// The one field that it tells of; `None` tells that something happened, not what.
    pub(crate) field: Option<&'static str>,
}

const SUBSCRIPTION_FIELDS: &[(&str, &str)] = &[
    ("cancel_at", "v1.customer.subscription.cancel_at_changed"),
    ("default_payment_method", "v1.customer.subscription.default_payment_method_changed"),
];
const SUBSCRIPTION_ITEMS: Rows = Rows {
    added: "v1.customer.subscription.item_added",
    removed: "v1.customer.subscription.item_removed",
    changed: &[
        ("/price/id", "v1.customer.subscription.item_price_changed"),
        ("/quantity", "v1.customer.subscription.item_quantity_changed"),
        ("/tax_rates", "v1.customer.subscription.item_tax_rates_changed"),
    ],
};
const INVOICE_LINES: Rows = Rows {
    added: "v1.invoice.line_item_added",
    removed: "v1.invoice.line_item_removed",
    changed: &[
        ("/pricing", "v1.invoice.line_item_pricing_changed"),
        ("/quantity", "v1.invoice.line_item_quantity_changed"),
    ],
};
const INVOICE_DISCOUNTS: Rows = Rows {
    added: "v1.invoice.discount_added",
    removed: "v1.invoice.discount_removed",
    changed: &[],
};
const ENTITLEMENTS: Rows = Rows {
    added: "v1.entitlements.active_entitlement_summary.entitlement_added",
    removed: "v1.entitlements.active_entitlement_summary.entitlement_removed",
    changed: &[],
};
const PRICE_FIELDS: &[(&str, &str)] = &[
    ("lookup_key", "v1.price.lookup_key_changed"),
    ("tax_behavior", "v1.price.tax_behavior_changed"),
];
const PRODUCT_FIELDS: &[(&str, &str)] = &[
    ("default_price", "v1.product.default_price_changed"),
    ("tax_code", "v1.product.tax_code_changed"),
];

/// Returns the further thin events of an event.
pub(crate) fn further(kind: &str, change: &Change) -> Vec<Further> {
    let mut found = Vec::new();
    let after = &change.after;
    match (kind, &change.before) {
        ("customer.subscription.created", None) => found.extend(status(after)),
        ("customer.subscription.updated", Some(before)) => {
            if before["status"] != after["status"] {
                found.extend(status(after));
            }
            fields(SUBSCRIPTION_FIELDS, before, after, &mut found);
            SUBSCRIPTION_ITEMS.compare(
                &before["items"]["data"],
                &after["items"]["data"],
                &mut found,
            );
        }
        ("customer.discount.updated", Some(before)) => {
            fields(&[("source", "v1.customer.discount.source_changed")], before, after, &mut found);
        }
        ("invoice.updated", Some(before)) => {
            INVOICE_LINES.compare(&before["lines"]["data"], &after["lines"]["data"], &mut found);
            INVOICE_DISCOUNTS.compare(&before["discounts"], &after["discounts"], &mut found);
        }
        ("price.updated", Some(before)) => {
            let kinds = ["v1.price.activated", "v1.price.deactivated"];
            activity(kinds, before, after, &mut found);
            fields(PRICE_FIELDS, before, after, &mut found);
        }
        ("product.updated", Some(before)) => {
            let kinds = ["v1.product.activated", "v1.product.deactivated"];
            activity(kinds, before, after, &mut found);
            fields(PRODUCT_FIELDS, before, after, &mut found);
        }
        ("promotion_code.updated", Some(before)) if is_used_up(after) && !is_used_up(before) => {
            found.push(event("v1.promotion_code.fully_redeemed"));
        }
        ("entitlements.active_entitlement_summary.updated", Some(before)) => {
            let rows = |summary: &Value| summary["entitlements"]["data"].clone();
            ENTITLEMENTS.compare(&rows(before), &rows(after), &mut found);
        }
        _ => {}
    }
    found
}

fn event(kind: &'static str) -> Further {
    Further { kind, field: None }
}

/// A subscription entered a status; those that end or pause it have snapshot events.
fn status(subscription: &Value) -> Option<Further> {
    let kind = match subscription["status"].as_str()? {
        "active" => "v1.customer.subscription.active",
        "trialing" => "v1.customer.subscription.trialing",
        "past_due" => "v1.customer.subscription.past_due",
        "unpaid" => "v1.customer.subscription.unpaid",
        "incomplete" => "v1.customer.subscription.incomplete",
        "incomplete_expired" => "v1.customer.subscription.incomplete_expired",
        _ => return None,
    };
    Some(Further { kind, field: Some("status") })
}

fn fields(
    known: &[(&'static str, &'static str)],
    before: &Value,
    after: &Value,
    found: &mut Vec<Further>,
) {
    let changed = known.iter().filter(|(field, _)| before[*field] != after[*field]);
    found.extend(changed.map(|(field, kind)| Further { kind, field: Some(field) }));
}

/// What is sold came on sale or went off it.
fn activity(kinds: [&'static str; 2], before: &Value, after: &Value, found: &mut Vec<Further>) {
    let [on, off] = kinds;
    match (before["active"].as_bool(), after["active"].as_bool()) {
        (Some(false), Some(true)) => found.push(Further { kind: on, field: Some("active") }),
        (Some(true), Some(false)) => found.push(Further { kind: off, field: Some("active") }),
        _ => {}
    }
}

fn is_used_up(code: &Value) -> bool {
    let (used, most) = (code["times_redeemed"].as_i64(), code["max_redemptions"].as_i64());
    matches!((used, most), (Some(used), Some(most)) if used >= most)
}

/// A list within an object, and what its changes are called.
struct Rows {
    added: &'static str,
    removed: &'static str,
    /// Pointers into a row, each with the type that tells of its change.
    changed: &'static [(&'static str, &'static str)],
}

impl Rows {
    /// However many rows changed alike, it is one event.
    fn compare(&self, before: &Value, after: &Value, found: &mut Vec<Further>) {
        if before == after {
            return;
        }
        let (before, after) = (by_id(before), by_id(after));
        if after.keys().any(|id| !before.contains_key(id)) {
            found.push(event(self.added));
        }
        if before.keys().any(|id| !after.contains_key(id)) {
            found.push(event(self.removed));
        }
        for (pointer, kind) in self.changed {
            let differs = |(id, row): (&&str, &&Value)| {
                after.get(id).is_some_and(|now| now.pointer(pointer) != row.pointer(pointer))
            };
            if before.iter().any(differs) {
                found.push(event(kind));
            }
        }
    }
}

/// Rows by their ids; a row may be an id itself.
fn by_id(rows: &Value) -> BTreeMap<&str, &Value> {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .filter_map(|row| Some((row.as_str().or_else(|| row["id"].as_str())?, row)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(kind: &str, before: &Value, after: &Value) -> Vec<&'static str> {
        let change = Change { after: after.clone(), before: Some(before.clone()) };
        further(kind, &change).into_iter().map(|further| further.kind).collect()
    }

    #[test]
    fn a_subscription_tells_its_new_status_and_each_kind_of_change_once() {
        let item = |id: &str, price: &str, quantity: i64| json!({ "id": id, "price": { "id": price }, "quantity": quantity });
        let before = json!({ "status": "active", "items": { "data": [item("a", "p", 1), item("b", "p", 1), item("c", "p", 1)] } });
        let after = json!({ "status": "past_due", "items": { "data": [item("a", "q", 1), item("b", "q", 2), item("d", "p", 1)] } });
        let found = kinds("customer.subscription.updated", &before, &after);
        let names = [
            "past_due",
            "item_added",
            "item_removed",
            "item_price_changed",
            "item_quantity_changed",
        ];
        let wanted: Vec<String> =
            names.map(|name| format!("v1.customer.subscription.{name}")).to_vec();
        assert_eq!(found, wanted);
        assert_eq!(kinds("customer.subscription.updated", &before, &before), [""; 0]);
    }

    #[test]
    fn discounts_by_id_and_what_is_sold_tell_of_themselves() {
        let discounts = |ids: &[&str]| json!({ "discounts": ids });
        let found = kinds("invoice.updated", &discounts(&["di_1"]), &discounts(&["di_2"]));
        assert_eq!(found, ["v1.invoice.discount_added", "v1.invoice.discount_removed"]);
        let active =
            |active: bool| json!({ "active": active, "lookup_key": active.then_some("a") });
        let found = kinds("price.updated", &active(true), &active(false));
        assert_eq!(found, ["v1.price.deactivated", "v1.price.lookup_key_changed"]);
        let used = |times: i64| json!({ "times_redeemed": times, "max_redemptions": 2 });
        let found = kinds("promotion_code.updated", &used(1), &used(2));
        assert_eq!(found, ["v1.promotion_code.fully_redeemed"]);
        assert_eq!(kinds("promotion_code.updated", &used(2), &used(2)), [""; 0]);
    }
}
