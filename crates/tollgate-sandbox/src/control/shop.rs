//! The shop: what the account sells, bought by a user through the ordinary calls that an app
//! would make.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_stripe::{form, version};

use super::desk::{exponents, need_customer};
use super::people;
use crate::checkout::rules;
use crate::error::StripeError;
use crate::object::Id;
use crate::object::price::Price;
use crate::object::product::Product;
use crate::world::{Call, Method, Outcome, Request, World};

/// The longest name of a user.
const USER_LEN_MAX: usize = 200;
/// How many promotion codes are told.
const CODES_MAX: usize = 3;

/// `GET /_sandbox/shop`: what is for sale, cheapest first, and what `user` has.
pub(super) fn show(world: &mut World, call: &Call) -> Outcome {
    let mut sold: BTreeMap<&Id, Vec<&Price>> = BTreeMap::new();
    for price in world.prices.newest().filter(|price| is_for_sale(price)) {
        sold.entry(&price.product).or_default().push(price);
    }
    let mut products: Vec<(&Product, Vec<&Price>)> = Vec::new();
    for (product, mut prices) in sold {
        let Some(product) = world.products.get(product).filter(|product| product.active) else {
            continue;
        };
        prices.sort_by_key(|price| (price.unit_amount, price.created));
        products.push((product, prices));
    }
    products.sort_by_key(|(_, prices)| {
        prices.first().map(|price| (price.recurring.is_none(), price.unit_amount))
    });
    let customer = call.params.text("user").and_then(|user| people::customer_of(world, user));
    Ok(json!({
        "object": "sandbox.shop",
        "clock": world.now(),
        "exponents": exponents(world),
        "publishable_key": "pk_test_sandbox",
        "return_url": world.settings.shop_return_url,
        "customer": customer,
        "codes": codes(world),
        "products": products.iter().map(|(it, prices)| product(it, prices)).collect::<Vec<_>>(),
    }))
}

/// `POST /_sandbox/shop/session`: a Checkout session for `user` and `price`.
pub(super) fn session(world: &mut World, call: &Call) -> Outcome {
    let user = user(call)?;
    let price = world.need::<Price>(call.params.need_text("price")?, "price")?;
    let (price, repeats) = (price.id.clone(), price.recurring.is_some());
    let mut params = json!({
        "mode": if repeats { "subscription" } else { "payment" },
        "client_reference_id": user,
        "metadata": { "user_id": user },
        "line_items": [{ "price": price, "quantity": 1 }],
        "allow_promotion_codes": true,
    });
    let made_for = if repeats { "subscription_data" } else { "payment_intent_data" };
    params[made_for] = json!({ "metadata": { "user_id": user } });
    match people::customer_of(world, user) {
        Some(customer) => params["customer"] = json!(customer),
        None => {
            params["customer_email"] = json!(address_of(user));
            if !repeats {
                params["customer_creation"] = json!("always");
            }
        }
    }
    let back = back(world);
    if call.params.flag("embedded") == Some(true) || call.params.text("embedded") == Some("true") {
        params["ui_mode"] = json!("embedded_page");
        params["return_url"] = json!(back);
    } else {
        params["success_url"] = json!(back);
        params["cancel_url"] = json!(format!("{}/shop", world.public_url));
    }
    ordinary(world, "/v1/checkout/sessions", &params)
}

/// `POST /_sandbox/shop/portal`: a portal session for the customer of `user`.
pub(super) fn portal(world: &mut World, call: &Call) -> Outcome {
    let customer = match call.params.text("customer") {
        Some(customer) => customer.into(),
        None => need_customer(world, user(call)?)?,
    };
    let params = json!({ "customer": customer, "return_url": back(world) });
    ordinary(world, "/v1/billing_portal/sessions", &params)
}

/// The promotion codes that everybody can enter.
fn codes(world: &World) -> Vec<&str> {
    let open = world.promotion_codes.newest().filter(|row| row.active && row.customer.is_none());
    open.map(|row| row.code.as_str()).take(CODES_MAX).collect()
}

fn is_for_sale(price: &Price) -> bool {
    price.active && !price.is_metered() && price.unit_amount.is_some()
}

fn product(product: &Product, prices: &[&Price]) -> Value {
    let lines: Vec<&str> =
        product.marketing_features.iter().map(|feature| feature.name.as_str()).collect();
    json!({
        "id": product.id,
        "name": product.name,
        "description": product.description,
        "features": lines,
        "prices": prices.iter().map(|price| json!({
            "id": price.id,
            "amount": price.unit_amount,
            "currency": price.currency,
            "per": people::per(price),
            "nickname": price.nickname,
            "lookup_key": price.lookup_key,
            "trial_days": price.recurring.as_ref().and_then(|it| it.trial_period_days),
        })).collect::<Vec<_>>(),
    })
}

fn user(call: &Call) -> Result<&str, StripeError> {
    let user = call.params.need_text("user")?.trim();
    if user.is_empty() || user.len() > USER_LEN_MAX {
        let message = format!("A user's name has 1 to {USER_LEN_MAX} characters.");
        return Err(StripeError::param("user", message));
    }
    Ok(user)
}

/// Everybody here has an e-mail address, so that nobody has to type one.
fn address_of(user: &str) -> String {
    if rules::is_email(user) {
        return user.to_owned();
    }
    let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    let name: String = user.chars().map(plain).collect();
    match name.trim_matches('-') {
        "" => "customer@example.com".to_owned(),
        name => format!("{name}@example.com"),
    }
}

/// Where people go when they are done: to the app that uses the sandbox, or to the desk.
fn back(world: &World) -> String {
    match world.settings.shop_return_url.as_str() {
        "" => format!("{}/", world.public_url),
        url => url.to_owned(),
    }
}

/// Makes the call that an app's server would make.
fn ordinary(world: &mut World, path: &str, params: &Value) -> Outcome {
    let mut request = Request::new(Method::Post, path, form::encode(params));
    request.version = Some(version::PINNED.to_owned());
    let answer = world.call(&request);
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if answer.status == 200 {
        return Ok(body);
    }
    let message = body["error"]["message"].as_str().unwrap_or("The call was refused.");
    Err(StripeError::invalid(message).status(answer.status))
}
