//! Drives a world through its public API. Every answer and every event is checked against the
//! schemas of Stripe's objects before a test sees it.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tollgate_sandbox::{Answer, Method, Request, Settings, World};

use crate::schema::Schemas;

/// Where the tests' clocks begin: 1 January 2027, 00:00 UTC.
pub const START: i64 = 1_798_761_600;
/// A day, in seconds.
pub const DAY: i64 = 86_400;

/// A world, what of its events was read, and the schemas.
pub struct Sandbox {
    pub world: World,
    schemas: Schemas,
    read: usize,
}

impl Sandbox {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    /// Events are kept for ten years, so that a test may read them late.
    pub fn with(settings: Settings) -> Self {
        let settings = Settings { keep_events_secs: 3_650 * DAY, ..settings };
        Self { world: World::with(7, START, settings), schemas: Schemas::load(), read: 0 }
    }

    /// Calls, and returns the whole answer, unchecked.
    pub fn answer(&mut self, method: Method, path: &str, params: &[(&str, &str)]) -> Answer {
        let form = form(params);
        let mut request = Request::new(method, path, form.clone());
        if method != Method::Post {
            request.query = form;
            request.body.clear();
        }
        self.world.call(&request)
    }

    /// Calls, and returns the object; panics where the call is refused.
    pub fn call(&mut self, method: Method, path: &str, params: &[(&str, &str)]) -> Value {
        let answer = self.answer(method, path, params);
        assert_eq!(answer.status, 200, "{method:?} {path} {params:?}: {}", answer.body);
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        self.check(&value, path);
        value
    }

    pub fn get(&mut self, path: &str, params: &[(&str, &str)]) -> Value {
        self.call(Method::Get, path, params)
    }

    pub fn post(&mut self, path: &str, params: &[(&str, &str)]) -> Value {
        self.call(Method::Post, path, params)
    }

    pub fn delete(&mut self, path: &str, params: &[(&str, &str)]) -> Value {
        self.call(Method::Delete, path, params)
    }

    /// Calls, and returns the status and the error; panics where the call is answered.
    pub fn refused(&mut self, method: Method, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.answer(method, path, params);
        assert_ne!(answer.status, 200, "{method:?} {path} {params:?}: {}", answer.body);
        let mut value: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status, value["error"].take())
    }

    /// Moves the clock by some seconds.
    pub fn pass(&mut self, secs: i64) {
        let now = self.world.now();
        self.world.advance(now + secs);
    }

    /// Returns the events since the last time: type and event.
    pub fn events(&mut self) -> Vec<(String, Value)> {
        let events = self.world.kept_events(self.read);
        self.read += events.len();
        let checked = events.into_iter().map(|event| {
            let kind = event["type"].as_str().unwrap().to_owned();
            if kind != "invoice.upcoming" {
                self.check(&event["data"]["object"], &kind);
            } else {
                let mut object = event["data"]["object"].clone();
                object["id"] = json!("in_none_yet");
                self.check(&object, &kind);
            }
            (kind, event)
        });
        checked.collect()
    }

    /// Returns the types of the events since the last time.
    pub fn told(&mut self) -> Vec<String> {
        self.events().into_iter().map(|(kind, _)| kind).collect()
    }

    /// Checks an object or a list of objects against its schema.
    fn check(&self, value: &Value, of: &str) {
        let name = value["object"].as_str().unwrap_or_else(|| panic!("{of}: no `object`: {value}"));
        if matches!(name, "list" | "search_result") {
            value["data"].as_array().unwrap().iter().for_each(|row| self.check(row, of));
            return;
        }
        // Of a discount all is left; what a product gives has no schema of its own.
        let (name, value) = match name {
            "discount" if value["deleted"] == json!(true) => {
                assert_eq!(self.schemas.faults("discount#deleted", value), Vec::<String>::new());
                return;
            }
            "product_feature" if value["deleted"].is_null() => {
                let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
                assert_eq!(keys, ["entitlement_feature", "id", "livemode", "object"], "{of}");
                ("entitlements.feature", &value["entitlement_feature"])
            }
            name => (name, value),
        };
        if value["deleted"] == json!(true) {
            let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["deleted", "id", "object"], "{of}");
            return;
        }
        let faults = self.schemas.faults(name, value);
        assert!(faults.is_empty(), "{of}: {faults:#?}\n{value:#}");
    }
}

/// Each test file uses its part of this; here all of it is used.
const _: fn() = || {
    let _ = (Sandbox::new, Sandbox::with, Sandbox::get, Sandbox::post, Sandbox::delete);
    let _ = (Sandbox::refused, Sandbox::pass, Sandbox::events, Sandbox::told, DAY);
};

/// Writes a form; names keep their brackets.
fn form(params: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in params {
        let separator = if out.is_empty() { "" } else { "&" };
        write!(out, "{separator}{}={}", escape(name), escape(value)).unwrap();
    }
    out
}

fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}
