//! The same object in the shapes of older API versions.
//!
//! The sandbox keeps every object in the newest shape. [`render`] takes one back, change by
//! change, until it stands as a version shows it. As with Stripe, a version protects only what was
//! moved, renamed or removed; what was added shows in every version (in 2026 an account pinned to
//! 2022-11-15 finds `parent` beside `subscription`).

mod basil;
mod clover;
mod dahlia;
mod dates;
mod difference;
mod facts;
mod invoice;
#[cfg(test)]
mod shelf;
#[cfg(test)]
mod tests;

pub use difference::difference;
pub use facts::{Facts, Payment};

use serde_json::{Map, Value};
use tollgate_stripe::version::{ApiVersion, OLDEST};

/// The fields of an object.
type Object = Map<String, Value>;

/// One dated change of one kind of object, told backwards.
#[derive(Clone, Copy)]
struct Step {
    /// The date of the version that brought the change; earlier ones have the older shape.
    date: &'static str,
    /// The date of the first version with that older shape.
    since: &'static str,
    /// The value of the field `object` in what changed.
    kind: &'static str,
    older: fn(&mut Object, &dyn Facts),
}

/// Every change, newest first: the order in which they are undone. The sources are the changelog
/// of stripe-node and, where it says so, that of the API.
const STEPS: &[Step] = &[
    // 21.0
    step("2026-03-25", "checkout.session", dahlia::ui_mode),
    // 20.1
    step("2025-12-15", "payment_intent", clover::transfer_data),
    step("2025-12-15", "product", clover::tax_code),
    // 19.0
    step("2025-09-30", "discount", clover::discount),
    step("2025-09-30", "promotion_code", clover::promotion_code),
    // 18.0 took the thresholds away, 18.2 brought them back.
    gap("2025-03-31", "2025-05-28", "subscription", basil::without_thresholds),
    gap("2025-03-31", "2025-05-28", "subscription_item", basil::without_thresholds),
    // 18.0
    step("2025-03-31", "subscription", basil::subscription),
    step("2025-03-31", "subscription_schedule", basil::schedule),
    step("2025-03-31", "invoice", invoice::invoice),
    step("2025-03-31", "line_item", invoice::line),
    step("2025-03-31", "invoiceitem", invoice::item),
    step("2025-03-31", "payment_intent", basil::payment_intent),
    step("2025-03-31", "charge", basil::charge),
    step("2025-03-31", "checkout.session", basil::session),
    step("2025-03-31", "price", basil::price),
    step("2025-03-31", "plan", basil::plan),
    // 15.0
    step("2024-04-10", "product", dates::features),
    step("2024-04-10", "invoice", dates::rendering_options),
    // 11.0, and the API's own for the refunds.
    step("2022-11-15", "payment_intent", dates::charges),
    step("2022-11-15", "charge", dates::refunds),
    // The API's own.
    step("2022-08-01", "checkout.session", dates::shipping),
];

/// Says whether a version shows objects in their newest shapes.
pub fn is_newest(version: &ApiVersion) -> bool {
    STEPS.iter().all(|step| version.date() >= step.date)
}

/// Gives an object of the newest shape, and every object in it, the shape of a version.
///
/// An event is left as it is: it was rendered when it happened and never changes. A version before
/// the oldest one read counts as that.
pub fn render(object: &mut Value, version: &ApiVersion, facts: &dyn Facts) {
    if is_newest(version) {
        return;
    }
    let date = version.date().max(OLDEST);
    each_object(object, &mut |kind, fields| {
        let due = |step: &&Step| step.kind == kind && date < step.date && date >= step.since;
        for step in STEPS.iter().filter(due) {
            (step.older)(fields, facts);
        }
    });
}

const fn step(date: &'static str, kind: &'static str, older: fn(&mut Object, &dyn Facts)) -> Step {
    gap(OLDEST, date, kind, older)
}

/// A change that was undone later: only the versions between have the older shape.
const fn gap(
    since: &'static str,
    date: &'static str,
    kind: &'static str,
    older: fn(&mut Object, &dyn Facts),
) -> Step {
    Step { date, since, kind, older }
}

/// Visits every object under a value, an outer one before what it holds, so that what a visit
/// adds is visited too.
fn each_object(value: &mut Value, visit: &mut dyn FnMut(&str, &mut Object)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| each_object(value, visit)),
        Value::Object(fields) => {
            if let Some(kind) = fields.get("object").and_then(Value::as_str).map(str::to_owned) {
                if matches!(kind.as_str(), "event" | "v2.core.event") || is_stub(&kind, fields) {
                    return;
                }
                visit(&kind, fields);
            }
            // The keys of metadata are the user's; one of them may be called `object`.
            for (_, value) in fields.iter_mut().filter(|(key, _)| *key != "metadata") {
                each_object(value, visit);
            }
        }
        _ => {}
    }
}

/// Says whether nothing is left of a deleted object but its id. Of a discount all is left.
fn is_stub(kind: &str, fields: &Object) -> bool {
    kind != "discount" && fields.get("deleted") == Some(&Value::Bool(true))
}

/// Returns what stands at a path of names with dots, or null.
fn field<'a>(fields: &'a Object, path: &str) -> &'a Value {
    const NULL: &Value = &Value::Null;
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let names = rest.split('.').filter(|name| !name.is_empty());
    let start = fields.get(first).unwrap_or(NULL);
    names.fold(start, |value, name| value.get(name).unwrap_or(NULL))
}

/// Returns the id that a field holds, whether or not its object is expanded.
fn id_of(reference: &Value) -> Option<&str> {
    reference.as_str().or_else(|| reference.get("id")?.as_str())
}

/// Returns the object behind a field, whether or not it is expanded, or null.
fn whole(reference: &Value, facts: &dyn Facts) -> Value {
    match reference {
        Value::String(id) => facts.object(id).unwrap_or(Value::Null),
        other => other.clone(),
    }
}

fn set(fields: &mut Object, name: &str, value: impl Into<Value>) {
    fields.insert(name.to_owned(), value.into());
}

/// Sets a field that newer shapes may leave out and older ones always have.
fn set_if_absent(fields: &mut Object, name: &str) {
    fields.entry(name).or_insert(Value::Null);
}
