//! The types of parameters, read once from the tables beside this file: `endpoints.json`, which
//! `tools/stripe-params.mjs` writes from the official library and where the notation is told,
//! and `undocumented.json`, by hand, for what the official CLI calls beyond it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Every endpoint's parameters.
pub(super) static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::read);

/// The endpoints by method and path, and the types they share.
pub(super) struct Catalog {
    types: BTreeMap<String, Kind>,
    endpoints: BTreeMap<String, Fields>,
}

/// An object's parameters by name.
pub(super) type Fields = BTreeMap<String, Field>;

/// One parameter.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// An empty value unsets it.
    pub(super) clears: bool,
    /// The most elements that a list takes.
    pub(super) most: Option<usize>,
}

/// A type.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Text,
    Integer,
    Timestamp,
    Number,
    Decimal,
    Flag,
    Metadata,
    Range,
    Any,
    /// One of these words.
    Word(Vec<String>),
    List(Box<Kind>),
    Object(Fields),
    /// An object whose names are the caller's.
    Map(Box<Kind>),
    OneOf(Vec<Kind>),
    /// A type of the catalog.
    Named(String),
}

impl Catalog {
    fn read() -> Self {
        let mut catalog = Self { types: BTreeMap::new(), endpoints: BTreeMap::new() };
        for text in [include_str!("endpoints.json"), include_str!("undocumented.json")] {
            let table: Value = serde_json::from_str(text).expect("a table in the source is JSON");
            let types = table["types"].as_object().into_iter().flatten();
            catalog.types.extend(types.map(|(name, of)| (name.clone(), Kind::read(of))));
            for (endpoint, given) in table["endpoints"].as_object().into_iter().flatten() {
                let known = catalog.endpoints.entry(endpoint.clone()).or_default();
                known.extend(given.as_object().map(read_fields).unwrap_or_default());
            }
        }
        catalog
    }

    /// Returns an endpoint's parameters.
    pub(super) fn endpoint(&self, endpoint: &str) -> Option<&Fields> {
        self.endpoints.get(endpoint)
    }

    /// Returns the endpoints, `POST /v1/customers`.
    #[cfg(test)]
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// Returns what a name stands for; a type without a name stands for itself.
    pub(super) fn resolve<'a>(&'a self, kind: &'a Kind) -> &'a Kind {
        match kind {
            Kind::Named(name) => self.types.get(name).unwrap_or(kind),
            _ => kind,
        }
    }
}

impl Kind {
    /// Reads the notation.
    pub(super) fn read(value: &Value) -> Self {
        match value {
            Value::String(word) => Self::read_word(word),
            Value::Array(options) => match options.as_slice() {
                [element] => Self::List(Box::new(Self::read(element))),
                options => Self::OneOf(options.iter().map(Self::read).collect()),
            },
            Value::Object(fields) => match fields.get("*") {
                Some(entry) => Self::Map(Box::new(Self::read(entry))),
                None => Self::Object(read_fields(fields)),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Any,
        }
    }

    fn read_word(word: &str) -> Self {
        if let Some(words) = word.strip_prefix('=') {
            return Self::Word(words.split('|').map(str::to_owned).collect());
        }
        match word {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "timestamp" => Self::Timestamp,
            "number" => Self::Number,
            "decimal" => Self::Decimal,
            "boolean" => Self::Flag,
            "metadata" => Self::Metadata,
            "range" => Self::Range,
            _ => word.strip_prefix('#').map_or(Self::Any, |name| Self::Named(name.to_owned())),
        }
    }
}

impl Field {
    /// Reads a name with its marks, `items!<20`.
    pub(super) fn read(marked: &str, kind: &Value) -> (String, Self) {
        let (rest, most) = match marked.split_once('<') {
            Some((rest, most)) => (rest, most.parse().ok()),
            None => (marked, None),
        };
        let clears = rest.ends_with('?');
        let rest = rest.trim_end_matches('?');
        let required = rest.ends_with('!');
        let name = rest.trim_end_matches('!').to_owned();
        (name, Self { kind: Kind::read(kind), required, clears, most })
    }
}

fn read_fields(fields: &Map<String, Value>) -> Fields {
    fields.iter().map(|(name, kind)| Field::read(name, kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_off_the_name() {
        let marks = |marked: &str| {
            let (name, field) = Field::read(marked, &Value::from("string"));
            (name, field.required, field.clears, field.most)
        };
        assert_eq!(marks("a"), ("a".to_owned(), false, false, None));
        assert_eq!(marks("a!"), ("a".to_owned(), true, false, None));
        assert_eq!(marks("a!?<4"), ("a".to_owned(), true, true, Some(4)));
    }

    /// A name without a type would let everything through.
    #[test]
    fn every_named_type_exists() {
        fn walk(catalog: &Catalog, kind: &Kind) {
            match kind {
                Kind::Named(name) => assert!(catalog.types.contains_key(name), "{name}"),
                Kind::List(of) | Kind::Map(of) => walk(catalog, of),
                Kind::OneOf(options) => options.iter().for_each(|kind| walk(catalog, kind)),
                Kind::Object(fields) => {
                    fields.values().for_each(|field| walk(catalog, &field.kind));
                }
                _ => {}
            }
        }
        assert!(CATALOG.endpoints.len() > 150 && CATALOG.types.len() > 50);
        CATALOG.types.values().for_each(|kind| walk(&CATALOG, kind));
        for fields in CATALOG.endpoints.values() {
            fields.values().for_each(|field| walk(&CATALOG, &field.kind));
        }
    }

    #[test]
    fn the_handwritten_table_adds_to_the_official_one() {
        let events = CATALOG.endpoint("GET /v2/core/events").unwrap();
        assert!(events.contains_key("page") && events.contains_key("object_id"));
        assert!(CATALOG.endpoint("GET /v1/payment_pages/{id}").is_some());
    }
}
