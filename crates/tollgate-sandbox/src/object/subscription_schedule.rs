//! A subscription schedule: what a subscription will be, phase by phase.

use serde::Serialize;

use super::subscription::{BillingMode, Issuer};
use super::{Empty, Id, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/subscription_schedules/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionSchedule {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) application: Null,
    pub(crate) billing_mode: BillingMode,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) completed_at: Option<i64>,
    pub(crate) created: i64,
    pub(crate) current_phase: Option<CurrentPhase>,
    pub(crate) customer: Id,
    pub(crate) customer_account: Null,
    pub(crate) default_settings: DefaultSettings,
    pub(crate) end_behavior: &'static str,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    pub(crate) pause_schedules: Empty,
    pub(crate) phases: Vec<Phase>,
    pub(crate) released_at: Option<i64>,
    pub(crate) released_subscription: Option<Id>,
    pub(crate) status: Status,
    pub(crate) subscription: Option<Id>,
    pub(crate) test_clock: Option<Id>,
    /// `subscription_schedule.expiring` was sent for the end that it then had.
    #[serde(skip)]
    pub(crate) expiry_told: Option<i64>,
}

/// Where a schedule stands.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Canceled,
    Completed,
    NotStarted,
    Released,
}

impl Status {
    /// Says whether nothing will happen by it any more.
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Active | Self::NotStarted)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::Completed => "completed",
            Self::NotStarted => "not_started",
            Self::Released => "released",
        }
    }
}

/// The times of the phase that is under way.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct CurrentPhase {
    pub(crate) end_date: i64,
    pub(crate) start_date: i64,
}

/// What every phase has unless it says otherwise.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DefaultSettings {
    pub(crate) application_fee_percent: Null,
    pub(crate) billing_cycle_anchor: &'static str,
    pub(crate) billing_thresholds: Null,
    pub(crate) collection_method: &'static str,
    pub(crate) default_payment_method: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) invoice_settings: InvoiceSettings,
    pub(crate) on_behalf_of: Null,
    pub(crate) transfer_data: Null,
}

/// What its invoices say.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct InvoiceSettings {
    pub(crate) account_tax_ids: Null,
    pub(crate) custom_fields: Null,
    pub(crate) days_until_due: Option<i64>,
    pub(crate) description: Null,
    pub(crate) footer: Null,
    pub(crate) issuer: Issuer,
}

/// What the subscription is for a time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Phase {
    pub(crate) add_invoice_items: Empty,
    pub(crate) application_fee_percent: Null,
    pub(crate) billing_cycle_anchor: Option<&'static str>,
    pub(crate) billing_thresholds: Null,
    pub(crate) collection_method: Option<&'static str>,
    pub(crate) currency: Currency,
    pub(crate) default_payment_method: Option<Id>,
    pub(crate) default_tax_rates: Empty,
    pub(crate) description: Option<String>,
    pub(crate) discounts: Vec<PhaseDiscount>,
    pub(crate) end_date: i64,
    pub(crate) invoice_settings: Null,
    pub(crate) items: Vec<PhaseItem>,
    pub(crate) metadata: Metadata,
    pub(crate) on_behalf_of: Null,
    pub(crate) proration_behavior: &'static str,
    pub(crate) start_date: i64,
    pub(crate) transfer_data: Null,
    pub(crate) trial_end: Option<i64>,
}

/// A discount of a phase, redeemed when the phase begins.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct PhaseDiscount {
    pub(crate) coupon: Option<Id>,
    pub(crate) discount: Option<Id>,
    pub(crate) promotion_code: Option<Id>,
}

/// An item of a phase.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct PhaseItem {
    pub(crate) billing_thresholds: Null,
    pub(crate) discounts: Empty,
    pub(crate) metadata: Metadata,
    pub(crate) plan: Id,
    pub(crate) price: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<i64>,
    pub(crate) tax_rates: Empty,
}

impl SubscriptionSchedule {
    /// Returns the phase that is under way at a moment.
    pub(crate) fn phase_at(&self, now: i64) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.start_date <= now && now < phase.end_date)
    }

    /// Returns when its last phase ends.
    pub(crate) fn end(&self) -> i64 {
        self.phases.last().map_or(self.created, |phase| phase.end_date)
    }
}

impl Object for SubscriptionSchedule {
    const NAME: &'static str = "subscription_schedule";
    const PREFIX: &'static str = "sub_sched_";
    const PATH: &'static str = "/v1/subscription_schedules";

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
        &world.subscription_schedules
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.subscription_schedules
    }
}
