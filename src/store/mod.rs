//! Where accounts, keys and tokens are kept.
//!
//! Each operation is one step of the domain and one transaction, and says what came of it by an
//! outcome: absence and refusal are values, not errors. The time is always an argument. Every
//! operation on behalf of a key checks in its own transaction that the key, and its account, are
//! still good.

mod management;
mod outcome;
pub mod sqlite;
mod token_import;
mod token_outcome;

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Debug,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use self::sqlite::Sqlite;
pub use self::{
    management::{
        AccessTokenRow, ApiKeyRow, Deleted, Direction, Listing, NewAccessToken, Page, Principal,
        Start, TokenOrder,
    },
    outcome::{
        AccountRow, AddedKeys, Carry, CreatedAccount, DisabledAccount, DisabledKey, EditedPolicy,
        Health, KeyRow, KeyTokens, LiveEntry, LongEnded, NewKey, Reseal, RotatedKey, Swept,
    },
    token_import::{Imported, ImportedToken, Progress},
    token_outcome::{
        DisabledToken, Edit, EditedSettings, EndedTokens, FoundSettings, Listed, Minted, NewToken,
        Once, SealedRow, Selected, Selection, SettingsRow, Sign, SignedToken, Signer, ToSign,
        TokenPage, TokenRow,
    },
};
use crate::{
    domain::{
        AccountId, AccountName, ApiVersion, AuditEntry, Authority, Denied, KeyId, KeyRecord,
        Policy, Selector, SigningKeyId, Timestamp, TokenDigest, TokenId, TokenNumber, TokenRecord,
        Usage,
    },
    error::Error,
};

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is, as `sqlite:PATH`.
    pub url: String,
    /// What to do when there is none yet.
    pub absent: Absent,
    /// How long to wait for another process that is writing.
    pub busy_timeout: Duration,
    /// How many threads look things up, beside the one that finds out whether tokens and keys are
    /// good.
    pub readers: usize,
    /// How many jobs may wait for the writer, and for the readers; past that callers are told to
    /// come back.
    pub queue: usize,
    /// How many jobs may share one transaction.
    pub batch: usize,
    /// How many of the newest tokens may be found by memory before their digests are put into the
    /// index. The index of live tokens may lack about as many, but not many more than 2,000.
    pub unindexed_tokens: usize,
    /// How much of the file each connection may keep in memory, in KiB.
    pub page_cache_kib: u32,
}

/// What opening a store does when there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Makes one.
    Create,
    /// Fails, and says how one is made.
    Refuse,
}

/// A place to keep things, of one of the kinds that Moneyer knows. Dropping it lets the jobs that
/// wait be done.
#[derive(Debug)]
pub enum Store {
    /// A file of SQLite's.
    Sqlite(Sqlite),
}

/// Hands an operation on to the store at hand.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $outcome:ty;)*) => {
        impl Store {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`Error::Overloaded`] when too much waits, [`Error::Unavailable`] when the store
                /// cannot do its work at present, [`Error::Internal`] for a defect. Nothing was
                /// changed then.
                pub async fn $name(&self, $($arg: $type),*) -> Result<$outcome, Error> {
                    match self {
                        Self::Sqlite(sqlite) => sqlite.$name($($arg),*).await,
                    }
                }
            )*
        }
    };
}

