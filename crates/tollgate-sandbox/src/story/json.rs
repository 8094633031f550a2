//! A JSON tree that keeps the order of its keys and borrows whatever is written in the program.
//! Stripe's bodies start with `id` and `object` and then run alphabetically; a general JSON value
//! would sort or re-allocate every key, and load tests ask for a million bodies.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value; numbers are whole, because Stripe's are (decimals travel as text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'static, str>),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

static NULL: Json = Json::Null;

impl Json {
    /// Returns an object of these fields, in this order.
    pub(super) fn object<const N: usize>(fields: [(&'static str, Json); N]) -> Self {
        Self::Object(Vec::from(fields))
    }

    /// Returns the value at a path such as `items.data.0.price`, or null where there is none.
    pub(super) fn get(&self, path: &str) -> &Json {
        path.split('.').fold(self, |value, step| match value {
            Self::Object(fields) => {
                fields.iter().find(|(key, _)| *key == step).map_or(&NULL, |(_, value)| value)
            }
            Self::List(items) => {
                step.parse::<usize>().ok().and_then(|index| items.get(index)).unwrap_or(&NULL)
            }
            _ => &NULL,
        })
    }

    /// Returns the text at a path, empty where there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        if let Self::Text(text) = self.get(path) { text } else { "" }
    }

    /// Returns the number at a path, 0 where there is none.
    pub(super) fn int(&self, path: &str) -> i64 {
        if let Self::Int(number) = self.get(path) { *number } else { 0 }
    }

    /// Returns the object's `id` as a value.
    pub(super) fn id(&self) -> Json {
        self.get("id").clone()
    }

    /// Returns whether this is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Puts a value at a path; a missing field is added where the alphabet wants it.
    pub(super) fn set(&mut self, path: &'static str, value: impl Into<Json>) {
        *self.slot(path) = value.into();
    }

    /// Does what [`Json::set`] does, for building an object in one expression.
    pub(super) fn with(mut self, path: &'static str, value: impl Into<Json>) -> Self {
        self.set(path, value);
        self
    }

    /// Removes a field of this object and returns it, null where there was none.
    pub(super) fn take(&mut self, key: &str) -> Json {
        let Self::Object(fields) = self else { return Self::Null };
        match fields.iter().position(|(name, _)| *name == key) {
            Some(at) => fields.remove(at).1,
            None => Self::Null,
        }
    }

    /// Appends to the list at a path.
    pub(super) fn push(&mut self, path: &'static str, value: Json) {
        let slot = self.slot(path);
        match slot {
            Self::List(items) => items.push(value),
            _ => *slot = Self::List(vec![value]),
        }
    }

    /// Returns the items of the list at a path for changing them.
    pub(super) fn items_mut(&mut self, path: &'static str) -> &mut [Json] {
        if let Self::List(items) = self.slot(path) { items } else { &mut [] }
    }

    /// Returns the place of a path, which is made where it is missing.
    pub(super) fn slot(&mut self, path: &'static str) -> &mut Json {
        path.split('.').fold(self, |value, step| match value {
            Self::List(items) => {
                let index: usize = step.parse().expect("a step into a list is a number");
                &mut items[index]
            }
            value => value.field(step),
        })
    }

    fn field(&mut self, key: &'static str) -> &mut Json {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(fields) = self else { unreachable!("made an object above") };
        let at = match fields.iter().position(|(name, _)| *name == key) {
            Some(at) => at,
            None => {
                let rank = |name: &str| (name != "id", name != "object");
                let at = fields.partition_point(|(name, _)| (rank(name), *name) < (rank(key), key));
                fields.insert(at, (key, Self::Null));
                at
            }
        };
        &mut fields[at].1
    }

    /// Writes the value as Stripe prints a webhook's body: two spaces, one field a line.
    pub(super) fn pretty(&self, out: &mut String, depth: usize) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(number) => {
                write!(out, "{number}").expect("writing to a string does not fail");
            }
            Self::Text(text) => quote(text, out),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::Object(fields) if fields.is_empty() => out.push_str("{}"),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    new_line(out, depth + 1, index > 0);
                    item.pretty(out, depth + 1);
                }
                new_line(out, depth, false);
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    new_line(out, depth + 1, index > 0);
                    quote(key, out);
                    out.push_str(": ");
                    value.pretty(out, depth + 1);
                }
                new_line(out, depth, false);
                out.push('}');
            }
        }
    }
}

