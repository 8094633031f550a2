//! Texts from outside, made harmless: one line, of a bounded length, without what turns the
//! direction of writing or hides. Escaping is the layout's.

const CHARS_MAX: usize = 200;
const SUBJECT_CHARS_MAX: usize = 120;
const NAME_CHARS_MAX: usize = 60;

/// Makes a text one line without anything that cannot be seen.
pub(super) fn line(text: &str) -> String {
    let visible = |it: char| if it.is_control() || it.is_whitespace() { ' ' } else { it };
    let shown: String = text.chars().filter(|it| !hides(*it)).map(visible).collect();
    let words: Vec<&str> = shown.split(' ').filter(|it| !it.is_empty()).collect();
    shortened(&words.join(" "), CHARS_MAX)
}

/// A paragraph of a letter: what an operator wrote over several lines is one.
pub(super) fn paragraph(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name as it can be greeted. One that carries an address is somebody's advertisement, sent
/// under our name to whomever they please: it counts as none.
pub(super) fn name(text: &str) -> String {
    let name = line(text);
    let odd = name.contains(['/', '@', '<', '>', '\\']) || name.to_lowercase().contains("www.");
    let domain = name.split(' ').any(|it| it.trim_end_matches('.').contains('.') && it.len() > 7);
    if odd || domain || name.chars().count() > NAME_CHARS_MAX { String::new() } else { name }
}

/// A subject: one line, not too long to be shown.
pub(super) fn subject(text: &str) -> String {
    shortened(&line(text), SUBJECT_CHARS_MAX)
}

/// Marks of direction, joiners and the like.
fn hides(it: char) -> bool {
    matches!(
        it,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_breaks_and_nothing_hidden() {
        assert_eq!(line(" a\r\nBcc: b\t c\u{202e}d\u{200b} "), "a Bcc: b cd");
        assert_eq!(line(&"x".repeat(300)).chars().count(), CHARS_MAX + 1);
        assert_eq!(line("a\u{a0}b"), "a b");
    }

    #[test]
    fn a_name_that_advertises_is_none() {
        for text in ["Ada Lovelace", "Dr. Ada L.", "O'Neill", "Zoë", "李小龙"] {
            assert_eq!(name(text), text);
        }
        for text in ["You won! https://evil.example", "www.evil.example", "a@b.c", "evil.example"] {
            assert_eq!(name(text), "", "{text}");
        }
    }
}
