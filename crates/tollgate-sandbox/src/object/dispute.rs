//! A dispute: a customer's bank takes money back, or asks about it first.

use serde::Serialize;

use super::balance_transaction::BalanceTransaction;
use super::{Empty, Id, Metadata, Object};
use crate::money::currency::Currency;
use crate::params::Params;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/disputes/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Dispute {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// In minor units of `currency`.
    pub(crate) amount: i64,
    pub(crate) balance_transactions: Vec<BalanceTransaction>,
    pub(crate) charge: Id,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) enhanced_eligibility_types: Empty,
    pub(crate) evidence: Evidence,
    pub(crate) evidence_details: EvidenceDetails,
    pub(crate) intended_submission_method: &'static str,
    pub(crate) is_charge_refundable: bool,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_reason_code: Option<&'static str>,
    pub(crate) payment_intent: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_method_details: Option<DisputedMethod>,
    pub(crate) reason: &'static str,
    pub(crate) status: DisputeStatus,
    #[serde(skip)]
    pub(crate) customer: Option<Id>,
    /// When the bank decides on the evidence.
    #[serde(skip)]
    pub(crate) decides: Option<i64>,
}

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DisputeStatus {
    Lost,
    NeedsResponse,
    UnderReview,
    WarningClosed,
    WarningNeedsResponse,
    WarningUnderReview,
    Won,
}

impl DisputeStatus {
    /// Says whether the bank only asks.
    pub(crate) fn is_inquiry(self) -> bool {
        matches!(self, Self::WarningClosed | Self::WarningNeedsResponse | Self::WarningUnderReview)
    }

    /// Says whether nothing can change any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Lost | Self::Won | Self::WarningClosed)
    }
}

/// What a seller tells the bank.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Evidence {
    #[serde(flatten)]
    pub(crate) given: Given,
    pub(crate) enhanced_evidence: Nothing,
}

/// An empty object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Nothing {}

/// The texts and files of an evidence, by Stripe's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given([Option<Box<str>>; NAMES.len()]);

const NAMES: [&str; 27] = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

impl Given {
    /// Changes what a call gives.
    pub(crate) fn change(&mut self, params: &Params) {
        for (place, name) in self.0.iter_mut().zip(NAMES) {
            if params.cleared(name) {
                *place = None;
            } else if let Some(text) = params.text(name) {
                *place = Some(text.into());
            }
        }
    }

    /// Sets what Stripe knows itself: who paid.
    pub(crate) fn set(&mut self, name: &str, text: Option<&str>) {
        if let Some(place) = NAMES.iter().position(|known| *known == name) {
            self.0[place] = text.map(Into::into);
        }
    }

    /// Says whether anything but what Stripe knows itself is there.
    pub(crate) fn is_there(&self) -> bool {
        let known = |name: &str| matches!(name, "customer_email_address" | "customer_name");
        NAMES.iter().zip(&self.0).any(|(name, text)| text.is_some() && !known(name))
    }

    /// Returns the text that decides a test dispute.
    pub(crate) fn uncategorized_text(&self) -> &str {
        self.0[NAMES.len() - 1].as_deref().unwrap_or_default()
    }
}

impl Serialize for Given {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(NAMES.iter().zip(&self.0))
    }
}

/// How far the evidence came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EvidenceDetails {
    pub(crate) due_by: Option<i64>,
    pub(crate) enhanced_eligibility: Nothing,
    pub(crate) has_evidence: bool,
    pub(crate) past_due: bool,
    pub(crate) submission_count: i64,
    pub(crate) submission_method: &'static str,
}

/// How the disputed money was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DisputedMethod {
    pub(crate) card: DisputedCard,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// The card of a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DisputedCard {
    pub(crate) brand: &'static str,
    pub(crate) case_type: &'static str,
    pub(crate) network: &'static str,
    pub(crate) network_reason_code: &'static str,
}

impl Object for Dispute {
    const NAME: &'static str = "dispute";
    const PREFIX: &'static str = "dp_";
    const PATH: &'static str = "/v1/disputes";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        self.customer.as_ref()
    }

    fn owners(&self) -> Vec<&Id> {
        let mut owners = vec![&self.charge];
        owners.extend(&self.payment_intent);
        owners
    }

    fn table(world: &World) -> &Table<Self> {
        &world.disputes
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.disputes
    }
}
