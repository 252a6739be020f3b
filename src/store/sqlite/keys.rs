//! Private keys.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    Sqlite, Work,
    good_keys::{account_of_good_key, good_keys},
    policies::version_at,
    tokens,
};
use crate::{
    domain::{AccountId, Actor, ApiVersion, Event, KeyId, KeyRecord, Role, Selector, Timestamp},
    error::Error,
    store::{AddedKeys, Altered, Carry, DisabledKey, KeyRow, KeyTokens, NewKey, RotatedKey},
};

impl Sqlite {
    pub(in crate::store) async fn add_keys(
        &self,
        account: AccountId,
        keys: Vec<NewKey>,
        now: Timestamp,
    ) -> Result<AddedKeys, Error> {
        self.write(move |connection| {
            let disabled_at: Option<Option<i64>> = connection
                .prepare_cached("SELECT disabled_at FROM accounts WHERE id = ?1")?
                .query_row([account.to_i64()], |row| row.get(0))
                .optional()?;
            match disabled_at {
                None => return Ok(AddedKeys::AccountUnknown),
                Some(Some(_)) => return Ok(AddedKeys::AccountDisabled),
                Some(None) => {}
            }
            if let Some(known) = first_known(connection, &keys)? {
                return Ok(AddedKeys::Known(known));
            }
            for key in &keys {
                insert(connection, account, key, now)?;
                let (key, role) = (key.id, key.role);
                let added = Event::KeyAdded { key, account, role };
                connection.record(Actor::CommandLine, now, added);
            }
            Ok(AddedKeys::Done)
        })
        .await
    }

    pub(in crate::store) async fn list_keys(
        &self,
        account: AccountId,
    ) -> Result<Vec<KeyRow>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, label, note, role, created_at, expires_at, last_used_at, disabled_at
                     FROM keys WHERE account_id = ?1 ORDER BY created_at, rowid",
                )?
                .query_map([account.to_i64()], key_row)?
                .collect()
        })
        .await
    }

    pub(in crate::store) async fn find_key(
        &self,
        selector: Selector,
        now: Timestamp,
    ) -> Result<Option<KeyRecord>, Error> {
        self.read_point(move |connection| {
            connection
                .prepare_cached(good_keys!(
                    "k.id, k.account_id, k.role, k.expires_at, k.phc, a.policy",
                    "k.selector = ?1"
                ))?
                .query_row(params![selector.to_i64(), now.seconds()], |row| {
                    Ok(KeyRecord {
                        id: KeyId::from_i64(row.get(0)?),
                        account: AccountId::from_i64(row.get(1)?),
                        role: role_at(row, 2)?,
                        expires_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_seconds),
                        phc: row.get(4)?,
                        api_version: version_at(row, 5)?,
                    })
                })
                .optional()
        })
        .await
    }

    pub(in crate::store) async fn key_selectors(&self) -> Result<HashSet<Selector>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT selector FROM keys")?
                .query_map([], |row| row.get(0).map(Selector::from_i64))?
                .collect()
        })
        .await
    }

    pub(in crate::store) async fn account_of_key(
        &self,
        key: KeyId,
    ) -> Result<Option<AccountId>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT account_id FROM keys WHERE id = ?1")?
                .query_row([key.to_i64()], |row| row.get(0).map(AccountId::from_i64))
                .optional()
        })
        .await
    }

    pub(in crate::store) async fn stale_keys(
        &self,
        keys: Vec<(KeyId, ApiVersion)>,
        now: Timestamp,
    ) -> Result<HashSet<KeyId>, Error> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(good_keys!("a.policy", "k.id = ?1"))?;
            let mut stale = HashSet::new();
            for (key, version) in keys {
                let good = select
                    // A version that is not known here is another one, too.
                    .query_row(params![key.to_i64(), now.seconds()], |row| {
                        Ok(version_at(row, 0).ok())
                    })
                    .optional()?;
                if good.flatten() != Some(version) {
                    stale.insert(key);
                }
            }
            Ok(stale)
        })
        .await
    }

    pub(in crate::store) async fn disable_key(
        &self,
        key: KeyId,
        tokens: KeyTokens,
        now: Timestamp,
    ) -> Result<DisabledKey, Error> {
        self.write(move |connection| {
            disable_with_tokens(connection, key, tokens, Actor::CommandLine, now)
        })
        .await
    }

    pub(in crate::store) async fn rotate_key(
        &self,
        old: KeyId,
        new: NewKey,
        carry: Option<Carry>,
        now: Timestamp,
    ) -> Result<RotatedKey, Error> {
        self.write(move |connection| {
            let Some(account) = account_of_good_key(connection, old, now)? else {
                return Ok(RotatedKey::KeyDead);
            };
            insert(connection, account, &new, now)?;
            disable(connection, old, now)?;
            connection.altered(Altered::Tokens);
            let rotated = |carried| {
                let (key, new) = (old, new.id);
                let rotated = Event::KeyRotated { key, new, carried };
                connection.record(Actor::CommandLine, now, rotated);
            };
            let Some(Carry(reseal)) = carry else {
                rotated(0);
                return Ok(RotatedKey::Done {
                    carried: 0,
                    ended: end_tokens(connection, old, Actor::CommandLine, now)?,
                });
            };
            match tokens::carry_all(connection, old, new.id, &*reseal, now)? {
                Ok(()) => {
                    let carried = tokens::count_good(connection, new.id, now)?;
                    rotated(carried);
                    Ok(RotatedKey::Done { carried, ended: 0 })
                }
                Err(broken) => {
                    // Nothing of a rotation may stand unless all of it does.
                    connection.execute_batch("ROLLBACK TO job")?;
                    Ok(RotatedKey::SealBroken(broken))
                }
            }
        })
        .await
    }

    pub(in crate::store) async fn record_key_uses(
        &self,
        uses: Vec<(KeyId, Timestamp)>,
    ) -> Result<(), Error> {
        self.write(move |connection| {
            let mut update = connection.prepare_cached(
                "UPDATE keys SET last_used_at = max(?2, coalesce(last_used_at, ?2)) WHERE id = ?1",
            )?;
            for (key, at) in uses {
                update.execute(params![key.to_i64(), at.seconds()])?;
            }
            Ok(())
        })
        .await
    }
}

