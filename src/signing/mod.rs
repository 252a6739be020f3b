//! The server's signing keys at work. Tokens that are signed are JSON Web Tokens, by EdDSA or HS256.
//!
//! The keys are in a file beside the store, never in the store: whoever steals the one has not the
//! other. [`KeyFile`] reads and changes it, [`Signing`] is what a running server holds of it.

mod file;
mod format;
mod jwt;
mod key_set;
mod provider;
mod public_keys;
mod replace;
mod secret;

use std::{
    fmt,
    sync::{Arc, Mutex, RwLock},
};

use zeroize::Zeroizing;

use self::{file::Stamp, jwt::Subject};
pub use self::{
    file::{Custody, KeyFile},
    jwt::Claims,
    key_set::{KeySet, Retired, Rotated, SigningKey, State, Unsound},
    public_keys::PublicKeys,
    secret::Secret,
};
use crate::{
    domain::{AccountId, Algorithm, SigningKeyId},
    error::Error,
};

/// The signing keys of a server: they follow the file.
pub struct Signing {
    file: KeyFile,
    issuer: String,
    keys: RwLock<Arc<Keys>>,
    seen: Mutex<Seen>,
}

/// The keys, as they are at one time.
struct Keys {
    set: KeySet,
    public: PublicKeys,
}

/// What is known of the file.
#[derive(Default)]
struct Seen {
    /// The state from which the keys were read; `None` when there was no file.
    stamp: Option<Stamp>,
    /// What is wrong with the file since then, as it was told.
    fault: Option<String>,
}

/// What looking at the file again brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Other keys than before.
    Changed,
    /// The same keys as before.
    Unchanged,
}

impl Signing {
    /// The keys in `file`, which sign in the name of `issuer`; none when there is no file.
    ///
    /// # Errors
    /// [`Error::UnusableSigningKeys`] when there is one that cannot be used.
    pub fn load(file: KeyFile, issuer: String) -> Result<Self, Error> {
        let signing = Self::without_keys(file, issuer);
        if let Some((keys, stamp)) = signing.file.read_stamped()? {
            signing.swap(keys);
            signing.seen.lock().expect(NO_PANIC).stamp = Some(stamp);
        }
        Ok(signing)
    }

    /// No keys, until the file is followed for the first time: for what signs nothing.
    #[must_use]
    pub fn without_keys(file: KeyFile, issuer: String) -> Self {
        provider::install();
        Self {
            file,
            issuer,
            keys: RwLock::new(Arc::new(Keys::of(KeySet::default()))),
            seen: Mutex::default(),
        }
    }

    /// Signs a token of `account`, whose tokens are in their `generation`; gives its text and the key
    /// that signed it, or `None` when no key signs by `algorithm`.
    #[must_use]
    pub fn sign(
        &self,
        algorithm: Algorithm,
        account: AccountId,
        generation: u64,
        claims: &Claims<'_>,
    ) -> Option<(Zeroizing<String>, SigningKeyId)> {
        let keys = self.keys();
        let (id, secret) = keys.set.signer(algorithm)?;
        let subject = Subject {
            account,
            generation,
        };
        let token = jwt::sign(algorithm, (id, secret), subject, &self.issuer, claims);
        Some((token, id))
    }

    /// Whether this key is known and not retired, so that what it signed may be good.
    #[must_use]
    pub fn knows(&self, id: SigningKeyId) -> bool {
        self.keys().set.knows(id)
    }

    /// Those of `keys` that were never seen here, not even as retired.
    #[must_use]
    pub fn unheard_of(&self, keys: &[SigningKeyId]) -> Vec<SigningKeyId> {
        self.keys().set.unheard_of(keys)
    }

    /// The keys that are known to be retired.
    #[must_use]
    pub fn retired(&self) -> Vec<SigningKeyId> {
        let keys = self.keys();
        let retired = keys.set.keys().iter();
        let retired = retired.filter(|key| key.state == State::Retired);
        retired.map(|key| key.id).collect()
    }

    /// The keys with which anybody can check signatures.
    #[must_use]
    pub fn public_keys(&self) -> PublicKeys {
        self.keys().public.clone()
    }

    /// Reads the file again if it has changed. One that cannot be used leaves the keys as they were,
    /// and so does one that is gone; the log is told once, and it is tried again the next time.
    pub fn follow(&self) -> Followed {
        let mut seen = self.seen.lock().expect(NO_PANIC);
        if seen.fault.is_none() && self.file.stamp() == seen.stamp {
            return Followed::Unchanged;
        }
        match self.read_again() {
            Err(error) => {
                let fault = error.to_string();
                if seen.fault.as_ref() != Some(&fault) {
                    tracing::error!(cause = fault, "the signing keys stay as they were");
                    seen.fault = Some(fault);
                }
                Followed::Unchanged
            }
            Ok((keys, stamp)) => {
                seen.stamp = stamp;
                if seen.fault.take().is_some() {
                    tracing::info!("the file of signing keys can be used again");
                }
                if keys == self.keys().set {
                    return Followed::Unchanged;
                }
                self.swap(keys);
                Followed::Changed
            }
        }
    }

