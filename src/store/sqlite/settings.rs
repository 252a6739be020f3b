//! Reading and changing tokens' settings.

use rusqlite::{OptionalExtension as _, Row, params, types::Type};

use super::{
    Sqlite,
    good_keys::{account_of_good_key, good_key},
    lookup::Lookup,
};
use crate::{
    domain::{
        AccountId, Actor, Event, KeyId, Settings, Timestamp, TokenDigest, TokenId, TokenNumber,
        Usage,
    },
    error::Error,
    store::{Altered, Edit, EditedSettings, FoundSettings, SettingsRow},
};

impl Sqlite {
    pub(in crate::store) async fn read_settings(
        &self,
        key: KeyId,
        digest: TokenDigest,
        now: Timestamp,
    ) -> Result<FoundSettings, Error> {
        self.read(move |lookup| {
            // One snapshot, so that the settings are those of a moment at which the key was good.
            let _snapshot = lookup.unchecked_transaction()?;
            let Some(account) = account_of_good_key(lookup, key, now)? else {
                return Ok(FoundSettings::KeyDead);
            };
            let found = find_good(lookup, &digest, account, now)?;
            Ok(found.map_or(FoundSettings::Unknown, |found| {
                FoundSettings::Done(found.row)
            }))
        })
        .await
    }

    pub(in crate::store) async fn edit_settings(
        &self,
        key: KeyId,
        digest: TokenDigest,
        edit: Edit,
        now: Timestamp,
    ) -> Result<EditedSettings, Error> {
        self.write(move |work| {
            let Some(caller) = good_key(work, key, now)? else {
                return Ok(EditedSettings::KeyDead);
            };
            let Some(found) = find_good(work, &digest, caller.account, now)? else {
                return Ok(EditedSettings::Unknown);
            };
            if found.key != key {
                return Ok(EditedSettings::NotIssuer);
            }
            let before = found.row;
            let settings = match edit.apply(&before.settings) {
                Ok(settings) => settings,
                Err(invalid) => return Ok(EditedSettings::Invalid(invalid)),
            };
            if let Err(outside) = caller.policy.check_new_scopes(&settings, &before.settings) {
                return Ok(EditedSettings::OutsidePolicy(outside));
            }
            if settings != before.settings {
                work.prepare_cached("UPDATE tokens SET settings = ?2 WHERE id = ?1")?
                    .execute(params![before.number.to_i64(), to_column(&settings)])?;
                work.record(Actor::Key(key), now, changed(&digest, &settings));
                work.altered(Altered::Token(digest));
            }
            Ok(EditedSettings::Done(SettingsRow { settings, ..before }))
        })
        .await
    }
}

/// A good token of an account.
pub(super) struct Found {
    key: KeyId,
    pub(super) row: SettingsRow,
}

/// The token in a row, if it is the one with a digest, good, and an account's.
const FIND_GOOD: &str = "SELECT t.settings, t.id, t.key_id, u.verifications, u.last_used_at
    FROM tokens t JOIN keys k ON k.id = t.key_id JOIN accounts a ON a.id = k.account_id
    LEFT JOIN uses u ON u.token_id = t.id
    WHERE t.id = ?1 AND t.digest = ?2 AND k.account_id = ?3 AND t.generation = a.generation
    AND t.ended_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?4)";

/// The token with this digest, if it is good at `now` and of `account`.
pub(super) fn find_good(
    lookup: &Lookup<'_>,
    digest: &TokenDigest,
    account: AccountId,
    now: Timestamp,
) -> rusqlite::Result<Option<Found>> {
    lookup.find(TokenId::of(digest), |row| {
        lookup
            .prepare_cached(FIND_GOOD)?
            .query_row(
                params![row, digest.as_bytes(), account.to_i64(), now.seconds()],
                |row| {
                    Ok(Found {
                        key: KeyId::from_i64(row.get(2)?),
                        row: SettingsRow {
                            number: TokenNumber::from_i64(row.get(1)?),
                            settings: settings_at(row, 0)?,
                            usage: usage_at(row, 3)?,
                        },
                    })
                },
            )
            .optional()
    })
}

/// The entry that says what a token's settings are now.
pub(super) fn changed(digest: &TokenDigest, settings: &Settings) -> Event {
    Event::SettingsChanged {
        token: TokenId::of(digest),
        settings: settings.without_note(),
    }
}

/// Settings as their column holds them: nothing when nothing is set.
pub(super) fn to_column(settings: &Settings) -> Option<String> {
    (!settings.is_empty()).then(|| settings.to_value().to_string())
}

/// The settings in a column of `row`.
pub(super) fn settings_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Settings> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(Settings::default()),
        Some(json) => Settings::from_json(json).map_err(|invalid| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(invalid))
        }),
    }
}

/// The count in a column of `row`, and the time in the next: neither for a token that has no uses.
pub(super) fn usage_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Usage> {
    let last_used_at: Option<i64> = row.get(column + 1)?;
    Ok(Usage {
        verifications: row
            .get::<_, Option<i64>>(column)?
            .map_or(0, i64::unsigned_abs),
        last_used_at: last_used_at.map(Timestamp::from_seconds),
    })
}
