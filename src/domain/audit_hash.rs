//! The hashes that chain the audit's entries.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::hex;

/// What binds an entry to all before it: the SHA-256 of the hash before and the entry's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHash([u8; 32]);

/// Why a text is not a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be 64 hexadecimal digits")]
pub struct MalformedHash;

impl AuditHash {
    /// What the first entry is bound to.
    pub const NONE: Self = Self([0; 32]);

    /// The hash as the store keeps it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash that the store kept as `bytes`.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash of the entry `text` that follows one of this hash.
    pub(super) fn then(&self, text: &str) -> Self {
        let hasher = Sha256::new().chain_update(self.0).chain_update(text);
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AuditHash {
    type Err = MalformedHash;

    fn from_str(text: &str) -> Result<Self, MalformedHash> {
        hex::parse_32(text).map(Self).ok_or(MalformedHash)
    }
}

impl Serialize for AuditHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `sha256sum`, over 32 zero bytes and the text.
    #[test]
    fn the_first_hash_is_of_zeros_and_the_text() {
        let first = AuditHash::NONE.then(r#"{"seq":1}"#);
        let expected = "ff44e121014845ba9f060b9dd529b57e3706d9dcbf47ce18d6a7e50bea6c7e46";
        assert_eq!(first.to_string(), expected);
        assert_eq!(expected.to_uppercase().parse(), Ok(first));
    }

    #[test]
    fn a_hash_of_another_form_is_refused() {
        let long = "0".repeat(65);
        for bad in ["", &long[..63], &long, &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(bad.parse::<AuditHash>(), Err(MalformedHash), "{bad}");
        }
    }
}
