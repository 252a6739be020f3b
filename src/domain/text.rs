//! Which characters have no place in what people write, and how a name is repeated to them.

/// How much of a name is repeated.
const SHOWN_CHARS: usize = 32;

/// As much of a name that somebody gave as is repeated to them: its beginning, in plain characters.
#[must_use]
pub fn shown_name(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    plain.take(SHOWN_CHARS).collect()
}

/// How many different bytes a text is made of.
pub(super) fn distinct_bytes(text: &str) -> usize {
    let mut seen = [false; 256];
    text.bytes().for_each(|b| seen[usize::from(b)] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// Whether `c` is not shown as itself: a control character, one that XML cannot hold, or one that
/// breaks lines, takes no room or turns the direction of writing, so that a text is not what it
/// seems.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_repeated_in_plain_characters_and_not_at_length() {
        assert_eq!(shown_name("a b\u{1b}[2Jé"), "a b[2J");
        assert_eq!(shown_name(&"x".repeat(1000)).len(), SHOWN_CHARS);
    }

    #[test]
    fn letters_of_any_script_and_what_joins_them_are_printable() {
        for text in ["für Anna", "نامه\u{200c}ها", "👩\u{200d}🚀", "a b"] {
            assert!(!text.chars().any(is_unprintable), "{text}");
        }
        for c in "\u{0}\u{1b}\u{85}\u{200b}\u{2028}\u{202e}\u{2066}\u{feff}\u{ffff}\n".chars() {
            assert!(is_unprintable(c), "{c:?}");
        }
    }
}
