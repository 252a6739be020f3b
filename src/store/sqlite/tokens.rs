//! Listing, ending and carrying over tokens.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Sqlite, good_keys::account_of_good_key, work::Work};
use crate::{
    domain::{Actor, Event, KeyId, SealedToken, Timestamp, TokenDigest, TokenId},
    error::Error,
    store::{Altered, DisabledToken, Listed, Reseal, SealedRow},
};

/// Which of the live tokens `t`, those that are not marked as ended, are good ones of a key; given
/// the names of two parameters: those of the key and the time.
macro_rules! good_of_key {
    ($key:literal, $now:literal) => {
        concat!(
            "t.key_id = ",
            $key,
            " AND (t.expires_at IS NULL OR t.expires_at > ",
            $now,
            ") AND t.generation = (SELECT a.generation FROM keys k JOIN accounts a
                ON a.id = k.account_id WHERE k.id = ",
            $key,
            ")"
        )
    };
}
pub(super) use good_of_key;

/// Which of the live tokens `t` are good ones of an account, given the same.
macro_rules! good_of_account {
    ($account:literal, $now:literal) => {
        concat!(
            "t.key_id IN (SELECT id FROM keys WHERE account_id = ",
            $account,
            ") AND (t.expires_at IS NULL OR t.expires_at > ",
            $now,
            ") AND t.generation = (SELECT generation FROM accounts WHERE id = ",
            $account,
            ")"
        )
    };
}
pub(super) use good_of_account;

/// Good tokens of a key, newest first, among so many of its live ones.
macro_rules! listed {
    ($live:literal) => {
        concat!(
            "SELECT digest, sealed FROM ",
            $live,
            " t WHERE ",
            good_of_key!("?1", "?2"),
            " AND sealed IS NOT NULL ORDER BY id DESC LIMIT ?3"
        )
    };
}
/// Those that are not in the index yet: all are newer than those that are.
const LISTED_NEWEST: &str = listed!("live_newest");
const LISTED_INDEXED: &str = listed!("live_indexed");

impl Sqlite {
    pub(in crate::store) async fn list_tokens(
        &self,
        key: KeyId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Listed, Error> {
        self.read(move |connection| {
            // One snapshot, so that what is listed was good while the key was.
            let snapshot = connection.unchecked_transaction()?;
            if account_of_good_key(&snapshot, key, now)?.is_none() {
                return Ok(Listed::KeyDead);
            }
            let some = |sql: &str, limit: u32| {
                snapshot
                    .prepare_cached(sql)?
                    .query_map(params![key.to_i64(), now.seconds(), limit], sealed_row)?
                    .collect::<rusqlite::Result<Vec<_>>>()
            };
            let mut tokens = some(LISTED_NEWEST, limit)?;
            let left = limit.saturating_sub(u32::try_from(tokens.len()).unwrap_or(limit));
            tokens.extend(some(LISTED_INDEXED, left)?);
            Ok(Listed::Tokens(tokens))
        })
        .await
    }

    pub(in crate::store) async fn disable_token(
        &self,
        key: KeyId,
        digest: TokenDigest,
        now: Timestamp,
    ) -> Result<DisabledToken, Error> {
        self.write(move |work| {
            if account_of_good_key(work, key, now)?.is_none() {
                return Ok(DisabledToken::KeyDead);
            }
            let select = Endable::select(
                "id = ?1 AND digest = ?2
                 AND (key_id = ?3 OR (SELECT carried_to FROM keys WHERE id = key_id) = ?3)",
            );
            let found = work.find(TokenId::of(&digest), |row| {
                work.prepare_cached(&select)?
                    .query_row(
                        params![row, digest.as_bytes(), key.to_i64()],
                        Endable::from_row,
                    )
                    .optional()
            })?;
            end_one(work, found, Actor::Key(key), now)
        })
        .await
    }

    pub(in crate::store) async fn disable_token_by_id(
        &self,
        id: TokenId,
        now: Timestamp,
    ) -> Result<DisabledToken, Error> {
        self.write(move |work| {
            let select = Endable::select("id = ?1 AND substr(digest, 1, 8) = ?2");
            let found = work.find(id, |row| {
                work.prepare_cached(&select)?
                    .query_row(params![row, id.to_bytes()], Endable::from_row)
                    .optional()
            })?;
            end_one(work, found, Actor::CommandLine, now)
        })
        .await
    }
}

/// What must be known of a token to end it.
pub(super) struct Endable {
    id: i64,
    digest: TokenDigest,
    expires_at: Option<i64>,
    ended_at: Option<i64>,
    is_outdated: bool,
    is_protected: bool,
}

/// Whether a token is tagged as protected, without reading its settings whole: one whose settings
/// are damaged can still be ended.
pub(super) const IS_PROTECTED: &str = "CASE WHEN json_valid(settings) THEN EXISTS
    (SELECT 1 FROM json_each(settings, '$.tags') WHERE value = 'protected') ELSE 0 END";

impl Endable {
    pub(super) fn select(condition: &str) -> String {
        format!(
            "SELECT id, digest, expires_at, ended_at,
             generation < (SELECT a.generation FROM keys k JOIN accounts a ON a.id = k.account_id
                 WHERE k.id = tokens.key_id),
             {IS_PROTECTED} FROM tokens WHERE {condition}"
        )
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            digest: TokenDigest::from_bytes(row.get(1)?),
            expires_at: row.get(2)?,
            ended_at: row.get(3)?,
            is_outdated: row.get(4)?,
            is_protected: row.get(5)?,
        })
    }

    fn has_ended(&self, now: Timestamp) -> bool {
        self.is_outdated
            || self.ended_at.is_some()
            || self.expires_at.is_some_and(|at| at <= now.seconds())
    }
}

