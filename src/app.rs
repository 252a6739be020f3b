//! Everything that a command may touch, in one place.

use std::sync::Arc;

use crate::{
    clock::Clock,
    domain::{PrivateKey, TokenDigest, TokenRecord, TokenState},
    entropy::Entropy,
    error::Error,
    keyring::{Caller, Keyring, Selectors},
    signing::{Followed, Signing},
    store::{Altered, Store, Watcher},
    verification::{self, Sight, Sightings, Verifier},
};

/// How many tokens' uses are written down in one transaction, so that nothing waits long behind it.
const USES_AT_ONCE: usize = 5000;

/// The parts of a running Moneyer that its commands work with.
#[derive(Debug)]
pub struct App {
    /// Where accounts, keys and tokens are kept.
    pub store: Store,
    /// The private keys that were shown and found right.
    pub keyring: Keyring,
    /// The keys that sign tokens.
    pub signing: Arc<Signing>,
    /// The tokens that were shown.
    pub verifier: Verifier,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
}

/// How much is believed of where a private key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nothing is known against it.
    Usual,
    /// Many wrong keys have come from there just now.
    Suspect,
}

/// What is remembered of the store, and has to follow it.
#[derive(Debug)]
struct Memories {
    sightings: Arc<Sightings>,
    selectors: Arc<Selectors>,
}

impl Watcher for Memories {
    fn altered(&self, what: &Altered) {
        self.sightings.altered(what);
        if let Altered::KeyAdded(selector) = what {
            self.selectors.add(*selector);
        }
    }
}

impl App {
    /// Puts the parts together: the store tells the verifier which tokens are altered, and the
    /// keyring which keys are new.
    #[must_use]
    pub fn new(
        store: Store,
        keyring: Keyring,
        signing: Signing,
        limits: verification::Limits,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let verifier = Verifier::new(limits, clock.clone());
        store.watch(Arc::new(Memories {
            sightings: verifier.sightings(),
            selectors: Arc::clone(&keyring.selectors),
        }));
        Self {
            store,
            keyring,
            signing: Arc::new(signing),
            verifier,
            clock,
            entropy,
        }
    }

    /// What is known of the token with this digest.
    ///
    /// # Errors
    /// The store's, when the token is not remembered.
    pub async fn look_up(&self, digest: &TokenDigest) -> Result<Sight, Error> {
        self.verifier
            .look_up(digest, async |digest| self.find_token(digest).await)
            .await
    }

    /// The token with this digest. One that was signed is good only while its key is; that key is
    /// not in the store.
    async fn find_token(&self, digest: TokenDigest) -> Result<Option<TokenRecord>, Error> {
        let mut found = self.store.find_token(digest).await?;
        if let Some(record) = &mut found
            && record.state == TokenState::Live
            && record
                .signing_key
                .is_some_and(|key| !self.signing.knows(key))
        {
            record.state = TokenState::SignerUnknown;
        }
        Ok(found)
    }

    /// Finds out who shows `key`.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for a key that is unknown, wrong, disabled or expired, or whose
    /// account is disabled; [`Error::Overloaded`] when too much waits; the store's errors.
    pub async fn authenticate(&self, key: &PrivateKey) -> Result<Arc<Caller>, Error> {
        self.authenticate_from(key, || Source::Usual).await
    }

    /// Finds out who shows `key`, as [`Self::authenticate`] does; `source` is asked when the key is
    /// not remembered. The store is not asked for a key from a suspect source that is certainly
    /// none of its own, so that a flood of wrong keys leaves it to others.
    ///
    /// # Errors
    /// Those of [`Self::authenticate`].
    pub async fn authenticate_from(
        &self,
        key: &PrivateKey,
        source: impl FnOnce() -> Source,
    ) -> Result<Arc<Caller>, Error> {
        let now = self.clock.now();
        let rule_out = |selector| {
            let changes = self.store.foreign_changes();
            self.keyring.selectors.rule_out(selector, changes)
        };
        self.keyring
            .authenticate(key, now, async |selector| match source() {
                Source::Suspect if rule_out(selector) => Ok(None),
                _ => self.store.find_key(selector, now).await,
            })
            .await
    }

    /// Has the keyring learn which keys there are, if it does not know.
    ///
    /// # Errors
    /// The store's.
    pub async fn learn_selectors(&self) -> Result<(), Error> {
        let changes = self.store.foreign_changes();
        let read = async || self.store.key_selectors().await;
        self.keyring.selectors.learn(changes, read).await
    }

    /// Follows what another process has done to the store: drops every key from memory that is good
    /// no more or whose account has moved to another API version, and all that is known of tokens.
    ///
    /// # Errors
    /// The store's; the tokens are forgotten even then.
    pub async fn follow(&self) -> Result<(), Error> {
        self.verifier.forget_all();
        let stale = self
            .store
            .stale_keys(self.keyring.remembered(), self.clock.now())
            .await?;
        self.keyring.forget_all(&stale);
        Ok(())
    }

    /// Follows what has become of the signing keys' file. When the keys are others, all that is known of
    /// tokens is forgotten after they have been put in place, so that nothing of the old ones is kept.
    pub fn follow_signing(&self) {
        if self.signing.follow() == Followed::Changed {
            self.verifier.forget_all();
            tracing::info!("the signing keys have changed");
        }
    }

    /// Writes down when keys were last used, and how tokens were.
    ///
    /// # Errors
    /// The store's. Of tokens what was to be written waits for the next time then; of keys it is
    /// lost, and made good by their next use.
    pub async fn flush_uses(&self) -> Result<(), Error> {
        let keys = self.flush_key_uses().await;
        self.flush_token_uses().await.and(keys)
    }

    async fn flush_key_uses(&self) -> Result<(), Error> {
        let uses = self.keyring.take_uses();
        if uses.is_empty() {
            return Ok(());
        }
        self.store.record_key_uses(uses).await
    }

    async fn flush_token_uses(&self) -> Result<(), Error> {
        let dropped = self.verifier.take_dropped_uses();
        if dropped > 0 {
            tracing::warn!(dropped, "uses of tokens were dropped: too many wait");
        }
        let mut last = None;
        // Once through the order of the rows: neighbours share a page.
        loop {
            let taken = self.verifier.take_uses(last, USES_AT_ONCE);
            last = taken.last().map(|(subject, _)| subject.record.number);
            if taken.is_empty() {
                return Ok(());
            }
            let uses = taken
                .iter()
                .map(|(subject, usage)| (subject.record.number, *usage));
            let written = self.store.record_token_uses(uses.collect()).await;
            written.inspect_err(|_| self.verifier.put_back_uses(&taken))?;
            // With busy clients, newer tokens are verified all the time: they wait for the next flush.
            if taken.len() < USES_AT_ONCE {
                return Ok(());
            }
        }
    }
}
