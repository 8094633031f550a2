//! A webhook endpoint: where snapshots of events go, in which version, signed with what.

use serde::Serialize;

use super::{Id, Metadata, Null, Object};
use crate::world::{Table, World};

/// The status of an endpoint that gets events.
pub(crate) const ENABLED: &str = "enabled";
/// The status of an endpoint that is switched off.
pub(crate) const DISABLED: &str = "disabled";

/// <https://docs.stripe.com/api/webhook_endpoints/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WebhookEndpoint {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// The version that its events are rendered in; the account's if `None`.
    pub(crate) api_version: Option<String>,
    pub(crate) application: Null,
    pub(crate) created: i64,
    pub(crate) description: Option<String>,
    pub(crate) enabled_events: Vec<String>,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    pub(crate) status: &'static str,
    pub(crate) url: String,
    /// Told once, in the answer to the call that made the endpoint.
    #[serde(skip)]
    pub(crate) secret: String,
}

impl Object for WebhookEndpoint {
    const NAME: &'static str = "webhook_endpoint";
    const PREFIX: &'static str = "we_";
    const PATH: &'static str = "/v1/webhook_endpoints";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.webhook_endpoints
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.webhook_endpoints
    }
}
