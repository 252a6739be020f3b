//! What a private key may do.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// The role of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Mints, lists and disables tokens of its own. Where its account's policy declares the
    /// permissions for it ([`super::Permission`]), it also manages those of the account's other
    /// keys, and its keys but for those of the role `admin`.
    Mint,
    /// Asks whether tokens are good; at `/v2/auth` it may read their settings and nothing else.
    /// Where the permission for it is declared, it sees the account's tokens, never their text.
    Verify,
    /// Everything that the other two may, and deletes keys of the role `admin` where that
    /// permission is declared.
    Admin,
}

/// A role that is none of the three.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of mint, verify and admin")]
pub struct UnknownRole;

impl Role {
    /// The role's name, as the store and the command line have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Verify => "verify",
            Self::Admin => "admin",
        }
    }

    /// Whether a key of this role may ask whether tokens are good.
    #[must_use]
    pub const fn may_verify(self) -> bool {
        match self {
            Self::Verify | Self::Admin => true,
            Self::Mint => false,
        }
    }

    /// Whether a key of this role may mint, list and disable tokens.
    #[must_use]
    pub const fn may_mint(self) -> bool {
        match self {
            Self::Mint | Self::Admin => true,
            Self::Verify => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "mint" => Ok(Self::Mint),
            "verify" => Ok(Self::Verify),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifying_key_mints_nothing_and_a_minting_key_verifies_nothing() {
        assert!(Role::Mint.may_mint() && Role::Admin.may_mint() && !Role::Verify.may_mint());
        assert!(!Role::Mint.may_verify() && Role::Admin.may_verify() && Role::Verify.may_verify());
    }

    #[test]
    fn a_role_survives_text() {
        for role in [Role::Mint, Role::Verify, Role::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("Mint".parse::<Role>(), Err(UnknownRole));
    }
}
