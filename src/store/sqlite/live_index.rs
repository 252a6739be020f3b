//! Putting the newest tokens into the index of live ones, and taking expired ones out: many at
//! once, so that those of one key share the pages that are written.

use rusqlite::params;

use super::{Sqlite, work::Work};
use crate::{
    domain::{Change, Event},
    error::Error,
    store::LiveEntry,
};

/// How many rows may be beyond its reach before some are put in. Whatever goes through a key's
/// tokens looks at all of these, too.
pub(super) const MANY: i64 = 2000;
/// So many are many where they are counted by each mint.
const MANY_TO_COUNT: i64 = 250;
/// The keys are so many parts, which are put in one at a time.
const PARTS: usize = 4;

/// The part of the keys whose tokens wait longest, and how many rows are beyond its reach.
const FURTHEST_BEHIND: &str =
    "SELECT part, (SELECT coalesce(max(id), 0) FROM tokens) - min(indexed) FROM live_index_reach";
// One that is there against all rules must not keep others from being minted.
const PUT_IN: &str = "INSERT OR IGNORE INTO live_index SELECT key_id, generation, id FROM tokens
    WHERE id > (SELECT indexed FROM live_index_reach WHERE part = ?1) AND key_id & 3 = ?1
    AND ended_at IS NULL ORDER BY key_id, generation, id";
const REACH_ALL: &str =
    "UPDATE live_index_reach SET indexed = (SELECT max(id) FROM tokens) WHERE part = ?1";
const EXPIRED_ENTRIES: &str = "SELECT key_id, generation, token_id FROM live_index_expired
    WHERE token_id > ?1 ORDER BY token_id LIMIT ?2";
const TAKE_OUT: &str =
    "DELETE FROM live_index WHERE key_id = ?1 AND generation = ?2 AND token_id = ?3";
const FORGET: &str = "DELETE FROM live_index_expired WHERE token_id = ?1";

/// Once `many` rows are beyond its reach, puts in the tokens of the part of the keys that is
/// furthest behind; of further parts too, while twice as many are. Only a transaction that adds
/// tokens has reason to.
pub(super) fn keep_up(work: &Work<'_>, many: i64) -> rusqlite::Result<()> {
    if !work.changes().iter().any(adds_tokens) {
        return Ok(());
    }
    let many = if work.has_counted() {
        many.min(MANY_TO_COUNT)
    } else {
        many
    };
    for _ in 0..PARTS {
        let (part, beyond): (i64, i64) = work
            .prepare_cached(FURTHEST_BEHIND)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if beyond < many {
            break;
        }
        work.prepare_cached(PUT_IN)?.execute([part])?;
        work.prepare_cached(REACH_ALL)?.execute([part])?;
        if beyond < 2 * many {
            break;
        }
    }
    Ok(())
}

fn adds_tokens(change: &Change) -> bool {
    matches!(
        change.event,
        Event::TokensMinted { .. } | Event::TokensImported { .. }
    )
}

impl Sqlite {
    pub(in crate::store) async fn expired_entries(
        &self,
        after: Option<LiveEntry>,
        limit: u32,
    ) -> Result<Vec<LiveEntry>, Error> {
        self.read(move |lookup| {
            let after = after.map_or(0, |last| last.row);
            lookup
                .prepare_cached(EXPIRED_ENTRIES)?
                .query_map(params![after, limit], |row| {
                    Ok(LiveEntry {
                        key: row.get(0)?,
                        generation: row.get(1)?,
                        row: row.get(2)?,
                    })
                })?
                .collect()
        })
        .await
    }

    pub(in crate::store) async fn take_out_expired(
        &self,
        entries: Vec<LiveEntry>,
    ) -> Result<(), Error> {
        // They lead to ended tokens still: none begins again, and no row's number goes to another.
        self.write_without_savepoint(move |connection| {
            let mut take_out = connection.prepare_cached(TAKE_OUT)?;
            entries.iter().try_for_each(|entry| {
                let place = params![entry.key, entry.generation, entry.row];
                take_out.execute(place).map(drop)
            })
        })
        .await
    }

    pub(in crate::store) async fn forget_expired(
        &self,
        entries: Vec<LiveEntry>,
    ) -> Result<(), Error> {
        self.write_without_savepoint(move |connection| {
            let mut forget = connection.prepare_cached(FORGET)?;
            entries
                .iter()
                .try_for_each(|entry| forget.execute([entry.row]).map(drop))
        })
        .await
    }
}
