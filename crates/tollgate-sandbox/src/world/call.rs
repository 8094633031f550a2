//! The way of one call: key, idempotency, route, parameters, the resource's own code, answer.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::str::FromStr as _;

use serde_json::Value;
use tollgate_stripe::form;
use tollgate_stripe::version::ApiVersion;

use super::World;
use super::event::Origin;
use super::saved::Saved;
use crate::error::StripeError;
use crate::params::{self, Params};
use crate::version;
use crate::{api, control};

/// The longest idempotency key, in bytes.
const KEY_LEN_MAX: usize = 255;

/// An HTTP method that Stripe's API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Creates and changes.
    Post,
    /// Deletes and cancels.
    Delete,
}

impl Method {
    /// Returns the method as HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A call of the API, as it came in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, for example `/v1/customers`.
    pub path: String,
    /// What stands after `?`, without it.
    #[serde(default)]
    pub query: String,
    /// The body: a form, or JSON where `json` says so. Under `/v1` JSON is refused, as at Stripe.
    #[serde(default)]
    pub body: String,
    /// Whether the body is JSON, as under `/v2`.
    #[serde(default)]
    pub json: bool,
    /// The secret key, without `Bearer`.
    #[serde(default)]
    pub key: Option<String>,
    /// The header `Stripe-Version`.
    #[serde(default)]
    pub version: Option<String>,
    /// The header `Idempotency-Key`.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

impl Request {
    /// Makes a call with a form and the sandbox's usual key.
    pub fn new(method: Method, path: impl Into<String>, form: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: String::new(),
            body: form.into(),
            json: false,
            key: Some("sk_test_sandbox".to_owned()),
            version: None,
            idempotency_key: None,
        }
    }
}

/// What a call answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside `Content-Type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: String,
}

/// What a resource's code gets: ids from the path, checked parameters, the version.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) ids: Vec<String>,
    pub(crate) params: Params,
    /// The secret key.
    pub(crate) key: String,
    /// The version that the call names; `None` where it names none.
    pub(crate) version: Option<ApiVersion>,
}

impl Call {
    /// Returns the first id of the path.
    pub(crate) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

/// An object in the current shape, or a refusal.
pub(crate) type Outcome = Result<Value, StripeError>;

/// One endpoint. `path` holds `{id}`, or another name in braces, where an id stands.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) run: fn(&mut World, &Call) -> Outcome,
}

impl Route {
    pub(crate) const fn get(path: &'static str, run: fn(&mut World, &Call) -> Outcome) -> Self {
        Self { method: Method::Get, path, run }
    }

    pub(crate) const fn post(path: &'static str, run: fn(&mut World, &Call) -> Outcome) -> Self {
        Self { method: Method::Post, path, run }
    }

    pub(crate) const fn delete(path: &'static str, run: fn(&mut World, &Call) -> Outcome) -> Self {
        Self { method: Method::Delete, path, run }
    }

    /// Returns the ids in a path of this route.
    fn ids(&self, path: &str) -> Option<Vec<String>> {
        let mut ids = Vec::new();
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let part = given.next()?;
            match wanted {
                _ if wanted.starts_with('{') && !part.is_empty() => ids.push(part.to_owned()),
                _ if wanted == part => {}
                _ => return None,
            }
        }
        given.next().is_none().then_some(ids)
    }
}

/// The call that is being answered.
#[derive(Debug)]
pub(super) struct Asking {
    id: String,
    idempotency_key: Option<String>,
}

impl World {
    /// Answers one call.
    pub fn call(&mut self, request: &Request) -> Answer {
        let id = self.request_id(request.method);
        let mut answer = match self.fault(request) {
            Some(fault) => refusal(&fault),
            None => self.replayed(request).unwrap_or_else(|| self.answer(request, &id)),
        };
        if answer.status >= 400 && is_v2(request) {
            answer.body = error_of_v2(answer.body);
        }
        answer.headers.push(("Request-Id", id));
        if let Some(key) = &request.idempotency_key {
            answer.headers.push(("Idempotency-Key", key.clone()));
        }
        if !answer.headers.iter().any(|(name, _)| *name == "Stripe-Version") {
            let asked = read_version(request.version.as_deref()).ok().flatten();
            let version = asked.unwrap_or_else(|| self.account_version());
            answer.headers.push(("Stripe-Version", version.as_str().to_owned()));
        }
        answer
    }

