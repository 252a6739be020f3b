//! The names that people give: to an account, and to a key.

use std::fmt;

use super::text::is_unprintable;

/// Why a name or a label was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(&'static str);

/// An account's name: 1 to 64 characters, no control characters, no `acc_` in front (that begins an
/// id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    const MAX_CHARS: usize = 64;

    /// Takes surrounding white space off `text` and checks the rest.
    ///
    /// # Errors
    /// A sentence saying which rule the name breaks.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let name = text.trim();
        if name.is_empty() {
            return Err(Malformed("an account's name must not be empty"));
        }
        if name.chars().count() > Self::MAX_CHARS {
            return Err(Malformed("an account's name has at most 64 characters"));
        }
        if name.chars().any(is_unprintable) {
            return Err(Malformed(
                "an account's name must not hold control characters",
            ));
        }
        if name.starts_with("acc_") {
            return Err(Malformed(
                "an account's name must not begin with acc_, as ids do",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a private key is for, in a person's words: at most 128 characters, no control characters;
/// may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    const MAX_CHARS: usize = 128;

    /// Takes surrounding white space off `text` and checks the rest.
    ///
    /// # Errors
    /// A sentence saying which rule the label breaks.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let label = text.trim();
        if label.chars().count() > Self::MAX_CHARS {
            return Err(Malformed("a label has at most 128 characters"));
        }
        if label.chars().any(is_unprintable) {
            return Err(Malformed("a label must not hold control characters"));
        }
        Ok(Self(label.to_owned()))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_kept() {
        assert_eq!(
            AccountName::parse(" Wetter & Söhne\n").unwrap().as_str(),
            "Wetter & Söhne"
        );
    }

    #[test]
    fn a_name_that_could_be_mistaken_is_refused() {
        for bad in ["", "  ", "acc_0123456789abcdef", "a\u{0}b", &"x".repeat(65)] {
            assert!(AccountName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(AccountName::parse(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn a_label_may_be_empty_but_not_endless() {
        assert_eq!(Label::parse("").unwrap(), Label::default());
        assert!(Label::parse(&"x".repeat(129)).is_err());
        assert!(Label::parse("two\nlines").is_err());
    }
}
