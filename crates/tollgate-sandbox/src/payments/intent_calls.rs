//! `/v1/payment_intents`.

use super::confirm::{self, Try};
use super::intents::{self, unexpected_state};
use super::{capture, terms};
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::address::Shipping;
use crate::object::customer::Customer;
use crate::object::payment_intent::{IntentStatus, PaymentIntent};
use crate::object::{Id, change_metadata, change_text};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/payment_intents", list),
    Route::post("/v1/payment_intents", create),
    Route::get("/v1/payment_intents/search", |world, call| {
        world.search::<PaymentIntent>(call, SEARCHED)
    }),
    Route::get("/v1/payment_intents/{id}", |world, call| world.show::<PaymentIntent>(call.id())),
    Route::post("/v1/payment_intents/{id}", update),
    Route::post("/v1/payment_intents/{id}/confirm", confirm),
    Route::post("/v1/payment_intents/{id}/capture", capture::capture),
    Route::post("/v1/payment_intents/{id}/cancel", cancel),
];

/// What intents can be searched by.
const SEARCHED: &[(&str, &str)] = &[
    ("amount", "amount"),
    ("created", "created"),
    ("currency", "currency"),
    ("customer", "customer"),
    ("metadata", "metadata"),
    ("status", "status"),
];
/// What belongs to platforms, or would change what is charged.
const ABSENT: &[&str] = &[
    "amount_details",
    "application_fee_amount",
    "confirmation_token",
    "customer_account",
    "hooks",
    "mandate",
    "on_behalf_of",
    "payment_details",
    "payment_record",
    "transfer_data",
];
/// What only a call that confirms may give.
const OF_CONFIRM: &[&str] =
    &["error_on_requires_action", "mandate_data", "off_session", "return_url"];
/// The most that can be charged, in minor units.
const AMOUNT_MAX: i64 = 99_999_999;

fn list(world: &mut World, call: &Call) -> Outcome {
    let customer = call.params.text("customer");
    if let Some(customer) = customer {
        world.need::<Customer>(customer, "customer")?;
    }
    world.list::<PaymentIntent>(call, customer, |row| {
        customer.is_none() || row.customer.as_deref() == customer
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let currency = currency(params)?;
    let amount = check_amount(params.need_int("amount")?, currency)?;
    let customer = customer(world, params)?;
    let terms = terms::read(world, call, Some(currency))?;
    let options = terms::options(params, &terms.kinds)?;
    let offer = terms::offer(world, params)?;
    if let Some(offer) = &offer {
        offer.check(world, &terms.kinds, customer.as_ref())?;
    }
    let confirms = params.flag("confirm").unwrap_or(false);
    if confirms {
        terms::check_return(terms.automatic.as_ref(), terms.allowed.is_some(), call)?;
    } else {
        terms::only_with_confirm(params, OF_CONFIRM)?;
    }
    if confirms && offer.is_none() {
        return Err(params.missing("payment_method"));
    }
    let mut row = intents::blank(world, amount, currency, customer.as_ref());
    row.automatic_payment_methods = terms.automatic;
    row.allowed_payment_method_types = terms.allowed;
    row.excluded_payment_method_types = terms.excluded;
    row.payment_method_types = terms.kinds;
    row.payment_method_options = options;
    row.capture_method = capture_method(params).unwrap_or(row.capture_method);
    if params.text("confirmation_method") == Some("manual") {
        row.confirmation_method = "manual";
    }
    change(&mut row, params);
    let method = offer.map(|offer| offer.take(world));
    if let (Some(method), false) = (&method, confirms) {
        row.payment_method = Some(method.clone());
        row.status = IntentStatus::RequiresConfirmation;
    }
    let id = world.create(row, "payment_intent.created");
    if confirms {
        confirm::confirm(world, &id, method.as_ref(), &way(params))?;
    }
    world.show::<PaymentIntent>(&id)
}

fn currency(params: &Params) -> Result<Currency, StripeError> {
    let text = params.need_text("currency")?;
    Currency::parse(text)
        .ok_or_else(|| params.refuse("currency", format!("Invalid currency: {text}")))
}

/// Refuses what cannot be charged.
fn check_amount(amount: i64, currency: Currency) -> Result<i64, StripeError> {
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(StripeError::param("amount", message).code("parameter_invalid_integer"));
    }
    let least = currency.least_charge();
    if amount < least {
        let message =
            format!("Amount must be at least {} {}", currency.write(least), currency.as_str());
        return Err(StripeError::param("amount", message).code("amount_too_small"));
    }
    if amount > AMOUNT_MAX {
        let message = format!(
            "Amount must be no more than {} {}",
            currency.write(AMOUNT_MAX),
            currency.as_str()
        );
        return Err(StripeError::param("amount", message).code("amount_too_large"));
    }
    Ok(amount)
}

fn customer(world: &World, params: &Params) -> Result<Option<Id>, StripeError> {
    let Some(id) = params.text("customer") else { return Ok(None) };
    world.need::<Customer>(id, "customer").map(|row| Some(row.id.clone()))
}

fn capture_method(params: &Params) -> Option<&'static str> {
    let word = params.text("capture_method")?;
    ["automatic", "automatic_async", "manual"].into_iter().find(|known| *known == word)
}

/// Returns how a call confirms.
fn way(params: &Params) -> Try {
    let away = params.flag("off_session").unwrap_or_else(|| params.has("off_session"));
    Try {
        off_session: away,
        return_url: params.text("return_url").map(str::to_owned),
        action_is_error: params.flag("error_on_requires_action").unwrap_or(false),
    }
}

