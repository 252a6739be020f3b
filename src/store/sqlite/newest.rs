//! The newest tokens, in memory: where those are whose digests are not in the index yet.
//!
//! A digest's place in the index is random, so each would cost a minting transaction a page of its
//! own. They wait here until many can be put in together, in their order; see [`super::indexing`].
//! On disk such a token is found by its row alone, so this is filled from the rows: after a restart
//! too, and with what other processes added.

use std::{
    collections::BTreeSet,
    sync::{
        RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{Connection, Row};

use crate::domain::{TokenDigest, TokenId};

/// How many rows are taken in while nobody can look for one.
const AT_ONCE: usize = 1000;

/// The rows of the newest tokens, by their ids.
#[derive(Debug, Default)]
pub(super) struct Newest {
    rows: RwLock<Rows>,
    /// Whether rows had to be gone through because they were not remembered.
    lags: AtomicBool,
}

#[derive(Debug, Default)]
struct Rows {
    by_id: BTreeSet<(TokenId, i64)>,
    span: Span,
}

/// The rows above `after`, up to `to`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) after: i64,
    pub(super) to: i64,
}

impl Newest {
    /// The rows that may hold the token `id`, of those in the span that is remembered at present.
    pub(super) fn recall(&self, id: TokenId) -> (Vec<i64>, Span) {
        let rows = self.read();
        let found = rows.by_id.range((id, i64::MIN)..=(id, i64::MAX));
        (found.map(|(_, row)| *row).collect(), rows.span)
    }

    /// Remembers what `connection` sees beyond the present span, and forgets what it sees indexed.
    ///
    /// It must see what is committed alone: a row that is undone would be taken for the one that
    /// gets its number.
    pub(super) fn catch_up(&self, connection: &Connection) -> rusqlite::Result<()> {
        let before = self.read().span;
        let indexed = reach(connection)?.after;
        if indexed > before.after {
            self.write().forget(indexed);
        }
        let newer = connection
            .prepare_cached("SELECT digest, id FROM tokens WHERE id > ?1 ORDER BY id")?
            .query_map([before.to.max(indexed)], located)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        // Others, who look for their tokens, are not kept waiting for all of them.
        for some in newer.chunks(AT_ONCE) {
            self.write().add(some);
        }
        Ok(())
    }

    /// Notes that rows had to be gone through because they were not remembered.
    pub(super) fn note_lag(&self) {
        self.lags.store(true, Ordering::Relaxed);
    }

    /// Catches up if that would have spared going through rows since the last time.
    pub(super) fn catch_up_if_needed(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.lags.swap(false, Ordering::Relaxed) {
            return self.catch_up(connection);
        }
        Ok(())
    }

    /// How many are remembered.
    pub(super) fn count(&self) -> usize {
        self.read().by_id.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().expect("no holder panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows.write().expect("no holder panics")
    }
}

impl Rows {
    /// Adds rows that follow those of the present span, or are in it.
    fn add(&mut self, rows: &[(TokenId, i64)]) {
        let after = self.span.after;
        self.by_id
            .extend(rows.iter().filter(|(_, row)| *row > after));
        let last = rows.last().map_or(after, |(_, row)| *row);
        self.span.to = self.span.to.max(last);
    }

    /// Forgets the rows up to `indexed`.
    fn forget(&mut self, indexed: i64) {
        self.by_id.retain(|(_, row)| *row > indexed);
        self.span.after = self.span.after.max(indexed);
        self.span.to = self.span.to.max(indexed);
    }
}

/// How far the index of digests is: it has all rows up to `after`, and those up to `to` are being
/// put in.
pub(super) fn reach(connection: &Connection) -> rusqlite::Result<Span> {
    connection
        .prepare_cached("SELECT indexed, indexing FROM digest_index_reach")?
        .query_row([], |row| {
            Ok(Span {
                after: row.get(0)?,
                to: row.get(1)?,
            })
        })
}

/// The id of the token whose digest is in the first column of `row`, and the number in the second.
pub(super) fn located(row: &Row<'_>) -> rusqlite::Result<(TokenId, i64)> {
    let digest = TokenDigest::from_bytes(row.get(0)?);
    Ok((TokenId::of(&digest), row.get(1)?))
}
