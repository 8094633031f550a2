//! Events: what the world tells. An event's data is rendered once, in the account's API version,
//! and never changes; deliveries render it in the version of each endpoint, at the same moment.

use std::collections::{HashMap, VecDeque};
use std::str::FromStr as _;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_stripe::version::ApiVersion;

use super::World;
use super::before::Before;
use super::change::shape;
use crate::delivery::{self, Further};
use crate::error::StripeError;
use crate::object::{Id, Object};
use crate::version;

/// One kept event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Id,
    /// In Unix seconds of the object's clock.
    pub(crate) created: i64,
    pub(crate) kind: &'static str,
    /// The version its data is rendered in.
    api_version: String,
    /// The object it is about, for thin events.
    pub(crate) about: Id,
    /// The value of the object's `object`.
    pub(crate) about_kind: &'static str,
    /// `data` as JSON.
    data: Box<str>,
    /// The thin events that tell more closely what changed.
    pub(crate) further: Vec<Further>,
    /// Whether there is a snapshot of it; a ping is thin only.
    pub(crate) has_snapshot: bool,
    /// The bodies that endpoints of other versions were sent.
    pub(crate) sent: Vec<(String, Arc<str>)>,
    pub(crate) request: Option<Origin>,
    /// How many endpoints have not yet taken it.
    pub(crate) pending_webhooks: u32,
    /// The main clock when it was kept.
    kept_at: i64,
}

/// The call an event came from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) request: String,
    pub(crate) idempotency_key: Option<String>,
}

/// The events of the last 30 days, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Events {
    kept: VecDeque<Event>,
    /// The number of the first kept one.
    first: usize,
    places: HashMap<Id, usize>,
}

impl Events {
    pub(crate) fn get(&self, id: &str) -> Option<&Event> {
        self.kept.get(self.places.get(id)? - self.first)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Event> {
        self.kept.get_mut(self.places.get(id)? - self.first)
    }

    /// Returns every kept event, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Event> {
        self.kept.iter().rev()
    }

    fn keep(&mut self, event: Event) {
        self.places.insert(event.id.clone(), self.first + self.kept.len());
        self.kept.push_back(event);
    }

    fn forget_before(&mut self, moment: i64) {
        while self.kept.front().is_some_and(|event| event.kept_at < moment) {
            if let Some(event) = self.kept.pop_front() {
                self.places.remove(&event.id);
                self.first += 1;
            }
        }
    }
}

impl Event {
    /// Returns the event as `GET /v1/events/{id}` answers it.
    pub(crate) fn show(&self) -> Value {
        self.envelope(&self.api_version, self.data())
    }

    /// Returns its `data` in the account's version.
    pub(crate) fn data(&self) -> Value {
        serde_json::from_str(&self.data).expect("written by this file")
    }

    /// Returns the event around data of some version.
    pub(crate) fn envelope(&self, version: &str, data: Value) -> Value {
        let request = self.request.as_ref().map_or(
            json!({ "id": null, "idempotency_key": null }),
            |origin| json!({ "id": origin.request, "idempotency_key": origin.idempotency_key }),
        );
        let mut event = json!({
            "id": self.id,
            "object": "event",
            "api_version": version,
            "created": self.created,
            "livemode": false,
            "pending_webhooks": self.pending_webhooks,
            "request": request,
            "type": self.kind,
        });
        event["data"] = data;
        event
    }
}

/// What changed: the object after, and before where there was a before; in the current shape.
pub(crate) struct Change {
    pub(crate) after: Value,
    pub(crate) before: Option<Value>,
}

impl Change {
    /// Returns an event's `data` in the shapes of a version.
    pub(crate) fn data(&self, world: &World, version: &ApiVersion) -> Value {
        let mut after = self.after.clone();
        version::render(&mut after, version, world);
        let mut before = self.before.clone();
        if let Some(before) = &mut before {
            version::render(before, version, &Before(world));
        }
        match before.and_then(|before| version::difference(&before, &after)) {
            Some(previous) => json!({ "object": after, "previous_attributes": previous }),
            None => json!({ "object": after }),
        }
    }

