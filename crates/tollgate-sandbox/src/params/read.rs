//! The typed reader that every handler uses: [`Params`] knows each value's full name in brackets,
//! so that what a handler refuses is named as Stripe names it. A parameter sent empty to unset
//! a field is `null` here: [`Params::cleared`] sees it, every other reader takes it for absent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::StripeError;

/// The parameters of a call, or of an object within them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params {
    /// The full name of the object that holds these, or empty for the call itself.
    prefix: String,
    fields: Map<String, Value>,
}

impl Params {
    /// Wraps values that need no check, for calls from within. Anything but an object is empty.
    pub fn from_value(value: Value) -> Self {
        Self::nested(String::new(), value)
    }

    fn nested(prefix: String, value: Value) -> Self {
        let fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { prefix, fields }
    }

    /// Returns the value, unless it is absent or cleared.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !is_cleared(value))
    }

    /// Says whether the parameter was given a value.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Says whether the parameter was sent empty, which unsets the field.
    pub fn cleared(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(is_cleared)
    }

    /// Returns a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// Returns an integer or a time in seconds.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.value(name)?.as_i64()
    }

    /// Returns a boolean.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    /// Returns a decimal as text, whether it came as a number or as text.
    pub fn decimal(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Returns an object.
    pub fn sub(&self, name: &str) -> Option<Self> {
        let value = self.value(name)?;
        value.is_object().then(|| Self::nested(self.path(name), value.clone()))
    }

    /// Returns a list of objects.
    pub fn list(&self, name: &str) -> Option<Vec<Self>> {
        let element = |(index, value): (usize, &Value)| {
            Self::nested(format!("{}[{index}]", self.path(name)), value.clone())
        };
        Some(self.value(name)?.as_array()?.iter().enumerate().map(element).collect())
    }

    /// Returns a list of texts.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let values = self.value(name)?.as_array()?;
        Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Returns a text that the call must have.
    pub fn need_text(&self, name: &str) -> Result<&str, StripeError> {
        self.text(name).ok_or_else(|| self.missing(name))
    }

    /// Returns an integer that the call must have.
    pub fn need_int(&self, name: &str) -> Result<i64, StripeError> {
        self.int(name).ok_or_else(|| self.missing(name))
    }

    /// The refusal of a call without this parameter.
    pub fn missing(&self, name: &str) -> StripeError {
        StripeError::missing(&self.path(name))
    }

    /// The refusal of this parameter's value.
    pub fn refuse(&self, name: &str, message: impl Into<String>) -> StripeError {
        StripeError::param(self.path(name), message)
    }

    /// Returns a parameter's full name: `items[0][price]`.
    pub fn path(&self, name: &str) -> String {
        join(&self.prefix, name)
    }

    /// Returns the names given, cleared ones too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// Returns what to change in an object's metadata.
    pub fn metadata(&self) -> Option<MetadataChange> {
        if self.cleared("metadata") {
            return Some(MetadataChange { clears: true, entries: BTreeMap::new() });
        }
        let given = self.value("metadata")?.as_object()?;
        let entry = |(name, value): (&String, &Value)| {
            (name.clone(), (!is_cleared(value)).then(|| text_of(value)))
        };
        Some(MetadataChange { clears: false, entries: given.iter().map(entry).collect() })
    }

    /// Returns what the caller wants expanded.
    pub fn expand(&self) -> Vec<String> {
        self.texts("expand").unwrap_or_default()
    }

    /// Returns a filter such as `created[gte]=1`, or `created=1` for that second alone.
    pub fn range(&self, name: &str) -> Option<Range> {
        if let Some(at) = self.int(name) {
            return Some(Range { from: Some(at), until: Some(at) });
        }
        let bounds = self.sub(name)?;
        let after = bounds.int("gt").map(|at| at.saturating_add(1));
        let before = bounds.int("lt").map(|at| at.saturating_sub(1));
        Some(Range {
            from: after.max(bounds.int("gte")),
            until: before.into_iter().chain(bounds.int("lte")).min(),
        })
    }

    /// Returns the parameters as they are.
    pub fn into_value(self) -> Value {
        Value::Object(self.fields)
    }
}

