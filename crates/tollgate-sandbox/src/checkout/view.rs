//! A session as its page shows it.
//!
//! Every page carries `clock` (now, in Unix seconds), `exponents` (the decimals of the currencies
//! in it) and `merchant`. Amounts are minor units beside a `currency`; `per` is a phrase such as
//! `per month`, or null.

use serde_json::{Map, Value, json};

use super::coupon::{self, Reduction};
use super::{confirm, sums};
use crate::money::calendar::{Interval, day_in_words};
use crate::money::currency::Currency;
use crate::object::checkout_session::{CheckoutSession, Mode, Status, Trial};
use crate::object::customer::Customer;
use crate::object::item::Item;
use crate::object::product::Product;
use crate::world::World;

/// Returns the page of a session.
pub(super) fn show(world: &World, session: &CheckoutSession) -> Value {
    let now = world.now_of(session.customer.as_ref());
    let coupon = coupon::of(world, session);
    let later = sums::later(world, session, now);
    let subscribes = session.mode == Mode::Subscription;
    let lines: Vec<Value> =
        session.hidden.lines.iter().map(|line| show_line(world, line)).collect();
    let subtotal: i64 =
        session.hidden.lines.iter().map(|line| line.price.amount(line.count())).sum();
    let interval = session.hidden.lines.iter().find_map(|line| line.price.interval());
    let required = confirm::needs_method(world, session);
    json!({
        "clock": now,
        "exponents": exponents(session.currency),
        "merchant": session.branding_settings["display_name"],
        "id": session.id,
        "currency": session.currency,
        "mode": session.mode,
        "status": session.status,
        "cancel_url": session.cancel_url,
        "redirect": (session.status == Status::Complete).then(|| redirect(session)),
        "recovery_url": recovery_url(session),
        "redirect_on_completion": session.redirect_on_completion.unwrap_or("always"),
        "lines": lines,
        "subtotal": subtotal,
        "discount": coupon.map(|coupon| show_discount(session, &coupon)),
        "total": sums::due_now(world, session),
        "trial": session.hidden.trial.map(|trial| json!({ "text": trial_words(trial) })),
        "recurring": later.filter(|_| subscribes).map(|later| json!({
            "amount": later.amount,
            "currency": session.currency,
            "per": interval.map(per),
            "from": later.from,
        })),
        "promotion_code": session.allow_promotion_codes == Some(true),
        "customer": customer(world, session),
        "methods": session.payment_method_types,
        "payment_required": required,
        "button": button(session),
        "note": session.custom_text.submit.as_ref().map(|text| &text.message),
    })
}

/// Returns where a complete session leads, with its id filled in.
pub(super) fn redirect(session: &CheckoutSession) -> Option<String> {
    let address = match session.redirect_on_completion {
        // Cards and debits need no redirect of their own.
        Some("never" | "if_required") => None,
        Some(_) => session.return_url.as_ref(),
        None => session.success_url.as_ref().or(session.return_url.as_ref()),
    };
    address.map(|address| {
        address
            .replace("{CHECKOUT_SESSION_ID}", &session.id)
            .replace("%7BCHECKOUT_SESSION_ID%7D", &session.id)
    })
}

fn recovery_url(session: &CheckoutSession) -> Option<&String> {
    session.after_expiration.as_ref()?.recovery.as_ref()?.url.as_ref()
}

/// Returns the decimals of a page's currency.
pub(super) fn exponents(currency: impl IntoIterator<Item = Currency>) -> Value {
    let decimals = |currency: Currency| (currency.as_str().to_owned(), json!(currency.exponent()));
    Value::Object(currency.into_iter().map(decimals).collect::<Map<_, _>>())
}

/// Returns how often something comes, in words.
pub(super) fn per(interval: Interval) -> String {
    let unit = interval.unit.as_str();
    match interval.count {
        1 => format!("per {unit}"),
        count => format!("every {count} {unit}s"),
    }
}

fn show_line(world: &World, line: &Item) -> Value {
    let product = world.get::<Product>(&line.price.product).ok();
    let limits = line.adjustable_quantity.filter(|limits| limits.enabled);
    let amount = line.price.amount(line.count());
    json!({
        "id": line.id,
        "name": product.map_or("", |product| product.name.as_str()),
        "description": product.and_then(|product| product.description.as_ref()),
        "quantity": line.count().max(i64::from(line.quantity.is_none())),
        "unit_amount": line.price.unit_amount.unwrap_or(amount),
        "amount": amount,
        "per": line.price.interval().map(per),
        "adjustable": limits.map(|limits| json!({
            "minimum": limits.minimum.unwrap_or(0),
            "maximum": limits.maximum,
        })),
    })
}

fn show_discount(session: &CheckoutSession, coupon: &Reduction) -> Value {
    let amounts: Vec<i64> =
        session.hidden.lines.iter().map(|line| line.price.amount(line.count())).collect();
    let off: i64 = sums::cuts(&session.hidden.lines, &amounts, Some(coupon)).iter().sum();
    json!({
        "name": coupon.name,
        "text": coupon.words(session.mode == Mode::Subscription),
        "amount": off,
        "removable": session.hidden.code_entered,
    })
}

fn trial_words(trial: Trial) -> String {
    match trial {
        Trial::Days(1) => "1 day free".to_owned(),
        Trial::Days(days) => format!("{days} days free"),
        Trial::Until(end) => format!("Free until {}", day_in_words(end)),
    }
}

fn customer(world: &World, session: &CheckoutSession) -> Value {
    let known = session.customer.as_ref().and_then(|id| world.get::<Customer>(id).ok());
    let email = known.and_then(|row| row.email.as_ref()).or(session.customer_email.as_ref());
    json!({
        "email": email,
        "email_fixed": email.is_some(),
        "name": known.and_then(|row| row.name.as_ref()),
    })
}

fn button(session: &CheckoutSession) -> &'static str {
    match (session.mode, session.submit_type.as_deref()) {
        (Mode::Setup, _) => "save",
        (_, Some("book")) => "book",
        (_, Some("donate")) => "donate",
        (Mode::Payment, _) => "pay",
        (Mode::Subscription, Some("pay")) if session.hidden.trial.is_none() => "pay",
        (Mode::Subscription, _) if session.hidden.trial.is_some() => "start_trial",
        (Mode::Subscription, _) => "subscribe",
    }
}
