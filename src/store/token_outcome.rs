//! What goes into the store's operations on tokens, and what comes of them.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::domain::{
    AccountId, Algorithm, IdempotencyDigest, InvalidSettings, KeyId, OutsidePolicy, RequestDigest,
    SealedToken, Settings, SigningKeyId, Timestamp, Token, TokenDigest, TokenId, TokenNumber,
    Usage,
};

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The key that mints it.
    pub key: KeyId,
    /// What finds it, when it is opaque.
    pub digest: TokenDigest,
    /// What its key's holder can list it from, when it is opaque; without, it is not listed.
    pub sealed: Option<SealedToken>,
    /// Makes another of it where the account's policy wants it signed.
    pub signer: Option<Signer>,
    /// What people call it, if it has a name.
    pub name: Option<String>,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// The token whose settings it is given, if any.
    pub clone_of: Option<TokenDigest>,
    /// The settings it is given: merged into the copy (RFC 7396), or into empty ones.
    pub settings: Option<Value>,
    /// What makes the request one that may be retried, if anything does.
    pub once: Option<Once>,
}

/// Makes a signed token that says what is known of it in the transaction that keeps it. It gives
/// none when there is no key to sign with.
#[derive(Clone)]
pub struct Signer(pub Arc<Sign>);

/// See [`Signer`].
pub type Sign = dyn Fn(&ToSign) -> Option<SignedToken> + Send + Sync;

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

/// What a signed token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSign {
    /// How it is to be signed.
    pub algorithm: Algorithm,
    /// Whose it is.
    pub account: AccountId,
    /// The account's generation.
    pub generation: u64,
    /// When it is minted.
    pub issued_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// A signed token, as it is to be kept.
#[derive(Debug, Clone)]
pub struct SignedToken {
    /// Its text.
    pub token: Token,
    /// What finds it.
    pub digest: TokenDigest,
    /// What its key's holder can list it from; without, it is not listed.
    pub sealed: Option<SealedToken>,
    /// The key that signed it.
    pub signing_key: SigningKeyId,
}

/// A request that is to mint one token, however often it arrives.
#[derive(Debug, Clone)]
pub struct Once {
    /// The request's name: its `Idempotency-Key`.
    pub header: IdempotencyDigest,
    /// What it asks for.
    pub request: RequestDigest,
    /// Retries of requests that came before this are forgotten.
    pub since: Timestamp,
}

/// A token as it is kept: what its key's holder can read it from.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// Its digest.
    pub digest: TokenDigest,
    /// Its sealed copy.
    pub sealed: SealedToken,
}

/// What came of minting.
#[derive(Debug, Clone)]
pub enum Minted {
    /// The token is kept, on disk.
    Done,
    /// This token is kept, on disk: it is signed, as the account's policy wants it.
    Signed(Token),
    /// The account's tokens are to be signed, and there is no key for that; nothing was changed.
    NoSigningKey(Algorithm),
    /// The same request minted this token before; nothing was changed.
    Before(SealedRow),
    /// Another request had the same `Idempotency-Key`; nothing was changed.
    OnceMismatch,
    /// The token would have ended before it began; nothing was changed.
    BornDead,
    /// The token to be cloned is none that the account may clone; nothing was changed.
    SourceUnknown,
    /// The settings cannot be used; nothing was changed.
    SettingsInvalid(InvalidSettings),
    /// The account's policy does not allow such a token; nothing was changed.
    OutsidePolicy(OutsidePolicy),
    /// The key is good no more; nothing was changed.
    KeyDead,
}

/// What came of listing tokens.
#[derive(Debug, Clone)]
pub enum Listed {
    /// The tokens.
    Tokens(Vec<SealedRow>),
    /// The key is good no more.
    KeyDead,
}

/// A token's settings, and how it was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsRow {
    /// The number of the token's row.
    pub number: TokenNumber,
    /// The settings.
    pub settings: Settings,
    /// How often it was verified and when last, as far as that is written down.
    pub usage: Usage,
}

/// What came of reading a token's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundSettings {
    /// Here they are.
    Done(SettingsRow),
    /// There is no good token of the key's account with this digest.
    Unknown,
    /// The key is good no more.
    KeyDead,
}

/// How a token's settings are to be changed.
#[derive(Debug, Clone)]
pub enum Edit {
    /// By a merge patch (RFC 7396).
    Merge(Value),
    /// By other settings.
    Replace(Box<Settings>),
}

impl Edit {
    /// What becomes of `before`.
    ///
    /// # Errors
    /// [`InvalidSettings`] when the outcome would not be settings.
    pub fn apply(self, before: &Settings) -> Result<Settings, InvalidSettings> {
        match self {
            Self::Merge(patch) => before.merged(patch),
            Self::Replace(settings) => Ok(*settings),
        }
    }
}

/// What came of changing a token's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditedSettings {
    /// They are now these, on disk.
    Done(SettingsRow),
    /// The outcome would not be settings; nothing was changed.
    Invalid(InvalidSettings),
    /// The account's policy does not allow them; nothing was changed.
    OutsidePolicy(OutsidePolicy),
    /// The key is not the one that minted the token; nothing was changed.
    NotIssuer,
    /// There is no good token of the key's account with this digest.
    Unknown,
    /// The key is good no more; nothing was changed.
    KeyDead,
}

/// What came of ending a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledToken {
    /// It has ended now, on disk.
    Done,
    /// It had ended before.
    Already,
    /// There is none, or none of this key's.
    Unknown,
    /// It is tagged against it; nothing was changed.
    Protected,
    /// The key is good no more; nothing was changed.
    KeyDead,
}

/// Good tokens that have something in common; what is not given does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The key that minted them.
    pub key: Option<KeyId>,
    /// The account that they belong to.
    pub account: Option<AccountId>,
    /// A tag that they carry.
    pub tag: Option<String>,
    /// A moment since which they were not used; one that never was counts from when it was
    /// minted or imported.
    pub unused_since: Option<Timestamp>,
    /// A moment at which they will have expired.
    pub expiring_until: Option<Timestamp>,
}

/// A token, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its public id.
    pub id: TokenId,
    /// The key that minted it.
    pub key: KeyId,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its note.
    pub note: String,
    /// When it was minted.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// How often it was verified and when last, as far as that is written down.
    pub usage: Usage,
}

/// What came of listing selected tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPage {
    /// The tokens, by key, and of each key the newest first.
    Tokens(Vec<TokenRow>),
    /// There is no token to go on after.
    CursorUnknown,
}

/// How many tokens a selection names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// Those that can be ended.
    pub endable: u64,
    /// Those that are tagged against it.
    pub protected: u64,
}

/// What came of ending selected tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedTokens {
    /// All that can be have ended, on disk.
    Done(Selected),
    /// They are not as many as was expected; nothing was changed.
    CountDiffers(Selected),
}
