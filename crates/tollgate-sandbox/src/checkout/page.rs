//! What the checkout page asks of the server, under `/_pages/checkout/{id}`.
//!
//! `pay` and `action` answer `{"status": "complete", "redirect"}`, `{"status": "requires_action",
//! "action"}` or an error; everything else answers the page anew. A refusal's `param` is one of
//! `number expiry cvc iban email name` where it belongs to a field of the page.

use serde_json::{Value, json};

use super::confirm::{self, Buyer, Step};
use super::{coupon, finish, given, lines, sums, view};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::checkout_session::{CheckoutSession, Mode};
use crate::object::customer::Customer;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/_pages/checkout/{id}", |world, call| show(world, call.id())),
    Route::post("/_pages/checkout/{id}/promotion_code", enter_code),
    Route::delete("/_pages/checkout/{id}/promotion_code", remove_code),
    Route::post("/_pages/checkout/{id}/quantity", choose_quantity),
    Route::post("/_pages/checkout/{id}/pay", pay),
    Route::post("/_pages/checkout/{id}/action", act),
];

fn show(world: &mut World, id: &str) -> Outcome {
    let session = world.get::<CheckoutSession>(id)?.clone();
    Ok(view::show(world, &session))
}

fn enter_code(world: &mut World, call: &Call) -> Outcome {
    let session = confirm::open(world, call.id())?.clone();
    if session.allow_promotion_codes != Some(true) {
        return Err(StripeError::param("code", "This checkout takes no promotion codes."));
    }
    // What a page sends as digits is a number by now.
    let code = call.params.decimal("code").unwrap_or_default();
    let discount = coupon::typed(world, &session, code.trim())?;
    change(world, &session, |row| {
        row.discounts = Some(vec![discount]);
        row.hidden.code_entered = true;
    })
}

fn remove_code(world: &mut World, call: &Call) -> Outcome {
    let session = confirm::open(world, call.id())?.clone();
    if !session.hidden.code_entered {
        return Err(StripeError::param("code", "There is no code that could be removed."));
    }
    change(world, &session, |row| {
        row.discounts = None;
        row.hidden.code_entered = false;
    })
}

fn choose_quantity(world: &mut World, call: &Call) -> Outcome {
    let session = confirm::open(world, call.id())?.clone();
    let (line, quantity) = (call.params.need_text("line")?, call.params.need_int("quantity")?);
    let place = session.hidden.lines.iter().position(|one| *one.id == *line);
    let place = place.ok_or_else(|| StripeError::no_such_param("item", line, "line"))?;
    lines::check_choice(&session.hidden.lines[place], quantity)?;
    let recurring = session.hidden.lines[place].is_recurring();
    let others = session.hidden.lines.iter().enumerate().filter(|(index, line)| {
        // A subscription is made of what comes again.
        *index != place && line.is_recurring() == recurring
    });
    let alone = recurring || session.mode == Mode::Payment;
    if quantity == 0 && alone && others.map(|(_, line)| line.count()).sum::<i64>() == 0 {
        return Err(StripeError::param("quantity", "At least one thing has to stay."));
    }
    change(world, &session, |row| row.hidden.lines[place].quantity = Some(quantity))
}

/// Changes a session and works its amounts out anew; answers the page.
fn change(
    world: &mut World,
    session: &CheckoutSession,
    change: impl FnOnce(&mut CheckoutSession),
) -> Outcome {
    let mut changed = session.clone();
    change(&mut changed);
    let now = world.now_of(changed.customer.as_ref());
    if let Some(anchor) = sums::anchor(&changed) {
        let prorates = changed.hidden.passed_on["proration_behavior"] != "none";
        let amounts = sums::early_amounts(&changed.hidden.lines, now, anchor, prorates);
        changed.hidden.first_amounts = Some(amounts);
    }
    sums::sum(world, &mut changed);
    world.edit::<CheckoutSession>(&session.id, |row| *row = changed.clone());
    Ok(view::show(world, &changed))
}

fn pay(world: &mut World, call: &Call) -> Outcome {
    let session = confirm::open(world, call.id())?.clone();
    let known = session.customer.as_ref().and_then(|id| world.get::<Customer>(id).ok());
    let known = known.and_then(|row| row.email.clone()).or_else(|| session.customer_email.clone());
    let email = given::email(&call.params, known.as_deref())?;
    let method = match confirm::needs_method(world, &session) {
        true => given::method(world, &call.params, email.as_deref())?,
        false => None,
    };
    let name = call.params.text("name").map(str::to_owned);
    let step = confirm::confirm(world, &session.id, method.as_ref(), &Buyer { email, name });
    answer(world, &session.id, step)
}

fn act(world: &mut World, call: &Call) -> Outcome {
    let action = confirm::pending(world, call.id(), call.params.need_text("action")?)?;
    let id: Id = call.id().into();
    let authenticated = call.params.text("outcome") == Some("complete");
    let step = confirm::resume(world, &id, &action, authenticated);
    answer(world, &id, step)
}

fn answer(world: &World, id: &Id, step: Result<Step, StripeError>) -> Result<Value, StripeError> {
    let session = world.known::<CheckoutSession>(id);
    match step.map_err(|error| on_page(given::at_field(error)))? {
        Step::Complete => Ok(json!({ "status": "complete", "redirect": view::redirect(session) })),
        Step::RequiresAction => {
            Ok(json!({ "status": "requires_action", "action": finish::action(world, session) }))
        }
    }
}

/// A failed payment is 402 for the page, whatever the API answers.
pub(super) fn on_page(error: StripeError) -> StripeError {
    let failed = ["payment_intent", "setup_intent"].iter().any(|name| error.field(name).is_some());
    let authentication = error.text("code").ends_with("authentication_failure");
    if failed || authentication { error.status(402) } else { error }
}
