//! What time does to schedules: phases begin and end, and the last one ends the schedule.

use serde_json::{Map, Value, json};

use crate::catalog::discounts::{self, Purchase, Wanted};
use crate::error::StripeError;
use crate::money::calendar::DAY;
use crate::object::Id;
use crate::object::price::Price;
use crate::object::subscription::{Status as State, Subscription};
use crate::object::subscription_schedule::{
    CurrentPhase, Phase, PhaseDiscount, PhaseItem, Status, SubscriptionSchedule,
};
use crate::params::Params;
use crate::world::{Wake, World};

use super::super::apply::{self, Payment};
use super::super::cancel::{self, Last};
use super::super::items::NewItem;
use super::super::terms::{Behavior, Prorations};
use super::super::wish::{ItemWish, TrialWish, Wish};
use super::super::{change, start};

/// How long before its end a schedule is told of.
const EXPIRY_SECS: i64 = 7 * DAY;

/// Does what is due by now, and asks for the next wake.
pub(super) fn advance(world: &mut World, id: &Id) {
    let Ok(found) = world.get::<SubscriptionSchedule>(id) else { return };
    let now = world.now_of(Some(&found.customer));
    match found.status {
        Status::NotStarted if found.phases.first().is_some_and(|one| one.start_date <= now) => {
            begin_or_end(world, id, now);
        }
        Status::Active if found.current_phase.is_some_and(|phase| phase.end_date <= now) => {
            move_on(world, id, now);
        }
        _ => {}
    }
    tell_expiry(world, id, now);
    wake_next(world, id);
}

/// Nobody waits for an answer: a schedule that cannot start ends without a subscription.
fn begin_or_end(world: &mut World, id: &Id, now: i64) {
    if begin(world, id).is_err() {
        finish(world, id, Status::Canceled, now);
    }
}

/// Asks for a wake at the next moment at which something is due.
pub(super) fn wake_next(world: &mut World, id: &Id) {
    let Ok(found) = world.get::<SubscriptionSchedule>(id) else { return };
    if found.status.is_over() {
        return;
    }
    let customer = found.customer.clone();
    let starts = found.phases.first().map(|one| one.start_date);
    let starts = starts.filter(|_| found.status == Status::NotStarted);
    let moments = [starts, found.current_phase.map(|phase| phase.end_date), expiry(found)];
    if let Some(next) = moments.into_iter().flatten().min() {
        world.wake_at(Some(&customer), next, Wake::Schedule(id.clone()));
    }
}

/// Returns when its end is to be told; schedules that are shorter are not told of.
fn expiry(found: &SubscriptionSchedule) -> Option<i64> {
    let (end, active) = (found.end(), found.status == Status::Active);
    let at = end - EXPIRY_SECS;
    (active && found.expiry_told != Some(end) && at >= found.created).then_some(at)
}

fn tell_expiry(world: &mut World, id: &Id, now: i64) {
    let found = world.known::<SubscriptionSchedule>(id);
    if expiry(found).is_some_and(|at| at <= now) {
        let end = found.end();
        world.edit::<SubscriptionSchedule>(id, |schedule| schedule.expiry_told = Some(end));
        world.emit::<SubscriptionSchedule>("subscription_schedule.expiring", id);
    }
}

/// Starts the subscription of a schedule that is being made, without telling of the schedule.
pub(super) fn begin_at_once(world: &mut World, id: &Id) -> Result<(), StripeError> {
    let before = world.known::<SubscriptionSchedule>(id).clone();
    let Some((subscription, phase)) = begin_with(world, &before)? else { return Ok(()) };
    world.edit::<SubscriptionSchedule>(id, |schedule| {
        schedule.status = Status::Active;
        schedule.subscription = Some(subscription);
        schedule.current_phase = Some(phase);
    });
    Ok(())
}

/// Starts the subscription of a schedule.
fn begin(world: &mut World, id: &Id) -> Result<(), StripeError> {
    let before = world.known::<SubscriptionSchedule>(id).clone();
    let Some((subscription, phase)) = begin_with(world, &before)? else { return Ok(()) };
    world.update::<SubscriptionSchedule>(id, "subscription_schedule.updated", |schedule| {
        schedule.status = Status::Active;
        schedule.subscription = Some(subscription);
        schedule.current_phase = Some(phase);
    });
    Ok(())
}

fn begin_with(
    world: &mut World,
    schedule: &SubscriptionSchedule,
) -> Result<Option<(Id, CurrentPhase)>, StripeError> {
    let Some(phase) = schedule.phases.first() else { return Ok(None) };
    let params = first_params(schedule, phase);
    let flexible = schedule.billing_mode.is_flexible();
    let subscription = start::start_scheduled(world, &params, &schedule.id, flexible)?;
    Ok(Some((subscription, times(phase))))
}

