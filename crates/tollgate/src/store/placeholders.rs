//! Named parameters in SQL that somebody else wrote. `$name` becomes `$1`, `$2`, … in the order in
//! which they stand, each occurrence for itself; what only looks like one, within a text, a quoted
//! name, a comment or a dollar-quoted text, stays as it is.

use std::str::FromStr;

/// Whose SQL it is: what is quoted differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// Postgres's.
    Postgres,
}

/// SQL with numbered parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbered {
    /// The text for the database.
    pub text: String,
    /// The name of each parameter, without its dollar, from the first to the last.
    pub names: Vec<String>,
}

/// What a statement may begin with: it must neither end the transaction nor be of several.
const VERBS: [&str; 7] = ["delete", "insert", "merge", "replace", "select", "update", "with"];

/// Numbers the parameters of one statement.
///
/// # Errors
/// Says in a few words why this is not one statement with named parameters.
pub fn number(sql: &str, dialect: Dialect) -> Result<Numbered, String> {
    let mut reader = Reader { rest: sql, before: None, dialect };
    let (mut numbered, mut ended, mut verb) = (Numbered::default(), false, None);
    while let Some(token) = reader.next() {
        let is_blank = token.kind == Kind::Comment || token.text.trim().is_empty();
        if ended && !is_blank && token.text != ";" {
            return Err("it holds several statements; write one in each table".to_owned());
        }
        match token.kind {
            Kind::Parameter => {
                let name = &token.text[1..];
                if u64::from_str(name).is_ok() {
                    return Err(format!("${name} is a number; parameters have names"));
                }
                numbered.names.push(name.to_owned());
                numbered.text.push_str(&format!("${}", numbered.names.len()));
                continue;
            }
            Kind::Foreign => {
                return Err(format!("{} is no parameter here; they begin with $", token.text));
            }
            Kind::Word if verb.is_none() => verb = Some(token.text.to_lowercase()),
            Kind::Other if token.text == ";" => {
                ended = true;
                continue;
            }
            _ => {}
        }
        numbered.text.push_str(token.text);
    }
    match verb {
        Some(verb) if VERBS.contains(&&*verb) => Ok(numbered),
        _ => Err(format!("it must begin with one of {}", VERBS.join(", ").to_uppercase())),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `$name`.
    Parameter,
    /// A parameter in a form of SQLite's that is not ours.
    Foreign,
    /// A keyword, an unquoted name or a number.
    Word,
    /// A text or a quoted name.
    Quoted,
    Comment,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
}

struct Reader<'a> {
    rest: &'a str,
    /// The word that stands immediately before, for `E'…'`.
    before: Option<&'a str>,
    dialect: Dialect,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        let (kind, len) = self.measure(first);
        let (text, rest) = self.rest.split_at(len);
        self.rest = rest;
        self.before = (kind == Kind::Word).then_some(text);
        Some(Token { kind, text })
    }

    /// The kind of the next token and its length in bytes.
    fn measure(&self, first: char) -> (Kind, usize) {
        let rest = self.rest;
        let sqlite = self.dialect == Dialect::Sqlite;
        match first {
            _ if is_name(first) => (Kind::Word, name_len(rest)),
            '\'' if !sqlite && self.before.is_some_and(|it| it.eq_ignore_ascii_case("e")) => {
                (Kind::Quoted, escaped_len(rest))
            }
            '\'' | '"' => (Kind::Quoted, quoted_len(rest, first)),
            '`' if sqlite => (Kind::Quoted, quoted_len(rest, '`')),
            '[' if sqlite => (Kind::Quoted, until(rest, 1, "]")),
            '-' if rest.starts_with("--") => (Kind::Comment, until(rest, 2, "\n")),
            '/' if rest.starts_with("/*") && sqlite => (Kind::Comment, until(rest, 2, "*/")),
            '/' if rest.starts_with("/*") => (Kind::Comment, nested_len(rest)),
            '$' => self.dollar(),
            '?' if sqlite => (Kind::Foreign, 1),
            ':' | '@' if sqlite && name_len(&rest[1..]) > 0 => {
                (Kind::Foreign, 1 + name_len(&rest[1..]))
            }
            _ => (Kind::Other, first.len_utf8()),
        }
    }

    /// A parameter, or what Postgres quotes between two `$tag$`.
    fn dollar(&self) -> (Kind, usize) {
        let name = plain_len(&self.rest[1..]);
        let tag = &self.rest[..=name];
        let numeric = tag[1..].starts_with(|it: char| it.is_ascii_digit());
        if self.dialect == Dialect::Postgres && self.rest[tag.len()..].starts_with('$') && !numeric
        {
            let tag = &self.rest[..tag.len() + 1];
            return (Kind::Quoted, until(self.rest, tag.len(), tag));
        }
        if name == 0 { (Kind::Other, 1) } else { (Kind::Parameter, 1 + name) }
    }
}

