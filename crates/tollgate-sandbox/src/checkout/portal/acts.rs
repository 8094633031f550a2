//! What the portal's page can do beside changing a plan: end and resume, payment methods, the
//! customer's details.

use serde_json::json;

use super::{configuration, done, not_allowed, subscription, visit};
use crate::checkout::page::on_page;
use crate::checkout::{given, rules};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::customer::Customer;
use crate::object::portal_session::{PortalSession, Waiting};
use crate::payments::{self, Progress};
use crate::world::{Call, Method, Outcome, World};

/// Ends a subscription, now or at the end of its period, as the configuration says.
pub(super) fn cancel(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    let params = &call.params;
    let row = subscription(world, &visit, params.need_text("subscription")?)?;
    let path = format!("/v1/subscriptions/{}", row.id);
    let rules = configuration(world, &visit).features.subscription_cancel.clone();
    if !rules.enabled || row.status.is_over() || row.cancel_at.is_some() {
        return Err(not_allowed());
    }
    let mut details = json!({});
    for name in ["feedback", "comment"] {
        if let Some(text) = params.text(name) {
            details[name] = json!(text);
        }
    }
    let mut wanted = json!({ "cancellation_details": details });
    if rules.mode == "immediately" {
        wanted["prorate"] = json!(rules.proration_behavior == "create_prorations");
        world.ask(Method::Delete, &path, wanted)?;
    } else {
        // The flag is classic billing's; in flexible billing the portal sets the moment.
        let (name, end) = match row.billing_mode.is_flexible() {
            true => ("cancel_at", json!("min_period_end")),
            false => ("cancel_at_period_end", json!(true)),
        };
        wanted[name] = end;
        world.ask(Method::Post, &path, wanted)?;
    }
    done(world, call.id())
}

/// Takes back a cancellation at the end of the period, or a change that is scheduled for it.
pub(super) fn resume(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    let row = subscription(world, &visit, call.params.need_text("subscription")?)?.clone();
    if row.status.is_over() {
        return Err(not_allowed());
    }
    if let Some(schedule) = &row.schedule {
        let path = format!("/v1/subscription_schedules/{schedule}/release");
        world.ask(Method::Post, &path, json!({}))?;
    }
    if row.cancel_at.is_some() {
        let back = match row.cancel_at_period_end {
            true => json!({ "cancel_at_period_end": false }),
            false => json!({ "cancel_at": "" }),
        };
        world.ask(Method::Post, &format!("/v1/subscriptions/{}", row.id), back)?;
    }
    done(world, call.id())
}

/// Gives the coupon that a deep link offers to whoever stays.
pub(super) fn retention(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    let id = subscription(world, &visit, call.params.need_text("subscription")?)?.id.clone();
    let offer = visit.flow.as_ref().and_then(|flow| flow.subscription_cancel.as_ref());
    let offer = offer.filter(|cancel| cancel.subscription == id && !visit.flow_done);
    let coupon = offer.and_then(|cancel| cancel.retention.as_ref());
    let coupon = coupon.map(|retention| retention.coupon_offer.coupon.clone());
    let coupon = coupon.ok_or_else(not_allowed)?;
    let params = json!({ "discounts": [{ "coupon": coupon }] });
    world.ask(Method::Post, &format!("/v1/subscriptions/{id}"), params)?;
    done(world, call.id())
}

fn needs_methods(world: &World, visit: &PortalSession) -> Result<(), StripeError> {
    let enabled = configuration(world, visit).features.payment_method_update.enabled;
    if enabled { Ok(()) } else { Err(not_allowed()) }
}

/// Saves a payment method and makes it the default.
pub(super) fn add_method(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    needs_methods(world, &visit)?;
    let known = world.get::<Customer>(&visit.customer).ok().and_then(|row| row.email.clone());
    let method = given::method(world, &call.params, known.as_deref())?;
    let method = method.ok_or_else(|| StripeError::param("number", "Enter a card."))?;
    let params = json!({
        "customer": visit.customer,
        "payment_method": method,
        "usage": "off_session",
        "confirm": true,
        "allowed_payment_method_types": ["card", "sepa_debit"],
    });
    let made = world.ask(Method::Post, "/v1/setup_intents", params);
    let made = made.map_err(|error| on_page(given::at_field(error)))?;
    if made["status"] != "requires_action" {
        make_default(world, &visit, &method)?;
        return done(world, call.id());
    }
    let setup_intent: Id = made["id"].as_str().unwrap_or_default().into();
    let waiting = Waiting::Method { setup_intent: setup_intent.clone(), method };
    world.edit::<PortalSession>(&visit.id, |row| row.action = Some(waiting));
    let action = json!({
        "id": setup_intent, "merchant": world.settings.business_name, "amount": null, "currency": "eur",
    });
    Ok(json!({ "status": "requires_action", "action": action }))
}

