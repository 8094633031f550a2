//! A portal configuration: what customers may do in the billing portal.

use serde::Serialize;

use super::checkout_session::Enabled;
use super::{Id, Metadata, Null, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/customer_portal/configurations/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PortalConfiguration {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) active: bool,
    pub(crate) application: Null,
    pub(crate) business_profile: BusinessProfile,
    pub(crate) created: i64,
    pub(crate) default_return_url: Option<String>,
    pub(crate) features: Features,
    pub(crate) is_default: bool,
    pub(crate) livemode: bool,
    pub(crate) login_page: LoginPage,
    pub(crate) metadata: Metadata,
    pub(crate) name: Option<String>,
    pub(crate) updated: i64,
}

/// What the portal says of the business.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct BusinessProfile {
    pub(crate) headline: Option<String>,
    pub(crate) privacy_policy_url: Option<String>,
    pub(crate) terms_of_service_url: Option<String>,
}

/// A page where customers log in by e-mail; the sandbox sends no mail and has none.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct LoginPage {
    pub(crate) enabled: bool,
    pub(crate) url: Null,
}

/// What the portal can do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Features {
    pub(crate) customer_update: CustomerUpdate,
    pub(crate) invoice_history: Enabled,
    pub(crate) payment_method_update: MethodUpdate,
    pub(crate) subscription_cancel: SubscriptionCancel,
    pub(crate) subscription_pause: SubscriptionPause,
    pub(crate) subscription_update: SubscriptionUpdate,
}

/// Customers change their own details.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct CustomerUpdate {
    pub(crate) allowed_updates: Vec<String>,
    pub(crate) enabled: bool,
}

/// Customers change their payment methods.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct MethodUpdate {
    pub(crate) enabled: bool,
    pub(crate) payment_method_configuration: Null,
}

/// Customers end their subscriptions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionCancel {
    pub(crate) cancellation_reason: CancellationReason,
    pub(crate) enabled: bool,
    pub(crate) mode: &'static str,
    pub(crate) proration_behavior: &'static str,
}

/// Why customers leave.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct CancellationReason {
    pub(crate) enabled: bool,
    pub(crate) feedback_options: Null,
    pub(crate) options: Vec<String>,
}

/// Customers pause their subscriptions; the sandbox's portal has no such page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionPause {
    pub(crate) duration: PauseDuration,
    pub(crate) enabled: bool,
}

/// How long a pause may be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PauseDuration {
    pub(crate) interval_options: Vec<PauseOption>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// One length to choose.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct PauseOption {
    pub(crate) interval: &'static str,
    pub(crate) interval_count: i64,
}

/// Customers change to another price or quantity.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionUpdate {
    pub(crate) billing_cycle_anchor: Option<&'static str>,
    pub(crate) default_allowed_updates: Vec<String>,
    pub(crate) enabled: bool,
    /// `None` in the configuration that the sandbox makes: everything on sale.
    pub(crate) products: Option<Vec<PortalProduct>>,
    pub(crate) proration_behavior: &'static str,
    pub(crate) schedule_at_period_end: ScheduleAtPeriodEnd,
    pub(crate) trial_update_behavior: &'static str,
}

/// A product to choose, and at which prices.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PortalProduct {
    pub(crate) adjustable_quantity: PortalQuantity,
    pub(crate) prices: Vec<Id>,
    pub(crate) product: Id,
}

/// Which quantities can be chosen.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct PortalQuantity {
    pub(crate) enabled: bool,
    pub(crate) maximum: Option<i64>,
    pub(crate) minimum: i64,
}

/// Which changes wait for the end of the period.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct ScheduleAtPeriodEnd {
    pub(crate) conditions: Vec<Condition>,
}

/// One kind of change.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

impl Object for PortalConfiguration {
    const NAME: &'static str = "billing_portal.configuration";
    const PREFIX: &'static str = "bpc_";
    const PATH: &'static str = "/v1/billing_portal/configurations";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.portal_configurations
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.portal_configurations
    }
}
