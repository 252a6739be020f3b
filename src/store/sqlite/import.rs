//! Keeping tokens that were made elsewhere.

use rusqlite::{Connection, params};

use super::{
    Sqlite,
    good_keys::{GoodKey, good_key},
    indexing::{index_all, put_in, reach_all},
    lookup::KnownTokens,
    policies,
    settings::to_column,
    work::Work,
};
use crate::{
    domain::{Actor, Event, KeyId, Policy, SealedToken, Timestamp, TokenDigest, TokenId},
    error::Error,
    store::{Altered, Imported, ImportedToken, Progress},
};

/// So many tokens are written in the order in which they are given, and more in that which is
/// fastest.
const KEPT_IN_ORDER: usize = 10_000;
/// After how many tokens progress is told.
const STEP: usize = 1000;

impl Sqlite {
    pub(in crate::store) async fn known_tokens(
        &self,
        digests: Vec<TokenDigest>,
    ) -> Result<Vec<usize>, Error> {
        self.read(move |lookup| {
            let _snapshot = lookup.unchecked_transaction()?;
            let kept = KnownTokens::of(lookup)?;
            let mut known = Vec::new();
            for (place, digest) in digests.iter().enumerate() {
                if kept.has(digest)? {
                    known.push(place);
                }
            }
            Ok(known)
        })
        .await
    }

    pub(in crate::store) async fn import_tokens(
        &self,
        key: KeyId,
        policy: Policy,
        tokens: Vec<ImportedToken>,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Imported, Error> {
        // Before the transaction, so that others wait for the writing alone.
        let mut rows: Vec<Row> = tokens.into_iter().map(Row::of).collect();
        if rows.len() > KEPT_IN_ORDER {
            // The index on digests takes neighbours in half the time.
            rows.sort_unstable_by(|left, right| {
                left.digest.as_bytes().cmp(right.digest.as_bytes())
            });
        }
        self.write(move |work| import(work, key, &policy, &rows, progress, now))
            .await
    }
}

/// A token as its row is to be.
struct Row {
    digest: TokenDigest,
    sealed: Option<SealedToken>,
    settings: Option<Box<str>>,
    created_at: i64,
    expires_at: Option<i64>,
}

impl Row {
    fn of(token: ImportedToken) -> Self {
        let settings = token.settings.and_then(|settings| to_column(&settings));
        Self {
            digest: token.digest,
            sealed: token.sealed,
            settings: settings.map(Into::into),
            created_at: token.created_at.seconds(),
            expires_at: token.expires_at.map(Timestamp::seconds),
        }
    }
}

fn import(
    work: &Work<'_>,
    key: KeyId,
    policy: &Policy,
    rows: &[Row],
    progress: Progress,
    now: Timestamp,
) -> rusqlite::Result<Imported> {
    let Some(good) = good_key(work, key, now)? else {
        return Ok(Imported::KeyDead);
    };
    if good.policy != *policy {
        return Ok(Imported::PolicyChanged);
    }
    if let Some(most) = policy.max_active_tokens()
        && !has_room(work, &good, most, rows.len(), now)?
    {
        return Ok(Imported::TooMany(most));
    }
    let are_many = rows.len() > KEPT_IN_ORDER;
    if are_many {
        // So that these, which are put into the index, are not taken for some that are not.
        index_all(work)?;
    }
    if let Some(known) = insert(work, key, good.generation, rows, now, progress)? {
        // Nothing of an import may stand unless all of it does.
        work.execute_batch("ROLLBACK TO job")?;
        return Ok(Imported::Known(known));
    }
    if are_many {
        reach_all(work)?;
    }
    let tokens = rows.iter().map(|row| TokenId::of(&row.digest)).collect();
    let imported = Event::TokensImported { key, tokens };
    work.record(Actor::CommandLine, now, imported);
    // One that was shown before is remembered as unknown.
    work.altered(Altered::Tokens);
    Ok(Imported::Done)
}

/// Whether the account may have so many more tokens.
fn has_room(
    work: &Work<'_>,
    good: &GoodKey,
    most: u32,
    more: usize,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let left = u32::try_from(more)
        .ok()
        .and_then(|more| most.checked_sub(more));
    match left {
        None => Ok(false),
        Some(left) => policies::has_as_many(work, good.account, left + 1, now).map(|no| !no),
    }
}

/// Inserts all rows, up to one whose digest is known already: that token's id is given.
fn insert(
    connection: &Connection,
    key: KeyId,
    generation: i64,
    rows: &[Row],
    now: Timestamp,
    mut progress: Progress,
) -> rusqlite::Result<Option<TokenId>> {
    let kept = KnownTokens::of(connection)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO tokens
         (digest, key_id, sealed, settings, created_at, expires_at, generation, imported_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (row, done) in rows.iter().zip(1..) {
        let id = TokenId::of(&row.digest);
        if kept.has(&row.digest)? {
            return Ok(Some(id));
        }
        let at = insert.insert(params![
            row.digest.as_bytes(),
            key.to_i64(),
            row.sealed.as_ref().map(SealedToken::as_bytes),
            row.settings,
            row.created_at,
            row.expires_at,
            generation,
            now.seconds(),
        ])?;
        put_in(connection, id, at)?;
        if done % STEP == 0 {
            (progress.0)(done as u64);
        }
    }
    Ok(None)
}
