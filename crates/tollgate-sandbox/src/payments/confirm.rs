//! How a payment goes: a try with a payment method, authentication, the bank's answer at once or
//! later, and whoever waits for it.

use serde_json::Value;

use super::banks::End;
use super::cards::{Nature, When};
use super::charges::{self, Reply};
use super::declines::{self, Decline};
use super::{Progress, banks, disputes, methods};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::charge::Charge;
use crate::object::payment_intent::{IntentStatus, NextAction, PaymentIntent};
use crate::object::payment_method::{Means, PaymentMethod};
use crate::world::change::shape;
use crate::world::{Wake, World};
use crate::{checkout, invoices};

use super::intents::unexpected_state;

/// How long a card's authorization holds: seven days.
const HOLD_SECS: i64 = 7 * 86_400;

/// How a try is made.
#[derive(Debug, Clone, Default)]
pub(super) struct Try {
    pub(super) off_session: bool,
    /// Where the customer goes after they authenticated elsewhere.
    pub(super) return_url: Option<String>,
    /// A try that needs the customer is a decline.
    pub(super) action_is_error: bool,
}

/// See [`fn@super::confirm`].
pub(super) fn confirm(
    world: &mut World,
    intent: &Id,
    method: Option<&Id>,
    way: &Try,
) -> Result<Progress, StripeError> {
    let method = check(world, intent, method)?;
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::RequiresConfirmation;
        row.payment_method = Some(method.clone());
        row.last_payment_error = None;
        row.next_action = None;
    });
    attempt(world, intent, &method, way)
}

/// Refuses what cannot be confirmed, before anything changes.
pub(super) fn check(world: &World, intent: &Id, method: Option<&Id>) -> Result<Id, StripeError> {
    let row = world.get::<PaymentIntent>(intent)?;
    confirmable(row)?;
    let Some(id) = method.or(row.payment_method.as_ref()) else {
        return Err(unexpected_state(
            row,
            "You cannot confirm this PaymentIntent because it has no payment method. Give one in \
             `payment_method`.",
        ));
    };
    methods::usable(world, row, id)?;
    Ok(id.clone())
}

/// Refuses an intent in a state that cannot be confirmed.
pub(super) fn confirmable(row: &PaymentIntent) -> Result<(), StripeError> {
    let why = match row.status {
        IntentStatus::Succeeded => "it has already succeeded after being previously confirmed",
        IntentStatus::Canceled => "it has been canceled",
        IntentStatus::Processing => "it is processing",
        IntentStatus::RequiresCapture => "it was confirmed and waits to be captured",
        _ => return Ok(()),
    };
    Err(unexpected_state(row, format!("You cannot confirm this PaymentIntent because {why}.")))
}

