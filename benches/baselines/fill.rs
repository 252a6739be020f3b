//! Stores with many tokens.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use clap::Args;
use moneyer::{
    domain::{KeyId, PrivateKey, Selector, Token, TokenDigest},
    entropy::Entropy,
    keyring::SealingKey,
};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter, types::Value};

use crate::{Outcome, replay::places};

/// As a server has it that has indexed all of its tokens.
const INDEX: &str = "DELETE FROM digest_index;
    INSERT INTO digest_index SELECT substr(digest, 1, 8), id FROM tokens ORDER BY 1, 2;
    UPDATE digest_index_reach SET (indexed, indexing) = (SELECT max(id), max(id) FROM tokens);
    INSERT INTO live_index SELECT key_id, generation, id FROM live_newest ORDER BY 1, 2, 3;
    UPDATE live_index_reach SET indexed = (SELECT max(id) FROM tokens);";
/// Everything fits in memory while it is written: KiB.
const PAGE_CACHE_KIB: i64 = 6 * 1024 * 1024;

/// Add tokens to a store in which each key has minted one, and print how many
///
/// Each is like the one that its key minted, but for its digest and sealed copy: whatever columns a
/// token has, they hold what a server writes.
#[derive(Args)]
pub struct Fill {
    /// The store, which no server uses at present
    #[arg(long)]
    store: PathBuf,
    /// Its private keys, one a line
    #[arg(long)]
    keys: PathBuf,
    /// How many tokens to add
    #[arg(long)]
    tokens: usize,
    /// Tokens whose time has come: the second at which they expire, since the epoch
    #[arg(long)]
    expired_at: Option<i64>,
    /// The file that is to hold some of the tokens, one a line
    #[arg(long)]
    sample: PathBuf,
    /// How many of them
    #[arg(long)]
    sampled: usize,
}

/// A key, and the token that it minted: the columns' values.
struct Minter {
    sealing: SealingKey,
    token: Vec<Value>,
}

impl Fill {
    pub fn run(self) -> Outcome {
        let mut store = Connection::open(&self.store)?;
        // Nothing here is to survive a crash; what is measured later is.
        store.pragma_update(None, "journal_mode", "OFF")?;
        store.pragma_update(None, "synchronous", "OFF")?;
        store.pragma_update(None, "cache_size", -PAGE_CACHE_KIB)?;
        let filling = store.transaction()?;
        let indexes = take_indexes(&filling)?;
        let added = self.add(&filling)?;
        for index in indexes {
            filling.execute_batch(&index)?;
        }
        filling.execute_batch(INDEX)?;
        filling.commit()?;
        store.pragma_update(None, "journal_mode", "WAL")?;
        println!("{added}");
        Ok(())
    }

    fn add(&self, store: &Connection) -> Result<usize, Box<dyn std::error::Error>> {
        let columns = columns(store)?;
        let at = |name: &str| {
            let at = columns.get(name).copied();
            at.ok_or_else(|| format!("a token has no column {name}"))
        };
        let (id, digest, sealed) = (at("id")?, at("digest")?, at("sealed")?);
        let expires_at = at("expires_at")?;
        let mut minters = self.minters(store)?;
        let mut sample = BufWriter::new(File::create(&self.sample)?);
        let every = (self.tokens / self.sampled.max(1)).max(1);
        let insert = format!("INSERT INTO tokens VALUES ({})", places(columns.len()));
        let mut insert = store.prepare(&insert)?;
        for number in 0..self.tokens {
            let among = minters.len();
            let minter = &mut minters[number % among];
            let token = Entropy::Os.draw(Token::generate);
            let found_by = TokenDigest::of(&token);
            let copy = minter.sealing.seal(&token, &found_by);
            minter.token[id] = Value::Null;
            minter.token[digest] = Value::Blob(found_by.as_bytes().to_vec());
            minter.token[sealed] = Value::Blob(copy.as_bytes().to_vec());
            if let Some(second) = self.expired_at {
                minter.token[expires_at] = Value::Integer(second);
            }
            insert.execute(params_from_iter(&minter.token))?;
            if number % every == 0 && number / every < self.sampled {
                writeln!(sample, "{}", token.expose())?;
            }
        }
        sample.flush()?;
        Ok(self.tokens)
    }

    fn minters(&self, store: &Connection) -> Result<Vec<Minter>, Box<dyn std::error::Error>> {
        let mut tokens = store.prepare("SELECT * FROM tokens WHERE key_id = ?1 LIMIT 1")?;
        let mut key = store.prepare("SELECT id FROM keys WHERE selector = ?1")?;
        let mut minters = Vec::new();
        for line in fs::read_to_string(&self.keys)?.lines() {
            let private_key = PrivateKey::presented(line).ok_or("an empty private key")?;
            let selector = Selector::of(&private_key).to_i64();
            let id: i64 = key.query_row([selector], |row| row.get(0))?;
            let columns = tokens.column_count();
            let token: Option<Vec<Value>> = tokens
                .query_row([id], |row| (0..columns).map(|i| row.get(i)).collect())
                .optional()?;
            let token = token.ok_or("a key has not minted a token")?;
            let sealing = SealingKey::derive(&private_key, KeyId::from_i64(id));
            minters.push(Minter { sealing, token });
        }
        Ok(minters)
    }
}

/// The columns of a token: each name's place.
fn columns(store: &Connection) -> rusqlite::Result<HashMap<String, usize>> {
    let tokens = store.prepare("SELECT * FROM tokens")?;
    let names = tokens.column_names().map(str::to_owned);
    Ok(names.zip(0..).collect())
}

/// Drops the indexes of tokens that can be made again at the end, which is faster; gives their SQL.
fn take_indexes(store: &Connection) -> rusqlite::Result<Vec<String>> {
    let indexes = "SELECT name, sql FROM sqlite_schema
        WHERE type = 'index' AND tbl_name = 'tokens' AND sql IS NOT NULL";
    let indexes = store
        .prepare(indexes)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    for (name, _) in &indexes {
        store.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}
