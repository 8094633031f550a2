//! The customer confirms: the payment is made, or the payment method saved, before anything else
//! comes into being. A decline leaves a failed attempt and nothing more.
//!
//! <https://docs.stripe.com/changelog/basil/2025-03-31/checkout-legacy-subscription-upgrade>
//! (2026-11)

use serde_json::{Value, json};

use super::{coupon, finish, sums};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::checkout_session::{Action, CheckoutSession, Mode, Status};
use crate::object::customer::Customer;
use crate::object::payment_intent::PaymentIntent;
use crate::payments::{self, Progress};
use crate::world::{Method, World};

/// Who confirms, as far as they said.
#[derive(Debug, Clone, Default)]
pub(super) struct Buyer {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

/// How far a confirmation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Complete,
    RequiresAction,
}

/// Returns a session that can still be paid.
pub(super) fn open<'a>(world: &'a World, id: &str) -> Result<&'a CheckoutSession, StripeError> {
    let session = world.get::<CheckoutSession>(id)?;
    let message = match session.status {
        Status::Open => return Ok(session),
        Status::Complete => "This checkout is complete already.",
        Status::Expired => "This checkout has expired. Nothing was charged.",
    };
    Err(StripeError::invalid(message).code("checkout_not_open").status(409))
}

/// Says whether a payment method has to be given.
pub(super) fn needs_method(world: &World, session: &CheckoutSession) -> bool {
    match session.mode {
        Mode::Setup => true,
        Mode::Payment => sums::due_now(world, session) > 0,
        Mode::Subscription => {
            session.payment_method_collection == Some("always") || sums::due_now(world, session) > 0
        }
    }
}

/// Pays for a session, or saves the payment method where nothing is due.
pub(super) fn confirm(
    world: &mut World,
    id: &Id,
    method: Option<&Id>,
    buyer: &Buyer,
) -> Result<Step, StripeError> {
    let session = open(world, id)?.clone();
    coupon::check_still(world, &session)?;
    if !needs_method(world, &session) {
        finish::finish(world, id, None, buyer, None);
        return Ok(Step::Complete);
    }
    let method = method.ok_or_else(|| StripeError::missing("payment_method"))?;
    check_kind(world, &session, method)?;
    if sums::due_now(world, &session) > 0 {
        charge(world, &session, method, buyer)
    } else {
        save(world, &session, method, buyer)
    }
}

fn check_kind(world: &World, session: &CheckoutSession, method: &Id) -> Result<(), StripeError> {
    let found = crate::api::object(world, method)
        .ok_or_else(|| StripeError::no_such_param("payment_method", method, "payment_method"))?;
    let kind = found["type"].as_str().unwrap_or_default();
    if session.payment_method_types.iter().any(|offered| offered == kind) {
        return Ok(());
    }
    let message = format!("This Checkout Session does not take a payment method of type `{kind}`.");
    Err(StripeError::param("payment_method", message))
}

/// Makes the payment of a session, or goes on with the one that failed before.
fn charge(
    world: &mut World,
    session: &CheckoutSession,
    method: &Id,
    buyer: &Buyer,
) -> Result<Step, StripeError> {
    let intent = intent_of(world, session)?;
    if foreseen(world, session, method) {
        bring_customer(world, &session.id, &intent, buyer)?;
    }
    match payments::confirm(world, &intent, Some(method), false)? {
        Progress::RequiresAction => {
            wait(world, &session.id, &intent, method, buyer);
            Ok(Step::RequiresAction)
        }
        progress => {
            finish::finish(world, &session.id, Some(method), buyer, Some((&intent, progress)));
            Ok(Step::Complete)
        }
    }
}

/// A customer comes into being with the payment that succeeds, not with those that do not.
fn foreseen(world: &World, session: &CheckoutSession, method: &Id) -> bool {
    let asks = &session.payment_method_options["card"]["request_three_d_secure"];
    *asks == "automatic" && payments::foresee(world, method, false).is_ok()
}

fn intent_of(world: &mut World, session: &CheckoutSession) -> Result<Id, StripeError> {
    let due = sums::due_now(world, session);
    if let Some(intent) = &session.hidden.intent {
        world.edit::<PaymentIntent>(intent, |row| row.amount = due);
        return Ok(intent.clone());
    }
    let made = world.ask(Method::Post, "/v1/payment_intents", intent_params(session, due))?;
    let intent: Id = made["id"].as_str().unwrap_or_default().into();
    world.edit::<PaymentIntent>(&intent, |row| row.session = Some(session.id.clone()));
    let shown = (session.mode == Mode::Payment).then(|| intent.clone());
    world.edit::<CheckoutSession>(&session.id, |row| {
        row.hidden.intent = Some(intent.clone());
        row.payment_intent = shown;
    });
    Ok(intent)
}

fn intent_params(session: &CheckoutSession, due: i64) -> Value {
    let mut params = json!({
        "amount": due,
        "currency": session.currency.map(|currency| currency.as_str().to_owned()),
        "allowed_payment_method_types": session.payment_method_types,
        "payment_method_options": session.payment_method_options,
    });
    if let Some(customer) = &session.customer {
        params["customer"] = json!(customer);
    }
    if session.mode == Mode::Subscription {
        params["setup_future_usage"] = json!("off_session");
        params["description"] = json!("Subscription creation");
        return params;
    }
    for (name, value) in session.hidden.passed_on.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    params
}

