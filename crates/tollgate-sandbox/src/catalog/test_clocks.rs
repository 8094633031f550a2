//! `/v1/test_helpers/test_clocks`: clocks that calls move, and everything that lives by them.
//!
//! An advance is done when its call is answered, but the answer shows the clock advancing, as
//! Stripe's does: an app has to wait for `test_helpers.test_clock.ready`, or ask again.

use serde_json::{Value, json};

use crate::error::StripeError;
use crate::money::calendar::{DAY, Interval, Unit, add_months};
use crate::object::customer::Customer;
use crate::object::subscription::Subscription;
use crate::object::test_clock::{Advancing, StatusDetails, TestClock};
use crate::object::{Id, Object as _};
use crate::params::Params;
use crate::world::{Call, Method, Outcome, Route, Wake, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/test_helpers/test_clocks", |world, call| {
        world.list::<TestClock>(call, None, |_| true)
    }),
    Route::post("/v1/test_helpers/test_clocks", create),
    Route::get("/v1/test_helpers/test_clocks/{id}", |world, call| {
        world.show::<TestClock>(call.id())
    }),
    Route::delete("/v1/test_helpers/test_clocks/{id}", |world, call| delete(world, call.id())),
    Route::post("/v1/test_helpers/test_clocks/{id}/advance", advance),
];

/// How long a clock is kept, in seconds of the main one.
const KEPT_SECS: i64 = 30 * DAY;
/// How many intervals of the shortest subscription one advance may take.
const INTERVALS_MAX: i64 = 2;
/// The longest name.
const NAME_LEN_MAX: usize = 300;
/// The latest moment of a clock: the end of the year 9999.
const LATEST: i64 = 253_402_300_799;

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let frozen_time = params.need_int("frozen_time")?;
    if !(0..=LATEST).contains(&frozen_time) {
        let message = "Invalid timestamp: it must be a Unix time in seconds.";
        return Err(params.refuse("frozen_time", message));
    }
    if params.text("name").is_some_and(|name| name.chars().count() > NAME_LEN_MAX) {
        let message = format!("A test clock's name has at most {NAME_LEN_MAX} characters.");
        return Err(params.refuse("name", message));
    }
    let customer = movable(world, params)?;
    let now = world.now();
    let clock = TestClock {
        id: world.new_id(TestClock::PREFIX),
        object: TestClock::NAME,
        created: now,
        deletes_after: now + KEPT_SECS,
        frozen_time,
        livemode: false,
        name: params.text("name").map(str::to_owned),
        status: "ready",
        status_details: StatusDetails::default(),
    };
    let id = clock.id.clone();
    world.clocks.set(&Some(id.clone()), frozen_time);
    world.create(clock, "test_helpers.test_clock.created");
    world.wake_at(None, now + KEPT_SECS, Wake::TestClock(id.clone()));
    if let Some(customer) = customer {
        world.update::<Customer>(&customer, "customer.updated", |row| {
            row.test_clock = Some(id.clone());
        });
    }
    world.show::<TestClock>(&id)
}

/// Finds the customer who is to live by the new clock: one for whom nothing waits on another.
fn movable(world: &World, params: &Params) -> Result<Option<Id>, StripeError> {
    let Some(id) = params.text("customer") else { return Ok(None) };
    let customer = world.need::<Customer>(id, "customer")?;
    if customer.test_clock.is_some() {
        return Err(params.refuse("customer", "This customer lives by a test clock already."));
    }
    let id = &customer.id;
    let bought = world.subscriptions.of(id).next().is_some()
        || world.invoices.of(id).next().is_some()
        || world.payment_intents.of(id).next().is_some();
    if bought {
        let message =
            "In the sandbox a test clock can only take a customer who has bought nothing.";
        return Err(params.refuse("customer", message));
    }
    Ok(Some(id.clone()))
}

fn advance(world: &mut World, call: &Call) -> Outcome {
    let clock = world.get::<TestClock>(call.id())?;
    let (id, from) = (clock.id.clone(), clock.frozen_time);
    let to = call.params.need_int("frozen_time")?;
    if to <= from {
        let message =
            format!("Invalid timestamp: a test clock only moves forward, and stands at {from}.");
        return Err(call.params.refuse("frozen_time", message));
    }
    let latest = latest(world, &id, from);
    if to > latest {
        let message = format!(
            "Cannot advance the clock so far: at most two intervals of its shortest \
             subscription, or two years where it has none; now that is until {latest}."
        );
        return Err(call.params.refuse("frozen_time", message));
    }
    world.edit::<TestClock>(&id, |clock| {
        clock.status = "advancing";
        clock.status_details.advancing = Some(Advancing { target_frozen_time: to });
    });
    world.emit::<TestClock>("test_helpers.test_clock.advancing", &id);
    let answer = world.show::<TestClock>(&id);
    world.advance_clock(&Some(id.clone()), to);
    world.alone(|world| {
        world.edit::<TestClock>(&id, |clock| {
            clock.frozen_time = to;
            clock.status = "ready";
            clock.status_details.advancing = None;
        });
        world.emit::<TestClock>("test_helpers.test_clock.ready", &id);
    });
    answer
}

/// Returns how far one advance may go.
fn latest(world: &World, clock: &Id, from: i64) -> i64 {
    let lives =
        |row: &&Subscription| row.test_clock.as_ref() == Some(clock) && !row.status.is_over();
    let intervals = world
        .subscriptions
        .newest()
        .filter(lives)
        .flat_map(|row| row.items.data.iter().filter_map(|item| item.price.interval()));
    let two_years = add_months(from, 24);
    intervals.map(|interval| after(from, interval)).min().unwrap_or(two_years).min(LATEST)
}

fn after(from: i64, interval: Interval) -> i64 {
    let count = i64::from(interval.count) * INTERVALS_MAX;
    match interval.unit {
        Unit::Day => from + count * DAY,
        Unit::Week => from + count * 7 * DAY,
        Unit::Month => add_months(from, count),
        Unit::Year => add_months(from, count * 12),
    }
}

/// Deletes a clock; its customers go with it, and their subscriptions end.
fn delete(world: &mut World, id: &str) -> Outcome {
    let id = world.get::<TestClock>(id)?.id.clone();
    let lives = |row: &&Customer| row.test_clock.as_ref() == Some(&id);
    let customers: Vec<Id> =
        world.customers.newest().filter(lives).map(|row| row.id.clone()).collect();
    for customer in customers {
        world.ask(Method::Delete, &format!("/v1/customers/{customer}"), json!({}))?;
    }
    let answer: Value = world.delete::<TestClock>(&id, Some("test_helpers.test_clock.deleted"))?;
    world.clocks.forget(&id);
    Ok(answer)
}

/// A clock is deleted after its time.
pub(crate) fn wake(world: &mut World, clock: &Id) {
    // Somebody may have deleted it before.
    let _gone = delete(world, clock);
}
