//! Reclaiming what has ended, in small batches, so that no request waits behind it.
//!
//! Expiry itself does not depend on this: whether a token is good is decided each time it is asked
//! for.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    app::App,
    command::RETRY_WINDOW,
    domain::{SigningKeyId, Timestamp},
    error::Error,
    store::{LongEnded, Swept},
};

/// How the sweeper goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long it rests between two sweeps: an hour at most.
    pub interval: Duration,
    /// How long an ended token is kept, so that retries are answered as they should be: a day at
    /// least.
    pub retention: Duration,
    /// How many rows of a kind are reclaimed in one transaction.
    pub batch: u32,
}

/// A server rests so many times as long as a step took before the next one: what is minted meanwhile
/// has the writer for itself.
const REST: u32 = 4;
/// So many tokens are taken out of the store's index together, in its order, before they are purged:
/// the more these are, the more of them share a page of it.
const ROUND: u32 = 250_000;
/// How many of them are looked up at once, and taken out in one transaction.
const PART: u32 = 250;
/// So few would hardly share any, and are taken out as they are purged.
const FEW: usize = 500;

/// Reclaims all that has ended, batch by batch, without a rest. May be dropped between two batches; what was
/// reclaimed stays so.
///
/// # Errors
/// The store's; the batches before have been done.
pub async fn sweep_once(app: &App, plan: &Plan) -> Result<Swept, Error> {
    sweep(app, plan, 0).await
}

/// The same, with rests of so many times as long as each step took.
async fn sweep(app: &App, plan: &Plan, rests: u32) -> Result<Swept, Error> {
    let now = app.clock.now();
    let sweep = Sweep {
        app,
        batch: plan.batch,
        round: ROUND,
        rests,
    };
    let mut total = sweep.put_away(now).await?;
    for key in app.signing.retired() {
        total.expired += end_signed_by(app, key, plan.batch).await?;
    }
    total.purged = sweep.purge(now.before(plan.retention)).await?;
    Ok(total)
}

/// A sweep under way.
struct Sweep<'a> {
    app: &'a App,
    batch: u32,
    /// Whole parts.
    round: u32,
    rests: u32,
}

impl Sweep<'_> {
    /// Marks what has ended by `now`, and forgets retries, until nothing is left of either.
    async fn put_away(&self, now: Timestamp) -> Result<Swept, Error> {
        let forget_before = now.before(RETRY_WINDOW);
        let mut total = Swept::default();
        loop {
            let step = self.app.store.put_away(now, forget_before, self.batch);
            let swept = self.rested(step).await?;
            if swept.is_nothing() {
                return Ok(total);
            }
            total += swept;
        }
    }

    /// Deletes the tokens that ended before `before`, and says how many these were: in rounds, each of
    /// which has them out of the index first.
    async fn purge(&self, before: Timestamp) -> Result<u64, Error> {
        let mut purged = 0;
        loop {
            let is_last = self.unindex(before).await? < self.round as usize;
            let end = purged + u64::from(self.round);
            while is_last || purged < end {
                let some = self
                    .rested(self.app.store.purge(before, self.batch))
                    .await?;
                if some == 0 {
                    return Ok(purged);
                }
                purged += some;
            }
        }
    }

    /// Has the tokens that are purged next be out of the index, and says how many these are.
    async fn unindex(&self, before: Timestamp) -> Result<usize, Error> {
        let next = self.long_ended(before).await?;
        if next.len() > FEW {
            for part in next.chunks(PART as usize) {
                self.rested(self.app.store.unindex(part.to_vec())).await?;
            }
        }
        Ok(next.len())
    }

    /// The tokens that are purged next, in the order of the index.
    async fn long_ended(&self, before: Timestamp) -> Result<Vec<LongEnded>, Error> {
        // Kept in order all along: nothing else is done while many are sorted.
        let (mut found, mut last) = (BTreeSet::new(), None);
        while found.len() < self.round as usize {
            let some = self.app.store.long_ended(before, last, PART);
            let some = self.rested(some).await?;
            if some.is_empty() {
                break;
            }
            last = some.last().copied();
            found.extend(some);
        }
        Ok(found.into_iter().collect())
    }

    /// Does a step, and rests after it.
    async fn rested<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let begun = self.app.clock.elapsed();
        let done = step.await?;
        tokio::time::sleep(self.app.clock.elapsed().saturating_sub(begun) * self.rests).await;
        Ok(done)
    }
}