/// What a call changes in an object's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataChange {
    /// Everything there goes.
    pub clears: bool,
    /// What each name becomes; a name without a value goes.
    pub entries: BTreeMap<String, Option<String>>,
}

/// A span of integers, both ends included; an absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least value in it.
    pub from: Option<i64>,
    /// The greatest value in it.
    pub until: Option<i64>,
}

impl Range {
    /// Says whether a value is in the span.
    pub fn holds(&self, value: i64) -> bool {
        self.from.is_none_or(|from| from <= value) && self.until.is_none_or(|until| value <= until)
    }
}

/// A name within an object, `items[0]` and `price` giving `items[0][price]`.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}[{name}]") }
}

fn is_cleared(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Metadata may come as numbers and booleans in a JSON body; it is kept as text.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(value: Value) -> Params {
        Params::from_value(value)
    }

    #[test]
    fn nested_values_know_their_full_names() {
        let call = params(json!({ "items": [{}, { "price_data": { "currency": "eur" } }] }));
        let items = call.list("items").unwrap();
        let price = items[1].sub("price_data").unwrap();
        assert_eq!(price.text("currency"), Some("eur"));
        assert_eq!(price.path("product"), "items[1][price_data][product]");
        let error = price.need_text("product").unwrap_err();
        assert_eq!(error.text("param"), "items[1][price_data][product]");
        assert_eq!(error.text("code"), "parameter_missing");
        assert_eq!(items[0].need_int("quantity").unwrap_err().text("param"), "items[0][quantity]");
        assert_eq!(price.refuse("currency", "no").text("param"), "items[1][price_data][currency]");
    }

    #[test]
    fn a_cleared_parameter_is_absent_for_every_other_reader() {
        let call = params(json!({ "a": null, "b": "", "c": "x" }));
        for name in ["a", "b"] {
            assert!(call.cleared(name) && !call.has(name), "{name}");
            assert_eq!((call.text(name), call.value(name)), (None, None), "{name}");
        }
        assert!(!call.cleared("c") && call.has("c"));
        assert!(!call.cleared("d") && !call.has("d"));
        assert_eq!(call.names().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn scalars_read_as_their_type_and_as_no_other() {
        let call = params(json!({ "i": 7, "n": 12.5, "t": "8", "f": true, "l": ["a", "b"] }));
        assert_eq!((call.int("i"), call.int("t"), call.int("n")), (Some(7), None, None));
        assert_eq!(call.decimal("n").as_deref(), Some("12.5"));
        assert_eq!(call.decimal("i").as_deref(), Some("7"));
        assert_eq!(call.decimal("t").as_deref(), Some("8"));
        assert_eq!((call.flag("f"), call.flag("t")), (Some(true), None));
        assert_eq!(call.texts("l").unwrap(), ["a", "b"]);
        assert_eq!((call.sub("t"), call.list("t")), (None, None));
    }

    #[test]
    fn metadata_sets_removes_and_clears() {
        let change = |given: Value| params(json!({ "metadata": given })).metadata().unwrap();
        let entry = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        let changed = change(json!({ "a": "1", "b": 2, "c": "", "d": null }));
        assert!(!changed.clears);
        let expected =
            [entry("a", Some("1")), entry("b", Some("2")), entry("c", None), entry("d", None)];
        assert_eq!(changed.entries, BTreeMap::from(expected));
        assert_eq!(change(json!("")), MetadataChange { clears: true, entries: BTreeMap::new() });
        assert_eq!(params(json!({})).metadata(), None);
    }

    #[test]
    fn ranges_include_what_their_bounds_say() {
        let range = |given: Value| params(json!({ "created": given })).range("created").unwrap();
        let within = |range: Range| (0..6).filter(|at| range.holds(*at)).collect::<Vec<i64>>();
        assert_eq!(within(range(json!(3))), [3]);
        assert_eq!(within(range(json!({ "gt": 3 }))), [4, 5]);
        assert_eq!(within(range(json!({ "gte": 2, "lt": 4 }))), [2, 3]);
        assert_eq!(within(range(json!({ "lte": 1 }))), [0, 1]);
        assert_eq!(within(range(json!({ "gt": 1, "gte": 1, "lt": 5, "lte": 2 }))), [2]);
        assert_eq!(params(json!({})).range("created"), None);
    }
}
