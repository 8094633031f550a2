//! `POST /v1/subscriptions/{id}`, and the other calls that change one subscription.
//!
//! <https://docs.stripe.com/api/subscriptions/update> (2026-10-28.endive)

use super::apply::{self, Payment};
use super::cancel::{self, Last};
use super::renew::{can_be_billed, tell_early_end};
use super::terms::{self, Behavior, Collection};
use super::wish::{self, TrialWish, Wish};
use super::{change, debits, pauses, pending};
use crate::catalog::discounts;
use crate::error::StripeError;
use crate::object::subscription::{
    BillingMode, Flexible, PauseCollection, Status, Subscription, TrialSettings,
};
use crate::object::{Id, change_metadata, change_text};
use crate::params::Params;
use crate::world::{Call, Outcome, World};

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let found = world.get::<Subscription>(call.id())?.clone();
    if found.status.is_over() {
        return update_ended(world, &found, &call.params);
    }
    change(world, &found, &call.params)?;
    world.show::<Subscription>(&found.id)
}

/// Changes a subscription as a call asks.
pub(super) fn change(
    world: &mut World,
    found: &Subscription,
    params: &Params,
) -> Result<(), StripeError> {
    terms::refuse_absent(params)?;
    let behavior = Behavior::read(params);
    if behavior == Behavior::Pending {
        pending::check(params, found)?;
    }
    check_state(found, params)?;
    let settings = read_settings(world, found, params)?;
    let wish = wish::read(world, params, found)?;
    let id = found.id.clone();
    let mut meant = found.clone();
    settings.note(&mut meant, params);
    if let Some(end) = unbilled_end(world, &meant, &wish) {
        end_unbilled(world, &id, wish, end, |after| settings.note(after, params));
        return Ok(());
    }
    let before = world.known::<Subscription>(&id).clone();
    let now = world.now_of(Some(&before.customer));
    let turn = change::work_out(world, &before, wish, now);
    let off_session = params.flag("off_session").unwrap_or(false);
    let payment = Payment { behavior, off_session, by_time: false };
    apply::make(world, &id, turn, payment, |after| settings.note(after, params))
}

/// Ends a subscription, or pauses it; what it was before the call is told as such.
type End = fn(&mut World, &Id, &Subscription);

/// Says how a trial ends that is ended without a payment method; `meant` is the subscription with
/// what the call sets.
fn unbilled_end(world: &World, meant: &Subscription, wish: &Wish) -> Option<End> {
    if wish.trial != Some(TrialWish::EndNow) || can_be_billed(world, meant) {
        return None;
    }
    match meant.trial_settings.end_behavior.missing_payment_method {
        "cancel" => Some(|world, id, _| cancel::now(world, id, None)),
        "pause" => Some(pauses::after_trial),
        _ => None,
    }
}

/// Ends a trial that cannot be billed. What else the call wants is made so, and costs nothing yet.
fn end_unbilled(
    world: &mut World,
    id: &Id,
    wish: Wish,
    end: End,
    settings: impl FnOnce(&mut Subscription),
) {
    pending::withdraw(world, id);
    let before = world.known::<Subscription>(id).clone();
    let now = world.now_of(Some(&before.customer));
    let mut turn = change::work_out(world, &before, Wish { trial: None, ..wish }, now);
    settings(&mut turn.after);
    let extras = turn.extra_lines(world);
    world.edit::<Subscription>(id, |place| *place = turn.after);
    discounts::belong_to_subscription(world, id);
    debits::keep_pending(world, id, extras);
    tell_early_end(world, id, &before);
    end(world, id, &before);
}

/// What is over keeps only notes.
fn update_ended(world: &mut World, found: &Subscription, params: &Params) -> Outcome {
    let notes = ["cancellation_details", "expand", "metadata"];
    if let Some(name) = params.names().find(|name| !notes.contains(name)) {
        let message = "A canceled subscription can only update its cancellation_details and \
                       metadata.";
        return Err(params.refuse(name, message));
    }
    world.update::<Subscription>(&found.id, "customer.subscription.updated", |subscription| {
        cancel::note_details(subscription, params);
        change_metadata(&mut subscription.metadata, params);
    });
    world.show::<Subscription>(&found.id)
}

