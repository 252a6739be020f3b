//! Putting the digests of the newest tokens into their index: once there are many, so that those
//! with neighbouring places share the pages that are written.

use rusqlite::{Connection, params};

use super::{
    Sqlite,
    newest::{Span, reach},
};
use crate::{
    domain::{TokenDigest, TokenId},
    error::Error,
};

/// How many are put in by one job of the writer: the minting transactions between them wait so long.
const PART: usize = 250;

impl Sqlite {
    pub(in crate::store) async fn index_newest(&self) -> Result<(), Error> {
        let under_way = self
            .read(|lookup| {
                lookup.newest().catch_up(lookup)?;
                let reach = reach(lookup)?;
                Ok(reach.after < reach.to)
            })
            .await?;
        if !under_way && self.newest.count() < self.unindexed {
            return Ok(());
        }
        let span = self.write(|work| begin(work)).await?;
        let digests = self.read(move |lookup| in_order(lookup, span)).await?;
        for part in digests.chunks(PART) {
            let part = part.to_vec();
            self.write_without_savepoint(move |work| put_in(work, &part))
                .await?;
        }
        self.write(move |work| finish(work, span)).await?;
        self.read(|lookup| lookup.newest().catch_up(lookup)).await
    }
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
        .query_map([span.after, span.to], |row| {
            let digest = TokenDigest::from_bytes(row.get(0)?);
            Ok((TokenId::of(&digest), row.get(1)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    rows.sort_unstable();
    Ok(rows)
}

/// Puts rows into the index, those apart that are in it already.
pub(super) fn put_in(connection: &Connection, rows: &[(TokenId, i64)]) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO digest_index VALUES (?1, ?2)")?;
    for (id, row) in rows {
        insert.execute(params![id.to_bytes(), row])?;
    }
    Ok(())
}

/// Has the index hold all of `span` from now on.
fn finish(connection: &Connection, span: Span) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE digest_index_reach SET indexed = max(indexed, ?1)")?
        .execute([span.to])
        .map(drop)
}
