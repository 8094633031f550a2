//! Request bodies as Stripe's v1 API takes them: `application/x-www-form-urlencoded` with nested
//! names in brackets, `items[0][price]=price_1`, encoded as Stripe's own libraries do.

use serde_json::Value;

/// Encodes an object. `null` becomes an empty value, which unsets a field at Stripe; an empty
/// object or array sends nothing. Anything but an object encodes to nothing.
///
/// ```
/// let body = tollgate_stripe::form::encode(&serde_json::json!({
///     "items": [{ "price": "price_1", "quantity": 2 }],
///     "metadata": { "user_id": "a b" },
/// }));
/// assert_eq!(body, "items[0][price]=price_1&items[0][quantity]=2&metadata[user_id]=a%20b");
/// ```
pub fn encode(params: &Value) -> String {
    let mut out = String::new();
    if let Value::Object(fields) = params {
        for (name, value) in fields {
            push(&mut out, &escape(name), value);
        }
    }
    out
}

/// Adds one parameter; `name` is encoded already. As deep as the value, which its caller built.
fn push(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                push(out, &format!("{name}[{}]", escape(key)), value);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                push(out, &format!("{name}[{index}]"), value);
            }
        }
        Value::Null => pair(out, name, ""),
        Value::String(text) => pair(out, name, &escape(text)),
        Value::Bool(_) | Value::Number(_) => pair(out, name, &escape(&value.to_string())),
    }
}

fn pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(name);
    out.push('=');
    out.push_str(value);
}

/// Percent-encodes all but unreserved characters and, as Stripe's libraries do, brackets.
fn escape(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_values_take_brackets_and_indices() {
        let params = json!({ "expand": ["a.b", "c"], "items": [{ "id": "si_1", "tax": [[1]] }] });
        let expected = "expand[0]=a.b&expand[1]=c&items[0][id]=si_1&items[0][tax][0][0]=1";
        assert_eq!(encode(&params), expected);
    }

    #[test]
    fn scalars_read_as_stripe_reads_them() {
        let params = json!({ "a": null, "b": true, "c": -1, "d": 1.5, "e": "" });
        assert_eq!(encode(&params), "a=&b=true&c=-1&d=1.5&e=");
    }

    #[test]
    fn reserved_and_foreign_characters_are_percent_encoded() {
        let params = json!({ "k&=": "a+b&c=d/é☃ '!*()~-_.\n" });
        let expected = "k%26%3D=a%2Bb%26c%3Dd%2F%C3%A9%E2%98%83%20%27%21%2A%28%29~-_.%0A";
        assert_eq!(encode(&params), expected);
        assert_eq!(
            encode(&json!({ "url": "{CHECKOUT_SESSION_ID}" })),
            "url=%7BCHECKOUT_SESSION_ID%7D"
        );
        assert_eq!(encode(&json!({ "v": "[1]" })), "v=[1]");
    }

    #[test]
    fn what_is_empty_sends_nothing() {
        assert_eq!(encode(&json!({ "a": {}, "b": [] })), "");
        for other in [json!(null), json!([1]), json!("x")] {
            assert_eq!(encode(&other), "");
        }
    }
}