/// Charges everything to a method from now on, whatever a subscription was charged to before.
fn make_default(world: &mut World, visit: &PortalSession, method: &Id) -> Result<(), StripeError> {
    let params = json!({ "invoice_settings": { "default_payment_method": method } });
    world.ask(Method::Post, &format!("/v1/customers/{}", visit.customer), params)?;
    let own = world.subscriptions.of(&visit.customer).filter(|row| {
        !row.status.is_over()
            && row.default_payment_method.as_ref().is_some_and(|own| own != method)
    });
    let ids: Vec<Id> = own.map(|row| row.id.clone()).collect();
    for id in ids {
        let params = json!({ "default_payment_method": method });
        world.ask(Method::Post, &format!("/v1/subscriptions/{id}"), params)?;
    }
    Ok(())
}

/// Returns a payment method of the visitor.
fn own_method(world: &World, visit: &PortalSession, params: &str) -> Result<Id, StripeError> {
    let found =
        crate::api::object(world, params).filter(|row| row["customer"] == json!(visit.customer));
    let found = found.and_then(|row| row["id"].as_str().map(Id::from));
    found.ok_or_else(|| StripeError::no_such_param("payment_method", params, "payment_method"))
}

pub(super) fn default_method(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    needs_methods(world, &visit)?;
    let method = own_method(world, &visit, call.params.need_text("payment_method")?)?;
    make_default(world, &visit, &method)?;
    done(world, call.id())
}

pub(super) fn remove_method(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    needs_methods(world, &visit)?;
    let method = own_method(world, &visit, call.params.need_text("payment_method")?)?;
    let pays = world
        .subscriptions
        .of(&visit.customer)
        .any(|row| !row.status.is_over() && row.default_payment_method.as_ref() == Some(&method));
    if pays || payments::default_method(world, &visit.customer).as_ref() == Some(&method) {
        let message = "This payment method is in use. Make another one the default first.";
        return Err(StripeError::invalid(message));
    }
    world.ask(Method::Post, &format!("/v1/payment_methods/{method}/detach"), json!({}))?;
    done(world, call.id())
}

pub(super) fn change_customer(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    let update = configuration(world, &visit).features.customer_update.clone();
    let mut wanted = json!({});
    for name in call.params.names().filter(|name| matches!(*name, "name" | "email")) {
        if !update.enabled || !update.allowed_updates.iter().any(|one| one == name) {
            return Err(not_allowed());
        }
        // A name may be all digits, which are a number by now.
        wanted[name] = json!(call.params.decimal(name).unwrap_or_default());
    }
    if wanted["email"].as_str().is_some_and(|email| !rules::is_email(email)) {
        return Err(StripeError::param("email", "This is not an e-mail address."));
    }
    world.ask(Method::Post, &format!("/v1/customers/{}", visit.customer), wanted)?;
    done(world, call.id())
}

/// The visitor's bank said that it is them, or not.
pub(super) fn act(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    let named = call.params.need_text("action")?;
    let waiting = visit.action.clone().filter(|waiting| match waiting {
        Waiting::Method { setup_intent, .. } => **setup_intent == *named,
        Waiting::Payment { intent } => **intent == *named,
    });
    let waiting = waiting.ok_or_else(|| {
        StripeError::param("action", "Nothing waits for a confirmation here.").status(409)
    })?;
    world.edit::<PortalSession>(&visit.id, |row| row.action = None);
    let authenticated = call.params.text("outcome") == Some("complete");
    let (Waiting::Method { setup_intent: intent, .. } | Waiting::Payment { intent }) = &waiting;
    let progress = payments::complete_action(world, intent, authenticated);
    let progress = progress.map_err(|error| on_page(given::at_field(error)))?;
    debug_assert!(progress != Progress::RequiresAction, "a check is made once");
    if let Waiting::Method { method, .. } = &waiting {
        make_default(world, &visit, method)?;
    }
    done(world, call.id())
}
