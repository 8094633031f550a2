//! Deep links into the portal: `flow_data`.
//!
//! <https://docs.stripe.com/customer-management/portal-deep-links> (2026-11)

use super::features;
use crate::checkout::rules;
use crate::error::StripeError;
use crate::object::coupon::Coupon;
use crate::object::portal_configuration::Features;
use crate::object::portal_session::{
    AfterCompletion, CouponOffer, Flow, FlowCancel, FlowConfirm, FlowDiscount, FlowItem,
    FlowSubscription, HostedConfirmation, Redirect, Retention,
};
use crate::object::price::Price;
use crate::object::subscription::Subscription;
use crate::object::{Id, Null};
use crate::params::Params;
use crate::world::World;

const KINDS: [&str; 5] = [
    "customer_update",
    "payment_method_update",
    "subscription_cancel",
    "subscription_update",
    "subscription_update_confirm",
];

/// Reads `flow_data` of a session.
pub(super) fn read(
    world: &World,
    given: &Params,
    customer: &Id,
    rules: &Features,
) -> Result<Flow, StripeError> {
    if given.text("type") == Some("subscription_pause") {
        return Err(given.refuse("type", "Pausing is not part of the sandbox's portal."));
    }
    let kind = features::word(given, "type", &KINDS)?.ok_or_else(|| given.missing("type"))?;
    check_own(given, kind)?;
    check_enabled(given, kind, rules)?;
    let mut flow = Flow {
        after_completion: after(given)?,
        customer_update: Null,
        subscription_cancel: None,
        subscription_pause: Null,
        subscription_update: None,
        subscription_update_confirm: None,
        kind,
    };
    let part = given.sub(kind);
    match (kind, part) {
        ("subscription_cancel" | "subscription_update" | "subscription_update_confirm", None) => {
            return Err(given.missing(kind));
        }
        ("subscription_cancel", Some(part)) => {
            flow.subscription_cancel = Some(cancel(world, &part, customer)?);
        }
        ("subscription_update", Some(part)) => {
            let subscription = subscription(world, &part, customer)?;
            flow.subscription_update = Some(FlowSubscription { subscription });
        }
        ("subscription_update_confirm", Some(part)) => {
            flow.subscription_update_confirm = Some(confirm(world, &part, customer)?);
        }
        _ => {}
    }
    Ok(flow)
}

/// Only the parameters of the flow's own type may be there.
fn check_own(given: &Params, kind: &str) -> Result<(), StripeError> {
    let other = given.names().find(|name| name.starts_with("subscription_") && *name != kind);
    match other {
        Some(other) => {
            let message = format!("`{other}` can not be used with the flow type `{kind}`.");
            Err(given.refuse(other, message))
        }
        None => Ok(()),
    }
}

fn check_enabled(given: &Params, kind: &str, features: &Features) -> Result<(), StripeError> {
    let (enabled, feature) = match kind {
        "customer_update" => (features.customer_update.enabled, "customer_update"),
        "payment_method_update" => (features.payment_method_update.enabled, kind),
        "subscription_cancel" => (features.subscription_cancel.enabled, kind),
        _ => (features.subscription_update.enabled, "subscription_update"),
    };
    if enabled {
        return Ok(());
    }
    let message = format!(
        "The flow `{kind}` needs the feature `{feature}`, which the configuration has not."
    );
    Err(given.refuse("type", message))
}

fn after(given: &Params) -> Result<AfterCompletion, StripeError> {
    let usual =
        AfterCompletion { hosted_confirmation: None, redirect: None, kind: "portal_homepage" };
    let Some(after) = given.sub("after_completion") else { return Ok(usual) };
    let kinds = ["hosted_confirmation", "portal_homepage", "redirect"];
    let kind = features::word(&after, "type", &kinds)?.ok_or_else(|| after.missing("type"))?;
    match kind {
        "redirect" => {
            let redirect = after.sub("redirect").ok_or_else(|| after.missing("redirect"))?;
            let return_url = redirect.need_text("return_url")?.to_owned();
            if !rules::is_address(&return_url) {
                return Err(redirect.refuse("return_url", "Not a valid URL").code("url_invalid"));
            }
            Ok(AfterCompletion { redirect: Some(Redirect { return_url }), kind, ..usual })
        }
        "hosted_confirmation" => {
            let confirmation = after.sub("hosted_confirmation").unwrap_or_default();
            let custom_message = confirmation.text("custom_message").map(str::to_owned);
            let hosted_confirmation = Some(HostedConfirmation { custom_message });
            Ok(AfterCompletion { hosted_confirmation, kind, ..usual })
        }
        _ => Ok(usual),
    }
}

/// Reads the subscription of a flow: one of the customer's that is not over.
fn subscription(world: &World, part: &Params, customer: &Id) -> Result<Id, StripeError> {
    let id = part.need_text("subscription")?;
    let found = world.need::<Subscription>(id, &part.path("subscription"))?;
    if found.customer != *customer {
        let message = format!("The subscription '{id}' does not belong to this customer.");
        return Err(part.refuse("subscription", message));
    }
    if found.status.is_over() {
        let message = format!("The subscription '{id}' has ended.");
        return Err(part.refuse("subscription", message));
    }
    Ok(found.id.clone())
}

fn cancel(world: &World, part: &Params, customer: &Id) -> Result<FlowCancel, StripeError> {
    let subscription = subscription(world, part, customer)?;
    if world.known::<Subscription>(&subscription).cancel_at.is_some() {
        let message = format!("The subscription '{subscription}' is already set to be canceled.");
        return Err(part.refuse("subscription", message));
    }
    let Some(retention) = part.sub("retention") else {
        return Ok(FlowCancel { retention: None, subscription });
    };
    let offer = retention.sub("coupon_offer").ok_or_else(|| retention.missing("coupon_offer"))?;
    let coupon = offer.need_text("coupon")?;
    let coupon = world.need::<Coupon>(coupon, &offer.path("coupon"))?.id.clone();
    let retention = Retention { coupon_offer: CouponOffer { coupon }, kind: "coupon_offer" };
    Ok(FlowCancel { retention: Some(retention), subscription })
}

fn confirm(world: &World, part: &Params, customer: &Id) -> Result<FlowConfirm, StripeError> {
    let subscription = subscription(world, part, customer)?;
    let given = part.list("items").ok_or_else(|| part.missing("items"))?;
    if given.len() != 1 {
        return Err(part.refuse("items", "A change in the portal is of exactly one item."));
    }
    let items = given.iter().map(|item| confirm_item(world, item, &subscription));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let discounts = part.list("discounts").map(|discounts| {
        let id = |discount: &Params, name: &str| discount.text(name).map(Id::from);
        let read = |discount: &Params| FlowDiscount {
            coupon: id(discount, "coupon"),
            promotion_code: id(discount, "promotion_code"),
        };
        discounts.iter().map(read).collect()
    });
    Ok(FlowConfirm { discounts, items, subscription })
}

fn confirm_item(world: &World, item: &Params, subscription: &Id) -> Result<FlowItem, StripeError> {
    let id = item.need_text("id")?;
    let items = &world.known::<Subscription>(subscription).items.data;
    let known = items.iter().find(|one| *one.id == *id);
    let known = known
        .ok_or_else(|| StripeError::no_such_param("subscription_item", id, &item.path("id")))?;
    let price = match item.text("price") {
        None => None,
        Some(price) => Some(world.need::<Price>(price, &item.path("price"))?.id.clone()),
    };
    Ok(FlowItem { id: known.id.clone(), price, quantity: item.int("quantity") })
}
