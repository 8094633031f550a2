//! Request bodies as Stripe's v1 API takes them: `application/x-www-form-urlencoded` with nested
//! names in brackets, `items[0][price]=price_1`, encoded as Stripe's own libraries do.
//! [`decode`] reads them back, whatever order the names come in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The deepest nesting taken, in names and brackets.
const DEPTH_MAX: usize = 32;

/// The most pairs taken.
const PAIRS_MAX: usize = 4096;

/// A body that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` without two digits, or bytes that are no text.
    #[error("form: bad percent-encoding")]
    Encoding,
    /// More pairs than are taken.
    #[error("form: more than {PAIRS_MAX} parameters")]
    TooMany,
    /// More brackets than are taken.
    #[error("form: a parameter is nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// A name is used both for a value and for an object or list.
    #[error("form: `{0}` is used in two ways")]
    Conflict(String),
}

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

/// Decodes a body into an object whose leaves are texts.
///
/// Names that count up from 0 make a list, and so does `[]`, after the counted ones; all others
/// make an object, for the decoder cannot know that `metadata[7]` is a name. Of a value given
/// twice the last one counts.
///
/// ```
/// let value = tollgate_stripe::form::decode("items[1][price]=b&items[0][price]=a+1").unwrap();
/// assert_eq!(value, serde_json::json!({ "items": [{ "price": "a 1" }, { "price": "b" }] }));
/// ```
pub fn decode(body: &str) -> Result<Value, FormError> {
    let mut root = Branch::default();
    for (count, pair) in body.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count == PAIRS_MAX {
            return Err(FormError::TooMany);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (unescape(name)?, unescape(value)?);
        let steps = split(&name);
        if steps.len() > DEPTH_MAX {
            return Err(FormError::TooDeep);
        }
        root.insert(&steps, value).ok_or(FormError::Conflict(name))?;
    }
    let entry = |(name, node): (String, Node)| Ok((name.clone(), node.into_value(&name)?));
    Ok(Value::Object(root.named.into_iter().map(entry).collect::<Result<_, _>>()?))
}

/// What has been read so far of one name.
enum Node {
    Leaf(String),
    Branch(Branch),
}

/// An object or list whose kind is known only when all has been read.
#[derive(Default)]
struct Branch {
    named: BTreeMap<String, Node>,
    pushed: Vec<Node>,
}

impl Branch {
    /// Puts a value where its steps lead, or fails where a value and a branch would meet.
    fn insert(&mut self, steps: &[&str], value: String) -> Option<()> {
        let (step, rest) = steps.split_first()?;
        if step.is_empty() {
            return self.push(rest, value);
        }
        if rest.is_empty() {
            return match self.named.insert((*step).to_owned(), Node::Leaf(value)) {
                Some(Node::Branch(_)) => None,
                Some(Node::Leaf(_)) | None => Some(()),
            };
        }
        let fresh = || Node::Branch(Self::default());
        match self.named.entry((*step).to_owned()).or_insert_with(fresh) {
            Node::Branch(branch) => branch.insert(rest, value),
            Node::Leaf(_) => None,
        }
    }

    /// `a[]=1` starts a new element; `a[][b]=1` goes on with the last one until `b` comes again.
    fn push(&mut self, rest: &[&str], value: String) -> Option<()> {
        let Some(next) = rest.first() else {
            self.pushed.push(Node::Leaf(value));
            return Some(());
        };
        if let Some(Node::Branch(last)) = self.pushed.last_mut()
            && (rest.len() > 1 || !last.named.contains_key(*next))
        {
            return last.insert(rest, value);
        }
        let mut element = Self::default();
        element.insert(rest, value)?;
        self.pushed.push(Node::Branch(element));
        Some(())
    }

    /// The places that the names are, if each is one.
    fn places(&self) -> Option<Vec<usize>> {
        let place = |name: &String| {
            let place: usize = name.parse().ok()?;
            (place.to_string() == *name).then_some(place)
        };
        self.named.keys().map(place).collect()
    }
}

impl Node {
    /// As deep as the steps, which are bounded.
    fn into_value(self, name: &str) -> Result<Value, FormError> {
        let branch = match self {
            Self::Leaf(text) => return Ok(Value::String(text)),
            Self::Branch(branch) => branch,
        };
        let places = branch.places();
        let counts = places.as_ref().is_some_and(|places| {
            !branch.pushed.is_empty() || places.iter().all(|place| *place < places.len())
        });
        if !counts && !branch.pushed.is_empty() {
            return Err(FormError::Conflict(name.to_owned()));
        }
        if !counts {
            let entry = |(key, node): (String, Self)| Ok((key, node.into_value(name)?));
            return Ok(Value::Object(
                branch.named.into_iter().map(entry).collect::<Result<Map<_, _>, _>>()?,
            ));
        }
        let mut placed: Vec<(usize, Self)> =
            places.unwrap_or_default().into_iter().zip(branch.named.into_values()).collect();
        placed.sort_by_key(|(place, _)| *place);
        let elements = placed.into_iter().map(|(_, node)| node).chain(branch.pushed);
        Ok(Value::Array(elements.map(|node| node.into_value(name)).collect::<Result<_, _>>()?))
    }
}

