//! What a verdict on a token needs, and what is written down of its use.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Sqlite, settings::settings_at};
use crate::{
    domain::{
        AccountId, KeyId, SigningKeyId, Timestamp, TokenDigest, TokenId, TokenNumber, TokenRecord,
        TokenState, Usage,
    },
    error::Error,
};

/// What is known of the token with the digest `?2`, given where it is looked for by `?1`.
macro_rules! find {
    ($tokens:literal, $place:literal) => {
        concat!(
            "SELECT t.settings, t.key_id, k.account_id, t.created_at, t.expires_at,
             t.ended_at IS NOT NULL OR t.generation < a.generation, a.disabled_at IS NOT NULL,
             t.signing_key, t.id FROM ",
            $tokens,
            " JOIN keys k ON k.id = t.key_id JOIN accounts a ON a.id = k.account_id WHERE ",
            $place,
            " = ?1 AND t.digest = ?2"
        )
    };
}
/// By the index alone: most tokens are in it, and one statement is quicker than two.
const FIND_INDEXED: &str = find!(
    "digest_index d JOIN tokens t ON t.id = d.token_id",
    "d.start"
);
const FIND_IN_ROW: &str = find!("tokens t", "t.id");
/// Adds to what is written down of a token's use. Of most tokens something is: their own rows, each
/// on a page of its own as a rule, are not looked at.
const ADD_USES: &str = "UPDATE uses SET verifications = verifications + ?2,
    last_used_at = max(last_used_at, ?3) WHERE token_id = ?1";
/// Writes down the first of it; for a token that was purged meanwhile nothing.
const FIRST_USES: &str = "INSERT INTO uses (token_id, verifications, last_used_at)
    SELECT id, ?2, ?3 FROM tokens WHERE id = ?1";

impl Sqlite {
    pub(in crate::store) async fn find_token(
        &self,
        digest: TokenDigest,
    ) -> Result<Option<TokenRecord>, Error> {
        self.read_point(move |lookup| {
            let id = TokenId::of(&digest);
            let indexed = lookup
                .prepare_cached(FIND_INDEXED)?
                .query_row(params![id.to_bytes(), digest.as_bytes()], record)
                .optional()?;
            if indexed.is_some() {
                return Ok(indexed);
            }
            lookup.find(id, |row| {
                lookup
                    .prepare_cached(FIND_IN_ROW)?
                    .query_row(params![row, digest.as_bytes()], record)
                    .optional()
            })
        })
        .await
    }

    pub(in crate::store) async fn record_token_uses(
        &self,
        uses: Vec<(TokenNumber, Usage)>,
    ) -> Result<(), Error> {
        self.write_without_savepoint(move |work| {
            let mut add = work.prepare_cached(ADD_USES)?;
            let mut first = work.prepare_cached(FIRST_USES)?;
            for (token, usage) in uses {
                // What was never used has no row.
                if let Some(at) = usage.last_used_at {
                    let count = i64::try_from(usage.verifications).unwrap_or(i64::MAX);
                    let added = params![token.to_i64(), count, at.seconds()];
                    if add.execute(added)? == 0 {
                        first.execute(added)?;
                    }
                }
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
        settings: settings_at(row, 0)?.restrictions(),
        key: KeyId::from_i64(row.get(1)?),
        account: AccountId::from_i64(row.get(2)?),
        created_at: Timestamp::from_seconds(row.get(3)?),
        expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_seconds),
        signing_key: row.get::<_, Option<i64>>(7)?.map(SigningKeyId::from_i64),
        number: TokenNumber::from_i64(row.get(8)?),
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
        let by_row = [
            "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH k USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)",
        ];
        let by_index = ["SEARCH d USING PRIMARY KEY (start=?)"];
        for (sql, expected) in [
            (FIND_IN_ROW, by_row.to_vec()),
            (FIND_INDEXED, [&by_index[..], &by_row].concat()),
        ] {
            let steps: Vec<String> = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map(params![1, [0_u8; 32]], |row| row.get("detail"))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            assert_eq!(steps, expected, "{sql}");
        }
    }
}
