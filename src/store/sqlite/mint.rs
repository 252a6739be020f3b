//! Minting tokens.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Sqlite,
    good_keys::{GoodKey, good_key},
    policies,
    settings::{changed, find_good, to_column},
    tokens::sealed_row,
    work::Work,
};
use crate::{
    domain::{
        Actor, Event, KeyId, OutsidePolicy, RequestDigest, SealedToken, Settings, Timestamp,
        TokenId,
    },
    error::Error,
    store::{Minted, NewToken, Once},
};

impl Sqlite {
    pub(in crate::store) async fn mint(
        &self,
        token: NewToken,
        now: Timestamp,
    ) -> Result<Minted, Error> {
        self.write(move |work| mint(work, &token, Actor::Key(token.key), now))
            .await
    }
}

/// Mints with a good key; `by` is who does.
pub(super) fn mint(
    work: &Work<'_>,
    token: &NewToken,
    by: Actor,
    now: Timestamp,
) -> rusqlite::Result<Minted> {
    let Some(key) = good_key(work, token.key, now)? else {
        return Ok(Minted::KeyDead);
    };
    if let Some(once) = &token.once
        && let Some(minted) = minted_before(work, token.key, once)?
    {
        return Ok(minted);
    }
    if token.expires_at.is_some_and(|at| at <= now) {
        return Ok(Minted::BornDead);
    }
    let copied = match &token.clone_of {
        None => key.policy.token_settings().clone(),
        Some(source) => match find_good(work, source, key.account, now)? {
            Some(found) => found.row.settings,
            None => return Ok(Minted::SourceUnknown),
        },
    };
    let settings = match token.settings.clone() {
        None => copied,
        Some(given) => match copied.merged(given) {
            Ok(settings) => settings,
            Err(invalid) => return Ok(Minted::SettingsInvalid(invalid)),
        },
    };
    let expires_at = match expiry_within(work, &key, token, &settings, now)? {
        Ok(expires_at) => expires_at,
        Err(outside) => return Ok(Minted::OutsidePolicy(outside)),
    };
    let id = insert(work, token, key.generation, expires_at, &settings, now)?;
    if let Some(once) = &token.once {
        note_request(work, token.key, once, id, now)?;
    }
    record(work, token, &settings, by, now);
    Ok(Minted::Done)
}

/// When the token ends by its account's policy; or why it is outside of that.
fn expiry_within(
    connection: &Connection,
    key: &GoodKey,
    token: &NewToken,
    settings: &Settings,
    now: Timestamp,
) -> rusqlite::Result<Result<Option<Timestamp>, OutsidePolicy>> {
    let checked = key.policy.check_scopes(settings);
    let expires_at = match checked.and_then(|()| key.policy.expiry(token.expires_at, now)) {
        Ok(expires_at) => expires_at,
        Err(outside) => return Ok(Err(outside)),
    };
    match key.policy.max_active_tokens() {
        Some(most) if policies::has_as_many(connection, key.account, most, now)? => {
            Ok(Err(OutsidePolicy::TooMany(most)))
        }
        _ => Ok(Ok(expires_at)),
    }
}

fn record(work: &Work<'_>, token: &NewToken, settings: &Settings, by: Actor, now: Timestamp) {
    let tokens = vec![TokenId::of(&token.digest)];
    work.record(by, now, Event::TokensMinted { tokens });
    match &token.clone_of {
        _ if settings.is_empty() => {}
        // The account's policy is written down where it changes.
        None if token.settings.is_none() => {}
        // Not the settings once more: a clone takes no more room than it must.
        Some(source) if token.settings.is_none() => {
            let (token, from) = (TokenId::of(&token.digest), TokenId::of(source));
            work.record(by, now, Event::SettingsCopied { token, from });
        }
        _ => work.record(by, now, changed(&token.digest, settings)),
    }
}

/// Inserts the token, and gives the number of its row.
fn insert(
    connection: &Connection,
    token: &NewToken,
    generation: i64,
    expires_at: Option<Timestamp>,
    settings: &Settings,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO tokens (digest, key_id, sealed, name, settings, created_at, expires_at, generation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .insert(params![
            token.digest.as_bytes(),
            token.key.to_i64(),
            token.sealed.as_ref().map(SealedToken::as_bytes),
            token.name,
            to_column(settings),
            now.seconds(),
            expires_at.map(Timestamp::seconds),
            generation,
        ])
}

/// What the request was answered with when it came before, if it did.
fn minted_before(
    connection: &Connection,
    key: KeyId,
    once: &Once,
) -> rusqlite::Result<Option<Minted>> {
    let before = connection
        .prepare_cached(
            "SELECT t.digest, t.sealed, i.request FROM idempotency i JOIN tokens t ON t.id = i.token_id
             WHERE i.key_id = ?1 AND i.header = ?2 AND i.created_at > ?3",
        )?
        .query_row(params![key.to_i64(), once.header.as_bytes(), once.since.seconds()], |row| {
            Ok((sealed_row(row)?, RequestDigest::from_bytes(row.get(2)?)))
        })
        .optional()?;
    Ok(before.map(|(minted, request)| {
        if request == once.request {
            Minted::Before(minted)
        } else {
            Minted::OnceMismatch
        }
    }))
}

/// Notes what the request was answered with, in the place of an older one of the same name.
fn note_request(
    connection: &Connection,
    key: KeyId,
    once: &Once,
    token: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (key_id, header, request, token_id, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            key.to_i64(),
            once.header.as_bytes(),
            once.request.as_bytes(),
            token,
            now.seconds()
        ])
        .map(drop)
}