/// Changes what an intent says and what has no say in its payment.
fn change(row: &mut PaymentIntent, params: &Params) {
    change_text(&mut row.description, params, "description");
    change_text(&mut row.receipt_email, params, "receipt_email");
    change_text(&mut row.statement_descriptor, params, "statement_descriptor");
    change_text(&mut row.statement_descriptor_suffix, params, "statement_descriptor_suffix");
    change_text(&mut row.transfer_group, params, "transfer_group");
    Shipping::change(&mut row.shipping, params);
    change_metadata(&mut row.metadata, params);
    if params.cleared("setup_future_usage") {
        row.setup_future_usage = None;
    } else if let Some(word) = params.text("setup_future_usage") {
        row.setup_future_usage =
            ["off_session", "on_session"].into_iter().find(|known| *known == word);
    }
}

/// Changes an intent. No event tells of that.
fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let row = world.get::<PaymentIntent>(call.id())?;
    let id = row.id.clone();
    check_update(row, params)?;
    let currency = match params.text("currency") {
        Some(_) => currency(params)?,
        None => row.currency,
    };
    let amount = check_amount(params.int("amount").unwrap_or(row.amount), currency)?;
    let customer = customer(world, params)?.or_else(|| row.customer.clone());
    let mut options = terms::options(params, &row.payment_method_types)?;
    if !params.has("payment_method_options") {
        options = row.payment_method_options.clone();
    }
    let offer = terms::offer(world, params)?;
    if let Some(offer) = &offer {
        offer.check(world, &row.payment_method_types, customer.as_ref())?;
    }
    let method = offer.map(|offer| offer.take(world));
    world.edit::<PaymentIntent>(&id, |row| {
        (row.amount, row.currency, row.customer) = (amount, currency, customer);
        row.payment_method_options = options;
        row.capture_method = capture_method(params).unwrap_or(row.capture_method);
        change(row, params);
        if method.is_some() {
            row.payment_method = method;
            row.status = IntentStatus::RequiresConfirmation;
            row.next_action = None;
        }
    });
    if let Some(customer) = &world.known::<PaymentIntent>(&id).customer.clone() {
        world.payment_intents.own(customer, &id);
    }
    world.show::<PaymentIntent>(&id)
}

/// Refuses changes that come too late, and changes of a payment that an invoice asks for.
fn check_update(row: &PaymentIntent, params: &Params) -> Result<(), StripeError> {
    const OF_MONEY: [&str; 6] = [
        "amount",
        "currency",
        "customer",
        "payment_method",
        "payment_method_data",
        "capture_method",
    ];
    let Some(name) = OF_MONEY.into_iter().find(|name| params.has(name)) else { return Ok(()) };
    if !matches!(
        row.status,
        IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
    ) {
        let message = format!(
            "This PaymentIntent's {name} could not be updated because it has a status of {}. You \
             may only update it with one of the following statuses: requires_payment_method, \
             requires_confirmation, requires_action.",
            row.status.as_str()
        );
        return Err(unexpected_state(row, message).with("param", name));
    }
    if row.invoice.is_some() && !name.starts_with("payment_method") {
        let message = format!("The {name} of an invoice's PaymentIntent is the invoice's to say.");
        return Err(params.refuse(name, message));
    }
    Ok(())
}

fn confirm(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, ABSENT)?;
    let row = world.get::<PaymentIntent>(call.id())?;
    let id = row.id.clone();
    confirm::confirmable(row)?;
    let allowed = row.allowed_payment_method_types.is_some();
    terms::check_return(row.automatic_payment_methods.as_ref(), allowed, call)?;
    let mut options = terms::options(params, &row.payment_method_types)?;
    if !params.has("payment_method_options") {
        options = row.payment_method_options.clone();
    }
    let offer = terms::offer(world, params)?;
    if let Some(offer) = &offer {
        offer.check(world, &row.payment_method_types, row.customer.as_ref())?;
    }
    if offer.is_none() {
        confirm::check(world, &id, None)?;
    }
    let method = offer.map(|offer| offer.take(world));
    world.edit::<PaymentIntent>(&id, |row| {
        row.capture_method = capture_method(params).unwrap_or(row.capture_method);
        row.payment_method_options = options;
        change(row, params);
    });
    confirm::confirm(world, &id, method.as_ref(), &way(params))?;
    world.show::<PaymentIntent>(&id)
}

fn cancel(world: &mut World, call: &Call) -> Outcome {
    const REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    let params = &call.params;
    let row = world.get::<PaymentIntent>(call.id())?;
    let id = row.id.clone();
    if row.invoice.is_some() && row.status != IntentStatus::Canceled {
        return Err(StripeError::invalid(
            "This PaymentIntent belongs to an invoice. Void the invoice to cancel its payment.",
        ));
    }
    if row.session.is_some() {
        return Err(StripeError::invalid(
            "This PaymentIntent belongs to a Checkout Session. Expire the session instead.",
        ));
    }
    let reason = match params.text("cancellation_reason") {
        None => None,
        Some(word) => match REASONS.into_iter().find(|known| *known == word) {
            None => {
                let message = format!("Invalid cancellation_reason: must be one of {REASONS:?}.");
                return Err(params.refuse("cancellation_reason", message));
            }
            known => known,
        },
    };
    intents::cancel(world, &id, reason)?;
    world.show::<PaymentIntent>(&id)
}
