//! Tells a story: keeps its time, makes its ids and writes each thing that happens as an event.

use super::StoryEvent;
use super::cast::Cast;
use super::json::{Json, previous_attributes};
use super::people::Person;
use super::versions::{ApiVersionShape, render};
use crate::dice::{Dice, Ids};

/// A body rarely needs more; a longer one grows once.
const BODY_BYTES: usize = 8 * 1024;

/// The state of a story while it is told.
#[derive(Debug)]
pub(super) struct Teller<'a> {
    pub cast: &'a Cast,
    pub person: Person,
    pub ids: Ids,
    /// The present, in Unix seconds.
    pub now: i64,
    /// How long people take; the same whenever the story begins.
    pace: Dice,
    /// What the `request` of the next events says.
    request: Json,
    events: Vec<StoryEvent>,
}

impl<'a> Teller<'a> {
    /// Begins a story; its name keeps its ids apart from those of other stories.
    pub(super) fn new(cast: &'a Cast, name: &str) -> Self {
        let account = cast.account.as_deref().unwrap_or(&cast.product);
        Self {
            cast,
            person: Person::new(cast.seed),
            ids: Ids::new(cast.seed, &format!("{name} {}", cast.start), account),
            now: cast.start,
            pace: Dice::new(cast.seed, name),
            request: request(Json::Null, Json::Null),
            events: Vec::new(),
        }
    }

    /// Returns what happened.
    pub(super) fn finish(self) -> Vec<StoryEvent> {
        self.events
    }

    /// Lets seconds pass.
    pub(super) fn wait(&mut self, seconds: i64) {
        self.now += seconds;
    }

    /// Lets as many seconds pass as a person takes.
    pub(super) fn wait_between(&mut self, least: i64, most: i64) {
        self.now += self.pace.between(least, most);
    }

    /// Lets time pass up to a moment; one that is past changes nothing.
    pub(super) fn until(&mut self, moment: i64) {
        self.now = self.now.max(moment);
    }

    /// Makes an id that begins like Stripe's, with the present in it.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.ids.timed(prefix, self.now)
    }

    /// The next events follow from a new request to Stripe's API.
    pub(super) fn by_request(&mut self) {
        let id = self.ids.plain("req_", 14);
        let key = self.uuid();
        self.request = request(id.into(), key.into());
    }

    /// The next events follow from Stripe's own clockwork.
    pub(super) fn by_itself(&mut self) {
        self.request = request(Json::Null, Json::Null);
    }

    /// Something happened to an object, which is now as it is.
    pub(super) fn tell(&mut self, kind: &'static str, object: &Json) {
        let object = render(object, self.cast.api_version);
        self.write(kind, object, Json::Null);
    }

    /// An object changed from what it was before.
    pub(super) fn tell_change(&mut self, kind: &'static str, before: &Json, after: &Json) {
        let version = self.cast.api_version;
        let (before, after) = (render(before, version), render(after, version));
        let previous = previous_attributes(&before, &after);
        self.write(kind, after, previous);
    }

    /// Changes an object and tells so.
    pub(super) fn change(
        &mut self,
        kind: &'static str,
        object: &mut Json,
        edit: impl FnOnce(&mut Json),
    ) {
        let before = object.clone();
        edit(object);
        self.tell_change(kind, &before, object);
    }

    fn write(&mut self, kind: &'static str, object: Json, previous: Json) {
        if kind.starts_with("invoice_payment.") && self.cast.api_version < ApiVersionShape::Basil {
            return;
        }
        let id = self.id("evt_1");
        let mut data = vec![("object", object)];
        if !previous.is_null() {
            data.push(("previous_attributes", previous));
        }
        let mut event = vec![("id", Json::from(&id)), ("object", "event".into())];
        if let Some(account) = &self.cast.account {
            event.push(("account", account.into()));
        }
        event.extend([
            ("api_version", self.cast.api_version.as_str().into()),
            ("created", self.now.into()),
            ("data", Json::Object(data)),
            ("livemode", self.cast.livemode.into()),
            ("pending_webhooks", self.ids.dice().between(1, 3).into()),
            ("request", self.request.clone()),
            ("type", kind.into()),
        ]);
        let mut body = String::with_capacity(BODY_BYTES);
        Json::Object(event).pretty(&mut body, 0);
        self.events.push(StoryEvent { id, kind: kind.to_owned(), created: self.now, body });
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.ids.dice().next(), self.ids.dice().next());
        let (first, second, third) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
        let (fourth, last) = (low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        format!("{first:08x}-{second:04x}-4{third:03x}-{fourth:04x}-{last:012x}")
    }
}

fn request(id: Json, idempotency_key: Json) -> Json {
    Json::object([("id", id), ("idempotency_key", idempotency_key)])
}
