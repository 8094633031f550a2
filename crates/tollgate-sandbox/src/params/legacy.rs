//! Parameters that Stripe has removed since. A call of a version that still knows one, or of no
//! version, may send it; where a newer parameter says the same, it is rewritten to that one, so that
//! handlers only see newer names. Sources: (N) the changelog of the npm package `stripe`, (D) Stripe's
//! own changelog and documentation, (C) what the official CLI sends.

use serde_json::{Map, Value, json};
use tollgate_stripe::version::ApiVersion;

use super::schema::Field;
use crate::error::StripeError;

/// An old parameter.
struct Row {
    endpoints: &'static [&'static str],
    /// The objects that hold it, with `*` for each element of a list; then its name.
    path: &'static str,
    /// The first version that no longer knows it.
    until: &'static str,
    becomes: Becomes,
}

enum Becomes {
    /// It has no newer equivalent and is read under its old name; the name's marks and its type.
    Itself(&'static str, &'static str),
    /// Newer parameters of the same object; nothing where this value is not an old one.
    Beside(fn(&Value) -> Option<Value>),
    /// The same, of the call itself.
    AtRoot(fn(&Value) -> Option<Value>),
}

const CUSTOMER: &[&str] = &["POST /v1/customers", "POST /v1/customers/{id}"];
const SUBSCRIPTION: &[&str] = &["POST /v1/subscriptions", "POST /v1/subscriptions/{id}"];
const PRORATED: &[&str] = &[
    "POST /v1/subscriptions",
    "POST /v1/subscriptions/{id}",
    "POST /v1/subscription_items",
    "POST /v1/subscription_items/{id}",
];
const ANCHORED: &[&str] = &["POST /v1/subscriptions/{id}", "POST /v1/subscriptions/{id}/resume"];
const SCHEDULE: &[&str] =
    &["POST /v1/subscription_schedules", "POST /v1/subscription_schedules/{id}"];
const PREVIEW: &[&str] = &["POST /v1/invoices/create_preview"];
const CHECKOUT: &[&str] = &["POST /v1/checkout/sessions"];
const INVOICE_ITEM: &[&str] = &["POST /v1/invoiceitems", "POST /v1/invoiceitems/{id}"];
const INVOICE_LINES: &[&str] =
    &["POST /v1/invoices/{id}/add_lines", "POST /v1/invoices/{id}/update_lines"];
const PRODUCT: &[&str] = &["POST /v1/products", "POST /v1/products/{id}"];
const PAYING: &[&str] = &[
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/{id}",
    "POST /v1/payment_intents/{id}/confirm",
    "POST /v1/setup_intents",
    "POST /v1/setup_intents/{id}",
    "POST /v1/checkout/sessions",
];

const fn row(
    endpoints: &'static [&'static str],
    path: &'static str,
    until: &'static str,
    becomes: Becomes,
) -> Row {
    Row { endpoints, path, until, becomes }
}