/// Returns `previous_attributes`: what `before` had where `after` differs. Nested objects are
/// compared field by field, lists are given whole, and a field that is new was null before.
pub(super) fn previous_attributes(before: &Json, after: &Json) -> Json {
    let (Json::Object(old), Json::Object(new)) = (before, after) else { return before.clone() };
    let mut changed = Vec::new();
    for (key, value) in new {
        match old.iter().find(|(name, _)| name == key) {
            None => changed.push((*key, Json::Null)),
            Some((_, earlier)) if earlier == value => {}
            Some((_, earlier)) => changed.push((*key, previous_attributes(earlier, value))),
        }
    }
    for (key, value) in old {
        if !new.iter().any(|(name, _)| name == key) {
            changed.push((*key, value.clone()));
        }
    }
    Json::Object(changed)
}

fn new_line(out: &mut String, depth: usize, comma: bool) {
    const BLANKS: &str = "                                                ";
    out.push_str(if comma { ",\n" } else { "\n" });
    out.push_str(&BLANKS[..(depth * 2).min(BLANKS.len())]);
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for symbol in text.chars() {
            match symbol {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                symbol if u32::from(symbol) < 0x20 => {
                    write!(out, "\\u{:04x}", u32::from(symbol)).expect("strings do not fail");
                }
                symbol => out.push(symbol),
            }
        }
    } else {
        out.push_str(text);
    }
    out.push('"');
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Json {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&'static str> for Json {
    fn from(value: &'static str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl From<&String> for Json {
    fn from(value: &String) -> Self {
        Self::Text(Cow::Owned(value.clone()))
    }
}

impl From<&Json> for Json {
    fn from(value: &Json) -> Self {
        value.clone()
    }
}

impl From<Vec<Json>> for Json {
    fn from(value: Vec<Json>) -> Self {
        Self::List(value)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An object with all the fields that Stripe sends, written as JSON beside the code that fills it.
#[derive(Debug)]
pub(super) struct Blank {
    source: &'static str,
    parsed: OnceLock<Json>,
}

impl Blank {
    /// Returns the blank of a JSON text.
    pub(super) const fn new(source: &'static str) -> Self {
        Self { source, parsed: OnceLock::new() }
    }

    /// Returns a copy to fill in.
    pub(super) fn copy(&self) -> Json {
        self.parsed
            .get_or_init(|| serde_json::from_str(self.source).expect("blanks are valid JSON"))
            .clone()
    }
}

impl<'de: 'static> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de: 'static> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON with whole numbers")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        i64::try_from(value).map(Json::Int).map_err(E::custom)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Json, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<&'de str, Json>()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn previous_attributes_hold_whole_lists_and_nested_differences() {
        let before = parse(r#"{"a":1,"n":{"x":1,"y":2},"l":[{"q":1},{"q":2}],"gone":true}"#);
        let after = parse(r#"{"a":1,"n":{"x":1,"y":3},"l":[{"q":1},{"q":3}],"new":5}"#);
        let expected = parse(r#"{"n":{"y":2},"l":[{"q":1},{"q":2}],"new":null,"gone":true}"#);
        assert_eq!(previous_attributes(&before, &after), expected);
    }

    #[test]
    fn a_new_field_stands_where_the_alphabet_wants_it() {
        let object = parse(r#"{"id":"x","object":"y","b":1,"d":2}"#).with("c", 3).with("a", 0);
        let expected = parse(r#"{"id":"x","object":"y","a":0,"b":1,"c":3,"d":2}"#);
        assert_eq!(object, expected);
    }

    #[test]
    fn awkward_text_survives_the_printer() {
        let mut out = String::new();
        Json::object([("k", "a\"b\\c\nd é".into()), ("l", Json::List(vec![]))]).pretty(&mut out, 0);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["k"], "a\"b\\c\nd é");
        assert!(out.contains("\n  \"l\": []\n"), "{out}");
    }
}
