//! The limit of what SQLite can do: the rows that a server wrote, written again without the server.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use moneyer::config::Config;
use rusqlite::{Connection, params_from_iter, types::Value};
use serde_json::json;

use crate::Outcome;

const SCHEMA: &str = include_str!("../../schema.sql");
/// The usual way to find a token by its digest.
const BY_DIGEST: &str = "CREATE UNIQUE INDEX tokens_by_digest ON tokens (digest)";
/// The usual way to find those of a key that have not ended.
const OF_KEY: &str =
    "CREATE INDEX tokens_live ON tokens (key_id, generation, id) WHERE ended_at IS NULL";
/// How many tokens each of the entries of the audit holds: what one key mints in one transaction is
/// one entry.
const GROUPS: &str = "SELECT json_array_length(entry, '$.tokens') FROM audit
    WHERE json_extract(entry, '$.action') = 'token.minted' ORDER BY seq";

/// Write a store's tokens into a new one, in the groups in which the server committed them, with the
/// entries of the audit; print rows per second as JSON
#[derive(Args)]
pub struct Replay {
    /// The store whose tokens are written; no server uses it at present
    #[arg(long)]
    from: PathBuf,
    /// The store that is made
    #[arg(long)]
    to: PathBuf,
    /// Do without the index by which a token is found
    #[arg(long)]
    unindexed: bool,
}

type Row = Vec<Value>;

impl Replay {
    pub fn run(self) -> Outcome {
        let from = Connection::open(&self.from)?;
        let to = create(&self.to, &from)?;
        to.execute_batch(OF_KEY)?;
        if !self.unindexed {
            to.execute_batch(BY_DIGEST)?;
        }
        let tokens = read(&from, "SELECT * FROM tokens ORDER BY id")?;
        let audit = read(
            &from,
            "SELECT * FROM audit WHERE json_extract(entry, '$.action') = 'token.minted' ORDER BY seq",
        )?;
        let groups = from
            .prepare(GROUPS)?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<u32>>>()?;
        let count = u32::try_from(tokens.len())?;
        if tokens.is_empty() || groups.iter().sum::<u32>() != count {
            return Err("the audit does not tell how the tokens were committed".into());
        }
        let start = Instant::now();
        write(&to, &tokens, &audit, &groups)?;
        let took = start.elapsed().as_secs_f64();
        let count = f64::from(count);
        let group = count / f64::from(u32::try_from(groups.len())?);
        println!(
            "{}",
            json!({"rows_per_second": count / took, "group": group})
        );
        Ok(())
    }
}

/// Makes a store with the accounts and keys of `from`, durable as Moneyer's is.
fn create(path: &Path, from: &Connection) -> Result<Connection, Box<dyn std::error::Error>> {
    let to = Connection::open(path)?;
    to.pragma_update(None, "journal_mode", "WAL")?;
    to.pragma_update(None, "synchronous", "FULL")?;
    let page_cache = i64::from(Config::default().store.page_cache_kib);
    to.pragma_update(None, "cache_size", -page_cache)?;
    to.execute_batch(SCHEMA)?;
    for table in ["accounts", "keys"] {
        for row in read(from, &format!("SELECT * FROM {table}"))? {
            to.prepare_cached(&insert_into(table, &row))?
                .execute(params_from_iter(row))?;
        }
    }
    to.pragma_update(None, "foreign_keys", true)?;
    Ok(to)
}

fn write(to: &Connection, tokens: &[Row], audit: &[Row], groups: &[u32]) -> Outcome {
    let mut token = to.prepare(&insert_into("tokens", &tokens[0]))?;
    let mut entry = to.prepare(&insert_into("audit", &audit[0]))?;
    let mut left = tokens.iter();
    for (size, noted) in groups.iter().zip(audit) {
        to.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for row in left.by_ref().take(*size as usize) {
            token.execute(params_from_iter(row))?;
        }
        entry.execute(params_from_iter(noted))?;
        to.prepare_cached("COMMIT")?.execute([])?;
    }
    Ok(())
}

fn read(from: &Connection, query: &str) -> rusqlite::Result<Vec<Row>> {
    let mut query = from.prepare(query)?;
    let columns = query.column_count();
    query
        .query_map([], |row| (0..columns).map(|i| row.get(i)).collect())?
        .collect()
}

fn insert_into(table: &str, row: &Row) -> String {
    format!("INSERT INTO {table} VALUES ({})", places(row.len()))
}

/// `?, ?, ?`, for so many values.
pub fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}
