//! Money from a customer: payment methods and test cards, intents, charges, refunds, disputes.
//!
//! - [`customers`]: who pays, with what.
//! - [`cards`], [`banks`], [`declines`], [`numbers`]: Stripe's test numbers, how each behaves, and
//!   how a call gives them.
//! - [`methods`], [`tokens`]: payment methods, made, attached, detached; [`sources`]: older ones.
//! - [`terms`], [`intents`], [`mod@confirm`], [`capture`], [`debits`]: a payment, its tries, and what
//!   time does to it; [`setups`]: the same without the money.
//! - [`charges`], [`balance`], [`refunds`], [`disputes`]: what a payment leaves behind.
//! - [`authenticate`]: what only a sandbox has. Files named `…_calls` hold endpoints.

mod authenticate;
pub(crate) mod balance;
pub(crate) mod banks;
mod capture;
pub(crate) mod cards;
mod charge_calls;
mod charges;
mod confirm;
pub(crate) mod customers;
mod debits;
pub(crate) mod declines;
mod disputes;
mod intent_calls;
mod intents;
mod method_calls;
mod methods;
mod numbers;
pub(crate) mod refunds;
mod setup_calls;
mod setups;
pub(crate) mod sources;
mod terms;
mod tokens;

use declines::Decline;

use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::setup_intent::SetupIntent;
use crate::object::{Id, Metadata, Object as _};
use crate::world::{Route, World};

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] = &[
    customers::ROUTES,
    sources::ROUTES,
    method_calls::ROUTES,
    tokens::ROUTES,
    setup_calls::ROUTES,
    intent_calls::ROUTES,
    charge_calls::ROUTES,
    refunds::ROUTES,
    disputes::ROUTES,
    authenticate::ROUTES,
    balance::ROUTES,
];

/// A payment intent to be made.
#[derive(Debug)]
pub(crate) struct NewIntent {
    pub(crate) customer: Option<Id>,
    /// In minor units of `currency`.
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) description: Option<String>,
    /// The invoice it pays.
    pub(crate) invoice: Option<Id>,
    /// The checkout session it was made by.
    pub(crate) session: Option<Id>,
    pub(crate) payment_method: Option<Id>,
    /// `on_session` or `off_session`: the method is kept with the customer.
    pub(crate) setup_future_usage: Option<&'static str>,
    pub(crate) capture_manually: bool,
    pub(crate) metadata: Metadata,
}

/// How far a confirmed payment came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The money is there.
    Succeeded,
    /// The customer has to authenticate.
    RequiresAction,
    /// It settles later, or fails then.
    Processing,
    /// It is authorized and waits to be captured.
    RequiresCapture,
}

/// Makes a payment intent (`payment_intent.created`).
pub(crate) fn create(world: &mut World, new: NewIntent) -> Id {
    intents::create(world, new)
}

/// Makes a setup intent that asks for a customer's payment method (`setup_intent.created`).
pub(crate) fn set_up(world: &mut World, customer: &Id) -> Id {
    let intent = setups::blank(world, Some(customer));
    world.create(intent, "setup_intent.created")
}

/// Confirms a payment intent with its own or another payment method. A decline is a card error
/// with the intent in `payment_intent`; its events are out by then. Who waits for the payment (an
/// invoice, a session) has been told by the time this returns.
pub(crate) fn confirm(
    world: &mut World,
    intent: &Id,
    method: Option<&Id>,
    off_session: bool,
) -> Result<Progress, StripeError> {
    let way = confirm::Try { off_session, ..confirm::Try::default() };
    confirm::confirm(world, intent, method, &way)
}

/// The customer of a payment or setup intent authenticated, or failed to.
pub(crate) fn complete_action(
    world: &mut World,
    intent: &Id,
    authenticated: bool,
) -> Result<Progress, StripeError> {
    if intent.starts_with(SetupIntent::PREFIX) {
        setups::complete_action(world, intent, authenticated)?;
        return Ok(Progress::Succeeded);
    }
    confirm::complete_action(world, intent, authenticated)
}

/// Cancels an intent that has not succeeded (`payment_intent.canceled`).
pub(crate) fn cancel(
    world: &mut World,
    intent: &Id,
    reason: Option<&'static str>,
) -> Result<(), StripeError> {
    intents::cancel(world, intent, reason)
}

/// Returns a payment method by id; a test name such as `pm_card_visa` or `tok_visa` makes a new
/// one, attached to the customer where one is given.
pub(crate) fn method(
    world: &mut World,
    name: &str,
    customer: Option<&Id>,
    param: &str,
) -> Result<Id, StripeError> {
    methods::method(world, name, customer, param)
}

/// Attaches a payment method to a customer (`payment_method.attached`); a card that does not let
/// itself be attached is a card error.
pub(crate) fn attach(world: &mut World, method: &Id, customer: &Id) -> Result<(), StripeError> {
    methods::attach(world, method, customer)
}

/// Says how charging a payment method would end, without charging it.
pub(crate) fn foresee(world: &World, method: &Id, off_session: bool) -> Result<(), StripeError> {
    confirm::foresee(world, method, off_session)
}

/// Returns what an invoice of the customer is charged to unless something else is named.
pub(crate) fn default_method(world: &World, customer: &Id) -> Option<Id> {
    let customer = world.customers.get(customer)?;
    let own = customer.invoice_settings.default_payment_method.as_ref();
    own.or(customer.default_source.as_ref()).cloned()
}

/// Settles a delayed payment that is due.
pub(crate) fn wake(world: &mut World, intent: &Id) {
    debits::wake(world, intent);
}

/// The bank answers a refund.
pub(crate) fn wake_refund(world: &mut World, refund: &Id) {
    refunds::wake(world, refund);
}

/// Ends a dispute whose time to answer is over.
pub(crate) fn wake_dispute(world: &mut World, dispute: &Id) {
    disputes::wake(world, dispute);
}

/// From now on every payment of the customer, or of everybody, is declined with a code.
pub(crate) fn fail_from_now(world: &mut World, customer: Option<&Id>, decline_code: &str) {
    world.failing.insert(customer.cloned(), declines::find(decline_code));
}

/// Payments go as their test cards say again.
pub(crate) fn succeed_from_now(world: &mut World, customer: Option<&Id>) {
    world.failing.remove(&customer.cloned());
}

impl World {
    /// Returns how payments of a customer are declined now, whatever the card.
    pub(crate) fn failing(&self, customer: Option<&Id>) -> Option<&'static Decline> {
        if self.failing.is_empty() {
            return None;
        }
        let own = customer.and_then(|customer| self.failing.get(&Some(customer.clone())));
        own.or_else(|| self.failing.get(&None)).copied()
    }
}