operations! {
    /// Creates an account.
    create_account(id: AccountId, name: AccountName, now: Timestamp) -> CreatedAccount;
    /// All accounts, by name.
    list_accounts() -> Vec<AccountRow>;
    /// The account of this name or id.
    find_account(name_or_id: String) -> Option<AccountRow>;
    /// Disables an account: its keys stop at once.
    disable_account(id: AccountId, now: Timestamp) -> DisabledAccount;

    /// The policy of an account, if there is such an account.
    read_policy(account: AccountId) -> Option<Policy>;
    /// Changes an account's policy: `changes` take the place of members of `base`, or of the policy
    /// that it has.
    edit_policy(account: AccountId, base: Option<Policy>, changes: BTreeMap<String, Value>, now: Timestamp) -> EditedPolicy;

    /// Ends every token of an account at once, however many there are; gives its new generation, if
    /// there is such an account.
    regenerate_account(id: AccountId, now: Timestamp) -> Option<u64>;

    /// Adds private keys to an account: all of them or none.
    add_keys(account: AccountId, keys: Vec<NewKey>, now: Timestamp) -> AddedKeys;
    /// The keys of an account, oldest first; those made within one second in no certain order.
    list_keys(account: AccountId) -> Vec<KeyRow>;
    /// The key with this selector, if it and its account are good at `now`.
    find_key(selector: Selector, now: Timestamp) -> Option<KeyRecord>;
    /// The selectors of all keys, good or not.
    key_selectors() -> HashSet<Selector>;
    /// The account of the key with this id, good or not.
    account_of_key(key: KeyId) -> Option<AccountId>;
    /// Which of `keys` are good no more at `now`, or of an account that is pinned to another API
    /// version than is said.
    stale_keys(keys: Vec<(KeyId, ApiVersion)>, now: Timestamp) -> HashSet<KeyId>;
    /// Disables a key; its tokens live on or end with it, as `tokens` says.
    disable_key(key: KeyId, tokens: KeyTokens, now: Timestamp) -> DisabledKey;
    /// Puts `new` in the place of the key `old`, which is dead from then on; its tokens are carried
    /// over, re-sealed by `carry`, or end when there is none.
    rotate_key(old: KeyId, new: NewKey, carry: Option<Carry>, now: Timestamp) -> RotatedKey;
    /// Writes down when keys were last used.
    record_key_uses(uses: Vec<(KeyId, Timestamp)>) -> ();

    /// Keeps a new token. Once this returns [`Minted::Done`] or [`Minted::Signed`] it is on disk.
    mint(token: NewToken, now: Timestamp) -> Minted;
    /// The tokens of `key` that are good at `now`, newest first, at most `limit`.
    list_tokens(key: KeyId, limit: u32, now: Timestamp) -> Listed;
    /// Ends the token with this digest, on behalf of the key that minted it.
    disable_token(key: KeyId, digest: TokenDigest, now: Timestamp) -> DisabledToken;
    /// Ends the token with this id, on behalf of an operator.
    disable_token_by_id(id: TokenId, now: Timestamp) -> DisabledToken;

    /// What a caller may do, if it is good.
    authority(principal: Principal, now: Timestamp) -> Option<Authority>;
    /// A part of the list of an account's good tokens.
    list_account_tokens(principal: Principal, order: TokenOrder, page: Page<TokenId>, now: Timestamp) -> Result<Listing<AccessTokenRow, TokenId>, Denied>;
    /// Keeps a new token that a caller mints: a key, or a token, whose key it then belongs to.
    mint_for(principal: Principal, token: NewAccessToken, now: Timestamp) -> Result<Minted, Denied>;
    /// Ends a token of the caller's account.
    disable_token_for(principal: Principal, id: TokenId, now: Timestamp) -> Result<Deleted, Denied>;
    /// A part of the list of an account's private keys, or of those among `only`; disabled ones are
    /// left out.
    list_account_keys(principal: Principal, only: Option<Vec<KeyId>>, page: Page<KeyId>, now: Timestamp) -> Result<Listing<ApiKeyRow, KeyId>, Denied>;
    /// Adds a private key to the caller's account.
    add_key_for(principal: Principal, key: NewKey, now: Timestamp) -> Result<(), Denied>;
    /// Disables a private key of the caller's account; its tokens live on or end with it, as the
    /// account's policy says.
    disable_key_for(principal: Principal, key: KeyId, now: Timestamp) -> Result<Deleted, Denied>;

    /// A page of at most `limit` of the selected tokens: those after the token `after`, or the
    /// first.
    list_selected(selection: Selection, after: Option<TokenId>, limit: u32, now: Timestamp) -> TokenPage;
    /// How many tokens are selected.
    count_selected(selection: Selection, now: Timestamp) -> Selected;
    /// Ends the selected tokens, on behalf of an operator who expects so many of them.
    disable_selected(selection: Selection, expected: u64, now: Timestamp) -> EndedTokens;

    /// The keys that signed the tokens that have not ended.
    signing_keys_in_use() -> Vec<SigningKeyId>;
    /// Ends at most `limit` of the tokens that this key has signed, and says how many these were.
    end_signed_by(signing_key: SigningKeyId, limit: u32, now: Timestamp) -> u64;

    /// Which of `digests`, by their places, are those of tokens that are kept, ended or not.
    known_tokens(digests: Vec<TokenDigest>) -> Vec<usize>;
    /// Keeps tokens that were made elsewhere as those of `key`: all of them or none. They were held
    /// to `policy`, which must still be its account's. Up to 10,000 count as newer the later they
    /// come, more are in no certain order. `progress` is told how many are written.
    import_tokens(key: KeyId, policy: Policy, tokens: Vec<ImportedToken>, progress: Progress, now: Timestamp) -> Imported;

    /// The token with this digest, whatever has become of it.
    find_token(digest: TokenDigest) -> Option<TokenRecord>;
    /// The settings of a good token, on behalf of any key of its account.
    read_settings(key: KeyId, digest: TokenDigest, now: Timestamp) -> FoundSettings;
    /// Changes the settings of a good token, on behalf of the key that minted it.
    edit_settings(key: KeyId, digest: TokenDigest, edit: Edit, now: Timestamp) -> EditedSettings;
    /// Adds to what is known of tokens' use; nothing for a token that is not kept any more.
    record_token_uses(uses: Vec<(TokenNumber, Usage)>) -> ();

    /// Puts the digests of the newest tokens into the index when there are many of them.
    index_newest() -> ();

    /// Marks at most `limit` of the tokens that have expired by `now`, those that did so first;
    /// says how many these were.
    expire(now: Timestamp, limit: u32) -> u64;
    /// At most `limit` of the entries by which tokens that are marked so are still in the index of
    /// live ones: those after `after`, or the first.
    expired_entries(after: Option<LiveEntry>, limit: u32) -> Vec<LiveEntry>;
    /// Takes such entries out of the index.
    take_out_expired(entries: Vec<LiveEntry>) -> ();
    /// Has such entries, which have been taken out, not be given any more.
    forget_expired(entries: Vec<LiveEntry>) -> ();
    /// Marks at most `limit` of the tokens that ended with a generation of their account; says how
    /// many these were.
    end_outdated(now: Timestamp, limit: u32) -> u64;
    /// Forgets at most `limit` of the retries that were noted before `before`, and says how many.
    forget_retries(before: Timestamp, limit: u32) -> u64;
    /// At most `limit` of the tokens that are purged next and can be unindexed before: those that
    /// are purged after `after`, or the first.
    long_ended(before: Timestamp, after: Option<LongEnded>, limit: u32) -> Vec<LongEnded>;
    /// Has tokens that are about to be purged be unknown from now on. Purging would do so too, at a
    /// higher price when they are many.
    unindex(tokens: Vec<LongEnded>) -> ();
    /// Deletes at most `limit` of the tokens that are marked as having ended before `before`, those
    /// that ended first; says how many these were.
    purge(before: Timestamp, limit: u32) -> u64;

    /// The entries of the audit whose numbers are above `after`, oldest first, at most `limit`.
    audit_entries(after: i64, limit: u32) -> Vec<AuditEntry>;
    /// The entries of the audit, of those numbered below `before` if it is given, newest first, at
    /// most `limit`.
    newest_audit_entries(before: Option<i64>, limit: u32) -> Vec<AuditEntry>;

    /// Whether the store answers.
    ping() -> ();
    /// Looks the store over: counts, integrity, times.
    examine() -> Health;
}

