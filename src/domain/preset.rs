//! Policies to begin with: the manners of services that Moneyer can stand in for, as data.

use serde_json::{Value, json};

use super::Policy;

/// A policy by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Tokens live until they are disabled or reach the end that was asked for.
    Synoptic,
    /// Tokens last 180 days and may be used three times a second; all end with their key.
    Synkrato,
    /// Tokens have permissions out of a declared list; they live on when their key is replaced.
    Syntropy,
    /// Tokens are signed, with a secret of the account's own, and do not expire; all end with their
    /// key.
    Syncello,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 4] = [
        Self::Synoptic,
        Self::Synkrato,
        Self::Syntropy,
        Self::Syncello,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Synoptic => "synoptic",
            Self::Synkrato => "synkrato",
            Self::Syntropy => "syntropy",
            Self::Syncello => "syncello",
        }
    }

    /// Its policy.
    #[must_use]
    pub fn policy(self) -> Policy {
        Policy::parse(self.document()).expect("presets are policies, as a test checks")
    }

    fn document(self) -> Value {
        match self {
            Self::Synoptic => json!({}),
            Self::Synkrato => json!({
                "default_ttl": "180d",
                "max_ttl": "180d",
                "token_settings": {"rate_limit": {"requests": 3, "per_seconds": 1}},
                "on_key_rotate": "end",
                "on_key_disable": "end",
            }),
            Self::Syntropy => json!({
                "permissions": {
                    "access-tokens:read": "see access tokens and permissions",
                    "access-tokens:write": "create and delete access tokens",
                    "agents:read": "see agents",
                    "agents:write": "create, change and delete agents",
                    "api-keys:read": "see API keys",
                    "api-keys:write": "create and delete API keys",
                    "connections:read": "see connections",
                    "connections:write": "create and delete connections",
                    "services:read": "see services",
                    "services:write": "enable and delete services",
                },
            }),
            Self::Syncello => json!({
                "format": "jwt-hs256",
                "on_key_rotate": "end",
                "on_key_disable": "end",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_policy() {
        for preset in Preset::ALL {
            assert_eq!(
                Policy::parse(preset.document()),
                Ok(preset.policy()),
                "{}",
                preset.name()
            );
        }
        assert_eq!(Preset::Synoptic.policy(), Policy::default());
    }
}
