//! Private keys at work: from the text that a caller shows to a [`Caller`] who may do things.
//!
//! A right key costs one argon2id hash per process, on a bounded pool; after that the *verified-key
//! cache* answers. A wrong key costs one SHA-256 and one indexed look-up, and never meets argon2;
//! one of a flood costs no look-up either: see [`Selectors`].
//!
//! The cache remembers that a key is *right*, never that it is still *allowed*: each operation of
//! the store checks that in its own transaction, so that a disabled key is refused at once,
//! whichever process disabled it. The entry of a key found to be dead is dropped then, or when the
//! store is seen to have changed elsewhere; so is that of a key whose account has moved to another
//! API version.

mod argon2_pool;
mod sealing;
mod selectors;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::sync::Cache;

use self::argon2_pool::Argon2Pool;
pub use self::{
    argon2_pool::{Salt, draw_salt, hash},
    sealing::{BrokenSeal, SealingKey},
    selectors::Selectors,
};
use crate::{
    domain::{
        AccountId, ApiVersion, KeyDigest, KeyId, KeyRecord, PrivateKey, Role, Selector, Timestamp,
    },
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
    /// The API version that the account is pinned to.
    pub api_version: ApiVersion,
    /// Seals and opens the tokens that this key minted; wiped when dropped.
    pub sealing: SealingKey,
    expires_at: Option<Timestamp>,
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
    /// What tells made-up keys from others, and has to be told of new ones.
    pub selectors: Arc<Selectors>,
    /// How often the remembered keys have been gone over.
    generation: AtomicU64,
}

