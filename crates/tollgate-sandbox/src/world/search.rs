//! Searches: clauses on fields, after <https://docs.stripe.com/search> (2026-11). Newest first,
//! paged by a word that the answer gives.

use serde_json::{Value, json};

use super::World;
use super::call::{Call, Outcome};
use super::change::shape;
use super::page::limit;
use crate::error::StripeError;
use crate::object::Object;

/// The most clauses that a query may have.
const CLAUSES_MAX: usize = 10;
/// What the word for a page begins with; the number of rows before it follows.
const PAGE: &str = "page_";

impl World {
    /// Answers a search. `fields` say what can be searched for, and where it stands in the object.
    pub(crate) fn search<T: Object>(&self, call: &Call, fields: &[(&str, &str)]) -> Outcome {
        let query = read(call.params.need_text("query")?, fields)?;
        let limit = limit(call)?;
        let skip = match call.params.text("page") {
            None => 0,
            Some(page) => page
                .strip_prefix(PAGE)
                .and_then(|rows| rows.parse::<usize>().ok())
                .ok_or_else(|| StripeError::param("page", format!("Invalid page: '{page}'.")))?,
        };
        let mut found = T::table(self).newest().map(shape).filter(|row| query.takes(row));
        let data: Vec<Value> = found.by_ref().skip(skip).take(limit).collect();
        let more = found.next().is_some();
        let next = more.then(|| format!("{PAGE}{}", skip + data.len()));
        Ok(json!({
            "object": "search_result",
            "data": data,
            "has_more": more,
            "next_page": next,
            "url": format!("{}/search", T::PATH),
        }))
    }
}

/// Clauses of which all hold, or any.
#[derive(Debug)]
struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

/// One condition on one field.
#[derive(Debug)]
struct Clause {
    negated: bool,
    /// Where the field stands, name by name.
    path: Vec<String>,
    operator: char,
    /// Or-equal, after `<` and `>`.
    or_equal: bool,
    /// None for `null`.
    value: Option<String>,
}

impl Query {
    fn takes(&self, row: &Value) -> bool {
        match self.any {
            true => self.clauses.iter().any(|clause| clause.takes(row)),
            false => self.clauses.iter().all(|clause| clause.takes(row)),
        }
    }
}

impl Clause {
    fn takes(&self, row: &Value) -> bool {
        let mut place = row;
        for name in &self.path {
            place = place.get(name).unwrap_or(&Value::Null);
        }
        self.compare(place) != self.negated
    }

    fn compare(&self, found: &Value) -> bool {
        let Some(wanted) = &self.value else { return found.is_null() };
        let text = match found {
            Value::Null => return false,
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        match self.operator {
            ':' => text == wanted.to_lowercase(),
            '~' => text.contains(&wanted.to_lowercase()),
            operator => {
                let (Ok(found), Ok(wanted)) = (text.parse::<i64>(), wanted.parse::<i64>()) else {
                    return false;
                };
                (self.or_equal && found == wanted)
                    || if operator == '>' { found > wanted } else { found < wanted }
            }
        }
    }
}

fn read(text: &str, fields: &[(&str, &str)]) -> Result<Query, StripeError> {
    let mut query = Query { clauses: Vec::new(), any: false };
    let mut joined: Option<bool> = None;
    let mut rest = text.trim();
    loop {
        let (clause, after) = read_clause(rest, fields)?;
        query.clauses.push(clause);
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
        let (any, after) = if let Some(after) = strip_word(rest, "and") {
            (false, after)
        } else if let Some(after) = strip_word(rest, "or") {
            (true, after)
        } else {
            // A space between clauses means AND.
            (false, rest)
        };
        if joined.is_some_and(|joined| joined != any) {
            return Err(refuse("A query joins its clauses by AND or by OR, not by both."));
        }
        (joined, query.any, rest) = (Some(any), any, after);
        if query.clauses.len() == CLAUSES_MAX {
            return Err(refuse(format!("A query has at most {CLAUSES_MAX} clauses.")));
        }
    }
    Ok(query)
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    let after = &text[word.len()..];
    (head.eq_ignore_ascii_case(word) && after.starts_with(' ')).then(|| after.trim_start())
}

fn read_clause<'a>(
    text: &'a str,
    fields: &[(&str, &str)],
) -> Result<(Clause, &'a str), StripeError> {
    let (negated, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .ok_or_else(|| refuse(format!("Unable to parse the query near '{text}'.")))?;
    let (name, mut rest) = text.split_at(end);
    let (_, place) = fields
        .iter()
        .find(|(field, _)| *field == name)
        .ok_or_else(|| refuse(format!("Field `{name}` is an unsupported search field.")))?;
    let mut path: Vec<String> = place.split('.').map(str::to_owned).collect();
    if let Some(key) = rest.strip_prefix('[') {
        let (key, after) = read_value(key)?;
        path.push(key.unwrap_or_default());
        rest = after.strip_prefix(']').ok_or_else(|| refuse("A `]` is missing in the query."))?;
    }
    let operator = rest.chars().next().filter(|c| [':', '~', '<', '>'].contains(c));
    let operator =
        operator.ok_or_else(|| refuse(format!("Unable to parse the query near '{rest}'.")))?;
    rest = &rest[1..];
    let or_equal = matches!(operator, '<' | '>') && rest.starts_with('=');
    if or_equal {
        rest = &rest[1..];
    }
    let (value, rest) = read_value(rest)?;
    Ok((Clause { negated, path, operator, or_equal, value }, rest))
}

/// Reads a quoted text, a number, or `null`.
fn read_value(text: &str) -> Result<(Option<String>, &str), StripeError> {
    if let Some(quote) = text.chars().next().filter(|c| ['"', '\''].contains(c)) {
        let mut value = String::new();
        let mut escaped = false;
        for (place, c) in text.char_indices().skip(1) {
            if escaped || (c != '\\' && c != quote) {
                value.push(c);
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else {
                return Ok((Some(value), &text[place + 1..]));
            }
        }
        return Err(refuse("A quote is not closed in the query."));
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    match text.split_at(end) {
        ("", _) => Err(refuse(format!("Unable to parse the query near '{text}'."))),
        ("null", rest) => Ok((None, rest)),
        (word, rest) => Ok((Some(word.to_owned()), rest)),
    }
}

fn refuse(message: impl Into<String>) -> StripeError {
    StripeError::param("query", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[(&str, &str)] =
        &[("status", "status"), ("total", "total"), ("metadata", "metadata"), ("deep", "a.b")];

    #[test]
    fn clauses_are_understood() {
        let row = json!({
            "status": "open", "total": 500, "metadata": { "k": "it's" }, "a": { "b": "Deep" },
        });
        for (query, takes) in [
            ("status:'open'", true),
            ("status:\"paid\"", false),
            ("-status:'paid'", true),
            ("total>499", true),
            ("total>=500 AND total<=500", true),
            ("total<500", false),
            ("status:'paid' OR total:500", true),
            ("status:'paid' total:500", false),
            ("metadata['k']:'it\\'s'", true),
            ("metadata['x']:null", true),
            ("-metadata[\"k\"]:null AND status:'OPEN'", true),
            ("deep~'eep'", true),
        ] {
            assert_eq!(read(query, FIELDS).unwrap().takes(&row), takes, "{query}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for query in [
            "",
            "status",
            "status:",
            "nothing:'x'",
            "status:'open",
            "metadata['k':'v'",
            "status:'a' AND total:1 OR total:2",
            "status='open'",
        ] {
            assert_eq!(read(query, FIELDS).unwrap_err().text("param"), "query", "{query}");
        }
    }
}
