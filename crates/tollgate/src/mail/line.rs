//! What a line of an invoice is for, in a letter's language. Stripe says it in English, such as
//! `1 × Pro (at $29.00 / month)`; any other words stay as they are.

use super::locale::Lines;

const TIMES: &str = " × ";
const UNUSED: &str = "Unused time on ";
const REMAINING: &str = "Remaining time on ";
const AFTER: &str = " after ";

/// Says it in a language's words; those of Stripe's where the language has none.
pub(super) fn told(description: &str, words: &Lines) -> String {
    for (start, form) in [(UNUSED, &words.unused), (REMAINING, &words.remaining)] {
        let rest = description.strip_prefix(start).and_then(|it| it.rsplit_once(AFTER));
        if let (Some((what, _)), Some(form)) = (rest, form) {
            return form.replace("{what}", &counted(what));
        }
    }
    match description.strip_suffix(')').and_then(|it| it.rsplit_once(" (at ")) {
        Some((what, price)) if price.contains(" / ") && what.contains(TIMES) => counted(what),
        _ => description.to_owned(),
    }
}

/// How many is said where it is more than one.
fn counted(what: &str) -> String {
    what.strip_prefix('1').and_then(|it| it.strip_prefix(TIMES)).unwrap_or(what).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Lines {
        Lines {
            unused: Some("Nicht genutzt: {what}".to_owned()),
            remaining: Some("Rest: {what}".to_owned()),
        }
    }

    #[test]
    fn stripes_words_are_said_in_the_language() {
        for (given, said) in [
            ("1 × Pro (at $29.00 / month)", "Pro"),
            ("3 × Pro (at €29.00 / every 3 months)", "3 × Pro"),
            ("1 × Pro (beta) (at $29.00 / month)", "Pro (beta)"),
            ("Unused time on Pro after 23 Nov 2026", "Nicht genutzt: Pro"),
            ("Remaining time on 2 × Day after Day after 1 Jan 2027", "Rest: 2 × Day after Day"),
        ] {
            assert_eq!(told(given, &words()), said);
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for text in [
            "Repair of a press",
            "Pro (at home)",
            "1 × Pro (zu 29,00 € / Monat)",
            "Unused time on Pro",
            "Lamp (at $3 / hour)",
            "11 × Pro",
        ] {
            assert_eq!(told(text, &words()), text);
        }
        let stripes = "Unused time on Pro after 23 Nov 2026";
        assert_eq!(told(stripes, &Lines::default()), stripes);
    }
}
