//! What a customer typed into a page: a card or an IBAN, a name, an e-mail address. The body is
//! `{card: {number, exp_month, exp_year, cvc}, name?, email?}` or `{iban, name?, email?}`.

use serde_json::{Value, json};

use super::rules;
use crate::error::StripeError;
use crate::object::Id;
use crate::params::Params;
use crate::world::{Method, World};

/// Makes the payment method that was typed; `None` where there is none.
pub(super) fn method(
    world: &mut World,
    params: &Params,
    email: Option<&str>,
) -> Result<Option<Id>, StripeError> {
    let mut details = json!({});
    for (name, value) in [("name", params.text("name")), ("email", email)] {
        if let Some(value) = value {
            details[name] = json!(value);
        }
    }
    let mut wanted = json!({ "billing_details": details });
    if let Some(card) = params.value("card") {
        wanted["type"] = json!("card");
        wanted["card"] = plain(card);
    } else if let Some(iban) = params.text("iban") {
        wanted["type"] = json!("sepa_debit");
        wanted["sepa_debit"] = json!({ "iban": iban });
        // Direct debits need somebody to write to; who gives no name is named by their address.
        let name = params.text("name").or(email).unwrap_or("Customer");
        wanted["billing_details"]["name"] = json!(name);
    } else {
        return Ok(None);
    }
    let made = world.ask(Method::Post, "/v1/payment_methods", wanted).map_err(at_field)?;
    Ok(made["id"].as_str().map(Id::from))
}

/// Numbers of a form or a page may come as texts.
fn plain(card: &Value) -> Value {
    let mut card = card.clone();
    for name in ["exp_month", "exp_year"] {
        if let Some(number) = card[name].as_str().and_then(|text| text.parse::<i64>().ok()) {
            card[name] = json!(number);
        }
    }
    for name in ["number", "cvc"] {
        if card[name].is_number() {
            card[name] = json!(card[name].to_string());
        }
    }
    card
}

/// Returns the e-mail address that was typed; it is needed where none is known.
pub(super) fn email(params: &Params, known: Option<&str>) -> Result<Option<String>, StripeError> {
    match known.or_else(|| params.text("email")) {
        Some(email) if rules::is_email(email) => Ok(Some(email.to_owned())),
        Some(_) => Err(StripeError::param("email", "This is not an e-mail address.")),
        None => Err(StripeError::param("email", "Enter an e-mail address.")),
    }
}

/// Names the page's field that a refusal is about, so that it is shown there.
pub(super) fn at_field(error: StripeError) -> StripeError {
    let (param, code) = (error.text("param").to_owned(), error.text("code").to_owned());
    let about =
        |words: [&str; 2]| words.iter().any(|word| param.contains(word) || code.contains(word));
    let field = if about(["exp_month", "exp_year"]) || about(["expired_card", "invalid_expiry"]) {
        "expiry"
    } else if about(["cvc", "cvc"]) {
        "cvc"
    } else if about(["iban", "iban"]) {
        "iban"
    } else if about(["number", "number"]) {
        "number"
    } else if about(["email", "email"]) {
        "email"
    } else {
        return error;
    };
    error.with("param", field)
}
