//! What calls say of a subscription apart from its items: trials, collection, settings. Read and
//! checked here, for new subscriptions and for changes.

use crate::error::StripeError;
use crate::money::calendar::DAY;
use crate::object::Id;
use crate::object::subscription::{
    AutomaticTax, EndBehavior, PaymentSettings, Subscription, TrialSettings,
};
use crate::params::Params;
use crate::payments;
use crate::world::World;

/// The longest trial, in days.
const TRIAL_DAYS_MAX: i64 = 730;

/// What would make money differ from Stripe's if it were ignored.
const ABSENT: [&str; 11] = [
    "application_fee_percent",
    "backdate_start_date",
    "billing_schedules",
    "billing_thresholds",
    "customer_account",
    "default_source",
    "default_tax_rates",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "transfer_data",
    "invoice_settings",
];
/// The same, of an item.
const ABSENT_OF_ITEMS: [&str; 3] = ["billing_thresholds", "current_trial", "tax_rates"];

/// Refuses what a subscription of the sandbox cannot have.
pub(super) fn refuse_absent(params: &Params) -> Result<(), StripeError> {
    refuse(params, &ABSENT)?;
    if let Some(settings) = params.sub("payment_settings") {
        refuse(&settings, &["payment_method_options"])?;
    }
    for item in params.list("items").unwrap_or_default() {
        refuse_absent_of_item(&item)?;
    }
    Ok(())
}

/// Refuses what an item of the sandbox cannot have.
pub(super) fn refuse_absent_of_item(item: &Params) -> Result<(), StripeError> {
    refuse(item, &ABSENT_OF_ITEMS)
}

/// Refuses parameters by name.
pub(super) fn refuse(params: &Params, absent: &[&str]) -> Result<(), StripeError> {
    match absent.iter().find(|name| params.has(name)) {
        Some(name) => Err(params.refuse(name, format!("`{name}` is not part of the sandbox."))),
        None => Ok(()),
    }
}

/// Refuses parameters that another one rules out.
pub(super) fn refuse_beside(
    params: &Params,
    given: &str,
    others: &[&str],
) -> Result<(), StripeError> {
    match others.iter().find(|name| params.has(name)) {
        Some(name) => {
            Err(params.refuse(name, format!("`{name}` cannot be given together with `{given}`.")))
        }
        None => Ok(()),
    }
}

/// `proration_behavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Prorations {
    /// They wait for the next invoice.
    #[default]
    Create,
    /// They are billed at once.
    Invoice,
    None,
}

impl Prorations {
    pub(super) fn read(params: &Params) -> Self {
        Self::named(params.text("proration_behavior"))
    }

    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            Some("always_invoice") => Self::Invoice,
            Some("none") => Self::None,
            _ => Self::Create,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create_prorations",
            Self::Invoice => "always_invoice",
            Self::None => "none",
        }
    }
}

/// `payment_behavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Behavior {
    #[default]
    Allow,
    Default,
    Error,
    Pending,
}

impl Behavior {
    pub(super) fn read(params: &Params) -> Self {
        match params.text("payment_behavior") {
            Some("default_incomplete") => Self::Default,
            Some("error_if_incomplete") => Self::Error,
            Some("pending_if_incomplete") => Self::Pending,
            _ => Self::Allow,
        }
    }
}

/// Reads a `trial_end` that is a moment.
pub(super) fn trial_end(params: &Params, now: i64) -> Result<Option<i64>, StripeError> {
    match params.int("trial_end") {
        Some(end) if end <= now => {
            let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
            Err(params.refuse("trial_end", message))
        }
        Some(end) if end > now + TRIAL_DAYS_MAX * DAY => {
            Err(params.refuse("trial_end", "A trial can end at most two years from now."))
        }
        end => Ok(end),
    }
}

