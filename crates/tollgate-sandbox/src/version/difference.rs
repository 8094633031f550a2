//! An event's `previous_attributes`: what an object was before a change.

use serde_json::{Map, Value};

/// Returns the old values of what changed between two shapes of the same object, or nothing.
///
/// Render both to the version of the event first. An array is given whole if any element changed;
/// of an object within, only what changed, unless another one took its place; what was absent
/// before is null.
pub fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => Some(changed_fields(old, new)),
        _ => Some(before.clone()),
    }
}

fn changed_fields(old: &Map<String, Value>, new: &Map<String, Value>) -> Value {
    let mut changed = Map::new();
    for (name, before) in old {
        let previous = match new.get(name) {
            Some(after) if name != "metadata" && is_replaced(before, after) => Some(before.clone()),
            Some(after) => difference(before, after),
            None => Some(before.clone()),
        };
        changed.extend(previous.map(|value| (name.clone(), value)));
    }
    let added = new.keys().filter(|name| !old.contains_key(*name));
    changed.extend(added.map(|name| (name.clone(), Value::Null)));
    Value::Object(changed)
}

/// Says whether one object of Stripe's took the place of another, as a subscription's new plan
/// that of the old one.
fn is_replaced(before: &Value, after: &Value) -> bool {
    let name = |value: &Value| Some((value.get("object")?.clone(), value.get("id")?.clone()));
    matches!((name(before), name(after)), (Some(old), Some(new)) if old != new)
}

#[cfg(test)]
mod tests {
    use super::difference;
    use serde_json::{Value, json};

    fn previous(before: &Value, after: &Value) -> Value {
        difference(before, after).unwrap_or(json!("nothing"))
    }

    #[test]
    fn only_what_changed_is_told_with_its_old_value() {
        let before = json!({"id": "sub_1", "status": "trialing", "livemode": false});
        let after = json!({"id": "sub_1", "status": "active", "livemode": false});
        assert_eq!(previous(&before, &after), json!({"status": "trialing"}));
        assert_eq!(difference(&before, &before), None);
    }

    #[test]
    fn of_an_object_within_only_the_changed_fields_are_told() {
        let before = json!({"cancellation_details": {"reason": null, "comment": null}});
        let after = json!({"cancellation_details": {"reason": "payment_failed", "comment": null}});
        assert_eq!(previous(&before, &after), json!({"cancellation_details": {"reason": null}}));
    }

    #[test]
    fn what_was_absent_is_null_and_what_is_gone_is_told() {
        let before = json!({"metadata": {"kept": "1", "changed": "1", "gone": "1"}});
        let after = json!({"metadata": {"kept": "1", "changed": "2", "new": "1"}});
        let expected = json!({"metadata": {"changed": "1", "gone": "1", "new": null}});
        assert_eq!(previous(&before, &after), expected);
    }

    #[test]
    fn an_array_is_told_whole() {
        let item = |end: i64| json!({"id": "si_1", "current_period_end": end});
        let items = |end: i64| json!({"items": {"object": "list", "data": [item(end), item(0)], "has_more": false}});
        assert_eq!(previous(&items(1), &items(2)), json!({"items": {"data": [item(1), item(0)]}}));
    }

    #[test]
    fn what_was_null_or_becomes_null_is_told_whole() {
        let null = json!({"pause_collection": null});
        let paused = json!({"pause_collection": {"behavior": "void", "resumes_at": null}});
        assert_eq!(previous(&null, &paused), null);
        assert_eq!(previous(&paused, &null), paused);
    }

    #[test]
    fn an_object_replaced_by_another_is_told_whole() {
        let plan = |id: &str, amount: i64| json!({"plan": {"id": id, "object": "plan", "amount": amount, "currency": "usd"}});
        assert_eq!(previous(&plan("price_1", 1), &plan("price_2", 2)), plan("price_1", 1));
        assert_eq!(
            previous(&plan("price_1", 1), &plan("price_1", 2)),
            json!({"plan": {"amount": 1}})
        );
    }

    #[test]
    fn metadata_that_looks_like_an_object_is_still_metadata() {
        let metadata = |id: &str| json!({"metadata": {"object": "plan", "id": id, "kept": "1"}});
        assert_eq!(previous(&metadata("a"), &metadata("b")), json!({"metadata": {"id": "a"}}));
    }
}
