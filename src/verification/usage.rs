//! How tokens are used: counted in memory, written down now and then by others.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use super::Identity;
use crate::domain::{Timestamp, TokenDigest, TokenId, TokenNumber, TokenRecord, Usage};

/// So many tokens with unwritten uses are not kept waiting; the more wait, the fewer pages of the
/// store each takes.
const MANY: usize = 100_000;
/// So many are not joined by others: the uses of those are dropped.
const TOO_MANY: usize = 250_000;

/// A use that is taken out to be written down.
pub type Taken = (Arc<Subject>, Usage);

/// A token in memory: what is kept of it, and its uses that are not written down yet.
#[derive(Debug)]
pub struct Subject {
    /// Its digest.
    pub digest: TokenDigest,
    /// What is kept of it.
    pub record: TokenRecord,
    /// What is said of it.
    pub identity: Identity,
    verifications: AtomicU64,
    last_used_at: AtomicI64,
}

impl Subject {
    pub(super) fn new(digest: TokenDigest, record: TokenRecord) -> Self {
        Self {
            identity: Identity::of(TokenId::of(&digest), &record),
            digest,
            record,
            verifications: AtomicU64::new(0),
            last_used_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Its public id.
    #[must_use]
    pub fn id(&self) -> TokenId {
        TokenId::of(&self.digest)
    }

    /// Adds to the uses; gives how many there were.
    fn add(&self, usage: Usage) -> u64 {
        if let Some(at) = usage.last_used_at.map(Timestamp::seconds)
            // To look first costs less than to write: most uses are of the same second as another.
            && self.last_used_at.load(Ordering::Acquire) < at
        {
            self.last_used_at.fetch_max(at, Ordering::AcqRel);
        }
        self.verifications
            .fetch_add(usage.verifications, Ordering::AcqRel)
    }

    /// Takes the uses out.
    fn take(&self) -> Usage {
        self.usage(self.verifications.swap(0, Ordering::AcqRel))
    }

    fn unwritten(&self) -> Usage {
        self.usage(self.verifications.load(Ordering::Acquire))
    }

    fn usage(&self, verifications: u64) -> Usage {
        let last = self.last_used_at.load(Ordering::Acquire);
        Usage {
            verifications,
            last_used_at: (verifications > 0).then(|| Timestamp::from_seconds(last)),
        }
    }
}

/// The tokens whose uses are to be written down, in the order of their rows in the store.
#[derive(Debug, Default)]
pub(super) struct Uses {
    waiting: Mutex<BTreeMap<TokenNumber, Arc<Subject>>>,
    many: Notify,
    dropped: AtomicU64,
}

impl Uses {
    /// Counts a use. Only the first since the last writing takes the lock.
    pub(super) fn note(&self, subject: &Arc<Subject>, now: Timestamp) {
        self.add(
            subject,
            Usage {
                verifications: 1,
                last_used_at: Some(now),
            },
        );
    }

    fn add(&self, subject: &Arc<Subject>, usage: Usage) {
        if subject.add(usage) > 0 {
            return;
        }
        let mut waiting = self.lock();
        let (many, too_many) = (waiting.len() >= MANY, waiting.len() >= TOO_MANY);
        match waiting.entry(subject.record.number) {
            // The token was looked up anew meanwhile: its uses are those of one subject.
            Entry::Occupied(first) if !Arc::ptr_eq(first.get(), subject) => {
                first.get().add(subject.take());
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(_) if too_many => {
                let dropped = subject.take().verifications;
                self.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
            Entry::Vacant(place) => {
                place.insert(Arc::clone(subject));
            }
        }
        if many {
            self.many.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TokenNumber, Arc<Subject>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The uses of a token that wait.
    pub(super) fn unwritten(&self, token: TokenNumber) -> Usage {
        let waiting = self.lock();
        waiting
            .get(&token)
            .map_or_else(Usage::default, |subject| subject.unwritten())
    }

    /// Takes the uses of at most `most` tokens out: of the first that come after `after`.
    pub(super) fn take(&self, after: Option<TokenNumber>, most: usize) -> Vec<Taken> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut waiting = self.lock();
        waiting
            .extract_if((from, Bound::Unbounded), |_, _| true)
            .take(most)
            .map(|(_, subject)| {
                let usage = subject.take();
                (subject, usage)
            })
            .collect()
    }

    /// Puts uses back that could not be written down.
    pub(super) fn put_back(&self, uses: &[Taken]) {
        for (subject, usage) in uses {
            self.add(subject, *usage);
        }
    }

    /// How many uses were dropped, since too many waited, since this was last asked.
    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    /// Completes when many wait.
    pub(super) async fn many(&self) {
        self.many.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, KeyId, TokenNumber, TokenState};

    fn subject(byte: u8) -> Arc<Subject> {
        let record = TokenRecord {
            number: number(byte.into()),
            key: KeyId::from_i64(1),
            account: AccountId::from_i64(1),
            created_at: Timestamp::from_seconds(0),
            expires_at: None,
            signing_key: None,
            state: TokenState::Live,
            settings: Arc::default(),
        };
        Arc::new(Subject::new(TokenDigest::from_bytes([byte; 32]), record))
    }

    fn number(number: i64) -> TokenNumber {
        TokenNumber::from_i64(number)
    }

    fn taken(uses: &Uses) -> Vec<Usage> {
        uses.take(None, 10)
            .into_iter()
            .map(|(_, usage)| usage)
            .collect()
    }

    fn usage(verifications: u64, last: i64) -> Usage {
        Usage {
            verifications,
            last_used_at: Some(Timestamp::from_seconds(last)),
        }
    }

    #[test]
    fn uses_are_counted_and_told_once() {
        let (uses, subject) = (Uses::default(), subject(1));
        for second in [5, 9, 7] {
            uses.note(&subject, Timestamp::from_seconds(second));
        }
        assert_eq!(subject.unwritten(), usage(3, 9));
        assert_eq!(taken(&uses), [usage(3, 9)]);
        assert!(taken(&uses).is_empty());
        assert_eq!(subject.unwritten(), Usage::default());
        uses.note(&subject, Timestamp::from_seconds(10));
        assert_eq!(taken(&uses), [usage(1, 10)]);
    }

    #[test]
    fn uses_that_could_not_be_written_down_are_not_lost() {
        let (uses, subject) = (Uses::default(), subject(1));
        uses.note(&subject, Timestamp::from_seconds(5));
        let failed = uses.take(None, 10);
        uses.note(&subject, Timestamp::from_seconds(9));
        uses.put_back(&failed);
        assert_eq!(taken(&uses), [usage(2, 9)]);
    }

    #[test]
    fn a_token_that_was_looked_up_anew_is_counted_as_one() {
        let (uses, [before, after]) = (Uses::default(), [subject(1), subject(1)]);
        uses.note(&before, Timestamp::from_seconds(5));
        uses.note(&after, Timestamp::from_seconds(9));
        uses.note(&before, Timestamp::from_seconds(7));
        assert_eq!(uses.unwritten(before.record.number), usage(3, 9));
        assert_eq!(taken(&uses), [usage(3, 9)]);
        assert!(taken(&uses).is_empty());
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let uses = Uses::default();
        let kept = subject(1);
        uses.note(&kept, Timestamp::from_seconds(1));
        for (other, _) in (2..).zip(0..TOO_MANY) {
            let record = TokenRecord {
                number: number(other),
                ..kept.record.clone()
            };
            let other = Subject::new(kept.digest, record);
            uses.note(&Arc::new(other), Timestamp::from_seconds(1));
        }
        uses.note(&kept, Timestamp::from_seconds(2));
        assert_eq!(uses.lock().len(), TOO_MANY);
        assert_eq!((uses.take_dropped(), uses.take_dropped()), (1, 0));
        assert_eq!(uses.unwritten(kept.record.number), usage(2, 2));
    }

    #[test]
    fn uses_are_taken_in_bounded_parts_and_in_order() {
        let uses = Uses::default();
        for byte in [4, 1, 5, 3, 2] {
            uses.note(&subject(byte), Timestamp::from_seconds(1));
        }
        let take = |after: Option<i64>| -> Vec<TokenNumber> {
            let taken = uses.take(after.map(number), 2);
            taken.iter().map(|(token, _)| token.record.number).collect()
        };
        assert_eq!(take(Some(1)), [2, 3].map(number));
        assert_eq!(take(Some(3)), [4, 5].map(number));
        assert_eq!(take(Some(5)), []);
        assert_eq!(take(None), [1].map(number));
    }

    #[test]
    fn no_use_is_lost_between_threads() {
        let (uses, subject) = (Uses::default(), subject(1));
        let total = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..10_000).for_each(|n| uses.note(&subject, Timestamp::from_seconds(n)));
                });
            }
            scope.spawn(|| {
                for _ in 0..1000 {
                    let taken = uses
                        .take(None, 10)
                        .into_iter()
                        .map(|(_, usage)| usage.verifications);
                    total.fetch_add(taken.sum(), Ordering::SeqCst);
                }
            });
        });
        let rest: u64 = uses
            .take(None, 10)
            .iter()
            .map(|(_, usage)| usage.verifications)
            .sum();
        assert_eq!(total.load(Ordering::SeqCst) + rest, 40_000);
    }
}
