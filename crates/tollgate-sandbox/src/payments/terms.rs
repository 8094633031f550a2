//! What a call says of how an intent may be paid: kinds of payment method, who chooses them,
//! and with which of them it is tried.

use super::intents::kinds_for;
use super::methods::{self, Wanted};
use super::{method_calls, numbers};
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::Id;
use crate::object::payment_intent::{AutomaticMethods, Kinds, Options};
use crate::object::payment_method::{Kind, PaymentMethod};
use crate::params::Params;
use crate::world::{Call, World};

/// Since this version Stripe chooses the payment methods of an intent that names none.
const AUTOMATIC_SINCE: &str = "2023-08-16";

/// How an intent may be paid.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) automatic: Option<AutomaticMethods>,
    pub(super) allowed: Option<Vec<Kind>>,
    pub(super) excluded: Option<Vec<String>>,
    pub(super) kinds: Kinds,
}

/// Reads the terms of a new intent. `currency` is absent where nothing is paid.
pub(super) fn read(
    world: &World,
    call: &Call,
    currency: Option<Currency>,
) -> Result<Terms, StripeError> {
    let params = &call.params;
    let every = || Kinds(vec![Kind::Card, Kind::SepaDebit, Kind::UsBankAccount]);
    let all = currency.map_or_else(every, kinds_for);
    let automatic = automatic(world, call)?;
    if params.has("payment_method_types") {
        if params.has("automatic_payment_methods") {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: automatic_payment_methods, \
                 payment_method_types.",
            ));
        }
        let kinds = Kinds(known(params, "payment_method_types")?);
        return Ok(Terms { automatic: None, allowed: None, excluded: None, kinds });
    }
    if params.has("allowed_payment_method_types") {
        let allowed = known(params, "allowed_payment_method_types")?;
        let kinds = Kinds(allowed.clone());
        return Ok(Terms { automatic, allowed: Some(allowed), excluded: None, kinds });
    }
    let excluded = params.texts("excluded_payment_method_types");
    let kept = all.0.into_iter().filter(|kind| {
        excluded.as_ref().is_none_or(|names| names.iter().all(|name| name != kind.as_str()))
    });
    let kinds = Kinds(kept.collect());
    if kinds.0.is_empty() {
        return Err(params.refuse(
            "excluded_payment_method_types",
            "No payment method types are left for this intent.",
        ));
    }
    Ok(Terms { automatic, allowed: None, excluded, kinds })
}

fn automatic(world: &World, call: &Call) -> Result<Option<AutomaticMethods>, StripeError> {
    let Some(given) = call.params.sub("automatic_payment_methods") else {
        let account = world.account_version();
        let version = call.version.as_ref().unwrap_or(&account);
        let chooses = version.as_str() >= AUTOMATIC_SINCE;
        return Ok(chooses.then_some(AutomaticMethods { allow_redirects: "always", enabled: true }));
    };
    let Some(enabled) = given.flag("enabled") else { return Err(given.missing("enabled")) };
    let never = given.text("allow_redirects") == Some("never");
    let allow_redirects = if never { "never" } else { "always" };
    Ok(enabled.then_some(AutomaticMethods { allow_redirects, enabled }))
}

fn known(params: &Params, name: &str) -> Result<Vec<Kind>, StripeError> {
    let mut kinds = Vec::new();
    for word in params.texts(name).unwrap_or_default() {
        let kind = Kind::parse(&word).ok_or_else(|| {
            params.refuse(
                name,
                format!("The payment method type provided: {word} is not part of the sandbox."),
            )
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() { Err(params.refuse(name, "Give at least one type.")) } else { Ok(kinds) }
}

/// Reads `payment_method_options`: when cards authenticate.
pub(super) fn options(params: &Params, kinds: &Kinds) -> Result<Options, StripeError> {
    let mut options = Options::new(kinds);
    let Some(card) = params.sub("payment_method_options").and_then(|given| given.sub("card"))
    else {
        return Ok(options);
    };
    for name in ["capture_method", "setup_future_usage", "mandate_options", "installments"] {
        if card.has(name) {
            return Err(card.refuse(name, "This option of cards is not part of the sandbox."));
        }
    }
    options.three_d_secure = match card.text("request_three_d_secure") {
        Some("any") => "any",
        Some("challenge") => "challenge",
        _ => "automatic",
    };
    Ok(options)
}

/// A payment method that a call names or describes, found but not yet made.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    wanted: Wanted,
    name: String,
    data: Option<Params>,
}

/// Finds the payment method that a call names (`payment_method`) or describes
/// (`payment_method_data`).
pub(super) fn offer(world: &World, params: &Params) -> Result<Option<Offer>, StripeError> {
    if let Some(data) = params.sub("payment_method_data") {
        if params.has("payment_method") {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: payment_method, \
                 payment_method_data.",
            ));
        }
        let wanted = Wanted::New(numbers::means(world, &data)?);
        return Ok(Some(Offer { wanted, name: String::new(), data: Some(data) }));
    }
    let Some(name) = params.text("payment_method") else { return Ok(None) };
    let wanted = methods::look(world, name, "payment_method")?;
    Ok(Some(Offer { wanted, name: name.to_owned(), data: None }))
}

impl Offer {
    /// Refuses a method that the intent does not take, or that is not the customer's.
    pub(super) fn check(
        &self,
        world: &World,
        kinds: &Kinds,
        customer: Option<&Id>,
    ) -> Result<(), StripeError> {
        let kind = match &self.wanted {
            Wanted::New(means) => means.kind(),
            Wanted::There(id) => {
                let row = world.known::<PaymentMethod>(id);
                methods::usable_by(row, customer)?;
                row.kind
            }
        };
        if kinds.0.contains(&kind) { Ok(()) } else { Err(methods::unfit(kind.as_str())) }
    }

    /// Makes the method, if it is not there.
    pub(super) fn take(self, world: &mut World) -> Id {
        match (self.wanted, self.data) {
            (Wanted::New(means), Some(data)) => method_calls::make(world, means, &data),
            (wanted, _) => methods::take(world, wanted, &self.name),
        }
    }
}

/// Refuses parameters that make sense only for a call that confirms.
pub(super) fn only_with_confirm(params: &Params, names: &[&str]) -> Result<(), StripeError> {
    match names.iter().find(|name| params.has(name)) {
        Some(name) => {
            Err(params.refuse(name, format!("`{name}` can be given only where `confirm` is true.")))
        }
        None => Ok(()),
    }
}

/// Refuses parameters that the sandbox cannot honour.
pub(super) fn refuse_absent(params: &Params, names: &[&str]) -> Result<(), StripeError> {
    match names.iter().find(|name| params.has(name)) {
        Some(name) => Err(params.refuse(name, format!("`{name}` is not part of the sandbox."))),
        None => Ok(()),
    }
}

/// Payment methods that lead elsewhere need an address to come back to. Calls that name no version
/// come from tools older than that rule.
pub(super) fn check_return(
    automatic: Option<&AutomaticMethods>,
    allowed: bool,
    call: &Call,
) -> Result<(), StripeError> {
    let leads_away = automatic.is_some_and(|methods| methods.allow_redirects == "always");
    if !leads_away || allowed || call.version.is_none() || call.params.has("return_url") {
        return Ok(());
    }
    Err(StripeError::invalid(
        "This intent takes payment methods that may lead your customer to another page, so it \
         needs a `return_url`. To take only those that do not, create it with \
         `automatic_payment_methods[allow_redirects]` set to `never`.",
    ))
}
