//! argon2id, the one slow thing here: bounded in how much runs and in how much waits, and never on
//! a thread that serves requests.

use std::sync::{Arc, Mutex};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use rand::CryptoRng;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{domain::PrivateKey, error::Error};

/// 19 MiB, in KiB: with two passes and one lane, the first choice of OWASP's password storage cheat
/// sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// What a hash is salted with, so that no two are alike.
pub type Salt = [u8; SALT_BYTES];

/// Computes hashes off the threads that serve requests.
pub struct Argon2Pool {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    spare: Arc<Spare>,
}

/// The memory of hashes that are done, for the next ones: at most as much as hashes run at once.
/// Left to the allocator, each hash could end up in a place of its own, and none be given back.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<Block>>>);

impl Spare {
    fn take(&self) -> Vec<Block> {
        self.0
            .lock()
            .expect("no holder panics")
            .pop()
            .unwrap_or_default()
    }

    fn put_back(&self, memory: Vec<Block>) {
        self.0.lock().expect("no holder panics").push(memory);
    }
}

impl Argon2Pool {
    /// A pool that runs `workers` hashes at once while at most `queue` more wait.
    #[must_use]
    pub fn new(workers: usize, queue: usize) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(workers + queue)),
            running: Arc::new(Semaphore::new(workers)),
            spare: Arc::default(),
        }
    }

    /// Whether `phc` is the hash of `key`.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once when the queue is full; [`Error::Internal`] when `phc` cannot
    /// be read.
    pub async fn verify(&self, key: PrivateKey, phc: String) -> Result<bool, Error> {
        self.run(move |memory| verify(&key, &phc, memory)).await?
    }

    /// The PHC string under which `key` is kept.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once when the queue is full.
    pub async fn hash(&self, key: PrivateKey, salt: Salt) -> Result<String, Error> {
        self.run(move |_| hash_with(&key, &salt)).await
    }

    /// Does `work`, which takes the memory of a hash, when its turn comes.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| Error::Overloaded)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|closed| Error::Internal(closed.into()))?;
        let spare = Arc::clone(&self.spare);
        tokio::task::spawn_blocking(move || {
            // Held to the end of the work, which goes on when the caller has gone away.
            let _held = (place, turn);
            let mut memory = spare.take();
            let outcome = work(&mut memory);
            spare.put_back(memory);
            outcome
        })
        .await
        .map_err(|panicked| Error::Internal(panicked.into()))
    }
}

/// Whether `phc` is the hash of `key`; works in `memory`, which grows to what that takes.
fn verify(key: &PrivateKey, phc: &str, memory: &mut Vec<Block>) -> Result<bool, Error> {
    let kept = PasswordHash::new(phc).map_err(|malformed| Error::Internal(malformed.into()))?;
    let (Some(salt), Some(expected)) = (&kept.salt, &kept.hash) else {
        return Err(Error::Internal(
            "a kept hash lacks its salt or its hash".into(),
        ));
    };
    let params = Params::try_from(&kept).map_err(|unfit| Error::Internal(unfit.into()))?;
    memory.resize(memory.len().max(params.block_count()), Block::default());
    let mut found = Zeroizing::new(vec![0; expected.as_bytes().len()]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            key.expose().as_bytes(),
            salt.as_ref(),
            &mut found,
            &mut *memory,
        )
        .map_err(|failed| Error::Internal(failed.into()))?;
    Ok(found.ct_eq(expected.as_bytes()).into())
}

/// The PHC string under which `key` is kept. Takes some 20 ms of one core.
pub fn hash(key: &PrivateKey, rng: &mut dyn CryptoRng) -> String {
    hash_with(key, &draw_salt(rng))
}

/// Draws what a hash is salted with.
pub fn draw_salt(rng: &mut dyn CryptoRng) -> Salt {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    salt
}

fn hash_with(key: &PrivateKey, salt: &Salt) -> String {
    argon2id()
        .hash_password_with_salt(key.expose().as_bytes(), salt)
        .expect("the salt's length is allowed and a key's length is bounded")
        .to_string()
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("constant parameters within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn key(text: &str) -> PrivateKey {
        PrivateKey::presented(text).unwrap()
    }

    #[tokio::test]
    async fn a_key_fits_its_own_hash_alone() {
        let pool = Argon2Pool::new(1, 1);
        let phc = hash(&key("right"), &mut StdRng::seed_from_u64(1));
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(pool.verify(key("right"), phc.clone()).await.unwrap());
        assert!(!pool.verify(key("wrong"), phc).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_share_the_memory_of_those_that_are_done() {
        let pool = Argon2Pool::new(2, 8);
        let phc = hash(&key("right"), &mut StdRng::seed_from_u64(1));
        let many = (0..8).map(|_| pool.verify(key("right"), phc.clone()));
        assert!(
            futures_util::future::join_all(many)
                .await
                .into_iter()
                .all(|right| matches!(right, Ok(true)))
        );
        assert!((1..=2).contains(&pool.spare.0.lock().unwrap().len()));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let pool = Argon2Pool::new(1, 0);
        let phc = hash(&key("right"), &mut StdRng::seed_from_u64(1));
        let (first, second) = tokio::join!(
            pool.verify(key("right"), phc.clone()),
            pool.verify(key("right"), phc)
        );
        assert!(first.unwrap());
        assert!(matches!(second, Err(Error::Overloaded)));
    }

    #[tokio::test]
    async fn a_caller_who_goes_away_does_not_make_room_for_more_work() {
        let pool = Argon2Pool::new(1, 0);
        let phc = hash(&key("right"), &mut StdRng::seed_from_u64(1));
        let mut gone = Box::pin(pool.verify(key("right"), phc.clone()));
        assert!(futures_util::poll!(&mut gone).is_pending());
        drop(gone);
        assert!(matches!(
            pool.verify(key("right"), phc).await,
            Err(Error::Overloaded)
        ));
    }

    #[tokio::test]
    async fn an_unreadable_hash_is_a_defect_and_no_refusal() {
        let verdict = Argon2Pool::new(1, 0)
            .verify(key("right"), "plain".into())
            .await;
        assert!(matches!(verdict, Err(Error::Internal(_))));
    }
}
