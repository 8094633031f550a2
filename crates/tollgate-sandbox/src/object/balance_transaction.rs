//! A balance transaction: one movement of money on the account, with its fee.

use serde::{Serialize, Serializer};

use super::{Id, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/balance_transactions/object>
#[derive(Debug, Clone)]
pub(crate) struct BalanceTransaction {
    pub(crate) id: Id,
    /// In minor units; negative where money leaves.
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) available_on: i64,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) description: Option<String>,
    pub(crate) source: Id,
    pub(crate) movement: Movement,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Movement {
    Charge,
    Payment,
    Refund,
    PaymentRefund,
    RefundFailure,
    Dispute,
    DisputeReversal,
}

impl Movement {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::PaymentRefund => "payment_refund",
            Self::RefundFailure => "refund_failure",
            Self::Dispute | Self::DisputeReversal => "adjustment",
        }
    }

    fn reporting_category(self) -> &'static str {
        match self {
            Self::Charge | Self::Payment => "charge",
            Self::Refund | Self::PaymentRefund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Dispute => "dispute",
            Self::DisputeReversal => "dispute_reversal",
        }
    }

    fn fee_description(self) -> &'static str {
        match self {
            Self::Dispute | Self::DisputeReversal => "Dispute fee",
            _ => "Stripe processing fees",
        }
    }

    /// Whether the money waits before it is available.
    fn waits(self) -> bool {
        matches!(self, Self::Charge | Self::Payment)
    }
}

impl Serialize for BalanceTransaction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct FeeDetail {
            amount: i64,
            application: Null,
            currency: Currency,
            description: &'static str,
            #[serde(rename = "type")]
            kind: &'static str,
        }
        #[derive(Serialize)]
        struct Wire<'a> {
            id: &'a Id,
            object: &'static str,
            amount: i64,
            available_on: i64,
            balance_type: &'static str,
            created: i64,
            currency: Currency,
            description: &'a Option<String>,
            exchange_rate: Null,
            fee: i64,
            fee_details: Vec<FeeDetail>,
            net: i64,
            reporting_category: &'static str,
            source: &'a Id,
            status: &'static str,
            #[serde(rename = "type")]
            kind: &'static str,
        }
        let fee = FeeDetail {
            amount: self.fee,
            application: Null,
            currency: self.currency,
            description: self.movement.fee_description(),
            kind: "stripe_fee",
        };
        Wire {
            id: &self.id,
            object: Self::NAME,
            amount: self.amount,
            available_on: self.available_on,
            balance_type: "payments",
            created: self.created,
            currency: self.currency,
            description: &self.description,
            exchange_rate: Null,
            fee: self.fee,
            fee_details: if self.fee == 0 { Vec::new() } else { vec![fee] },
            net: self.amount - self.fee,
            reporting_category: self.movement.reporting_category(),
            source: &self.source,
            status: if self.movement.waits() { "pending" } else { "available" },
            kind: self.movement.kind(),
        }
        .serialize(serializer)
    }
}

impl Object for BalanceTransaction {
    const NAME: &'static str = "balance_transaction";
    const PREFIX: &'static str = "txn_";
    const PATH: &'static str = "/v1/balance_transactions";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn owners(&self) -> Vec<&Id> {
        vec![&self.source]
    }

    fn table(world: &World) -> &Table<Self> {
        &world.balance_transactions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.balance_transactions
    }
}