    /// Reads must leave no trace, so that what is kept of a world is its changes: their ids come
    /// from a stream of their own.
    fn request_id(&mut self, method: Method) -> String {
        let ids = if method == Method::Get { &mut self.read_ids } else { &mut self.write_ids };
        ids.plain("req_", 14)
    }

    fn answer(&mut self, request: &Request, id: &str) -> Answer {
        let (route, call) = match self.understand(request) {
            Ok(understood) => understood,
            Err(error) => return refusal(&error),
        };
        self.request =
            Some(Asking { id: id.to_owned(), idempotency_key: request.idempotency_key.clone() });
        let outcome = match self.breaks(request) {
            Some(fault) => Err(fault),
            None => (route.run)(self, &call),
        };
        let answer = self.finish(&call, outcome);
        self.request = None;
        self.save(request, id, &answer);
        self.loses(request).map_or(answer, |fault| refusal(&fault))
    }

    /// Finds the route and checks everything that can be checked without the world.
    fn understand(&self, request: &Request) -> Result<(&'static Route, Call), StripeError> {
        let (route, ids) = find(request)?;
        if !api::OPEN.iter().any(|open| route.path.starts_with(open)) {
            check_key(request.key.as_deref())?;
        }
        if request.idempotency_key.as_ref().is_some_and(|key| key.len() > KEY_LEN_MAX) {
            let message = format!("An idempotency key has at most {KEY_LEN_MAX} characters.");
            return Err(StripeError::invalid(message));
        }
        let version = read_version(request.version.as_deref())?;
        let endpoint = format!("{} {}", route.method.as_str(), route.path);
        let given = given(request)?;
        let params = if control::is_own(&endpoint) {
            control::unchecked(given)
        } else {
            params::check(&endpoint, given, version.as_ref())?
        };
        let key = request.key.clone().unwrap_or_default();
        Ok((route, Call { ids, params, key, version }))
    }

    /// Answers a call from within, in the newest shape: the pages do through it what an app does
    /// through the API, so that there is one way of doing it.
    pub(crate) fn ask(&mut self, method: Method, path: &str, params: Value) -> Outcome {
        let found = api::routes()
            .filter(|route| route.method == method)
            .find_map(|route| route.ids(path).map(|ids| (route, ids)));
        let (route, ids) = found.ok_or_else(|| StripeError::no_route(method.as_str(), path))?;
        let params = Params::from_value(params);
        let call = Call { ids, params, key: String::new(), version: None };
        (route.run)(self, &call)
    }

    fn finish(&self, call: &Call, outcome: Outcome) -> Answer {
        let version = call.version.clone().unwrap_or_else(|| self.account_version());
        let expanded = outcome.and_then(|mut answer| {
            version::render(&mut answer, &version, self);
            for path in call.params.expand() {
                self.expand(&mut answer, &path, &version)?;
            }
            Ok(answer)
        });
        let mut answer = match expanded {
            Ok(value) => Answer { status: 200, headers: Vec::new(), body: value.to_string() },
            Err(error) => refusal(&error),
        };
        answer.headers.push(("Stripe-Version", version.as_str().to_owned()));
        answer
    }

    /// Returns the saved answer where the call's key was used before.
    fn replayed(&self, request: &Request) -> Option<Answer> {
        let key = request.idempotency_key.as_ref().filter(|_| request.method != Method::Get)?;
        let saved = self.saved.find(key, self.now())?;
        if saved.print != print(request) {
            return Some(refusal(&StripeError::idempotency(key)));
        }
        let mut answer = saved.answer.clone();
        answer.headers.push(("Idempotent-Replayed", "true".to_owned()));
        answer.headers.push(("Original-Request", saved.request.clone()));
        Some(answer)
    }

