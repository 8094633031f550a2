//! The envelope of an event: snapshot events, which carry an object, and thin ones, which only
//! name it. Parsing borrows the object from the body; nobody pays for what nobody reads.
//! <https://docs.stripe.com/api/events/object> and <https://docs.stripe.com/event-destinations>.

use std::fmt;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::id::EventId;
use crate::read::{View, nested, own_id, skip, strict_flag, text, whole, whole_number};
use crate::rfc3339::{self, SECONDS_MAX};

/// The `object` of a thin event.
const THIN: &str = "v2.core.event";

/// An event as Stripe delivered it.
#[derive(Debug)]
pub enum Event<'a> {
    /// It carries its object as it was when the event happened.
    Snapshot(SnapshotEvent<'a>),
    /// It only names its object, which has to be fetched.
    Thin(ThinEvent),
}

/// An event with its object in it (`"object": "event"`).
pub struct SnapshotEvent<'a> {
    /// Its id, the same on every delivery.
    pub id: EventId,
    /// Its `type`, such as `customer.subscription.updated`.
    pub kind: String,
    /// When it happened, Unix seconds.
    pub created: i64,
    /// Whether it is about real money.
    pub livemode: bool,
    /// The API version in which its object was written.
    pub api_version: Option<String>,
    /// The connected account it is about (`account`, else `context`).
    pub account: Option<String>,
    /// `data.object`, always a JSON object.
    pub object: &'a RawValue,
    /// `data.previous_attributes`, a JSON object where an update changed something.
    pub previous_attributes: Option<&'a RawValue>,
}

/// An event without its object (`"object": "v2.core.event"`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThinEvent {
    /// Its id, the same on every delivery.
    pub id: EventId,
    /// Its `type`, such as `v1.customer.subscription.updated`.
    pub kind: String,
    /// When it happened, Unix seconds, rounded down.
    pub created: i64,
    /// Whether it is about real money.
    pub livemode: bool,
    /// The account it is about.
    pub context: Option<String>,
    /// The object it is about; a few types have none.
    pub related_object: Option<RelatedObject>,
    /// The snapshot event of the same change.
    pub snapshot_event: Option<EventId>,
}

/// The object that a thin event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelatedObject {
    /// The object's id.
    pub id: String,
    /// What it is: its `type`, such as `subscription`.
    pub kind: String,
    /// The path to fetch it from; empty where Stripe gave none.
    pub url: String,
}

/// Why a body is not an event. The messages name fields, never what stands in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The bytes are not UTF-8.
    #[error("body is not UTF-8")]
    NotUtf8,
    /// The text is not JSON; where it stops being so, counted from 1.
    #[error("body is not JSON at line {line} column {column}")]
    NotJson {
        /// The line.
        line: usize,
        /// The column, in bytes.
        column: usize,
    },
    /// It is JSON, but not an object.
    #[error("body is not a JSON object")]
    NotObject,
    /// A field is missing or cannot be what it should be.
    #[error("event field `{field}` is missing or not {expected}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What should stand there.
        expected: &'static str,
    },
}

impl<'a> Event<'a> {
    /// Reads an event from the bytes of a delivery. Of equal keys the last one counts, unknown
    /// fields are ignored, and any order and white space will do.
    ///
    /// # Errors
    /// Names the first thing that keeps the body from being an event.
    pub fn parse(body: &'a [u8]) -> Result<Self, EventError> {
        let body = std::str::from_utf8(body).map_err(|_| EventError::NotUtf8)?;
        let envelope: Option<Envelope<'a>> = whole(body)
            .map_err(|error| EventError::NotJson { line: error.line(), column: error.column() })?;
        envelope.ok_or(EventError::NotObject)?.into_event()
    }

    /// Returns its id.
    pub fn id(&self) -> &EventId {
        match self {
            Self::Snapshot(event) => &event.id,
            Self::Thin(event) => &event.id,
        }
    }

    /// Returns its `type`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Snapshot(event) => &event.kind,
            Self::Thin(event) => &event.kind,
        }
    }

    /// Returns when it happened, Unix seconds.
    pub fn created(&self) -> i64 {
        match self {
            Self::Snapshot(event) => event.created,
            Self::Thin(event) => event.created,
        }
    }

    /// Says whether it is about real money.
    pub fn livemode(&self) -> bool {
        match self {
            Self::Snapshot(event) => event.livemode,
            Self::Thin(event) => event.livemode,
        }
    }
}

