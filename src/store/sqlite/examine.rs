//! Looking the file over.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{Sqlite, lookup::Lookup, policies, settings::settings_at};
use crate::{
    domain::{AccountId, Algorithm, Format, InvalidPolicy, Timestamp},
    error::Error,
    store::Health,
};

const MOST_FAULTS: u32 = 10;
/// How many of the tokens that should be in the index of digests are not. Those that are marked as
/// ended are taken out of it before they are purged.
const DIGESTS_LACKING: &str = "SELECT count(*) FROM tokens t WHERE ended_at IS NULL
    AND id <= (SELECT indexed FROM digest_index_reach) AND NOT EXISTS (
        SELECT 1 FROM digest_index WHERE start = substr(t.digest, 1, 8) AND token_id = t.id)";
/// How much of the index of digests leads to no token, or to another.
const DIGESTS_ASTRAY: &str = "SELECT count(*) FROM digest_index d WHERE NOT EXISTS (
    SELECT 1 FROM tokens WHERE id = d.token_id AND substr(digest, 1, 8) = d.start)";

/// How many of the tokens that should be in the index of live tokens are not.
const LIVE_LACKING: &str = "SELECT count(*) FROM tokens t WHERE ended_at IS NULL
    AND id <= (SELECT indexed FROM live_index_reach WHERE part = t.key_id & 3) AND NOT EXISTS (
        SELECT 1 FROM live_index
        WHERE key_id = t.key_id AND generation = t.generation AND token_id = t.id)";
/// How much of the index of live tokens leads to none that it should, and is not to be taken out.
const LIVE_ASTRAY: &str = "SELECT count(*) FROM live_index i WHERE NOT EXISTS (
    SELECT 1 FROM tokens WHERE id = i.token_id AND key_id = i.key_id AND generation = i.generation
    AND ended_at IS NULL
    AND id <= (SELECT indexed FROM live_index_reach WHERE part = i.key_id & 3))
    AND NOT EXISTS (SELECT 1 FROM live_index_expired WHERE token_id = i.token_id
        AND key_id = i.key_id AND generation = i.generation)";
/// How many tokens are to be taken out of it though they are not marked as ended.
const LIVE_EXPIRED: &str = "SELECT count(*) FROM live_index_expired e
    JOIN tokens t ON t.id = e.token_id WHERE t.ended_at IS NULL";
/// Of how many parts of the keys it is not known how far that index is, or said to be too far.
const LIVE_UNREACHED: &str = "SELECT 4 - count(*) FROM live_index_reach
    WHERE indexed <= (SELECT coalesce(max(id), 0) FROM tokens)";

impl Sqlite {
    pub(in crate::store) async fn ping(&self) -> Result<(), Error> {
        self.read_point(look).await?;
        self.read(look).await
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
            let policies = Policies::of(connection)?;
            Ok(Health {
                accounts: count("accounts")?,
                keys: count("keys")?,
                tokens: count("tokens")?,
                faults: faults(connection)?,
                damaged_settings: damaged_settings(connection)?,
                damaged_policies: policies.damaged,
                signed_by: policies.signed_by,
                newest_at: newest_at.map(Timestamp::from_seconds),
            })
        })
        .await
    }
}

/// Looks whether anything can be read.
fn look(lookup: &Lookup<'_>) -> rusqlite::Result<()> {
    lookup
        .prepare_cached("SELECT 1 FROM accounts LIMIT 1")?
        .exists([])
        .map(drop)
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

/// What policies ask of the server.
#[derive(Default)]
struct Policies {
    damaged: Vec<(AccountId, InvalidPolicy)>,
    signed_by: BTreeMap<Algorithm, AccountId>,
}

impl Policies {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut select = connection
            .prepare("SELECT policy, id FROM accounts WHERE policy IS NOT NULL ORDER BY name")?;
        let mut rows = select.query([])?;
        let mut found = Self::default();
        while let Some(row) = rows.next()? {
            let account = AccountId::from_i64(row.get(1)?);
            match policies::read(row.get_ref(0)?.as_str_or_null()?) {
                Err(invalid) => found.damaged.push((account, invalid)),
                Ok(policy) => {
                    if let Format::Jwt(algorithm) = policy.format() {
                        found.signed_by.entry(algorithm).or_insert(account);
                    }
                }
            }
        }
        Ok(found)
    }
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found: Vec<String> = connection
        .prepare(&format!("PRAGMA quick_check({MOST_FAULTS})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    found.retain(|fault| fault != "ok");
    for (query, fault) in [
        (DIGESTS_LACKING, "tokens that the index of digests lacks"),
        (
            DIGESTS_ASTRAY,
            "entries of the index of digests that lead astray",
        ),
        (LIVE_LACKING, "tokens that the index of live tokens lacks"),
        (
            LIVE_EXPIRED,
            "live tokens that are to be taken out of the index of live tokens",
        ),
        (
            LIVE_UNREACHED,
            "parts of the index of live tokens whose reach is missing or too far",
        ),
        (
            LIVE_ASTRAY,
            "entries of the index of live tokens that lead astray",
        ),
    ] {
        let count: i64 = connection.query_row(query, [], |row| row.get(0))?;
        if count > 0 {
            found.push(format!("{fault}: {count}"));
        }
    }
    Ok(found)
}
