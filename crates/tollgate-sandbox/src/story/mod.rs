//! Coherent histories of Stripe events, as a pure function of a seed: the objects in one story
//! refer to one another, change as Stripe changes them and carry true `previous_attributes`.
//!
//! A [`Cast`] says who takes part and when it begins; [`story`] tells one story by name,
//! [`for_event`] one that contains a wanted event type, [`mix`] the endless traffic of many
//! customers. The same input gives the same bytes on every machine.

pub(crate) mod calendar;
mod cast;
mod json;
mod objects;
mod people;
mod repertoire;
mod stories;
mod teller;
mod traffic;
mod versions;

pub use cast::Cast;
pub use repertoire::{
    EVENT_TYPES, STORIES, StoryInfo, delivered, for_event, for_event_until, story, story_until,
};
pub use traffic::mix;
pub use versions::ApiVersionShape;

/// One event of a story, as Stripe would deliver it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryEvent {
    /// The event's id, `evt_…`, the same as in the body.
    pub id: String,
    /// The event's type, for example `invoice.paid`.
    pub kind: String,
    /// When it happened, in Unix seconds.
    pub created: i64,
    /// The exact bytes of the delivery: JSON, pretty-printed with two spaces.
    pub body: String,
}
