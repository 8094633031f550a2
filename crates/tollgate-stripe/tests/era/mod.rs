//! Reads what several API versions wrote, and compares it with the one thing it says.

use serde_json::Value;
use tollgate_stripe::object::{Kind, Object};

pub const START: i64 = 1_761_700_000;
pub const END: i64 = 1_764_378_400;

/// Reads an object, and on the way checks that storing loses nothing.
pub fn read(kind: Kind, body: &Value) -> Object {
    let object = Object::read(kind, &body.to_string()).expect("the object is readable");
    let stored = object.to_stored();
    assert_eq!(Object::parse_stored(&stored).as_ref(), Ok(&object), "stored as {stored}");
    object
}

pub fn each_reads_as(kind: Kind, expected: &Object, eras: &[(&str, Value)]) {
    for (version, body) in eras {
        assert_eq!(&read(kind, body), expected, "{version}");
    }
}

pub fn with(mut body: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    body.as_object_mut().expect("bodies are objects").extend(fields);
    body
}
