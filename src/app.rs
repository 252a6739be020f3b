//! Everything that a command may touch, in one place.

use std::sync::Arc;

use crate::{
    clock::Clock,
    domain::PrivateKey,
    entropy::Entropy,
    error::Error,
    keyring::{Caller, Keyring},
    store::Store,
};

/// The parts of a running Moneyer that its commands work with.
#[derive(Debug)]
pub struct App {
    /// Where accounts, keys and tokens are kept.
    pub store: Store,
    /// The private keys that were shown and found right.
    pub keyring: Keyring,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
}

impl App {
    /// Finds out who shows `key`.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for a key that is unknown, wrong, disabled or expired, or whose
    /// account is disabled; [`Error::Overloaded`] when too much waits; the store's errors.
    pub async fn authenticate(&self, key: &PrivateKey) -> Result<Arc<Caller>, Error> {
        let now = self.clock.now();
        self.keyring
            .authenticate(key, now, async |selector| {
                self.store.find_key(selector, now).await
            })
            .await
    }

    /// Drops from memory every key that the store no longer holds as good.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_dead_keys(&self) -> Result<(), Error> {
        let dead = self
            .store
            .dead_keys(self.keyring.remembered(), self.clock.now())
            .await?;
        self.keyring.forget_all(&dead);
        Ok(())
    }

    /// Writes down when keys were last used.
    ///
    /// # Errors
    /// The store's; what was to be written is lost then.
    pub async fn flush_uses(&self) -> Result<(), Error> {
        let uses = self.keyring.take_uses();
        if uses.is_empty() {
            Ok(())
        } else {
            self.store.record_key_uses(uses).await
        }
    }
}
