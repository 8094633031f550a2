//! An active entitlement: a feature that a customer may use now.

use serde::Serialize;

use super::{Id, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/entitlements/active-entitlement/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ActiveEntitlement {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) feature: Id,
    pub(crate) livemode: bool,
    pub(crate) lookup_key: String,
    #[serde(skip)]
    pub(crate) customer: Id,
    #[serde(skip)]
    pub(crate) created: i64,
}

impl Object for ActiveEntitlement {
    const NAME: &'static str = "entitlements.active_entitlement";
    const PREFIX: &'static str = "ent_";
    const PATH: &'static str = "/v1/entitlements/active_entitlements";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        Some(&self.customer)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.active_entitlements
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.active_entitlements
    }
}