    fn save(&mut self, request: &Request, id: &str, answer: &Answer) {
        // What failed in v2 is done again, not told again.
        if request.method == Method::Get || (is_v2(request) && answer.status >= 400) {
            return;
        }
        if let Some(key) = &request.idempotency_key {
            let (answer, at) = (answer.clone(), self.now());
            let saved = Saved { print: print(request), request: id.to_owned(), answer, at };
            self.saved.keep(key, saved);
        }
    }

    /// Returns the call that events now come from.
    pub(super) fn origin(&self) -> Option<Origin> {
        self.request.as_ref().map(|asking| Origin {
            request: asking.id.clone(),
            idempotency_key: asking.idempotency_key.clone(),
        })
    }
}

fn find(request: &Request) -> Result<(&'static Route, Vec<String>), StripeError> {
    api::routes()
        .filter(|route| route.method == request.method)
        .find_map(|route| route.ids(&request.path).map(|ids| (route, ids)))
        .ok_or_else(|| StripeError::no_route(request.method.as_str(), &request.path))
}

/// Only keys of test mode are taken, so that a live key never comes to rest here.
fn check_key(key: Option<&str>) -> Result<(), StripeError> {
    let key = key.ok_or_else(|| {
        StripeError::unauthorized(
            "You did not provide an API key. Send it as `Authorization: Bearer YOUR_SECRET_KEY`.",
        )
    })?;
    if key.starts_with("sk_test_") || key.starts_with("rk_test_") {
        return Ok(());
    }
    let shown: String = key.chars().take(8).collect();
    Err(StripeError::unauthorized(format!(
        "Invalid API Key provided: {shown}***. The sandbox takes secret keys of test mode only."
    )))
}

fn read_version(text: Option<&str>) -> Result<Option<ApiVersion>, StripeError> {
    text.map(|text| {
        ApiVersion::from_str(text)
            .map_err(|_| StripeError::invalid(format!("Invalid Stripe API version: {text}")))
    })
    .transpose()
}

fn given(request: &Request) -> Result<Value, StripeError> {
    if request.json && !request.body.is_empty() {
        if request.path.starts_with("/v1/") {
            let message = "A body under /v1 is a form. Send it, and say so: `Content-Type: \
                           application/x-www-form-urlencoded`.";
            return Err(StripeError::invalid(message));
        }
        return serde_json::from_str(&request.body)
            .map_err(|error| StripeError::invalid(format!("Invalid JSON: {error}")));
    }
    let text = match request.method {
        Method::Post => &request.body,
        _ if request.query.is_empty() => &request.body,
        _ => &request.query,
    };
    form::decode(text).map_err(|error| StripeError::invalid(format!("Invalid form: {error}")))
}

/// Under `/v2` a call whose parameters are wrong is told by the code alone, without a type, as the
/// official libraries expect (npm `stripe` 23.1.0); what is not there is `not_found`.
fn error_of_v2(body: String) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(&body) else { return body };
    let Some(error) = value["error"].as_object_mut() else { return body };
    if error.get("code").and_then(Value::as_str) == Some("resource_missing") {
        error.insert("code".to_owned(), "not_found".into());
    } else if error.contains_key("param") {
        error.remove("type");
        error.insert("code".to_owned(), "invalid_fields".into());
    }
    value.to_string()
}

fn refusal(error: &StripeError) -> Answer {
    let mut headers = Vec::new();
    if error.http_status() == 429 {
        headers.push(("Stripe-Rate-Limited-Reason", "global-rate".to_owned()));
    }
    Answer { status: error.http_status(), headers, body: error.body().to_string() }
}

fn is_v2(request: &Request) -> bool {
    request.path.starts_with("/v2/")
}

/// Tells two calls apart; the order of a form's parameters does not matter.
fn print(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    (request.method, &request.path, &request.query, request.json).hash(&mut hasher);
    let mut parts: Vec<&str> = request.body.split('&').collect();
    parts.sort_unstable();
    parts.hash(&mut hasher);
    hasher.finish()
}
