//! What is kept of a token, as far as it matters for a verdict on it.

use std::sync::Arc;

use super::{AccountId, KeyId, Settings, SigningKeyId, Timestamp};

/// A token as it is kept.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    /// Its number.
    pub number: TokenNumber,
    /// The key that minted it.
    pub key: KeyId,
    /// The account of that key.
    pub account: AccountId,
    /// When it was minted.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// The key that signed it, if one did.
    pub signing_key: Option<SigningKeyId>,
    /// Whether it can still be good.
    pub state: TokenState,
    /// What it is restricted to: [`Settings::restrictions`].
    pub settings: Arc<Settings>,
}

/// A token's place in the order of minting: by it the store finds what it keeps beside the token.
/// It is no public id, and once a token is deleted another may get its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenNumber(i64);

impl TokenNumber {
    /// The number that the store kept as `number`.
    #[must_use]
    pub const fn from_i64(number: i64) -> Self {
        Self(number)
    }

    /// The number as the store keeps it.
    #[must_use]
    pub const fn to_i64(self) -> i64 {
        self.0
    }
}

/// Whether a token can still be good, its expiry aside. One that cannot never can again, unless its
/// signing key comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// Nothing speaks against it.
    Live,
    /// It was disabled, or was swept after its expiry.
    Ended,
    /// Its account is disabled.
    AccountDisabled,
    /// The key that signed it is retired, or not known to this server.
    SignerUnknown,
}

/// How often a token was verified, and when last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How often.
    pub verifications: u64,
    /// When last, if ever.
    pub last_used_at: Option<Timestamp>,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            verifications: self.verifications.saturating_add(more.verifications),
            last_used_at: self.last_used_at.max(more.last_used_at),
        }
    }
}
