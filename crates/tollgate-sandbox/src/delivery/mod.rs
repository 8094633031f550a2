//! Deliveries: which endpoint gets which event, signed, when, and when again.
//!
//! - [`endpoints`], [`destinations`]: whom to tell, by v1 and by v2. [`events`]: what was told.
//! - [`thin`], [`mod@further`]: events without their objects.
//! - [`queue`]: what waits for an endpoint, and its retries. [`faults`]: what goes wrong.
//! - [`listeners`]: the official command line's sockets.
//!
//! An event is rendered for everyone when it happens; nothing is rendered for nobody.

mod destinations;
mod endpoints;
mod events;
pub(crate) mod faults;
mod further;
mod listeners;
mod queue;
mod thin;

use std::str::FromStr as _;
use std::sync::Arc;

use serde_json::Value;
use tollgate_stripe::signature;
use tollgate_stripe::version::ApiVersion;

use crate::object::Id;
use crate::object::event_destination::{EventDestination, Payload};
use crate::object::webhook_endpoint::{ENABLED, WebhookEndpoint};
use crate::world::event::Change;
use crate::world::{Route, World};
pub(crate) use faults::second_of;
pub(crate) use further::{Further, further};
use listeners::News;
pub(crate) use queue::Deliveries;
use queue::{Address, Parcel};
use thin::Thin;

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] =
    &[endpoints::ROUTES, events::ROUTES, destinations::ROUTES, listeners::ROUTES];

/// What Stripe's deliveries say they come from.
const USER_AGENT: &str = "Stripe/1.0 (+https://stripe.com/docs/webhooks)";

/// One POST to be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Names the attempt in [`World::answered`].
    pub id: u64,
    /// The endpoint or destination it is for, such as `we_1…`.
    pub endpoint: String,
    /// The event in it.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// Where it goes.
    pub url: String,
    /// The headers, the signature among them.
    pub headers: Vec<(&'static str, String)>,
    /// The exact body.
    pub body: String,
    /// How many milliseconds to wait before it: a seeded fault.
    pub slow_millis: u64,
    /// How many bytes of the body are sent; the rest is cut off: a seeded fault.
    pub cut_at: Option<usize>,
    /// What it is signed with.
    secret: String,
}

impl Post {
    /// Signs it as sent at a moment, in Unix seconds. It comes signed by the main clock; where
    /// real time is later, receivers would find that too old.
    pub fn sign(&mut self, at: i64) {
        let header = signature::header(self.body.as_bytes(), &[&self.secret], at);
        self.headers.retain(|(name, _)| *name != "Stripe-Signature");
        self.headers.push(("Stripe-Signature", header));
    }
}

impl World {
    /// Takes the deliveries that are due by the main clock, at most `limit`, in the order in
    /// which they are due. Each is then under way until [`World::answered`] says how it ended.
    pub fn take_due(&mut self, limit: usize) -> Vec<Post> {
        let now = self.now();
        let Self { deliveries, webhook_endpoints, event_destinations, .. } = self;
        let address = |id: &str| {
            let endpoint = webhook_endpoints.get(id);
            let endpoint = endpoint.map(|row| (row.url.clone(), row.secret.clone()));
            let destination = event_destinations.get(id);
            let found = endpoint.or(destination.map(|row| (row.url.clone(), row.secret.clone())));
            found.map(|(url, secret)| Address { url, secret })
        };
        std::iter::from_fn(|| deliveries.take(now, address)).take(limit).collect()
    }

    /// Returns when the next delivery is due, in Unix seconds of the main clock.
    pub fn next_delivery(&self) -> Option<i64> {
        self.deliveries.next_due()
    }

    /// Notes how an attempt ended: the endpoint's status, or `None` where there was no answer.
    /// Anything but a 2xx is tried again later.
    pub fn answered(&mut self, attempt: u64, status: Option<u16>) {
        let now = self.now();
        let settled = self.deliveries.answered(attempt, status, now);
        self.settle(settled);
    }

    /// Counts endpoints down that need no longer be told of an event.
    fn settle(&mut self, events: impl IntoIterator<Item = Id>) {
        for id in events {
            if let Some(event) = self.events.get_mut(&id) {
                event.pending_webhooks = event.pending_webhooks.saturating_sub(1);
            }
        }
    }

    /// Stops all deliveries to an endpoint that is switched off or gone.
    fn stop_deliveries(&mut self, endpoint: &str) {
        let settled = self.deliveries.stop(endpoint);
        self.settle(settled);
    }
}

/// Whoever gets an event.
#[derive(Debug)]
struct Recipient {
    id: Id,
    /// The version of its snapshots; the account's if `None`.
    version: Option<String>,
}

/// Plans the deliveries of an event that was just kept; `data` is its data in the account's
/// version.
pub(crate) fn stage(world: &mut World, id: &Id, change: &Change) {
    stage_snapshots(world, id, change);
    stage_thin(world, id);
}

fn stage_snapshots(world: &mut World, id: &Id, change: &Change) {
    let recipients = snapshot_recipients(world, id);
    let listened = world.deliveries.listeners.anyone(false);
    if recipients.is_empty() && !listened {
        return;
    }
    let awaiting = world.deliveries.listeners.awaiting();
    if let Some(event) = world.events.get_mut(id) {
        event.pending_webhooks = u32::try_from(recipients.len()).unwrap_or(u32::MAX) + awaiting;
    }
    let own = body(world, id, None, change.data(world, &world.account_version()));
    for recipient in recipients {
        let body = match &recipient.version {
            Some(version) => version_body(world, id, version, change, &own),
            None => own.clone(),
        };
        send(world, id, &recipient.id, body);
    }
    if listened {
        tell_listeners(world, id, own);
    }
}