/// Marks the tokens that the retired `key` signed as ended, `batch` in a transaction, and says how
/// many these were.
///
/// # Errors
/// The store's; the batches before have been done.
pub async fn end_signed_by(app: &App, key: SigningKeyId, batch: u32) -> Result<u64, Error> {
    let mut total = 0;
    loop {
        let now = app.clock.now();
        let ended = app.store.end_signed_by(key, batch, now).await?;
        total += ended;
        if ended < u64::from(batch) {
            return Ok(total);
        }
    }
}

/// Sweeps for ever. A sweep that fails is logged, and tried again after the next rest.
pub async fn run(app: &App, plan: &Plan) {
    loop {
        match sweep(app, plan, REST).await {
            Ok(swept) if swept.is_nothing() => {}
            Ok(Swept {
                expired,
                purged,
                forgotten,
            }) => tracing::info!(expired, purged, forgotten, "swept"),
            Err(error) => tracing::error!(cause = crate::error::chain(&error), "a sweep failed"),
        }
        tokio::time::sleep(plan.interval).await;
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

    /// Gives the store so many tokens that have expired, all of them in the index.
    async fn add_expired(app: &App, count: u16) {
        let (account, id) = (AccountId::from_i64(1), KeyId::from_i64(1));
        let name = AccountName::parse("acme").unwrap();
        app.store.create_account(account, name, NOW).await.unwrap();
        let key = app.entropy.draw(PrivateKey::generate);
        let keys = vec![NewKey::of(&key, id, String::new())];
        app.store.add_keys(account, keys, NOW).await.unwrap();
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
        let imported = app.store.import_tokens(id, policy, tokens, untold, NOW);
        imported.await.unwrap();
        app.store.index_newest().await.unwrap();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "tests look behind the store's back"
    )]
    fn file(app: &App) -> Connection {
        Connection::open(app.store.path()).unwrap()
    }

    #[tokio::test]
    async fn many_are_taken_out_of_the_index_in_rounds_and_each_round_is_purged_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(&folder);
        add_expired(&app, 1601).await;
        // How many tokens there are as each leaves the index, and in which order they do.
        let watch = "CREATE TABLE left (tokens, start);
            CREATE TRIGGER leaving AFTER DELETE ON digest_index
            BEGIN INSERT INTO left SELECT count(*), OLD.start FROM tokens; END";
        file(&app).execute_batch(watch).unwrap();
        let sweep = Sweep {
            app: &app,
            batch: 50,
            round: 3 * PART,
            rests: 1,
        };
        assert_eq!(sweep.put_away(NOW).await.unwrap().expired, 1601);
        assert_eq!(sweep.purge(NOW).await.unwrap(), 1600);
        let left: Vec<(i64, i64)> = file(&app)
            .prepare("SELECT tokens, count(*) FROM left GROUP BY tokens ORDER BY tokens DESC")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(left, [(1601, 750), (851, 750), (101, 50), (51, 50)]);
        let jumps = "SELECT count(*) FROM left a JOIN left b ON b.rowid = a.rowid + 1
            WHERE b.start < a.start AND b.tokens = a.tokens AND a.tokens > 101";
        let jumps: i64 = file(&app).query_row(jumps, [], |row| row.get(0)).unwrap();
        assert_eq!(jumps, 0);
        assert!(app.store.examine().await.unwrap().faults.is_empty());
    }
}
