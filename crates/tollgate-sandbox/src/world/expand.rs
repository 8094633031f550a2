//! `expand`: ids in an answer give way to the objects they name, after
//! <https://docs.stripe.com/expand> (2026-11).

use serde_json::Value;
use tollgate_stripe::version::ApiVersion;

use super::World;
use crate::api;
use crate::error::StripeError;
use crate::{payments, version};

/// How deep a path may go.
const DEPTH_MAX: usize = 4;
/// How long the part of an id after its prefix is, at least.
const TAIL_LEN_MIN: usize = 8;

impl World {
    /// Expands one path, such as `latest_invoice.payments` or `data.customer`, in place.
    pub(super) fn expand(
        &self,
        answer: &mut Value,
        path: &str,
        version: &ApiVersion,
    ) -> Result<(), StripeError> {
        let names: Vec<&str> = path.split('.').collect();
        if names.len() > DEPTH_MAX {
            let message = format!("You cannot expand more than {DEPTH_MAX} levels of a property.");
            return Err(StripeError::param("expand", message));
        }
        self.expand_names(answer, &names, version).map_err(|()| cannot(path))
    }

    fn expand_names(
        &self,
        place: &mut Value,
        names: &[&str],
        version: &ApiVersion,
    ) -> Result<(), ()> {
        let Some((first, rest)) = names.split_first() else { return Ok(()) };
        match place {
            Value::Array(rows) => {
                rows.iter_mut().try_for_each(|row| self.expand_names(row, names, version))
            }
            Value::Object(_) => {
                self.include(place, first, version);
                let child = place.get_mut(*first).ok_or(())?;
                match (*first, &*child) {
                    // A card is a payment method elsewhere.
                    ("default_source", Value::String(id)) => {
                        if let Some(card) = payments::sources::object(self, id) {
                            *child = card;
                        }
                    }
                    _ => self.open(child, version),
                }
                if is_plain(child) {
                    return Err(());
                }
                self.expand_names(child, rest, version)
            }
            _ => Ok(()),
        }
    }

    /// Adds a field that Stripe answers only when asked, such as a session's line items.
    fn include(&self, place: &mut Value, name: &str, version: &ApiVersion) {
        let Some(fields) = place.as_object() else { return };
        if fields.contains_key(name) {
            return;
        }
        let (Some(object), Some(id)) = (text(fields, "object"), text(fields, "id")) else { return };
        let Some(mut value) = api::include(self, object, id, name) else { return };
        version::render(&mut value, version, self);
        place[name] = value;
    }

    /// Puts an object in the place of its id, in a list too.
    fn open(&self, place: &mut Value, version: &ApiVersion) {
        match place {
            Value::String(id) => {
                if let Some(mut object) = api::object(self, id) {
                    version::render(&mut object, version, self);
                    *place = object;
                }
            }
            Value::Array(rows) => rows.iter_mut().for_each(|row| self.open(row, version)),
            _ => {}
        }
    }
}

/// Says whether a value never stands for an object: a number, a flag, or a text that is no id.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !is_like_id(text),
        _ => false,
    }
}

/// Ids end in letters and digits without sense; words such as `past_due` do not.
fn is_like_id(text: &str) -> bool {
    let tail = text.rsplit_once('_').map_or("", |(_, tail)| tail);
    tail.len() >= TAIL_LEN_MIN && tail.bytes().any(|byte| !byte.is_ascii_lowercase())
}

fn text<'a>(fields: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

fn cannot(path: &str) -> StripeError {
    let message = format!("This property cannot be expanded ({path}).");
    StripeError::param("expand", message)
}
