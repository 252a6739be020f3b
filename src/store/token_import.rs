//! What goes into the import of tokens, and what comes of it.

use std::fmt;

use crate::domain::{SealedToken, Settings, Timestamp, TokenDigest, TokenId};

/// A token that was made elsewhere, to be kept.
#[derive(Debug, Clone)]
pub struct ImportedToken {
    /// What finds it.
    pub digest: TokenDigest,
    /// What its key's holder can list it from; without, it is not listed.
    pub sealed: Option<SealedToken>,
    /// Its settings, if any are set.
    pub settings: Option<Box<Settings>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// All are kept, on disk.
    Done,
    /// This token is known already; nothing was changed.
    Known(TokenId),
    /// The account may have so many active tokens, and would have more; nothing was changed.
    TooMany(u32),
    /// The account's policy is not the one that the tokens were held to; nothing was changed.
    PolicyChanged,
    /// The key is good no more; nothing was changed.
    KeyDead,
}

/// Is told how many tokens are written, now and then.
pub struct Progress(pub Box<dyn FnMut(u64) + Send>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
