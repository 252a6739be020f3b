//! What is written down of each change: who, when and what, by public ids alone.

use serde::Serialize;

use super::{AccountId, KeyId, Role, Timestamp, TokenId};

/// Who made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The holder of this private key.
    Key(KeyId),
    /// Whoever may run `moneyer` on the store.
    CommandLine,
}

/// A change: who made it, when, and what it was.
#[derive(Debug, Clone)]
pub struct Change {
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: Actor,
    /// What it was.
    pub event: Event,
}

/// What can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action")]
pub enum Event {
    /// An account was created.
    #[serde(rename = "account.created")]
    AccountCreated {
        /// Its id.
        account: AccountId,
        /// Its name.
        name: String,
    },
    /// An account was disabled.
    #[serde(rename = "account.disabled")]
    AccountDisabled {
        /// Its id.
        account: AccountId,
    },
    /// A private key was added to an account.
    #[serde(rename = "key.added")]
    KeyAdded {
        /// Its id.
        key: KeyId,
        /// Whose it is.
        account: AccountId,
        /// What it may do.
        role: Role,
    },
    /// A private key was disabled.
    #[serde(rename = "key.disabled")]
    KeyDisabled {
        /// Its id.
        key: KeyId,
    },
    /// A private key took another's place.
    #[serde(rename = "key.rotated")]
    KeyRotated {
        /// The old key, which is dead.
        key: KeyId,
        /// The new key.
        new: KeyId,
        /// How many good tokens were carried over.
        carried: u64,
    },
    /// Tokens were minted with the actor's key.
    #[serde(rename = "token.minted")]
    TokensMinted {
        /// Their ids.
        tokens: Vec<TokenId>,
    },
    /// Tokens were ended.
    #[serde(rename = "token.disabled")]
    TokensDisabled {
        /// Their ids.
        tokens: Vec<TokenId>,
    },
    /// A token was given settings.
    #[serde(rename = "token.settings")]
    SettingsChanged {
        /// Its id.
        token: TokenId,
        /// What the settings are now, without the note, which is free text.
        settings: serde_json::Value,
    },
}