/// What becomes of a try.
enum Verdict {
    Pays,
    Holds,
    Settles,
    NeedsAction,
    Declines(&'static Decline),
}

fn attempt(
    world: &mut World,
    intent: &Id,
    method: &Id,
    way: &Try,
) -> Result<Progress, StripeError> {
    world.edit::<PaymentMethod>(method, methods::look_at_card);
    match verdict(world, intent, method, way) {
        Verdict::Pays => Ok(pay(world, intent, method)),
        Verdict::Holds => Ok(hold(world, intent, method)),
        Verdict::Settles => Ok(begin_debit(world, intent, method)),
        Verdict::NeedsAction => Ok(ask(world, intent, way)),
        Verdict::Declines(decline) => Err(decline_try(world, intent, method, decline)),
    }
}

fn verdict(world: &World, intent: &Id, method: &Id, way: &Try) -> Verdict {
    let row = world.known::<PaymentIntent>(intent);
    let method = world.known::<PaymentMethod>(method);
    let Means::Card(card) = &method.means else { return Verdict::Settles };
    let nature = card.test.nature;
    let asked = matches!(row.payment_method_options.three_d_secure, "any" | "challenge");
    let needs = (asked && !way.off_session) || wants_customer(nature, method, way.off_session);
    if needs && !row.authenticated {
        let soft = row.invoice.is_some() || !way.off_session;
        return if soft && !way.action_is_error {
            Verdict::NeedsAction
        } else {
            Verdict::Declines(declines::find("authentication_required"))
        };
    }
    if let Some(decline) = world.failing(row.customer.as_ref()) {
        return Verdict::Declines(decline);
    }
    match nature {
        Nature::Declined(code) | Nature::Authenticates(When::ThenDeclined(code)) => {
            Verdict::Declines(declines::find(code))
        }
        Nature::FailsWhenCharged => Verdict::Declines(declines::find("generic_decline")),
        Nature::Blocked => Verdict::Declines(declines::find("fraudulent")),
        _ if row.capture_method == "manual" => Verdict::Holds,
        _ => Verdict::Pays,
    }
}

/// See [`super::foresee`].
pub(super) fn foresee(world: &World, method: &Id, off_session: bool) -> Result<(), StripeError> {
    let row = world.get::<PaymentMethod>(method)?;
    let Means::Card(card) = &row.means else { return Ok(()) };
    if wants_customer(card.test.nature, row, off_session) {
        let message = "Payment for this subscription requires additional user action before it \
                       can be completed successfully.";
        let code = "subscription_payment_intent_requires_action";
        return Err(StripeError::card(code, None, message));
    }
    let decline = match card.test.nature {
        Nature::Declined(code) => Some(declines::find(code)),
        Nature::FailsWhenCharged => Some(declines::find("generic_decline")),
        Nature::Blocked => Some(declines::find("fraudulent")),
        _ => world.failing(row.customer.as_ref()),
    };
    match decline {
        Some(decline) => Err(declines::refusal(decline, None, Some(shape(row)))),
        None => Ok(()),
    }
}

/// Says whether a card's bank wants to see the customer.
pub(super) fn wants_customer(nature: Nature, method: &PaymentMethod, off_session: bool) -> bool {
    match nature {
        Nature::Authenticates(When::Always | When::ThenDeclined(_)) => true,
        Nature::Authenticates(When::UnlessSetUp) => !(off_session && method.set_up),
        Nature::Authenticates(When::OnSession) => !off_session,
        _ => false,
    }
}

fn pay(world: &mut World, intent: &Id, method: &Id) -> Progress {
    let charge = charges::make(world, intent, method, Reply::Paid);
    keep_method(world, intent, method);
    succeed(world, intent, &charge);
    disputes::follow(world, &charge);
    Progress::Succeeded
}

/// The money of a charge is there: the intent succeeds, and whoever waits is told.
pub(super) fn succeed(world: &mut World, intent: &Id, charge: &Id) {
    let received = world.known::<Charge>(charge).amount_captured;
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::Succeeded;
        row.amount_received = received;
        row.amount_capturable = 0;
        row.latest_charge = Some(charge.clone());
        row.last_payment_error = None;
        row.next_action = None;
        row.authenticated = false;
        row.due = None;
    });
    world.emit::<PaymentIntent>("payment_intent.succeeded", intent);
    let (invoice, session) = waiting(world, intent);
    if let Some(invoice) = invoice {
        invoices::payment_succeeded(world, &invoice, intent);
    }
    if let Some(session) = session {
        checkout::payment_succeeded(world, &session, intent);
    }
}

fn hold(world: &mut World, intent: &Id, method: &Id) -> Progress {
    let customer = world.known::<PaymentIntent>(intent).customer.clone();
    let until = world.now_of(customer.as_ref()) + HOLD_SECS;
    let charge = charges::make(world, intent, method, Reply::Held(until));
    keep_method(world, intent, method);
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::RequiresCapture;
        row.amount_capturable = row.amount;
        row.latest_charge = Some(charge);
        row.authenticated = false;
        row.due = Some(until);
    });
    world.wake_at(customer.as_ref(), until, Wake::Payment(intent.clone()));
    world.emit::<PaymentIntent>("payment_intent.amount_capturable_updated", intent);
    Progress::RequiresCapture
}

fn begin_debit(world: &mut World, intent: &Id, method: &Id) -> Progress {
    if world.known::<PaymentMethod>(method).mandate.is_none() {
        let mandate = world.new_id("mandate_");
        world.edit::<PaymentMethod>(method, |row| row.mandate = Some(mandate));
    }
    let charge = charges::make(world, intent, method, Reply::Pending);
    keep_method(world, intent, method);
    let customer = world.known::<PaymentIntent>(intent).customer.clone();
    let due = match banks::of(&world.known::<PaymentMethod>(method).means) {
        Some(bank) if bank.end != End::Never => {
            Some(world.now_of(customer.as_ref()) + bank.after_secs)
        }
        _ => None,
    };
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::Processing;
        row.latest_charge = Some(charge);
        row.due = due;
    });
    if let Some(due) = due {
        world.wake_at(customer.as_ref(), due, Wake::Payment(intent.clone()));
    }
    world.emit::<PaymentIntent>("payment_intent.processing", intent);
    Progress::Processing
}

