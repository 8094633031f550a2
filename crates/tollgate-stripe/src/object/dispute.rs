//! Disputes: a customer's bank asks for the money back.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::{DisputeStatus, Kind, write};
use crate::id::{ChargeId, DisputeId, PaymentIntentId};
use crate::read::{View, int, nested, own_id, reference, skip, text, time, word};

/// A question by a customer's bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispute {
    /// Its id.
    pub id: DisputeId,
    /// The charge in question.
    pub charge: Option<ChargeId>,
    /// The payment intent of that charge.
    pub payment_intent: Option<PaymentIntentId>,
    /// Where it stands.
    pub status: DisputeStatus,
    /// The bank's reason.
    pub reason: Option<String>,
    /// The currency of the amount, three lower-case letters.
    pub currency: Option<String>,
    /// The amount in question, in minor units.
    pub amount: i64,
    /// `evidence_details.due_by`, Unix seconds; 0 where no answer is allowed.
    pub due_by: Option<i64>,
    /// When it was made, Unix seconds.
    pub created: Option<i64>,
}

impl<'de> View<'de> for Dispute {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "charge" => self.charge = reference(map)?,
            "payment_intent" => self.payment_intent = reference(map)?,
            "status" => self.status = word(map)?,
            "reason" => self.reason = text(map)?,
            "currency" => self.currency = text(map)?,
            "amount" => self.amount = int(map)?.unwrap_or_default(),
            "evidence_details" => {
                self.due_by = nested::<A, EvidenceDetails>(map)?.and_then(|details| details.0);
            }
            "created" => self.created = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Dispute {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Dispute)?;
        fields.put("id", &self.id)?;
        fields.some("charge", &self.charge)?;
        fields.some("payment_intent", &self.payment_intent)?;
        fields.word("status", self.status.as_str())?;
        fields.some("reason", &self.reason)?;
        fields.some("currency", &self.currency)?;
        fields.int("amount", self.amount)?;
        fields.some_in("evidence_details", "due_by", &self.due_by)?;
        fields.some("created", &self.created)?;
        fields.end()
    }
}

/// `evidence_details`, of which only the deadline matters.
#[derive(Default)]
struct EvidenceDetails(Option<i64>);

impl<'de> View<'de> for EvidenceDetails {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "due_by" => self.0 = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
