//! What a caller may do, as it stands in the transaction that asks.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::{
    domain::{AccountId, Authority, Denied, Holder, KeyId, Permission, Timestamp, TokenId},
    error::Error,
    store::{
        Principal,
        sqlite::{
            Sqlite, good_keys::good_keys, keys::role_at, lookup::Lookup, policies::policy_at,
            settings::settings_at,
        },
    },
};

/// What the token in a row may do, if it is the one with a digest, and good.
const OF_TOKEN: &str = "SELECT k.account_id, t.key_id, t.settings, a.policy, t.expires_at
    FROM tokens t JOIN keys k ON k.id = t.key_id JOIN accounts a ON a.id = k.account_id
    WHERE t.id = ?1 AND t.digest = ?2 AND t.generation = a.generation AND t.ended_at IS NULL
    AND (t.expires_at IS NULL OR t.expires_at > ?3) AND a.disabled_at IS NULL";

impl Sqlite {
    pub(in crate::store) async fn authority(
        &self,
        principal: Principal,
        now: Timestamp,
    ) -> Result<Option<Authority>, Error> {
        self.read(move |lookup| find(lookup, principal, now)).await
    }
}

/// The authority of `principal`, if that holds `permission`.
pub(super) fn require(
    lookup: &Lookup<'_>,
    principal: Principal,
    permission: Permission,
    now: Timestamp,
) -> rusqlite::Result<Result<Authority, Denied>> {
    let found = find(lookup, principal, now)?.ok_or(Denied::Gone);
    Ok(found.and_then(|authority| authority.require(permission).map(|()| authority)))
}

/// The authority of `principal`, if that is good at `now`.
fn find(
    lookup: &Lookup<'_>,
    principal: Principal,
    now: Timestamp,
) -> rusqlite::Result<Option<Authority>> {
    match principal {
        Principal::Key(key) => lookup
            .prepare_cached(good_keys!(
                "k.account_id, k.role, a.policy, k.expires_at",
                "k.id = ?1"
            ))?
            .query_row(params![key.to_i64(), now.seconds()], |row| {
                Ok(Authority {
                    account: AccountId::from_i64(row.get(0)?),
                    key,
                    holder: Holder::Key(role_at(row, 1)?),
                    expires_at: time_at(row, 3)?,
                    policy: policy_at(row, 2)?,
                })
            })
            .optional(),
        Principal::Token(digest) => lookup.find(TokenId::of(&digest), |row| {
            lookup
                .prepare_cached(OF_TOKEN)?
                .query_row(params![row, digest.as_bytes(), now.seconds()], |row| {
                    Ok(Authority {
                        account: AccountId::from_i64(row.get(0)?),
                        key: KeyId::from_i64(row.get(1)?),
                        holder: Holder::Token(TokenId::of(&digest), settings_at(row, 2)?),
                        expires_at: time_at(row, 4)?,
                        policy: policy_at(row, 3)?,
                    })
                })
                .optional()
        }),
    }
}

fn time_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let seconds: Option<i64> = row.get(column)?;
    Ok(seconds.map(Timestamp::from_seconds))
}