/// Sends a snapshot's body to one endpoint.
fn send(world: &mut World, id: &Id, endpoint: &Id, body: Arc<str>) {
    let Some(event) = world.events.get(id) else { return };
    let parcel = Parcel {
        event: id.clone(),
        kind: event.kind.into(),
        awaited_by: Some(id.clone()),
        endpoint: endpoint.clone(),
        body,
    };
    let (now, most) = (world.now(), world.settings.deliveries_queued_max);
    world.deliveries.queue(parcel, now, most);
}

fn tell_listeners(world: &mut World, id: &Id, body: Arc<str>) {
    let news = News { event: id.clone(), body, snapshot_of: Some(id.clone()) };
    let most = world.settings.deliveries_queued_max;
    world.deliveries.listeners.tell(&news, most);
}

/// Returns the body in a version: the account's own, or one that is rendered once and kept.
fn version_body(
    world: &mut World,
    id: &Id,
    version: &str,
    change: &Change,
    own: &Arc<str>,
) -> Arc<str> {
    if version == world.account_version().as_str() {
        return own.clone();
    }
    let sent = world.events.get(id).map(|event| event.sent.as_slice()).unwrap_or_default();
    if let Some((_, body)) = sent.iter().find(|(known, _)| known == version) {
        return body.clone();
    }
    let wanted = ApiVersion::from_str(version).unwrap_or_else(|_| world.account_version());
    let data = change.data(world, &wanted);
    let body = body(world, id, Some(version), data);
    if let Some(event) = world.events.get_mut(id) {
        event.sent.push((version.to_owned(), body.clone()));
    }
    body
}

/// Returns an event's body as Stripe prints it, with two spaces.
fn body(world: &World, id: &Id, version: Option<&str>, data: Value) -> Arc<str> {
    let event = world.events.get(id).expect("it was just kept");
    pretty(&match version {
        Some(version) => event.envelope(version, data),
        None => event.envelope(world.account_version().as_str(), data),
    })
}

fn pretty(value: &Value) -> Arc<str> {
    serde_json::to_string_pretty(value).expect("values are plain").into()
}

fn stage_thin(world: &mut World, id: &Id) {
    let recipients = thin_recipients(world);
    let listened = world.deliveries.listeners.anyone(true);
    if recipients.is_empty() && !listened {
        return;
    }
    let Some(event) = world.events.get(id) else { return };
    let letters: Vec<News> = Thin::of(event).map(|thin| letter(&thin)).collect();
    let kinds: Vec<Arc<str>> = Thin::of(event).map(|thin| thin.kind().into()).collect();
    for (letter, kind) in letters.iter().zip(kinds) {
        for (endpoint, enabled_events) in &recipients {
            if wants(enabled_events, &kind) {
                send_thin(world, endpoint, letter, &kind);
            }
        }
        let most = world.settings.deliveries_queued_max;
        world.deliveries.listeners.tell(letter, most);
    }
}

fn letter(thin: &Thin) -> News {
    let body = pretty(&thin.notification());
    News { event: thin.id().into(), body, snapshot_of: None }
}

fn send_thin(world: &mut World, endpoint: &Id, letter: &News, kind: &Arc<str>) {
    let parcel = Parcel {
        event: letter.event.clone(),
        kind: kind.clone(),
        awaited_by: None,
        endpoint: endpoint.clone(),
        body: letter.body.clone(),
    };
    let (now, most) = (world.now(), world.settings.deliveries_queued_max);
    world.deliveries.queue(parcel, now, most);
}

/// Returns who gets an event's snapshot, those made last first.
fn snapshot_recipients(world: &World, id: &Id) -> Vec<Recipient> {
    let Some(event) = world.events.get(id) else { return Vec::new() };
    let takes =
        |row: &&WebhookEndpoint| row.status == ENABLED && wants(&row.enabled_events, event.kind);
    let endpoints = world.webhook_endpoints.newest().filter(takes);
    let endpoints =
        endpoints.map(|row| Recipient { id: row.id.clone(), version: row.api_version.clone() });
    let takes = |row: &&EventDestination| {
        row.status == ENABLED
            && row.event_payload == Payload::Snapshot
            && wants(&row.enabled_events, event.kind)
    };
    let destinations = world.event_destinations.newest().filter(takes);
    let destinations = destinations
        .map(|row| Recipient { id: row.id.clone(), version: row.snapshot_api_version.clone() });
    endpoints.chain(destinations).collect()
}

fn thin_recipients(world: &World) -> Vec<(Id, Vec<String>)> {
    let takes =
        |row: &&EventDestination| row.status == ENABLED && row.event_payload == Payload::Thin;
    let rows = world.event_destinations.newest().filter(takes);
    rows.map(|row| (row.id.clone(), row.enabled_events.clone())).collect()
}

fn wants(enabled_events: &[String], kind: &str) -> bool {
    enabled_events.iter().any(|enabled| enabled == "*" || enabled == kind)
}
