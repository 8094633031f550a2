//! A session as an object: what the call said, and what Stripe fills in.

use serde_json::{Value, json};

use super::create::Asked;
use super::rules::UiMode;
use crate::object::checkout_session::{
    AfterExpiration, AutomaticTax, CheckoutSession, CollectedInformation, CustomText,
    CustomerDetails, Enabled, Hidden, Liability, Message, Mode, PaymentStatus, Recovery, Status,
};
use crate::object::customer::Customer;
use crate::object::item::Item;
use crate::object::{Empty, Id, Metadata, Null, Object as _, metadata};
use crate::params::Params;
use crate::world::World;

/// Makes the object of a session; its amounts and discounts are not known yet.
pub(super) fn build(
    world: &mut World,
    params: &Params,
    asked: &Asked,
    lines: Vec<Item>,
) -> CheckoutSession {
    let session = blank(world, asked);
    let text = |name: &str| params.text(name).map(str::to_owned);
    CheckoutSession {
        adaptive_pricing: Some(Enabled { enabled: flag(params, "adaptive_pricing") }),
        after_expiration: recovery(params),
        allow_promotion_codes: params.flag("allow_promotion_codes"),
        allowed_payment_method_types: params.texts("allowed_payment_method_types"),
        automatic_tax: automatic_tax(params),
        billing_address_collection: Some(
            text("billing_address_collection").unwrap_or_else(|| "auto".to_owned()),
        ),
        branding_settings: branding(world, params),
        cancel_url: text("cancel_url"),
        client_reference_id: text("client_reference_id"),
        consent_collection: consent(params),
        custom_text: custom_text(params),
        customer_creation: customer_creation(params, asked),
        customer_details: known_details(world, params, asked.customer.as_ref()),
        customer_email: text("customer_email"),
        integration_identifier: text("integration_identifier"),
        locale: text("locale"),
        metadata: metadata(params),
        origin_context: text("origin_context"),
        payment_method_collection: method_collection(params, asked.mode),
        payment_method_options: options(params),
        phone_number_collection: Enabled { enabled: flag(params, "phone_number_collection") },
        redirect_on_completion: redirect(params, asked.ui_mode),
        return_url: text("return_url"),
        saved_payment_method_options: saved_methods(params, asked),
        shipping_address_collection: params.value("shipping_address_collection").cloned(),
        submit_type: text("submit_type"),
        success_url: text("success_url"),
        hidden: Hidden { lines, ..session.hidden },
        ..session
    }
}

/// Returns a session of which the call said only what decides the rest.
fn blank(world: &mut World, asked: &Asked) -> CheckoutSession {
    let id = world.new_id(CheckoutSession::PREFIX);
    let hosted = asked.ui_mode == UiMode::HostedPage;
    CheckoutSession {
        object: CheckoutSession::NAME,
        adaptive_pricing: None,
        after_expiration: None,
        allow_promotion_codes: None,
        allowed_payment_method_types: None,
        amount_subtotal: None,
        amount_total: None,
        automatic_tax: AutomaticTax::default(),
        billing_address_collection: None,
        branding_settings: Value::Null,
        cancel_url: None,
        client_reference_id: None,
        client_secret: (!hosted).then(|| format!("{id}_secret_{}", world.new_word(48))),
        collected_information: Some(CollectedInformation::default()),
        consent: Null,
        consent_collection: None,
        created: asked.now,
        currency: asked.currency,
        currency_conversion: Null,
        custom_fields: Empty,
        custom_text: CustomText::default(),
        customer: asked.customer.clone(),
        customer_account: Null,
        customer_creation: None,
        customer_details: None,
        customer_email: None,
        discounts: None,
        expires_at: asked.expires_at,
        integration_identifier: None,
        invoice: None,
        invoice_creation: (asked.mode == Mode::Payment).then(no_invoice),
        livemode: false,
        locale: None,
        managed_payments: Enabled::default(),
        metadata: Metadata::new(),
        mode: asked.mode,
        origin_context: None,
        payment_intent: None,
        payment_link: Null,
        payment_method_collection: None,
        payment_method_configuration_details: Null,
        payment_method_options: Value::Null,
        payment_method_types: asked.methods.clone(),
        payment_status: first_status(asked.mode),
        permissions: Null,
        phone_number_collection: Enabled::default(),
        recovered_from: None,
        redirect_on_completion: None,
        return_url: None,
        saved_payment_method_options: None,
        setup_intent: None,
        shipping_address_collection: None,
        shipping_cost: Null,
        shipping_options: Empty,
        status: Status::Open,
        submit_type: None,
        subscription: None,
        success_url: None,
        total_details: None,
        ui_mode: asked.ui_mode.as_str(),
        url: hosted.then(|| page(world, &id)),
        wallet_options: Null,
        hidden: hidden(asked),
        id,
    }
}

fn hidden(asked: &Asked) -> Hidden {
    Hidden { passed_on: asked.passed_on.clone(), trial: asked.trial, ..Hidden::default() }
}

/// Where nothing is ever due, nothing is unpaid.
fn first_status(mode: Mode) -> PaymentStatus {
    match mode {
        Mode::Setup => PaymentStatus::NoPaymentRequired,
        Mode::Payment | Mode::Subscription => PaymentStatus::Unpaid,
    }
}

