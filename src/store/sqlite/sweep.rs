//! Reclaiming what has ended.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Sqlite;
use crate::{domain::Timestamp, error::Error, store::Swept};

/// What may be purged. The last token stays, so that its number is not given to another; and those
/// that are being put into the index of digests, lest it leads to rows that are gone.
macro_rules! purgeable {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM tokens WHERE ended_at <= ?1 AND id < (SELECT max(id) FROM tokens)
              AND NOT EXISTS (SELECT 1 FROM digest_index_reach
                  WHERE tokens.id > indexed AND tokens.id <= indexing)
              ORDER BY ended_at, id LIMIT ?2"
        )
    };
}

/// Marks tokens whose time has come, so that they leave the index of live ones.
const EXPIRE: &str = "UPDATE tokens SET ended_at = expires_at WHERE id IN (
    SELECT id FROM tokens WHERE ended_at IS NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
/// Marks tokens of an account's earlier generations, by the index that has the generation.
const OUTDATE: &str = "UPDATE tokens SET ended_at = ?1 WHERE id IN (
    SELECT t.id FROM accounts a JOIN keys k ON k.account_id = a.id JOIN tokens t ON t.key_id = k.id
    WHERE a.id = ?3 AND t.ended_at IS NULL AND t.generation < a.generation LIMIT ?2)";
/// Forgets requests that will not be retried any more.
const FORGET: &str = "DELETE FROM idempotency WHERE (key_id, header) IN (
    SELECT key_id, header FROM idempotency WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)";
/// Deletes tokens that ended long enough ago.
const PURGE: &str = concat!("DELETE FROM tokens WHERE id IN (", purgeable!("id"), ")");
/// Takes them out of the index before.
const PURGE_INDEX: &str = concat!(
    "DELETE FROM digest_index WHERE (start, token_id) IN (",
    purgeable!("substr(digest, 1, 8), id"),
    ")"
);

impl Sqlite {
    pub(in crate::store) async fn sweep(
        &self,
        now: Timestamp,
        purge_before: Timestamp,
        forget_before: Timestamp,
        limit: u32,
    ) -> Result<Swept, Error> {
        self.write(move |connection| {
            let reclaim = |sql, until: Timestamp| {
                let rows = connection
                    .prepare_cached(sql)?
                    .execute(params![until.seconds(), limit])?;
                Ok::<_, rusqlite::Error>(rows as u64)
            };
            let expired = reclaim(EXPIRE, now)? + outdate(connection, now, limit)?;
            let forgotten = reclaim(FORGET, forget_before)?;
            // Both choose the same tokens, with nothing between them.
            reclaim(PURGE_INDEX, purge_before)?;
            let purged = reclaim(PURGE, purge_before)?;
            Ok(Swept {
                expired,
                purged,
                forgotten,
            })
        })
        .await
    }
}

/// Marks some of the tokens that ended with a generation of their account.
fn outdate(connection: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<u64> {
    let mut next =
        connection.prepare_cached("SELECT id FROM accounts WHERE swept < generation LIMIT 1")?;
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
