//! What goes into the store's operations, and what comes of them; tokens are in
//! [`super::token_outcome`].

use std::{collections::BTreeMap, fmt};

use crate::domain::{
    AccountId, Algorithm, InvalidPolicy, KeyId, Label, Note, OnKeyDisable, OnKeyRotate, Policy,
    PrivateKey, Role, SealedToken, Selector, Timestamp, TokenDigest, TokenId,
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

/// What came of changing an account's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditedPolicy {
    /// It is this now.
    Done(Box<Policy>),
    /// It was this before.
    Already(Box<Policy>),
    /// The outcome would not be a policy; nothing was changed.
    Invalid(InvalidPolicy),
    /// There is no such account.
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
    /// More on what it is for.
    pub note: Note,
    /// When it stops by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    /// What is kept of `key` under the name `id` and the hash `phc`: a key that mints, without an
    /// end, a label and a note. What is to be otherwise is put in its place.
    #[must_use]
    pub fn of(key: &PrivateKey, id: KeyId, phc: String) -> Self {
        Self {
            id,
            selector: Selector::of(key),
            phc,
            role: Role::Mint,
            label: Label::default(),
            note: Note::default(),
            expires_at: None,
        }
    }
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
    /// More on what it is for.
    pub note: String,
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

impl From<OnKeyDisable> for KeyTokens {
    fn from(tokens: OnKeyDisable) -> Self {
        match tokens {
            OnKeyDisable::Keep => Self::Keep,
            OnKeyDisable::End => Self::End,
        }
    }
}

impl From<OnKeyRotate> for KeyTokens {
    fn from(tokens: OnKeyRotate) -> Self {
        match tokens {
            OnKeyRotate::Carry => Self::Keep,
            OnKeyRotate::End => Self::End,
        }
    }
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

/// How many rows one sweep reclaimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tokens whose time had come, whose account has a later generation or whose signing key is
    /// retired, and which are now marked as ended.
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

/// How a token is found in the index of live ones, in whose order they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveEntry {
    pub(in crate::store) key: i64,
    pub(in crate::store) generation: i64,
    pub(in crate::store) row: i64,
}

/// A token that ended long enough ago to be purged; they are ordered as it is best to unindex them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LongEnded {
    pub(in crate::store) id: TokenId,
    pub(in crate::store) row: i64,
    pub(in crate::store) ended_at: i64,
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
    /// How many tokens have settings that cannot be read: they are refused everywhere.
    pub damaged_settings: u64,
    /// The accounts whose policy cannot be read, and why: nothing can be minted in them.
    pub damaged_policies: Vec<(AccountId, InvalidPolicy)>,
    /// The algorithms by which the tokens of accounts are to be signed, each with one that says so.
    pub signed_by: BTreeMap<Algorithm, AccountId>,
    /// The latest moment at which anything was created.
    pub newest_at: Option<Timestamp>,
}