pub(super) fn times(phase: &Phase) -> CurrentPhase {
    CurrentPhase { end_date: phase.end_date, start_date: phase.start_date }
}

/// Returns the call that would start the subscription of a schedule.
fn first_params(found: &SubscriptionSchedule, phase: &Phase) -> Params {
    let items: Vec<Value> = phase.items.iter().map(item_params).collect();
    let mut params = Map::new();
    let mut put = |name: &str, value: Value| params.insert(name.to_owned(), value);
    put("customer", json!(found.customer));
    put("items", json!(items));
    put("metadata", json!(phase.metadata));
    put("off_session", json!(true));
    put("proration_behavior", json!(phase.proration_behavior));
    put("discounts", discount_params(phase));
    let method = phase.default_payment_method.as_ref();
    let method = method.or(found.default_settings.default_payment_method.as_ref());
    if let Some(method) = method {
        put("default_payment_method", json!(method));
    }
    if let Some(end) = phase.trial_end {
        put("trial_end", json!(end));
    }
    let description = phase.description.as_ref().or(found.default_settings.description.as_ref());
    if let Some(description) = description {
        put("description", json!(description));
    }
    Params::from_value(Value::Object(params))
}

fn item_params(item: &PhaseItem) -> Value {
    let mut params = json!({ "price": item.price, "metadata": item.metadata });
    if let Some(quantity) = item.quantity {
        params["quantity"] = json!(quantity);
    }
    params
}

fn discount_params(phase: &Phase) -> Value {
    Value::Array(phase.discounts.iter().map(one_discount).collect())
}

fn one_discount(one: &PhaseDiscount) -> Value {
    let all = [
        ("coupon", &one.coupon),
        ("discount", &one.discount),
        ("promotion_code", &one.promotion_code),
    ];
    let named = all.into_iter().filter_map(|(name, id)| Some((name, id.as_ref()?)));
    Value::Object(named.map(|(name, id)| (name.to_owned(), json!(id))).collect())
}

/// The present phase is over: the next one begins, or the schedule ends.
fn move_on(world: &mut World, id: &Id, now: i64) {
    let found = world.known::<SubscriptionSchedule>(id);
    let Some(phase) = found.phase_at(now).cloned() else {
        let cancels = found.end_behavior == "cancel";
        let status = if cancels { Status::Completed } else { Status::Released };
        return finish(world, id, status, now);
    };
    enter(world, id, &phase, Prorations::named(Some(phase.proration_behavior)), now);
}

/// Makes the subscription what a phase says.
pub(super) fn enter(world: &mut World, id: &Id, phase: &Phase, prorations: Prorations, now: i64) {
    world.update::<SubscriptionSchedule>(id, "subscription_schedule.updated", |schedule| {
        schedule.current_phase = Some(times(phase));
    });
    let Some(subscription) = world.known::<SubscriptionSchedule>(id).subscription.clone() else {
        return;
    };
    let before = world.known::<Subscription>(&subscription).clone();
    let wish = wish(world, &before, phase, prorations, now);
    let turn = change::work_out(world, &before, wish, now);
    let payment = Payment { behavior: Behavior::Allow, off_session: true, by_time: true };
    let made = apply::make(world, &subscription, turn, payment, |after| {
        after.metadata.extend(phase.metadata.clone());
        if phase.default_payment_method.is_some() {
            after.default_payment_method.clone_from(&phase.default_payment_method);
        }
        if phase.description.is_some() {
            after.description.clone_from(&phase.description);
        }
    });
    debug_assert!(made.is_ok(), "nothing refuses what time does: {made:?}");
}

fn wish(
    world: &World,
    before: &Subscription,
    phase: &Phase,
    prorations: Prorations,
    now: i64,
) -> Wish {
    let trial = match phase.trial_end.filter(|end| *end > now) {
        Some(end) => (before.trial_end != Some(end)).then_some(TrialWish::Until(end)),
        // A trial that the phase does not name is over.
        None => before.trial_end.filter(|end| *end > now).map(|_| TrialWish::EndNow),
    };
    Wish {
        items: item_wishes(world, before, phase),
        anchor_now: phase.billing_cycle_anchor == Some("phase_start")
            && before.status != State::Trialing,
        trial,
        prorations,
        discounts: discount_wishes(world, before, phase),
        ..Wish::default()
    }
}

