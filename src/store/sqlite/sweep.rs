//! Reclaiming what has ended.

use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::{Sqlite, indexing::take_out, newest::located};
use crate::{domain::Timestamp, error::Error, store::LongEnded};

/// What may be purged. The last token stays, so that its number is not given to another; and those
/// that are being put into the index of digests, lest it leads to rows that are gone.
macro_rules! purgeable {
    ($columns:literal $(, $and:literal)?) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM tokens WHERE ended_at <= ?1 AND id < (SELECT max(id) FROM tokens)
              AND NOT EXISTS (SELECT 1 FROM digest_index_reach
                  WHERE tokens.id > indexed AND tokens.id <= indexing)",
            $($and,)?
            " ORDER BY ended_at, id LIMIT ?2"
        )
    };
}

/// Marks tokens whose time has come; notes that their entries are to leave the index of live ones.
const EXPIRE: &str = "UPDATE tokens SET ended_at = expires_at WHERE id IN (
    SELECT id FROM tokens WHERE ended_at IS NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
/// Marks tokens of an account's earlier generations that the index of live ones has.
const OUTDATE: &str = "UPDATE tokens SET ended_at = ?1 WHERE id IN (
    SELECT t.id FROM accounts a JOIN keys k ON k.account_id = a.id
    JOIN live_indexed t ON t.key_id = k.id
    WHERE a.id = ?3 AND t.generation < a.generation LIMIT ?2)";
/// Marks those of any account that it does not reach yet.
const OUTDATE_NEWEST: &str = "UPDATE tokens SET ended_at = ?1 WHERE id IN (
    SELECT t.id FROM live_newest t CROSS JOIN keys k ON k.id = t.key_id
    CROSS JOIN accounts a ON a.id = k.account_id WHERE t.generation < a.generation LIMIT ?2)";
/// Forgets requests that will not be retried any more.
const FORGET: &str = "DELETE FROM idempotency WHERE (key_id, header) IN (
    SELECT key_id, header FROM idempotency WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)";
/// Deletes tokens that ended long enough ago.
const PURGE: &str = concat!("DELETE FROM tokens WHERE id IN (", purgeable!("id"), ")");
/// Takes out of the index before what is still there.
const PURGE_INDEX: &str = concat!(
    "DELETE FROM digest_index WHERE (start, token_id) IN (",
    purgeable!("substr(digest, 1, 8), id"),
    ")"
);
/// Those of them that the index holds for certain, behind one of the same second. What is put into
/// the index later has other numbers.
const NEXT_OF_SECOND: &str = purgeable!(
    "digest, id, ended_at",
    " AND id <= (SELECT indexed FROM digest_index_reach) AND ended_at = ?3 AND id > ?4"
);
/// The same, of later seconds.
const NEXT_LATER: &str = purgeable!(
    "digest, id, ended_at",
    " AND id <= (SELECT indexed FROM digest_index_reach) AND ended_at > ?3"
);

impl Sqlite {
    pub(in crate::store) async fn expire(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        self.write(move |connection| reclaim(connection, EXPIRE, now, limit))
            .await
    }

    pub(in crate::store) async fn end_outdated(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, Error> {
        self.write(move |connection| outdate(connection, now, limit))
            .await
    }

    pub(in crate::store) async fn forget_retries(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, Error> {
        self.write(move |connection| reclaim(connection, FORGET, before, limit))
            .await
    }

    pub(in crate::store) async fn long_ended(
        &self,
        before: Timestamp,
        after: Option<LongEnded>,
        limit: u32,
    ) -> Result<Vec<LongEnded>, Error> {
        self.read(move |lookup| {
            let (second, row) = after.map_or((i64::MIN, 0), |last| (last.ended_at, last.row));
            let before = before.seconds();
            // Apart, so that each goes straight to its place in the index.
            let of_second = params![before, limit, second, row];
            let mut found = read(lookup, NEXT_OF_SECOND, of_second)?;
            let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
            found.extend(read(lookup, NEXT_LATER, params![before, left, second])?);
            Ok(found)
        })
        .await
    }

    pub(in crate::store) async fn unindex(&self, tokens: Vec<LongEnded>) -> Result<(), Error> {
        // They are the same tokens still: none begins again, and no row's number goes to another.
        self.write_without_savepoint(move |connection| {
            tokens
                .iter()
                .try_for_each(|token| take_out(connection, token.id, token.row))
        })
        .await
    }

    pub(in crate::store) async fn purge(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, Error> {
        self.write(move |connection| {
            // Both choose the same tokens, with nothing between them.
            reclaim(connection, PURGE_INDEX, before, limit)?;
            reclaim(connection, PURGE, before, limit)
        })
        .await
    }
}

/// The tokens that one of the statements above selects.
fn read(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<LongEnded>> {
    connection
        .prepare_cached(sql)?
        .query_map(params, |row| {
            let ((id, number), ended_at) = (located(row)?, row.get(2)?);
            Ok(LongEnded {
                id,
                row: number,
                ended_at,
            })
        })?
        .collect()
}

/// Does one of the statements above, for what was over by `until`; says with how many rows.
fn reclaim(
    connection: &Connection,
    sql: &str,
    until: Timestamp,
    limit: u32,
) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(sql)?
        .execute(params![until.seconds(), limit])
        .map(|rows| rows as u64)
}

/// Marks some of the tokens that ended with a generation of their account.
fn outdate(connection: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<u64> {
    let mut next =
        connection.prepare_cached("SELECT id FROM accounts WHERE swept < generation LIMIT 1")?;
    if !next.exists([])? {
        return Ok(0);
    }
    let newest = reclaim(connection, OUTDATE_NEWEST, now, limit)?;
    if newest > 0 {
        return Ok(newest);
    }
    // An account that has nothing to mark costs a look at its keys, and so many are looked at.
    for _ in 0..limit {
        let account: Option<i64> = next.query_row([], |row| row.get(0)).optional()?;
        let Some(account) = account else { break };
        let marked =
            connection
                .prepare_cached(OUTDATE)?
                .execute(params![now.seconds(), limit, account])?;
        if marked < limit as usize {
            connection
                .prepare_cached("UPDATE accounts SET swept = generation WHERE id = ?1")?
                .execute([account])?;
        }
        if marked > 0 {
            return Ok(marked as u64);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::{
        super::plans::{NEWEST, plan},
        *,
    };

    #[test]
    fn tokens_of_earlier_generations_are_searched_for_in_the_index_and_beyond_it_once() {
        let indexed = [
            "SEARCH k USING COVERING INDEX keys_of_account (account_id=?)",
            "SEARCH i USING PRIMARY KEY (key_id=? AND generation<?)",
        ];
        assert_eq!(plan(OUTDATE), indexed);
        assert_eq!(plan(OUTDATE_NEWEST), NEWEST);
    }
}
