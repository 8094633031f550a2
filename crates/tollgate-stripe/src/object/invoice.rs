//! Invoices and the payments made on them. With 2025-03-31.basil the subscription moved into
//! `parent`, and the payment out of the invoice into objects of its own.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::{InvoiceStatus, Kind, write};
use crate::id::{
    ChargeId, CustomerId, InvoiceId, InvoicePaymentId, PaymentIntentId, SubscriptionId,
};
use crate::read::{View, flag, int, list, nested, own_id, reference, skip, text, time, word};

/// A bill. Amounts are in minor units of its currency, times in Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoice {
    /// Absent on the object of `invoice.upcoming`.
    pub id: Option<InvoiceId>,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// `subscription` before 2025-03-31.basil, `parent.subscription_details.subscription` since.
    pub subscription: Option<SubscriptionId>,
    /// Where it stands.
    pub status: InvoiceStatus,
    /// Why it was made, such as `subscription_cycle`.
    pub billing_reason: Option<String>,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// What is to be paid.
    pub amount_due: Option<i64>,
    /// What has been paid.
    pub amount_paid: Option<i64>,
    /// What is still to be paid.
    pub amount_remaining: Option<i64>,
    /// What it comes to, before credits.
    pub total: Option<i64>,
    /// How often Stripe tried by itself to get it paid.
    pub attempt_count: i64,
    /// Stripe has tried.
    pub attempted: bool,
    /// When Stripe will try again.
    pub next_payment_attempt: Option<i64>,
    /// `charge_automatically`, or `send_invoice` where the customer is asked to pay.
    pub collection_method: Option<String>,
    /// Until when one that is sent has to be paid.
    pub due_date: Option<i64>,
    /// When it was made.
    pub created: Option<i64>,
    /// The start of the period in which its items arose, which is not what they pay for.
    pub period_start: Option<i64>,
    /// The end of that period.
    pub period_end: Option<i64>,
    /// `status_transitions.finalized_at`.
    pub finalized_at: Option<i64>,
    /// `status_transitions.paid_at`.
    pub paid_at: Option<i64>,
    /// `payment_intent` before basil, `payments.data[].payment.payment_intent` since, where
    /// expanded.
    pub payment_intent: Option<PaymentIntentId>,
    /// `charge` before basil, `payments.data[].payment.charge` where expanded since.
    pub charge: Option<ChargeId>,
    /// The number that people quote.
    pub number: Option<String>,
    /// Stripe's page where it is paid and kept.
    pub hosted_invoice_url: Option<String>,
    /// How much of it is tax: `total_taxes` since basil, `total_tax_amounts` or `tax` before.
    pub tax: Option<i64>,
    /// What discounts took off.
    pub discount: Option<i64>,
    /// Its first lines, at most [`LINES_MAX`].
    pub lines: Vec<InvoiceLine>,
    /// It was a draft and is gone for good.
    pub deleted: bool,
}

/// How many lines of an invoice are kept; the page has them all.
pub const LINES_MAX: usize = 4;

/// What an invoice asks money for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvoiceLine {
    /// What it is, for people.
    pub description: Option<String>,
    /// How much it is, in minor units; negative where something is credited.
    pub amount: i64,
    /// When what is paid for begins.
    pub period_start: Option<i64>,
    /// When it ends.
    pub period_end: Option<i64>,
}

/// An invoice with what moved as any shape has it.
#[derive(Default)]
pub(super) struct Draft {
    /// Its subscription, payment intent and charge are those at the top level so far.
    invoice: Invoice,
    paid: bool,
    /// From `parent`.
    subscription: Option<SubscriptionId>,
    /// From `subscription_details`, as some versions before basil had beside `subscription`.
    details_subscription: Option<SubscriptionId>,
    payment_intent: Option<PaymentIntentId>,
    charge: Option<ChargeId>,
    /// The sum of either list of taxes.
    taxes: Option<i64>,
}

impl From<Draft> for Invoice {
    fn from(draft: Draft) -> Self {
        let mut invoice = draft.invoice;
        let nested = draft.subscription.or(draft.details_subscription);
        invoice.subscription = invoice.subscription.or(nested);
        invoice.payment_intent = invoice.payment_intent.or(draft.payment_intent);
        invoice.charge = invoice.charge.or(draft.charge);
        invoice.tax = draft.taxes.or(invoice.tax);
        if draft.paid && invoice.status == InvoiceStatus::default() {
            invoice.status = InvoiceStatus::Paid;
        }
        invoice
    }
}

