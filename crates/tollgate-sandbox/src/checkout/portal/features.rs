//! What a portal configuration allows, read from a call.

use crate::error::StripeError;
use crate::object::Null;
use crate::object::checkout_session::Enabled;
use crate::object::portal_configuration::{
    CancellationReason, Condition, CustomerUpdate, Features, MethodUpdate, PauseDuration,
    PauseOption, PortalProduct, PortalQuantity, ScheduleAtPeriodEnd, SubscriptionCancel,
    SubscriptionPause, SubscriptionUpdate,
};
use crate::object::price::Price;
use crate::object::product::Product;
use crate::params::Params;
use crate::world::World;

/// The most products that customers can choose from.
const PRODUCTS_MAX: usize = 10;
/// Why customers leave, unless the call says otherwise.
const REASONS: [&str; 5] =
    ["too_expensive", "missing_features", "switched_service", "unused", "other"];

/// Returns everything switched off, from which a call switches on.
pub(super) fn none() -> Features {
    Features {
        customer_update: CustomerUpdate::default(),
        invoice_history: Enabled::default(),
        payment_method_update: MethodUpdate::default(),
        subscription_cancel: SubscriptionCancel {
            cancellation_reason: CancellationReason {
                enabled: false,
                feedback_options: Null,
                options: REASONS.map(str::to_owned).to_vec(),
            },
            enabled: false,
            mode: "at_period_end",
            proration_behavior: "none",
        },
        subscription_pause: SubscriptionPause {
            duration: PauseDuration {
                interval_options: vec![PauseOption { interval: "month", interval_count: 1 }],
                kind: "interval_options",
            },
            enabled: false,
        },
        subscription_update: SubscriptionUpdate {
            billing_cycle_anchor: Some("unchanged"),
            default_allowed_updates: Vec::new(),
            enabled: false,
            products: Some(Vec::new()),
            proration_behavior: "none",
            schedule_at_period_end: ScheduleAtPeriodEnd::default(),
            trial_update_behavior: "end_trial",
        },
    }
}

/// Returns what the configuration allows that the sandbox makes by itself: everything its portal
/// can do, with every price on sale.
pub(super) fn usual() -> Features {
    let mut features = none();
    features.customer_update = CustomerUpdate {
        allowed_updates: vec!["email".to_owned(), "name".to_owned()],
        enabled: true,
    };
    features.invoice_history.enabled = true;
    features.payment_method_update.enabled = true;
    features.subscription_cancel.enabled = true;
    features.subscription_cancel.cancellation_reason.enabled = true;
    features.subscription_update.enabled = true;
    features.subscription_update.products = None;
    features.subscription_update.proration_behavior = "always_invoice";
    features.subscription_update.default_allowed_updates =
        vec!["price".to_owned(), "quantity".to_owned()];
    features
}

/// Changes features as `features` says; what it does not name stays.
pub(super) fn change(
    world: &World,
    features: &mut Features,
    given: &Params,
) -> Result<(), StripeError> {
    if let Some(update) = given.sub("customer_update") {
        change_customer(&mut features.customer_update, &update)?;
    }
    if let Some(history) = given.sub("invoice_history") {
        features.invoice_history.enabled = enabled(&history)?;
    }
    if let Some(update) = given.sub("payment_method_update") {
        features.payment_method_update.enabled = enabled(&update)?;
        absent(&update, "payment_method_configuration")?;
    }
    if let Some(cancel) = given.sub("subscription_cancel") {
        change_cancel(&mut features.subscription_cancel, &cancel)?;
    }
    if given.sub("subscription_pause").is_some_and(|pause| pause.flag("enabled") == Some(true)) {
        let pause = given.sub("subscription_pause").unwrap_or_default();
        return Err(pause.refuse("enabled", "Pausing is not part of the sandbox's portal."));
    }
    if let Some(update) = given.sub("subscription_update") {
        change_update(world, &mut features.subscription_update, &update)?;
    }
    Ok(())
}

fn enabled(given: &Params) -> Result<bool, StripeError> {
    given.flag("enabled").ok_or_else(|| given.missing("enabled"))
}

fn absent(given: &Params, name: &str) -> Result<(), StripeError> {
    if given.has(name) {
        let message = format!("`{}` is not part of the sandbox.", given.path(name));
        return Err(given.refuse(name, message));
    }
    Ok(())
}

/// Reads one of some words.
pub(super) fn word(
    given: &Params,
    name: &str,
    words: &[&'static str],
) -> Result<Option<&'static str>, StripeError> {
    let Some(text) = given.text(name) else { return Ok(None) };
    let found = words.iter().find(|word| **word == text).copied();
    found.map(Some).ok_or_else(|| {
        given.refuse(name, format!("Invalid {name}: must be one of {}", words.join(", ")))
    })
}

fn change_customer(place: &mut CustomerUpdate, given: &Params) -> Result<(), StripeError> {
    place.enabled = enabled(given)?;
    if given.cleared("allowed_updates") {
        place.allowed_updates.clear();
    }
    if let Some(allowed) = given.texts("allowed_updates") {
        place.allowed_updates = allowed;
    }
    if place.enabled && place.allowed_updates.is_empty() {
        return Err(given.missing("allowed_updates"));
    }
    Ok(())
}

