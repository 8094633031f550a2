//! Schedules: what a subscription will be, phase by phase.
//!
//! - [`calls`]: the endpoints. [`read`]: what calls say of phases. [`phases`]: what time does.

mod calls;
mod phases;
mod read;

use crate::object::Id;
use crate::object::subscription::Subscription;
use crate::object::subscription_schedule::{Status, SubscriptionSchedule};
use crate::world::{Route, World};

pub(super) const ROUTES: &[Route] = calls::ROUTES;

/// Begins or ends a phase that is due.
pub(super) fn wake(world: &mut World, schedule: &Id) {
    phases::advance(world, schedule);
}

/// Lets the schedule of a subscription do what is due, before a period of it begins.
pub(super) fn go_first(world: &mut World, subscription: &Id) {
    let schedule =
        world.get::<Subscription>(subscription).ok().and_then(|one| one.schedule.clone());
    if let Some(schedule) = schedule {
        phases::advance(world, &schedule);
    }
}

/// A subscription has ended, and its schedule with it.
pub(super) fn subscription_ended(world: &mut World, subscription: &Id) {
    let Some(schedule) = world.known::<Subscription>(subscription).schedule.clone() else { return };
    let found = world.known::<SubscriptionSchedule>(&schedule);
    if found.status.is_over() {
        return;
    }
    let now = world.now_of(Some(&found.customer));
    world.edit::<SubscriptionSchedule>(&schedule, |schedule| {
        schedule.status = Status::Canceled;
        schedule.canceled_at = Some(now);
        schedule.current_phase = None;
    });
    world.emit::<SubscriptionSchedule>("subscription_schedule.canceled", &schedule);
}