    /// Writes an event's `data` in the shapes of a version. Most events are only kept, in the
    /// newest shapes, so that way makes no copies.
    fn text(&self, world: &World, version: &ApiVersion) -> Box<str> {
        if !version::is_newest(version) {
            return self.data(world, version).to_string().into();
        }
        let previous = self.before.as_ref().and_then(|it| version::difference(it, &self.after));
        match previous {
            Some(it) => format!(r#"{{"object":{},"previous_attributes":{it}}}"#, self.after),
            None => format!(r#"{{"object":{}}}"#, self.after),
        }
        .into()
    }
}

impl World {
    /// Tells that an object came, went or reached a state.
    pub(crate) fn emit<T: Object>(&mut self, kind: &'static str, id: &str) {
        let Some(row) = T::table(self).get(id) else { return };
        let (about, customer) = (row.id().clone(), row.customer().cloned());
        let change = Change { after: shape(row), before: None };
        self.tell(kind, &about, T::NAME, customer.as_ref(), &change);
    }

    /// Tells that an object changed, if it did.
    pub(super) fn emit_difference<T: Object>(&mut self, kind: &'static str, id: &str, before: &T) {
        let Some(row) = T::table(self).get(id) else { return };
        let (about, customer) = (row.id().clone(), row.customer().cloned());
        let change = Change { after: shape(row), before: Some(shape(before)) };
        if change.before.as_ref() != Some(&change.after) {
            self.tell(kind, &about, T::NAME, customer.as_ref(), &change);
        }
    }

    /// Tells of something that has no table, such as an upcoming invoice.
    pub(crate) fn tell(
        &mut self,
        kind: &'static str,
        about: &Id,
        about_kind: &'static str,
        customer: Option<&Id>,
        change: &Change,
    ) {
        let version = self.account_version();
        let created = self.now_of(customer);
        let event = Event {
            id: self.new_id("evt_"),
            created: delivery::second_of(self, created),
            kind,
            data: change.text(self, &version),
            api_version: version.as_str().to_owned(),
            further: delivery::further(kind, change),
            has_snapshot: true,
            sent: Vec::new(),
            about: about.clone(),
            about_kind,
            request: self.origin(),
            pending_webhooks: 0,
            kept_at: self.now(),
        };
        let id = self.keep_event(event);
        delivery::stage(self, &id, change);
        self.remember_payment(about, about_kind);
    }

    /// Keeps an event that has no snapshot and is about no object of v1.
    pub(crate) fn note(&mut self, kind: &'static str, about: Id, about_kind: &'static str) -> Id {
        let event = Event {
            id: self.new_id("evt_"),
            created: self.now(),
            kind,
            data: "{}".into(),
            api_version: String::new(),
            further: Vec::new(),
            has_snapshot: false,
            sent: Vec::new(),
            about,
            about_kind,
            request: self.origin(),
            pending_webhooks: 0,
            kept_at: self.now(),
        };
        self.keep_event(event)
    }

    fn keep_event(&mut self, event: Event) -> Id {
        self.events.forget_before(event.kept_at - self.settings.keep_events_secs);
        let id = event.id.clone();
        self.events.keep(event);
        id
    }

    /// Returns the version of calls that name none, and of kept events.
    pub(crate) fn account_version(&self) -> ApiVersion {
        ApiVersion::from_str(&self.settings.api_version).unwrap_or_else(|_| ApiVersion::pinned())
    }

    /// Returns the events after the first `read` ever, oldest first, as the API answers them;
    /// without those that are no longer kept.
    pub fn kept_events(&self, read: usize) -> Vec<Value> {
        let skip = read.saturating_sub(self.events.first);
        self.events.kept.iter().skip(skip).map(Event::show).collect()
    }

    /// Returns a kept event; 404 where there is none.
    pub(crate) fn event(&self, id: &str) -> Result<&Event, StripeError> {
        self.events.get(id).ok_or_else(|| StripeError::no_such("event", id))
    }
}