fn is_name(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// Within a name a dollar is a letter like any other.
fn name_len(text: &str) -> usize {
    text.find(|it| !is_name(it) && it != '$').unwrap_or(text.len())
}

fn plain_len(text: &str) -> usize {
    text.find(|it| !is_name(it)).unwrap_or(text.len())
}

/// Up to and with `end`, which is looked for from `from` on; all of it where it never comes: the
/// database will say so.
fn until(text: &str, from: usize, end: &str) -> usize {
    text[from..].find(end).map_or(text.len(), |at| from + at + end.len())
}

/// A quote that is written twice does not end it.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut len = 1;
    loop {
        let Some(at) = text[len..].find(quote) else { return text.len() };
        len += at + 1;
        if !text[len..].starts_with(quote) {
            return len;
        }
        len += 1;
    }
}

/// `E'…'`, where a backslash escapes.
fn escaped_len(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, it)) = letters.next() {
        match it {
            '\\' => drop(letters.next()),
            '\'' if letters.next_if(|(_, next)| *next == '\'').is_none() => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn nested_len(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(sql: &str, text: &str, names: &[&str]) {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            of(dialect, sql, text, names);
        }
    }

    fn of(dialect: Dialect, sql: &str, text: &str, names: &[&str]) {
        let numbered = number(sql, dialect).unwrap();
        assert_eq!((numbered.text.as_str(), numbered.names), (text, owned(names)), "{dialect:?}");
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn each_occurrence_has_a_number_of_its_own() {
        both(
            "update users set plan = $plan, was=$plan where id = $user",
            "update users set plan = $1, was=$2 where id = $3",
            &["plan", "plan", "user"],
        );
        both("SELECT $grace_until-1,($now)", "SELECT $1-1,($2)", &["grace_until", "now"]);
    }

    #[test]
    fn texts_names_and_comments_stay_as_they_are() {
        both(
            "select '$plan', 'it''s $plan', $plan",
            "select '$plan', 'it''s $plan', $1",
            &["plan"],
        );
        both(r#"select "a$plan", "$x""$plan" "#, r#"select "a$plan", "$x""$plan" "#, &[]);
        both("select 1 -- $plan\n, $user", "select 1 -- $plan\n, $1", &["user"]);
        both("/* $plan */ select $user /* ' */", "/* $plan */ select $1 /* ' */", &["user"]);
        both("select a$plan, _$plan from a", "select a$plan, _$plan from a", &[]);
        both("select 'größe', $plan, 'ü$plan'", "select 'größe', $1, 'ü$plan'", &["plan"]);
    }

    #[test]
    fn what_postgres_quotes_stays_as_it_is() {
        let it = Dialect::Postgres;
        of(it, "select $$ $plan '$$, $plan", "select $$ $plan '$$, $1", &["plan"]);
        of(it, "select $a$ $plan $b$ $$ $a$, $plan", "select $a$ $plan $b$ $$ $a$, $1", &["plan"]);
        of(it, r"select E'\'$plan', $plan", r"select E'\'$plan', $1", &["plan"]);
        of(it, r"select e'it''s $plan\\', $plan", r"select e'it''s $plan\\', $1", &["plan"]);
        of(it, r"select 'a\', $plan", r"select 'a\', $1", &["plan"]);
        of(it, "select /* /* */ $a */ $plan", "select /* /* */ $a */ $1", &["plan"]);
        of(it, "select a[$revision], $plan::text", "select a[$1], $2::text", &["revision", "plan"]);
        of(it, "select j ? 'a', j @> $features", "select j ? 'a', j @> $1", &["features"]);
    }

    #[test]
    fn what_sqlite_quotes_stays_as_it_is() {
        let it = Dialect::Sqlite;
        of(it, "select [$plan], $plan", "select [$plan], $1", &["plan"]);
        of(it, "select `$plan```, $plan", "select `$plan```, $1", &["plan"]);
        of(it, "select /* /* */ $plan", "select /* /* */ $1", &["plan"]);
    }

    #[test]
    fn only_one_statement_that_cannot_end_the_transaction_is_taken() {
        both("update users set a = 1; -- done\n ;", "update users set a = 1 -- done\n ", &[]);
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for sql in
                ["select 1; select 2", "commit", "", "-- select", "drop table users", "$plan"]
            {
                assert!(number(sql, dialect).is_err(), "{sql}");
            }
        }
    }

    #[test]
    fn parameters_of_other_forms_are_refused() {
        for sql in ["select ?", "select ?1", "select :plan", "select @plan", "select $1"] {
            assert!(number(sql, Dialect::Sqlite).is_err(), "{sql}");
        }
        assert!(number("select $1", Dialect::Postgres).is_err());
    }
}