pub(super) fn end_one(
    work: &Work<'_>,
    token: Option<Endable>,
    by: Actor,
    now: Timestamp,
) -> rusqlite::Result<DisabledToken> {
    let Some(token) = token else {
        return Ok(DisabledToken::Unknown);
    };
    if token.has_ended(now) {
        return Ok(DisabledToken::Already);
    }
    if token.is_protected {
        return Ok(DisabledToken::Protected);
    }
    work.prepare_cached("UPDATE tokens SET ended_at = ?2 WHERE id = ?1")?
        .execute(params![token.id, now.seconds()])?;
    let tokens = vec![TokenId::of(&token.digest)];
    work.record(by, now, Event::TokensDisabled { tokens });
    work.altered(Altered::Token(token.digest));
    Ok(DisabledToken::Done)
}

/// Ends all tokens of `key` that have not ended; gives the ids of those that were good at `now`.
pub(super) fn end_all(
    connection: &Connection,
    key: KeyId,
    now: Timestamp,
) -> rusqlite::Result<Vec<TokenId>> {
    let good = connection
        .prepare_cached(concat!(
            "SELECT digest, id FROM live_tokens t WHERE ",
            good_of_key!("?1", "?2"),
            " ORDER BY id"
        ))?
        .query_map(params![key.to_i64(), now.seconds()], |row| {
            Ok(TokenId::of(&TokenDigest::from_bytes(row.get(0)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    connection
        .prepare_cached(
            "UPDATE tokens SET ended_at = ?2
             WHERE id IN (SELECT id FROM live_tokens WHERE key_id = ?1)",
        )?
        .execute(params![key.to_i64(), now.seconds()])?;
    Ok(good)
}

/// How many tokens of `key` are good at `now`.
pub(super) fn count_good(
    connection: &Connection,
    key: KeyId,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(concat!(
            "SELECT count(*) FROM live_tokens t WHERE ",
            good_of_key!("?1", "?2")
        ))?
        .query_row(params![key.to_i64(), now.seconds()], |row| {
            row.get::<_, i64>(0)
        })
        .map(i64::unsigned_abs)
}

/// Makes the good tokens of the key `from` those of the key `to`, and those whose minting is noted
/// for retries, good or not: their seals must open. Others stay where they are, and it is noted
/// that `to` answers for them. Gives the first token whose seal did not open, if any: then not all
/// was done.
pub(super) fn carry_all(
    connection: &Connection,
    from: KeyId,
    to: KeyId,
    reseal: &Reseal,
    now: Timestamp,
) -> rusqlite::Result<Result<(), TokenId>> {
    let (from, to) = (from.to_i64(), to.to_i64());
    let carried = connection
        .prepare_cached(CARRIED)?
        .query_map([from, now.seconds()], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut select =
        connection.prepare_cached("SELECT digest, sealed FROM tokens WHERE id = ?1")?;
    let mut update =
        connection.prepare_cached("UPDATE tokens SET key_id = ?2, sealed = ?3 WHERE id = ?1")?;
    for id in carried {
        let Carried { digest, sealed } = select.query_row([id], Carried::from_row)?;
        let resealed = sealed.as_ref().map(|sealed| reseal(&digest, sealed));
        if resealed == Some(None) {
            return Ok(Err(TokenId::of(&digest)));
        }
        let sealed = resealed.flatten();
        update.execute(params![id, to, sealed.as_ref().map(SealedToken::as_bytes)])?;
    }
    connection
        .prepare_cached("UPDATE idempotency SET key_id = ?2 WHERE key_id = ?1")?
        .execute([from, to])?;
    connection.prepare_cached(SUCCEED)?.execute([from, to])?;
    Ok(Ok(()))
}

const CARRIED: &str = concat!(
    "SELECT id FROM live_tokens t WHERE ",
    good_of_key!("?1", "?2"),
    " UNION SELECT token_id FROM idempotency WHERE key_id = ?1 ORDER BY id"
);
const SUCCEED: &str = "UPDATE keys SET carried_to = ?2 WHERE id = ?1 OR carried_to = ?1";

/// What must be known of a token to carry it over.
struct Carried {
    digest: TokenDigest,
    sealed: Option<SealedToken>,
}

impl Carried {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let sealed: Option<Vec<u8>> = row.get(1)?;
        Ok(Self {
            digest: TokenDigest::from_bytes(row.get(0)?),
            sealed: sealed.map(SealedToken::from_bytes),
        })
    }
}

pub(super) fn sealed_row(row: &Row<'_>) -> rusqlite::Result<SealedRow> {
    Ok(SealedRow {
        digest: TokenDigest::from_bytes(row.get(0)?),
        sealed: SealedToken::from_bytes(row.get::<_, Vec<u8>>(1)?),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::plans::{NEWEST, plan},
        *,
    };

    const INDEXED: &str = "SEARCH i USING PRIMARY KEY (key_id=? AND generation=?)";

    #[test]
    fn a_keys_tokens_are_gone_through_by_the_index_and_never_sorted() {
        assert_eq!(plan(LISTED_INDEXED), [INDEXED]);
        assert_eq!(plan(LISTED_NEWEST), NEWEST);
    }

    #[test]
    fn what_a_key_takes_over_is_found_by_indexes() {
        let [newest, reach] = NEWEST;
        let retried = "SEARCH idempotency USING PRIMARY KEY (key_id=?)";
        // Of numbers alone.
        let sorted = "USE TEMP B-TREE FOR ORDER BY";
        assert_eq!(plan(CARRIED), [INDEXED, newest, reach, retried, sorted]);
        let keys = ["SEARCH keys USING COVERING INDEX keys_carried (carried_to=?)"];
        assert_eq!(plan(SUCCEED), keys);
    }
}
