//! Setup intents as objects: made, confirmed, authenticated, canceled.

use super::cards::Nature;
use super::confirm::{Try, wants_customer};
use super::declines::{self, Decline};
use super::methods;
use crate::error::StripeError;
use crate::object::payment_intent::{IntentStatus, Kinds, NextAction, Options};
use crate::object::payment_method::{Kind, Means, PaymentMethod};
use crate::object::setup_intent::SetupIntent;
use crate::object::{Id, Metadata, Null, Object as _};
use crate::world::World;
use crate::world::change::shape;

/// Returns a setup intent that is not yet in the world.
pub(super) fn blank(world: &mut World, customer: Option<&Id>) -> SetupIntent {
    let id = world.new_id(SetupIntent::PREFIX);
    let client_secret = format!("{id}_secret_{}", world.new_word(25));
    let kinds = Kinds(vec![Kind::Card]);
    SetupIntent {
        id,
        object: SetupIntent::NAME,
        allowed_payment_method_types: None,
        application: Null,
        automatic_payment_methods: None,
        cancellation_reason: None,
        client_secret,
        created: world.now_of(customer),
        customer: customer.cloned(),
        customer_account: Null,
        description: None,
        excluded_payment_method_types: None,
        flow_directions: Null,
        last_setup_error: None,
        latest_attempt: None,
        livemode: false,
        mandate: None,
        metadata: Metadata::new(),
        next_action: None,
        on_behalf_of: Null,
        payment_method: None,
        payment_method_configuration_details: Null,
        payment_method_options: Options { setup: true, ..Options::new(&kinds) },
        payment_method_types: kinds,
        single_use_mandate: Null,
        status: IntentStatus::RequiresPaymentMethod,
        usage: "off_session",
        return_url: None,
    }
}

/// Confirms a setup intent with its own or another payment method. A decline is a card error with
/// the intent in `setup_intent`.
pub(super) fn confirm(
    world: &mut World,
    intent: &Id,
    method: Option<&Id>,
    way: &Try,
) -> Result<(), StripeError> {
    let method = check(world, intent, method)?;
    let attempt = world.new_id("setatt_");
    world.edit::<SetupIntent>(intent, |row| {
        row.status = IntentStatus::RequiresConfirmation;
        row.payment_method = Some(method.clone());
        row.latest_attempt = Some(attempt);
        row.last_setup_error = None;
        row.next_action = None;
    });
    let asked = &world.known::<SetupIntent>(intent).payment_method_options.three_d_secure;
    let row = world.known::<PaymentMethod>(&method);
    let nature = nature(&row.means);
    if matches!(*asked, "any" | "challenge") || wants_customer(nature, row, false) {
        ask(world, intent, way);
        return Ok(());
    }
    answer(world, intent, &method)
}

fn nature(means: &Means) -> Nature {
    match means {
        Means::Card(card) => card.test.nature,
        _ => Nature::Plain,
    }
}

/// Refuses what cannot be confirmed, before anything changes.
pub(super) fn check(world: &World, intent: &Id, method: Option<&Id>) -> Result<Id, StripeError> {
    let row = world.get::<SetupIntent>(intent)?;
    confirmable(row)?;
    let Some(id) = method.or(row.payment_method.as_ref()) else {
        return Err(unexpected_state(
            row,
            "You cannot confirm this SetupIntent because it has no payment method. Give one in \
             `payment_method`.",
        ));
    };
    let method = world.need::<PaymentMethod>(id, "payment_method")?;
    if !row.payment_method_types.0.contains(&method.kind) {
        return Err(methods::unfit(method.kind.as_str()));
    }
    methods::usable_by(method, row.customer.as_ref())?;
    Ok(id.clone())
}

/// Refuses an intent in a state that cannot be confirmed.
pub(super) fn confirmable(row: &SetupIntent) -> Result<(), StripeError> {
    let why = match row.status {
        IntentStatus::Succeeded => "it has already succeeded",
        IntentStatus::Canceled => "it has been canceled",
        _ => return Ok(()),
    };
    Err(unexpected_state(row, format!("You cannot confirm this SetupIntent because {why}.")))
}

