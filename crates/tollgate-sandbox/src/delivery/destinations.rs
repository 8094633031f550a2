//! `/v2/core/event_destinations`: the endpoints of v2. Where they are and what they are signed
//! with is answered only where a call includes it.

use std::str::FromStr as _;

use serde_json::{Value, json};
use tollgate_stripe::version::ApiVersion;

use super::endpoints::{read_events, read_url};
use super::events::{Cursor, page_of_v2};
use super::{letter, send_thin};
use crate::error::StripeError;
use crate::object::event_destination::{Disabled, EventDestination, Payload, StatusDetails};
use crate::object::webhook_endpoint::{DISABLED, ENABLED};
use crate::object::{Object as _, change_metadata, metadata};
use crate::params::Params;
use crate::story::calendar::rfc3339;
use crate::world::{Call, Outcome, Route, World};

use super::thin::Thin;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/core/event_destinations", list),
    Route::post("/v2/core/event_destinations", create),
    Route::get("/v2/core/event_destinations/{id}", |world, call| show(world, call, call.id())),
    Route::post("/v2/core/event_destinations/{id}", update),
    Route::delete("/v2/core/event_destinations/{id}", delete),
    Route::post("/v2/core/event_destinations/{id}/disable", disable),
    Route::post("/v2/core/event_destinations/{id}/enable", enable),
    Route::post("/v2/core/event_destinations/{id}/ping", ping),
];

const URL: &str = "webhook_endpoint.url";
const SECRET: &str = "webhook_endpoint.signing_secret";
const PING: &str = "v2.core.event_destination.ping";

fn list(world: &mut World, call: &Call) -> Outcome {
    let rows: Vec<&EventDestination> = world.event_destinations.newest().collect();
    let cursor = Cursor { path: EventDestination::PATH, call };
    page_of_v2(&cursor, &rows, |row| row.id.to_string(), |row| shape(call, row))
}

fn show(world: &World, call: &Call, id: &str) -> Outcome {
    world.get::<EventDestination>(id).map(|row| shape(call, row))
}

/// Returns a destination with what the call includes.
fn shape(call: &Call, row: &EventDestination) -> Value {
    let mut shown = serde_json::to_value(row).expect("objects are plain");
    let included = call.params.texts("include").unwrap_or_default();
    if included.iter().any(|name| name == URL) {
        shown["webhook_endpoint"]["url"] = (*row.url).into();
    }
    if included.iter().any(|name| name == SECRET) {
        shown["webhook_endpoint"]["signing_secret"] = (*row.secret).into();
    }
    shown
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    if params.need_text("type")? != "webhook_endpoint" {
        return Err(params.refuse("type", "Only webhook endpoints are part of the sandbox."));
    }
    let event_payload = match params.need_text("event_payload")? {
        "thin" => Payload::Thin,
        _ => Payload::Snapshot,
    };
    let endpoint =
        params.sub("webhook_endpoint").ok_or_else(|| params.missing("webhook_endpoint"))?;
    let url = read_url(&endpoint, "url")?.ok_or_else(|| endpoint.missing("url"))?;
    let snapshot_api_version = read_version(params, event_payload)?;
    let enabled_events = read_events(params)?.ok_or_else(|| params.missing("enabled_events"))?;
    check_events(params, &enabled_events, event_payload)?;
    let (name, events_from) = (params.need_text("name")?.to_owned(), read_sources(params)?);
    let now = world.now();
    let destination = EventDestination {
        id: world.new_id("ed_test_"),
        object: EventDestination::NAME,
        created: rfc3339(now, 0),
        description: params.text("description").unwrap_or_default().to_owned(),
        enabled_events,
        event_payload,
        events_from,
        livemode: false,
        metadata: metadata(params),
        name,
        snapshot_api_version,
        status: ENABLED,
        status_details: None,
        kind: "webhook_endpoint",
        updated: rfc3339(now, 0),
        made: now,
        url,
        secret: format!("whsec_{}", world.new_word(32)),
    };
    let id = destination.id.clone();
    world.add(destination);
    show(world, call, &id)
}

