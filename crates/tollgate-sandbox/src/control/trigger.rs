//! Makes an event happen. A recipe is a few ordinary calls, as an app or the official command
//! line would make them, so that what comes is what such calls bring, whole and in order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tollgate_stripe::{form, version};

use super::people;
use super::recipes::{self, Recipe, Step};
use crate::error::StripeError;
use crate::object::Id;
use crate::object::customer::Customer;
use crate::object::price::Price;
use crate::object::subscription::Subscription;
use crate::world::{Answer, Call, Method, Outcome, Request, World};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// `GET /_sandbox/triggers`: every event type that there is a recipe for.
pub(super) fn list(_: &mut World, _: &Call) -> Outcome {
    let events: Vec<&str> = super::triggers().collect();
    Ok(json!({ "object": "sandbox.triggers", "data": events }))
}

/// `POST /_sandbox/trigger`: `event`, and `user`, `customer` or `price` where it should be theirs.
pub(super) fn trigger(world: &mut World, call: &Call) -> Outcome {
    let name = call.params.need_text("event")?;
    let recipe = recipes::find(name).ok_or_else(|| {
        let message =
            format!("The sandbox cannot make {name} happen; /_sandbox/triggers lists what it can.");
        StripeError::param("event", message)
    })?;
    let before = world.events.newest().next().map(|event| event.id.clone());
    let mut cook = Cook { known: ingredients(world, call)?, world };
    cook.follow(recipe)?;
    let events = came_since(world, before.as_ref());
    let came = events.iter().any(|event| event["type"] == recipe.event);
    Ok(json!({ "object": "sandbox.trigger", "event": recipe.event, "came": came, "data": events }))
}

/// What a recipe finds on the table: the user, and what the user has already.
fn ingredients(world: &World, call: &Call) -> Result<BTreeMap<&'static str, Value>, StripeError> {
    let mut known = BTreeMap::new();
    let user = call.params.text("user");
    if let Some(user) = user {
        known.insert("user", json!(user));
    }
    let customer = match call.params.text("customer") {
        Some(id) => Some(world.need::<Customer>(id, "customer")?.id.clone()),
        None => user.and_then(|user| people::customer_of(world, user)),
    };
    if let Some(customer) = customer {
        known.insert("customer", json!({ "id": customer }));
        if let Some(subscription) = people::living_subscription(world, &customer) {
            known.insert("subscription", world.show::<Subscription>(&subscription)?);
        }
    }
    let price = match call.params.text("price") {
        Some(id) => Some(world.need::<Price>(id, "price")?),
        None => people::first_recurring(world),
    };
    known.insert("repeats", json!(price.is_none_or(|price| price.recurring.is_some())));
    if let Some(price) = price {
        known.insert("product", json!({ "id": price.product }));
        known.insert("price", world.show::<Price>(&price.id)?);
    }
    Ok(known)
}

fn came_since(world: &World, before: Option<&Id>) -> Vec<Value> {
    let newer = world.events.newest().take_while(|event| Some(&event.id) != before);
    let mut events: Vec<Value> = newer
        .map(|event| json!({ "id": event.id, "type": event.kind, "object": event.about }))
        .collect();
    events.reverse();
    events
}

/// Follows a recipe, and knows what each step brought.
struct Cook<'w> {
    world: &'w mut World,
    known: BTreeMap<&'static str, Value>,
}

impl Cook<'_> {
    fn follow(&mut self, recipe: &Recipe) -> Result<(), StripeError> {
        recipe.steps.iter().try_for_each(|step| self.take(step))
    }

    /// Takes a step, unless what it would bring is there already.
    fn take(&mut self, step: &Step) -> Result<(), StripeError> {
        let wanted = step.only.is_none_or(|only| self.known.get("repeats") == Some(&json!(only)));
        if !wanted || self.known.contains_key(step.name) {
            return Ok(());
        }
        let request = self.request(step)?;
        let answer = self.world.call(&request);
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let as_meant = if step.refused { answer.status == 402 } else { answer.status == 200 };
        if !as_meant {
            return Err(spoiled(step, &answer, &body));
        }
        self.known.insert(step.name, body);
        Ok(())
    }

    fn request(&self, step: &Step) -> Result<Request, StripeError> {
        let path = self.fill(step.path)?;
        let parameters = form::decode(step.form).unwrap_or_default();
        let parameters = form::encode(&self.fill_all(&parameters)?.unwrap_or_default());
        let mut request = Request::new(step.method, path, parameters);
        if step.method == Method::Get {
            std::mem::swap(&mut request.query, &mut request.body);
        }
        request.version = (!step.old).then(|| version::PINNED.to_owned());
        Ok(request)
    }

    /// Fills the gaps of all parameters; one that stays empty is left out.
    fn fill_all(&self, parameters: &Value) -> Result<Option<Value>, StripeError> {
        Ok(match parameters {
            Value::String(text) => {
                let filled = self.fill(text)?;
                (!filled.is_empty() || text.is_empty()).then_some(Value::String(filled))
            }
            Value::Array(rows) => {
                let rows: Result<Vec<_>, _> = rows.iter().map(|row| self.fill_all(row)).collect();
                Some(rows?.into_iter().flatten().collect())
            }
            Value::Object(fields) => {
                let mut filled = Map::new();
                for (name, value) in fields {
                    if let Some(value) = self.fill_all(value)? {
                        filled.insert(name.clone(), value);
                    }
                }
                (!filled.is_empty()).then_some(Value::Object(filled))
            }
            other => Some(other.clone()),
        })
    }

    /// Puts in what stands for `{name}`, `{name:path.in.it}`, `{now}` and `{now:31d}`.
    fn fill(&self, text: &str) -> Result<String, StripeError> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (gap, after) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(&self.find(gap)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn find(&self, gap: &str) -> Result<String, StripeError> {
        if let Some(later) = gap.strip_prefix("now") {
            return Ok((self.world.now() + seconds(later)).to_string());
        }
        let (name, path) = gap.split_once(':').unwrap_or((gap, "id"));
        match self.known.get(name) {
            None if name == "user" => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value) => Ok(text_at(value, path)),
            None => {
                Err(StripeError::internal(format!("A recipe asks for {name} before it is there.")))
            }
        }
    }
}

/// Reads `:31d` and `:2h`.
fn seconds(later: &str) -> i64 {
    let (number, unit) = later.split_at(later.len().saturating_sub(1));
    let number: i64 = number.trim_start_matches(':').parse().unwrap_or(0);
    if unit == "d" { number * DAY } else { number * HOUR }
}

fn text_at(value: &Value, path: &str) -> String {
    let step = |place: &'_ Value, name: &str| match name.parse::<usize>() {
        Ok(number) => place.get(number).cloned(),
        Err(_) => place.get(name).cloned(),
    };
    let found = path.split('.').try_fold(value.clone(), |place, name| step(&place, name));
    match found.unwrap_or_default() {
        Value::String(text) => text,
        Value::Null => String::new(),
        Value::Object(fields) => {
            fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    }
}

/// Says which step did not go as meant, in the words of the call that refused it.
fn spoiled(step: &Step, answer: &Answer, body: &Value) -> StripeError {
    let why = body["error"]["message"].as_str().unwrap_or("it was to be declined");
    let (method, path) = (step.method.as_str(), step.path);
    let message = format!("The step {method} {path} answered {}: {why}", answer.status);
    StripeError::invalid(message)
}