impl Store {
    /// Opens the store at `options.url`.
    ///
    /// # Errors
    /// [`Error::UnusableStore`] with a sentence that says what is wrong and what to do.
    pub fn open(options: &Options) -> Result<Self, Error> {
        Sqlite::open(options).map(Self::Sqlite)
    }

    /// Whether there is a store at `options.url`, usable or not.
    ///
    /// # Errors
    /// [`Error::UnusableStore`] for a URL of no known form.
    pub fn exists(options: &Options) -> Result<bool, Error> {
        Sqlite::exists(options)
    }

    /// Claims the store for a server: a second one on the same store is refused.
    ///
    /// # Errors
    /// [`Error::UnusableStore`] when another server has it.
    pub fn claim(&self) -> Result<Claim, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.claim(),
        }
    }

    /// Whether a server has claimed the store.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.is_claimed(),
        }
    }

    /// Has `watcher` told of what is altered through this store from now on.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        match self {
            Self::Sqlite(sqlite) => sqlite.watch(watcher),
        }
    }

    /// A number that changes when another process has changed the store.
    #[must_use]
    pub fn foreign_changes(&self) -> i64 {
        match self {
            Self::Sqlite(sqlite) => sqlite.foreign_changes(),
        }
    }

    /// Copies the whole store to the new file `to`, as it is at one moment, while others go on
    /// using it. `progress` is told how many pages of how many are copied.
    ///
    /// # Errors
    /// [`Error::Refused`] when `to` exists or cannot be made, or when copying
    /// fails. No file is left then.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.backup(to, progress),
        }
    }

    /// The file that holds the store.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Sqlite(sqlite) => sqlite.path().to_owned(),
        }
    }
}

/// Is told what has been altered: once it is on disk, and before the caller who altered it knows,
/// even if that caller has gone away.
pub trait Watcher: Debug + Send + Sync {
    /// `what` is not as it was.
    fn altered(&self, what: &Altered);
}

/// What may have a verdict on tokens, or on a private key, be another than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Altered {
    /// There is a new key, with this selector.
    KeyAdded(Selector),
    /// The token with this digest has ended, or its settings have changed.
    Token(TokenDigest),
    /// Any number of tokens.
    Tokens,
}

/// A server's claim on its store; let go when dropped.
#[derive(Debug)]
pub struct Claim(
    #[expect(dead_code, reason = "holding the locked file is its whole purpose")] std::fs::File,
);
