//! Ending the tokens that a retired key has signed.

use rusqlite::params;

use super::Sqlite;
use crate::{
    domain::{Actor, Event, SigningKeyId, Timestamp, TokenDigest, TokenId},
    error::Error,
    store::Altered,
};

const SIGNED_BY: &str =
    "SELECT id, digest FROM tokens WHERE signing_key = ?1 AND ended_at IS NULL LIMIT ?2";

const NEXT_KEY: &str =
    "SELECT min(signing_key) FROM tokens WHERE signing_key > ?1 AND ended_at IS NULL";

impl Sqlite {
    pub(in crate::store) async fn signing_keys_in_use(&self) -> Result<Vec<SigningKeyId>, Error> {
        self.read(|connection| {
            let mut next = connection.prepare_cached(NEXT_KEY)?;
            let (mut found, mut last) = (Vec::new(), i64::MIN);
            // One look at the index for each key, however many tokens it signed.
            while let Some(key) = next.query_row([last], |row| row.get::<_, Option<i64>>(0))? {
                found.push(SigningKeyId::from_i64(key));
                last = key;
            }
            Ok(found)
        })
        .await
    }

    pub(in crate::store) async fn end_signed_by(
        &self,
        signing_key: SigningKeyId,
        limit: u32,
        now: Timestamp,
    ) -> Result<u64, Error> {
        self.write(move |work| {
            let rows = work
                .prepare_cached(SIGNED_BY)?
                .query_map(params![signing_key.to_i64(), limit], |row| {
                    let digest = TokenDigest::from_bytes(row.get(1)?);
                    Ok((row.get::<_, i64>(0)?, TokenId::of(&digest)))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut update =
                work.prepare_cached("UPDATE tokens SET ended_at = ?2 WHERE id = ?1")?;
            for (id, _) in &rows {
                update.execute(params![id, now.seconds()])?;
            }
            let ended = rows.len() as u64;
            if ended == 0 {
                return Ok(0);
            }
            let tokens = rows.into_iter().map(|(_, token)| token).collect();
            work.record(Actor::CommandLine, now, Event::TokensDisabled { tokens });
            work.altered(Altered::Tokens);
            Ok(ended)
        })
        .await
    }
}