/// Shows the envelope only: the object may hold personal data and must not reach a log.
impl fmt::Debug for SnapshotEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotEvent")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("created", &self.created)
            .field("livemode", &self.livemode)
            .field("api_version", &self.api_version)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// All fields of both envelopes, as they came.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<EventId>,
    object: Option<String>,
    kind: Option<String>,
    created: Option<&'a RawValue>,
    livemode: Option<bool>,
    api_version: Option<String>,
    account: Option<String>,
    context: Option<String>,
    data: Option<Data<'a>>,
    related_object: Option<RelatedObject>,
    snapshot_event: Option<EventId>,
}

impl<'a> View<'a> for Envelope<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?,
            "object" => self.object = text(map)?,
            "type" => self.kind = text(map)?,
            "created" => self.created = Some(map.next_value()?),
            "livemode" => self.livemode = strict_flag(map)?,
            "api_version" => self.api_version = text(map)?,
            "account" => self.account = text(map)?,
            "context" => self.context = text(map)?,
            "data" => self.data = nested(map)?,
            "related_object" => self.related_object = nested(map)?,
            "snapshot_event" => self.snapshot_event = own_id(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Envelope<'a> {
    fn into_event(self) -> Result<Event<'a>, EventError> {
        let thin = self.object.as_deref() == Some(THIN);
        let id = self.id.ok_or_else(|| missing("id", "an id"))?;
        let kind = self.kind.ok_or_else(|| missing("type", "text"))?;
        let created = self.created.map(RawValue::get);
        let livemode = self.livemode.ok_or_else(|| missing("livemode", "true or false"));
        if thin {
            let related = |found: &RelatedObject| !found.id.is_empty() && !found.kind.is_empty();
            return Ok(Event::Thin(ThinEvent {
                id,
                kind,
                created: created.and_then(instant).ok_or_else(|| missing("created", "a time"))?,
                livemode: livemode?,
                context: self.context,
                related_object: self.related_object.filter(related),
                snapshot_event: self.snapshot_event,
            }));
        }
        let created = created.and_then(seconds);
        let created = created.ok_or_else(|| missing("created", "an integer of Unix seconds"))?;
        let livemode = livemode?;
        let data = self.data.unwrap_or_default();
        Ok(Event::Snapshot(SnapshotEvent {
            id,
            kind,
            created,
            livemode,
            api_version: self.api_version,
            account: self.account.or(self.context),
            object: data.object.ok_or_else(|| missing("data.object", "an object"))?,
            previous_attributes: data.previous_attributes,
        }))
    }
}

#[derive(Default)]
struct Data<'a> {
    object: Option<&'a RawValue>,
    previous_attributes: Option<&'a RawValue>,
}

impl<'a> View<'a> for Data<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "object" => self.object = raw_object(map)?,
            "previous_attributes" => self.previous_attributes = raw_object(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> View<'a> for RelatedObject {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "type" => self.kind = text(map)?.unwrap_or_default(),
            "url" => self.url = text(map)?.unwrap_or_default(),
            _ => skip(map)?,
        }
        Ok(())
    }
}

fn raw_object<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Option<&'a RawValue>, A::Error> {
    let raw: &RawValue = map.next_value()?;
    Ok(raw.get().starts_with('{').then_some(raw))
}

fn missing(field: &'static str, expected: &'static str) -> EventError {
    EventError::Field { field, expected }
}

/// The `created` of a snapshot event.
fn seconds(raw: &str) -> Option<i64> {
    let seconds: i64 = serde_json::from_str(raw)
        .ok()
        .or_else(|| serde_json::from_str(raw).ok().and_then(whole_number))?;
    (0..=SECONDS_MAX).contains(&seconds).then_some(seconds)
}

/// The `created` of a thin event.
fn instant(raw: &str) -> Option<i64> {
    let text: String = serde_json::from_str(raw).ok()?;
    rfc3339::seconds(&text)
}
