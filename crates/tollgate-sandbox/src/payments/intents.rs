//! Payment intents as objects: made, canceled, and what their payment methods may be.

use super::NewIntent;
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::charge::Charge;
use crate::object::payment_intent::{IntentStatus, Kinds, Options, PaymentIntent};
use crate::object::payment_method::{Kind, PaymentMethod};
use crate::object::{Id, Metadata, Null, Object as _};
use crate::world::World;
use crate::world::change::shape;

/// Returns an intent that is not yet in the world and takes cards.
pub(super) fn blank(
    world: &mut World,
    amount: i64,
    currency: Currency,
    customer: Option<&Id>,
) -> PaymentIntent {
    let id = world.new_id(PaymentIntent::PREFIX);
    let client_secret = format!("{id}_secret_{}", world.new_word(25));
    let kinds = Kinds(vec![Kind::Card]);
    PaymentIntent {
        id,
        object: PaymentIntent::NAME,
        allowed_payment_method_types: None,
        amount,
        amount_capturable: 0,
        amount_received: 0,
        application: Null,
        application_fee_amount: Null,
        automatic_payment_methods: None,
        canceled_at: None,
        cancellation_reason: None,
        capture_method: "automatic_async",
        client_secret,
        confirmation_method: "automatic",
        created: world.now_of(customer),
        currency,
        customer: customer.cloned(),
        customer_account: Null,
        description: None,
        excluded_payment_method_types: None,
        last_payment_error: None,
        latest_charge: None,
        livemode: false,
        managed_payments: Null,
        metadata: Metadata::new(),
        next_action: None,
        on_behalf_of: Null,
        payment_method: None,
        payment_method_configuration_details: Null,
        payment_method_options: Options::new(&kinds),
        payment_method_types: kinds,
        payment_record: Null,
        processing: Null,
        receipt_email: None,
        review: Null,
        setup_future_usage: None,
        shipping: None,
        source: Null,
        statement_descriptor: None,
        statement_descriptor_suffix: None,
        status: IntentStatus::RequiresPaymentMethod,
        transfer_group: None,
        invoice: None,
        session: None,
        return_url: None,
        authenticated: false,
        due: None,
    }
}

/// See [`super::create`].
pub(super) fn create(world: &mut World, new: NewIntent) -> Id {
    let mut row = blank(world, new.amount, new.currency, new.customer.as_ref());
    let mut kinds = kinds_for(new.currency);
    if let Some(method) = &new.payment_method {
        let kind = world.known::<PaymentMethod>(method).kind;
        if !kinds.0.contains(&kind) {
            kinds.0.push(kind);
        }
        row.status = IntentStatus::RequiresConfirmation;
    }
    row.payment_method_options = Options::new(&kinds);
    row.payment_method_types = kinds;
    row.payment_method = new.payment_method;
    row.description = new.description;
    row.metadata = new.metadata;
    row.setup_future_usage = new.setup_future_usage;
    row.invoice = new.invoice;
    row.session = new.session;
    if new.capture_manually {
        row.capture_method = "manual";
    }
    world.create(row, "payment_intent.created")
}

/// Returns the kinds of payment method that a currency can be paid with.
pub(super) fn kinds_for(currency: Currency) -> Kinds {
    match currency.as_str() {
        "eur" => Kinds(vec![Kind::Card, Kind::SepaDebit]),
        "usd" => Kinds(vec![Kind::Card, Kind::UsBankAccount]),
        _ => Kinds(vec![Kind::Card]),
    }
}

/// See [`super::cancel`].
pub(super) fn cancel(
    world: &mut World,
    intent: &Id,
    reason: Option<&'static str>,
) -> Result<(), StripeError> {
    let row = world.get::<PaymentIntent>(intent)?;
    if matches!(
        row.status,
        IntentStatus::Canceled | IntentStatus::Succeeded | IntentStatus::Processing
    ) {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be canceled: \
             requires_payment_method, requires_capture, requires_confirmation, requires_action.",
            row.status.as_str()
        );
        return Err(unexpected_state(row, message));
    }
    let held = (row.status == IntentStatus::RequiresCapture).then(|| row.latest_charge.clone());
    if let Some(charge) = held.flatten() {
        release(world, &charge);
    }
    close(world, intent, reason);
    Ok(())
}

/// Ends an intent without the money (`payment_intent.canceled`).
pub(super) fn close(world: &mut World, intent: &Id, reason: Option<&'static str>) {
    let customer = world.known::<PaymentIntent>(intent).customer.clone();
    let now = world.now_of(customer.as_ref());
    world.edit::<PaymentIntent>(intent, |row| {
        row.status = IntentStatus::Canceled;
        row.canceled_at = Some(now);
        row.cancellation_reason = reason;
        row.amount_capturable = 0;
        row.next_action = None;
        row.due = None;
    });
    world.emit::<PaymentIntent>("payment_intent.canceled", intent);
}

/// Lets go of an authorization that was not captured.
fn release(world: &mut World, charge: &Id) {
    world.update::<Charge>(charge, "charge.refunded", |row| {
        row.amount_refunded = row.amount;
        row.refunded = true;
    });
}

/// The refusal of a step that an intent's state does not allow.
pub(super) fn unexpected_state(row: &PaymentIntent, message: impl Into<String>) -> StripeError {
    StripeError::invalid(message)
        .code("payment_intent_unexpected_state")
        .with("payment_intent", shape(row))
}
