//! An event destination: the webhook endpoint of v2, which takes thin events or snapshots.

use serde::Serialize;

use super::{Id, Metadata, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/v2/core/event_destinations/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EventDestination {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// In RFC 3339, as are all moments of v2.
    pub(crate) created: String,
    pub(crate) description: String,
    pub(crate) enabled_events: Vec<String>,
    pub(crate) event_payload: Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) events_from: Option<Vec<String>>,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot_api_version: Option<String>,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_details: Option<StatusDetails>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) updated: String,
    /// `created` in Unix seconds.
    #[serde(skip)]
    pub(crate) made: i64,
    /// Where it is; told where a call includes it.
    #[serde(skip)]
    pub(crate) url: String,
    /// Told where the call that makes it includes it.
    #[serde(skip)]
    pub(crate) secret: String,
}

/// What a destination is sent of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Payload {
    Snapshot,
    Thin,
}

/// Why a destination is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct StatusDetails {
    pub(crate) disabled: Disabled,
}

/// Why a destination is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Disabled {
    pub(crate) reason: &'static str,
}

impl Object for EventDestination {
    const NAME: &'static str = "v2.core.event_destination";
    const PREFIX: &'static str = "ed_";
    const PATH: &'static str = "/v2/core/event_destinations";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.made
    }

    fn table(world: &World) -> &Table<Self> {
        &world.event_destinations
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.event_destinations
    }
}