/// The discounts of the phase take the place of those that are there, also where it has none: what
/// a phase does not name is unset. `None` where they are the same.
fn discount_wishes(world: &World, before: &Subscription, phase: &Phase) -> Option<Vec<Wanted>> {
    let purchase = Purchase { customer: Some(&before.customer), ..Purchase::default() };
    // What has expired since is left out.
    let check = |one: &PhaseDiscount| {
        let given = json!({ "discounts": [one_discount(one)] });
        discounts::check(world, purchase, &Params::from_value(given)).unwrap_or_default()
    };
    let wanted: Vec<Wanted> = phase.discounts.iter().flat_map(check).collect();
    let there = |one: &Wanted| match one {
        Wanted::There(id) => Some(id.clone()),
        Wanted::New(..) => None,
    };
    let same = wanted.iter().map(there).eq(before.discounts.iter().cloned().map(Some));
    (!same).then_some(wanted)
}

/// An item of the phase is the one with its price, or takes the place of one that has none in it.
fn item_wishes(world: &World, before: &Subscription, phase: &Phase) -> Vec<ItemWish> {
    let mut left: Vec<_> = before.items.data.iter().collect();
    let mut wishes = Vec::new();
    let mut new: Vec<&PhaseItem> = Vec::new();
    for item in &phase.items {
        match left.iter().position(|one| one.price.id == item.price) {
            Some(place) => {
                let one = left.remove(place);
                wishes.push(change_of(one.id.clone(), None, item));
            }
            None => new.push(item),
        }
    }
    for item in new {
        let price = world.known::<Price>(&item.price).clone();
        wishes.push(if left.is_empty() {
            ItemWish::Add(NewItem {
                price,
                quantity: item.quantity,
                discounts: Vec::new(),
                metadata: item.metadata.clone(),
            })
        } else {
            let one = left.remove(0);
            change_of(one.id.clone(), Some(price), item)
        });
    }
    wishes.extend(left.into_iter().map(|item| ItemWish::Remove(item.id.clone())));
    wishes
}

fn change_of(id: Id, price: Option<Price>, item: &PhaseItem) -> ItemWish {
    let params = Params::from_value(json!({ "metadata": item.metadata }));
    ItemWish::Change { id, price, quantity: item.quantity, discounts: None, params }
}

/// Ends a schedule: its subscription goes on alone, or ends as well.
fn finish(world: &mut World, id: &Id, status: Status, now: i64) {
    let subscription = world.known::<SubscriptionSchedule>(id).subscription.clone();
    match (status, subscription) {
        (Status::Released, _) => release(world, id),
        (_, subscription) => {
            let completed = status == Status::Completed;
            world.edit::<SubscriptionSchedule>(id, |schedule| {
                schedule.status = status;
                schedule.current_phase = None;
                if completed {
                    schedule.completed_at = Some(now);
                } else {
                    schedule.canceled_at = Some(now);
                }
            });
            let event = if completed {
                "subscription_schedule.completed"
            } else {
                "subscription_schedule.canceled"
            };
            world.emit::<SubscriptionSchedule>(event, id);
            if let Some(subscription) = subscription {
                cancel::in_time(world, &subscription);
            }
        }
    }
}

/// Lets go of the subscription, which stays as it is.
pub(super) fn release(world: &mut World, id: &Id) {
    let found = world.known::<SubscriptionSchedule>(id);
    let (subscription, now) = (found.subscription.clone(), world.now_of(Some(&found.customer)));
    world.edit::<SubscriptionSchedule>(id, |schedule| {
        schedule.status = Status::Released;
        schedule.released_at = Some(now);
        schedule.released_subscription = schedule.subscription.take();
        schedule.current_phase = None;
    });
    if let Some(subscription) = subscription {
        world.update::<Subscription>(
            &subscription,
            "customer.subscription.updated",
            |subscription| subscription.schedule = None,
        );
    }
    world.emit::<SubscriptionSchedule>("subscription_schedule.released", id);
}

/// Ends a schedule and its subscription because a call says so.
pub(super) fn cancel(world: &mut World, id: &Id, last: Last) {
    let found = world.known::<SubscriptionSchedule>(id);
    let (subscription, now) = (found.subscription.clone(), world.now_of(Some(&found.customer)));
    world.edit::<SubscriptionSchedule>(id, |schedule| {
        schedule.status = Status::Canceled;
        schedule.canceled_at = Some(now);
        schedule.current_phase = None;
    });
    if let Some(subscription) = subscription {
        cancel::by_call(world, &subscription, last);
    }
    world.emit::<SubscriptionSchedule>("subscription_schedule.canceled", id);
}
