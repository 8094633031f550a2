//! Which parameters of a new session go together, and which do not.
//!
//! After <https://docs.stripe.com/api/checkout/sessions/create> (2026-10-28.endive).

use crate::error::StripeError;
use crate::object::checkout_session::Mode;
use crate::params::Params;

/// The longest `client_reference_id`.
const REFERENCE_LEN_MAX: usize = 200;

/// Where the customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UiMode {
    HostedPage,
    EmbeddedPage,
    Elements,
}

impl UiMode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::HostedPage => "hosted_page",
            Self::EmbeddedPage => "embedded_page",
            Self::Elements => "elements",
        }
    }
}

use Mode::{Payment, Setup, Subscription};
use UiMode::{Elements, EmbeddedPage, HostedPage};

/// Parameters that only some modes have.
const MODES: [(&str, &[Mode]); 12] = [
    ("allow_promotion_codes", &[Payment, Subscription]),
    ("customer_creation", &[Payment, Setup]),
    ("discounts", &[Payment, Subscription]),
    ("invoice_creation", &[Payment]),
    ("line_items", &[Payment, Subscription]),
    ("payment_intent_data", &[Payment]),
    ("payment_method_collection", &[Subscription]),
    ("saved_payment_method_options", &[Payment, Subscription]),
    ("setup_intent_data", &[Setup]),
    ("submit_type", &[Payment, Subscription]),
    ("subscription_data", &[Subscription]),
    ("tax_id_collection", &[Payment, Subscription]),
];

/// Parameters that only some pages have.
const UI_MODES: [(&str, &[UiMode]); 9] = [
    ("after_expiration", &[HostedPage, EmbeddedPage]),
    ("branding_settings", &[HostedPage, EmbeddedPage]),
    ("cancel_url", &[HostedPage]),
    ("custom_text", &[HostedPage, EmbeddedPage]),
    ("origin_context", &[HostedPage, EmbeddedPage]),
    ("redirect_on_completion", &[EmbeddedPage]),
    ("return_url", &[EmbeddedPage, Elements]),
    ("submit_type", &[HostedPage, EmbeddedPage]),
    ("success_url", &[HostedPage]),
];

/// Parameters of which a call may have one.
const RIVALS: [[&str; 2]; 4] = [
    ["allow_promotion_codes", "discounts"],
    ["customer", "customer_email"],
    ["customer", "customer_creation"],
    ["payment_method_types", "allowed_payment_method_types"],
];

/// What Stripe has and the sandbox has not; leaving it out in silence would change what is paid,
/// or what the app learns. `a.b` is a field of an object.
const ABSENT: [&str; 20] = [
    "custom_fields",
    "customer_account",
    "invoice_creation.enabled",
    "managed_payments.enabled",
    "optional_items",
    "payment_intent_data.application_fee_amount",
    "payment_intent_data.on_behalf_of",
    "payment_intent_data.transfer_data",
    "payment_intent_data.transfer_group",
    "payment_method_configuration",
    "permissions",
    "setup_intent_data.on_behalf_of",
    "shipping_options",
    "subscription_data.application_fee_percent",
    "subscription_data.default_tax_rates",
    "subscription_data.invoice_settings",
    "subscription_data.on_behalf_of",
    "subscription_data.pending_invoice_item_interval",
    "subscription_data.transfer_data",
    "wallet_options.link",
];

/// Checks the parameters against each other; returns the mode and where the customer pays.
pub(super) fn check(params: &Params) -> Result<(Mode, UiMode), StripeError> {
    let mode = mode(params)?;
    let ui_mode = ui_mode(params)?;
    absent(params)?;
    for (param, modes) in MODES {
        if params.has(param) && !modes.contains(&mode) {
            let message = format!("You can not pass `{param}` in `{}` mode.", word(mode));
            return Err(params.refuse(param, message));
        }
    }
    for (param, ui_modes) in UI_MODES {
        if params.has(param) && !ui_modes.contains(&ui_mode) {
            let mode = ui_mode.as_str();
            let message = format!("You can not pass `{param}` when `ui_mode` is `{mode}`.");
            return Err(params.refuse(param, message));
        }
    }
    for [one, other] in RIVALS {
        if given(params, one) && given(params, other) {
            let message = format!("You may only specify one of these parameters: {one}, {other}.");
            return Err(params.refuse(one, message));
        }
    }
    options(params)?;
    addresses(params, ui_mode)?;
    texts(params)?;
    Ok((mode, ui_mode))
}

