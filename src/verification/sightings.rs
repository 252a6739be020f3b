//! What has been seen of tokens, in bounded memory.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use quick_cache::{Weighter, sync::Cache};

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
    /// The key that signed it is retired, or not known here; what is known of tokens is forgotten when
    /// the signing keys change.
    SignerUnknown,
}

/// The cache. Tokens that are not good have a part of their own, so that a stranger who makes up
/// tokens does not drive good ones out.
///
/// Each alteration of a token moves the generation on and takes the token out. A look-up is put in
/// only while the generation is still the one at which it began, and the lock keeps the alteration
/// from coming between that check and the putting in. So nothing that was read before a change is
/// found after it.
pub struct Sightings {
    good: Cache<TokenDigest, Arc<Subject>, BySettings>,
    gone: Cache<TokenDigest, Gone>,
    generation: RwLock<u64>,
}

/// Has a token with long settings take the room of several.
#[derive(Debug, Clone, Copy)]
struct BySettings;

/// How often a token is looked up while others are being altered.
const LOOK_UPS: usize = 3;
/// How many bytes take the room of one more token.
const BYTES_PER_ROOM: usize = 512;

impl Weighter<TokenDigest, Arc<Subject>> for BySettings {
    fn weight(&self, _: &TokenDigest, subject: &Arc<Subject>) -> u64 {
        // Scopes are in the text that is said of it, too.
        let bytes = subject.record.settings.weight() + subject.identity.scopes().len();
        1 + (bytes / BYTES_PER_ROOM) as u64
    }
}

impl Sightings {
    /// Room for so many good tokens without long settings, and so many that are not good.
    #[must_use]
    pub fn new(good: usize, gone: usize) -> Self {
        Self {
            good: Cache::with_weighter(good, good as u64, BySettings),
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
    ///
    /// A look-up during which something was altered is done again, a few times: it may have come too
    /// early.
    pub(super) async fn fill<F>(&self, digest: &TokenDigest, find: F) -> Result<Sight, Error>
    where
        F: AsyncFn(TokenDigest) -> Result<Option<TokenRecord>, Error>,
    {
        for _ in 1..LOOK_UPS {
            if let (sight, true) = self.try_to_fill(digest, &find).await? {
                return Ok(sight);
            }
        }
        Ok(self.try_to_fill(digest, &find).await?.0)
    }

    /// Looks the token up; says whether nothing was altered meanwhile, so that it is remembered.
    async fn try_to_fill<F>(&self, digest: &TokenDigest, find: &F) -> Result<(Sight, bool), Error>
    where
        F: AsyncFn(TokenDigest) -> Result<Option<TokenRecord>, Error>,
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
                TokenState::SignerUnknown => Sight::Gone(Gone::SignerUnknown),
                TokenState::Live => Sight::Good(Arc::new(Subject::new(*digest, record))),
            },
        };
        let generation = self
            .generation
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let unaltered = *generation == begun;
        if unaltered {
            match &sight {
                Sight::Good(subject) => self.good.insert(*digest, Arc::clone(subject)),
                Sight::Gone(gone) => self.gone.insert(*digest, *gone),
            }
        }
        drop(generation);
        Ok((sight, unaltered))
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
            Altered::KeyAdded(_) => {}
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
    use std::cell::Cell;

    use super::*;
    use crate::domain::{AccountId, KeyId, Settings, Timestamp, TokenNumber};

    const DIGEST: TokenDigest = TokenDigest::from_bytes([1; 32]);

    fn record(state: TokenState) -> TokenRecord {
        TokenRecord {
            number: TokenNumber::from_i64(1),
            key: KeyId::from_i64(1),
            account: AccountId::from_i64(1),
            created_at: Timestamp::from_seconds(0),
            expires_at: None,
            signing_key: None,
            state,
            settings: Arc::default(),
        }
    }

    async fn fill(sightings: &Sightings, found: Option<TokenRecord>) -> Sight {
        let found = async |_| Ok(found.clone());
        sightings.fill(&DIGEST, found).await.unwrap()
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
    async fn a_look_up_that_came_too_early_is_done_again() {
        let (sightings, looked_up) = (Sightings::new(10, 10), Cell::new(0));
        let raced = sightings.fill(&DIGEST, async |_| {
            looked_up.set(looked_up.get() + 1);
            if looked_up.get() > 1 {
                return Ok(Some(record(TokenState::Ended)));
            }
            sightings.altered(&Altered::Token(DIGEST));
            Ok(Some(record(TokenState::Live)))
        });
        assert!(matches!(raced.await, Ok(Sight::Gone(Gone::Ended))));
        let remembered = sightings.recall(&DIGEST);
        assert!(matches!(remembered, Some(Sight::Gone(Gone::Ended))));
    }

    #[tokio::test]
    async fn long_settings_take_the_room_of_several_tokens() {
        let sightings = Sightings::new(1000, 10);
        let scopes: Vec<String> = (0..32).map(|n| format!("{n}{}", "x".repeat(94))).collect();
        let settings = serde_json::json!({"scopes": scopes, "note": "x".repeat(1000)});
        for number in 0..1000_u64 {
            let mut bytes = [9; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            let long = TokenRecord {
                settings: Settings::parse(settings.clone()).unwrap().restrictions(),
                ..record(TokenState::Live)
            };
            let found = async |_| Ok(Some(long.clone()));
            let digest = TokenDigest::from_bytes(bytes);
            sightings.fill(&digest, found).await.unwrap();
        }
        assert!((25..125).contains(&sightings.good.len()), "{sightings:?}");
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
