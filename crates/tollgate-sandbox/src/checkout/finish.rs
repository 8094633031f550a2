//! A session ends: complete, with what was bought; expired; or paid later than it was complete.

use serde_json::{Value, json};

use super::confirm::{self, Buyer};
use super::{build, sums};
use crate::catalog::discounts;
use crate::object::Id;
use crate::object::checkout_session::{
    Address, CheckoutSession, CustomerDetails, Hidden, Mode, PaymentStatus, Status,
};
use crate::object::discount::Discount;
use crate::object::item::Item;
use crate::object::payment_intent::PaymentIntent;
use crate::object::subscription::Subscription;
use crate::object::{Empty, Object as _};
use crate::params::Params;
use crate::payments::{self, Progress};
use crate::subscriptions;
use crate::world::{Wake, World};

/// How long an expired session can be taken up again.
const RECOVERY_SECS: i64 = 30 * 86_400;

/// Completes a session whose payment, if there is one, went through.
pub(super) fn finish(
    world: &mut World,
    id: &Id,
    method: Option<&Id>,
    buyer: &Buyer,
    paid: Option<(&Id, Progress)>,
) {
    // What can be refused was refused before the payment.
    let customer = confirm::customer(world, id, buyer).ok().flatten();
    let session = world.known::<CheckoutSession>(id).clone();
    if let (Some(customer), Some(method)) = (&customer, method) {
        keep_method(world, &session, customer, method);
    }
    let subscription = match (session.mode, &customer) {
        (Mode::Subscription, Some(customer)) => {
            let params = subscription_params(&session, customer, method);
            let started = subscriptions::start(world, &params, Some(id));
            debug_assert!(started.is_ok(), "the session was checked: {started:?}");
            note_discounts(world, id, started.as_ref().ok());
            started.ok()
        }
        _ => None,
    };
    if session.mode == Mode::Payment {
        redeem(world, &session);
    }
    complete(world, &session, customer, subscription, buyer, paid);
}

/// A method that was saved without a payment belongs to the customer from now on.
fn keep_method(world: &mut World, session: &CheckoutSession, customer: &Id, method: &Id) {
    let loose = crate::api::object(world, method).is_some_and(|row| row["customer"].is_null());
    if loose && session.mode != Mode::Payment {
        // A card that pays or was set up lets itself be attached.
        let _attached = payments::attach(world, method, customer);
    }
}

fn subscription_params(session: &CheckoutSession, customer: &Id, method: Option<&Id>) -> Params {
    let item = |line: &Item| {
        let mut item = json!({ "price": line.price.id, "metadata": line.metadata });
        if let Some(quantity) = line.quantity {
            item["quantity"] = json!(quantity);
        }
        item
    };
    let (often, once): (Vec<&Item>, Vec<&Item>) = session
        .hidden
        .lines
        .iter()
        .filter(|line| line.quantity != Some(0))
        .partition(|line| line.is_recurring());
    let mut params = json!({
        "customer": customer,
        "items": often.into_iter().map(item).collect::<Vec<_>>(),
    });
    if !once.is_empty() {
        params["add_invoice_items"] = once
            .into_iter()
            .map(|line| json!({ "price": line.price.id, "quantity": line.quantity }))
            .collect();
    }
    if let Some(method) = method {
        params["default_payment_method"] = json!(method);
    }
    if session.automatic_tax.enabled {
        params["automatic_tax"] = json!({ "enabled": true });
    }
    if let Some(discount) = session.discounts.as_ref().and_then(|all| all.first()) {
        params["discounts"] = match &discount.promotion_code {
            Some(code) => json!([{ "promotion_code": code }]),
            None => json!([{ "coupon": discount.coupon }]),
        };
    }
    for (name, value) in session.hidden.passed_on.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    Params::from_value(params)
}

/// A discount tells which session gave it.
fn note_discounts(world: &mut World, id: &Id, subscription: Option<&Id>) {
    let Some(subscription) = subscription else { return };
    for discount in world.known::<Subscription>(subscription).discounts.clone() {
        world.edit::<Discount>(&discount, |row| row.checkout_session = Some(id.clone()));
    }
}

/// A payment uses up a coupon as a subscription does.
fn redeem(world: &mut World, session: &CheckoutSession) {
    let Some(discount) = session.discounts.as_ref().and_then(|all| all.first()) else { return };
    discounts::redeem(world, discount.coupon.as_ref(), discount.promotion_code.as_ref());
}

fn complete(
    world: &mut World,
    session: &CheckoutSession,
    customer: Option<Id>,
    subscription: Option<Id>,
    buyer: &Buyer,
    paid: Option<(&Id, Progress)>,
) {
    let status = status(world, session, paid);
    let details = details(world, session, customer.as_ref(), buyer);
    let invoice =
        subscription.as_ref().and_then(|id| world.known::<Subscription>(id).latest_invoice.clone());
    let setup = paid.filter(|_| session.mode == Mode::Setup).map(|(intent, _)| intent.clone());
    if let Some(customer) = &customer {
        world.sessions.own(customer, &session.id);
    }
    world.edit::<CheckoutSession>(&session.id, |row| {
        row.status = Status::Complete;
        row.payment_status = status;
        row.url = None;
        row.customer = customer;
        row.customer_details = Some(details);
        row.subscription = subscription;
        row.invoice = invoice;
        row.setup_intent = setup;
    });
    world.emit::<CheckoutSession>("checkout.session.completed", &session.id);
}