/// Says whether the session ends with a customer.
fn wants_customer(session: &CheckoutSession) -> bool {
    session.mode == Mode::Subscription
        || session.customer_creation == Some("always")
        || session.hidden.passed_on["setup_future_usage"].is_string()
}

/// Returns the session's customer, made if need be. One without an e-mail address gets the one
/// that was typed.
pub(super) fn customer(
    world: &mut World,
    id: &Id,
    buyer: &Buyer,
) -> Result<Option<Id>, StripeError> {
    let session = world.known::<CheckoutSession>(id).clone();
    if let Some(known) = session.customer.or(session.hidden.customer.clone()) {
        let bare = world.get::<Customer>(&known).is_ok_and(|row| row.email.is_none());
        if let Some(email) = buyer.email.as_ref().filter(|_| bare) {
            let path = format!("/v1/customers/{known}");
            world.ask(Method::Post, &path, json!({ "email": email }))?;
        }
        return Ok(Some(known));
    }
    let session = world.known::<CheckoutSession>(id);
    if !wants_customer(session) {
        return Ok(None);
    }
    let email = session.customer_email.clone().or_else(|| buyer.email.clone());
    let mut params = json!({});
    if let Some(email) = email {
        params["email"] = json!(email);
    }
    if let Some(name) = &buyer.name {
        params["name"] = json!(name);
    }
    let made = world.ask(Method::Post, "/v1/customers", params)?;
    let made: Id = made["id"].as_str().unwrap_or_default().into();
    world.edit::<CheckoutSession>(id, |row| row.hidden.customer = Some(made.clone()));
    Ok(Some(made))
}

/// Puts the session's customer on its payment.
fn bring_customer(
    world: &mut World,
    id: &Id,
    intent: &Id,
    buyer: &Buyer,
) -> Result<(), StripeError> {
    let Some(customer) = customer(world, id, buyer)? else { return Ok(()) };
    if world.get::<PaymentIntent>(intent).is_ok_and(|row| row.customer.is_none()) {
        world.edit::<PaymentIntent>(intent, |row| row.customer = Some(customer.clone()));
        world.payment_intents.own(&customer, intent);
    }
    Ok(())
}

/// Saves a payment method where nothing is due: in setup mode, or for a trial.
fn save(
    world: &mut World,
    session: &CheckoutSession,
    method: &Id,
    buyer: &Buyer,
) -> Result<Step, StripeError> {
    let customer = match foreseen(world, session, method) {
        true => customer(world, &session.id, buyer)?,
        false => session.customer.clone().or_else(|| session.hidden.customer.clone()),
    };
    let mut params = json!({
        "payment_method": method,
        "usage": "off_session",
        "confirm": true,
        "allowed_payment_method_types": session.payment_method_types,
        "payment_method_options": session.payment_method_options,
    });
    if let Some(customer) = &customer {
        params["customer"] = json!(customer);
    }
    if session.mode == Mode::Setup {
        for (name, value) in session.hidden.passed_on.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
    }
    let made = world.ask(Method::Post, "/v1/setup_intents", params)?;
    let intent: Id = made["id"].as_str().unwrap_or_default().into();
    if made["status"] == "requires_action" {
        wait(world, &session.id, &intent, method, buyer);
        return Ok(Step::RequiresAction);
    }
    finish::finish(world, &session.id, Some(method), buyer, Some((&intent, Progress::Succeeded)));
    Ok(Step::Complete)
}

fn wait(world: &mut World, id: &Id, intent: &Id, method: &Id, buyer: &Buyer) {
    let action = Action {
        intent: intent.clone(),
        method: method.clone(),
        email: buyer.email.clone(),
        name: buyer.name.clone(),
    };
    world.edit::<CheckoutSession>(id, |row| row.hidden.action = Some(action));
}

/// Returns what waits for the customer's bank.
pub(super) fn pending(world: &World, id: &str, named: &str) -> Result<Action, StripeError> {
    let session = open(world, id)?;
    let action = session.hidden.action.clone().filter(|action| *action.intent == *named);
    action.ok_or_else(|| {
        StripeError::param("action", "Nothing waits for a confirmation here.").status(409)
    })
}

/// The customer's bank said that it is them, or not.
pub(super) fn resume(
    world: &mut World,
    id: &Id,
    action: &Action,
    authenticated: bool,
) -> Result<Step, StripeError> {
    world.edit::<CheckoutSession>(id, |row| row.hidden.action = None);
    let buyer = Buyer { email: action.email.clone(), name: action.name.clone() };
    let pays = action.intent.starts_with("pi_");
    if authenticated && pays {
        bring_customer(world, id, &action.intent, &buyer)?;
    }
    let progress = payments::complete_action(world, &action.intent, authenticated)?;
    if progress == Progress::RequiresAction {
        return Ok(Step::RequiresAction);
    }
    finish::finish(world, id, Some(&action.method), &buyer, Some((&action.intent, progress)));
    Ok(Step::Complete)
}

/// See [`super::is_being_paid`].
pub(super) fn is_being_paid(world: &World, intent: &Id) -> bool {
    let mut open = world.sessions.newest().filter(|it| it.status == Status::Open);
    open.any(|it| it.hidden.intent.as_ref() == Some(intent))
}

/// See [`super::payment_of`].
pub(super) fn payment_of(world: &World, session: &Id) -> Option<Id> {
    let intent = world.get::<CheckoutSession>(session).ok()?.hidden.intent.clone()?;
    let row = world.get::<PaymentIntent>(&intent).ok()?;
    matches!(row.status.as_str(), "succeeded" | "processing").then_some(intent)
}
