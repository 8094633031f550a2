//! A setup intent: a payment method is made ready for payments to come, without one now.

use serde::Serialize;
use serde_json::Value;

use super::payment_intent::{AutomaticMethods, IntentStatus, Kinds, NextAction, Options};
use super::payment_method::Kind;
use super::{Id, Metadata, Null, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/setup_intents/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SetupIntent {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) allowed_payment_method_types: Option<Vec<Kind>>,
    pub(crate) application: Null,
    pub(crate) automatic_payment_methods: Option<AutomaticMethods>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) client_secret: String,
    pub(crate) created: i64,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    pub(crate) description: Option<String>,
    pub(crate) excluded_payment_method_types: Option<Vec<String>>,
    pub(crate) flow_directions: Null,
    pub(crate) last_setup_error: Option<Box<Value>>,
    pub(crate) latest_attempt: Option<Id>,
    pub(crate) livemode: bool,
    pub(crate) mandate: Option<Id>,
    pub(crate) metadata: Metadata,
    pub(crate) next_action: Option<NextAction>,
    pub(crate) on_behalf_of: Null,
    pub(crate) payment_method: Option<Id>,
    pub(crate) payment_method_configuration_details: Null,
    pub(crate) payment_method_options: Options,
    pub(crate) payment_method_types: Kinds,
    pub(crate) single_use_mandate: Null,
    pub(crate) status: IntentStatus,
    pub(crate) usage: &'static str,
    /// Where the customer goes who was asked to authenticate, also afterwards.
    #[serde(skip)]
    pub(crate) return_url: Option<String>,
}

impl Object for SetupIntent {
    const NAME: &'static str = "setup_intent";
    const PREFIX: &'static str = "seti_";
    const PATH: &'static str = "/v1/setup_intents";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        self.customer.as_ref()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.setup_intents
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.setup_intents
    }
}
