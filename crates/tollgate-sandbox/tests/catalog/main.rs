//! What is sold: products, prices, coupons, promotion codes, discounts, entitlements.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../world/mod.rs"]
mod world;

mod codes;
mod coupons;
mod discounts;
mod entitlements;
mod prices;
mod products;
mod wrong;

use serde_json::Value;
use tollgate_sandbox::Settings;
use world::{DAY, Sandbox};

/// A sandbox that keeps its events for a year.
fn lasting() -> Sandbox {
    Sandbox::with(Settings { keep_events_secs: 366 * DAY, ..Settings::default() })
}

/// A customer who is charged by a card that works.
fn payer(sandbox: &mut Sandbox) -> String {
    let id = text(&sandbox.post("/v1/customers", &[("email", "ada@example.com")])["id"]);
    give_card(sandbox, &id, "pm_card_visa");
    sandbox.told();
    id
}

/// Attaches a card and makes it the customer's default.
fn give_card(sandbox: &mut Sandbox, customer: &str, card: &str) {
    let path = format!("/v1/payment_methods/{card}/attach");
    let method = text(&sandbox.post(&path, &[("customer", customer)])["id"]);
    let default = ("invoice_settings[default_payment_method]", method.as_str());
    sandbox.post(&format!("/v1/customers/{customer}"), &[default]);
}

fn product(sandbox: &mut Sandbox, name: &str) -> String {
    text(&sandbox.post("/v1/products", &[("name", name)])["id"])
}

/// A price of so many cents a month.
fn monthly(sandbox: &mut Sandbox, product: &str, cents: i64) -> String {
    let cents = cents.to_string();
    let params = [
        ("product", product),
        ("currency", "usd"),
        ("unit_amount", &cents),
        ("recurring[interval]", "month"),
    ];
    text(&sandbox.post("/v1/prices", &params)["id"])
}

/// A coupon, made of its parameters.
fn coupon(sandbox: &mut Sandbox, params: &[(&str, &str)]) -> String {
    text(&sandbox.post("/v1/coupons", params)["id"])
}

/// A subscription to one price, with more parameters.
fn subscribe(sandbox: &mut Sandbox, customer: &str, price: &str, more: &[(&str, &str)]) -> Value {
    let mut params = vec![("customer", customer), ("items[0][price]", price)];
    params.extend_from_slice(more);
    sandbox.post("/v1/subscriptions", &params)
}

/// The totals of a customer's invoices, oldest first.
fn totals(sandbox: &mut Sandbox, customer: &str) -> Vec<i64> {
    let invoices = sandbox.get("/v1/invoices", &[("customer", customer), ("limit", "100")]);
    let rows = invoices["data"].as_array().unwrap();
    rows.iter().rev().map(|invoice| invoice["total"].as_i64().unwrap()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|row| text(&row["id"])).collect()
}
