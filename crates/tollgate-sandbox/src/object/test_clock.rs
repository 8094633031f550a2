//! A test clock: time that stands still until a call moves it, for the customers that live by it.

use serde::Serialize;

use super::{Id, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/test_clocks/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TestClock {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) created: i64,
    pub(crate) deletes_after: i64,
    pub(crate) frozen_time: i64,
    pub(crate) livemode: bool,
    pub(crate) name: Option<String>,
    /// `ready`, or `advancing`.
    pub(crate) status: &'static str,
    pub(crate) status_details: StatusDetails,
}

/// Where an advancing clock goes.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct StatusDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advancing: Option<Advancing>,
}

/// The moment a clock goes to, in Unix seconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Advancing {
    pub(crate) target_frozen_time: i64,
}

impl Object for TestClock {
    const NAME: &'static str = "test_helpers.test_clock";
    const PREFIX: &'static str = "clock_";
    const PATH: &'static str = "/v1/test_helpers/test_clocks";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.test_clocks
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.test_clocks
    }
}