use Becomes::{AtRoot, Beside, Itself};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // [D] 2020-08-27.
    row(PRORATED, "prorate", "2020-08-27", Beside(prorate)),
    row(SUBSCRIPTION, "tax_percent", "2020-08-27", Itself("tax_percent?", "\"number\"")),
    // [D] 2022-08-01.
    row(CHECKOUT, "subscription_data.items", "2022-08-01", AtRoot(line_items)),
    row(CHECKOUT, "line_items.*.amount", "2022-08-01", Beside(line_amount)),
    row(CHECKOUT, "line_items.*.currency", "2022-08-01", Beside(line_currency)),
    row(CHECKOUT, "line_items.*.name", "2022-08-01", Beside(|v| product_data("name", v))),
    row(CHECKOUT, "line_items.*.description", "2022-08-01", Beside(|v| product_data("description", v))),
    row(CHECKOUT, "line_items.*.images", "2022-08-01", Beside(|v| product_data("images", v))),
    // [N] 13.0.0.
    row(CHECKOUT, "subscription_data.coupon", "2023-08-16", AtRoot(|v| discounts("coupon", v))),
    row(CHECKOUT, "subscription_data.trial_from_plan", "2023-08-16", Itself("trial_from_plan", "\"boolean\"")),
    // [N] 15.0.0.
    row(PRODUCT, "features", "2024-04-10", Beside(|v| Some(json!({ "marketing_features": v })))),
    // [N] 18.0.0; [C] sends the customer's coupon.
    row(CUSTOMER, "coupon", "2025-03-31", Itself("coupon?", "\"string\"")),
    row(CUSTOMER, "promotion_code", "2025-03-31", Itself("promotion_code?", "\"string\"")),
    row(SUBSCRIPTION, "coupon", "2025-03-31", Beside(|v| discounts("coupon", v))),
    row(SUBSCRIPTION, "promotion_code", "2025-03-31", Beside(|v| discounts("promotion_code", v))),
    row(PREVIEW, "coupon", "2025-03-31", Beside(|v| discounts("coupon", v))),
    row(PREVIEW, "schedule_details.phases.*.coupon", "2025-03-31", Beside(|v| discounts("coupon", v))),
    row(SCHEDULE, "phases.*.coupon", "2025-03-31", Beside(|v| discounts("coupon", v))),
    row(INVOICE_ITEM, "price", "2025-03-31", Beside(pricing)),
    row(INVOICE_ITEM, "unit_amount", "2025-03-31", Beside(unit_amount)),
    row(INVOICE_LINES, "lines.*.price", "2025-03-31", Beside(pricing)),
    row(&["POST /v1/invoices/{invoice}/lines/{id}"], "price", "2025-03-31", Beside(pricing)),
    // [N] 19.0.0; [C] sends the promotion code's coupon.
    row(&["POST /v1/promotion_codes"], "coupon", "2025-09-30", Beside(promotion)),
    row(SCHEDULE, "phases.*.iterations", "2025-09-30", Itself("iterations", "\"integer\"")),
    row(PREVIEW, "schedule_details.phases.*.iterations", "2025-09-30", Itself("iterations", "\"integer\"")),
    // [N] 21.0.0.
    row(CHECKOUT, "ui_mode", "2026-03-25", Beside(ui_mode)),
    // [N] 23.0.0; [C] sends payment_method_types.
    row(ANCHORED, "billing_cycle_anchor", "2026-09-30", Beside(anchor)),
    row(PREVIEW, "subscription_details.billing_cycle_anchor", "2026-09-30", Beside(anchor)),
    row(PAYING, "payment_method_types", "2026-09-30", Beside(allowed_types)),
];

/// Rewrites what this version's calls may still say in old words; leaves what it no longer knows.
pub(super) fn modernize(
    endpoint: &str,
    given: &mut Map<String, Value>,
    version: Option<&ApiVersion>,
) -> Result<(), StripeError> {
    for row in ROWS.iter().filter(|row| row.endpoints.contains(&endpoint)) {
        if row.is_known(version) {
            row.rewrite(given);
        } else if row.path == "payment_method_types" && given.contains_key(row.path) {
            return Err(StripeError::param(
                row.path,
                "payment_method_types can no longer be sent. Name the payment methods in \
                 allowed_payment_method_types, or those to leave out in \
                 excluded_payment_method_types.",
            )
            .code("payment_method_types_no_longer_supported"));
        }
    }
    Ok(())
}

/// Returns a parameter that kept its old name, by its full name, if this version knows it.
pub(super) fn kept(endpoint: &str, name: &str, version: Option<&ApiVersion>) -> Option<Field> {
    let path = pattern(name);
    let known = |row: &&Row| row.path == path && row.endpoints.contains(&endpoint);
    ROWS.iter().filter(known).find_map(|row| match row.becomes {
        Itself(marked, kind) if row.is_known(version) => {
            let kind = serde_json::from_str(kind).expect("a type in the table is JSON");
            Some(Field::read(marked, &kind).1)
        }
        _ => None,
    })
}

impl Row {
    fn is_known(&self, version: Option<&ApiVersion>) -> bool {
        version.is_none_or(|version| version.date() < self.until)
    }

    fn rewrite(&self, root: &mut Map<String, Value>) {
        let (holders, name) = self.path.rsplit_once('.').unwrap_or(("", self.path));
        let steps: Vec<&str> = holders.split('.').filter(|step| !step.is_empty()).collect();
        match self.becomes {
            Itself(..) => {}
            Beside(newer) => each(root, &steps, &mut |holder| {
                if let Some(newer) = holder.get(name).and_then(newer) {
                    holder.remove(name);
                    merge(holder, newer);
                }
            }),
            AtRoot(newer) => {
                let mut found = Vec::new();
                each(root, &steps, &mut |holder| {
                    if let Some(newer) = holder.get(name).and_then(newer) {
                        holder.remove(name);
                        found.push(newer);
                    }
                });
                found.into_iter().for_each(|newer| merge(root, newer));
            }
        }
    }
}

