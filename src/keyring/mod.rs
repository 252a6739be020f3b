//! Private keys at work: from the text that a caller shows to a [`Caller`] who may do things.
//!
//! A right key costs one argon2id hash per process, on a bounded pool; after that the *verified-key
//! cache* answers. A wrong key costs one SHA-256 and one indexed look-up, and never meets argon2.
//!
//! The cache remembers that a key is *right*, never that it is still *allowed*: each operation of
//! the store checks that in its own transaction, so that a disabled key is refused at once,
//! whichever process disabled it. The entry of a key found to be dead is dropped then, or when the
//! store is seen to have changed elsewhere.

mod argon2_pool;
mod sealing;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    sync::Mutex,
};

use quick_cache::sync::Cache;

use self::argon2_pool::Argon2Pool;
pub use self::{
    argon2_pool::hash,
    sealing::{BrokenSeal, SealingKey},
};
use crate::{
    domain::{AccountId, KeyDigest, KeyId, KeyRecord, PrivateKey, Role, Selector, Timestamp},
    error::Error,
};

/// Who is asking: the key that was shown, once it is known to be right.
pub struct Caller {
    /// The key's public id.
    pub key: KeyId,
    /// The account that the key belongs to.
    pub account: AccountId,
    /// What the key may do.
    pub role: Role,
    /// Seals and opens the tokens that this key minted; wiped when dropped.
    pub sealing: SealingKey,
    digest: KeyDigest,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.key)
    }
}

/// Sizes of the keyring.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many hashes may be computed at once.
    pub argon2_workers: usize,
    /// How many more may wait; past that callers are told to come back.
    pub argon2_queue: usize,
    /// How many verified keys are remembered.
    pub cached_keys: usize,
}

/// The private keys that have been shown to this process and found right.
pub struct Keyring {
    pool: Argon2Pool,
    verified: Cache<KeyDigest, Arc<Caller>>,
    used: Mutex<HashMap<KeyId, Timestamp>>,
}

impl Keyring {
    /// A keyring that knows no key yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            pool: Argon2Pool::new(limits.argon2_workers, limits.argon2_queue),
            verified: Cache::new(limits.cached_keys),
            used: Mutex::default(),
        }
    }

    /// Finds out who shows `key`, by `find` when the key is not remembered: given a selector, it
    /// answers with the record of a key that is good at present. Simultaneous first uses of one key
    /// share one look-up and one hash.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for a key that is not found or not right; [`Error::Overloaded`] when
    /// too many hashes wait; what `find` fails with.
    pub async fn authenticate<F>(
        &self,
        key: &PrivateKey,
        now: Timestamp,
        find: F,
    ) -> Result<Arc<Caller>, Error>
    where
        F: AsyncFnOnce(Selector) -> Result<Option<KeyRecord>, Error>,
    {
        let digest = KeyDigest::of(key);
        let verify = async {
            let record = find(Selector::of(key)).await?.ok_or(Error::InvalidKey)?;
            if !self.pool.verify(key.clone(), record.phc).await? {
                return Err(Error::InvalidKey);
            }
            let sealing = SealingKey::derive(key, record.id);
            Ok(Arc::new(Caller {
                key: record.id,
                account: record.account,
                role: record.role,
                sealing,
                digest,
            }))
        };
        let caller = self.verified.get_or_insert_async(&digest, verify).await?;
        self.used
            .lock()
            .expect("no holder panics")
            .insert(caller.key, now);
        Ok(caller)
    }

    /// Drops what is remembered of a caller whose key turned out to be dead.
    pub fn forget(&self, caller: &Caller) {
        self.verified.remove(&caller.digest);
    }

    /// The keys that are remembered at present.
    #[must_use]
    pub fn remembered(&self) -> Vec<KeyId> {
        self.verified.iter().map(|(_, caller)| caller.key).collect()
    }

    /// Drops what is remembered of the keys `dead`.
    pub fn forget_all(&self, dead: &HashSet<KeyId>) {
        self.verified
            .retain(|_, caller| !dead.contains(&caller.key));
    }

    /// When each key was last used since the last call: to be written down in one go, now and then.
    #[must_use]
    pub fn take_uses(&self) -> Vec<(KeyId, Timestamp)> {
        self.used
            .lock()
            .expect("no holder panics")
            .drain()
            .collect()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.verified.len())
    }
}
