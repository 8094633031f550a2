//! Payment methods: made from test names and numbers, attached to customers and taken from them.

use std::borrow::Cow;
use std::sync::Arc;

use super::banks::{self, TestBank};
use super::cards::{self, Doubt, Nature, TestCard};
use super::declines;
use crate::error::StripeError;
use crate::money::calendar::civil;
use crate::object::customer::Customer;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::{Card, Checks, Means, PaymentMethod, UsBankAccount};
use crate::object::token::Token;
use crate::object::{Id, Metadata, Null, Object as _};
use crate::world::World;
use crate::world::change::shape;

/// A payment method that a call names: one that is there, or one to be made.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    There(Id),
    New(Means),
}

/// Finds what a call names, without changing anything.
pub(super) fn look(world: &World, name: &str, param: &str) -> Result<Wanted, StripeError> {
    if let Some(row) = world.payment_methods.get(name) {
        return Ok(Wanted::There(row.id.clone()));
    }
    if let Some(means) = by_name(world, name) {
        return Ok(Wanted::New(means));
    }
    match world.tokens.get(name) {
        Some(token) if token.used => Err(StripeError::param(
            param,
            format!("A token can be used only once, and {name} was used before."),
        )
        .code("token_already_used")),
        Some(token) => Ok(Wanted::New(token.means.clone())),
        None => Err(StripeError::param(param, format!("No such PaymentMethod: '{name}'"))
            .code("resource_missing")),
    }
}

/// Returns what a test name stands for.
pub(super) fn by_name(world: &World, name: &str) -> Option<Means> {
    if let Some(bank) = banks::named_account(name) {
        return Some(us_account(bank));
    }
    cards::by_name(name).map(|card| Means::Card(new_card(card, world.now())))
}

fn us_account(bank: &'static TestBank) -> Means {
    Means::UsBankAccount(UsBankAccount {
        account_holder_type: "individual",
        account_type: "checking",
        account_number: Cow::Borrowed(bank.number),
        routing_number: Cow::Borrowed(banks::ROUTING),
        fate: bank,
    })
}

/// Returns a test card as its name gives it: valid until August of next year.
fn new_card(test: &'static TestCard, now: i64) -> Card {
    let checks = Checks {
        address_line1_check: None,
        address_postal_code_check: None,
        cvc_check: Some("unchecked"),
    };
    Card { test, exp_month: 8, exp_year: civil(now).0 + 1, checks }
}

/// Makes what was found; a token is used up by it.
pub(super) fn take(world: &mut World, wanted: Wanted, name: &str) -> Id {
    match wanted {
        Wanted::There(id) => id,
        Wanted::New(means) => {
            world.edit::<Token>(name, |token| token.used = true);
            make(world, means)
        }
    }
}

/// Makes a payment method of nobody. No event tells of it.
pub(super) fn make(world: &mut World, means: Means) -> Id {
    let row = blank(world, means);
    let id = row.id.clone();
    world.add(row);
    id
}

/// Returns a payment method that is not yet in the world.
pub(super) fn blank(world: &mut World, means: Means) -> PaymentMethod {
    PaymentMethod {
        id: world.new_id(PaymentMethod::PREFIX),
        object: PaymentMethod::NAME,
        allow_redisplay: "unspecified",
        billing_details: Arc::default(),
        created: world.now(),
        customer: None,
        customer_account: Null,
        livemode: false,
        metadata: Metadata::new(),
        kind: means.kind(),
        means,
        spent: false,
        set_up: false,
        mandate: None,
    }
}

/// See [`super::method`].
pub(super) fn method(
    world: &mut World,
    name: &str,
    customer: Option<&Id>,
    param: &str,
) -> Result<Id, StripeError> {
    let wanted = look(world, name, param)?;
    match (&wanted, customer) {
        (Wanted::There(id), Some(customer)) => belongs(world, id, customer, param)?,
        (Wanted::New(means), Some(_)) => lets_itself_be_attached(means)?,
        _ => {}
    }
    let fresh = matches!(wanted, Wanted::New(_));
    let id = take(world, wanted, name);
    if let (true, Some(customer)) = (fresh, customer) {
        attach(world, &id, customer)?;
    }
    Ok(id)
}

/// Refuses a payment method of another customer, or of nobody.
pub(super) fn belongs(
    world: &World,
    id: &str,
    customer: &Id,
    param: &str,
) -> Result<(), StripeError> {
    if world.known::<PaymentMethod>(id).customer.as_ref() == Some(customer) {
        return Ok(());
    }
    Err(not_theirs(id, param))
}

/// The refusal of a payment method that is not the customer's.
pub(super) fn not_theirs(id: &str, param: &str) -> StripeError {
    let message = format!(
        "The customer does not have a payment method with the ID {id}. Attach it to the customer \
         first."
    );
    StripeError::param(param, message).code("resource_missing")
}

/// Refuses a card whose bank does not confirm it.
pub(super) fn lets_itself_be_attached(means: &Means) -> Result<(), StripeError> {
    let Means::Card(card) = means else { return Ok(()) };
    match card.test.refuses_attaching() {
        Some(code) => Err(declines::refusal(declines::find(code), None, None)),
        None => Ok(()),
    }
}

