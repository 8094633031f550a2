//! `/v1/subscription_schedules`.
//!
//! <https://docs.stripe.com/api/subscription_schedules> (2026-10-28.endive)

use super::super::cancel::Last;
use super::super::terms::{self, Prorations};
use super::{phases, read};
use crate::error::StripeError;
use crate::object::customer::Customer;
use crate::object::subscription::{BillingMode, Subscription};
use crate::object::subscription_schedule::{Phase, Status, SubscriptionSchedule};
use crate::object::{Empty, Id, Null, Object as _, change_metadata, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/subscription_schedules", list),
    Route::post("/v1/subscription_schedules", create),
    Route::get("/v1/subscription_schedules/{id}", |world, call| {
        world.show::<SubscriptionSchedule>(call.id())
    }),
    Route::post("/v1/subscription_schedules/{id}", update),
    Route::post("/v1/subscription_schedules/{id}/cancel", cancel),
    Route::post("/v1/subscription_schedules/{id}/release", release),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let scheduled = params.flag("scheduled");
    let within = |name: &str, moment: Option<i64>| {
        params.range(name).is_none_or(|range| moment.is_some_and(|moment| range.holds(moment)))
    };
    world.list::<SubscriptionSchedule>(call, params.text("customer"), |schedule| {
        scheduled.is_none_or(|wanted| wanted == (schedule.status == Status::NotStarted))
            && within("canceled_at", schedule.canceled_at)
            && within("completed_at", schedule.completed_at)
            && within("released_at", schedule.released_at)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    terms::refuse(&call.params, &["customer_account", "pause_schedules"])?;
    match call.params.text("from_subscription") {
        Some(id) => from_subscription(world, &call.params, id),
        None => from_phases(world, call),
    }
}

fn from_subscription(world: &mut World, params: &Params, id: &str) -> Outcome {
    terms::refuse_beside(params, "from_subscription", &["customer", "phases", "start_date"])?;
    let found = world.need::<Subscription>(id, "from_subscription")?.clone();
    if found.status.is_over() {
        let message = format!("The subscription '{id}' has ended and cannot be scheduled.");
        return Err(params.refuse("from_subscription", message));
    }
    if found.schedule.is_some() {
        let message = "This subscription is attached to a schedule already.";
        return Err(params.refuse("from_subscription", message));
    }
    let phase = read::of_subscription(&found);
    let mut schedule = blank(world, &found.customer, found.billing_mode);
    schedule.end_behavior = read::end_behavior(params, "release")?;
    schedule.metadata = metadata(params);
    schedule.status = Status::Active;
    schedule.current_phase = Some(phases::times(&phase));
    schedule.phases = vec![phase];
    schedule.subscription = Some(found.id.clone());
    schedule.default_settings.default_payment_method = found.default_payment_method.clone();
    let schedule = world.create(schedule, "subscription_schedule.created");
    world.update::<Subscription>(&found.id, "customer.subscription.updated", |subscription| {
        subscription.schedule = Some(schedule.clone());
    });
    phases::wake_next(world, &schedule);
    world.show::<SubscriptionSchedule>(&schedule)
}

fn from_phases(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let name = params.need_text("customer")?;
    let customer = world.need::<Customer>(name, "customer")?.id.clone();
    let now = world.now_of(Some(&customer));
    let start = match params.text("start_date") {
        Some("now") => now,
        _ => params.need_int("start_date")?,
    };
    if start < now {
        let message = "A schedule of the sandbox begins now or later.";
        return Err(params.refuse("start_date", message));
    }
    let mode = billing_mode(call);
    let frame = read::Frame { customer: &customer, start, now, flexible: mode.is_flexible() };
    let end_behavior = read::end_behavior(params, "release")?;
    let settings = read::settings(world, params, &customer, read::usual_settings())?;
    let phases = read::phases(world, params, &frame)?;
    let mut schedule = blank(world, &customer, mode);
    schedule.end_behavior = end_behavior;
    schedule.default_settings = settings;
    schedule.metadata = metadata(params);
    schedule.phases = phases;
    begin(world, schedule, start == now)
}

/// Adds a schedule; one that begins now begins with its subscription, or not at all.
fn begin(world: &mut World, schedule: SubscriptionSchedule, now: bool) -> Outcome {
    let id = schedule.id.clone();
    world.add(schedule);
    if now && let Err(error) = phases::begin_at_once(world, &id) {
        world.subscription_schedules.remove(&id);
        return Err(error);
    }
    world.emit::<SubscriptionSchedule>("subscription_schedule.created", &id);
    phases::wake_next(world, &id);
    world.show::<SubscriptionSchedule>(&id)
}

fn billing_mode(call: &Call) -> BillingMode {
    let named =
        call.params.sub("billing_mode").and_then(|mode| mode.text("type").map(str::to_owned));
    let flexible = named.map_or_else(
        || super::super::flexible_by_default(call.version.as_ref()),
        |mode| mode == "flexible",
    );
    if flexible { BillingMode::FLEXIBLE } else { BillingMode::CLASSIC }
}

fn blank(world: &mut World, customer: &Id, mode: BillingMode) -> SubscriptionSchedule {
    SubscriptionSchedule {
        id: world.new_id(SubscriptionSchedule::PREFIX),
        object: SubscriptionSchedule::NAME,
        application: Null,
        billing_mode: mode,
        canceled_at: None,
        completed_at: None,
        created: world.now_of(Some(customer)),
        current_phase: None,
        customer: customer.clone(),
        customer_account: Null,
        default_settings: read::usual_settings(),
        end_behavior: "release",
        livemode: false,
        metadata: crate::object::Metadata::new(),
        pause_schedules: Empty,
        phases: Vec::new(),
        released_at: None,
        released_subscription: None,
        status: Status::NotStarted,
        subscription: None,
        test_clock: world.clock_of(Some(customer)),
        expiry_told: None,
    }
}

/// Returns a schedule that is not over.
fn open(world: &World, id: &str, done: &str) -> Result<SubscriptionSchedule, StripeError> {
    let found = world.get::<SubscriptionSchedule>(id)?;
    if found.status.is_over() {
        let status = found.status.as_str();
        let message = format!("This schedule is {status} and cannot be {done}.");
        return Err(StripeError::invalid(message));
    }
    Ok(found.clone())
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let found = open(world, call.id(), "updated")?;
    terms::refuse(params, &["pause_schedules"])?;
    let end_behavior = read::end_behavior(params, found.end_behavior)?;
    let settings = read::settings(world, params, &found.customer, found.default_settings.clone())?;
    let now = world.now_of(Some(&found.customer));
    let new = match params.has("phases") {
        true => Some(new_phases(world, params, &found, now)?),
        false => None,
    };
    let id = found.id.clone();
    let changed = new.as_ref().and_then(|phases| present(phases, &found, now));
    world.update::<SubscriptionSchedule>(&id, "subscription_schedule.updated", |schedule| {
        schedule.end_behavior = end_behavior;
        schedule.default_settings = settings;
        change_metadata(&mut schedule.metadata, params);
        if let Some(phases) = new {
            schedule.phases = phases;
        }
        if let Some(phase) = &changed {
            schedule.current_phase = Some(phases::times(phase));
        }
    });
    if let Some(phase) = changed {
        phases::enter(world, &id, &phase, Prorations::read(params), now);
    }
    phases::advance(world, &id);
    world.show::<SubscriptionSchedule>(&id)
}

/// Reads the phases that take the place of the present and the coming ones.
fn new_phases(
    world: &mut World,
    params: &Params,
    found: &SubscriptionSchedule,
    now: i64,
) -> Result<Vec<Phase>, StripeError> {
    let first = found.phases.first().map_or(now, |phase| phase.start_date);
    let named = params.list("phases").and_then(|phases| phases.first()?.int("start_date"));
    let start = match (found.current_phase, named) {
        (Some(phase), _) => phase.start_date,
        (None, Some(named)) if named >= now => named,
        (None, _) => first,
    };
    let flexible = found.billing_mode.is_flexible();
    let frame = read::Frame { customer: &found.customer, start, now, flexible };
    let phases = read::phases(world, params, &frame)?;
    if phases.last().is_some_and(|phase| phase.end_date < now) {
        let message = "The last phase must not be over.";
        return Err(params.refuse("phases", message));
    }
    Ok(phases)
}

/// Returns the present phase, if a call has changed it.
fn present(phases: &[Phase], found: &SubscriptionSchedule, now: i64) -> Option<Phase> {
    found.current_phase?;
    let new = phases.iter().find(|phase| phase.start_date <= now && now < phase.end_date)?;
    let old = found.phase_at(now);
    let same = old.is_some_and(|old| {
        (&old.items, old.start_date, old.trial_end) == (&new.items, new.start_date, new.trial_end)
            && old.discounts == new.discounts
            && old.metadata == new.metadata
            && old.end_date == new.end_date
    });
    (!same).then(|| new.clone())
}

fn cancel(world: &mut World, call: &Call) -> Outcome {
    let found = open(world, call.id(), "canceled")?;
    let active = found.status == Status::Active;
    let flag = |name: &str| active && call.params.flag(name).unwrap_or(true);
    let last = Last { invoice_now: flag("invoice_now"), prorate: flag("prorate") };
    phases::cancel(world, &found.id, last);
    world.show::<SubscriptionSchedule>(&found.id)
}

fn release(world: &mut World, call: &Call) -> Outcome {
    let found = open(world, call.id(), "released")?;
    phases::release(world, &found.id);
    world.show::<SubscriptionSchedule>(&found.id)
}
