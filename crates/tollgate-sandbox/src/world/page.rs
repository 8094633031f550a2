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
            Some(owner) => T::table(self).of(owner).collect(),
            None => T::table(self).newest().collect(),
        };
        let created = call.params.range("created");
        let asked = |row: &&T| created.is_none_or(|range| range.holds(row.created())) && keep(row);
        page(call, T::NAME, T::PATH, &rows, |row| row.id(), asked, |row| shape(*row))
    }
}

/// Cuts the page that a call asks for out of those `rows`, newest first, that `keep` lets
/// through. The row that it goes on from may be one that it does not: it may have changed since.
pub(crate) fn page<R>(
    call: &Call,
    name: &str,
    url: &str,
    rows: &[R],
    id: impl Fn(&R) -> &str,
    keep: impl Fn(&R) -> bool,
    show: impl Fn(&R) -> Value,
) -> Outcome {
    let limit = limit(call)?;
    let place = |param: &str| match call.params.text(param) {
        None => Ok(None),
        Some(named) => match rows.iter().position(|row| id(row) == named) {
            Some(place) => Ok(Some(place)),
            None => Err(StripeError::no_such_param(name, named, param)),
        },
    };
    let (page, more) = match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: ending_before, starting_after.",
            ));
        }
        (None, Some(end)) => {
            let (mut page, more) = take(rows[..end].iter().rev().filter(|row| keep(row)), limit);
            page.reverse();
            (page, more)
        }
        (start, None) => {
            let from = start.map_or(0, |place| place + 1);
            take(rows[from..].iter().filter(|row| keep(row)), limit)
        }
    };
    let data: Vec<Value> = page.into_iter().map(show).collect();
    Ok(json!({ "object": "list", "data": data, "has_more": more, "url": url }))
}

/// Takes as many rows as a page has, and says whether there are more.
fn take<'a, R>(mut rows: impl Iterator<Item = &'a R>, limit: usize) -> (Vec<&'a R>, bool) {
    let page = rows.by_ref().take(limit).collect();
    (page, rows.next().is_some())
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
