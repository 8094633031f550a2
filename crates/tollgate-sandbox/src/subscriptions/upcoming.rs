//! `GET /v1/invoices/upcoming`, which versions before 2025-03-31.basil know: a preview under its
//! older names, of an invoice without an id. Source: the types of npm `stripe` 14.25.0.

use serde_json::{Map, Value};

use super::preview;
use crate::error::StripeError;
use crate::params::{self, Params};
use crate::world::{Call, Outcome, World};

/// The first version without it.
const GONE_SINCE: &str = "2025-03-31";
/// What stands in its place.
const PREVIEW: &str = "POST /v1/invoices/create_preview";
/// What is of the subscription began so.
const DETAIL: &str = "subscription_";

pub(super) fn retrieve(world: &mut World, call: &Call) -> Outcome {
    let version = call.version.clone();
    if version.as_ref().is_some_and(|version| version.date() >= GONE_SINCE) {
        return Err(StripeError::no_route("GET", "/v1/invoices/upcoming"));
    }
    let params = params::check(PREVIEW, newer(&call.params), version.as_ref())?;
    let asked = Call { ids: Vec::new(), params, key: call.key.clone(), version };
    let mut invoice = preview::create(world, &asked)?;
    if let Some(fields) = invoice.as_object_mut() {
        fields.remove("id");
    }
    Ok(invoice)
}

/// Returns the parameters under the names of a preview.
fn newer(params: &Params) -> Value {
    let mut given = Map::new();
    let mut details = Map::new();
    for name in params.names().filter(|name| *name != "expand") {
        // An empty value unsets.
        let value = params.value(name).cloned().unwrap_or(Value::Null);
        match name.strip_prefix(DETAIL) {
            Some(detail) => details.insert(detail.to_owned(), value),
            None => given.insert(name.to_owned(), value),
        };
    }
    if !details.is_empty() {
        given.insert("subscription_details".to_owned(), Value::Object(details));
    }
    Value::Object(given)
}
