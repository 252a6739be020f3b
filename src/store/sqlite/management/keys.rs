//! An account's private keys.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{authority::require, walk::List};
use crate::{
    domain::{AccountId, Denied, Event, KeyId, Permission, Role, Timestamp},
    error::Error,
    store::{
        ApiKeyRow, Deleted, KeyTokens, Listing, NewKey, Page, Principal,
        sqlite::{Sqlite, good_keys::account_of_good_key, keys},
    },
};

/// The keys of an account that are not disabled, all or those that are named.
const LIST: List<'_> = List {
    columns: "k.id, k.label, k.note, k.created_at, k.expires_at",
    table: "keys k",
    among: "keys k WHERE k.account_id = :account AND k.disabled_at IS NULL
        AND (:only IS NULL OR k.id IN (SELECT value FROM json_each(:only)))",
    key: "k.created_at",
    id: "k.id",
    find: "SELECT k.created_at, k.id FROM keys k
        WHERE k.account_id = ?1 AND k.id = ?2",
};

impl Sqlite {
    pub(in crate::store) async fn list_account_keys(
        &self,
        principal: Principal,
        only: Option<Vec<KeyId>>,
        page: Page<KeyId>,
        now: Timestamp,
    ) -> Result<Result<Listing<ApiKeyRow, KeyId>, Denied>, Error> {
        self.read(move |lookup| {
            let _snapshot = lookup.unchecked_transaction()?;
            let authority = match require(lookup, principal, Permission::ReadKeys, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            let only = only.map(|only| {
                let ids: Vec<i64> = only.into_iter().map(KeyId::to_i64).collect();
                serde_json::json!(ids).to_string()
            });
            let row_of = |key: KeyId| Ok(Some(key.to_i64()));
            LIST.part(
                lookup,
                authority.account,
                page,
                row_of,
                &[(":only", &only)],
                row,
            )
            .map(Ok)
        })
        .await
    }

    pub(in crate::store) async fn add_key_for(
        &self,
        principal: Principal,
        key: NewKey,
        now: Timestamp,
    ) -> Result<Result<(), Denied>, Error> {
        self.write(move |work| {
            let authority = match require(work, principal, Permission::WriteKeys, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            let end = authority.end_of_key(key.expires_at);
            let expires_at = match authority.check_key_making().and(end) {
                Ok(expires_at) => expires_at,
                Err(denied) => return Ok(Err(denied)),
            };
            let key = NewKey { expires_at, ..key };
            if account_of_good_key(work, authority.key, now)?.is_none() {
                return Ok(Err(Denied::Orphaned));
            }
            keys::insert(work, authority.account, &key, now)?;
            let added = Event::KeyAdded {
                key: key.id,
                account: authority.account,
                role: key.role,
            };
            work.record(authority.actor(), now, added);
            Ok(Ok(()))
        })
        .await
    }

    pub(in crate::store) async fn disable_key_for(
        &self,
        principal: Principal,
        key: KeyId,
        now: Timestamp,
    ) -> Result<Result<Deleted, Denied>, Error> {
        self.write(move |work| {
            let authority = match require(work, principal, Permission::WriteKeys, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            let Some(role) = role_of(work, key, authority.account)? else {
                return Ok(Ok(Deleted::Unknown));
            };
            if key == authority.key {
                return Ok(Err(Denied::OwnKey));
            }
            if let Err(denied) = authority.check_key_deleting(role) {
                return Ok(Err(denied));
            }
            let tokens = KeyTokens::from(authority.policy.on_key_disable());
            keys::disable_with_tokens(work, key, tokens, authority.actor(), now)?;
            Ok(Ok(Deleted::Done))
        })
        .await
    }
}

/// The role of a key, good or not, if the account has it.
fn role_of(
    connection: &Connection,
    key: KeyId,
    account: AccountId,
) -> rusqlite::Result<Option<Role>> {
    connection
        .prepare_cached("SELECT role FROM keys WHERE id = ?1 AND account_id = ?2")?
        .query_row(params![key.to_i64(), account.to_i64()], |row| {
            keys::role_at(row, 0)
        })
        .optional()
}

fn row(row: &Row<'_>) -> rusqlite::Result<ApiKeyRow> {
    Ok(ApiKeyRow {
        id: KeyId::from_i64(row.get(0)?),
        label: row.get(1)?,
        note: row.get(2)?,
        created_at: Timestamp::from_seconds(row.get(3)?),
        expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_seconds),
    })
}
