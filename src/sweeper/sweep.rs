//! The steps of a sweep: what each of them reclaims, and in which order.

use std::collections::BTreeSet;

use crate::{
    app::App,
    domain::Timestamp,
    error::Error,
    store::{LiveEntry, LongEnded},
};

/// So many tokens are marked as expired before they are taken out of the index of live ones. Until
/// then, whatever goes through a key's tokens passes over those of them that are its own.
const EXPIRED_ROUND: u32 = 10_000;
/// So many tokens are taken out of the index of digests before they are purged.
const PURGED_ROUND: u32 = 250_000;
/// How many tokens are looked up at once, and taken out of an index in one transaction. That is
/// done in the index's order: the more a round has, the more of them share a page.
const PART: u32 = 250;
/// So few would hardly share any, and leave the index of digests as they are purged.
const FEW: usize = 500;

/// A sweep under way.
pub(super) struct Sweep<'a> {
    app: &'a App,
    batch: u32,
    expired_round: u32,
    /// Whole parts.
    purged_round: u32,
    rests: u32,
}

impl<'a> Sweep<'a> {
    /// One that reclaims at most `batch` rows of a kind in one transaction, and rests `rests` times
    /// as long as each of its steps took.
    pub(super) fn new(app: &'a App, batch: u32, rests: u32) -> Self {
        Self {
            app,
            batch,
            expired_round: EXPIRED_ROUND,
            purged_round: PURGED_ROUND,
            rests,
        }
    }

    /// Marks the tokens that have expired by `now`, and says how many: in rounds, before and after
    /// each of which those that are marked are taken out of the index of live ones.
    pub(super) async fn expire(&self, now: Timestamp) -> Result<u64, Error> {
        let step = async || self.app.store.expire(now, self.batch).await;
        let mut expired = 0;
        loop {
            self.take_out_expired().await?;
            let marked = self.repeat(self.expired_round, step).await?;
            expired += marked;
            if marked == 0 {
                return Ok(expired);
            }
        }
    }

    /// Takes expired tokens out of the index of live ones.
    async fn take_out_expired(&self) -> Result<(), Error> {
        let store = &self.app.store;
        let next = async |last| store.expired_entries(last, PART).await;
        loop {
            let as_marked: Vec<LiveEntry> = self.read(self.expired_round, next).await?;
            let mut as_indexed = as_marked.clone();
            as_indexed.sort_unstable();
            for part in as_indexed.chunks(PART as usize) {
                self.rested(store.take_out_expired(part.to_vec())).await?;
            }
            for part in as_marked.chunks(PART as usize) {
                self.rested(store.forget_expired(part.to_vec())).await?;
            }
            if as_marked.len() < self.expired_round as usize {
                return Ok(());
            }
        }
    }

    /// Marks the tokens that ended with a generation of their account, and says how many.
    pub(super) async fn end_outdated(&self, now: Timestamp) -> Result<u64, Error> {
        let step = async || self.app.store.end_outdated(now, self.batch).await;
        self.repeat(u32::MAX, step).await
    }

    /// Forgets what was noted before `before` for retries, and says how much.
    pub(super) async fn forget_retries(&self, before: Timestamp) -> Result<u64, Error> {
        let step = async || self.app.store.forget_retries(before, self.batch).await;
        self.repeat(u32::MAX, step).await
    }

    /// Deletes the tokens that ended before `before`, and says how many: in rounds, each of which
    /// has them out of the index of digests first.
    pub(super) async fn purge(&self, before: Timestamp) -> Result<u64, Error> {
        let mut purged = 0;
        loop {
            let is_last = self.unindex(before).await? < self.purged_round as usize;
            let round = if is_last { u32::MAX } else { self.purged_round };
            let step = async || self.app.store.purge(before, self.batch).await;
            purged += self.repeat(round, step).await?;
            if is_last {
                return Ok(purged);
            }
        }
    }

