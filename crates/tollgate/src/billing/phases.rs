//! A change at the period's end: a schedule of two phases, as it is until then and as it is wanted.
//! Whatever an update of a schedule does not name is unset in its phases, so both name what the
//! subscription has: its trial, its discounts, its taxes and how it is paid.
//!
//! <https://docs.stripe.com/billing/subscriptions/subscription-schedules> (November 2026)

use serde_json::{Map, Value, json};

use crate::stripe_api::StripeError;

/// What a phase has as its subscription has it, under the same name.
const SHARED: [&str; 9] = [
    "application_fee_percent",
    "billing_thresholds",
    "collection_method",
    "currency",
    "default_payment_method",
    "default_tax_rates",
    "description",
    "on_behalf_of",
    "transfer_data",
];

/// What a schedule has to be asked for with, so that [`of`] finds the discounts whole.
pub(super) const EXPANDED: [&str; 2] =
    ["subscription.discounts", "subscription.items.data.discounts"];

/// What is wanted when the period ends.
pub(super) struct Then<'a> {
    pub(super) price: &'a str,
    pub(super) quantity: Option<i64>,
    /// When that is, Unix seconds.
    pub(super) at: i64,
    /// Whether it is paid by another period: then that has to begin there and be charged. Else
    /// Stripe would put the price into the middle of a period of its length, and charge nothing.
    pub(super) begins_anew: bool,
}

impl Then<'_> {
    /// Whether a schedule comes to this in the end.
    pub(super) fn is_last_of(&self, schedule: &Value) -> bool {
        let phase = schedule["phases"].as_array().and_then(|it| it.last());
        phase.is_some_and(|it| {
            let item = &it["items"][0];
            it["start_date"] == self.at
                && id(&item["price"]) == Some(self.price)
                && self.quantity.is_none_or(|it| item["quantity"] == it)
        })
    }
}

/// Returns the phases that a schedule with its subscription gets.
pub(super) fn of(schedule: &Value, then: &Then<'_>) -> Result<Value, StripeError> {
    let subscription = &schedule["subscription"];
    let item = &subscription["items"]["data"][0];
    let starts = schedule["current_phase"]["start_date"].as_i64();
    let (Some(starts), Some(price)) = (starts, id(&item["price"])) else {
        return Err(StripeError::not_an_object("it is no schedule under way"));
    };
    let mut now = shared(subscription);
    let mut next = now.clone();
    let mut one = item_of(item, |_| true);
    one["price"] = price.into();
    put(&mut one, "quantity", &item["quantity"]);
    put(&mut one, "billing_thresholds", &plain(&item["billing_thresholds"]));
    now["items"] = json!([one]);
    now["discounts"] = discounts(&subscription["discounts"], |_| true);
    (now["start_date"], now["end_date"]) = (starts.into(), then.at.into());
    if let Some(trial_end) = subscription["trial_end"].as_i64().filter(|it| *it > starts) {
        now["trial_end"] = trial_end.into();
    }
    let lasts = |discount: &Value| discount["end"].as_i64().is_none_or(|end| end > then.at);
    let mut other = item_of(item, lasts);
    other["price"] = then.price.into();
    put(&mut other, "quantity", &json!(then.quantity));
    next["items"] = json!([other]);
    next["discounts"] = discounts(&subscription["discounts"], lasts);
    next["start_date"] = then.at.into();
    next["proration_behavior"] = "none".into();
    if then.begins_anew {
        next["billing_cycle_anchor"] = "phase_start".into();
    }
    Ok(json!([now, next]))
}

/// What both phases have of the subscription.
fn shared(subscription: &Value) -> Value {
    let mut phase = json!({});
    for name in SHARED {
        put(&mut phase, name, &plain(&subscription[name]));
    }
    if subscription["automatic_tax"]["enabled"] == true {
        let liability = issuer(&subscription["automatic_tax"]["liability"]);
        phase["automatic_tax"] = json!({ "enabled": true });
        put(&mut phase["automatic_tax"], "liability", &liability);
    }
    let mut settings = plain(&subscription["invoice_settings"]);
    if settings.is_object() {
        settings["issuer"] = issuer(&settings["issuer"]);
        put(&mut settings, "days_until_due", &subscription["days_until_due"]);
        put(&mut phase, "invoice_settings", &plain(&settings));
    }
    phase
}

/// Who is liable or issues the invoices, unless that is the account itself, as it usually is.
fn issuer(it: &Value) -> Value {
    if it["type"] == "self" { Value::Null } else { plain(it) }
}

/// What an item has beside its price.
fn item_of(item: &Value, lasts: impl Fn(&Value) -> bool) -> Value {
    let mut one = json!({ "discounts": discounts(&item["discounts"], lasts) });
    put(&mut one, "tax_rates", &plain(&item["tax_rates"]));
    one
}

/// Names discounts that are there, so that they go on as they are.
fn discounts(all: &Value, lasts: impl Fn(&Value) -> bool) -> Value {
    let all = all.as_array().into_iter().flatten().filter(|it| lasts(it));
    all.filter_map(id).map(|it| json!({ "discount": it })).collect()
}

fn put(object: &mut Value, name: &str, value: &Value) {
    if !value.is_null() {
        object[name] = value.clone();
    }
}

/// An answer as a parameter: without what is not set, and ids instead of objects.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(plain).collect(),
        Value::Object(fields) => {
            if let Some(id) = id(value) {
                return id.into();
            }
            let set = fields.iter().map(|(name, it)| (name.clone(), plain(it)));
            let set: Map<String, Value> = set.filter(|(_, it)| !it.is_null()).collect();
            if set.is_empty() { Value::Null } else { set.into() }
        }
        other => other.clone(),
    }
}

fn id(it: &Value) -> Option<&str> {
    it.as_str().or_else(|| it["id"].as_str())
}