impl Draft {
    /// Takes a field that did not stay where it was, or that holds others.
    fn take_moved<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            "paid" => self.paid = flag(map)?,
            "parent" => {
                self.subscription = nested::<A, Parent>(map)?.and_then(|parent| parent.0);
            }
            "subscription_details" => {
                self.details_subscription =
                    nested::<A, SubscriptionDetails>(map)?.and_then(|details| details.0);
            }
            "payments" => {
                let made = list::<A, InvoicePayment>(map)?.data;
                self.payment_intent = made.iter().find_map(|each| each.payment_intent.clone());
                self.charge = made.into_iter().find_map(|each| each.charge);
            }
            "total_taxes" | "total_tax_amounts" => self.taxes = sum(map)?.or(self.taxes),
            "total_discount_amounts" => self.invoice.discount = sum(map)?,
            "lines" => {
                self.invoice.lines = list::<A, InvoiceLine>(map)?.data;
                self.invoice.lines.truncate(LINES_MAX);
            }
            "status_transitions" => {
                let times = nested::<A, Transitions>(map)?.unwrap_or_default();
                self.invoice.finalized_at = times.finalized_at;
                self.invoice.paid_at = times.paid_at;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> View<'de> for Draft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let invoice = &mut self.invoice;
        match key {
            "id" => invoice.id = own_id(map)?,
            "customer" => invoice.customer = reference(map)?,
            "subscription" => invoice.subscription = reference(map)?,
            "status" => invoice.status = word(map)?,
            "billing_reason" => invoice.billing_reason = text(map)?,
            "currency" => invoice.currency = text(map)?,
            "amount_due" => invoice.amount_due = int(map)?,
            "amount_paid" => invoice.amount_paid = int(map)?,
            "amount_remaining" => invoice.amount_remaining = int(map)?,
            "total" => invoice.total = int(map)?,
            "attempt_count" => invoice.attempt_count = int(map)?.unwrap_or_default(),
            "attempted" => invoice.attempted = flag(map)?,
            "next_payment_attempt" => invoice.next_payment_attempt = time(map)?,
            "collection_method" => invoice.collection_method = text(map)?,
            "due_date" => invoice.due_date = time(map)?,
            "created" => invoice.created = time(map)?,
            "period_start" => invoice.period_start = time(map)?,
            "period_end" => invoice.period_end = time(map)?,
            "payment_intent" => invoice.payment_intent = reference(map)?,
            "charge" => invoice.charge = reference(map)?,
            "number" => invoice.number = text(map)?,
            "hosted_invoice_url" => invoice.hosted_invoice_url = text(map)?,
            "tax" => invoice.tax = int(map)?,
            "deleted" => invoice.deleted = flag(map)?,
            _ => self.take_moved(key, map)?,
        }
        Ok(())
    }
}

impl Serialize for Invoice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let times = Transitions { finalized_at: self.finalized_at, paid_at: self.paid_at };
        let payment =
            Payment { payment_intent: self.payment_intent.clone(), charge: self.charge.clone() };
        let subscription = self.subscription.as_ref().map(|id| write::In("subscription", id));
        let mut fields = write::open(to, Kind::Invoice)?;
        fields.some("id", &self.id)?;
        fields.some("customer", &self.customer)?;
        fields.some_in("parent", "subscription_details", &subscription)?;
        fields.word("status", self.status.as_str())?;
        fields.some("billing_reason", &self.billing_reason)?;
        fields.some("currency", &self.currency)?;
        fields.some("amount_due", &self.amount_due)?;
        fields.some("amount_paid", &self.amount_paid)?;
        fields.some("amount_remaining", &self.amount_remaining)?;
        fields.some("total", &self.total)?;
        fields.int("attempt_count", self.attempt_count)?;
        fields.flag("attempted", self.attempted)?;
        fields.some("next_payment_attempt", &self.next_payment_attempt)?;
        fields.some("collection_method", &self.collection_method)?;
        fields.some("due_date", &self.due_date)?;
        fields.some("created", &self.created)?;
        fields.some("period_start", &self.period_start)?;
        fields.some("period_end", &self.period_end)?;
        fields.some("status_transitions", &(times != Transitions::default()).then_some(times))?;
        let payments: &[_] =
            if payment == Payment::default() { &[] } else { &[write::In("payment", payment)] };
        fields.list("payments", payments, false)?;
        fields.some("number", &self.number)?;
        fields.some("hosted_invoice_url", &self.hosted_invoice_url)?;
        fields.some("total_taxes", &self.tax.map(|it| [write::In("amount", it)]))?;
        fields
            .some("total_discount_amounts", &self.discount.map(|it| [write::In("amount", it)]))?;
        fields.list("lines", &self.lines, false)?;
        fields.flag("deleted", self.deleted)?;
        fields.end()
    }
}