impl Keyring {
    /// A keyring that knows no key yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            pool: Argon2Pool::new(limits.argon2_workers, limits.argon2_queue),
            verified: Cache::new(limits.cached_keys),
            used: Mutex::default(),
            selectors: Arc::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// Finds out who shows `key`, by `find` when the key is not remembered: given a selector, it
    /// answers with the record of a key that is good at present. Simultaneous first uses of one key
    /// share one look-up and one hash.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for a key that is not found, not right or expired;
    /// [`Error::Overloaded`] when too many hashes wait; what `find` fails with.
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
                api_version: record.api_version,
                sealing,
                expires_at: record.expires_at,
                digest,
            }))
        };
        let generation = self.generation.load(Ordering::SeqCst);
        let caller = self.verified.get_or_insert_async(&digest, verify).await?;
        if self.generation.load(Ordering::SeqCst) != generation {
            // It may have been looked up before a change, and put in after the dead were taken out.
            self.forget(&caller);
        }
        if caller.expires_at.is_some_and(|at| at <= now) {
            self.forget(&caller);
            return Err(Error::InvalidKey);
        }
        self.used
            .lock()
            .expect("no holder panics")
            .insert(caller.key, now);
        Ok(caller)
    }

    /// The PHC string under which `key` is kept, computed on the pool.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many hashes wait.
    pub async fn hash(&self, key: &PrivateKey, salt: Salt) -> Result<String, Error> {
        self.pool.hash(key.clone(), salt).await
    }

    /// Drops what is remembered of `key`, which is dead, and of what is being looked up meanwhile.
    pub fn forget_key(&self, key: KeyId) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.forget_all(&HashSet::from([key]));
    }

    /// Drops what is remembered of a caller whose key turned out to be dead.
    pub fn forget(&self, caller: &Caller) {
        self.verified.remove(&caller.digest);
    }

    /// The keys that are remembered at present, and the API versions of their accounts, to be gone
    /// over: one that is being looked up meanwhile will not be remembered.
    #[must_use]
    pub fn remembered(&self) -> Vec<(KeyId, ApiVersion)> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let callers = self.verified.iter();
        callers
            .map(|(_, caller)| (caller.key, caller.api_version))
            .collect()
    }

    /// Drops what is remembered of the keys `stale`.
    pub fn forget_all(&self, stale: &HashSet<KeyId>) {
        self.verified
            .retain(|_, caller| !stale.contains(&caller.key));
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1);

    fn keyring() -> Keyring {
        Keyring::new(Limits {
            argon2_workers: 1,
            argon2_queue: 0,
            cached_keys: 10,
        })
    }

    fn key(text: &str) -> PrivateKey {
        PrivateKey::presented(text).unwrap()
    }

    fn record(key: &PrivateKey) -> KeyRecord {
        KeyRecord {
            id: KeyId::from_i64(1),
            account: AccountId::from_i64(2),
            role: Role::Mint,
            api_version: ApiVersion::CURRENT,
            expires_at: None,
            phc: hash(key, &mut StdRng::seed_from_u64(1)),
        }
    }

    #[tokio::test]
    async fn simultaneous_first_uses_share_one_look_up_and_one_hash() {
        // With room for a single hash and none to wait, a second one would be refused.
        let (keyring, key, looked_up) = (keyring(), key("right"), Cell::new(0));
        let found = record(&key);
        let callers = join_all((0..50).map(|_| {
            keyring.authenticate(&key, NOW, async |_| {
                looked_up.set(looked_up.get() + 1);
                Ok(Some(found.clone()))
            })
        }));
        assert!(
            callers
                .await
                .iter()
                .all(|caller| matches!(caller, Ok(caller) if caller.key == found.id))
        );
        assert_eq!(looked_up.get(), 1);
    }

    #[tokio::test]
    async fn a_key_that_is_not_found_or_not_right_is_looked_up_again_each_time() {
        let (keyring, right, wrong) = (keyring(), key("right"), key("wrong"));
        let found = record(&right);
        for answer in [None, Some(found.clone())] {
            let refused = keyring
                .authenticate(&wrong, NOW, async |_| Ok(answer.clone()))
                .await;
            assert!(matches!(refused, Err(Error::InvalidKey)));
        }
        assert!(
            keyring
                .authenticate(&right, NOW, async |_| Ok(Some(found)))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn an_expired_key_is_refused_and_forgotten() {
        let (keyring, key) = (keyring(), key("right"));
        let found = KeyRecord {
            expires_at: Some(Timestamp::from_seconds(5)),
            ..record(&key)
        };
        let at = async |second| {
            let now = Timestamp::from_seconds(second);
            keyring
                .authenticate(&key, now, async |_| Ok(Some(found.clone())))
                .await
        };
        assert!(at(4).await.is_ok());
        assert!(matches!(at(5).await, Err(Error::InvalidKey)));
        assert!(keyring.remembered().is_empty());
    }

    #[tokio::test]
    async fn a_forgotten_key_is_looked_up_anew() {
        let (keyring, key) = (keyring(), key("right"));
        let found = record(&key);
        let known = async || Ok::<_, Error>(Some(found.clone()));
        let caller = keyring
            .authenticate(&key, NOW, async |_| known().await)
            .await
            .unwrap();
        assert_eq!(keyring.remembered(), [(found.id, found.api_version)]);
        keyring.forget(&caller);
        assert!(
            keyring
                .authenticate(&key, NOW, async |_| Ok(None))
                .await
                .is_err()
        );

        keyring
            .authenticate(&key, NOW, async |_| known().await)
            .await
            .unwrap();
        keyring.forget_all(&HashSet::from([KeyId::from_i64(9)]));
        assert_eq!(keyring.remembered(), [(found.id, found.api_version)]);
        keyring.forget_all(&HashSet::from([found.id]));
        assert!(keyring.remembered().is_empty());
    }

    #[tokio::test]
    async fn a_key_looked_up_before_a_change_is_not_remembered_after_it() {
        let (keyring, key) = (keyring(), key("right"));
        let found = record(&key);
        let looked_up = keyring.authenticate(&key, NOW, async |_| {
            // Another process disables the key just now, and the dead are taken out.
            assert!(keyring.remembered().is_empty());
            keyring.forget_all(&HashSet::new());
            Ok(Some(found))
        });
        assert!(looked_up.await.is_ok());
        assert!(keyring.remembered().is_empty());
    }

    #[tokio::test]
    async fn the_last_use_of_each_key_is_told_once() {
        let (keyring, key) = (keyring(), key("right"));
        let found = record(&key);
        for second in [1, 5] {
            let now = Timestamp::from_seconds(second);
            keyring
                .authenticate(&key, now, async |_| Ok(Some(found.clone())))
                .await
                .unwrap();
        }
        assert_eq!(
            keyring.take_uses(),
            [(found.id, Timestamp::from_seconds(5))]
        );
        assert!(keyring.take_uses().is_empty());
    }
}
