//! A token's sealed copy, as it is kept.

use std::fmt;

/// A token that only its key's holder can read: ciphertext, and a tag of 16 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedToken(Box<[u8]>);

impl SealedToken {
    /// The copy as the store keeps it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The copy that the store kept as `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for SealedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedToken")
    }
}
