//! What older shapes show and the newest does not hold: the objects behind ids, and which payment
//! belongs to which invoice.

use serde_json::Value;

/// The objects around the one that is rendered, as they stand at its moment.
///
/// To render an object as it was before a change, pass facts of before the change: an invoice's
/// `charge` is not in the invoice.
pub trait Facts {
    /// Returns an object in the newest shape.
    fn object(&self, id: &str) -> Option<Value>;

    /// Returns the id of the invoice that a payment intent pays.
    fn invoice_of_payment(&self, payment_intent: &str) -> Option<String>;

    /// Returns the payment of an invoice: its default one, or the one that paid it.
    fn payment_of_invoice(&self, invoice: &str) -> Option<Payment>;

    /// Returns the charges of a payment intent in the newest shape, newest first.
    fn charges_of_payment(&self, payment_intent: &str) -> Vec<Value>;

    /// Returns the refunds of a charge in the newest shape, newest first.
    fn refunds_of_charge(&self, charge: &str) -> Vec<Value>;
}

/// The payment of an invoice, by ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// The payment intent.
    pub payment_intent: Option<String>,
    /// Its latest charge.
    pub charge: Option<String>,
}
