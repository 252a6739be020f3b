//! Putting the digests of the newest tokens into their index: once there are many, so that those
//! with neighbouring places share the pages that are written.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::{
    Sqlite,
    newest::{Span, located, reach},
    work::Work,
};
use crate::{domain::TokenId, error::Error};

/// How many are put in by one job of the writer: what is minted meanwhile waits for that.
const PART: usize = 250;
/// How long it waits where there was no room for it.
const REST: Duration = Duration::from_millis(10);

impl Sqlite {
    pub(in crate::store) async fn index_newest(&self) -> Result<(), Error> {
        let under_way = self.catch_up().await?;
        if !under_way && self.newest.count() < self.unindexed {
            return Ok(());
        }
        let span = insist(async || self.write(|work| begin(work)).await).await?;
        let digests =
            insist(async || self.read(move |lookup| in_order(lookup, span)).await).await?;
        for part in digests.chunks(PART) {
            if !insist(async || self.index_part(span, part.to_vec()).await).await? {
                return Ok(());
            }
            insist(async || self.catch_up().await).await?;
        }
        insist(async || self.write(move |work| finish(work, span)).await).await?;
        insist(async || self.catch_up().await).await.map(drop)
    }

    /// Takes new tokens into memory; says whether some are being put into the index.
    async fn catch_up(&self) -> Result<bool, Error> {
        self.read(|lookup| {
            lookup.newest().catch_up(lookup)?;
            let reach = reach(lookup)?;
            Ok(reach.after < reach.to)
        })
        .await
    }

    /// Puts some of what is in `span` into the index, unless all of that has been done meanwhile.
    async fn index_part(&self, span: Span, part: Vec<(TokenId, i64)>) -> Result<bool, Error> {
        self.write_without_savepoint(move |work| {
            let is_open = reach(work)?.after == span.after;
            if is_open {
                put_all_in(work, &part)?;
            }
            Ok(is_open)
        })
        .await
    }
}

/// Tries again for as long as there is no room to wait in: of all that waits, this can wait best.
async fn insist<T>(attempt: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match attempt().await {
            Err(Error::Overloaded) => tokio::time::sleep(REST).await,
            done => return done,
        }
    }
}

/// Puts all tokens that there are into the index at once.
pub(super) fn index_all(work: &Work<'_>) -> rusqlite::Result<()> {
    let span = begin(work)?;
    put_all_in(work, &in_order(work, span)?)?;
    finish(work, span)
}

/// Has the index reach all tokens that there are: those that it did not reach have been put in.
pub(super) fn reach_all(connection: &Connection) -> rusqlite::Result<()> {
    let span = begin(connection)?;
    finish(connection, span)
}

/// Has what is to be put in stay; gives the span of it.
fn begin(connection: &Connection) -> rusqlite::Result<Span> {
    connection
        .prepare_cached(
            "UPDATE digest_index_reach
             SET indexing = max(indexing, (SELECT coalesce(max(id), 0) FROM tokens))",
        )?
        .execute([])?;
    reach(connection)
}

/// The rows of `span` in the order that they have in the index.
fn in_order(connection: &Connection, span: Span) -> rusqlite::Result<Vec<(TokenId, i64)>> {
    let mut rows = connection
        .prepare_cached("SELECT digest, id FROM tokens WHERE id > ?1 AND id <= ?2")?
        .query_map([span.after, span.to], located)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    rows.sort_unstable();
    Ok(rows)
}

fn put_all_in(connection: &Connection, rows: &[(TokenId, i64)]) -> rusqlite::Result<()> {
    rows.iter()
        .try_for_each(|(id, row)| put_in(connection, *id, *row))
}

/// Puts a token into the index, unless it is there.
pub(super) fn put_in(connection: &Connection, id: TokenId, row: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO digest_index VALUES (?1, ?2)")?
        .execute(params![id.to_bytes(), row])
        .map(drop)
}

/// Takes a token out of the index, if it is there.
pub(super) fn take_out(connection: &Connection, id: TokenId, row: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM digest_index WHERE start = ?1 AND token_id = ?2")?
        .execute(params![id.to_bytes(), row])
        .map(drop)
}

/// Has the index hold all of `span` from now on.
fn finish(connection: &Connection, span: Span) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE digest_index_reach SET indexed = max(indexed, ?1)")?
        .execute([span.to])
        .map(drop)
}
