//! argon2id, the one slow thing here: bounded in how much runs and in how much waits, and never on
//! a thread that serves requests.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rand::CryptoRng;
use tokio::sync::Semaphore;

use crate::{domain::PrivateKey, error::Error};

/// 19 MiB, in KiB: with two passes and one lane, the first choice of OWASP's password storage cheat
/// sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Computes hashes off the threads that serve requests.
pub struct Argon2Pool {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Argon2Pool {
    /// A pool that runs `workers` hashes at once while at most `queue` more wait.
    #[must_use]
    pub fn new(workers: usize, queue: usize) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(workers + queue)),
            running: Arc::new(Semaphore::new(workers)),
        }
    }

    /// Whether `phc` is the hash of `key`.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once when the queue is full; [`Error::Internal`] when `phc` cannot
    /// be read.
    pub async fn verify(&self, key: PrivateKey, phc: String) -> Result<bool, Error> {
        let place = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| Error::Overloaded)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|closed| Error::Internal(closed.into()))?;
        tokio::task::spawn_blocking(move || {
            // Held to the end of the work, which goes on when the caller has gone away.
            let _held = (place, turn);
            let hash =
                PasswordHash::new(&phc).map_err(|malformed| Error::Internal(malformed.into()))?;
            match argon2id().verify_password(key.expose().as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(failed) => Err(Error::Internal(failed.into())),
            }
        })
        .await
        .map_err(|panicked| Error::Internal(panicked.into()))?
    }
}

/// The PHC string under which `key` is kept. Takes some 20 ms of one core.
pub fn hash(key: &PrivateKey, rng: &mut dyn CryptoRng) -> String {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    argon2id()
        .hash_password_with_salt(key.expose().as_bytes(), &salt)
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
