//! Payment intents, and which objects speak of the same payment.

use tollgate_stripe::object::{Object, PaymentIntent, PaymentIntentStatus};

use super::observation::Progress;

/// Succeeded and canceled intents stay so.
pub fn is_terminal(it: &PaymentIntent) -> bool {
    matches!(it.status, PaymentIntentStatus::Succeeded | PaymentIntentStatus::Canceled)
}

/// Statuses go in circles (a declined card leads back to `requires_payment_method`); only the
/// money received grows.
pub fn progress(it: &PaymentIntent) -> Progress {
    [it.amount_received.unwrap_or(0), 0, 0, 0]
}

/// The ids by which an object names its payment: intent first, then charge. All objects of one
/// payment share one of them, which tells whose refund or dispute it is: those carry no customer.
pub fn names(object: &Object) -> [Option<&str>; 2] {
    let (intent, charge) = match object {
        Object::PaymentIntent(it) => (Some(it.id.as_str()), None),
        Object::Charge(it) => (it.payment_intent.as_ref().map(AsRef::as_ref), Some(it.id.as_str())),
        Object::Refund(it) => (as_str(&it.payment_intent), as_str(&it.charge)),
        Object::Dispute(it) => (as_str(&it.payment_intent), as_str(&it.charge)),
        Object::InvoicePayment(it) => (as_str(&it.payment_intent), as_str(&it.charge)),
        Object::Invoice(it) => (as_str(&it.payment_intent), as_str(&it.charge)),
        Object::CheckoutSession(it) => (as_str(&it.payment_intent), None),
        _ => (None, None),
    };
    [intent, charge]
}

fn as_str<T: AsRef<str>>(id: &Option<T>) -> Option<&str> {
    id.as_ref().map(AsRef::as_ref)
}
