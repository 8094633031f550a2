//! A portal session: one visit of a customer to the billing portal.

use serde::Serialize;

use super::{Id, Null, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/customer_portal/sessions/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PortalSession {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) configuration: Id,
    pub(crate) created: i64,
    pub(crate) customer: Id,
    pub(crate) customer_account: Null,
    pub(crate) flow: Option<Flow>,
    pub(crate) livemode: bool,
    pub(crate) locale: Option<String>,
    pub(crate) on_behalf_of: Null,
    pub(crate) return_url: Option<String>,
    pub(crate) url: String,
    /// The last part of the address.
    #[serde(skip)]
    pub(crate) token: Id,
    /// What waits for the customer's bank.
    #[serde(skip)]
    pub(crate) action: Option<Waiting>,
    /// The deep link was followed to its end.
    #[serde(skip)]
    pub(crate) flow_done: bool,
}

/// What the customer has to authenticate before it counts.
#[derive(Debug, Clone)]
pub(crate) enum Waiting {
    /// A payment method that is being saved.
    Method { setup_intent: Id, method: Id },
    /// The payment of a change.
    Payment { intent: Id },
}

/// A deep link into one page of the portal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Flow {
    pub(crate) after_completion: AfterCompletion,
    /// Filled for `customer_update` alone; it has nothing to say.
    pub(crate) customer_update: Null,
    pub(crate) subscription_cancel: Option<FlowCancel>,
    pub(crate) subscription_pause: Null,
    pub(crate) subscription_update: Option<FlowSubscription>,
    pub(crate) subscription_update_confirm: Option<FlowConfirm>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

impl Flow {
    /// Returns the subscription that the flow is about.
    pub(crate) fn subscription(&self) -> Option<&Id> {
        let cancel = self.subscription_cancel.as_ref().map(|flow| &flow.subscription);
        let update = self.subscription_update.as_ref().map(|flow| &flow.subscription);
        let confirm = self.subscription_update_confirm.as_ref().map(|flow| &flow.subscription);
        cancel.or(update).or(confirm)
    }
}

/// Where a finished flow leads.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AfterCompletion {
    pub(crate) hosted_confirmation: Option<HostedConfirmation>,
    pub(crate) redirect: Option<Redirect>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// A page of the portal that says it is done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HostedConfirmation {
    pub(crate) custom_message: Option<String>,
}

/// A page of the app.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Redirect {
    pub(crate) return_url: String,
}

/// A subscription to be changed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FlowSubscription {
    pub(crate) subscription: Id,
}

/// A subscription to be canceled, and what is offered to whoever stays.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FlowCancel {
    pub(crate) retention: Option<Retention>,
    pub(crate) subscription: Id,
}

/// An offer to stay.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Retention {
    pub(crate) coupon_offer: CouponOffer,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// A coupon for whoever stays.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CouponOffer {
    pub(crate) coupon: Id,
}

/// A change that only waits for a confirmation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FlowConfirm {
    pub(crate) discounts: Option<Vec<FlowDiscount>>,
    pub(crate) items: Vec<FlowItem>,
    pub(crate) subscription: Id,
}

/// A discount that comes with the change.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FlowDiscount {
    pub(crate) coupon: Option<Id>,
    pub(crate) promotion_code: Option<Id>,
}

/// What an item becomes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FlowItem {
    pub(crate) id: Id,
    pub(crate) price: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<i64>,
}

impl Object for PortalSession {
    const NAME: &'static str = "billing_portal.session";
    const PREFIX: &'static str = "bps_";
    const PATH: &'static str = "/v1/billing_portal/sessions";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        Some(&self.customer)
    }

    fn owners(&self) -> Vec<&Id> {
        vec![&self.customer, &self.token]
    }

    fn table(world: &World) -> &Table<Self> {
        &world.portal_sessions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.portal_sessions
    }
}