fn first_known(connection: &Connection, keys: &[NewKey]) -> rusqlite::Result<Option<usize>> {
    let mut known = connection.prepare_cached("SELECT 1 FROM keys WHERE selector = ?1")?;
    let mut seen = HashSet::new();
    for (place, key) in keys.iter().enumerate() {
        if !seen.insert(key.selector.to_i64()) || known.exists([key.selector.to_i64()])? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

pub(super) fn insert(
    work: &Work<'_>,
    account: AccountId,
    key: &NewKey,
    now: Timestamp,
) -> rusqlite::Result<()> {
    work.altered(Altered::KeyAdded(key.selector));
    work.prepare_cached(
        "INSERT INTO keys
         (id, account_id, selector, phc, role, label, created_at, expires_at, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        key.id.to_i64(),
        account.to_i64(),
        key.selector.to_i64(),
        key.phc,
        key.role.as_str(),
        key.label.as_str(),
        now.seconds(),
        key.expires_at.map(Timestamp::seconds),
        key.note.as_str(),
    ])
    .map(drop)
}

/// Ends all good tokens of `key`, and says how many these were.
fn end_tokens(work: &Work<'_>, key: KeyId, by: Actor, now: Timestamp) -> rusqlite::Result<u64> {
    let tokens = tokens::end_all(work, key, now)?;
    let ended = tokens.len() as u64;
    work.record(by, now, Event::TokensDisabled { tokens });
    Ok(ended)
}

/// Disables `key`, and has its tokens live on or end; `by` is who does.
pub(super) fn disable_with_tokens(
    work: &Work<'_>,
    key: KeyId,
    tokens: KeyTokens,
    by: Actor,
    now: Timestamp,
) -> rusqlite::Result<DisabledKey> {
    let disabled_at: Option<Option<i64>> = work
        .prepare_cached("SELECT disabled_at FROM keys WHERE id = ?1")?
        .query_row([key.to_i64()], |row| row.get(0))
        .optional()?;
    let Some(disabled_at) = disabled_at else {
        return Ok(DisabledKey::Unknown);
    };
    if disabled_at.is_none() {
        disable(work, key, now)?;
        work.record(by, now, Event::KeyDisabled { key });
    }
    let ended = match tokens {
        KeyTokens::Keep => 0,
        KeyTokens::End => end_tokens(work, key, by, now)?,
    };
    work.altered(Altered::Tokens);
    Ok(match disabled_at {
        Some(_) => DisabledKey::Already(ended),
        None => DisabledKey::Done(ended),
    })
}

fn disable(connection: &Connection, key: KeyId, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE keys SET disabled_at = ?2 WHERE id = ?1 AND disabled_at IS NULL")?
        .execute(params![key.to_i64(), now.seconds()])
        .map(drop)
}

fn key_row(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    let time_at = |index| {
        row.get::<_, Option<i64>>(index)
            .map(|at| at.map(Timestamp::from_seconds))
    };
    Ok(KeyRow {
        id: KeyId::from_i64(row.get(0)?),
        label: row.get(1)?,
        note: row.get(2)?,
        role: role_at(row, 3)?,
        created_at: Timestamp::from_seconds(row.get(4)?),
        expires_at: time_at(5)?,
        last_used_at: time_at(6)?,
        disabled_at: time_at(7)?,
    })
}

pub(super) fn role_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Role> {
    row.get_ref(index)?.as_str()?.parse().map_err(|unknown| {
        rusqlite::Error::FromSqlConversionFailure(
            index,
            rusqlite::types::Type::Text,
            Box::new(unknown),
        )
    })
}
