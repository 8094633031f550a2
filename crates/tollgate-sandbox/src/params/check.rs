//! Checks what a call sends against its endpoint's parameters and refuses what Stripe refuses:
//! what is unknown, missing, empty or of another type. Texts from a form become the types that
//! the parameters have; an empty value that unsets a parameter becomes `null`.

use std::borrow::Cow;

use serde_json::{Map, Number, Value, json};
use tollgate_stripe::version::ApiVersion;

use super::legacy;
use super::read::{Params, join};
use super::schema::{CATALOG, Field, Fields, Kind};
use super::suggest;
use crate::error::StripeError;

/// The most objects that a page of a list holds.
const LIMIT_MAX: i64 = 100;

const METADATA_NAMES_MAX: usize = 50;
const METADATA_NAME_LEN_MAX: usize = 40;
const METADATA_VALUE_LEN_MAX: usize = 500;

/// The most decimal places that Stripe keeps.
const DECIMAL_PLACES_MAX: usize = 12;

/// Checks a call's parameters; `endpoint` is `POST /v1/customers/{id}`, as the tables name it.
///
/// `version` is the call's `Stripe-Version`; a call without one may use every name there ever was.
pub fn check(
    endpoint: &str,
    given: Value,
    version: Option<&ApiVersion>,
) -> Result<Params, StripeError> {
    let mut given = match given {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => return Err(StripeError::invalid("The body must be an object.")),
    };
    legacy::modernize(endpoint, &mut given, version)?;
    let call = Call { endpoint, version };
    let none = Fields::new();
    let fields = CATALOG.endpoint(endpoint).unwrap_or(&none);
    let checked = call.object(fields, given, "")?;
    call.limit(&checked)?;
    Ok(Params::from_value(Value::Object(checked)))
}

/// Returns the endpoints whose parameters are known, `POST /v1/customers`.
#[cfg(test)]
pub fn endpoints() -> impl Iterator<Item = &'static str> {
    CATALOG.endpoints()
}

struct Call<'a> {
    endpoint: &'a str,
    version: Option<&'a ApiVersion>,
}

type Checked = Result<Value, StripeError>;