    fn read_again(&self) -> Result<(KeySet, Option<Stamp>), Error> {
        match self.file.read_stamped()? {
            Some((keys, stamp)) => Ok((keys, Some(stamp))),
            None if self.keys().set.keys().is_empty() => Ok((KeySet::default(), None)),
            None => Err(Error::UnusableSigningKeys(format!(
                "The file of signing keys {} is gone; put it back, since a server that starts without it refuses all that its keys signed.",
                self.file.path().display()
            ))),
        }
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().expect(NO_PANIC))
    }

    fn swap(&self, set: KeySet) {
        let keys = Arc::new(Keys::of(set));
        *self.keys.write().expect(NO_PANIC) = keys;
    }
}

const NO_PANIC: &str = "no holder panics";

impl Keys {
    fn of(set: KeySet) -> Self {
        let public = PublicKeys::of(&set);
        Self { set, public }
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signing({})", self.file.path().display())
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::domain::Timestamp;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_581_240);

    /// Changes the keys in `file` with randomness that `seed` fixes.
    fn change<T>(
        file: &KeyFile,
        seed: u64,
        work: impl FnOnce(&mut KeySet, &mut StdRng) -> Result<T, Error>,
    ) -> T {
        let mut rng = StdRng::seed_from_u64(seed);
        file.change(|keys| work(keys, &mut rng)).unwrap()
    }

    fn create(file: &KeyFile, algorithm: Algorithm) -> SigningKeyId {
        change(file, 1, |keys, rng| keys.create(algorithm, NOW, rng))
    }

    fn signer(signing: &Signing) -> Option<SigningKeyId> {
        let claims = Claims {
            unique: [1; 16],
            issued_at: NOW,
            expires_at: None,
            scopes: &[],
        };
        let account = AccountId::from_i64(1);
        let signed = signing.sign(Algorithm::EdDsa, account, 1, &claims);
        signed.map(|(_, id)| id)
    }

    fn in_new_folder() -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("keys"), Custody::Operator);
        (folder, file)
    }

    #[test]
    fn keys_are_followed_as_they_are_made_rotated_and_retired() {
        let (_folder, file) = in_new_folder();
        let signing = Signing::load(file.clone(), "moneyer".into()).unwrap();
        assert_eq!(signing.follow(), Followed::Unchanged);
        assert_eq!(signer(&signing), None);
        let first = create(&file, Algorithm::EdDsa);
        assert!(!signing.knows(first));
        assert_eq!(signing.follow(), Followed::Changed);
        assert_eq!(signing.follow(), Followed::Unchanged);
        assert_eq!(signer(&signing), Some(first));
        let rotated = change(&file, 2, |keys, rng| {
            keys.rotate(Algorithm::EdDsa, NOW, rng)
        });
        assert_eq!(signing.follow(), Followed::Changed);
        assert_eq!(signer(&signing), Some(rotated.new));
        assert!(signing.knows(first) && signing.knows(rotated.new));
        change(&file, 3, |keys, _| keys.retire(first));
        assert_eq!(signing.follow(), Followed::Changed);
        assert!(!signing.knows(first) && signing.knows(rotated.new));
    }

    #[test]
    fn a_file_that_is_written_anew_with_the_same_keys_is_no_change() {
        let (_folder, file) = in_new_folder();
        create(&file, Algorithm::Hs256);
        let signing = Signing::load(file.clone(), "moneyer".into()).unwrap();
        file.change(|_| Ok(())).unwrap();
        assert_eq!(signing.follow(), Followed::Unchanged);
    }

    #[test]
    fn a_file_that_breaks_or_goes_leaves_the_keys_as_they_were() {
        let (folder, file) = in_new_folder();
        let id = create(&file, Algorithm::EdDsa);
        let signing = Signing::load(file.clone(), "moneyer".into()).unwrap();
        let good = std::fs::read(file.path()).unwrap();
        std::fs::write(file.path(), &good[..good.len() / 2]).unwrap();
        let log = folder.path().join("log");
        let lines = Mutex::new(std::fs::File::create(&log).unwrap());
        let subscriber = tracing_subscriber::fmt().with_writer(lines).finish();
        tracing::subscriber::with_default(subscriber, || {
            (0..3).for_each(|_| assert_eq!(signing.follow(), Followed::Unchanged));
        });
        let told = std::fs::read_to_string(log).unwrap();
        assert_eq!(told.matches("stay as they were").count(), 1, "{told}");
        std::fs::remove_file(file.path()).unwrap();
        assert_eq!(signing.follow(), Followed::Unchanged);
        assert_eq!(signer(&signing), Some(id));
        let newer = create(&file, Algorithm::Hs256);
        assert_eq!(signing.follow(), Followed::Changed);
        assert!(signing.knows(newer));
        assert!(Signing::load(file, "moneyer".into()).is_ok());
    }
}
