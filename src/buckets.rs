//! Token buckets in bounded memory: past it those that are least used are forgotten, and start full
//! again.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock as GovernorClock,
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use quick_cache::sync::Cache;

use crate::clock::Clock;

/// A bucket for each of so many keys.
pub struct Buckets<K> {
    clock: Monotonic,
    buckets: Cache<K, Arc<Bucket>>,
}

struct Bucket {
    quota: Quota,
    limiter: RateLimiter<NotKeyed, InMemoryState, Monotonic, StateInformationMiddleware>,
    /// Until when it is known to be empty: nanoseconds by the clock.
    empty_until: AtomicU64,
}

/// The time that buckets fill by.
#[derive(Clone)]
struct Monotonic(Clock);

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Room for `capacity` buckets, which fill by `clock`.
    #[must_use]
    pub fn new(capacity: usize, clock: Clock) -> Self {
        Self {
            clock: Monotonic(clock),
            buckets: Cache::new(capacity),
        }
    }

    /// Takes one out of the bucket of `key`; says how many are left, or how long it takes until
    /// there is one. A bucket that was filled by another quota begins anew.
    ///
    /// # Errors
    /// How long to wait, when the bucket is empty.
    pub fn take(&self, key: &K, quota: Quota) -> Result<u32, Duration> {
        let bucket = match self.buckets.get(key).filter(|known| known.quota == quota) {
            Some(bucket) => bucket,
            None => self.begin(key, quota),
        };
        match bucket.limiter.check() {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(not_until) => {
                let now = self.clock.now();
                let wait = not_until.wait_time_from(now);
                bucket
                    .empty_until
                    .fetch_max(nanoseconds(now + wait), Ordering::Relaxed);
                Err(wait)
            }
        }
    }

    /// Whether the bucket of `key` was found empty before, and still is. Takes nothing out.
    #[must_use]
    pub fn is_empty(&self, key: &K) -> bool {
        self.buckets.get(key).is_some_and(|bucket| {
            nanoseconds(self.clock.now()) < bucket.empty_until.load(Ordering::Relaxed)
        })
    }

    /// A full bucket, shared by all who begin it at the same time.
    fn begin(&self, key: &K, quota: Quota) -> Arc<Bucket> {
        self.buckets.remove_if(key, |stale| stale.quota != quota);
        let begun = self.buckets.get_or_insert_with(key, || {
            let limiter = RateLimiter::direct_with_clock(quota, self.clock.clone())
                .with_middleware::<StateInformationMiddleware>();
            Ok::<_, std::convert::Infallible>(Arc::new(Bucket {
                quota,
                limiter,
                empty_until: AtomicU64::new(0),
            }))
        });
        let Ok(bucket) = begun;
        bucket
    }
}

/// So many fit for 584 years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::domain::Timestamp;

    fn quota(per_second: u32, burst: u32) -> Quota {
        let count = |count| NonZeroU32::new(count).unwrap();
        Quota::per_second(count(per_second)).allow_burst(count(burst))
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let clock = Clock::fixed(Timestamp::from_seconds(1_000_000));
        let buckets = Buckets::new(10, clock.clone());
        let quota = quota(2, 3);
        assert_eq!(
            [(); 3].map(|()| buckets.take(&1, quota)),
            [Ok(2), Ok(1), Ok(0)]
        );
        assert_eq!(buckets.take(&1, quota), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(&2, quota), Ok(2));
        clock.advance(Duration::from_secs(1));
        assert_eq!([(); 2].map(|()| buckets.take(&1, quota)), [Ok(1), Ok(0)]);
        assert!(buckets.take(&1, quota).is_err());
    }

    #[test]
    fn a_bucket_is_known_to_be_empty_from_the_first_that_finds_nothing_until_there_is_one() {
        let clock = Clock::fixed(Timestamp::from_seconds(1_000_000));
        let buckets = Buckets::new(10, clock.clone());
        assert!(!buckets.is_empty(&1));
        assert_eq!(buckets.take(&1, quota(1, 1)), Ok(0));
        assert!(!buckets.is_empty(&1));
        assert!(buckets.take(&1, quota(1, 1)).is_err());
        assert!(buckets.is_empty(&1) && !buckets.is_empty(&2));
        clock.advance(Duration::from_secs(1));
        assert!(!buckets.is_empty(&1));
        assert_eq!(buckets.take(&1, quota(1, 1)), Ok(0));
    }

    #[test]
    fn another_quota_begins_a_bucket_anew() {
        let buckets = Buckets::new(10, Clock::fixed(Timestamp::from_seconds(1_000_000)));
        assert_eq!(buckets.take(&1, quota(1, 1)), Ok(0));
        assert!(buckets.take(&1, quota(1, 1)).is_err());
        assert_eq!(buckets.take(&1, quota(1, 5)), Ok(4));
        assert_eq!(buckets.take(&1, quota(1, 5)), Ok(3));
    }

    #[test]
    fn memory_is_bounded_however_many_keys_there_are() {
        let buckets = Buckets::new(100, Clock::fixed(Timestamp::from_seconds(1_000_000)));
        for key in 0..10_000 {
            buckets.take(&key, quota(1, 1)).unwrap();
        }
        assert!(buckets.buckets.len() <= 100);
    }
}