impl Call<'_> {
    /// As deep as the types, which are finite.
    fn object(
        &self,
        fields: &Fields,
        given: Map<String, Value>,
        prefix: &str,
    ) -> Result<Map<String, Value>, StripeError> {
        let mut known = Vec::with_capacity(given.len());
        let mut unknown = Vec::new();
        for (name, value) in given {
            let path = join(prefix, &name);
            match self.field(fields, &name, &path) {
                Some(field) => known.push((name, path, field, value)),
                None => unknown.push(path),
            }
        }
        // What is unknown is told before what is wrong.
        if let Some(first) = unknown.first() {
            return Err(refuse_unknown(&unknown, suggest::nearest(first, prefix, fields.keys())));
        }
        let mut checked = Map::new();
        for (name, path, field, value) in known {
            checked.insert(name, self.parameter(&field, value, &path)?);
        }
        let missing = |(name, field): &(&String, &Field)| {
            field.required && !checked.contains_key(name.as_str())
        };
        match fields.iter().find(missing) {
            Some((name, _)) => Err(StripeError::missing(&join(prefix, name))),
            None => Ok(checked),
        }
    }

    /// Finds a parameter among those of today, then among those kept from older versions.
    fn field<'f>(&self, fields: &'f Fields, name: &str, path: &str) -> Option<Cow<'f, Field>> {
        if let Some(field) = fields.get(name) {
            return Some(Cow::Borrowed(field));
        }
        if path == "expand" && self.endpoint.contains(" /v1/") {
            return Some(Cow::Owned(Field::read("expand", &json!(["string"])).1));
        }
        legacy::kept(self.endpoint, path, self.version).map(Cow::Owned)
    }

    fn parameter(&self, field: &Field, value: Value, path: &str) -> Checked {
        if is_empty(&value) {
            let clears = field.clears || self.empties(field, path);
            return if clears { Ok(Value::Null) } else { Err(refuse_empty(path)) };
        }
        let value = self.value(&field.kind, value, path)?;
        match (field.most, &value) {
            (Some(most), Value::Array(elements)) if elements.len() > most => {
                let message = format!("Invalid {path}: at most {most} elements are allowed.");
                Err(StripeError::param(path, message))
            }
            _ => Ok(value),
        }
    }

    /// Says whether an empty value unsets a text whose type does not say so: the library's types
    /// leave that out, but an update unsets any text of the object, and every call one of an
    /// address.
    fn empties(&self, field: &Field, path: &str) -> bool {
        let plain = matches!(CATALOG.resolve(&field.kind), Kind::Text) && !field.required;
        let (holder, _) = path.rsplit_once('[').unwrap_or_default();
        let in_address = holder == "address" || holder.ends_with("[address]");
        plain && (in_address || (is_update(self.endpoint) && !is_in_list(path)))
    }

    fn value(&self, kind: &Kind, value: Value, path: &str) -> Checked {
        match CATALOG.resolve(kind) {
            Kind::Text => text(value, path),
            Kind::Integer | Kind::Timestamp => integer(&value, path),
            Kind::Number => number(&value, path),
            Kind::Decimal => decimal(&value, path),
            Kind::Flag => flag(&value, path),
            Kind::Word(words) => word(words, value, path),
            Kind::Metadata => metadata(value, path),
            Kind::Range => range(value, path),
            Kind::List(of) => self.list(of, value, path),
            Kind::Map(of) => self.map(of, value, path),
            Kind::Object(fields) => {
                self.object(fields, object(value, path)?, path).map(Value::Object)
            }
            Kind::OneOf(kinds) => self.one_of(kinds, value, path),
            Kind::Any | Kind::Named(_) => Ok(value),
        }
    }

    fn list(&self, of: &Kind, value: Value, path: &str) -> Checked {
        let elements = elements(value).ok_or_else(|| invalid(path, "Invalid array"))?;
        let element = |(place, value): (usize, Value)| {
            let path = format!("{path}[{place}]");
            if is_empty(&value) { Err(refuse_empty(&path)) } else { self.value(of, value, &path) }
        };
        let checked: Result<Vec<Value>, StripeError> = elements.into_iter().map(element).collect();
        checked.map(Value::Array)
    }

    fn map(&self, of: &Kind, value: Value, path: &str) -> Checked {
        let entry = |(name, value): (String, Value)| {
            let path = join(path, &name);
            let value = if is_empty(&value) { Value::Null } else { self.value(of, value, &path)? };
            Ok((name, value))
        };
        let checked: Result<Map<String, Value>, StripeError> =
            object(value, path)?.into_iter().map(entry).collect();
        checked.map(Value::Object)
    }

    /// Takes the first type that fits. An object that fits none is told what is wrong in it.
    fn one_of(&self, kinds: &[Kind], value: Value, path: &str) -> Checked {
        if value.is_object() {
            let object = |kind: &&Kind| matches!(CATALOG.resolve(kind), Kind::Object(_));
            if let Some(kind) = kinds.iter().find(object) {
                return self.value(kind, value, path);
            }
        }
        let fits = kinds.iter().find_map(|kind| self.value(kind, value.clone(), path).ok());
        fits.ok_or_else(|| {
            let options: Vec<String> = kinds.iter().map(describe).collect();
            invalid(path, &format!("Invalid {path}: must be {}", options.join(" or ")))
        })
    }

    /// Every list takes a limit, of the same bounds.
    fn limit(&self, checked: &Map<String, Value>) -> Result<(), StripeError> {
        let limit = checked.get("limit").and_then(Value::as_i64);
        match limit {
            Some(limit)
                if self.endpoint.starts_with("GET ") && !(1..=LIMIT_MAX).contains(&limit) =>
            {
                let message =
                    format!("Invalid limit: must be between 1 and {LIMIT_MAX}, and is {limit}");
                Err(StripeError::param("limit", message).code("parameter_invalid_integer"))
            }
            _ => Ok(()),
        }
    }
}

/// Says whether an endpoint changes the object that its path names: `POST /v1/customers/{id}`.
fn is_update(endpoint: &str) -> bool {
    endpoint.starts_with("POST ") && endpoint.ends_with('}')
}

/// Says whether a parameter is within an element of a list: `items[0][price]`.
fn is_in_list(path: &str) -> bool {
    let is_place =
        |step: &str| step.trim_end_matches(']').bytes().all(|byte| byte.is_ascii_digit());
    path.split('[').skip(1).any(is_place)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn invalid(path: &str, message: &str) -> StripeError {
    StripeError::param(path, message)
}

fn refuse_empty(path: &str) -> StripeError {
    let message = format!(
        "Empty value for '{path}': that would unset it, which this parameter does not allow. \
         Leave it out, or give it a value."
    );
    StripeError::param(path, message).code("parameter_invalid_empty")
}

fn refuse_unknown(names: &[String], nearest: Option<String>) -> StripeError {
    let first = names.first().map_or("", String::as_str);
    let mut message = match names {
        [_] => format!("Received unknown parameter: {first}"),
        _ => format!("Received unknown parameters: {}", names.join(", ")),
    };
    if let (Some(nearest), [_]) = (nearest, names) {
        message.push_str(&format!(". Did you mean {nearest}?"));
    }
    StripeError::param(first, message).code("parameter_unknown")
}

/// A scalar as it was sent, to be told back.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// In a JSON body a text may have been left a number.
fn text(value: Value, path: &str) -> Checked {
    match value {
        Value::String(_) => Ok(value),
        Value::Number(_) | Value::Bool(_) => Ok(Value::String(value.to_string())),
        _ => Err(invalid(path, &format!("Invalid string: {}", shown(&value)))),
    }
}

fn integer(value: &Value, path: &str) -> Checked {
    let found = match value {
        Value::String(text) => text.parse::<i64>().ok().filter(|_| !text.starts_with('+')),
        _ => value.as_i64(),
    };
    found.map(Value::from).ok_or_else(|| {
        let message = format!("Invalid integer: {}", shown(value));
        invalid(path, &message).code("parameter_invalid_integer")
    })
}

fn number(value: &Value, path: &str) -> Checked {
    let text = shown(value);
    if !is_decimal(&text) {
        return Err(invalid(path, &format!("Invalid decimal: {text}")));
    }
    let whole = text.parse::<i64>().ok().map(Number::from);
    let found = whole.or_else(|| Number::from_f64(text.parse().ok()?));
    found.map(Value::Number).ok_or_else(|| invalid(path, &format!("Invalid decimal: {text}")))
}

fn decimal(value: &Value, path: &str) -> Checked {
    let text = shown(value);
    if is_decimal(&text) {
        Ok(Value::String(text))
    } else {
        Err(invalid(path, &format!("Invalid decimal: {text}")))
    }
}

/// Digits with, perhaps, a sign before and a fraction behind.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, places)) => {
            digits(whole) && digits(places) && places.len() <= DECIMAL_PLACES_MAX
        }
        None => digits(unsigned),
    }
}

