//! Checks JSON against the schemas of Stripe's objects. It knows the keywords which that file
//! uses (`type`, `const`, `enum`, `anyOf`, `$ref`, `properties`, `required`,
//! `additionalProperties`, `items`) and refuses a schema that uses another one.

use serde_json::{Map, Value};

/// The schemas of the objects of 2026-10-28.endive, by the name in `object`.
pub struct Schemas(Map<String, Value>);

impl Schemas {
    /// Reads the schemas that lie beside the tests.
    pub fn load() -> Self {
        let text = include_str!("../object-schemas.json");
        let mut root: Value = serde_json::from_str(text).unwrap();
        let Value::Object(definitions) = root["$defs"].take() else { panic!("no $defs") };
        Self(definitions)
    }

    /// Returns what is wrong with an object, each with its path; empty if it is valid.
    pub fn faults(&self, name: &str, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        match self.0.get(name) {
            Some(schema) => self.check(schema, value, name, &mut faults),
            None => faults.push(format!("{name}: no such schema")),
        }
        faults
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let Some(schema) = schema.as_object() else {
            if schema == &Value::Bool(false) {
                faults.push(format!("{at}: nothing is allowed here"));
            }
            return;
        };
        for (keyword, wanted) in schema {
            match keyword.as_str() {
                "type" => check_type(wanted, value, at, faults),
                "const" if wanted != value => faults.push(format!("{at}: not {wanted}: {value}")),
                "enum" if !wanted.as_array().unwrap().contains(value) => {
                    faults.push(format!("{at}: not one of the values: {value}"));
                }
                "anyOf" => self.check_any(wanted.as_array().unwrap(), value, at, faults),
                "$ref" => {
                    let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.check(&self.0[name], value, at, faults);
                }
                "properties" => self.check_fields(schema, value, at, faults),
                "required" => check_required(wanted, value, at, faults),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{at}[{index}]"), faults);
                    }
                }
                "additionalProperties" => {
                    if !schema.contains_key("properties") {
                        self.check_fields(schema, value, at, faults);
                    }
                }
                "const" | "enum" => {}
                other => panic!("{at}: unknown keyword {other}"),
            }
        }
    }

    fn check_any(&self, choices: &[Value], value: &Value, at: &str, faults: &mut Vec<String>) {
        let mut nearest: Option<Vec<String>> = None;
        for choice in choices {
            let mut found = Vec::new();
            self.check(choice, value, at, &mut found);
            if found.is_empty() {
                return;
            }
            // The choice that got furthest into the value says best what is wrong.
            let depth = |list: &[String]| list.iter().map(String::len).max();
            if nearest.as_ref().is_none_or(|best| depth(&found) > depth(best)) {
                nearest = Some(found);
            }
        }
        faults.extend(nearest.unwrap_or_default());
    }

    fn check_fields(
        &self,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        for (key, field) in value.as_object().into_iter().flatten() {
            let at = format!("{at}.{key}");
            match (known.and_then(|known| known.get(key)), schema.get("additionalProperties")) {
                (Some(schema), _) => self.check(schema, field, &at, faults),
                (None, Some(Value::Bool(false))) => faults.push(format!("{at}: unknown field")),
                (None, Some(rest)) => self.check(rest, field, &at, faults),
                (None, None) => {}
            }
        }
    }
}

fn check_type(wanted: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if wanted != found {
        faults.push(format!("{at}: {found} instead of {wanted}"));
    }
}

fn check_required(wanted: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for key in wanted.as_array().unwrap() {
        let key = key.as_str().unwrap();
        if !object.contains_key(key) {
            faults.push(format!("{at}.{key}: missing"));
        }
    }
}
