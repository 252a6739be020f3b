//! The newest tokens, in memory: where those are whose digests are not in the index yet.
//!
//! A digest's place in the index is random, so each would cost a minting transaction a page of its
//! own. They wait here until many can be put in together, in their order; see [`super::indexing`].
//! On disk such a token is found by its row alone, so this is filled from the rows: after a restart
//! too, and with what other processes added.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

use rusqlite::Connection;

use crate::domain::{TokenDigest, TokenId};

/// The rows of the newest tokens, by their ids.
#[derive(Debug, Default)]
pub(super) struct Newest(RwLock<Rows>);

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
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = rows.by_id.range((id, i64::MIN)..=(id, i64::MAX));
        (found.map(|(_, row)| *row).collect(), rows.span)
    }

    /// Remembers what `connection` sees beyond the present span, and forgets what it sees indexed.
    ///
    /// It must see what is committed alone: a row that is undone would be taken for the one that
    /// gets its number.
    pub(super) fn catch_up(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let indexed = reach(connection)?.after;
        if indexed > rows.span.after {
            rows.by_id.retain(|(_, row)| *row > indexed);
            rows.span.after = indexed;
            rows.span.to = rows.span.to.max(indexed);
        }
        let mut newer =
            connection.prepare_cached("SELECT id, digest FROM tokens WHERE id > ?1 ORDER BY id")?;
        let mut newer = newer.query([rows.span.to])?;
        while let Some(row) = newer.next()? {
            let (at, digest) = (row.get(0)?, TokenDigest::from_bytes(row.get(1)?));
            rows.by_id.insert((TokenId::of(&digest), at));
            rows.span.to = at;
        }
        Ok(())
    }

    /// How many are remembered.
    pub(super) fn count(&self) -> usize {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rows.by_id.len()
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
