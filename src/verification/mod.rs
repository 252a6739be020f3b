//! Whether a token is good: answered from memory, by the rules in [`rules`].
//!
//! What is known of tokens is kept in a bounded cache that is filled on first sight and never
//! written through. Expiry and every restriction are checked each time. A token that ends, or whose
//! settings change, is dropped from memory before the call that did it returns, and a look-up that
//! raced with that is not put in afterwards: see [`Sightings`].

mod findings;
mod identity;
mod rules;
mod sightings;
mod usage;

use std::{fmt, sync::Arc, time::Duration};

use governor::Quota;

use self::usage::Uses;
pub use self::{
    findings::Finding,
    identity::Identity,
    rules::{Case, Circumstances, Refusal, Rule, Shown, Standing},
    sightings::{Gone, Sight, Sightings},
    usage::{Subject, Taken},
};
use crate::{
    buckets::Buckets,
    clock::Clock,
    domain::{RateLimit, Timestamp, TokenDigest, TokenNumber, TokenRecord, Usage},
    error::Error,
};

/// Sizes of the verifier.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many good tokens are remembered.
    pub cached_tokens: usize,
    /// How many tokens that are not good are remembered.
    pub cached_unknown: usize,
    /// For how many tokens with a rate limit it is remembered how much they used.
    pub rate_buckets: usize,
}

/// What is known of tokens in memory.
pub struct Verifier {
    sightings: Arc<Sightings>,
    buckets: Buckets<TokenDigest>,
    uses: Uses,
}

/// How a token stands against its rate limit after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The limit.
    pub limit: RateLimit,
    /// How many requests are left now.
    pub remaining: u32,
    /// How long until there is one, when none was left for this request.
    pub wait: Option<Duration>,
}

/// Whether a request was counted against its token's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was refused before, and is not counted.
    No,
    /// The token has no limit.
    Unlimited,
    /// It was, and the token stands like this now.
    Limited(Rate),
}

impl Counted {
    /// How the token stands, if it has a limit and the request came so far.
    #[must_use]
    pub const fn rate(self) -> Option<Rate> {
        match self {
            Self::Limited(rate) => Some(rate),
            Self::No | Self::Unlimited => None,
        }
    }
}

impl Verifier {
    /// A verifier that knows no token yet.
    #[must_use]
    pub fn new(limits: Limits, clock: Clock) -> Self {
        Self {
            sightings: Arc::new(Sightings::new(limits.cached_tokens, limits.cached_unknown)),
            buckets: Buckets::new(limits.rate_buckets, clock),
            uses: Uses::default(),
        }
    }

    /// What forgets tokens when they are altered: for the store to tell.
    #[must_use]
    pub fn sightings(&self) -> Arc<Sightings> {
        Arc::clone(&self.sightings)
    }

    /// What is known of the token with this digest, by `find` when it is not remembered.
    ///
    /// # Errors
    /// What `find` fails with.
    pub async fn look_up<F>(&self, digest: &TokenDigest, find: F) -> Result<Sight, Error>
    where
        F: AsyncFn(TokenDigest) -> Result<Option<TokenRecord>, Error>,
    {
        match self.sightings.recall(digest) {
            Some(sight) => Ok(sight),
            // Boxed: what few requests need is not to be part of the future of each.
            None => Box::pin(self.sightings.fill(digest, find)).await,
        }
    }

    /// Counts a request against the token's rate limit, if it has one.
    #[must_use]
    pub fn count(&self, subject: &Subject) -> Counted {
        let limit = subject.record.settings.rate_limit();
        limit.map_or(Counted::Unlimited, |limit| {
            Counted::Limited(self.take(subject, limit))
        })
    }

    fn take(&self, subject: &Subject, limit: RateLimit) -> Rate {
        let interval = Duration::from_secs(limit.per_seconds.get().into()) / limit.requests.get();
        let quota = Quota::with_period(interval)
            .expect("a limit is at most a million requests a second")
            .allow_burst(limit.requests);
        let (remaining, wait) = match self.buckets.take(&subject.digest, quota) {
            Ok(remaining) => (remaining, None),
            Err(wait) => (0, Some(wait)),
        };
        Rate {
            limit,
            remaining,
            wait,
        }
    }

    /// Notes that the token was verified; writes nothing.
    pub fn note_use(&self, subject: &Arc<Subject>, now: Timestamp) {
        self.uses.note(subject, now);
    }

    /// How the token was used since that was last written down.
    #[must_use]
    pub fn unwritten_usage(&self, token: TokenNumber) -> Usage {
        self.uses.unwritten(token)
    }

    /// The uses that are to be written down, of at most `most` tokens: the first after `after`.
    #[must_use]
    pub fn take_uses(&self, after: Option<TokenNumber>, most: usize) -> Vec<Taken> {
        self.uses.take(after, most)
    }

    /// Puts uses back that could not be written down.
    pub fn put_back_uses(&self, uses: &[Taken]) {
        self.uses.put_back(uses);
    }

    /// How many uses were dropped, since too many waited to be written down, since this was last asked.
    #[must_use]
    pub fn take_dropped_uses(&self) -> u64 {
        self.uses.take_dropped()
    }

    /// Completes when so much is to be written down that it should not wait.
    pub async fn many_uses(&self) {
        self.uses.many().await;
    }

    /// Forgets everything: another process has changed the store.
    pub fn forget_all(&self) {
        self.sightings.forget_all();
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?})", self.sightings)
    }
}
