//! An invoice payment: the bond between an invoice and a payment intent that pays it.

use serde::{Serialize, Serializer};

use super::{Id, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/invoice-payment/object>, as it is kept: the wire has more fields,
/// which follow from these.
#[derive(Debug, Clone)]
pub(crate) struct InvoicePayment {
    pub(crate) id: Id,
    /// In minor units; none until it is paid.
    pub(crate) amount_paid: Option<i64>,
    pub(crate) amount_requested: i64,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) invoice: Id,
    /// Whether finalizing the invoice made it.
    pub(crate) is_default: bool,
    pub(crate) payment_intent: Id,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) paid_at: Option<i64>,
    /// The invoice's customer, for the clock.
    pub(crate) customer: Id,
}

impl InvoicePayment {
    /// Returns `open`, `paid` or `canceled`.
    pub(crate) fn status(&self) -> &'static str {
        match (self.paid_at, self.canceled_at) {
            (Some(_), _) => "paid",
            (None, Some(_)) => "canceled",
            (None, None) => "open",
        }
    }
}

impl Serialize for InvoicePayment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Payment<'a> {
            payment_intent: &'a Id,
            #[serde(rename = "type")]
            kind: &'static str,
        }
        #[derive(Serialize)]
        struct Transitions {
            canceled_at: Option<i64>,
            paid_at: Option<i64>,
        }
        #[derive(Serialize)]
        struct Wire<'a> {
            id: &'a Id,
            object: &'static str,
            amount_paid: Option<i64>,
            amount_requested: i64,
            created: i64,
            currency: Currency,
            invoice: &'a Id,
            is_default: bool,
            livemode: bool,
            payment: Payment<'a>,
            status: &'static str,
            status_transitions: Transitions,
        }
        Wire {
            id: &self.id,
            object: Self::NAME,
            amount_paid: self.amount_paid,
            amount_requested: self.amount_requested,
            created: self.created,
            currency: self.currency,
            invoice: &self.invoice,
            is_default: self.is_default,
            livemode: false,
            payment: Payment { payment_intent: &self.payment_intent, kind: "payment_intent" },
            status: self.status(),
            status_transitions: Transitions {
                canceled_at: self.canceled_at,
                paid_at: self.paid_at,
            },
        }
        .serialize(serializer)
    }
}

impl Object for InvoicePayment {
    const NAME: &'static str = "invoice_payment";
    const PREFIX: &'static str = "inpay_";
    const PATH: &'static str = "/v1/invoice_payments";

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
        vec![&self.invoice, &self.payment_intent]
    }

    fn table(world: &World) -> &Table<Self> {
        &world.invoice_payments
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.invoice_payments
    }
}
