//! The selectors of all keys in the store, by which a made-up key is told from all others without
//! asking the store.
//!
//! They serve against a flood of made-up keys, and are learnt once one comes. Where they do not
//! know for certain, the store is asked. Keys never leave the store, so a selector too many costs
//! no more than a look-up; but one that was missing would have a good key refused. Therefore:
//!
//! - A key that this process adds is told by the store's writing thread, before whoever had it
//!   added knows of it.
//! - What was learnt holds for one state of other processes' changes, which is read before the
//!   selectors are: from the next state on the store is asked, until all are learnt anew.
//! - A key that is added while all are being learnt may have been missed there, and is put in
//!   again.

use std::{
    collections::HashSet,
    fmt,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::{Mutex, Notify};

use crate::{domain::Selector, error::Error};

/// The selectors of all keys in the store, as far as they are known.
#[derive(Default)]
pub struct Selectors {
    known: RwLock<Known>,
    /// Held while they are being learnt.
    learning: Mutex<()>,
    missed: Notify,
}

#[derive(Default)]
struct Known {
    all: HashSet<Selector>,
    /// The state of other processes' changes for which no key is missing, if there is one.
    complete_at: Option<i64>,
    /// What was added since the present learning began, if there is one.
    added: Option<Vec<Selector>>,
}

impl Selectors {
    /// Whether it is certain that no key of the store has this selector. Other processes' changes
    /// are in the state `changes` at present.
    #[must_use]
    pub fn rule_out(&self, selector: Selector, changes: i64) -> bool {
        let known = self.read();
        if known.complete_at == Some(changes) {
            return !known.all.contains(&selector);
        }
        drop(known);
        self.missed.notify_one();
        false
    }

    /// Completes when they should be learnt: a selector could not be ruled out, for want of them.
    pub async fn missed(&self) {
        self.missed.notified().await;
    }

    /// Takes in the selector of a key that this process has added to the store.
    pub fn add(&self, selector: Selector) {
        let mut known = self.write();
        known.all.insert(selector);
        known
            .added
            .iter_mut()
            .for_each(|added| added.push(selector));
    }

    /// Learns them all from `read`, unless they are known: other processes' changes were in the
    /// state `changes` before this was called.
    ///
    /// # Errors
    /// What `read` fails with.
    pub async fn learn<F>(&self, changes: i64, read: F) -> Result<(), Error>
    where
        F: AsyncFnOnce() -> Result<HashSet<Selector>, Error>,
    {
        let _alone = self.learning.lock().await;
        if self.read().complete_at == Some(changes) {
            return Ok(());
        }
        self.write().added = Some(Vec::new());
        let read = read().await;
        let mut known = self.write();
        let added = known.added.take();
        let mut all = read?;
        all.extend(added.into_iter().flatten());
        known.complete_at = Some(changes);
        // The old ones are let go of once nobody waits.
        let old = std::mem::replace(&mut known.all, all);
        drop(known);
        drop(old);
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().expect("no holder panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().expect("no holder panics")
    }
}

impl fmt::Debug for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.read();
        write!(f, "{} selectors, {:?}", known.all.len(), known.complete_at)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, poll};

    use super::*;

    const FIRST: Selector = Selector::from_i64(1);
    const SECOND: Selector = Selector::from_i64(2);
    const MADE_UP: Selector = Selector::from_i64(3);

    async fn learn(selectors: &Selectors, changes: i64, all: &[Selector]) {
        let read = async || Ok(all.iter().copied().collect());
        selectors.learn(changes, read).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_not_learnt_is_not_ruled_out_and_asks_for_it() {
        let selectors = Selectors::default();
        selectors.add(FIRST);
        assert!(selectors.missed().now_or_never().is_none());
        assert!(!selectors.rule_out(MADE_UP, 7));
        assert!(selectors.missed().now_or_never().is_some());
        learn(&selectors, 7, &[FIRST]).await;
        assert!(selectors.rule_out(MADE_UP, 7));
        assert!(!selectors.rule_out(FIRST, 7));
        assert!(selectors.missed().now_or_never().is_none());
    }

    #[tokio::test]
    async fn another_process_change_has_nothing_ruled_out_until_all_is_learnt_anew() {
        let selectors = Selectors::default();
        learn(&selectors, 7, &[FIRST]).await;
        assert!(selectors.rule_out(SECOND, 7));
        assert!(!selectors.rule_out(SECOND, 8) && !selectors.rule_out(MADE_UP, 8));
        assert!(selectors.missed().now_or_never().is_some());
        learn(&selectors, 8, &[FIRST, SECOND]).await;
        assert!(selectors.rule_out(MADE_UP, 8));
        assert!(!selectors.rule_out(FIRST, 8) && !selectors.rule_out(SECOND, 8));
    }

    #[tokio::test]
    async fn a_key_that_is_added_is_never_ruled_out() {
        let selectors = Selectors::default();
        learn(&selectors, 7, &[FIRST]).await;
        selectors.add(SECOND);
        assert!(!selectors.rule_out(SECOND, 7));
        // Nor when it is added while all are being learnt, and was not there when they were read.
        let read = async || {
            selectors.add(MADE_UP);
            assert!(!selectors.rule_out(SECOND, 7) && !selectors.rule_out(MADE_UP, 7));
            Ok(HashSet::from([FIRST, SECOND]))
        };
        selectors.learn(8, read).await.unwrap();
        assert!(!selectors.rule_out(MADE_UP, 8));
    }

    #[tokio::test]
    async fn of_two_who_learn_the_second_has_what_was_added_beside_the_first() {
        let selectors = Selectors::default();
        let (go_on, wait) = tokio::sync::oneshot::channel();
        let mut slow = Box::pin(selectors.learn(7, async || {
            wait.await.unwrap();
            Ok(HashSet::from([FIRST]))
        }));
        assert!(poll!(&mut slow).is_pending());
        selectors.add(SECOND);
        let mut next = Box::pin(selectors.learn(8, async || Ok(HashSet::from([FIRST, SECOND]))));
        assert!(poll!(&mut next).is_pending());
        go_on.send(()).unwrap();
        slow.await.unwrap();
        assert!(!selectors.rule_out(SECOND, 7));
        next.await.unwrap();
        assert!(!selectors.rule_out(SECOND, 8) && selectors.rule_out(MADE_UP, 8));
    }

    #[tokio::test]
    async fn what_could_not_be_read_leaves_things_as_they_were() {
        let selectors = Selectors::default();
        learn(&selectors, 7, &[FIRST]).await;
        let failed = selectors.learn(8, async || Err(Error::Overloaded)).await;
        assert!(matches!(failed, Err(Error::Overloaded)));
        assert!(!selectors.rule_out(MADE_UP, 8) && selectors.rule_out(MADE_UP, 7));
        assert!(!selectors.rule_out(FIRST, 7));
        // What is known is not read again.
        let known = selectors.learn(7, async || Err(Error::Overloaded)).await;
        assert!(known.is_ok());
    }
}