/// A flag that is off is as good as absent.
fn given(params: &Params, name: &str) -> bool {
    params.has(name) && params.flag(name) != Some(false)
}

fn mode(params: &Params) -> Result<Mode, StripeError> {
    match params.need_text("mode")? {
        "payment" => Ok(Payment),
        "setup" => Ok(Setup),
        "subscription" => Ok(Subscription),
        _ => {
            let message = "Invalid mode: must be one of payment, setup, or subscription";
            Err(params.refuse("mode", message))
        }
    }
}

/// Returns a mode as the API writes it.
pub(super) fn word(mode: Mode) -> &'static str {
    match mode {
        Payment => "payment",
        Setup => "setup",
        Subscription => "subscription",
    }
}

fn ui_mode(params: &Params) -> Result<UiMode, StripeError> {
    match params.text("ui_mode") {
        None | Some("hosted_page") => Ok(HostedPage),
        Some("embedded_page") => Ok(EmbeddedPage),
        Some("elements") => Ok(Elements),
        Some("form") => Err(params.refuse("ui_mode", "`form` is not part of the sandbox.")),
        Some(_) => {
            let message = "Invalid ui_mode: must be one of elements, embedded_page, form, or \
                           hosted_page";
            Err(params.refuse("ui_mode", message))
        }
    }
}

fn absent(params: &Params) -> Result<(), StripeError> {
    for name in ABSENT {
        let holder = match name.split_once('.') {
            None => Some((params.clone(), name)),
            Some((object, field)) => params.sub(object).map(|object| (object, field)),
        };
        let Some((holder, field)) = holder else { continue };
        if given(&holder, field) {
            let message = format!("`{}` is not part of the sandbox.", holder.path(field));
            return Err(holder.refuse(field, message));
        }
    }
    Ok(())
}

/// Refuses options of the methods on offer that would change how they are charged. Options of
/// methods that the sandbox has not mean nothing.
fn options(params: &Params) -> Result<(), StripeError> {
    let given = params.sub("payment_method_options").unwrap_or_default();
    for (kind, known) in [("card", &["request_three_d_secure"][..]), ("sepa_debit", &[])] {
        let Some(options) = given.sub(kind) else { continue };
        if let Some(other) = options.names().find(|name| !known.contains(name)) {
            let message = format!("`{}` is not part of the sandbox.", options.path(other));
            return Err(options.refuse(other, message));
        }
    }
    Ok(())
}

/// Checks where the customer goes afterwards.
fn addresses(params: &Params, ui_mode: UiMode) -> Result<(), StripeError> {
    let stays = params.text("redirect_on_completion") == Some("never");
    match ui_mode {
        HostedPage => {
            params.need_text("success_url")?;
        }
        EmbeddedPage if stays && params.has("return_url") => {
            let message = "You can not pass `return_url` when `redirect_on_completion` is `never`.";
            return Err(params.refuse("return_url", message));
        }
        EmbeddedPage if !stays => {
            params.need_text("return_url")?;
        }
        EmbeddedPage | Elements => {}
    }
    for name in ["success_url", "cancel_url", "return_url"] {
        if params.text(name).is_some_and(|address| !is_address(address)) {
            return Err(params.refuse(name, "Not a valid URL").code("url_invalid"));
        }
    }
    Ok(())
}

/// Says whether a text is an address with a scheme and something after it.
pub(super) fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "+.-".contains(letter);
    let begins = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic());
    begins && scheme.chars().all(plain) && !rest.is_empty() && !rest.contains(char::is_whitespace)
}

fn texts(params: &Params) -> Result<(), StripeError> {
    if params.text("client_reference_id").is_some_and(|text| text.len() > REFERENCE_LEN_MAX) {
        let message =
            format!("Invalid string: must be at most {REFERENCE_LEN_MAX} characters long.");
        return Err(params.refuse("client_reference_id", message));
    }
    if params.text("customer_email").is_some_and(|email| !is_email(email)) {
        let email = params.text("customer_email").unwrap_or_default();
        let message = format!("Invalid email address: {email}");
        return Err(params.refuse("customer_email", message).code("email_invalid"));
    }
    if params.has("customer_update") && !params.has("customer") {
        let message = "`customer_update` can only be used with `customer`.";
        return Err(params.refuse("customer_update", message));
    }
    Ok(())
}

/// Says whether a text looks like an e-mail address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let clean = !text.contains(char::is_whitespace) && !host.contains('@');
    clean
        && !name.is_empty()
        && host.split('.').count() > 1
        && host.split('.').all(|part| !part.is_empty())
}
