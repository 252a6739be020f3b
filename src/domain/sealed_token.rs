//! A token's sealed copy, as it is kept.

use std::fmt;

/// A token that only its key's holder can read: 16 bytes of ciphertext and a tag of 16.
#[derive(Clone)]
pub struct SealedToken([u8; Self::BYTES]);

impl SealedToken {
    /// The length of a sealed token.
    pub const BYTES: usize = 32;

    /// The copy as the store keeps it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The copy that the store kept as `bytes`.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SealedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedToken")
    }
}
