//! Writing views in Stripe's current shape, only what is there: absent, empty and false fields
//! are left out, so that a stored view stays small and `read` restores it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Kind;

/// The fields of one object being written.
pub(super) struct Fields<M>(M);

/// Opens an object that names its kind.
pub(super) fn open<S: Serializer>(to: S, kind: Kind) -> Result<Fields<S::SerializeMap>, S::Error> {
    let mut fields = plain(to)?;
    fields.put("object", kind.as_str())?;
    Ok(fields)
}

/// Opens an object without a kind.
pub(super) fn plain<S: Serializer>(to: S) -> Result<Fields<S::SerializeMap>, S::Error> {
    to.serialize_map(None).map(Fields)
}

impl<M: SerializeMap> Fields<M> {
    pub(super) fn put<T>(&mut self, key: &'static str, value: &T) -> Result<(), M::Error>
    where
        T: Serialize + ?Sized,
    {
        self.0.serialize_entry(key, value)
    }

    pub(super) fn some<T: Serialize>(
        &mut self,
        key: &'static str,
        value: &Option<T>,
    ) -> Result<(), M::Error> {
        value.as_ref().map_or(Ok(()), |value| self.put(key, value))
    }

    /// Writes `{key: {inner: value}}`.
    pub(super) fn some_in<T: Serialize>(
        &mut self,
        key: &'static str,
        inner: &'static str,
        value: &Option<T>,
    ) -> Result<(), M::Error> {
        value.as_ref().map_or(Ok(()), |value| self.put(key, &In(inner, value)))
    }

    pub(super) fn word(&mut self, key: &'static str, word: &str) -> Result<(), M::Error> {
        if word.is_empty() { Ok(()) } else { self.put(key, word) }
    }

    pub(super) fn int(&mut self, key: &'static str, number: i64) -> Result<(), M::Error> {
        if number == 0 { Ok(()) } else { self.put(key, &number) }
    }

    pub(super) fn flag(&mut self, key: &'static str, flag: bool) -> Result<(), M::Error> {
        if flag { self.put(key, &true) } else { Ok(()) }
    }

    /// Writes an empty object, as a sign that there was one.
    pub(super) fn mark(&mut self, key: &'static str, present: bool) -> Result<(), M::Error> {
        if present { self.put(key, &Empty {}) } else { Ok(()) }
    }

    pub(super) fn texts(&mut self, key: &'static str, texts: &[String]) -> Result<(), M::Error> {
        if texts.is_empty() { Ok(()) } else { self.put(key, texts) }
    }

    pub(super) fn list<T: Serialize>(
        &mut self,
        key: &'static str,
        data: &[T],
        has_more: bool,
    ) -> Result<(), M::Error> {
        if data.is_empty() && !has_more { Ok(()) } else { self.put(key, &List { data, has_more }) }
    }

    pub(super) fn end(self) -> Result<M::Ok, M::Error> {
        self.0.end()
    }
}

/// An object of one field.
pub(super) struct In<T>(pub(super) &'static str, pub(super) T);

impl<T: Serialize> Serialize for In<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = plain(to)?;
        fields.put(self.0, &self.1)?;
        fields.end()
    }
}

#[derive(Serialize)]
struct Empty {}

struct List<'a, T> {
    data: &'a [T],
    has_more: bool,
}

impl<T: Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = plain(to)?;
        fields.put("data", self.data)?;
        fields.flag("has_more", self.has_more)?;
        fields.end()
    }
}
