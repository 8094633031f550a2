//! A small shop for tests of subscriptions: prices, customers with cards, and short ways to ask.
//! In parameters, `@name` is the id of what has that name here.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_sandbox::{Method, Settings};

use crate::world::{DAY, Sandbox};

/// A sandbox with a shop in it.
pub struct Market {
    pub sandbox: Sandbox,
    names: BTreeMap<String, String>,
}

/// Prices: name, amount, interval, how many of them.
const PRICES: &[(&str, &str, &str, &str)] = &[
    ("0", "0", "month", "1"),
    ("10", "1000", "month", "1"),
    ("15", "1500", "month", "1"),
    ("100", "10000", "month", "1"),
    ("200", "20000", "month", "1"),
    ("year", "100000", "year", "1"),
    ("quarter", "27000", "month", "3"),
    ("week", "500", "week", "1"),
];

impl Market {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    /// Opens the shop; `@customer` pays with a card that works.
    pub fn with(settings: Settings) -> Self {
        // Every event is kept, so that tests can count them from the first.
        let settings = Settings { keep_events_secs: i64::MAX / 2, ..settings };
        let mut market = Self { sandbox: Sandbox::with(settings), names: BTreeMap::new() };
        for (name, amount, unit, count) in PRICES {
            let product = market.post("/v1/products", &[("name", name)]);
            let id = text(&product["id"]);
            let price = market.post(
                "/v1/prices",
                &[
                    ("product", &id),
                    ("currency", "usd"),
                    ("unit_amount", amount),
                    ("recurring[interval]", unit),
                    ("recurring[interval_count]", count),
                ],
            );
            market.name(name, &price);
        }
        let customer = market.customer("pm_card_visa");
        market.names.insert("customer".to_owned(), customer);
        market.sandbox.events();
        market
    }

    /// Gives an object a name.
    pub fn name(&mut self, name: &str, object: &Value) {
        self.names.insert(name.to_owned(), text(&object["id"]));
    }

    /// Returns the id of what has a name.
    pub fn id(&self, name: &str) -> String {
        self.names.get(name).unwrap_or_else(|| panic!("nothing is called {name}")).clone()
    }

    /// Makes a customer whose default is this payment method; without one for an empty name.
    pub fn customer(&mut self, method: &str) -> String {
        let id = text(&self.post("/v1/customers", &[("email", "a@example.com")])["id"]);
        if !method.is_empty() {
            self.give(&id, method);
        }
        id
    }

    /// Makes a payment method the customer's default.
    pub fn give(&mut self, customer: &str, method: &str) {
        let path = format!("/v1/payment_methods/{method}/attach");
        let method = text(&self.post(&path, &[("customer", customer)])["id"]);
        let path = format!("/v1/customers/{customer}");
        self.post(&path, &[("invoice_settings[default_payment_method]", &method)]);
    }

    /// Adds a one-time price and names it.
    pub fn single(&mut self, name: &str, amount: &str) {
        let price = self.post(
            "/v1/prices",
            &[("product_data[name]", name), ("currency", "usd"), ("unit_amount", amount)],
        );
        self.name(name, &price);
    }

    /// Adds a coupon: `percent_off` or `amount_off`, and how long it lasts.
    pub fn coupon(&mut self, id: &str, off: (&str, &str), lasts: &str) {
        let mut params = vec![("id", id), off, ("duration", lasts)];
        if off.0 == "amount_off" {
            params.push(("currency", "usd"));
        }
        self.post("/v1/coupons", &params);
    }

    /// Moves the clock by whole days.
    pub fn days(&mut self, days: i64) {
        self.sandbox.pass(days * DAY);
    }

    /// Returns the types of the events since the last time.
    pub fn told(&mut self) -> Vec<String> {
        self.sandbox.told()
    }

    fn filled(&self, params: &[(&str, &str)]) -> Vec<(String, String)> {
        let fill = |value: &str| match value.strip_prefix('@') {
            Some(name) => self.id(name),
            None => value.to_owned(),
        };
        params.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
    }

    pub fn ask(&mut self, method: Method, path: &str, params: &[(&str, &str)]) -> Value {
        let filled = self.filled(params);
        let params: Vec<(&str, &str)> =
            filled.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.sandbox.call(method, path, &params)
    }

    pub fn post(&mut self, path: &str, params: &[(&str, &str)]) -> Value {
        self.ask(Method::Post, path, params)
    }

    pub fn get(&mut self, path: &str) -> Value {
        self.ask(Method::Get, path, &[])
    }

    pub fn refused(&mut self, method: Method, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        let filled = self.filled(params);
        let params: Vec<(&str, &str)> =
            filled.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.sandbox.refused(method, path, &params)
    }

    /// Starts a subscription of `@customer`.
    pub fn subscribe(&mut self, params: &[(&str, &str)]) -> Value {
        let mut all = vec![("customer", "@customer")];
        if params.iter().any(|(name, _)| *name == "customer") {
            all.clear();
        }
        all.extend_from_slice(params);
        self.post("/v1/subscriptions", &all)
    }

    pub fn update(&mut self, sub: &Value, params: &[(&str, &str)]) -> Value {
        self.post(&format!("/v1/subscriptions/{}", text(&sub["id"])), params)
    }

    /// Returns the subscription as it is now.
    pub fn now(&mut self, sub: &Value) -> Value {
        self.get(&format!("/v1/subscriptions/{}", text(&sub["id"])))
    }

    /// Returns the subscription's latest invoice.
    pub fn latest(&mut self, sub: &Value) -> Value {
        let invoice = text(&self.now(sub)["latest_invoice"]);
        self.get(&format!("/v1/invoices/{invoice}"))
    }

    /// Returns all invoices of a subscription, newest first.
    pub fn invoices(&mut self, sub: &Value) -> Vec<Value> {
        let id = text(&sub["id"]);
        let list = self.sandbox.get("/v1/invoices", &[("subscription", &id), ("limit", "100")]);
        list["data"].as_array().unwrap().clone()
    }

    /// Previews a change: parameters of the update go under `subscription_details`.
    pub fn preview(&mut self, sub: &Value, params: &[(&str, &str)]) -> Value {
        let id = text(&sub["id"]);
        let detail = |name: &str| match name.split_once('[') {
            _ if name.starts_with("discounts") => name.to_owned(),
            Some((first, rest)) => format!("subscription_details[{first}][{rest}"),
            None => format!("subscription_details[{name}]"),
        };
        let named: Vec<(String, &str)> =
            params.iter().map(|(name, value)| (detail(name), *value)).collect();
        let mut all = vec![("subscription", id.as_str())];
        all.extend(named.iter().map(|(name, value)| (name.as_str(), *value)));
        self.post("/v1/invoices/create_preview", &all)
    }
}

/// Returns a text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Returns the lines of an invoice: amount and description.
pub fn lines(invoice: &Value) -> Vec<(i64, String)> {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    let line = |line: &Value| (line["amount"].as_i64().unwrap(), text(&line["description"]));
    lines.iter().map(line).collect()
}

/// Returns the id of a subscription's item by its place.
pub fn item(sub: &Value, place: usize) -> String {
    text(&sub["items"]["data"][place]["id"])
}
