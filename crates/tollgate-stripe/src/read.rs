//! Reading JSON the way Stripe's history demands: straight from the text into a view, the last of
//! two equal keys wins, and a value of an unexpected type counts as absent. No tree is built;
//! fields nobody asked for are skipped unread. Every loop here ends with the text it reads, whose
//! length the caller has bounded; the depth of what is read is bounded by serde_json.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::id;
use crate::rfc3339::SECONDS_MAX;

/// Something that is filled field by field from a JSON object.
pub(crate) trait View<'de>: Default {
    /// Takes the value of one field from `map`, or skips it with [`skip`].
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;

    /// What a plain text in the object's place means: an id that was not expanded.
    fn bare(_text: &str) -> Option<Self> {
        None
    }
}

/// Reads a whole text as a view; `None` where it is JSON but not an object.
pub(crate) fn whole<'de, V: View<'de>>(text: &'de str) -> serde_json::Result<Option<V>> {
    let mut from = serde_json::Deserializer::from_str(text);
    let read = Nested::deserialize(&mut from)?;
    from.end()?;
    Ok(read.0)
}

/// Passes over a field.
pub(crate) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// Reads a text; an empty one, or one with a NUL (which Postgres cannot store), counts as absent.
pub(crate) fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    Ok(match map.next_value()? {
        Scalar::Text(text) if usable(&text) => Some(text.into_owned()),
        _ => None,
    })
}

/// Reads a plain array of texts; anything else in it is left out.
pub(crate) fn texts<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<String>, A::Error> {
    let texts = list::<A, Text>(map)?.data.into_iter().map(|it| it.0);
    // What is no text was read as an empty one.
    Ok(texts.filter(|it| !it.is_empty()).collect())
}

/// Reads an id that must stand there itself, not expanded.
pub(crate) fn own_id<'de, A, T>(map: &mut A) -> Result<Option<T>, A::Error>
where
    A: MapAccess<'de>,
    T: From<String>,
{
    Ok(match map.next_value()? {
        Scalar::Text(text) if id::check(&text).is_ok() => Some(T::from(text.into_owned())),
        _ => None,
    })
}

/// Reads an id, or the id of the object that was expanded in its place.
pub(crate) fn reference<'de, A, T>(map: &mut A) -> Result<Option<T>, A::Error>
where
    A: MapAccess<'de>,
    T: From<String>,
{
    Ok(nested::<A, Reference>(map)?.and_then(|found| found.0).map(T::from))
}

/// Reads a whole number; a fraction, a text of digits or one beyond 64 bits counts as absent.
pub(crate) fn int<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<i64>, A::Error> {
    Ok(match map.next_value()? {
        Scalar::Int(number) => Some(number),
        Scalar::Float(number) => whole_number(number),
        _ => None,
    })
}

/// Reads a time in Unix seconds; one outside the years 1970 to 9999 counts as absent.
pub(crate) fn time<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<i64>, A::Error> {
    Ok(int(map)?.filter(|seconds| (0..=SECONDS_MAX).contains(seconds)))
}

/// Reads a decimal as text, whether it came as a number or as a text of one. A negative one, or
/// one of more than 32 characters, counts as absent.
pub(crate) fn decimal<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    let text = match map.next_value()? {
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Text(text) => text.into_owned(),
        _ => return Ok(None),
    };
    Ok(is_decimal(&text).then_some(text))
}

/// Reads a flag; anything but `true` is false.
pub(crate) fn flag<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
    Ok(matches!(map.next_value()?, Scalar::Flag(true)))
}

/// Reads a flag that must be there.
pub(crate) fn strict_flag<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<bool>, A::Error> {
    Ok(match map.next_value()? {
        Scalar::Flag(flag) => Some(flag),
        _ => None,
    })
}

/// Reads whether an object stands there.
pub(crate) fn present<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
    Ok(nested::<A, Present>(map)?.is_some())
}

