//! What a token carries beside its life: a document that a clone copies whole.

use serde::Deserialize;

/// The tag that keeps a token from being disabled.
pub const PROTECTED: &str = "protected";

/// A token's settings, as far as this version acts on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Settings {
    /// Free labels.
    #[serde(default)]
    tags: Vec<String>,
}

impl Settings {
    /// Reads the document that the store keeps.
    ///
    /// # Errors
    /// When the text is not a JSON object of the right types.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether the token must not be disabled.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.tags.iter().any(|tag| tag == PROTECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tag_protects() {
        assert!(
            Settings::from_json(r#"{"tags":["a","protected"]}"#)
                .unwrap()
                .is_protected()
        );
        assert!(
            !Settings::from_json(r#"{"tags":["Protected"],"note":"protected"}"#)
                .unwrap()
                .is_protected()
        );
        assert!(Settings::from_json(r#"{"tags":"protected"}"#).is_err());
    }
}
