//! The name that a caller may have meant: the nearest one, if it is near enough to be a slip.

use super::read::join;

/// The most letters that a slip may change.
const SLIPS_MAX: usize = 2;

/// Longer names are no slips and not worth the time.
const LEN_MAX: usize = 64;

/// Returns the full name of the parameter beside `given` that is written most like it.
pub(super) fn nearest<'a>(
    given: &str,
    prefix: &str,
    known: impl Iterator<Item = &'a String>,
) -> Option<String> {
    known
        .map(|name| join(prefix, name))
        .map(|name| (distance(given, &name), name))
        .filter(|(slips, _)| *slips <= SLIPS_MAX)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance, in bytes.
fn distance(from: &str, to: &str) -> usize {
    if from.len().abs_diff(to.len()) > SLIPS_MAX || from.len().max(to.len()) > LEN_MAX {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, left) in from.bytes().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, right) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_names_are_not() {
        let known = ["customer", "customer_email", "currency", "mode"].map(str::to_owned);
        let near = |given: &str| nearest(given, "", known.iter());
        assert_eq!(near("custmer").as_deref(), Some("customer"));
        assert_eq!(near("customers").as_deref(), Some("customer"));
        assert_eq!(near("moed").as_deref(), Some("mode"));
        assert_eq!(near("payment"), None);
        let nested = nearest("items[0][cutomer]", "items[0]", known.iter());
        assert_eq!(nested.as_deref(), Some("items[0][customer]"));
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", "abd"), 1);
        assert_eq!(distance("abc", "ac"), 1);
        assert_eq!(distance("abcd", "badc"), 3);
        assert_eq!(distance("a", "abcdef"), usize::MAX);
    }
}
