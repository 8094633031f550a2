//! A subscription: prices that come again until it ends.

use serde::{Serialize, Serializer};

use super::subscription_item::SubscriptionItem;
use super::{Empty, Id, List, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::money::discount::Discount;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/subscriptions/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Subscription {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) application: Null,
    pub(crate) application_fee_percent: Null,
    pub(crate) automatic_tax: AutomaticTax,
    pub(crate) billing_cycle_anchor: i64,
    pub(crate) billing_cycle_anchor_config: Option<AnchorConfig>,
    pub(crate) billing_mode: BillingMode,
    pub(crate) billing_schedules: Empty,
    pub(crate) billing_thresholds: Null,
    pub(crate) cancel_at: Option<i64>,
    pub(crate) cancel_at_period_end: bool,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_details: CancellationDetails,
    pub(crate) collection_method: &'static str,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) customer: Id,
    pub(crate) customer_account: Null,
    pub(crate) days_until_due: Option<i64>,
    pub(crate) default_payment_method: Option<Id>,
    pub(crate) default_source: Null,
    pub(crate) default_tax_rates: Empty,
    pub(crate) description: Option<String>,
    pub(crate) discounts: Vec<Id>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) invoice_settings: InvoiceSettings,
    pub(crate) items: List<SubscriptionItem>,
    pub(crate) latest_invoice: Option<Id>,
    pub(crate) livemode: bool,
    pub(crate) managed_payments: Null,
    pub(crate) metadata: Metadata,
    pub(crate) next_pending_invoice_item_invoice: Null,
    pub(crate) on_behalf_of: Null,
    pub(crate) pause_collection: Option<PauseCollection>,
    pub(crate) payment_settings: PaymentSettings,
    pub(crate) pending_invoice_item_interval: Null,
    pub(crate) pending_setup_intent: Option<Id>,
    pub(crate) pending_update: Option<PendingUpdate>,
    pub(crate) schedule: Option<Id>,
    pub(crate) start_date: i64,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_details: Option<StatusDetails>,
    pub(crate) test_clock: Option<Id>,
    pub(crate) transfer_data: Null,
    pub(crate) trial_end: Option<i64>,
    pub(crate) trial_settings: TrialSettings,
    pub(crate) trial_start: Option<i64>,
    /// What only the sandbox knows of it.
    #[serde(skip)]
    pub(crate) hidden: Hidden,
}

/// What the sandbox remembers of a subscription beside its shape.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden {
    /// A call is changing it: one event, at the end, tells of all that the call does.
    pub(crate) quiet: bool,
    /// `trial_will_end` was sent for the trial that ends then.
    pub(crate) trial_end_told: Option<i64>,
    /// `invoice.upcoming` was sent for the period that ends then.
    pub(crate) upcoming_told: Option<i64>,
    /// Nothing is charged before then: it began with `proration_behavior=none` and a later anchor.
    pub(crate) free_until: Option<i64>,
    /// What discounts took off last, which is what classic billing credits by.
    pub(crate) used_discounts: Vec<Discount>,
    /// What its pending update makes of it.
    pub(crate) held: Option<Box<Held>>,
    /// It resumes when this invoice is paid, which has to be by then.
    pub(crate) resuming: Option<(Id, i64)>,
}

/// A change that waits for its payment, worked out.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The invoice that has to be paid.
    pub(crate) invoice: Id,
    /// The subscription as it will be.
    pub(crate) after: Subscription,
}

/// Where a subscription stands: <https://docs.stripe.com/billing/subscriptions/overview>
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Canceled,
    Incomplete,
    IncompleteExpired,
    PastDue,
    Paused,
    Trialing,
    Unpaid,
}

impl Status {
    /// Says whether it is over for good.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Trialing => "trialing",
            Self::Unpaid => "unpaid",
        }
    }
}

/// Why and when it was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatusDetails {
    /// `pause_requested` or `trial_end_without_payment_method`.
    pub(crate) reason: &'static str,
    pub(crate) transitioned_at: i64,
}

