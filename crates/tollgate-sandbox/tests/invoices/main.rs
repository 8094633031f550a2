//! Invoices: the life of drafts, payment, retries to the end, balances, lines, wrong calls.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../world/mod.rs"]
mod world;

mod discounts;
mod life;
mod lines;
mod money;
mod payments;
mod retries;
mod subscribed;
mod wrong;

use serde_json::Value;
use world::Sandbox;

/// A customer with a payment method that is charged by default, or with none.
fn customer(sandbox: &mut Sandbox, method: &str) -> String {
    let id = text(&sandbox.post("/v1/customers", &[("email", "ada@example.com")])["id"]);
    if !method.is_empty() {
        let path = format!("/v1/payment_methods/{method}/attach");
        let method = text(&sandbox.post(&path, &[("customer", &id)])["id"]);
        let default = ("invoice_settings[default_payment_method]", method.as_str());
        sandbox.post(&format!("/v1/customers/{id}"), &[default]);
    }
    sandbox.told();
    id
}

/// A pending item, in cents.
fn item(sandbox: &mut Sandbox, customer: &str, amount: i64) -> String {
    let amount = amount.to_string();
    let params = [("customer", customer), ("amount", amount.as_str()), ("currency", "usd")];
    text(&sandbox.post("/v1/invoiceitems", &params)["id"])
}

/// A draft over one item; its events are read.
fn draft(sandbox: &mut Sandbox, customer: &str, amount: i64, more: &[(&str, &str)]) -> String {
    item(sandbox, customer, amount);
    let mut params = vec![("customer", customer), ("pending_invoice_items_behavior", "include")];
    params.extend_from_slice(more);
    let id = text(&sandbox.post("/v1/invoices", &params)["id"]);
    sandbox.told();
    id
}

/// A step of an invoice's life, such as `finalize`.
fn step(sandbox: &mut Sandbox, invoice: &str, name: &str) -> Value {
    sandbox.post(&format!("/v1/invoices/{invoice}/{name}"), &[])
}

fn show(sandbox: &mut Sandbox, invoice: &str) -> Value {
    sandbox.get(&format!("/v1/invoices/{invoice}"), &[])
}

fn balance(sandbox: &mut Sandbox, customer: &str) -> i64 {
    sandbox.get(&format!("/v1/customers/{customer}"), &[])["balance"].as_i64().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Returns some fields, to compare them in one line.
fn fields(value: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| value[name].clone()).collect()
}