fn ask(world: &mut World, intent: &Id, way: &Try) -> Progress {
    let action =
        NextAction { url: authentication_page(world, intent), return_url: way.return_url.clone() };
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::RequiresAction;
        row.return_url.clone_from(&action.return_url);
        row.next_action = Some(action);
    });
    world.emit::<PaymentIntent>("payment_intent.requires_action", intent);
    if let (Some(invoice), _) = waiting(world, intent) {
        invoices::payment_failed(world, &invoice, intent, true);
    }
    Progress::RequiresAction
}

/// Returns where the customer of an intent authenticates.
pub(super) fn authentication_page(world: &World, intent: &str) -> String {
    format!("{}/authenticate/{intent}", world.public_url)
}

fn decline_try(
    world: &mut World,
    intent: &Id,
    method: &Id,
    decline: &'static Decline,
) -> StripeError {
    let charge = charges::make(world, intent, method, Reply::Declined(decline));
    let shown = shape(world.known::<PaymentMethod>(method));
    let error = declines::refusal(decline, Some(&charge), Some(shown));
    fail(world, intent, Some(charge), &error);
    error.with("payment_intent", shape(world.known::<PaymentIntent>(intent)))
}

/// A try failed: the intent wants another payment method, and an invoice is told.
pub(super) fn fail(world: &mut World, intent: &Id, charge: Option<Id>, error: &StripeError) {
    let kept: Value = error.object();
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::RequiresPaymentMethod;
        row.payment_method = None;
        row.last_payment_error = Some(Box::new(kept));
        row.next_action = None;
        row.authenticated = false;
        row.due = None;
        if charge.is_some() {
            row.latest_charge = charge;
        }
    });
    world.emit::<PaymentIntent>("payment_intent.payment_failed", intent);
    if let (Some(invoice), _) = waiting(world, intent) {
        invoices::payment_failed(world, &invoice, intent, false);
    }
}

/// See [`super::complete_action`].
pub(super) fn complete_action(
    world: &mut World,
    intent: &Id,
    authenticated: bool,
) -> Result<Progress, StripeError> {
    let row = world.get::<PaymentIntent>(intent)?;
    let (IntentStatus::RequiresAction, Some(method)) = (row.status, row.payment_method.clone())
    else {
        return Err(unexpected_state(row, "This PaymentIntent waits for no authentication."));
    };
    if !authenticated {
        return Err(refuse_authentication(world, intent, &method));
    }
    let by_hand = row.confirmation_method == "manual";
    if row.setup_future_usage == Some("off_session") {
        world.edit::<PaymentMethod>(&method, |row| row.set_up = true);
    }
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::RequiresConfirmation;
        row.authenticated = true;
        row.next_action = None;
    });
    if by_hand {
        return Ok(Progress::RequiresAction);
    }
    attempt(world, intent, &method, &Try::default())
}

fn refuse_authentication(world: &mut World, intent: &Id, method: &Id) -> StripeError {
    let error = StripeError::invalid(
        "The PaymentMethod failed authentication. Give another one, or try again.",
    )
    .code("payment_intent_authentication_failure")
    .with("payment_method", shape(world.known::<PaymentMethod>(method)));
    fail(world, intent, None, &error);
    error.with("payment_intent", shape(world.known::<PaymentIntent>(intent)))
}

/// After a good answer the method is the customer's, if the intent says so; one of nobody is used
/// up.
fn keep_method(world: &mut World, intent: &Id, method: &Id) {
    let row = world.known::<PaymentIntent>(intent);
    let (customer, usage) = (row.customer.clone(), row.setup_future_usage);
    let owned = world.known::<PaymentMethod>(method).customer.is_some();
    match (customer, usage) {
        (Some(customer), Some(usage)) => {
            if !owned {
                methods::join(world, method, &customer);
            }
            if usage == "off_session" {
                world.edit::<PaymentMethod>(method, |row| row.set_up = true);
            }
        }
        (None, Some(_)) => {}
        _ if owned => {}
        _ => world.edit::<PaymentMethod>(method, |row| row.spent = true),
    }
}

/// Returns the invoice and the session that wait for an intent.
pub(super) fn waiting(world: &World, intent: &Id) -> (Option<Id>, Option<Id>) {
    let row = world.known::<PaymentIntent>(intent);
    (row.invoice.clone(), row.session.clone())
}