/// Splits `items[0][price]` into its steps. A name whose brackets do not pair is one step.
fn split(name: &str) -> Vec<&str> {
    let whole = || vec![name];
    let Some((first, rest)) = name.split_once('[') else { return whole() };
    let Some(inner) = rest.strip_suffix(']') else { return whole() };
    let steps: Vec<&str> = std::iter::once(first).chain(inner.split("][")).collect();
    let plain = |step: &&str| !step.contains(['[', ']']);
    if first.is_empty() || !steps.iter().all(plain) { whole() } else { steps }
}

/// Decodes percent signs and plus signs.
fn unescape(text: &str) -> Result<String, FormError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = bytes.next().and_then(digit).ok_or(FormError::Encoding)?;
                let low = bytes.next().and_then(digit).ok_or(FormError::Encoding)?;
                high << 4 | low
            }
            _ => byte,
        });
    }
    String::from_utf8(out).map_err(|_| FormError::Encoding)
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
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
    use proptest::prelude::*;
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

    #[test]
    fn brackets_become_objects_and_lists_in_any_order() {
        let rows = [
            ("a=1&b=&c", json!({ "a": "1", "b": "", "c": "" })),
            ("a[b]=1&a[c][d]=2", json!({ "a": { "b": "1", "c": { "d": "2" } } })),
            ("a[]=x&a[]=y", json!({ "a": ["x", "y"] })),
            (
                "a[1][x]=2&a[0][x]=1&a[1][y]=3",
                json!({ "a": [{ "x": "1" }, { "x": "2", "y": "3" }] }),
            ),
            ("a[10]=k&a[2]=c&a[]=z", json!({ "a": ["c", "k", "z"] })),
            ("a[][x]=1&a[][y]=2&a[][x]=3", json!({ "a": [{ "x": "1", "y": "2" }, { "x": "3" }] })),
            ("metadata[7]=x", json!({ "metadata": { "7": "x" } })),
            ("metadata[00]=x", json!({ "metadata": { "00": "x" } })),
            ("a=1&a=2", json!({ "a": "2" })),
            ("a%5B0%5D%5Bb%5D=c+d%2B%C3%A9", json!({ "a": [{ "b": "c d+é" }] })),
            (
                "a[b=1&a]b=2&[c]=3&a[b]c=4",
                json!({ "a[b": "1", "a]b": "2", "[c]": "3", "a[b]c": "4" }),
            ),
            ("&&", json!({})),
            ("=x", json!({})),
        ];
        for (body, expected) in rows {
            assert_eq!(decode(body).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(decode("a=%zz"), Err(FormError::Encoding));
        assert_eq!(decode("a=%4"), Err(FormError::Encoding));
        assert_eq!(decode("a=%ff"), Err(FormError::Encoding));
        for body in ["a=1&a[b]=2", "a[b]=2&a=1", "a[]=1&a[b]=2", "a[][b]=1&a[][b][c]=2"] {
            assert!(matches!(decode(body), Err(FormError::Conflict(_))), "{body}");
        }
        let deep = |depth: usize| decode(&format!("a{}=1", "[b]".repeat(depth)));
        assert!(deep(DEPTH_MAX - 1).is_ok());
        assert_eq!(deep(DEPTH_MAX), Err(FormError::TooDeep));
        let wide = |count: usize| decode(&"a[]=1&".repeat(count));
        assert!(wide(PAIRS_MAX).is_ok());
        assert_eq!(wide(PAIRS_MAX + 1), Err(FormError::TooMany));
    }

    /// Trees that a form can carry: nothing empty but texts, no name that is a number.
    fn tree() -> impl Strategy<Value = Value> {
        let leaf = "[ -~é☃]{0,6}".prop_map(Value::String);
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Value::Array),
                fields(inner, 1).prop_map(Value::Object),
            ]
        })
    }

    fn fields(
        inner: impl Strategy<Value = Value>,
        least: usize,
    ) -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::btree_map("[a-z_][a-z0-9_ &=+%é]{0,5}", inner, least..4)
            .prop_map(|fields| fields.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_in_any_order(
            fields in fields(tree(), 0),
            seed in any::<u64>(),
        ) {
            let value = Value::Object(fields);
            let body = encode(&value);
            prop_assert_eq!(&decode(&body).unwrap(), &value);
            let mut pairs: Vec<&str> = body.split('&').collect();
            pairs.sort_by_key(|pair| {
                pair.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
            });
            prop_assert_eq!(decode(&pairs.join("&")).unwrap(), value);
        }

        #[test]
        fn no_body_panics(body in r"[a-b0-2\[\]=&%+é]{0,40}", any in ".{0,40}") {
            let _ = decode(&body);
            let _ = decode(&any);
        }
    }
}
