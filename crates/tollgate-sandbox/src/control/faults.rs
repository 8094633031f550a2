//! Faults to switch on: `POST /_sandbox/faults` changes those that it names, `DELETE` switches
//! all off. Rates are parts of a thousand; counts say how many of the next calls fail.

use serde_json::{Value, json};

use crate::delivery::faults::{Faults, Rates, WHOLE};
use crate::error::StripeError;
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/_sandbox/faults", |world, _| Ok(show(&world.deliveries.faults))),
    Route::post("/_sandbox/faults", change),
    Route::delete("/_sandbox/faults", |world, _| {
        world.deliveries.faults = Faults::default();
        Ok(show(&world.deliveries.faults))
    }),
    Route::get("/_sandbox/deliveries", |world, _| Ok(deliveries(world))),
];

fn show(faults: &Faults) -> Value {
    serde_json::to_value(faults).expect("faults are plain")
}

/// With `endpoint`, the rates are those of one endpoint or destination.
fn change(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let mut faults = world.deliveries.faults.clone();
    let endpoint = params.text("endpoint");
    let general = faults.rates;
    for name in params.names().filter(|name| *name != "endpoint") {
        let rates = match endpoint {
            Some(endpoint) => faults.endpoints.entry(endpoint.to_owned()).or_insert(general),
            None => &mut faults.rates,
        };
        if let Some(rate) = rate(rates, name) {
            *rate = read(params, name, WHOLE)?;
        } else if endpoint.is_some() {
            let message = format!("`{name}` is not a fault of one endpoint.");
            return Err(params.refuse(name, message));
        } else {
            change_all(&mut faults, params, name)?;
        }
    }
    world.deliveries.faults = faults;
    Ok(show(&world.deliveries.faults))
}

fn rate<'a>(rates: &'a mut Rates, name: &str) -> Option<&'a mut u32> {
    Some(match name {
        "duplicate" => &mut rates.duplicate,
        "reorder" => &mut rates.reorder,
        "delay" => &mut rates.delay,
        "drop" => &mut rates.drop,
        "slow" => &mut rates.slow,
        "truncated" => &mut rates.truncated,
        "wrong_secret" => &mut rates.wrong_secret,
        _ => return None,
    })
}

/// Changes what concerns all endpoints, or calls.
fn change_all(faults: &mut Faults, params: &Params, name: &str) -> Result<(), StripeError> {
    match name {
        "seed" => faults.seed = params.need_int(name)?.cast_unsigned(),
        "same_second" => faults.same_second = read(params, name, WHOLE)?,
        "rate_limit" => faults.rate_limit = read(params, name, u32::MAX)?,
        "api_error" => faults.api_error = read(params, name, u32::MAX)?,
        "api_error_kept" => faults.api_error_kept = read(params, name, u32::MAX)?,
        "answer_lost" => faults.answer_lost = read(params, name, u32::MAX)?,
        "idempotency_conflict" => faults.idempotency_conflict = read(params, name, u32::MAX)?,
        _ => return Err(StripeError::unknown(name)),
    }
    Ok(())
}

fn read(params: &Params, name: &str, most: u32) -> Result<u32, StripeError> {
    let given = u32::try_from(params.need_int(name)?).ok().filter(|given| *given <= most);
    given.ok_or_else(|| params.refuse(name, format!("`{name}` is a number from 0 to {most}.")))
}

/// Returns how deliveries stand, and the last attempts, newest first.
fn deliveries(world: &World) -> Value {
    let (open, lost) = world.deliveries.counts();
    let attempts: Vec<_> = world.deliveries.attempts().collect();
    json!({
        "object": "sandbox.deliveries",
        "data": attempts,
        "open": open,
        "lost": lost,
        "next_delivery": world.next_delivery(),
    })
}
