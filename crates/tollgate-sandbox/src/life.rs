//! What time does. A wake asks the room of an object to do what is due by now; where the
//! object's state says that nothing is, nothing happens.

use crate::world::{Wake, World};
use crate::{catalog, checkout, invoices, payments, subscriptions};

/// Lets happen what a moment brings.
pub(crate) fn wake(world: &mut World, wake: &Wake) {
    match wake {
        Wake::Subscription(id) => subscriptions::wake(world, id),
        Wake::Schedule(id) => subscriptions::wake_schedule(world, id),
        Wake::Invoice(id) => invoices::wake(world, id),
        Wake::Payment(id) => payments::wake(world, id),
        Wake::Session(id) => checkout::wake(world, id),
        Wake::Dispute(id) => payments::wake_dispute(world, id),
        Wake::Refund(id) => payments::wake_refund(world, id),
        Wake::Offer(id) => catalog::wake_offer(world, id),
        Wake::Discount(id) => catalog::discounts::wake(world, id),
        Wake::TestClock(id) => catalog::wake_test_clock(world, id),
    }
}
