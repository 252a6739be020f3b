//! The permissions that access tokens and API keys are managed by, and the numbers of permissions.

use sha2::{Digest as _, Sha256};

/// What a key or a token must be permitted to manage the access tokens and API keys of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See access tokens, and which permissions there are.
    ReadTokens,
    /// Create and delete access tokens.
    WriteTokens,
    /// See API keys.
    ReadKeys,
    /// Create and delete API keys.
    WriteKeys,
}

impl Permission {
    /// Every permission of this kind.
    pub const ALL: [Self; 4] = [
        Self::ReadTokens,
        Self::WriteTokens,
        Self::ReadKeys,
        Self::WriteKeys,
    ];

    /// Its name, as an account declares it and a token has it among its scopes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadTokens => "access-tokens:read",
            Self::WriteTokens => "access-tokens:write",
            Self::ReadKeys => "api-keys:read",
            Self::WriteKeys => "api-keys:write",
        }
    }
}

/// The number of the permission of this name: the same everywhere and for ever, and less than 2⁵³,
/// so that every reader of JSON has it exactly.
#[must_use]
pub fn permission_number(name: &str) -> u64 {
    let digest = Sha256::new_with_prefix("moneyer/1 permission ")
        .chain_update(name)
        .finalize();
    let head = *digest.first_chunk().expect("a digest has 32 bytes");
    u64::from_be_bytes(head) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;

    #[test]
    fn a_permission_has_one_number_for_ever() {
        assert_eq!(permission_number("agents:read"), 7_131_871_584_561_689);
        assert!(permission_number("x") < 1 << 53);
    }

    #[test]
    fn the_preset_declares_them() {
        let policy = Preset::Syntropy.policy();
        for permission in Permission::ALL {
            assert!(policy.permissions().contains_key(permission.name()));
        }
    }
}
