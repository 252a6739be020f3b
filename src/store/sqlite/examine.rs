//! Looking the file over.

use rusqlite::Connection;

use super::{Sqlite, policies, settings::settings_at};
use crate::{
    domain::{AccountId, InvalidPolicy, Timestamp},
    error::Error,
    store::Health,
};

const MOST_FAULTS: u32 = 10;

impl Sqlite {
    pub(in crate::store) async fn ping(&self) -> Result<(), Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT 1 FROM accounts LIMIT 1")?
                .exists([])
                .map(drop)
        })
        .await
    }

    pub(in crate::store) async fn examine(&self) -> Result<Health, Error> {
        self.read(|connection| {
            let count = |table: &str| {
                connection
                    .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
                    .map(i64::unsigned_abs)
            };
            let newest_at: Option<i64> = connection.query_row(
                "SELECT max(at) FROM (
                     SELECT max(created_at) AS at FROM accounts
                     UNION ALL SELECT max(created_at) FROM keys
                     UNION ALL SELECT created_at FROM tokens WHERE id = (SELECT max(id) FROM tokens))",
                [],
                |row| row.get(0),
            )?;
            Ok(Health {
                accounts: count("accounts")?,
                keys: count("keys")?,
                tokens: count("tokens")?,
                faults: faults(connection)?,
                damaged_settings: damaged_settings(connection)?,
                damaged_policies: damaged_policies(connection)?,
                newest_at: newest_at.map(Timestamp::from_seconds),
            })
        })
        .await
    }
}

/// How many tokens have settings that cannot be read.
fn damaged_settings(connection: &Connection) -> rusqlite::Result<u64> {
    let mut select =
        connection.prepare("SELECT settings FROM tokens WHERE settings IS NOT NULL")?;
    let mut rows = select.query([])?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        damaged += u64::from(settings_at(row, 0).is_err());
    }
    Ok(damaged)
}

/// The accounts whose policy cannot be read, and why.
fn damaged_policies(connection: &Connection) -> rusqlite::Result<Vec<(AccountId, InvalidPolicy)>> {
    let mut select =
        connection.prepare("SELECT policy, id FROM accounts WHERE policy IS NOT NULL")?;
    let mut rows = select.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        if let Err(invalid) = policies::read(row.get_ref(0)?.as_str_or_null()?) {
            damaged.push((AccountId::from_i64(row.get(1)?), invalid));
        }
    }
    Ok(damaged)
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let found: Vec<String> = connection
        .prepare(&format!("PRAGMA quick_check({MOST_FAULTS})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}
