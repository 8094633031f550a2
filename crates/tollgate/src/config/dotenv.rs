//! The files `.env` and `.env.local`: `KEY=value` a line, with comments, `export` and quotes.
//! Nothing is expanded: a dollar sign in a password is a dollar sign.

use std::collections::BTreeMap;

/// What is wrong with a line; never says what stands in it, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct DotenvError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// Reads the text of such a file. Of equal keys the last one counts.
///
/// # Errors
/// Names the first line that is neither empty, a comment nor an assignment.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, DotenvError> {
    let mut pairs = BTreeMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = assignment(line).map_err(|why| DotenvError { line: index + 1, why })?;
        pairs.insert(key.to_owned(), value);
    }
    Ok(pairs)
}

fn assignment(line: &str) -> Result<(&str, String), &'static str> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=').ok_or("expected KEY=value")?;
    let key = key.trim();
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if key.is_empty()
        || !key.chars().all(is_name)
        || key.starts_with(|it: char| it.is_ascii_digit())
    {
        return Err("the key is not a name of letters, digits and underscores");
    }
    Ok((key, unquote(value.trim())?))
}

fn unquote(value: &str) -> Result<String, &'static str> {
    match value.chars().next() {
        Some('\'') => closed(&value[1..], '\'').map(str::to_owned),
        Some('"') => escaped(&value[1..]),
        _ => Ok(before_comment(value).to_owned()),
    }
}

/// A comment begins with a `#` after white space, so that `pass#word` stays whole.
fn before_comment(value: &str) -> &str {
    if value.starts_with('#') {
        return "";
    }
    let comment = value.char_indices().find(|(at, it)| {
        *it == '#' && value[..*at].ends_with(|before: char| before.is_whitespace())
    });
    comment.map_or(value, |(at, _)| value[..at].trim_end())
}

fn closed(rest: &str, quote: char) -> Result<&str, &'static str> {
    let (value, after) = rest.split_once(quote).ok_or("the quote is not closed")?;
    nothing_after(after)?;
    Ok(value)
}

fn nothing_after(after: &str) -> Result<(), &'static str> {
    let after = after.trim_start();
    let fine = after.is_empty() || after.starts_with('#');
    if fine { Ok(()) } else { Err("something follows the closing quote") }
}

/// Within double quotes a backslash escapes: `\n`, `\r`, `\t`, `\"`, `\\`.
fn escaped(rest: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut chars = rest.chars();
    while let Some(it) = chars.next() {
        match it {
            '"' => return nothing_after(chars.as_str()).map(|()| value),
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(it @ ('"' | '\\' | '$')) => it,
                _ => return Err("a backslash escapes n, r, t, a quote, a dollar or itself"),
            }),
            it => value.push(it),
        }
    }
    Err("the quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_exports_and_quotes_are_understood() {
        let text = "\u{feff}# a comment\n\nA=1\nexport B = two words # and why\nC='a # b'\r\n\
                    D=\"x\\n\\\"y\\\" \\$z\" # done\nE=\nF=#nothing\nG=a#b\nA=2\nH=k=v\n";
        let pairs = parse(text).expect("it is well formed");
        let expected = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "a # b"),
            ("D", "x\n\"y\" $z"),
            ("E", ""),
            ("F", ""),
            ("G", "a#b"),
            ("H", "k=v"),
        ];
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(pairs, expected);
    }

    #[test]
    fn a_broken_line_is_named_and_its_content_is_not() {
        for (text, line) in [
            ("A=1\nwhsec_secret", 2),
            ("=1", 1),
            ("A B=1", 1),
            ("1A=1", 1),
            ("A='whsec_secret", 1),
            ("A=\"whsec_secret", 1),
            ("A=\"x\\q\"", 1),
            ("A='x' y", 1),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
