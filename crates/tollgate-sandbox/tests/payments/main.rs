//! Payments: test cards and accounts, customers, intents, refunds, disputes, wrong calls.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../world/mod.rs"]
mod world;

mod cards;
mod intents;
mod invoices;
mod money_back;
mod wallet;
mod wrong;

use serde_json::Value;
use tollgate_sandbox::Method::Post;
use world::Sandbox;

const NEVER: (&str, &str) = ("automatic_payment_methods[allow_redirects]", "never");
const ENABLED: (&str, &str) = ("automatic_payment_methods[enabled]", "true");

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn customer(sandbox: &mut Sandbox) -> String {
    let id = text(&sandbox.post("/v1/customers", &[("email", "ada@example.com")])["id"]);
    sandbox.told();
    id
}

/// What a confirmed payment of 20 dollars sends.
fn payment<'a>(method: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = vec![
        ("amount", "2000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method", method),
        NEVER,
        ENABLED,
    ];
    params.extend(more);
    params
}

fn pay(sandbox: &mut Sandbox, method: &str, more: &[(&str, &str)]) -> Value {
    sandbox.post("/v1/payment_intents", &payment(method, more))
}

fn decline(sandbox: &mut Sandbox, method: &str, more: &[(&str, &str)]) -> Value {
    let (status, error) = sandbox.refused(Post, "/v1/payment_intents", &payment(method, more));
    assert_eq!(status, 402, "{error}");
    error
}

fn charge(sandbox: &mut Sandbox, intent: &Value) -> Value {
    sandbox.get(&format!("/v1/charges/{}", text(&intent["latest_charge"])), &[])
}

const PAID: [&str; 3] = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"];

/// A disputed payment and its dispute; the events are read.
fn disputed(sandbox: &mut Sandbox, card: &str) -> (Value, String) {
    let paid = pay(sandbox, &format!("pm_card_{card}"), &[]);
    let intent = text(&paid["id"]);
    let listed = sandbox.get("/v1/disputes", &[("payment_intent", &intent)]);
    (paid, text(&listed["data"][0]["id"]))
}