/// Snapshots are rendered in the version that is given, or in the account's at that time.
fn read_version(params: &Params, payload: Payload) -> Result<Option<String>, StripeError> {
    let Some(version) = params.text("snapshot_api_version") else { return Ok(None) };
    if payload == Payload::Thin {
        let message = "A destination of thin events has no version of snapshots.";
        return Err(params.refuse("snapshot_api_version", message));
    }
    if ApiVersion::from_str(version).is_err() {
        let message = format!("Invalid Stripe API version: {version}");
        return Err(params.refuse("snapshot_api_version", message));
    }
    Ok(Some(version.to_owned()))
}

/// The types of thin events say their version of the API; those of snapshots do not.
fn check_events(params: &Params, events: &[String], payload: Payload) -> Result<(), StripeError> {
    let is_thin = |name: &str| name.starts_with("v1.") || name.starts_with("v2.");
    let fits = |name: &&String| *name == "*" || is_thin(name) == (payload == Payload::Thin);
    match events.iter().find(|name| !fits(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("The event {name} is not one that this payload can have.");
            Err(params.refuse("enabled_events", message))
        }
    }
}

fn read_sources(params: &Params) -> Result<Option<Vec<String>>, StripeError> {
    let sources = params.texts("events_from");
    let own = |source: &String| source.trim_start_matches('@') == "self";
    if sources.as_ref().is_some_and(|sources| !sources.iter().all(own)) {
        return Err(params.refuse("events_from", "Connected accounts are not part of the sandbox."));
    }
    Ok(sources)
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let payload = world.get::<EventDestination>(call.id())?.event_payload;
    let url = match params.sub("webhook_endpoint") {
        Some(endpoint) => read_url(&endpoint, "url")?,
        None => None,
    };
    let enabled_events = read_events(params)?;
    check_events(params, enabled_events.as_deref().unwrap_or_default(), payload)?;
    change(world, call, |destination| {
        if let Some(url) = url {
            destination.url = url;
        }
        if let Some(enabled_events) = enabled_events {
            destination.enabled_events = enabled_events;
        }
        if let Some(name) = params.text("name") {
            destination.name = name.to_owned();
        }
        if let Some(description) = params.text("description") {
            destination.description = description.to_owned();
        }
        change_metadata(&mut destination.metadata, params);
    })
}

fn change(world: &mut World, call: &Call, change: impl FnOnce(&mut EventDestination)) -> Outcome {
    world.get::<EventDestination>(call.id())?;
    let updated = rfc3339(world.now(), 0);
    world.edit::<EventDestination>(call.id(), |destination| {
        change(destination);
        destination.updated = updated;
    });
    show(world, call, call.id())
}

fn delete(world: &mut World, call: &Call) -> Outcome {
    world.delete::<EventDestination>(call.id(), None)?;
    world.stop_deliveries(call.id());
    Ok(json!({ "id": call.id(), "object": EventDestination::NAME }))
}

fn disable(world: &mut World, call: &Call) -> Outcome {
    let answer = change(world, call, |destination| {
        destination.status = DISABLED;
        destination.status_details = Some(StatusDetails { disabled: Disabled { reason: "user" } });
    })?;
    world.stop_deliveries(call.id());
    Ok(answer)
}

fn enable(world: &mut World, call: &Call) -> Outcome {
    change(world, call, |destination| {
        destination.status = ENABLED;
        destination.status_details = None;
    })
}

/// Sends a thin event to this destination alone, whatever events it wants.
fn ping(world: &mut World, call: &Call) -> Outcome {
    let destination = world.get::<EventDestination>(call.id())?.id.clone();
    let event = world.note(PING, destination.clone(), EventDestination::NAME);
    let event = world.events.get(&event).expect("it was just kept");
    let thin = Thin::of(event).next().expect("a twin is always there");
    let (letter, shown) = (letter(&thin), thin.show());
    send_thin(world, &destination, &letter, &PING.into());
    Ok(shown)
}
