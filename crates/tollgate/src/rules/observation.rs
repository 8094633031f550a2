//! What was observed: a snapshot of one object, and how it compares with another of the same
//! object by what the snapshots themselves say.

use tollgate_stripe::id::EventId;
use tollgate_stripe::object::Object;

use super::{charge, checkout, dispute, invoice, payment, subscription};

/// A snapshot of an object and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The event that carried the snapshot, or the name that we gave to what we fetched.
    pub event_id: EventId,
    /// Unix seconds: `created` of the event; for what was fetched, the last second of which it is
    /// certain that Stripe had not read it earlier.
    pub at: i64,
    /// Where it came from.
    pub origin: Origin,
    /// The snapshot.
    pub object: Object,
}

/// Where a snapshot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The object's `….created` event, which Stripe renders before any change.
    Creation,
    /// Any other event.
    Change,
    /// We asked Stripe. What was asked for later has the later name.
    Fetched,
}

/// Facts that only ever grow within the life of an object, most significant first.
pub type Progress = [i64; 4];

/// Orders two snapshots of one object without looking at any other: a terminal state absorbs
/// every other, then the later second wins, then the object's own one-way progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    terminal: bool,
    at: i64,
    progress: Progress,
}

impl Rank {
    /// Ranks a snapshot that was observed in the second `at`.
    pub fn of(object: &Object, at: i64) -> Self {
        Self { terminal: is_terminal(object), at, progress: progress(object) }
    }
}

/// Whether Stripe never lets an object leave this state.
fn is_terminal(object: &Object) -> bool {
    match object {
        Object::Customer(it) => it.deleted,
        Object::Subscription(it) => subscription::is_terminal(it),
        Object::Invoice(it) => invoice::is_terminal(it),
        Object::CheckoutSession(it) => checkout::is_terminal(it),
        Object::PaymentIntent(it) => payment::is_terminal(it),
        Object::Product(it) => it.deleted,
        Object::Price(it) => it.deleted,
        Object::Coupon(it) => it.deleted,
        Object::InvoicePayment(_)
        | Object::Charge(_)
        | Object::Refund(_)
        | Object::Dispute(_)
        | Object::PaymentMethod(_)
        | Object::Entitlements(_)
        | Object::PromotionCode(_)
        | Object::Discount(_) => false,
    }
}

fn progress(object: &Object) -> Progress {
    match object {
        Object::Subscription(it) => subscription::progress(it),
        Object::Invoice(it) => invoice::progress(it),
        Object::InvoicePayment(it) => invoice::payment_progress(it),
        Object::CheckoutSession(it) => checkout::progress(it),
        Object::PaymentIntent(it) => payment::progress(it),
        Object::Charge(it) => charge::progress(it),
        Object::Refund(it) => charge::refund_progress(it),
        Object::Dispute(it) => dispute::progress(it),
        Object::Coupon(it) => [it.times_redeemed.unwrap_or(0), 0, 0, 0],
        Object::PromotionCode(it) => [it.times_redeemed.unwrap_or(0), 0, 0, 0],
        Object::Customer(_)
        | Object::PaymentMethod(_)
        | Object::Entitlements(_)
        | Object::Product(_)
        | Object::Price(_)
        | Object::Discount(_) => [0; 4],
    }
}

/// What usually grows, but not always: asked only where nothing better decides.
pub fn likely_progress(object: &Object) -> i64 {
    match object {
        Object::Subscription(it) => it.current_period_end.unwrap_or(0),
        _ => 0,
    }
}