/// Refuses what a subscription cannot change in its present state.
fn check_state(found: &Subscription, params: &Params) -> Result<(), StripeError> {
    let bills = ["items", "billing_cycle_anchor", "trial_end", "trial_from_plan"];
    let named = |names: &[&'static str]| names.iter().copied().find(|name| params.has(name));
    if found.status == Status::Incomplete
        && let Some(name) = named(&bills)
    {
        let message = "The first invoice of this subscription has to be paid before what it bills \
                       can be changed.";
        return Err(params.refuse(name, message));
    }
    if found.status == Status::Paused
        && let Some(name) = named(&bills[1..])
    {
        let message = "A paused subscription has to be resumed before this can be changed.";
        return Err(params.refuse(name, message));
    }
    let cancels = ["cancel_at", "cancel_at_period_end"];
    if let Some(schedule) = &found.schedule
        && let Some(name) = named(&cancels)
    {
        let message = format!(
            "The subscription is managed by the subscription schedule `{schedule}`: change how it \
             ends there, or release it."
        );
        return Err(params.refuse(name, message));
    }
    Ok(())
}

/// What a call changes beside what is billed.
struct Settings {
    collection: Collection,
    method: Option<Id>,
    /// Whether the call speaks of it, and what it says.
    pause: Option<Option<PauseCollection>>,
    trial_settings: TrialSettings,
}

fn read_settings(
    world: &mut World,
    found: &Subscription,
    params: &Params,
) -> Result<Settings, StripeError> {
    let now = world.now_of(Some(&found.customer));
    let mut trial_settings = found.trial_settings;
    terms::trial_settings(params, &mut trial_settings)?;
    let pause = read_pause(params, now)?;
    let collection = terms::collection(params, terms::collection_of(found))?;
    let method = terms::method(world, params, &found.customer)?;
    Ok(Settings { collection, method, pause, trial_settings })
}

fn read_pause(params: &Params, now: i64) -> Result<Option<Option<PauseCollection>>, StripeError> {
    if params.cleared("pause_collection") {
        return Ok(Some(None));
    }
    let Some(given) = params.sub("pause_collection") else { return Ok(None) };
    let behavior = match given.need_text("behavior")? {
        "keep_as_draft" => "keep_as_draft",
        "mark_uncollectible" => "mark_uncollectible",
        _ => "void",
    };
    let resumes_at = given.int("resumes_at");
    if resumes_at.is_some_and(|at| at <= now) {
        let message = "`resumes_at` must be in the future.";
        return Err(given.refuse("resumes_at", message));
    }
    Ok(Some(Some(PauseCollection { behavior, resumes_at })))
}

impl Settings {
    fn note(&self, after: &mut Subscription, params: &Params) {
        (after.collection_method, after.days_until_due) = self.collection;
        if self.method.is_some() {
            after.default_payment_method.clone_from(&self.method);
        } else if params.cleared("default_payment_method") {
            after.default_payment_method = None;
        }
        after.pause_collection = self.pause.unwrap_or(after.pause_collection);
        after.trial_settings = self.trial_settings;
        terms::payment_settings(params, &mut after.payment_settings);
        terms::automatic_tax(params, &mut after.automatic_tax);
        cancel::note_details(after, params);
        change_text(&mut after.description, params, "description");
        change_metadata(&mut after.metadata, params);
    }
}

/// Returns a subscription that is not over.
pub(super) fn open(world: &World, id: &str) -> Result<Id, StripeError> {
    let subscription = world.get::<Subscription>(id)?;
    if subscription.status.is_over() {
        return Err(StripeError::no_such("subscription", id));
    }
    Ok(subscription.id.clone())
}

/// `DELETE /v1/subscriptions/{id}`: ends it now.
pub(super) fn cancel(world: &mut World, call: &Call) -> Outcome {
    let id = open(world, call.id())?;
    let last = Last {
        invoice_now: call.params.flag("invoice_now").unwrap_or(false),
        prorate: call.params.flag("prorate").unwrap_or(false),
    };
    world.edit::<Subscription>(&id, |subscription| {
        cancel::note_details(subscription, &call.params);
    });
    cancel::by_call(world, &id, last);
    world.show::<Subscription>(&id)
}

/// `POST /v1/subscriptions/{id}/migrate`: from now on it is billed flexibly.
pub(super) fn migrate(world: &mut World, call: &Call) -> Outcome {
    let id = open(world, call.id())?;
    let given =
        call.params.sub("billing_mode").ok_or_else(|| call.params.missing("billing_mode"))?;
    given.need_text("type")?;
    let subscription = world.known::<Subscription>(&id);
    if subscription.billing_mode.is_flexible() {
        let message = "This subscription is billed flexibly already.";
        return Err(call.params.refuse("billing_mode", message));
    }
    let flexible = read_flexible(&given)?;
    let now = world.now_of(Some(&subscription.customer));
    world.update::<Subscription>(&id, "customer.subscription.updated", |subscription| {
        subscription.billing_mode = BillingMode {
            flexible: Some(flexible),
            updated_at: Some(now),
            ..BillingMode::FLEXIBLE
        };
    });
    world.show::<Subscription>(&id)
}

/// Reads `billing_mode[flexible]`.
pub(super) fn read_flexible(mode: &Params) -> Result<Flexible, StripeError> {
    let flexible = mode.sub("flexible");
    let shown = flexible.as_ref().and_then(|flexible| flexible.text("proration_discounts"));
    if shown == Some("itemized") {
        let message = "`itemized` is not part of the sandbox: prorations include their discounts.";
        return Err(mode.refuse("flexible", message));
    }
    Ok(Flexible { proration_discounts: "included" })
}
