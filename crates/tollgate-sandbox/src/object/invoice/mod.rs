//! An invoice: what a customer owes for a period or for some items, and how far it is paid.

mod wire;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::line_item::{DiscountAmount, LineItem, Period};
use super::{Id, Metadata, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// How many lines an invoice shows; the rest is behind `lines.url`.
pub(crate) const LINES_SHOWN: usize = 10;

/// <https://docs.stripe.com/api/invoices/object>, as it is kept: the wire ([`wire`]) has more
/// fields, which follow from these.
#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    /// Empty for one that does not exist yet, as in `invoice.upcoming`.
    pub(crate) id: Id,
    pub(crate) customer: Id,
    pub(crate) currency: Currency,
    pub(crate) created: i64,
    pub(crate) status: Status,
    pub(crate) billing_reason: &'static str,
    pub(crate) collection_method: &'static str,
    pub(crate) auto_advance: bool,
    pub(crate) automatic_tax: bool,
    pub(crate) amounts: Amounts,
    pub(crate) attempts: Attempts,
    pub(crate) moments: Moments,
    pub(crate) period: Period,
    pub(crate) number: Option<String>,
    pub(crate) description: Option<String>,
    /// Discounts on the whole invoice, in order.
    pub(crate) discounts: Vec<Id>,
    pub(crate) lines: Vec<LineItem>,
    pub(crate) default_payment_method: Option<Id>,
    pub(crate) metadata: Metadata,
    pub(crate) subscription: Option<Box<SubscriptionDetails>>,
    /// What the customer was like; it no longer changes once the invoice is final.
    pub(crate) buyer: Arc<Buyer>,
    pub(crate) uncollectible_reason: Option<&'static str>,
    pub(crate) test_clock: Option<Id>,
    /// Where its page is, once it is final: what its address begins with.
    pub(crate) page: Option<Id>,
    /// What was set that few invoices have.
    pub(crate) rare: Option<Box<Rare>>,
    /// Whether `invoice.overdue` was sent.
    pub(crate) overdue_told: bool,
    /// The payment intent made by finalizing it.
    pub(crate) intent: Option<Id>,
}

/// Where an invoice stands: <https://docs.stripe.com/invoicing/overview#invoice-statuses>
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
}

/// The sums of an invoice, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) subtotal: i64,
    pub(crate) discounts: Vec<DiscountAmount>,
    pub(crate) total: i64,
    /// The customer's balance before and after; a credit is negative.
    pub(crate) starting_balance: i64,
    pub(crate) ending_balance: Option<i64>,
    pub(crate) due: i64,
    pub(crate) paid: i64,
    pub(crate) overpaid: i64,
    /// Paid out of band.
    pub(crate) paid_off_stripe: i64,
}

impl Amounts {
    /// Returns what is still to be paid.
    pub(crate) fn remaining(&self) -> i64 {
        (self.due - self.paid).max(0)
    }
}

/// How often it was tried to collect an invoice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) count: i64,
    pub(crate) attempted: bool,
    pub(crate) next: Option<i64>,
    /// The attempt that is under way is made by the schedule, and counts.
    pub(crate) scheduled: bool,
}

impl Attempts {
    /// Notes an attempt; says whether it counts: the first one does, and those of the schedule.
    pub(crate) fn note(&mut self) -> bool {
        let counts = self.count == 0 || self.scheduled;
        self.count += i64::from(counts);
        self.attempted = true;
        self.scheduled = false;
        counts
    }
}

/// When things happened to an invoice, or will, in Unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moments {
    pub(crate) automatically_finalizes_at: Option<i64>,
    pub(crate) days_until_due: Option<i64>,
    pub(crate) due_date: Option<i64>,
    pub(crate) effective_at: Option<i64>,
    pub(crate) finalized_at: Option<i64>,
    pub(crate) marked_uncollectible_at: Option<i64>,
    pub(crate) paid_at: Option<i64>,
    pub(crate) voided_at: Option<i64>,
}

/// The subscription that an invoice is for, as it was.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionDetails {
    pub(crate) metadata: Metadata,
    pub(crate) subscription: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription_proration_date: Option<i64>,
}

/// The customer as an invoice shows it. Invoices of one customer share it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Buyer {
    pub(crate) address: Value,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) shipping: Value,
    pub(crate) tax_exempt: Option<&'static str>,
}

/// What a call may set and few do; stored as it is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rare {
    pub(crate) custom_fields: Value,
    pub(crate) footer: Option<String>,
    pub(crate) last_finalization_error: Value,
    pub(crate) payment_method_options: Value,
    pub(crate) payment_method_types: Value,
    pub(crate) rendering: Value,
    pub(crate) shipping_details: Value,
    pub(crate) statement_descriptor: Option<String>,
}

impl Invoice {
    /// Returns the subscription it is for.
    pub(crate) fn subscription_id(&self) -> Option<&Id> {
        self.subscription.as_ref().map(|details| &details.subscription)
    }

    /// Returns the subscription that made it and lives by its payment; one that was made by hand
    /// for a subscription changes nothing there.
    pub(crate) fn biller(&self) -> Option<&Id> {
        self.subscription_id().filter(|_| self.billing_reason != "manual")
    }

    pub(crate) fn is_charged(&self) -> bool {
        self.collection_method == "charge_automatically"
    }

    /// Says whether it exists, and is no preview.
    pub(crate) fn is_real(&self) -> bool {
        self.id.starts_with(Self::PREFIX)
    }

    /// Returns where its lines are listed.
    pub(crate) fn lines_url(&self) -> String {
        let id = if self.id.is_empty() { "upcoming" } else { &*self.id };
        format!("/v1/invoices/{id}/lines")
    }
}

impl Object for Invoice {
    const NAME: &'static str = "invoice";
    const PREFIX: &'static str = "in_";
    const PATH: &'static str = "/v1/invoices";

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
        [Some(&self.customer), self.subscription_id()].into_iter().flatten().collect()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.invoices
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.invoices
    }
}