/// Reads a word of an open enum; an absent one is the empty word.
pub(crate) fn word<'de, A, T>(map: &mut A) -> Result<T, A::Error>
where
    A: MapAccess<'de>,
    T: for<'a> From<&'a str>,
{
    Ok(match map.next_value()? {
        Scalar::Text(text) if usable(&text) => T::from(&text),
        _ => T::from(""),
    })
}

/// Reads an object as a view of its own.
pub(crate) fn nested<'de, A, V>(map: &mut A) -> Result<Option<V>, A::Error>
where
    A: MapAccess<'de>,
    V: View<'de>,
{
    map.next_value::<Nested<V>>().map(|read| read.0)
}

/// Reads Stripe's list object, or a plain array as some older fields were.
pub(crate) fn list<'de, A, V>(map: &mut A) -> Result<List<V>, A::Error>
where
    A: MapAccess<'de>,
    V: View<'de>,
{
    map.next_value()
}

fn usable(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    text.len() <= 32 && digits(whole) && digits(fraction)
}

/// The whole number a float stands for, within the range where floats are exact.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    // In this range the conversion loses nothing.
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

/// The keys of an object, borrowed where they have no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.deserialize_any(ScalarVisitor)? {
            Scalar::Text(key) => Ok(Self(key)),
            _ => Err(D::Error::custom("key is not text")),
        }
    }
}

/// A value with nothing inside; objects, arrays and null are `Other`.
enum Scalar<'de> {
    Text(Cow<'de, str>),
    Int(i64),
    Float(f64),
    Flag(bool),
    Other,
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Scalar::Other, Scalar::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain_seq(seq).map(|()| Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Scalar::Other)
    }
}

fn drain_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<(), A::Error> {
    IgnoredAny.visit_seq(seq).map(drop)
}

/// An object as a view; `None` where something else stands there.
struct Nested<V>(Option<V>);

impl<'de, V: View<'de>> Deserialize<'de> for Nested<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NestedVisitor(PhantomData)).map(Self)
    }
}

struct NestedVisitor<V>(PhantomData<V>);

impl<'de, V: View<'de>> Visitor<'de> for NestedVisitor<V> {
    type Value = Option<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(V::bare(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain_seq(seq).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut view = V::default();
        while let Some(Key(key)) = map.next_key()? {
            view.take(&key, &mut map)?;
        }
        Ok(Some(view))
    }
}

/// An id, bare or of an expanded object.
#[derive(Default)]
pub(crate) struct Reference(pub(crate) Option<String>);

impl<'de> View<'de> for Reference {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.0 = own_id(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }

    fn bare(text: &str) -> Option<Self> {
        id::check(text).is_ok().then(|| Self(Some(text.to_owned())))
    }
}

/// An element of an array of texts.
#[derive(Default)]
struct Text(String);

impl<'de> View<'de> for Text {
    fn take<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        skip(map)
    }

    fn bare(text: &str) -> Option<Self> {
        usable(text).then(|| Self(text.to_owned()))
    }
}

#[derive(Default)]
struct Present;

impl<'de> View<'de> for Present {
    fn take<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        skip(map)
    }
}

/// The elements of a list that are what was asked for, in their order.
pub(crate) struct List<V> {
    pub(crate) data: Vec<V>,
    pub(crate) has_more: bool,
}

impl<V> Default for List<V> {
    fn default() -> Self {
        Self { data: Vec::new(), has_more: false }
    }
}

impl<'de, V: View<'de>> View<'de> for List<V> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "data" => self.data = map.next_value::<Self>()?.data,
            "has_more" => self.has_more = flag(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de, V: View<'de>> Deserialize<'de> for List<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<V>(PhantomData<V>);

impl<'de, V: View<'de>> Visitor<'de> for ListVisitor<V> {
    type Value = List<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = List::default();
        while let Some(Nested(element)) = seq.next_element()? {
            list.data.extend(element);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(NestedVisitor(PhantomData).visit_map(map)?.unwrap_or_default())
    }
}
