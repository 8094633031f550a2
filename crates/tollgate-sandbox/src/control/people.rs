//! Who is who: which customer is a user's, and what the account sells, for the desk and the
//! recipes.

use crate::object::customer::Customer;
use crate::object::price::Price;
use crate::object::{Id, Metadata};
use crate::world::World;

/// Returns the customer of a user, as apps name one: in the metadata of a customer or of a
/// subscription, or in a Checkout session. The newest one on the main clock counts.
pub(super) fn customer_of(world: &World, user: &str) -> Option<Id> {
    let is_named = |metadata: &Metadata| metadata.get("user_id").is_some_and(|it| it == user);
    let named = world
        .customers
        .newest()
        .find(|row| is_named(&row.metadata) && lives_on_main_clock(world, &row.id));
    let subscribed = || {
        let mut rows = world.subscriptions.newest();
        let found =
            rows.find(|row| is_named(&row.metadata) && lives_on_main_clock(world, &row.customer));
        found.map(|row| row.customer.clone())
    };
    let bought = || {
        let of_user = world.sessions.newest().filter(|row| {
            row.client_reference_id.as_deref() == Some(user) || is_named(&row.metadata)
        });
        let mut customers = of_user.filter_map(|row| row.customer.clone());
        customers.find(|customer| lives_on_main_clock(world, customer))
    };
    named.map(|row| row.id.clone()).or_else(subscribed).or_else(bought)
}

fn lives_on_main_clock(world: &World, customer: &Id) -> bool {
    world.customers.get(customer).is_some_and(|row| row.test_clock.is_none())
}

/// Returns whose customer somebody is.
pub(super) fn user_of(world: &World, customer: &Customer) -> Option<String> {
    let own = customer.metadata.get("user_id");
    let subscribed =
        || world.subscriptions.of(&customer.id).find_map(|row| row.metadata.get("user_id"));
    let bought = || {
        let mut sessions = world.sessions.newest();
        let session = sessions.find(|row| {
            row.customer.as_ref() == Some(&customer.id) && row.client_reference_id.is_some()
        });
        session.and_then(|row| row.client_reference_id.as_ref())
    };
    own.or_else(subscribed).or_else(bought).cloned()
}

/// Returns the customer's newest subscription that is not over.
pub(super) fn living_subscription(world: &World, customer: &Id) -> Option<Id> {
    let living = world.subscriptions.of(customer).find(|row| !row.status.is_over());
    living.map(|row| row.id.clone())
}

/// Returns the oldest price that repeats and is for sale.
pub(super) fn first_recurring(world: &World) -> Option<&Price> {
    let for_sale = world.prices.newest().filter(|price| price.active && !price.is_metered());
    for_sale.filter(|price| price.recurring.is_some() && price.unit_amount.is_some()).last()
}

/// Says how often a price comes again: "per month", "every 3 months".
pub(super) fn per(price: &Price) -> Option<String> {
    let recurring = price.recurring.as_ref()?;
    let unit = recurring.interval.as_str();
    Some(match recurring.interval_count {
        1 => format!("per {unit}"),
        count => format!("every {count} {unit}s"),
    })
}
