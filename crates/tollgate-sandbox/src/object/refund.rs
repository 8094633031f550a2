//! A refund: money of a charge on its way back.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::payment_method::Kind;
use super::{Id, Metadata, Null, Object};
use crate::dice::{Dice, hash};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/refunds/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refund {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    /// In minor units of `currency`.
    pub(crate) amount: i64,
    pub(crate) balance_transaction: Option<Id>,
    pub(crate) charge: Id,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Null,
    pub(crate) destination_details: Destination,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure_balance_transaction: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure_reason: Option<&'static str>,
    pub(crate) metadata: Metadata,
    pub(crate) payment_intent: Option<Id>,
    pub(crate) payment_method: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pending_reason: Option<&'static str>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) receipt_number: Null,
    pub(crate) source_transfer_reversal: Null,
    pub(crate) status: &'static str,
    pub(crate) transfer_reversal: Null,
    /// When the bank answers.
    #[serde(skip)]
    pub(crate) due: Option<i64>,
}

/// Where the money goes, and the bank's number for it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) kind: Kind,
    /// Whether the bank has given its number.
    pub(crate) known: bool,
    pub(crate) refund: Id,
}

impl Destination {
    fn card(&self) -> Value {
        if !self.known {
            return json!({
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            });
        }
        json!({
            "reference": Dice::new(hash(&self.refund), "reference").decimals(23),
            "reference_status": "available",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        })
    }
}

impl Serialize for Destination {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, details) = match self.kind {
            Kind::Card | Kind::Link => ("card", self.card()),
            Kind::SepaDebit => {
                ("eu_bank_transfer", json!({ "reference": null, "reference_status": null }))
            }
            Kind::UsBankAccount => {
                ("us_bank_transfer", json!({ "reference": null, "reference_status": null }))
            }
        };
        let mut wire = Map::new();
        wire.insert("type".to_owned(), kind.into());
        wire.insert(kind.to_owned(), details);
        wire.serialize(serializer)
    }
}

impl Object for Refund {
    const NAME: &'static str = "refund";
    const PREFIX: &'static str = "re_";
    const PATH: &'static str = "/v1/refunds";

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
        &world.refunds
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.refunds
    }
}
