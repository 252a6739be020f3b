//! What a verdict on a token needs, and what is written down of its use.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Sqlite, settings::settings_at};
use crate::{
    domain::{
        AccountId, KeyId, SigningKeyId, Timestamp, TokenDigest, TokenRecord, TokenState, Usage,
    },
    error::Error,
};

/// One look-up by the index on digests, and two by primary key.
const FIND: &str = "SELECT t.settings, t.key_id, k.account_id, t.created_at, t.expires_at,
    t.ended_at IS NOT NULL OR t.generation < a.generation, a.disabled_at IS NOT NULL, t.signing_key
    FROM tokens t JOIN keys k ON k.id = t.key_id JOIN accounts a ON a.id = k.account_id
    WHERE t.digest = ?1";

impl Sqlite {
    pub(in crate::store) async fn find_token(
        &self,
        digest: TokenDigest,
    ) -> Result<Option<TokenRecord>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(FIND)?
                .query_row([digest.as_bytes()], record)
                .optional()
        })
        .await
    }

    pub(in crate::store) async fn record_token_uses(
        &self,
        uses: Vec<(TokenDigest, Usage)>,
    ) -> Result<(), Error> {
        self.write(move |work| {
            let mut update = work.prepare_cached(
                "UPDATE tokens SET verifications = verifications + ?2,
                 last_used_at = max(coalesce(last_used_at, ?3), ?3) WHERE digest = ?1",
            )?;
            for (digest, usage) in uses {
                let count = i64::try_from(usage.verifications).unwrap_or(i64::MAX);
                let at = usage.last_used_at.map(Timestamp::seconds);
                update.execute(params![digest.as_bytes(), count, at])?;
            }
            Ok(())
        })
        .await
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    let state = match (row.get(5)?, row.get(6)?) {
        (true, _) => TokenState::Ended,
        (false, true) => TokenState::AccountDisabled,
        (false, false) => TokenState::Live,
    };
    Ok(TokenRecord {
        settings: settings_at(row, 0)?,
        key: KeyId::from_i64(row.get(1)?),
        account: AccountId::from_i64(row.get(2)?),
        created_at: Timestamp::from_seconds(row.get(3)?),
        expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_seconds),
        signing_key: row.get::<_, Option<i64>>(7)?.map(SigningKeyId::from_i64),
        state,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_token_is_found_by_one_indexed_look_up() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../../../schema.sql"))
            .unwrap();
        let steps: Vec<String> = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {FIND}"))
            .unwrap()
            .query_map([[0_u8; 32]], |row| row.get("detail"))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(
            steps,
            [
                "SEARCH t USING INDEX sqlite_autoindex_tokens_1 (digest=?)",
                "SEARCH k USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)",
            ]
        );
    }
}
