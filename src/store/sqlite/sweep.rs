//! Reclaiming what has ended.

use rusqlite::params;

use super::Sqlite;
use crate::{domain::Timestamp, error::Error, store::Swept};

/// Marks tokens whose time has come, so that they leave the index of live ones.
const EXPIRE: &str = "UPDATE tokens SET ended_at = expires_at WHERE id IN (
    SELECT id FROM tokens WHERE ended_at IS NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
/// Forgets requests that will not be retried any more.
const FORGET: &str = "DELETE FROM idempotency WHERE (key_id, header) IN (
    SELECT key_id, header FROM idempotency WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)";
/// Deletes tokens that ended long enough ago.
const PURGE: &str = "DELETE FROM tokens WHERE id IN (
    SELECT id FROM tokens WHERE ended_at <= ?1 ORDER BY ended_at LIMIT ?2)";

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
            Ok(Swept {
                expired: reclaim(EXPIRE, now)?,
                forgotten: reclaim(FORGET, forget_before)?,
                purged: reclaim(PURGE, purge_before)?,
            })
        })
        .await
    }
}
