//! What has been seen of tokens, in bounded memory.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use quick_cache::sync::Cache;

use super::Subject;
use crate::{
    domain::{TokenDigest, TokenRecord, TokenState},
    error::Error,
    store::{Altered, Watcher},
};

/// What is known of a token.
#[derive(Debug, Clone)]
pub enum Sight {
    /// It may be good.
    Good(Arc<Subject>),
    /// It is not, and never will be.
    Gone(Gone),
}

/// Why a token is not good and never will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It was never minted, or ended long ago.
    Unknown,
    /// It was disabled, or expired some time ago.
    Ended,
    /// Its account is disabled.
    AccountDisabled,
}

/// The cache. Tokens that are not good have a part of their own, so that a stranger who makes up
/// tokens does not drive good ones out.
///
/// Each alteration of a token moves the generation on and takes the token out. A look-up is put in
/// only while the generation is still the one at which it began, and the lock keeps the alteration
/// from coming between that check and the putting in. So nothing that was read before a change is
/// found after it.
pub struct Sightings {
    good: Cache<TokenDigest, Arc<Subject>>,
    gone: Cache<TokenDigest, Gone>,
    generation: RwLock<u64>,
}

impl Sightings {
    /// Room for so many good tokens, and so many that are not.
    #[must_use]
    pub fn new(good: usize, gone: usize) -> Self {
        Self {
            good: Cache::new(good),
            gone: Cache::new(gone),
            generation: RwLock::new(0),
        }
    }

    /// What is remembered of a token.
    #[must_use]
    pub fn recall(&self, digest: &TokenDigest) -> Option<Sight> {
        let good = || self.good.get(digest).map(Sight::Good);
        good().or_else(|| self.gone.get(digest).map(Sight::Gone))
    }

    /// Has `find` look the token up, and remembers what it found.
    pub(super) async fn fill<F>(&self, digest: &TokenDigest, find: F) -> Result<Sight, Error>
    where
        F: AsyncFnOnce(TokenDigest) -> Result<Option<TokenRecord>, Error>,
    {
        let begun = *self
            .generation
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let sight = match find(*digest).await? {
            None => Sight::Gone(Gone::Unknown),
            Some(record) => match record.state {
                TokenState::Ended => Sight::Gone(Gone::Ended),
                TokenState::AccountDisabled => Sight::Gone(Gone::AccountDisabled),
                TokenState::Live => Sight::Good(Arc::new(Subject::new(*digest, record))),
            },
        };
        let generation = self
            .generation
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if *generation == begun {
            match &sight {
                Sight::Good(subject) => self.good.insert(*digest, Arc::clone(subject)),
                Sight::Gone(gone) => self.gone.insert(*digest, *gone),
            }
        }
        drop(generation);
        Ok(sight)
    }

    /// Forgets everything, and what is being looked up.
    pub fn forget_all(&self) {
        self.move_on();
        self.good.clear();
        self.gone.clear();
    }

    fn move_on(&self) {
        let mut generation = self
            .generation
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *generation = generation.wrapping_add(1);
    }
}

impl Watcher for Sightings {
    fn altered(&self, what: &Altered) {
        match what {
            Altered::Token(digest) => {
                self.move_on();
                self.good.remove(digest);
            }
            Altered::Tokens => self.forget_all(),
        }
    }
}

impl fmt::Debug for Sightings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} good, {} gone", self.good.len(), self.gone.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, KeyId, Settings, Timestamp};

    const DIGEST: TokenDigest = TokenDigest::from_bytes([1; 32]);

    fn record(state: TokenState) -> TokenRecord {
        TokenRecord {
            key: KeyId::from_i64(1),
            account: AccountId::from_i64(1),
            created_at: Timestamp::from_seconds(0),
            expires_at: None,
            state,
            settings: Settings::default(),
        }
    }

    async fn fill(sightings: &Sightings, found: Option<TokenRecord>) -> Sight {
        sightings.fill(&DIGEST, async |_| Ok(found)).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_found_is_remembered_until_it_is_altered() {
        let sightings = Sightings::new(10, 10);
        fill(&sightings, Some(record(TokenState::Live))).await;
        assert!(matches!(sightings.recall(&DIGEST), Some(Sight::Good(_))));
        sightings.altered(&Altered::Token(TokenDigest::from_bytes([2; 32])));
        assert!(matches!(sightings.recall(&DIGEST), Some(Sight::Good(_))));
        sightings.altered(&Altered::Token(DIGEST));
        assert!(sightings.recall(&DIGEST).is_none());
        fill(&sightings, Some(record(TokenState::Ended))).await;
        assert!(matches!(
            sightings.recall(&DIGEST),
            Some(Sight::Gone(Gone::Ended))
        ));
        sightings.altered(&Altered::Tokens);
        assert!(sightings.recall(&DIGEST).is_none());
    }

    #[tokio::test]
    async fn a_look_up_that_raced_with_an_ending_is_not_remembered() {
        for ending in [Altered::Token(DIGEST), Altered::Tokens] {
            let sightings = Sightings::new(10, 10);
            let raced = sightings.fill(&DIGEST, async |_| {
                let before = record(TokenState::Live);
                sightings.altered(&ending);
                Ok(Some(before))
            });
            raced.await.unwrap();
            assert!(sightings.recall(&DIGEST).is_none(), "{ending:?}");
        }
    }

    #[tokio::test]
    async fn made_up_tokens_do_not_drive_good_ones_out() {
        let sightings = Sightings::new(10, 10);
        fill(&sightings, Some(record(TokenState::Live))).await;
        for number in 0..1000_u64 {
            let mut bytes = [9; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            let made_up = TokenDigest::from_bytes(bytes);
            sightings.fill(&made_up, async |_| Ok(None)).await.unwrap();
        }
        assert!(matches!(sightings.recall(&DIGEST), Some(Sight::Good(_))));
        assert!(sightings.gone.len() <= 10);
    }
}