impl<'de> View<'de> for InvoiceLine {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "description" => self.description = text(map)?,
            "amount" => self.amount = int(map)?.unwrap_or_default(),
            "period" => {
                let period = nested::<A, Period>(map)?.unwrap_or_default();
                self.period_start = period.start;
                self.period_end = period.end;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for InvoiceLine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let period = Period { start: self.period_start, end: self.period_end };
        let mut fields = write::plain(to)?;
        fields.some("description", &self.description)?;
        fields.int("amount", self.amount)?;
        fields.some("period", &(period != Period::default()).then_some(period))?;
        fields.end()
    }
}

/// `period` of a line.
#[derive(Default, PartialEq)]
struct Period {
    start: Option<i64>,
    end: Option<i64>,
}

impl<'de> View<'de> for Period {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "start" => self.start = time(map)?,
            "end" => self.end = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("start", &self.start)?;
        fields.some("end", &self.end)?;
        fields.end()
    }
}

/// Adds up the amounts of a list; none where it is empty or no list.
fn sum<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<i64>, A::Error> {
    let amounts = list::<A, Amount>(map)?.data;
    let sum = amounts.iter().try_fold(0_i64, |sum, it| sum.checked_add(it.0?));
    Ok(sum.filter(|_| !amounts.is_empty()))
}

/// An element of such a list.
#[derive(Default)]
struct Amount(Option<i64>);

impl<'de> View<'de> for Amount {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "amount" => self.0 = int(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// What was paid, or is being paid, on an invoice; since 2025-03-31.basil.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvoicePayment {
    /// Its id.
    pub id: InvoicePaymentId,
    /// The invoice.
    pub invoice: Option<InvoiceId>,
    /// The payment, if it is one by payment intent.
    pub payment_intent: Option<PaymentIntentId>,
    /// The payment, if it is one by charge.
    pub charge: Option<ChargeId>,
    /// `open`, `paid` or `canceled`.
    pub status: Option<String>,
    /// What arrived, in minor units of the invoice's currency.
    pub amount_paid: Option<i64>,
}

impl<'de> View<'de> for InvoicePayment {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "invoice" => self.invoice = reference(map)?,
            "payment" => {
                let payment = nested::<A, Payment>(map)?.unwrap_or_default();
                self.payment_intent = payment.payment_intent;
                self.charge = payment.charge;
            }
            "status" => self.status = text(map)?,
            "amount_paid" => self.amount_paid = int(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for InvoicePayment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let payment =
            Payment { payment_intent: self.payment_intent.clone(), charge: self.charge.clone() };
        let mut fields = write::open(to, Kind::InvoicePayment)?;
        fields.put("id", &self.id)?;
        fields.some("invoice", &self.invoice)?;
        fields.some("payment", &(payment != Payment::default()).then_some(payment))?;
        fields.some("status", &self.status)?;
        fields.some("amount_paid", &self.amount_paid)?;
        fields.end()
    }
}

/// `payment` of an invoice payment.
#[derive(Default, PartialEq)]
struct Payment {
    payment_intent: Option<PaymentIntentId>,
    charge: Option<ChargeId>,
}

impl<'de> View<'de> for Payment {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "payment_intent" => self.payment_intent = reference(map)?,
            "charge" => self.charge = reference(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Payment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("payment_intent", &self.payment_intent)?;
        fields.some("charge", &self.charge)?;
        fields.end()
    }
}

/// `status_transitions`.
#[derive(Default, PartialEq)]
struct Transitions {
    finalized_at: Option<i64>,
    paid_at: Option<i64>,
}

impl<'de> View<'de> for Transitions {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "finalized_at" => self.finalized_at = time(map)?,
            "paid_at" => self.paid_at = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Transitions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("finalized_at", &self.finalized_at)?;
        fields.some("paid_at", &self.paid_at)?;
        fields.end()
    }
}

/// `parent`: what the invoice is for.
#[derive(Default)]
struct Parent(Option<SubscriptionId>);

impl<'de> View<'de> for Parent {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "subscription_details" => {
                self.0 = nested::<A, SubscriptionDetails>(map)?.and_then(|details| details.0);
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct SubscriptionDetails(Option<SubscriptionId>);

impl<'de> View<'de> for SubscriptionDetails {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "subscription" => self.0 = reference(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
