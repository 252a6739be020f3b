//! What the texts of an account's tokens are.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Algorithm;

/// What a new token's text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Random digits, which mean nothing without Moneyer.
    #[default]
    Opaque,
    /// A JWT (RFC 7519) that is signed.
    Jwt(Algorithm),
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [
        Self::Opaque,
        Self::Jwt(Algorithm::EdDsa),
        Self::Jwt(Algorithm::Hs256),
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Jwt(Algorithm::EdDsa) => "jwt-eddsa",
            Self::Jwt(Algorithm::Hs256) => "jwt-hs256",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
