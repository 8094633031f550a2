//! Payment intents: the whole way of one payment, over all its attempts. Its last charge is
//! `latest_charge` since 2022-11-15, the first of `charges` before.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::{Kind, PaymentIntentStatus, write};
use crate::id::{ChargeId, CustomerId, InvoiceId, PaymentIntentId};
use crate::read::{Reference, View, int, list, nested, own_id, reference, skip, text, time, word};

/// A payment on its way. Amounts are in minor units of its currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentIntent {
    /// Its id.
    pub id: PaymentIntentId,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// Where it stands.
    pub status: PaymentIntentStatus,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// How much is asked for.
    pub amount: Option<i64>,
    /// How much has arrived.
    pub amount_received: Option<i64>,
    /// The invoice it pays; only before 2025-03-31.basil.
    pub invoice: Option<InvoiceId>,
    /// The last attempt.
    pub latest_charge: Option<ChargeId>,
    /// `last_payment_error.decline_code`, else its `code`.
    pub error_code: Option<String>,
    /// When it was made, Unix seconds.
    pub created: Option<i64>,
}

/// A payment intent with its charges as either shape has them.
#[derive(Default)]
pub(super) struct Draft {
    intent: PaymentIntent,
    first_charge: Option<ChargeId>,
}

impl From<Draft> for PaymentIntent {
    fn from(draft: Draft) -> Self {
        let latest_charge = draft.intent.latest_charge.or(draft.first_charge);
        Self { latest_charge, ..draft.intent }
    }
}

impl<'de> View<'de> for Draft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let intent = &mut self.intent;
        match key {
            "id" => intent.id = own_id(map)?.unwrap_or_default(),
            "customer" => intent.customer = reference(map)?,
            "status" => intent.status = word(map)?,
            "currency" => intent.currency = text(map)?,
            "amount" => intent.amount = int(map)?,
            "amount_received" => intent.amount_received = int(map)?,
            "invoice" => intent.invoice = reference(map)?,
            "latest_charge" => intent.latest_charge = reference(map)?,
            "charges" => {
                let charges = list::<A, Reference>(map)?.data;
                self.first_charge = charges.into_iter().find_map(|each| each.0).map(Into::into);
            }
            "last_payment_error" => {
                let error = nested::<A, PaymentError>(map)?.unwrap_or_default();
                intent.error_code = error.decline_code.or(error.code);
            }
            "created" => intent.created = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for PaymentIntent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::PaymentIntent)?;
        fields.put("id", &self.id)?;
        fields.some("customer", &self.customer)?;
        fields.word("status", self.status.as_str())?;
        fields.some("currency", &self.currency)?;
        fields.some("amount", &self.amount)?;
        fields.some("amount_received", &self.amount_received)?;
        fields.some("invoice", &self.invoice)?;
        fields.some("latest_charge", &self.latest_charge)?;
        fields.some_in("last_payment_error", "code", &self.error_code)?;
        fields.some("created", &self.created)?;
        fields.end()
    }
}

/// `last_payment_error`: the bank's own code says more than Stripe's.
#[derive(Default)]
struct PaymentError {
    decline_code: Option<String>,
    code: Option<String>,
}

impl<'de> View<'de> for PaymentError {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "decline_code" => self.decline_code = text(map)?,
            "code" => self.code = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
