//! `/v1/events` and `/v2/core/events`: what was told in the last 30 days, and telling it again.

use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_stripe::form;

use super::thin::Thin;
use super::{body, pretty, send, tell_listeners};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::event_destination::{EventDestination, Payload};
use crate::object::webhook_endpoint::{ENABLED, WebhookEndpoint};
use crate::world::event::Event;
use crate::world::{Call, Outcome, Route, World, page};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/events", list),
    Route::get("/v1/events/{id}", |world, call| snapshot(world, call.id()).map(Event::show)),
    Route::post("/v1/events/{id}/retry", retry),
    Route::get("/v2/core/events", list_thin),
    Route::get("/v2/core/events/{id}", show_thin),
];

/// How many rows a page of v2 has unless asked otherwise.
const V2_LIMIT: i64 = 20;

fn snapshot<'a>(world: &'a World, id: &str) -> Result<&'a Event, StripeError> {
    let event = world.event(id)?;
    event.has_snapshot.then_some(event).ok_or_else(|| StripeError::no_such("event", id))
}

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (kind, kinds) = (params.text("type"), params.texts("types"));
    if kind.is_some() && kinds.is_some() {
        let message = "You may only specify one of these parameters: type, types.";
        return Err(StripeError::param("types", message));
    }
    let delivered = params.flag("delivery_success");
    let created = params.range("created");
    let keeps = |event: &&Event| {
        event.has_snapshot
            && created.is_none_or(|range| range.holds(event.created))
            && kind.is_none_or(|kind| matches(kind, event.kind))
            && kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| matches(kind, event.kind)))
            && delivered.is_none_or(|delivered| delivered == (event.pending_webhooks == 0))
    };
    let rows: Vec<&Event> = world.events.newest().collect();
    page(call, "event", "/v1/events", &rows, |row| &row.id, keeps, |row| row.show())
}

/// Says whether a type is what a pattern names; `*` stands for any letters.
fn matches(pattern: &str, kind: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == kind };
    let Some(mut kind) = kind.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = kind.find(part) else { return false };
        kind = &kind[at + part.len()..];
    }
    kind.ends_with(end)
}

/// Sends an event once more: to the listeners, or to one endpoint.
fn retry(world: &mut World, call: &Call) -> Outcome {
    let id = snapshot(world, call.id())?.id.clone();
    let params = &call.params;
    if let Some(account) = params.text("account") {
        let message = format!("Connected accounts are not part of the sandbox: {account}.");
        return Err(params.refuse("account", message));
    }
    match params.text("webhook_endpoint") {
        Some(endpoint) => send_again(world, &id, endpoint)?,
        None if params.flag("for_stripecli") == Some(true) => {
            let awaiting = world.deliveries.listeners.awaiting();
            let body = again(world, &id, None, awaiting);
            tell_listeners(world, &id, body);
        }
        None => return Err(params.missing("webhook_endpoint")),
    }
    Ok(world.event(&id)?.show())
}

fn send_again(world: &mut World, id: &Id, endpoint: &str) -> Result<(), StripeError> {
    let (endpoint, status, version) = match world.event_destinations.get(endpoint) {
        Some(row) if row.event_payload == Payload::Snapshot => destination_of(row),
        _ => {
            let row = world.need::<WebhookEndpoint>(endpoint, "webhook_endpoint")?;
            (row.id.clone(), row.status, row.api_version.clone())
        }
    };
    if status != ENABLED {
        let message = format!("The endpoint {endpoint} is disabled.");
        return Err(StripeError::param("webhook_endpoint", message));
    }
    let body = again(world, id, version.as_deref(), 1);
    send(world, id, &endpoint, body);
    Ok(())
}

fn destination_of(row: &EventDestination) -> (Id, &'static str, Option<String>) {
    (row.id.clone(), row.status, row.snapshot_api_version.clone())
}

/// Returns the body for so many more endpoints. A version that the event was never sent in is
/// not made up afterwards: the object may be another by now. It comes in the account's then.
fn again(world: &mut World, id: &Id, version: Option<&str>, more: u32) -> Arc<str> {
    let Some(event) = world.events.get_mut(id) else { return Arc::from("") };
    event.pending_webhooks += more;
    let pending = event.pending_webhooks;
    let sent = event.sent.iter().find(|(known, _)| Some(known.as_str()) == version);
    match sent {
        Some((_, text)) => {
            let mut kept: Value = serde_json::from_str(text).expect("written by this room");
            kept["pending_webhooks"] = pending.into();
            pretty(&kept)
        }
        None => {
            let data = event.data();
            body(world, id, None, data)
        }
    }
}

fn list_thin(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (object, types) = (params.text("object_id"), params.texts("types"));
    let created = params.range("created");
    let keeps = |event: &&Event| {
        object.is_none_or(|object| *event.about == *object)
            && created.is_none_or(|range| range.holds(event.created))
    };
    let events = world.events.newest().filter(keeps);
    let rows = events.flat_map(|event| Thin::of(event).rev());
    let is_asked = |row: &Thin| types.as_ref().is_none_or(|types| types.contains(&row.kind()));
    let rows: Vec<Thin> = rows.filter(is_asked).collect();
    let cursor = Cursor { path: "/v2/core/events", call };
    page_of_v2(&cursor, &rows, Thin::id, Thin::show)
}

fn show_thin(world: &mut World, call: &Call) -> Outcome {
    let thin = Thin::find(world, call.id());
    thin.map(|thin| thin.show()).ok_or_else(|| StripeError::no_such("v2.core.event", call.id()))
}

/// Where a list of v2 stands: its pages are addresses, with the filters that the first one had.
pub(super) struct Cursor<'a> {
    pub(super) path: &'static str,
    pub(super) call: &'a Call,
}

/// Cuts the page that a call asks for out of `rows`, newest first.
pub(super) fn page_of_v2<R>(
    cursor: &Cursor,
    rows: &[R],
    id: impl Fn(&R) -> String,
    show: impl Fn(&R) -> Value,
) -> Outcome {
    let params = &cursor.call.params;
    let limit = usize::try_from(params.int("limit").unwrap_or(V2_LIMIT)).unwrap_or(1).max(1);
    let from = match params.text("page") {
        None => 0,
        Some(page) => {
            let place = page
                .strip_prefix("from_")
                .and_then(|first| rows.iter().position(|row| id(row) == first));
            place.ok_or_else(|| params.refuse("page", format!("No such page: '{page}'")))?
        }
    };
    let to = rows.len().min(from + limit);
    let next = rows.get(to).map(|row| cursor.url(&id(row)));
    let previous = (from > 0).then(|| cursor.url(&id(&rows[from.saturating_sub(limit)])));
    let data: Vec<Value> = rows[from..to].iter().map(show).collect();
    Ok(json!({ "data": data, "next_page_url": next, "previous_page_url": previous }))
}

impl Cursor<'_> {
    /// Returns the address of the page that begins with a row.
    fn url(&self, first: &str) -> String {
        let mut params = self.call.params.clone().into_value();
        params["page"] = format!("from_{first}").into();
        format!("{}?{}", self.path, form::encode(&params))
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, kind, fits) in [
            ("customer.created", "customer.created", true),
            ("customer.*", "customer.subscription.created", true),
            ("customer.*", "charge.created", false),
            ("*.created", "customer.subscription.created", true),
            ("customer.*.created", "customer.subscription.created", true),
            ("customer.*.created", "customer.created", false),
            ("*", "invoice.paid", true),
            ("invoice.paid", "invoice.paid_later", false),
        ] {
            assert_eq!(matches(pattern, kind), fits, "{pattern} {kind}");
        }
    }
}