/// Reads `trial_period_days`, or the days of a price where `trial_from_plan` asks for them.
pub(super) fn trial_days(
    params: &Params,
    now: i64,
    of_price: Option<i64>,
) -> Result<Option<i64>, StripeError> {
    let from_plan = params.flag("trial_from_plan").unwrap_or(false);
    if from_plan && params.has("trial_end") {
        let message = "`trial_from_plan` cannot be true together with `trial_end`.";
        return Err(params.refuse("trial_from_plan", message));
    }
    match params.int("trial_period_days").or(of_price.filter(|_| from_plan)) {
        None | Some(0) => Ok(None),
        Some(days) if (1..=TRIAL_DAYS_MAX).contains(&days) => Ok(Some(now + days * DAY)),
        Some(_) => {
            let message = format!("A trial takes between 1 and {TRIAL_DAYS_MAX} days.");
            Err(params.refuse("trial_period_days", message))
        }
    }
}

/// How invoices are collected, and how many days their customers have.
pub(super) type Collection = (&'static str, Option<i64>);

/// Reads `collection_method` and `days_until_due`, as a change of what was before.
pub(super) fn collection(params: &Params, before: Collection) -> Result<Collection, StripeError> {
    let method = match params.text("collection_method") {
        Some("send_invoice") => "send_invoice",
        Some(_) => "charge_automatically",
        None => before.0,
    };
    let days = params.int("days_until_due").or(before.1);
    if method == "send_invoice" {
        return match days {
            None => Err(params.missing("days_until_due")),
            Some(days) if days < 0 => {
                let message = "This value must be greater than or equal to 0.";
                Err(params.refuse("days_until_due", message))
            }
            days => Ok((method, days)),
        };
    }
    if params.has("days_until_due") {
        let message = "days_until_due can only be set with `collection_method=send_invoice`.";
        return Err(params.refuse("days_until_due", message));
    }
    Ok((method, None))
}

/// Reads `default_payment_method`.
pub(super) fn method(
    world: &mut World,
    params: &Params,
    customer: &Id,
) -> Result<Option<Id>, StripeError> {
    let Some(name) = params.text("default_payment_method") else { return Ok(None) };
    payments::method(world, name, Some(customer), "default_payment_method").map(Some)
}

/// Reads `automatic_tax`; the sandbox computes none.
pub(super) fn automatic_tax(params: &Params, place: &mut AutomaticTax) {
    let enabled = params.sub("automatic_tax").and_then(|tax| tax.flag("enabled"));
    place.enabled = enabled.unwrap_or(place.enabled);
}

/// Reads `payment_settings`.
pub(super) fn payment_settings(params: &Params, place: &mut PaymentSettings) {
    let Some(given) = params.sub("payment_settings") else { return };
    if given.cleared("payment_method_types") {
        place.payment_method_types = None;
    } else if let Some(types) = given.texts("payment_method_types") {
        place.payment_method_types = Some(types);
    }
    match given.text("save_default_payment_method") {
        Some("on_subscription") => place.save_default_payment_method = Some("on_subscription"),
        Some(_) => place.save_default_payment_method = Some("off"),
        None => {}
    }
}

/// Reads `trial_settings`.
pub(super) fn trial_settings(
    params: &Params,
    place: &mut TrialSettings,
) -> Result<(), StripeError> {
    let given = params.sub("trial_settings").and_then(|given| given.sub("end_behavior"));
    let Some(given) = given else { return Ok(()) };
    let missing = match given.text("missing_payment_method") {
        Some("cancel") => "cancel",
        Some("pause") => "pause",
        Some(_) => "create_invoice",
        None => place.end_behavior.missing_payment_method,
    };
    let anchor = match given.text("billing_cycle_anchor") {
        Some("unchanged") => {
            let message = "`unchanged` is not part of the sandbox.";
            return Err(given.refuse("billing_cycle_anchor", message));
        }
        Some(_) => Some("now"),
        None => place.end_behavior.billing_cycle_anchor,
    };
    place.end_behavior =
        EndBehavior { billing_cycle_anchor: anchor, missing_payment_method: missing };
    Ok(())
}

/// Returns the settings of a subscription that nobody said anything about.
pub(super) fn usual_trial_settings() -> TrialSettings {
    TrialSettings {
        end_behavior: EndBehavior {
            billing_cycle_anchor: None,
            missing_payment_method: "create_invoice",
        },
    }
}

/// Returns how a subscription is collected.
pub(super) fn collection_of(subscription: &Subscription) -> Collection {
    (subscription.collection_method, subscription.days_until_due)
}