fn status(
    world: &World,
    session: &CheckoutSession,
    paid: Option<(&Id, Progress)>,
) -> PaymentStatus {
    match paid {
        _ if session.mode == Mode::Setup => PaymentStatus::NoPaymentRequired,
        Some((_, Progress::Succeeded)) if sums::due_now(world, session) > 0 => PaymentStatus::Paid,
        Some((_, Progress::Processing | Progress::RequiresCapture)) => PaymentStatus::Unpaid,
        _ if session.amount_subtotal == Some(0) => PaymentStatus::NoPaymentRequired,
        // A discount, or what the customer had to their credit, paid it all.
        _ => PaymentStatus::Paid,
    }
}

fn details(
    world: &World,
    session: &CheckoutSession,
    customer: Option<&Id>,
    buyer: &Buyer,
) -> CustomerDetails {
    let known = customer.and_then(|id| world.customers.get(id));
    let email = known.and_then(|row| row.email.clone());
    let email = email.or_else(|| session.customer_email.clone()).or_else(|| buyer.email.clone());
    CustomerDetails {
        address: Some(Address::default()),
        email,
        name: buyer.name.clone().or_else(|| known.and_then(|row| row.name.clone())),
        tax_exempt: Some("none"),
        tax_ids: Some(Empty),
        ..CustomerDetails::default()
    }
}

/// A payment that a session made succeeded. While the session is open, [`finish`] follows.
pub(crate) fn payment_succeeded(world: &mut World, session: &Id, intent: &Id) {
    let Ok(row) = world.get::<CheckoutSession>(session) else { return };
    if row.status != Status::Complete || row.payment_status != PaymentStatus::Unpaid {
        return;
    }
    world.edit::<CheckoutSession>(session, |row| row.payment_status = PaymentStatus::Paid);
    let captured =
        world.get::<PaymentIntent>(intent).is_ok_and(|row| row.capture_method == "manual");
    if !captured {
        world.emit::<CheckoutSession>("checkout.session.async_payment_succeeded", session);
    }
}

/// A delayed payment that a session made failed.
pub(crate) fn payment_failed(world: &mut World, session: &Id, intent: &Id) {
    let _ = intent;
    let Ok(row) = world.get::<CheckoutSession>(session) else { return };
    if row.status == Status::Complete && row.payment_status == PaymentStatus::Unpaid {
        world.emit::<CheckoutSession>("checkout.session.async_payment_failed", session);
    }
}

/// Expires a session that is due.
pub(crate) fn wake(world: &mut World, session: &Id) {
    let Ok(row) = world.get::<CheckoutSession>(session) else { return };
    let now = world.now_of(row.customer.as_ref());
    if row.status == Status::Open && row.expires_at <= now {
        expire(world, session);
    }
}

/// Ends an open session without a purchase.
pub(super) fn expire(world: &mut World, id: &Id) {
    let session = world.known::<CheckoutSession>(id).clone();
    let way_back = recover(world, &session);
    world.edit::<CheckoutSession>(id, |row| {
        row.status = Status::Expired;
        row.url = None;
        row.hidden.action = None;
        let recovery = row.after_expiration.as_mut().and_then(|after| after.recovery.as_mut());
        if let (Some((url, until)), Some(recovery)) = (way_back, recovery) {
            recovery.url = Some(url);
            recovery.expires_at = Some(until);
        }
    });
    if let Some(intent) = &session.hidden.intent {
        // One that is canceled already stays so.
        let _canceled = payments::cancel(world, intent, Some("expired"));
    }
    world.emit::<CheckoutSession>("checkout.session.expired", id);
}

/// Opens the copy that an expired session can be taken up with, if the app wants one. Stripe
/// makes it when its address is opened.
fn recover(world: &mut World, session: &CheckoutSession) -> Option<(String, i64)> {
    let recovery = session.after_expiration.as_ref()?.recovery.as_ref()?;
    if !recovery.enabled || session.recovered_from.is_some() {
        return None;
    }
    let now = world.now_of(session.customer.as_ref());
    let until = now + RECOVERY_SECS;
    let id = world.new_id(CheckoutSession::PREFIX);
    let mut copy = session.clone();
    let url = build::page(world, &id);
    copy.id = id.clone();
    copy.created = now;
    copy.expires_at = until;
    copy.recovered_from = Some(session.id.clone());
    copy.allow_promotion_codes = Some(recovery.allow_promotion_codes && copy.discounts.is_none());
    copy.url = copy.url.is_some().then(|| url.clone());
    copy.payment_intent = None;
    copy.hidden = Hidden {
        lines: session.hidden.lines.clone(),
        passed_on: session.hidden.passed_on.clone(),
        first_amounts: session.hidden.first_amounts.clone(),
        trial: session.hidden.trial,
        ..Hidden::default()
    };
    world.add(copy);
    world.wake_at(session.customer.as_ref(), until, Wake::Session(id));
    Some((url, until))
}

/// Says what the customer has to confirm with their bank.
pub(super) fn action(world: &World, session: &CheckoutSession) -> Value {
    let intent = session.hidden.action.as_ref().map(|action| &action.intent);
    let pays = intent.is_some_and(|id| id.starts_with(PaymentIntent::PREFIX));
    json!({
        "id": intent,
        "merchant": session.branding_settings["display_name"],
        "amount": pays.then(|| sums::due_now(world, session)),
        "currency": session.currency,
    })
}
