//! A shop with prices, and what a customer does on its pages.

use std::borrow::Borrow;

use serde_json::{Value, json};
use tollgate_sandbox::{Method, Request};

use crate::world::{START, Sandbox};

/// A card that pays.
pub const VISA: &str = "4242424242424242";
/// A card that is declined.
pub const DECLINED: &str = "4000000000000002";
/// A card whose bank asks every time.
pub const ASKS: &str = "4000002760003184";
/// An account whose debits succeed after some days.
pub const IBAN: &str = "DE89370400440532013000";
/// An account whose debits fail after some days.
pub const FAILING_IBAN: &str = "DE62370400440532013001";

pub const SESSIONS: &str = "/v1/checkout/sessions";
pub const SUCCESS: (&str, &str) =
    ("success_url", "https://app.example.com/ok?session_id={CHECKOUT_SESSION_ID}");

/// A world with a product, `pro`, at 20 euros a month, and a pen at 15.
pub struct Shop {
    pub sandbox: Sandbox,
    pub pro: String,
    pub year: String,
    pub pen: String,
}

impl Shop {
    pub fn new() -> Self {
        let mut sandbox = Sandbox::new();
        let product = id(&sandbox.post("/v1/products", &[("name", "Pro")]));
        let other = id(&sandbox.post("/v1/products", &[("name", "Pen")]));
        let mut price = |params: &[(&str, &str)]| id(&sandbox.post("/v1/prices", params));
        let monthly = [
            ("product", &*product),
            ("currency", "eur"),
            ("unit_amount", "2000"),
            ("recurring[interval]", "month"),
        ];
        let yearly = [
            ("product", &*product),
            ("currency", "eur"),
            ("unit_amount", "20000"),
            ("recurring[interval]", "year"),
        ];
        let once = [("product", &*other), ("currency", "eur"), ("unit_amount", "1500")];
        let (pro, year, pen) = (price(&monthly), price(&yearly), price(&once));
        sandbox.events();
        Self { sandbox, pro, year, pen }
    }

    /// Makes a hosted session of one line.
    pub fn session(&mut self, mode: &str, price: &str, more: &[(&str, &str)]) -> Value {
        let mut params = vec![("mode", mode), SUCCESS];
        if !price.is_empty() {
            params.extend([("line_items[0][price]", price), ("line_items[0][quantity]", "1")]);
        }
        params.extend(more);
        let session = self.sandbox.post(SESSIONS, &params);
        self.sandbox.events();
        session
    }

    pub fn subscribe(&mut self, more: &[(&str, &str)]) -> Value {
        let pro = self.pro.clone();
        self.session("subscription", &pro, more)
    }

    pub fn buy(&mut self, more: &[(&str, &str)]) -> Value {
        let pen = self.pen.clone();
        self.session("payment", &pen, more)
    }

    pub fn again(&mut self, session: &Value) -> Value {
        self.sandbox.get(&format!("{SESSIONS}/{}", text(session, "id")), &[])
    }

    /// Asks as a page does.
    pub fn page(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::new(method, path, "");
        request.key = None;
        if method == Method::Post {
            request.json = true;
            request.body = body.to_string();
        }
        let answer = self.sandbox.world.call(&request);
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// Asks as the checkout page of a session does.
    pub fn at(&mut self, session: &Value, step: &str, body: impl Borrow<Value>) -> (u16, Value) {
        let path = format!("/_pages/checkout/{}/{step}", text(session, "id"));
        self.page(Method::Post, &path, body.borrow())
    }

    pub fn show(&mut self, session: &Value) -> Value {
        let path = format!("/_pages/checkout/{}", text(session, "id"));
        let (status, page) = self.page(Method::Get, &path, &Value::Null);
        assert_eq!(status, 200, "{page}");
        page
    }

    /// Pays with a card, and returns the complete session.
    pub fn pay(&mut self, session: &Value, number: &str) -> Value {
        let (status, answer) = self.at(session, "pay", paying(number));
        assert_eq!((status, text(&answer, "status")), (200, "complete"), "{answer}");
        self.again(session)
    }

    pub fn told(&mut self) -> Vec<String> {
        self.sandbox.told()
    }
}

/// What the form sends for a card.
pub fn paying(number: &str) -> Value {
    json!({ "card": card(number), "name": "Ada Byron", "email": "ada@example.com" })
}

pub fn card(number: &str) -> Value {
    json!({ "number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123" })
}

/// What the form sends for an account.
pub fn debiting(iban: &str) -> Value {
    json!({ "iban": iban, "name": "Ada Byron", "email": "ada@example.com" })
}

pub fn id(object: &Value) -> String {
    text(object, "id").to_owned()
}

pub fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {object}"))
}

/// A shop with what the tables name.
pub fn stocked() -> (Shop, Vec<(&'static str, String)>) {
    let mut shop = Shop::new();
    let product =
        text(&shop.sandbox.get(&format!("/v1/prices/{}", shop.pen), &[]), "product").to_owned();
    let price = |shop: &mut Shop, currency: &str| {
        let params = [("product", &*product), ("currency", currency), ("unit_amount", "900")];
        id(&shop.sandbox.post("/v1/prices", &params))
    };
    let (usd, old) = (price(&mut shop, "usd"), price(&mut shop, "eur"));
    shop.sandbox.post(&format!("/v1/prices/{old}"), &[("active", "false")]);
    let someone = id(&shop.sandbox.post("/v1/customers", &[]));
    shop.sandbox.events();
    let names = vec![
        ("{pro}", shop.pro.clone()),
        ("{year}", shop.year.clone()),
        ("{pen}", shop.pen.clone()),
        ("{usd}", usd),
        ("{old}", old),
        ("{someone}", someone),
        ("{product}", product),
    ];
    (shop, names)
}

/// Puts ids and moments in the place of their names.
pub fn fill(value: &str, names: &[(&str, String)]) -> String {
    if let Some(secs) = value.strip_prefix('+').and_then(|secs| secs.parse::<i64>().ok()) {
        return (START + secs).to_string();
    }
    names.iter().fold(value.to_owned(), |value, (name, id)| value.replace(name, id))
}
