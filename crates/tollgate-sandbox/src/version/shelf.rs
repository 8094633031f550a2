//! Facts for tests: a shelf of objects and of payments of invoices.

use serde_json::Value;

use super::{Facts, Payment, render};

/// Renders a copy to a version.
pub(super) fn at(version: &str, object: &Value, facts: &dyn Facts) -> Value {
    let mut copy = object.clone();
    render(&mut copy, &version.parse().unwrap(), facts);
    copy
}

#[derive(Default)]
pub(super) struct Shelf {
    objects: Vec<Value>,
    payments: Vec<(String, Payment)>,
}

impl Shelf {
    pub(super) fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        Self { objects: objects.into_iter().collect(), payments: Vec::new() }
    }

    pub(super) fn with_payment(mut self, invoice: &str, intent: &str, charge: &str) -> Self {
        let payment =
            Payment { payment_intent: Some(intent.to_owned()), charge: Some(charge.to_owned()) };
        self.payments.push((invoice.to_owned(), payment));
        self
    }

    fn all(&self, kind: &str, field: &str, id: &str) -> Vec<Value> {
        let found = |object: &&Value| object["object"] == kind && object[field] == id;
        self.objects.iter().filter(found).cloned().collect()
    }
}

impl Facts for Shelf {
    fn object(&self, id: &str) -> Option<Value> {
        self.objects.iter().find(|object| object["id"] == id).cloned()
    }

    fn invoice_of_payment(&self, payment_intent: &str) -> Option<String> {
        let paid_by = |payment: &Payment| payment.payment_intent.as_deref() == Some(payment_intent);
        self.payments
            .iter()
            .find(|(_, payment)| paid_by(payment))
            .map(|(invoice, _)| invoice.clone())
    }

    fn payment_of_invoice(&self, invoice: &str) -> Option<Payment> {
        self.payments.iter().find(|(id, _)| id == invoice).map(|(_, payment)| payment.clone())
    }

    fn charges_of_payment(&self, payment_intent: &str) -> Vec<Value> {
        self.all("charge", "payment_intent", payment_intent)
    }

    fn refunds_of_charge(&self, charge: &str) -> Vec<Value> {
        self.all("refund", "charge", charge)
    }
}
