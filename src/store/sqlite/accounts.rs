//! Accounts.

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};

use super::Sqlite;
use crate::{
    domain::{AccountId, AccountName, Actor, Event, Policy, Timestamp},
    error::Error,
    store::{AccountRow, Altered, CreatedAccount, DisabledAccount},
};

const ACCOUNT: &str = "SELECT id, name, created_at, disabled_at,
    (SELECT count(*) FROM keys WHERE account_id = accounts.id AND disabled_at IS NULL)
    FROM accounts";

impl Sqlite {
    pub(in crate::store) async fn create_account(
        &self,
        id: AccountId,
        name: AccountName,
        now: Timestamp,
    ) -> Result<CreatedAccount, Error> {
        self.write(move |connection| {
            let inserted = connection
                .prepare_cached(
                    "INSERT INTO accounts (id, name, created_at, policy) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    id.to_i64(),
                    name.as_str(),
                    now.seconds(),
                    Policy::of_new_account().to_json(),
                ]);
            match inserted {
                Ok(_) => {
                    let name = name.to_string();
                    let created = Event::AccountCreated { account: id, name };
                    connection.record(Actor::CommandLine, now, created);
                    Ok(CreatedAccount::Done)
                }
                Err(error) if violates_constraint(&error) => Ok(CreatedAccount::NameTaken),
                Err(error) => Err(error),
            }
        })
        .await
    }

    pub(in crate::store) async fn list_accounts(&self) -> Result<Vec<AccountRow>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{ACCOUNT} ORDER BY name"))?
                .query_map([], account_row)?
                .collect()
        })
        .await
    }

    pub(in crate::store) async fn find_account(
        &self,
        name_or_id: String,
    ) -> Result<Option<AccountRow>, Error> {
        self.read(move |connection| match name_or_id.parse::<AccountId>() {
            Ok(id) => find(connection, "id = ?1", id.to_i64()),
            Err(_) => find(connection, "name = ?1", name_or_id),
        })
        .await
    }

    pub(in crate::store) async fn disable_account(
        &self,
        id: AccountId,
        now: Timestamp,
    ) -> Result<DisabledAccount, Error> {
        self.write(move |connection| {
            let disabled_at: Option<Option<i64>> = connection
                .prepare_cached("SELECT disabled_at FROM accounts WHERE id = ?1")?
                .query_row([id.to_i64()], |row| row.get(0))
                .optional()?;
            match disabled_at {
                None => Ok(DisabledAccount::Unknown),
                Some(Some(_)) => Ok(DisabledAccount::Already),
                Some(None) => {
                    connection
                        .prepare_cached("UPDATE accounts SET disabled_at = ?2 WHERE id = ?1")?
                        .execute(params![id.to_i64(), now.seconds()])?;
                    let disabled = Event::AccountDisabled { account: id };
                    connection.record(Actor::CommandLine, now, disabled);
                    connection.altered(Altered::Tokens);
                    Ok(DisabledAccount::Done)
                }
            }
        })
        .await
    }
}

impl Sqlite {
    pub(in crate::store) async fn regenerate_account(
        &self,
        id: AccountId,
        now: Timestamp,
    ) -> Result<Option<u64>, Error> {
        self.write(move |work| {
            let generation: Option<i64> = work
                .prepare_cached(
                    "UPDATE accounts SET generation = generation + 1 WHERE id = ?1 RETURNING generation",
                )?
                .query_row([id.to_i64()], |row| row.get(0))
                .optional()?;
            let generation = generation.map(i64::unsigned_abs);
            if let Some(generation) = generation {
                let account = id;
                let event = Event::AccountRegenerated { account, generation };
                work.record(Actor::CommandLine, now, event);
                work.altered(Altered::Tokens);
            }
            Ok(generation)
        })
        .await
    }
}

/// Whether `error` says that a row of that kind exists already.
fn violates_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn find(
    connection: &Connection,
    condition: &str,
    value: impl rusqlite::ToSql,
) -> rusqlite::Result<Option<AccountRow>> {
    connection
        .prepare_cached(&format!("{ACCOUNT} WHERE {condition}"))?
        .query_row([value], account_row)
        .optional()
}

fn account_row(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: AccountId::from_i64(row.get(0)?),
        name: row.get(1)?,
        created_at: Timestamp::from_seconds(row.get(2)?),
        disabled_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_seconds),
        keys: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}
