//! What an input says of one token, as it was found: names and values, not yet judged.

use serde_json::Value;

/// The shortest text that may be a token. Names that are as long are not repeated: a file without a
/// header begins with one.
const LONGEST_SHOWN: usize = 19;

fn may_be_shown(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    plain && name.len() <= LONGEST_SHOWN
}

/// Says that something, which "it has" names, has a member of this name twice.
pub(super) fn twice(it_has: &str, name: &str) -> String {
    if may_be_shown(name) {
        format!("{it_has} the member \"{name}\" twice")
    } else {
        format!("{it_has} a member twice")
    }
}

/// What can be said of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Token,
    Sha256,
    ExpiresAt,
    CreatedAt,
    Tags,
    Scopes,
    Note,
    Settings,
}

/// All fields, in their order, with their names.
const FIELDS: [(Field, &str); 8] = [
    (Field::Token, "token"),
    (Field::Sha256, "sha256"),
    (Field::ExpiresAt, "expires_at"),
    (Field::CreatedAt, "created_at"),
    (Field::Tags, "tags"),
    (Field::Scopes, "scopes"),
    (Field::Note, "note"),
    (Field::Settings, "settings"),
];

impl Field {
    /// The field of this name; or why there is none, which does not repeat what may be a token.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let found = FIELDS.iter().find(|(_, known)| *known == name);
        found.map(|(field, _)| *field).ok_or_else(|| {
            let names = FIELDS.map(|(_, name)| name).join(", ");
            if may_be_shown(name) {
                format!("there is no \"{name}\"; the names are {names}")
            } else {
                format!("it has a name that is none of {names}")
            }
        })
    }

    pub(super) const fn name(self) -> &'static str {
        FIELDS[self as usize].1
    }
}

/// What is said of one token. What is empty is not there.
#[derive(Default)]
pub(super) struct Entry {
    values: [Option<Value>; FIELDS.len()],
}

impl Entry {
    /// Notes what is said.
    pub(super) fn set(&mut self, field: Field, value: Value) {
        self.values[field as usize] = Some(value);
    }

    /// Takes out what is said, if anything is.
    pub(super) fn take(&mut self, field: Field) -> Option<Value> {
        let value = self.values[field as usize].take();
        value.filter(|value| !value.is_null() && value.as_str() != Some(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_stands_at_its_place() {
        for (place, (field, name)) in FIELDS.into_iter().enumerate() {
            assert_eq!((field as usize, field.name()), (place, name));
            assert_eq!(Field::named(name), Ok(field));
        }
    }

    #[test]
    fn a_name_that_may_be_a_token_is_not_repeated() {
        let short = Field::named("tokens").unwrap_err();
        assert!(short.starts_with("there is no \"tokens\""), "{short}");
        for name in ["abcdefghijklmnopqrst", "to\u{1b}[2J", "1|äöü"] {
            let long = Field::named(name).unwrap_err();
            assert!(!long.contains(name), "{long}");
            assert_eq!(twice("it has", name), "it has a member twice");
        }
    }
}
