//! Lists: newest first, paged by ids, after <https://docs.stripe.com/api/pagination> (2026-11).

use serde_json::{Value, json};

use super::call::{Call, Outcome};
use super::{World, change::shape};
use crate::error::StripeError;
use crate::object::Object;

/// How many rows a page has unless asked otherwise.
const LIMIT: i64 = 10;
/// The most rows that a page may have.
const LIMIT_MAX: i64 = 100;

impl World {
    /// Answers a list of objects: all of them or those of one owner, which `keep` lets through.
    pub(crate) fn list<T: Object>(
        &self,
        call: &Call,
        owner: Option<&str>,
        keep: impl Fn(&T) -> bool,
    ) -> Outcome {
        let rows: Vec<&T> = match owner {
            Some(owner) => T::table(self).of(owner).filter(|row| keep(row)).collect(),
            None => T::table(self).newest().filter(|row| keep(row)).collect(),
        };
        page(call, T::NAME, T::PATH, &rows, |row| (row.id(), row.created()), |row| shape(*row))
    }
}

/// Cuts the page that a call asks for out of `rows`, newest first.
pub(crate) fn page<R>(
    call: &Call,
    name: &str,
    url: &str,
    rows: &[R],
    key: impl Fn(&R) -> (&str, i64),
    show: impl Fn(&R) -> Value,
) -> Outcome {
    let created = call.params.range("created");
    let rows: Vec<&R> =
        rows.iter().filter(|row| created.is_none_or(|range| range.holds(key(row).1))).collect();
    let limit = limit(call)?;
    let place = |param: &str| match call.params.text(param) {
        None => Ok(None),
        Some(id) => match rows.iter().position(|row| key(row).0 == id) {
            Some(place) => Ok(Some(place)),
            None => Err(StripeError::no_such_param(name, id, param)),
        },
    };
    let (from, to, more) = match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: ending_before, starting_after.",
            ));
        }
        (None, Some(end)) => (end.saturating_sub(limit), end, end > limit),
        (start, None) => {
            let from = start.map_or(0, |place| place + 1);
            let to = rows.len().min(from + limit);
            (from, to, to < rows.len())
        }
    };
    let data: Vec<Value> = rows[from..to].iter().map(|row| show(row)).collect();
    Ok(json!({ "object": "list", "data": data, "has_more": more, "url": url }))
}

pub(super) fn limit(call: &Call) -> Result<usize, StripeError> {
    let limit = call.params.int("limit").unwrap_or(LIMIT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(usize::try_from(limit).expect("between 1 and 100"));
    }
    let message = if limit < 1 {
        "This value must be greater than or equal to 1.".to_owned()
    } else {
        format!("This value must be less than or equal to {LIMIT_MAX} (it currently is '{limit}').")
    };
    Err(StripeError::param("limit", message).code("parameter_invalid_integer"))
}