impl Serialize for StatusDetails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire {
            paused: Paused,
        }
        #[derive(Serialize)]
        struct Paused {
            subscription: Issuer,
            transitioned_at: i64,
            #[serde(rename = "type")]
            kind: &'static str,
        }
        let subscription = Issuer { kind: self.reason };
        let transitioned_at = self.transitioned_at;
        Wire { paused: Paused { subscription, transitioned_at, kind: "subscription" } }
            .serialize(serializer)
    }
}

/// Whether tax is computed; the sandbox computes none.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct AutomaticTax {
    pub(crate) disabled_reason: Null,
    pub(crate) enabled: bool,
    pub(crate) liability: Null,
}

/// The calendar day that periods are counted from.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct AnchorConfig {
    pub(crate) day_of_month: i64,
    pub(crate) hour: Option<i64>,
    pub(crate) minute: Option<i64>,
    pub(crate) month: Option<i64>,
    pub(crate) second: Option<i64>,
}

/// How prorations are computed.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct BillingMode {
    pub(crate) flexible: Option<Flexible>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<i64>,
}

/// The settings of flexible billing.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct Flexible {
    pub(crate) proration_discounts: &'static str,
}

impl BillingMode {
    pub(crate) const CLASSIC: Self = Self { flexible: None, kind: "classic", updated_at: None };
    pub(crate) const FLEXIBLE: Self = Self {
        flexible: Some(Flexible { proration_discounts: "included" }),
        kind: "flexible",
        updated_at: None,
    };

    pub(crate) fn is_flexible(self) -> bool {
        self.flexible.is_some()
    }
}

/// Why a subscription was canceled.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct CancellationDetails {
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
    pub(crate) feedback_option: Null,
    pub(crate) reason: Option<&'static str>,
}

/// What its invoices say.
#[derive(Debug, Clone, Copy, Serialize, Default)]
pub(crate) struct InvoiceSettings {
    pub(crate) account_tax_ids: Null,
    pub(crate) custom_fields: Null,
    pub(crate) description: Null,
    pub(crate) footer: Null,
    pub(crate) issuer: Issuer,
}

/// Who issues its invoices: the account itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Issuer {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

impl Default for Issuer {
    fn default() -> Self {
        Self { kind: "self" }
    }
}

/// Invoices are made but not collected.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct PauseCollection {
    pub(crate) behavior: &'static str,
    pub(crate) resumes_at: Option<i64>,
}

/// How its invoices are paid.
#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct PaymentSettings {
    pub(crate) payment_method_options: Null,
    pub(crate) payment_method_types: Option<Vec<String>>,
    pub(crate) save_default_payment_method: Option<&'static str>,
}

/// A change that waits for its payment.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PendingUpdate {
    pub(crate) billing_cycle_anchor: Option<i64>,
    pub(crate) cancel_at_period_end: Option<bool>,
    pub(crate) discount: Null,
    pub(crate) discounts: Option<Vec<Id>>,
    pub(crate) expires_at: i64,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) subscription_items: Option<Vec<SubscriptionItem>>,
    pub(crate) trial_end: Option<i64>,
    pub(crate) trial_from_plan: Option<bool>,
}

/// What happens when a trial ends.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct TrialSettings {
    pub(crate) end_behavior: EndBehavior,
}

/// What happens when a trial ends without a payment method.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct EndBehavior {
    pub(crate) billing_cycle_anchor: Option<&'static str>,
    pub(crate) missing_payment_method: &'static str,
}

impl Subscription {
    /// Returns the current period, in Unix seconds: that of the item that ends first.
    pub(crate) fn period(&self) -> (i64, i64) {
        let items = self.items.data.iter();
        items
            .map(|item| (item.current_period_start, item.current_period_end))
            .min_by_key(|(_, end)| *end)
            .unwrap_or((self.created, self.created))
    }
}

impl Object for Subscription {
    const NAME: &'static str = "subscription";
    const PREFIX: &'static str = "sub_";
    const PATH: &'static str = "/v1/subscriptions";

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
        &world.subscriptions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.subscriptions
    }
}