    /// Has the tokens that are purged next be out of the index of digests, and says how many these
    /// are.
    async fn unindex(&self, before: Timestamp) -> Result<usize, Error> {
        let store = &self.app.store;
        let next = async |last| store.long_ended(before, last, PART).await;
        // Kept in the index's order all along: nothing else is done while many are sorted.
        let as_indexed: BTreeSet<LongEnded> = self.read(self.purged_round, next).await?;
        let as_indexed: Vec<_> = as_indexed.into_iter().collect();
        if as_indexed.len() > FEW {
            for part in as_indexed.chunks(PART as usize) {
                self.rested(store.unindex(part.to_vec())).await?;
            }
        }
        Ok(as_indexed.len())
    }

    /// What `next` gives, which is told the last it gave: until that is nothing or a round is full.
    async fn read<T: Copy, All: Default + Extend<T>>(
        &self,
        round: u32,
        next: impl AsyncFn(Option<T>) -> Result<Vec<T>, Error>,
    ) -> Result<All, Error> {
        let (mut all, mut count, mut last) = (All::default(), 0, None);
        while count < round as usize {
            let some = self.rested(next(last)).await?;
            if some.is_empty() {
                break;
            }
            last = some.last().copied();
            count += some.len();
            all.extend(some);
        }
        Ok(all)
    }

    /// Does a step again and again: until it had nothing to do, or `round` rows or more are done.
    async fn repeat(
        &self,
        round: u32,
        step: impl AsyncFn() -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        let mut total = 0;
        loop {
            let done = self.rested(step()).await?;
            total += done;
            if done == 0 || total >= u64::from(round) {
                return Ok(total);
            }
        }
    }

    /// Does a step, and rests after it.
    async fn rested<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let begun = self.app.clock.elapsed();
        let done = step.await?;
        tokio::time::sleep(self.app.clock.elapsed().saturating_sub(begun) * self.rests).await;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        clock::Clock,
        config::Config,
        domain::{AccountId, AccountName, KeyId, Policy, PrivateKey, TokenDigest},
        entropy::Entropy,
        keyring::Keyring,
        signing::{Custody, KeyFile, Signing},
        store::{Absent, ImportedToken, NewKey, Options, Progress, Store},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn app(folder: &TempDir) -> App {
        let config = Config::default();
        let options = Options {
            url: format!("sqlite:{}", folder.path().join("moneyer.db").display()),
            unindexed_tokens: 1,
            ..config.store_options(Absent::Create)
        };
        let file = KeyFile::new(folder.path().join("keys"), Custody::Operator);
        App::new(
            Store::open(&options).unwrap(),
            Keyring::new(config.keyring_limits()),
            Signing::without_keys(file, String::new()),
            config.verification_limits(),
            Clock::fixed(NOW),
            Entropy::Os,
        )
    }

