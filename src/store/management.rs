//! What goes into the operations by which a caller manages its account's access tokens and API
//! keys, and what comes of them.

use super::Signer;
use crate::domain::{KeyId, Note, SealedToken, Timestamp, TokenDigest, TokenId};

/// Who asks for something: each operation checks that it is good, and may, in its own transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// The holder of a private key.
    Key(KeyId),
    /// The holder of a token.
    Token(TokenDigest),
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<Id> {
    /// Where it begins or ends.
    pub start: Start<Id>,
    /// Of how many at most it consists.
    pub limit: u32,
    /// Which way the list runs.
    pub direction: Direction,
}

/// Where a part of a list begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<Id> {
    /// It begins after so many.
    Skip(u32),
    /// It begins after this one.
    After(Id),
    /// It ends before this one.
    Before(Id),
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// By what access tokens are put in order; those alike by when they were minted. Only the order of
/// minting is had without a pass over all of an account's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOrder {
    /// By when they were minted here, or imported.
    Creation,
    /// By their names, those without one first.
    Name,
    /// By when they end, those that do not last.
    Expiration,
}

/// What came of listing a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing<T, Id> {
    /// Here it is.
    Rows(Vec<T>),
    /// The part was to begin or end by this, and the account has no such thing.
    CursorUnknown(Id),
}

/// An access token, as those see it who manage its account's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenRow {
    /// Its public id.
    pub id: TokenId,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its note.
    pub note: String,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A private key, as those see it who manage its account's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Its public id.
    pub id: KeyId,
    /// What it is for.
    pub label: String,
    /// More on what it is for.
    pub note: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it stops by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A token to be kept on behalf of a caller.
#[derive(Debug, Clone)]
pub struct NewAccessToken {
    /// What finds it, when it is opaque.
    pub digest: TokenDigest,
    /// What the caller can list it from, if that holds a private key and it is opaque.
    pub sealed: Option<SealedToken>,
    /// Makes another of it where the account's policy wants it signed.
    pub signer: Option<Signer>,
    /// Its name.
    pub name: String,
    /// Its note, if it is given one.
    pub note: Option<Note>,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it ends by itself, if that is asked for.
    pub expires_at: Option<Timestamp>,
}

/// What came of ending something by its id on behalf of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It has ended, now or before.
    Done,
    /// There is none in the account.
    Unknown,
    /// It is tagged against it; nothing was changed.
    Protected,
}
