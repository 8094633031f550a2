//! Subscriptions: their items, periods, trials, changes with prorations, pauses, schedules, ends.
//!
//! - [`mod@start`]: a subscription begins. [`terms`], [`items`]: what calls say of it.
//! - [`update`]: what a call changes: [`wish`] reads it, [`change`] works it out, [`apply`] makes it
//!   so. [`pending`]: a change that waits for its payment. [`item_calls`]: the same by items.
//! - [`preview`]: the invoice that a change would bring. [`upcoming`]: the same for old versions.
//! - [`bill`]: what it puts on invoices. [`debits`]: what was billed, for credits.
//! - [`renew`]: what time does. [`outcome`]: what the fate of an invoice means.
//! - [`pauses`], [`cancel`]: how it stops. [`schedules`]: changes that are due later.

mod apply;
mod bill;
mod cancel;
mod change;
mod debits;
mod item_calls;
mod items;
mod outcome;
mod pauses;
mod pending;
mod preview;
mod renew;
mod schedules;
mod start;
mod terms;
mod upcoming;
mod update;
mod wish;

use tollgate_stripe::version::ApiVersion;

use crate::catalog::entitlements;
use crate::error::StripeError;
use crate::object::Id;
use crate::object::setup_intent::SetupIntent;
use crate::object::subscription::Subscription;
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] = &[
    &[
        Route::get("/v1/subscriptions", list),
        Route::post("/v1/subscriptions", create),
        Route::get("/v1/subscriptions/search", search),
        Route::get("/v1/subscriptions/{id}", |world, call| world.show::<Subscription>(call.id())),
        Route::post("/v1/subscriptions/{id}", update::update),
        Route::delete("/v1/subscriptions/{id}", update::cancel),
        Route::post("/v1/subscriptions/{id}/migrate", update::migrate),
        Route::post("/v1/subscriptions/{id}/pause", pauses::pause),
        Route::post("/v1/subscriptions/{id}/resume", pauses::resume),
    ],
    item_calls::ROUTES,
    PREVIEW,
    schedules::ROUTES,
];

const PREVIEW: &[Route] = &[
    Route::post("/v1/invoices/create_preview", preview::create),
    Route::get("/v1/invoices/upcoming", upcoming::retrieve),
];

/// New subscriptions are billed flexibly from this version on.
const FLEXIBLE_SINCE: &str = "2025-09-30";

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (status, method) = (params.text("status"), params.text("collection_method"));
    let price = params.text("price").or_else(|| params.text("plan"));
    let (starts, ends) = (params.range("current_period_start"), params.range("current_period_end"));
    // Those of test clocks are answered only to who asks for their customer or their clock.
    let (clock, anywhere) = (params.text("test_clock"), params.has("customer"));
    world.list::<Subscription>(call, params.text("customer"), |subscription| {
        let asked = match status {
            None => !subscription.status.is_over(),
            Some("all") => true,
            Some("ended") => subscription.status.is_over(),
            Some(status) => subscription.status.as_str() == status,
        };
        let mut items = subscription.items.data.iter();
        asked
            && (subscription.test_clock.as_deref() == clock || (clock.is_none() && anywhere))
            && price.is_none_or(|price| items.any(|item| *item.price.id == *price))
            && method.is_none_or(|method| subscription.collection_method == method)
            && starts.is_none_or(|range| range.holds(subscription.period().0))
            && ends.is_none_or(|range| range.holds(subscription.period().1))
    })
}

/// What can be searched for, and where it stands.
const SEARCHED: &[(&str, &str)] = &[
    ("canceled_at", "canceled_at"),
    ("created", "created"),
    ("metadata", "metadata"),
    ("status", "status"),
];

fn search(world: &mut World, call: &Call) -> Outcome {
    world.search::<Subscription>(call, SEARCHED)
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let flexible = flexible_by_default(call.version.as_ref());
    let id = start::start(world, &call.params, None, flexible)?;
    world.show::<Subscription>(&id)
}

fn flexible_by_default(version: Option<&ApiVersion>) -> bool {
    version.is_none_or(|version| version.date() >= FLEXIBLE_SINCE)
}

/// Starts a subscription as `POST /v1/subscriptions` does with these parameters. Checkout names
/// the payment method that was just given, and itself; the first invoice is then charged while
/// the customer is there.
pub(crate) fn start(
    world: &mut World,
    params: &Params,
    session: Option<&Id>,
) -> Result<Id, StripeError> {
    start::start(world, params, session, true)
}

/// An invoice of the subscription was paid.
pub(crate) fn invoice_paid(world: &mut World, subscription: &Id, invoice: &Id) {
    outcome::paid(world, subscription, invoice);
}

/// Collecting an invoice of the subscription failed; `last` where no retry follows.
pub(crate) fn invoice_failed(world: &mut World, subscription: &Id, invoice: &Id, last: bool) {
    outcome::failed(world, subscription, invoice, last);
}

/// An invoice of the subscription was voided or given up.
pub(crate) fn invoice_closed(world: &mut World, subscription: &Id, invoice: &Id) {
    outcome::closed(world, subscription, invoice);
}

/// A setup intent got a payment method: the subscription that asked by it is charged to that.
pub(crate) fn method_given(world: &mut World, intent: &Id, method: &Id) {
    let Ok(customer) = world.get::<SetupIntent>(intent).map(|intent| intent.customer.clone())
    else {
        return;
    };
    let id = customer.and_then(|customer| {
        let mut asking = world.subscriptions.of(&customer);
        let row = asking.find(|row| row.pending_setup_intent.as_ref() == Some(intent))?;
        Some(row.id.clone())
    });
    let Some(id) = id else { return };
    world.update::<Subscription>(&id, "customer.subscription.updated", |subscription| {
        subscription.pending_setup_intent = None;
        subscription.default_payment_method.get_or_insert(method.clone());
    });
}

/// Cancels every subscription of a customer who is deleted.
pub(crate) fn customer_deleted(world: &mut World, customer: &Id) {
    let ids: Vec<Id> = world.subscriptions.of(customer).map(|row| row.id.clone()).collect();
    for id in ids {
        cancel::now(world, &id, None);
    }
}

/// Does what is due: renewal, end of a trial, of a pause, of a first payment's time.
pub(crate) fn wake(world: &mut World, subscription: &Id) {
    renew::wake(world, subscription);
}

/// Begins or ends a phase of a schedule.
pub(crate) fn wake_schedule(world: &mut World, schedule: &Id) {
    schedules::wake(world, schedule);
}

/// Compares what the subscription's customer may use with what was told last.
fn entitlements_of(world: &mut World, id: &Id) {
    let customer = world.known::<Subscription>(id).customer.clone();
    entitlements::refresh(world, &customer);
}
