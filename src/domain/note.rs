//! Free text for people.

use super::text::is_unprintable;

/// What people write to each other about a key or a token: at most 1024 characters, no control
/// characters; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note(String);

/// Why a text is not a note: the rest of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNote {
    /// It is too long.
    #[error("must have at most {} characters", Note::MAX_CHARS)]
    TooLong,
    /// It holds what is not shown as itself.
    #[error("must not hold control characters")]
    Unprintable,
}

impl Note {
    const MAX_CHARS: usize = 1024;

    /// Checks `text`, and takes it as it is.
    ///
    /// # Errors
    /// [`MalformedNote`] says which rule it breaks.
    pub fn parse(text: String) -> Result<Self, MalformedNote> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(MalformedNote::TooLong);
        }
        if text.chars().any(is_unprintable) {
            return Err(MalformedNote::Unprintable);
        }
        Ok(Self(text))
    }

    /// The note as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0
    }
}
