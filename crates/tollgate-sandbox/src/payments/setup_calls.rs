//! `/v1/setup_intents`.

use super::confirm::Try;
use super::setups::{self, unexpected_state};
use super::terms;
use crate::error::StripeError;
use crate::object::customer::Customer;
use crate::object::payment_intent::{IntentStatus, Options};
use crate::object::setup_intent::SetupIntent;
use crate::object::{Id, change_metadata, change_text};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/setup_intents", list),
    Route::post("/v1/setup_intents", create),
    Route::get("/v1/setup_intents/{id}", |world, call| world.show::<SetupIntent>(call.id())),
    Route::post("/v1/setup_intents/{id}", update),
    Route::post("/v1/setup_intents/{id}/confirm", confirm),
    Route::post("/v1/setup_intents/{id}/cancel", cancel),
];

/// What belongs to platforms or to other means of payment.
const ABSENT: &[&str] = &[
    "attach_to_self",
    "confirmation_token",
    "customer_account",
    "flow_directions",
    "on_behalf_of",
    "single_use",
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let (customer, method) = (call.params.text("customer"), call.params.text("payment_method"));
    if let Some(customer) = customer {
        world.need::<Customer>(customer, "customer")?;
    }
    world.list::<SetupIntent>(call, customer, |row| {
        (customer.is_none() || row.customer.as_deref() == customer)
            && (method.is_none() || row.payment_method.as_deref() == method)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let customer = customer(world, params)?;
    let terms = terms::read(world, call, None)?;
    let options = terms::options(params, &terms.kinds)?;
    let offer = terms::offer(world, params)?;
    if let Some(offer) = &offer {
        offer.check(world, &terms.kinds, customer.as_ref())?;
    }
    let confirms = params.flag("confirm").unwrap_or(false);
    if confirms {
        terms::check_return(terms.automatic.as_ref(), terms.allowed.is_some(), call)?;
    } else {
        terms::only_with_confirm(params, &["mandate_data", "return_url"])?;
    }
    if confirms && offer.is_none() {
        return Err(params.missing("payment_method"));
    }
    let mut row = setups::blank(world, customer.as_ref());
    row.automatic_payment_methods = terms.automatic;
    row.allowed_payment_method_types = terms.allowed;
    row.excluded_payment_method_types = terms.excluded;
    row.payment_method_types = terms.kinds;
    row.payment_method_options = Options { setup: true, ..options };
    if params.text("usage") == Some("on_session") {
        row.usage = "on_session";
    }
    change(&mut row, params);
    let method = offer.map(|offer| offer.take(world));
    if let (Some(method), false) = (&method, confirms) {
        row.payment_method = Some(method.clone());
        row.status = IntentStatus::RequiresConfirmation;
    }
    let id = world.create(row, "setup_intent.created");
    if confirms {
        setups::confirm(world, &id, method.as_ref(), &way(params))?;
    }
    world.show::<SetupIntent>(&id)
}

fn customer(world: &World, params: &Params) -> Result<Option<Id>, StripeError> {
    let Some(id) = params.text("customer") else { return Ok(None) };
    world.need::<Customer>(id, "customer").map(|row| Some(row.id.clone()))
}

fn way(params: &Params) -> Try {
    Try { return_url: params.text("return_url").map(str::to_owned), ..Try::default() }
}

fn change(row: &mut SetupIntent, params: &Params) {
    change_text(&mut row.description, params, "description");
    change_metadata(&mut row.metadata, params);
}

/// Changes an intent. No event tells of that.
fn update(world: &mut World, call: &Call) -> Outcome {
    const OF_MEANS: [&str; 3] = ["customer", "payment_method", "payment_method_data"];
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let row = world.get::<SetupIntent>(call.id())?;
    let id = row.id.clone();
    let late = matches!(row.status, IntentStatus::Succeeded | IntentStatus::Canceled);
    if let Some(name) = OF_MEANS.into_iter().find(|name| late && params.has(name)) {
        let message = format!(
            "This SetupIntent's {name} could not be updated because it has a status of {}.",
            row.status.as_str()
        );
        return Err(unexpected_state(row, message).with("param", name));
    }
    let customer = customer(world, params)?.or_else(|| row.customer.clone());
    let offer = terms::offer(world, params)?;
    if let Some(offer) = &offer {
        offer.check(world, &row.payment_method_types, customer.as_ref())?;
    }
    let method = offer.map(|offer| offer.take(world));
    world.edit::<SetupIntent>(&id, |row| {
        row.customer.clone_from(&customer);
        change(row, params);
        if method.is_some() {
            row.payment_method = method;
            row.status = IntentStatus::RequiresConfirmation;
            row.next_action = None;
        }
    });
    if let Some(customer) = &customer {
        world.setup_intents.own(customer, &id);
    }
    world.show::<SetupIntent>(&id)
}

fn confirm(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let row = world.get::<SetupIntent>(call.id())?;
    let id = row.id.clone();
    setups::confirmable(row)?;
    let allowed = row.allowed_payment_method_types.is_some();
    terms::check_return(row.automatic_payment_methods.as_ref(), allowed, call)?;
    let options = terms::options(params, &row.payment_method_types)?;
    let offer = terms::offer(world, params)?;
    match &offer {
        Some(offer) => offer.check(world, &row.payment_method_types, row.customer.as_ref())?,
        None => {
            setups::check(world, &id, None)?;
        }
    }
    let method = offer.map(|offer| offer.take(world));
    if params.has("payment_method_options") {
        world.edit::<SetupIntent>(&id, |row| {
            row.payment_method_options = Options { setup: true, ..options };
        });
    }
    setups::confirm(world, &id, method.as_ref(), &way(params))?;
    world.show::<SetupIntent>(&id)
}

fn cancel(world: &mut World, call: &Call) -> Outcome {
    const REASONS: [&str; 3] = ["abandoned", "duplicate", "requested_by_customer"];
    let row = world.get::<SetupIntent>(call.id())?;
    let id = row.id.clone();
    let given = call.params.text("cancellation_reason");
    let reason = given.and_then(|word| REASONS.into_iter().find(|known| *known == word));
    if given.is_some() && reason.is_none() {
        let message = format!("Invalid cancellation_reason: must be one of {REASONS:?}.");
        return Err(call.params.refuse("cancellation_reason", message));
    }
    setups::cancel(world, &id, reason)?;
    world.show::<SetupIntent>(&id)
}