    /// Gives the store so many tokens that have expired, of two keys in turn, all of them in the
    /// indexes.
    async fn add_expired(app: &App, count: u16) {
        let account = AccountId::from_i64(1);
        let name = AccountName::parse("acme").unwrap();
        app.store.create_account(account, name, NOW).await.unwrap();
        let keys = [1, 2].map(KeyId::from_i64);
        let new = keys.map(|id| {
            let key = app.entropy.draw(PrivateKey::generate);
            NewKey::of(&key, id, String::new())
        });
        app.store.add_keys(account, new.into(), NOW).await.unwrap();
        // Not in the order of their digests.
        let tokens = (0..count).rev().map(|number| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            ImportedToken {
                digest: TokenDigest::from_bytes(bytes),
                sealed: None,
                settings: None,
                created_at: NOW,
                expires_at: Some(NOW),
            }
        });
        let (tokens, untold) = (tokens.collect(), Progress(Box::new(|_| ())));
        let policy = Policy::default();
        let imported = app
            .store
            .import_tokens(keys[0], policy, tokens, untold, NOW);
        imported.await.unwrap();
        app.store.index_newest().await.unwrap();
        file(app)
            .execute_batch(
                "UPDATE tokens SET key_id = 1 + (id & 1);
                 DELETE FROM live_index;
                 INSERT INTO live_index SELECT key_id, generation, id FROM tokens;
                 UPDATE live_index_reach SET indexed = (SELECT max(id) FROM tokens)",
            )
            .unwrap();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "tests look behind the store's back"
    )]
    fn file(app: &App) -> Connection {
        Connection::open(app.store.path()).unwrap()
    }

    fn sweep(app: &App) -> Sweep<'_> {
        Sweep {
            app,
            batch: 50,
            expired_round: 2 * PART,
            purged_round: 3 * PART,
            rests: 1,
        }
    }

    /// Has the store note when a row leaves `table`: the values of `columns`.
    fn watch(app: &App, table: &str, columns: &str) {
        let watch = format!(
            "CREATE TABLE left (seen, place);
             CREATE TRIGGER leaving AFTER DELETE ON {table}
             BEGIN INSERT INTO left SELECT {columns}; END"
        );
        file(app).execute_batch(&watch).unwrap();
    }

    /// How many rows left by each of the values that were seen then, and how often one left after
    /// another that is behind it while they were the same.
    fn left(app: &App) -> (Vec<(i64, i64)>, i64) {
        let file = file(app);
        let mut left = file
            .prepare("SELECT seen, count(*) FROM left GROUP BY seen ORDER BY min(rowid)")
            .unwrap();
        let left = left.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let jumps = "SELECT count(*) FROM left a JOIN left b ON b.rowid = a.rowid + 1
            WHERE b.place < a.place AND b.seen = a.seen";
        let jumps = file.query_row(jumps, [], |row| row.get(0)).unwrap();
        (left.unwrap().map(Result::unwrap).collect(), jumps)
    }

    #[tokio::test]
    async fn expired_tokens_are_taken_out_of_the_index_of_live_ones_in_rounds_and_key_by_key() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(&folder);
        add_expired(&app, 1201).await;
        let unmarked = "(SELECT count(*) FROM tokens WHERE ended_at IS NULL), OLD.key_id";
        watch(&app, "live_index", unmarked);
        assert_eq!(sweep(&app).expire(NOW).await.unwrap(), 1201);
        assert_eq!(left(&app), (vec![(701, 500), (201, 500), (0, 201)], 0));
        assert!(app.store.expired_entries(None, 1).await.unwrap().is_empty());
        assert!(app.store.examine().await.unwrap().faults.is_empty());
    }

    #[tokio::test]
    async fn entries_left_by_a_sweep_that_was_cut_short_are_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(&folder);
        add_expired(&app, 1201).await;
        assert_eq!(app.store.expire(NOW, 600).await.unwrap(), 600);
        let unmarked = "(SELECT count(*) FROM tokens WHERE ended_at IS NULL), OLD.key_id";
        watch(&app, "live_index", unmarked);
        assert_eq!(sweep(&app).expire(NOW).await.unwrap(), 601);
        let rounds = vec![(601, 600), (101, 500), (0, 101)];
        assert_eq!(left(&app).0, rounds);
        assert!(app.store.expired_entries(None, 1).await.unwrap().is_empty());
        let indexed = "SELECT count(*) FROM live_index";
        let indexed: i64 = file(&app).query_row(indexed, [], |row| row.get(0)).unwrap();
        assert_eq!(indexed, 0);
    }

    #[tokio::test]
    async fn many_are_taken_out_of_the_index_in_rounds_and_each_round_is_purged_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(&folder);
        add_expired(&app, 1601).await;
        assert_eq!(sweep(&app).expire(NOW).await.unwrap(), 1601);
        let kept = "(SELECT count(*) FROM tokens), OLD.start";
        watch(&app, "digest_index", kept);
        assert_eq!(sweep(&app).purge(NOW).await.unwrap(), 1600);
        let rounds = vec![(1601, 750), (851, 750), (101, 50), (51, 50)];
        assert_eq!(left(&app), (rounds, 0));
        assert!(app.store.examine().await.unwrap().faults.is_empty());
    }
}