fn options(params: &Params) -> Value {
    let card = params.sub("payment_method_options").and_then(|options| options.sub("card"));
    let asks = card.as_ref().and_then(|card| card.text("request_three_d_secure"));
    json!({ "card": { "request_three_d_secure": asks.unwrap_or("automatic") } })
}

/// Returns the address of a session's page.
pub(super) fn page(world: &World, id: &str) -> String {
    format!("{}/c/pay/{id}", world.public_url)
}

fn flag(params: &Params, name: &str) -> bool {
    params.sub(name).and_then(|given| given.flag("enabled")).unwrap_or(false)
}

fn recovery(params: &Params) -> Option<AfterExpiration> {
    let given = params.sub("after_expiration")?;
    let recovery = given.sub("recovery").map(|recovery| Recovery {
        allow_promotion_codes: recovery.flag("allow_promotion_codes").unwrap_or(false),
        enabled: recovery.flag("enabled").unwrap_or(false),
        expires_at: None,
        url: None,
    });
    Some(AfterExpiration { recovery })
}

fn automatic_tax(params: &Params) -> AutomaticTax {
    if !flag(params, "automatic_tax") {
        return AutomaticTax::default();
    }
    let liability = Some(Liability { kind: "self" });
    AutomaticTax { enabled: true, liability, provider: Some("stripe"), status: Some("complete") }
}

fn branding(world: &World, params: &Params) -> Value {
    let given = params.sub("branding_settings").unwrap_or_default();
    let text = |name: &str, usual: &str| given.text(name).unwrap_or(usual).to_owned();
    json!({
        "background_color": text("background_color", "#ffffff"),
        "border_style": text("border_style", "rounded"),
        "button_color": text("button_color", "#0074d4"),
        "display_name": text("display_name", &world.settings.business_name),
        "font_family": text("font_family", "default"),
        "icon": null,
        "logo": null,
    })
}

fn consent(params: &Params) -> Option<Value> {
    let given = params.sub("consent_collection")?;
    let reuse = given.sub("payment_method_reuse_agreement");
    Some(json!({
        "payment_method_reuse_agreement":
            reuse.and_then(|reuse| reuse.text("position").map(|at| json!({ "position": at }))),
        "promotions": given.text("promotions"),
        "terms_of_service": given.text("terms_of_service"),
    }))
}

fn custom_text(params: &Params) -> CustomText {
    let given = params.sub("custom_text").unwrap_or_default();
    let message = |name: &str| {
        let message = given.sub(name)?.text("message")?.to_owned();
        Some(Message { message })
    };
    CustomText {
        after_submit: message("after_submit"),
        shipping_address: message("shipping_address"),
        submit: message("submit"),
        terms_of_service_acceptance: message("terms_of_service_acceptance"),
    }
}

/// Only payments and setups can do without a customer.
fn customer_creation(params: &Params, asked: &Asked) -> Option<&'static str> {
    match (asked.mode, params.text("customer_creation")) {
        _ if asked.customer.is_some() => None,
        (Mode::Subscription, _) => Some("always"),
        (_, Some("always")) => Some("always"),
        _ => Some("if_required"),
    }
}

/// Returns what is known of the customer before they come.
fn known_details(world: &World, params: &Params, customer: Option<&Id>) -> Option<CustomerDetails> {
    let known = customer.and_then(|id| world.get::<Customer>(id).ok());
    let email = known.and_then(|row| row.email.clone());
    let email = email.or_else(|| params.text("customer_email").map(str::to_owned))?;
    Some(CustomerDetails {
        email: Some(email),
        tax_exempt: Some("none"),
        ..CustomerDetails::default()
    })
}

fn no_invoice() -> Value {
    json!({
        "enabled": false,
        "invoice_data": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": null,
            "metadata": {},
            "rendering_options": null,
        },
    })
}

fn method_collection(params: &Params, mode: Mode) -> Option<&'static str> {
    match (mode, params.text("payment_method_collection")) {
        (Mode::Subscription, Some("if_required")) | (Mode::Payment, _) => Some("if_required"),
        (Mode::Subscription | Mode::Setup, _) => Some("always"),
    }
}

fn redirect(params: &Params, ui_mode: UiMode) -> Option<&'static str> {
    if ui_mode != UiMode::EmbeddedPage {
        return None;
    }
    Some(match params.text("redirect_on_completion") {
        Some("never") => "never",
        Some("if_required") => "if_required",
        _ => "always",
    })
}

fn saved_methods(params: &Params, asked: &Asked) -> Option<Value> {
    asked.customer.as_ref().filter(|_| asked.mode != Mode::Setup)?;
    let given = params.sub("saved_payment_method_options").unwrap_or_default();
    let filters = given.texts("allow_redisplay_filters");
    Some(json!({
        "allow_redisplay_filters": filters.unwrap_or_else(|| vec!["always".to_owned()]),
        "payment_method_remove": given.text("payment_method_remove").unwrap_or("disabled"),
        "payment_method_save": given.text("payment_method_save"),
    }))
}
