//! What goes into the store's operations, and what comes of them.

use std::fmt;

use serde_json::Value;

use crate::domain::{
    AccountId, IdempotencyDigest, InvalidSettings, KeyId, Label, RequestDigest, Role, SealedToken,
    Selector, Settings, Timestamp, TokenDigest, TokenId, Usage,
};

/// What came of creating an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatedAccount {
    /// It exists now.
    Done,
    /// Another has its name.
    NameTaken,
}

/// What came of disabling an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledAccount {
    /// It is disabled now.
    Done,
    /// It was disabled before.
    Already,
    /// There is none.
    Unknown,
}

/// An account, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its public id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was disabled, if it was.
    pub disabled_at: Option<Timestamp>,
    /// How many of its keys are not disabled.
    pub keys: u64,
}

/// A private key to be kept.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its public id.
    pub id: KeyId,
    /// What finds it.
    pub selector: Selector,
    /// What confirms it: argon2id, as a PHC string.
    pub phc: String,
    /// What it may do.
    pub role: Role,
    /// What it is for.
    pub label: Label,
    /// When it stops by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// What came of adding keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedKeys {
    /// All are kept.
    Done,
    /// The key at this place of the list is known already; none was kept.
    Known(usize),
    /// The account is disabled; none was kept.
    AccountDisabled,
    /// There is no such account.
    AccountUnknown,
}

/// A private key, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its public id.
    pub id: KeyId,
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub role: Role,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it stops by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, if it was.
    pub last_used_at: Option<Timestamp>,
    /// When it was disabled, if it was.
    pub disabled_at: Option<Timestamp>,
}

/// What becomes of a key's tokens when the key is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTokens {
    /// They stay good.
    Keep,
    /// They end with it.
    End,
}

/// What came of disabling a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledKey {
    /// It is disabled now, and so many of its tokens were ended.
    Done(u64),
    /// It was disabled before; so many of its tokens were ended now.
    Already(u64),
    /// There is none.
    Unknown,
}

/// Seals a token anew: given its digest and its sealed copy, the copy under the new key, or `None`
/// when the old one does not open.
pub struct Carry(pub Box<Reseal>);

/// See [`Carry`].
pub type Reseal = dyn Fn(&TokenDigest, &SealedToken) -> Option<SealedToken> + Send;

impl fmt::Debug for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carry")
    }
}

/// What came of rotating a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotatedKey {
    /// The new key has taken the old one's place.
    Done {
        /// How many tokens were carried over.
        carried: u64,
        /// How many were ended.
        ended: u64,
    },
    /// The old key is good no more; nothing was changed.
    KeyDead,
    /// A sealed copy did not open under the old key; nothing was changed.
    SealBroken(TokenId),
}

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The key that mints it.
    pub key: KeyId,
    /// What finds it.
    pub digest: TokenDigest,
    /// What its key's holder can list it from.
    pub sealed: SealedToken,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// The token whose settings it is given, if any.
    pub clone_of: Option<TokenDigest>,
    /// The settings it is given: merged into the copy (RFC 7396), or into empty ones.
    pub settings: Option<Value>,
    /// What makes the request one that may be retried, if anything does.
    pub once: Option<Once>,
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
    /// The settings.
    pub settings: Settings,
    /// How often it was verified and when last, as far as that is written down.
    pub usage: Usage,
}

/// What came of reading a token's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadSettings {
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
    /// A moment since which they were not used; one that never was counts from when it was minted.
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

/// How many rows one sweep reclaimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tokens whose time had come, and which are now marked as ended.
    pub expired: u64,
    /// Tokens that had ended long enough ago, and are now gone.
    pub purged: u64,
    /// Requests that are too old to be retried, and are now forgotten.
    pub forgotten: u64,
}

impl Swept {
    /// Whether nothing was left to reclaim.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Swept {
    fn add_assign(&mut self, more: Self) {
        self.expired += more.expired;
        self.purged += more.purged;
        self.forgotten += more.forgotten;
    }
}

/// What a look over the store found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How many accounts there are.
    pub accounts: u64,
    /// How many keys there are.
    pub keys: u64,
    /// How many tokens are kept, ended ones included.
    pub tokens: u64,
    /// What SQLite's own check of the file found wrong; empty when all is well.
    pub faults: Vec<String>,
    /// The latest moment at which anything was created.
    pub newest_at: Option<Timestamp>,
}
