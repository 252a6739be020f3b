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
        Actor, Algorithm, Event, Format, KeyId, OutsidePolicy, RequestDigest, SealedToken,
        Settings, SigningKeyId, Timestamp, Token, TokenDigest, TokenId,
    },
    error::Error,
    store::{Minted, NewToken, Once, ToSign},
};

impl Sqlite {
    pub(in crate::store) async fn mint(
        &self,
        token: NewToken,
        now: Timestamp,
    ) -> Result<Minted, Error> {
        // That is noted by a statement of its own.
        let is_repeatable = token.once.is_some();
        let mint = move |work: &Work<'_>| mint(work, &token, Actor::Key(token.key), now);
        if is_repeatable {
            self.write(mint).await
        } else {
            self.write_without_savepoint(mint).await
        }
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
    let kept = match Kept::of(token, &key, expires_at, &settings, now) {
        Ok(kept) => kept,
        Err(algorithm) => return Ok(Minted::NoSigningKey(algorithm)),
    };
    let id = insert(
        work,
        &kept,
        token,
        key.generation,
        expires_at,
        &settings,
        now,
    )?;
    if let Some(once) = &token.once {
        note_request(work, token.key, once, id, now)?;
    }
    record(work, token, &kept.digest, &settings, by, now);
    Ok(kept.signed.map_or(Minted::Done, Minted::Signed))
}

/// What is kept of a token's text.
struct Kept {
    digest: TokenDigest,
    sealed: Option<SealedToken>,
    signing_key: Option<SigningKeyId>,
    /// The token itself, when it is another than the one that was drawn.
    signed: Option<Token>,
}

impl Kept {
    /// Of the token as it was drawn, or of the signed one that the account's policy wants. Fails with
    /// the algorithm for which there is no key.
    fn of(
        token: &NewToken,
        key: &GoodKey,
        expires_at: Option<Timestamp>,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, Algorithm> {
        let Format::Jwt(algorithm) = key.policy.format() else {
            return Ok(Self {
                digest: token.digest,
                sealed: token.sealed.clone(),
                signing_key: None,
                signed: None,
            });
        };
        let to_sign = ToSign {
            algorithm,
            account: key.account,
            generation: key.generation.cast_unsigned(),
            issued_at: now,
            expires_at,
            scopes: settings.scopes().to_vec(),
        };
        let sign = token.signer.as_ref().map(|signer| &signer.0);
        let signed = sign.and_then(|sign| sign(&to_sign)).ok_or(algorithm)?;
        Ok(Self {
            digest: signed.digest,
            sealed: signed.sealed,
            signing_key: Some(signed.signing_key),
            signed: Some(signed.token),
        })
    }
}

/// When the token ends by its account's policy; or why it is outside of that.
fn expiry_within(
    work: &Work<'_>,
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
        Some(most) if policies::has_as_many(work, key.account, most, now)? => {
            Ok(Err(OutsidePolicy::TooMany(most)))
        }
        _ => Ok(Ok(expires_at)),
    }
}

fn record(
    work: &Work<'_>,
    token: &NewToken,
    digest: &TokenDigest,
    settings: &Settings,
    by: Actor,
    now: Timestamp,
) {
    let tokens = vec![TokenId::of(digest)];
    work.record(by, now, Event::TokensMinted { tokens });
    match &token.clone_of {
        _ if settings.is_empty() => {}
        // The account's policy is written down where it changes.
        None if token.settings.is_none() => {}
        // Not the settings once more: a clone takes no more room than it must.
        Some(source) if token.settings.is_none() => {
            let (token, from) = (TokenId::of(digest), TokenId::of(source));
            work.record(by, now, Event::SettingsCopied { token, from });
        }
        _ => work.record(by, now, changed(digest, settings)),
    }
}

/// Inserts the token, and gives the number of its row.
fn insert(
    connection: &Connection,
    kept: &Kept,
    token: &NewToken,
    generation: i64,
    expires_at: Option<Timestamp>,
    settings: &Settings,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO tokens
             (digest, key_id, sealed, signing_key, name, settings, created_at, expires_at,
              generation) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .insert(params![
            kept.digest.as_bytes(),
            token.key.to_i64(),
            kept.sealed.as_ref().map(SealedToken::as_bytes),
            kept.signing_key.map(SigningKeyId::to_i64),
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