fn ask(world: &mut World, intent: &Id, way: &Try) {
    let action = NextAction {
        url: super::confirm::authentication_page(world, intent),
        return_url: way.return_url.clone(),
    };
    world.edit::<SetupIntent>(intent, |row| {
        row.status = IntentStatus::RequiresAction;
        row.return_url.clone_from(&action.return_url);
        row.next_action = Some(action);
    });
    world.emit::<SetupIntent>("setup_intent.requires_action", intent);
}

/// The bank answers: the method is the customer's, or it was declined.
fn answer(world: &mut World, intent: &Id, method: &Id) -> Result<(), StripeError> {
    let means = &world.known::<PaymentMethod>(method).means;
    if let Nature::Declined(code) = nature(means) {
        return Err(decline(world, intent, method, declines::find(code)));
    }
    let mandate = match means {
        Means::Card(_) => None,
        _ => Some(world.new_id("mandate_")),
    };
    world.edit::<PaymentMethod>(method, |row| {
        row.set_up = true;
        row.mandate = row.mandate.clone().or_else(|| mandate.clone());
        methods::look_at_card(row);
    });
    let customer = world.known::<SetupIntent>(intent).customer.clone();
    let alone = world.known::<PaymentMethod>(method).customer.is_none();
    world.edit::<SetupIntent>(intent, |row| {
        row.status = IntentStatus::Succeeded;
        row.mandate = mandate;
        row.next_action = None;
    });
    if let (Some(customer), true) = (customer, alone) {
        methods::join(world, method, &customer);
    }
    world.emit::<SetupIntent>("setup_intent.succeeded", intent);
    crate::subscriptions::method_given(world, intent, method);
    Ok(())
}

fn decline(world: &mut World, intent: &Id, method: &Id, decline: &'static Decline) -> StripeError {
    let shown = shape(world.known::<PaymentMethod>(method));
    let error = declines::refusal(decline, None, Some(shown));
    fail(world, intent, &error);
    error.with("setup_intent", shape(world.known::<SetupIntent>(intent)))
}

fn fail(world: &mut World, intent: &Id, error: &StripeError) {
    let kept = error.object();
    world.edit::<SetupIntent>(intent, |row| {
        row.status = IntentStatus::RequiresPaymentMethod;
        row.payment_method = None;
        row.last_setup_error = Some(Box::new(kept));
        row.next_action = None;
    });
    world.emit::<SetupIntent>("setup_intent.setup_failed", intent);
}

/// The customer authenticated, or failed to.
pub(super) fn complete_action(
    world: &mut World,
    intent: &Id,
    authenticated: bool,
) -> Result<(), StripeError> {
    let row = world.get::<SetupIntent>(intent)?;
    let (IntentStatus::RequiresAction, Some(method)) = (row.status, row.payment_method.clone())
    else {
        return Err(unexpected_state(row, "This SetupIntent waits for no authentication."));
    };
    if authenticated {
        return answer(world, intent, &method);
    }
    let error = StripeError::invalid(
        "The PaymentMethod failed authentication. Give another one, or try again.",
    )
    .code("setup_intent_authentication_failure")
    .with("payment_method", shape(world.known::<PaymentMethod>(&method)));
    fail(world, intent, &error);
    Err(error.with("setup_intent", shape(world.known::<SetupIntent>(intent))))
}

/// Cancels an intent that has not succeeded (`setup_intent.canceled`).
pub(super) fn cancel(
    world: &mut World,
    intent: &Id,
    reason: Option<&'static str>,
) -> Result<(), StripeError> {
    let row = world.get::<SetupIntent>(intent)?;
    if matches!(row.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
        let message = format!(
            "You cannot cancel this SetupIntent because it has a status of {}.",
            row.status.as_str()
        );
        return Err(unexpected_state(row, message));
    }
    world.edit::<SetupIntent>(intent, |row| {
        row.status = IntentStatus::Canceled;
        row.cancellation_reason = reason;
        row.next_action = None;
    });
    world.emit::<SetupIntent>("setup_intent.canceled", intent);
    Ok(())
}

/// The refusal of a step that an intent's state does not allow.
pub(super) fn unexpected_state(row: &SetupIntent, message: impl Into<String>) -> StripeError {
    StripeError::invalid(message)
        .code("setup_intent_unexpected_state")
        .with("setup_intent", shape(row))
}
