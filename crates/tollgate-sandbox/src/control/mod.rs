//! What no Stripe has: move the main clock, let cards fail, change settings, see where things
//! stand. All of it is under `/_sandbox/`, needs no key, and is kept in the journal like any call.
//!
//! | route | what |
//! |---|---|
//! | `GET state`, `POST advance` | where the clock stands; moves it |
//! | `GET`, `POST settings` | the account's settings |
//! | `GET triggers`, `POST trigger` | event types that can be made to happen; makes one happen |
//! | `POST cards` | lets cards fail from now on, or work again |
//! | `GET endpoints`, `GET deliveries` | webhook endpoints with their secrets; the last attempts |
//! | `GET`, `POST`, `DELETE faults` | what goes wrong on demand |
//! | `GET desk` | all that the page at `/` shows |
//! | `GET shop`, `POST shop/session`, `POST shop/portal` | the pricing page and what it does |
//!
//! - [`trigger`], [`recipes`]: makes an event happen by ordinary calls.
//! - [`desk`], [`shop`]: what the sandbox's own pages show and do; [`pages`]: their files.
//! - [`people`]: whose is what. [`faults`]: what goes wrong on demand.

mod desk;
mod faults;
pub(crate) mod pages;
mod people;
mod recipes;
mod shop;
mod trigger;

use serde_json::{Value, json};

use crate::error::StripeError;
use crate::money::calendar::add_months;
use crate::object::subscription::{Status, Subscription};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] = &[OWN, faults::ROUTES];

const OWN: &[Route] = &[
    Route::get("/_sandbox/state", |world, _| Ok(state(world))),
    Route::post("/_sandbox/advance", advance),
    Route::get("/_sandbox/settings", |world, _| Ok(settings(world))),
    Route::post("/_sandbox/settings", change_settings),
    Route::get("/_sandbox/triggers", trigger::list),
    Route::post("/_sandbox/trigger", trigger::trigger),
    Route::get("/_sandbox/desk", desk::show),
    Route::get("/_sandbox/endpoints", |world, _| Ok(desk::endpoints(world))),
    Route::post("/_sandbox/cards", desk::cards),
    Route::get("/_sandbox/shop", shop::show),
    Route::post("/_sandbox/shop/session", shop::session),
    Route::post("/_sandbox/shop/portal", shop::portal),
];

/// Returns the event types that `POST /_sandbox/trigger` makes happen.
pub fn triggers() -> impl Iterator<Item = &'static str> {
    recipes::all().map(|recipe| recipe.event)
}

/// The furthest that one call may move the clock, in seconds: ten years.
const ADVANCE_SECS_MAX: i64 = 3_660 * 86_400;
const MONTHS_MAX: i64 = 120;

/// Moves the main clock: `seconds`, `months`, `to` a moment, or to the `next` renewal or wake.
///
/// After a whole month, and at a renewal, a person wants to see the money: the clock goes on by
/// the while that the renewal's invoice stays a draft.
fn advance(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (now, draft) = (world.now(), world.settings.draft_secs);
    let ways = ["seconds", "months", "to", "next"];
    let to = match ways.iter().filter(|way| params.has(way)).count() {
        1 => None
            .or(params.int("seconds").map(|seconds| now.saturating_add(seconds)))
            .or(params
                .int("months")
                .filter(|it| (1..=MONTHS_MAX).contains(it))
                .map(|months| add_months(now, months) + draft))
            .or(params.int("to"))
            .or(match params.text("next") {
                Some("renewal") => next_renewal(world).map(|renewal| renewal + draft),
                Some("wake") => world.next_wake(),
                _ => None,
            }),
        _ => None,
    };
    let Some(to) = to else {
        let message = "Give one of `seconds`, `months`, `to` and `next` (`renewal` or `wake`, if there is one).";
        return Err(StripeError::invalid(message));
    };
    if to < now || to - now > ADVANCE_SECS_MAX {
        let message = "The clock moves forward, and at most ten years at once.";
        return Err(StripeError::param("to", message));
    }
    world.advance(to);
    Ok(state(world))
}

/// Returns when the next period of a living subscription ends.
fn next_renewal(world: &World) -> Option<i64> {
    let living = world.subscriptions.newest().filter(|row| renews(row));
    living.map(|row| row.period().1).filter(|end| *end > world.now()).min()
}

fn renews(subscription: &Subscription) -> bool {
    subscription.test_clock.is_none()
        && matches!(subscription.status, Status::Active | Status::Trialing | Status::PastDue)
}

fn state(world: &World) -> Value {
    json!({
        "object": "sandbox.state",
        "now": world.now(),
        "next_wake": world.next_wake(),
        "next_renewal": next_renewal(world),
        "failing": world.failing(None).map(|decline| decline.decline_code),
        "subscriptions": world.subscriptions.len(),
        "invoices": world.invoices.len(),
        "prices": world.prices.len(),
    })
}

fn settings(world: &World) -> Value {
    serde_json::to_value(&world.settings).expect("settings are plain")
}

/// Changes the settings that the call names; the others stay.
fn change_settings(world: &mut World, call: &Call) -> Outcome {
    let mut wanted = settings(world);
    for name in call.params.names() {
        let value = call.params.value(name).cloned().unwrap_or_default();
        wanted[name] = plain(value);
    }
    world.settings = serde_json::from_value(wanted)
        .map_err(|error| StripeError::invalid(format!("Unusable settings: {error}")))?;
    if *world.settings.public_url != *world.public_url && !world.settings.public_url.is_empty() {
        world.public_url = world.settings.public_url.as_str().into();
    }
    Ok(settings(world))
}

/// Reads the numbers of a form, where everything is a text.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => text.parse::<i64>().map_or(Value::String(text), Value::from),
        Value::Array(values) => values.into_iter().map(plain).collect(),
        other => other,
    }
}

/// Parameters of this room are read as they come: it is ours, not Stripe's.
pub(crate) fn is_own(endpoint: &str) -> bool {
    [" /_sandbox/", " /_pages/"].iter().any(|own| endpoint.contains(own))
}

/// Reads what a call of this room or of a page sends, without checking names.
pub(crate) fn unchecked(given: Value) -> Params {
    Params::from_value(match given {
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, plain(value))).collect()
        }
        other => other,
    })
}