fn change_cancel(place: &mut SubscriptionCancel, given: &Params) -> Result<(), StripeError> {
    place.enabled = enabled(given)?;
    if let Some(mode) = word(given, "mode", &["at_period_end", "immediately"])? {
        place.mode = mode;
    }
    let ways = ["none", "create_prorations", "always_invoice"];
    if let Some(way) = word(given, "proration_behavior", &ways)? {
        place.proration_behavior = way;
    }
    let prorates = place.proration_behavior;
    if prorates == "always_invoice" || prorates != "none" && place.mode == "at_period_end" {
        let message = "A subscription that is canceled by its customer can be prorated with \
                       `create_prorations`, where `mode` is `immediately`.";
        return Err(given.refuse("proration_behavior", message));
    }
    if let Some(reason) = given.sub("cancellation_reason") {
        absent(&reason, "feedback_options")?;
        place.cancellation_reason.enabled = enabled(&reason)?;
        if let Some(options) = reason.texts("options") {
            place.cancellation_reason.options = options;
        }
    }
    Ok(())
}

fn change_update(
    world: &World,
    place: &mut SubscriptionUpdate,
    given: &Params,
) -> Result<(), StripeError> {
    place.enabled = enabled(given)?;
    if let Some(anchor) = word(given, "billing_cycle_anchor", &["now", "unchanged"])? {
        place.billing_cycle_anchor = Some(anchor);
    }
    if let Some(allowed) = given.texts("default_allowed_updates") {
        place.default_allowed_updates = allowed;
    }
    let ways = ["none", "create_prorations", "always_invoice"];
    if let Some(way) = word(given, "proration_behavior", &ways)? {
        place.proration_behavior = way;
    }
    if let Some(trial) = word(given, "trial_update_behavior", &["end_trial", "continue_trial"])? {
        place.trial_update_behavior = trial;
    }
    if given.cleared("products") {
        place.products = Some(Vec::new());
    }
    if let Some(products) = given.list("products") {
        place.products = Some(read_products(world, given, &products)?);
    }
    if let Some(schedule) = given.sub("schedule_at_period_end") {
        place.schedule_at_period_end = read_schedule(&schedule)?;
    }
    check_update(place, given)
}

fn check_update(place: &SubscriptionUpdate, given: &Params) -> Result<(), StripeError> {
    if !place.enabled {
        return Ok(());
    }
    if place.default_allowed_updates.is_empty() {
        return Err(given.missing("default_allowed_updates"));
    }
    if place.products.as_ref().is_some_and(Vec::is_empty) {
        return Err(given.missing("products"));
    }
    Ok(())
}

fn read_products(
    world: &World,
    given: &Params,
    products: &[Params],
) -> Result<Vec<PortalProduct>, StripeError> {
    if products.len() > PRODUCTS_MAX {
        let message = format!("A portal can offer at most {PRODUCTS_MAX} products.");
        return Err(given.refuse("products", message));
    }
    products.iter().map(|product| read_product(world, product)).collect()
}

fn read_product(world: &World, given: &Params) -> Result<PortalProduct, StripeError> {
    let product = given.need_text("product")?;
    let product = world.need::<Product>(product, &given.path("product"))?.id.clone();
    let named = given.texts("prices").ok_or_else(|| given.missing("prices"))?;
    let mut prices = Vec::new();
    for id in named {
        let price = world.need::<Price>(&id, &given.path("prices"))?;
        if price.product != product || price.recurring.is_none() {
            let message = format!("The price '{id}' is not a recurring price of this product.");
            return Err(given.refuse("prices", message));
        }
        prices.push(price.id.clone());
    }
    Ok(PortalProduct { adjustable_quantity: read_quantity(given)?, prices, product })
}

fn read_quantity(given: &Params) -> Result<PortalQuantity, StripeError> {
    let Some(limits) = given.sub("adjustable_quantity") else {
        return Ok(PortalQuantity { enabled: false, maximum: None, minimum: 1 });
    };
    let quantity = PortalQuantity {
        enabled: enabled(&limits)?,
        maximum: limits.int("maximum"),
        minimum: limits.int("minimum").unwrap_or(1),
    };
    if quantity.minimum < 1 || quantity.maximum.is_some_and(|most| most < quantity.minimum) {
        return Err(limits.refuse("minimum", "`minimum` is at least 1, and at most `maximum`."));
    }
    Ok(quantity)
}

fn read_schedule(given: &Params) -> Result<ScheduleAtPeriodEnd, StripeError> {
    let words = ["decreasing_item_amount", "shortening_interval"];
    let mut conditions = Vec::new();
    for condition in given.list("conditions").unwrap_or_default() {
        let kind = word(&condition, "type", &words)?.ok_or_else(|| condition.missing("type"))?;
        conditions.push(Condition { kind });
    }
    Ok(ScheduleAtPeriodEnd { conditions })
}