/// See [`super::attach`].
pub(super) fn attach(world: &mut World, method: &Id, customer: &Id) -> Result<(), StripeError> {
    world.need::<Customer>(customer, "customer")?;
    if world.get::<PaymentMethod>(method)?.customer.as_ref() == Some(customer) {
        return Ok(());
    }
    joinable(world, &Wanted::There(method.clone()))?;
    join(world, method, customer);
    Ok(())
}

/// Refuses what no customer can get: another's, used up, or a card that its bank does not confirm.
pub(super) fn joinable(world: &World, wanted: &Wanted) -> Result<(), StripeError> {
    let id = match wanted {
        Wanted::New(means) => return lets_itself_be_attached(means),
        Wanted::There(id) => id,
    };
    let row = world.known::<PaymentMethod>(id);
    if row.customer.is_some() {
        return Err(StripeError::invalid(
            "The payment method you provided has already been attached to a customer.",
        ));
    }
    if row.spent {
        return Err(used_up());
    }
    lets_itself_be_attached(&row.means).map_err(|error| error.with("payment_method", shape(row)))
}

/// Gives a payment method to a customer (`payment_method.attached`).
pub(super) fn join(world: &mut World, method: &Id, customer: &Id) {
    world.edit::<PaymentMethod>(method, |row| {
        row.customer = Some(customer.clone());
        look_at_card(row);
    });
    world.payment_methods.own(customer, method);
    world.emit::<PaymentMethod>("payment_method.attached", method);
}

/// The bank looks at a card's details when it is attached or charged.
pub(super) fn look_at_card(row: &mut PaymentMethod) {
    let address = &row.billing_details.address;
    let (line1, code) = (address.line1.is_some(), address.postal_code.is_some());
    let Means::Card(card) = &mut row.means else { return };
    let doubt = match card.test.nature {
        Nature::Doubtful(doubt) => Some(doubt),
        _ => None,
    };
    let answer = |given: bool, failing: &[Doubt]| match doubt {
        Some(doubt) if failing.contains(&doubt) => Some("fail"),
        Some(Doubt::Unchecked) if given => Some("unchecked"),
        _ => given.then_some("pass"),
    };
    card.checks = Checks {
        address_line1_check: answer(line1, &[Doubt::Line1, Doubt::Address]),
        address_postal_code_check: answer(code, &[Doubt::PostalCode, Doubt::Address]),
        cvc_check: match (card.checks.cvc_check, doubt) {
            (Some("unchecked"), Some(Doubt::Cvc)) => Some("fail"),
            (Some("unchecked"), _) => Some("pass"),
            (known, _) => known,
        },
    };
}

/// Takes a payment method from its customer (`payment_method.detached`); it can never be used
/// again.
pub(super) fn detach(world: &mut World, id: &str) -> Result<(), StripeError> {
    let Some(customer) = world.get::<PaymentMethod>(id)?.customer.clone() else {
        return Err(StripeError::invalid(
            "The payment method you provided is not attached to a customer, so it cannot be \
             detached.",
        ));
    };
    world.update::<PaymentMethod>(id, "payment_method.detached", |row| {
        row.customer = None;
        row.spent = true;
    });
    world.update::<Customer>(&customer, "customer.updated", |row| {
        let settings = &mut row.invoice_settings;
        for default in [&mut settings.default_payment_method, &mut row.default_source] {
            if default.as_deref() == Some(id) {
                *default = None;
            }
        }
    });
    Ok(())
}

/// Says whether an intent can be paid with a method: its kind, its customer, its past.
pub(super) fn usable(world: &World, intent: &PaymentIntent, id: &str) -> Result<(), StripeError> {
    let row = world.need::<PaymentMethod>(id, "payment_method")?;
    if !intent.payment_method_types.0.contains(&row.kind) {
        return Err(unfit(row.kind.as_str()));
    }
    usable_by(row, intent.customer.as_ref())
}

/// Says whether a customer, or nobody, can use a method.
pub(super) fn usable_by(row: &PaymentMethod, customer: Option<&Id>) -> Result<(), StripeError> {
    let id = &row.id;
    match (&row.customer, customer) {
        (Some(owner), Some(customer)) if owner == customer => Ok(()),
        (Some(_), Some(_)) => Err(not_theirs(id, "payment_method")),
        (Some(_), None) => Err(StripeError::param(
            "payment_method",
            format!(
                "The PaymentMethod {id} belongs to a Customer. Name that Customer in `customer`."
            ),
        )),
        (None, _) if row.spent => Err(used_up()),
        (None, _) => Ok(()),
    }
}

/// The refusal of a payment method that an intent does not take.
pub(super) fn unfit(kind: &str) -> StripeError {
    let message = format!(
        "The PaymentMethod provided ({kind}) is not allowed for this intent. Use one of its \
         payment_method_types."
    );
    StripeError::param("payment_method", message).code("payment_intent_incompatible_payment_method")
}

fn used_up() -> StripeError {
    StripeError::param(
        "payment_method",
        "This PaymentMethod was used without a Customer, or was detached from one, and cannot be \
         used again. Attach a PaymentMethod to a Customer to use it more than once.",
    )
}
