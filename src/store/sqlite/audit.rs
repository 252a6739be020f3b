//! The audit: what was changed, each entry chained to the one before it.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use crate::{
    domain::{AuditChain, AuditEntry, AuditHash, Change},
    error::Error,
};

/// Appends `changes` to the audit, in the transaction that made them.
pub(super) fn append(connection: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    // Looked up each time, since other processes append too.
    let mut chain = connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(AuditChain::up_to(row.get(0)?, hash_at(row, 1)?))
        })
        .optional()?
        .unwrap_or(AuditChain::EMPTY);
    let mut insert =
        connection.prepare_cached("INSERT INTO audit (seq, entry, hash) VALUES (?1, ?2, ?3)")?;
    for change in Change::gather(changes) {
        let entry = chain.extend(&change);
        insert.execute(params![entry.seq, entry.text, entry.hash.as_bytes()])?;
    }
    Ok(())
}

impl Sqlite {
    pub(in crate::store) async fn audit_entries(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, entry, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                )?
                .query_map(params![after, limit], entry)?
                .collect()
        })
        .await
    }

    pub(in crate::store) async fn newest_audit_entries(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let newest = before.map_or(i64::MAX, |seq| seq.saturating_sub(1));
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, entry, hash FROM audit WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2",
                )?
                .query_map(params![newest, limit], entry)?
                .collect()
        })
        .await
    }
}

/// An entry as it stands, even one that was tampered with: that is for the chain to find.
fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        seq: row.get(0)?,
        text: String::from_utf8_lossy(row.get_ref(1)?.as_bytes()?).into_owned(),
        hash: hash_at(row, 2)?,
    })
}

/// The hash as it stands; one of the wrong length is taken for one that fits nothing.
fn hash_at(row: &Row<'_>, index: usize) -> rusqlite::Result<AuditHash> {
    let bytes = row.get_ref(index)?.as_bytes()?;
    Ok(bytes
        .try_into()
        .map_or(AuditHash::NONE, AuditHash::from_bytes))
}