fn flag(value: &Value, path: &str) -> Checked {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text == "true" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" => Ok(Value::Bool(false)),
        _ => Err(invalid(path, &format!("Invalid boolean: {}", shown(value)))),
    }
}

fn word(words: &[String], value: Value, path: &str) -> Checked {
    if value.as_str().is_some_and(|text| words.iter().any(|word| word == text)) {
        return Ok(value);
    }
    Err(invalid(path, &format!("Invalid {path}: must be {}", alternatives(words))))
}

/// `one of a, b, or c`.
fn alternatives(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first, second] => format!("one of {first} or {second}"),
        [most @ .., last] => format!("one of {}, or {last}", most.join(", ")),
    }
}

fn describe(kind: &Kind) -> String {
    match CATALOG.resolve(kind) {
        Kind::Word(words) => alternatives(words),
        Kind::Timestamp => "a Unix timestamp".to_owned(),
        Kind::Integer => "an integer".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Object(_) => "an object".to_owned(),
        Kind::List(_) => "an array".to_owned(),
        _ => "a string".to_owned(),
    }
}

/// A list's elements with their places. Where some were left out, the form's decoder took the
/// list for an object.
fn elements(value: Value) -> Option<Vec<(usize, Value)>> {
    match value {
        Value::Array(elements) => Some(elements.into_iter().enumerate().collect()),
        Value::Object(places) if !places.is_empty() => {
            let place = |(place, value): (String, Value)| Some((place.parse().ok()?, value));
            let mut placed: Vec<(usize, Value)> =
                places.into_iter().map(place).collect::<Option<_>>()?;
            placed.sort_by_key(|(place, _)| *place);
            Some(placed)
        }
        _ => None,
    }
}

fn object(value: Value, path: &str) -> Result<Map<String, Value>, StripeError> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(invalid(path, "Invalid object")),
    }
}

fn metadata(value: Value, path: &str) -> Checked {
    let entries = match value {
        // The form's decoder took the names 0, 1, … for places.
        Value::Array(values) => values
            .into_iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        value => object(value, path)?,
    };
    if entries.len() > METADATA_NAMES_MAX {
        let message = format!("Metadata can have up to {METADATA_NAMES_MAX} keys.");
        return Err(invalid(path, &message));
    }
    let checked: Result<Map<String, Value>, StripeError> =
        entries.into_iter().map(|(name, value)| metadata_entry(name, value, path)).collect();
    checked.map(Value::Object)
}

fn metadata_entry(name: String, value: Value, path: &str) -> Result<(String, Value), StripeError> {
    let full = join(path, &name);
    if name.is_empty() || name.chars().count() > METADATA_NAME_LEN_MAX || name.contains(['[', ']'])
    {
        let message = format!(
            "Invalid metadata key '{name}': keys have 1 to {METADATA_NAME_LEN_MAX} characters, \
             and no square brackets."
        );
        return Err(invalid(path, &message));
    }
    if is_empty(&value) {
        return Ok((name, Value::Null));
    }
    let value = text(value, &full)?;
    if value.as_str().is_some_and(|text| text.chars().count() > METADATA_VALUE_LEN_MAX) {
        let message =
            format!("Metadata values can have up to {METADATA_VALUE_LEN_MAX} characters.");
        return Err(invalid(&full, &message));
    }
    Ok((name, value))
}

fn range(value: Value, path: &str) -> Checked {
    let Value::Object(bounds) = value else { return integer(&value, path) };
    let bound = |(name, value): (String, Value)| {
        let full = join(path, &name);
        if ["gt", "gte", "lt", "lte"].contains(&name.as_str()) {
            Ok((name, integer(&value, &full)?))
        } else {
            Err(refuse_unknown(&[full], None))
        }
    };
    let checked: Result<Map<String, Value>, StripeError> = bounds.into_iter().map(bound).collect();
    checked.map(Value::Object)
}
