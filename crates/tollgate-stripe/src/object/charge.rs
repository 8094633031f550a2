//! Charges and the refunds of them.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::customer::Card;
use super::{ChargeStatus, Kind, RefundStatus, write};
use crate::id::{ChargeId, CustomerId, InvoiceId, PaymentIntentId, RefundId};
use crate::read::{View, flag, int, nested, own_id, reference, skip, text, time, word};

/// One attempt to take money. Amounts are in minor units of its currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Its id.
    pub id: ChargeId,
    /// Who paid.
    pub customer: Option<CustomerId>,
    /// What it was an attempt at.
    pub payment_intent: Option<PaymentIntentId>,
    /// The invoice it paid; only before 2025-03-31.basil.
    pub invoice: Option<InvoiceId>,
    /// Where it stands.
    pub status: ChargeStatus,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// How much was asked for.
    pub amount: i64,
    /// How much was taken.
    pub amount_captured: Option<i64>,
    /// How much was given back.
    pub amount_refunded: i64,
    /// All of it was given back.
    pub refunded: bool,
    /// A bank has asked for it back.
    pub disputed: bool,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// Stripe's page with its receipt.
    pub receipt_url: Option<String>,
    /// The brand of the card that paid.
    pub brand: Option<String>,
    /// The last four digits of that card.
    pub last4: Option<String>,
    /// When it was made, Unix seconds.
    pub created: Option<i64>,
}

impl<'de> View<'de> for Charge {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "customer" => self.customer = reference(map)?,
            "payment_intent" => self.payment_intent = reference(map)?,
            "invoice" => self.invoice = reference(map)?,
            "status" => self.status = word(map)?,
            "currency" => self.currency = text(map)?,
            "amount" => self.amount = int(map)?.unwrap_or_default(),
            "amount_captured" => self.amount_captured = int(map)?,
            "amount_refunded" => self.amount_refunded = int(map)?.unwrap_or_default(),
            "refunded" => self.refunded = flag(map)?,
            "disputed" => self.disputed = flag(map)?,
            "failure_code" => self.failure_code = text(map)?,
            "receipt_url" => self.receipt_url = text(map)?,
            "payment_method_details" => {
                let card = nested::<A, MethodDetails>(map)?.and_then(|it| it.0).unwrap_or_default();
                self.brand = card.brand;
                self.last4 = card.last4;
            }
            "created" => self.created = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Charge {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Charge)?;
        fields.put("id", &self.id)?;
        fields.some("customer", &self.customer)?;
        fields.some("payment_intent", &self.payment_intent)?;
        fields.some("invoice", &self.invoice)?;
        fields.word("status", self.status.as_str())?;
        fields.some("currency", &self.currency)?;
        fields.int("amount", self.amount)?;
        fields.some("amount_captured", &self.amount_captured)?;
        fields.int("amount_refunded", self.amount_refunded)?;
        fields.flag("refunded", self.refunded)?;
        fields.flag("disputed", self.disputed)?;
        fields.some("failure_code", &self.failure_code)?;
        fields.some("receipt_url", &self.receipt_url)?;
        fields.some_in("payment_method_details", "card", &self.card())?;
        fields.some("created", &self.created)?;
        fields.end()
    }
}

impl Charge {
    fn card(&self) -> Option<Card> {
        let card = Card { brand: self.brand.clone(), last4: self.last4.clone(), ..Card::default() };
        (card != Card::default()).then_some(card)
    }
}

/// `payment_method_details`, of which only a card is named.
#[derive(Default)]
struct MethodDetails(Option<Card>);

impl<'de> View<'de> for MethodDetails {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "card" => self.0 = nested(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// Money given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The charge it gives back.
    pub charge: Option<ChargeId>,
    /// The payment intent of that charge.
    pub payment_intent: Option<PaymentIntentId>,
    /// Who gets it; Stripe says so only for some refunds.
    pub customer: Option<CustomerId>,
    /// Where it stands.
    pub status: RefundStatus,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// How much, in minor units.
    pub amount: i64,
    /// Why.
    pub reason: Option<String>,
    /// When it was made, Unix seconds.
    pub created: Option<i64>,
}

impl<'de> View<'de> for Refund {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "charge" => self.charge = reference(map)?,
            "payment_intent" => self.payment_intent = reference(map)?,
            "customer" => self.customer = reference(map)?,
            "status" => self.status = word(map)?,
            "currency" => self.currency = text(map)?,
            "amount" => self.amount = int(map)?.unwrap_or_default(),
            "reason" => self.reason = text(map)?,
            "created" => self.created = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Refund {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Refund)?;
        fields.put("id", &self.id)?;
        fields.some("charge", &self.charge)?;
        fields.some("payment_intent", &self.payment_intent)?;
        fields.some("customer", &self.customer)?;
        fields.word("status", self.status.as_str())?;
        fields.some("currency", &self.currency)?;
        fields.int("amount", self.amount)?;
        fields.some("reason", &self.reason)?;
        fields.some("created", &self.created)?;
        fields.end()
    }
}