/// Calls `then` with each object that the steps lead to.
fn each(
    at: &mut Map<String, Value>,
    steps: &[&str],
    then: &mut dyn FnMut(&mut Map<String, Value>),
) {
    let Some((step, rest)) = steps.split_first() else { return then(at) };
    match at.get_mut(*step) {
        Some(Value::Object(inner)) if rest.first() != Some(&"*") => each(inner, rest, then),
        // A list whose places do not count up is an object still.
        Some(Value::Object(places)) => {
            let elements = places.values_mut().filter_map(Value::as_object_mut);
            elements.for_each(|element| each(element, &rest[1..], then));
        }
        Some(Value::Array(elements)) if rest.first() == Some(&"*") => {
            let elements = elements.iter_mut().filter_map(Value::as_object_mut);
            elements.for_each(|element| each(element, &rest[1..], then));
        }
        _ => {}
    }
}

/// Adds what is new; what the call says itself stays.
fn merge(into: &mut Map<String, Value>, newer: Value) {
    let Value::Object(newer) = newer else { return };
    for (name, value) in newer {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), value @ Value::Object(_)) => merge(known, value),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// `phases[0][coupon]` becomes `phases.*.coupon`.
fn pattern(name: &str) -> String {
    let (first, rest) = name.split_once('[').unwrap_or((name, ""));
    let mut path = first.to_owned();
    for step in rest.trim_end_matches(']').split("][").filter(|step| !step.is_empty()) {
        let place = step.bytes().all(|byte| byte.is_ascii_digit());
        path.push('.');
        path.push_str(if place { "*" } else { step });
    }
    path
}

fn discounts(kind: &str, id: &Value) -> Option<Value> {
    if id.is_null() || id == "" {
        return Some(json!({ "discounts": "" }));
    }
    Some(json!({ "discounts": [{ kind: id }] }))
}

fn prorate(value: &Value) -> Option<Value> {
    let behavior = match value {
        Value::Bool(true) => "create_prorations",
        Value::Bool(false) => "none",
        Value::String(text) if text == "true" => "create_prorations",
        Value::String(text) if text == "false" => "none",
        _ => return None,
    };
    Some(json!({ "proration_behavior": behavior }))
}

fn promotion(coupon: &Value) -> Option<Value> {
    Some(json!({ "promotion": { "type": "coupon", "coupon": coupon } }))
}

fn pricing(price: &Value) -> Option<Value> {
    Some(json!({ "pricing": { "price": price } }))
}

fn unit_amount(amount: &Value) -> Option<Value> {
    Some(json!({ "unit_amount_decimal": amount }))
}

fn ui_mode(mode: &Value) -> Option<Value> {
    let newer = match mode.as_str()? {
        "hosted" => "hosted_page",
        "embedded" => "embedded_page",
        "custom" => "elements",
        _ => return None,
    };
    Some(json!({ "ui_mode": newer }))
}

/// An anchor was a word, or in previews a time.
fn anchor(value: &Value) -> Option<Value> {
    let anchor = match value {
        Value::String(word) if ["now", "unchanged"].contains(&word.as_str()) => {
            json!({ "type": word })
        }
        Value::Number(_) => json!({ "type": "timestamp", "timestamp": value }),
        Value::String(time) if time.parse::<i64>().is_ok() => {
            json!({ "type": "timestamp", "timestamp": value })
        }
        _ => return None,
    };
    Some(json!({ "billing_cycle_anchor": anchor }))
}

fn allowed_types(types: &Value) -> Option<Value> {
    Some(json!({ "allowed_payment_method_types": types }))
}

fn line_items(items: &Value) -> Option<Value> {
    let Value::Array(items) = items else { return None };
    let line = |item: &Value| {
        let mut line = item.as_object().cloned().unwrap_or_default();
        if let Some(plan) = line.remove("plan") {
            line.insert("price".to_owned(), plan);
        }
        line.entry("quantity").or_insert(json!(1));
        Value::Object(line)
    };
    Some(json!({ "line_items": items.iter().map(line).collect::<Vec<_>>() }))
}

fn line_amount(amount: &Value) -> Option<Value> {
    Some(json!({ "price_data": { "unit_amount": amount } }))
}

fn line_currency(currency: &Value) -> Option<Value> {
    Some(json!({ "price_data": { "currency": currency } }))
}

fn product_data(name: &str, value: &Value) -> Option<Value> {
    Some(json!({ "price_data": { "product_data": { name: value } } }))
}
