//! Tokens chosen by what they have in common, for operators: listing them, ending them.

use std::iter;

use rusqlite::{Connection, OptionalExtension as _, Row, Rows, Statement, ToSql, params};

use super::{
    Sqlite,
    lookup::Lookup,
    settings::{settings_at, usage_at},
    tokens::{IS_PROTECTED, good_of_key},
    work::Work,
};
use crate::{
    domain::{AccountId, Actor, Event, KeyId, Timestamp, TokenDigest, TokenId},
    error::Error,
    store::{Altered, EndedTokens, Selected, Selection, TokenPage, TokenRow},
};

/// The tokens `t` with a property that a selection names, each with how it was used.
macro_rules! selected {
    ($among:expr, $good:expr) => {
        concat!(
            $among,
            " LEFT JOIN uses ON uses.token_id = t.id WHERE ",
            $good,
            "
            AND (:unused_since IS NULL
                OR coalesce(uses.last_used_at, t.imported_at, t.created_at) <= :unused_since)
            AND (:expiring_until IS NULL OR t.expires_at <= :expiring_until)
            AND (:tag IS NULL OR (json_valid(t.settings)
                AND EXISTS (SELECT 1 FROM json_each(t.settings, '$.tags') WHERE value = :tag)))"
        )
    };
}

/// The good tokens of the key `:key` that the index has.
const INDEXED: &str = selected!("live_indexed t", good_of_key!(":key", ":now"));
/// The good tokens that it does not reach yet, of whatever key is meant.
const NEWEST: &str = selected!(
    "live_newest t CROSS JOIN keys k ON k.id = t.key_id
     CROSS JOIN accounts a ON a.id = k.account_id AND a.generation = t.generation",
    "(:key IS NULL OR k.id = :key) AND (:account IS NULL OR a.id = :account)
     AND (t.expires_at IS NULL OR t.expires_at > :now)"
);

/// The columns of a [`TokenRow`].
const COLUMNS: &str = "t.settings, uses.verifications, uses.last_used_at, t.digest, t.key_id,
    t.created_at, t.expires_at";

/// The first of those of [`INDEXED`] that are older than the row `:before`.
fn indexed_of_page() -> String {
    format!("SELECT {COLUMNS} FROM {INDEXED} AND t.id < :before ORDER BY t.id DESC LIMIT :limit")
}

/// The first of those of [`NEWEST`] that come after the row `:before` of the key `:at`.
fn newest_of_page() -> String {
    format!(
        "SELECT {COLUMNS} FROM {NEWEST}
         AND (t.key_id > :at OR (t.key_id = :at AND t.id < :before))
         ORDER BY t.key_id, t.id DESC LIMIT :limit"
    )
}

/// What stands in the place of a note that cannot be read.
const DAMAGED: &str = "(its settings are damaged)";

impl Sqlite {
    pub(in crate::store) async fn list_selected(
        &self,
        selection: Selection,
        after: Option<TokenId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<TokenPage, Error> {
        self.read(move |lookup| {
            let snapshot = lookup.unchecked_transaction()?;
            let place = match after {
                None => (i64::MIN, i64::MAX),
                Some(id) => match place_of(lookup, id)? {
                    None => return Ok(TokenPage::CursorUnknown),
                    Some(place) => place,
                },
            };
            let rows = page(&snapshot, &selection, place, limit, now)?;
            Ok(TokenPage::Tokens(rows))
        })
        .await
    }

    pub(in crate::store) async fn count_selected(
        &self,
        selection: Selection,
        now: Timestamp,
    ) -> Result<Selected, Error> {
        self.read(move |connection| {
            let snapshot = connection.unchecked_transaction()?;
            Ok(Chosen::find(&snapshot, &selection, now)?.count())
        })
        .await
    }

    pub(in crate::store) async fn disable_selected(
        &self,
        selection: Selection,
        expected: u64,
        now: Timestamp,
    ) -> Result<EndedTokens, Error> {
        self.write(move |work| {
            let chosen = Chosen::find(work, &selection, now)?;
            let count = chosen.count();
            if count.endable != expected {
                return Ok(EndedTokens::CountDiffers(count));
            }
            chosen.end(work, now)?;
            Ok(EndedTokens::Done(count))
        })
        .await
    }
}

/// The tokens that a selection names, the protected ones apart.
struct Chosen {
    endable: Vec<(i64, TokenId)>,
    protected: u64,
}

impl Chosen {
    fn find(
        connection: &Connection,
        selection: &Selection,
        now: Timestamp,
    ) -> rusqlite::Result<Self> {
        let mut chosen = Self {
            endable: Vec::new(),
            protected: 0,
        };
        let mut asked = Asked::of(selection, now);
        chosen.add(connection, NEWEST, &asked)?;
        for key in keys_of(connection, selection)? {
            asked.key = Some(key.to_i64());
            chosen.add(connection, INDEXED, &asked)?;
        }
        Ok(chosen)
    }

    fn add(
        &mut self,
        connection: &Connection,
        some: &str,
        asked: &Asked<'_>,
    ) -> rusqlite::Result<()> {
        let sql = format!("SELECT t.id, t.digest, {IS_PROTECTED} FROM {some}");
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = asked.query(&mut select)?;
        while let Some(row) = rows.next()? {
            if row.get(2)? {
                self.protected += 1;
            } else {
                let digest = TokenDigest::from_bytes(row.get(1)?);
                self.endable.push((row.get(0)?, TokenId::of(&digest)));
            }
        }
        Ok(())
    }

    fn count(&self) -> Selected {
        Selected {
            endable: self.endable.len() as u64,
            protected: self.protected,
        }
    }

    fn end(self, work: &Work<'_>, now: Timestamp) -> rusqlite::Result<()> {
        if self.endable.is_empty() {
            return Ok(());
        }
        let mut update = work.prepare_cached("UPDATE tokens SET ended_at = ?2 WHERE id = ?1")?;
        for (id, _) in &self.endable {
            update.execute(params![id, now.seconds()])?;
        }
        let tokens = self.endable.into_iter().map(|(_, token)| token).collect();
        work.record(Actor::CommandLine, now, Event::TokensDisabled { tokens });
        work.altered(Altered::Tokens);
        Ok(())
    }
}

/// What the parameters of the statements above stand for.
struct Asked<'a> {
    key: Option<i64>,
    account: Option<i64>,
    now: i64,
    unused_since: Option<i64>,
    expiring_until: Option<i64>,
    tag: Option<&'a str>,
    at: i64,
    before: i64,
    limit: u32,
}

impl<'a> Asked<'a> {
    fn of(selection: &'a Selection, now: Timestamp) -> Self {
        Self {
            key: selection.key.map(KeyId::to_i64),
            account: selection.account.map(AccountId::to_i64),
            now: now.seconds(),
            unused_since: selection.unused_since.map(Timestamp::seconds),
            expiring_until: selection.expiring_until.map(Timestamp::seconds),
            tag: selection.tag.as_deref(),
            at: i64::MIN,
            before: i64::MAX,
            limit: u32::MAX,
        }
    }

    /// Runs `statement` with those of the parameters that it names.
    fn query<'s>(&self, statement: &'s mut Statement<'_>) -> rusqlite::Result<Rows<'s>> {
        let named: [(_, &dyn ToSql); 9] = [
            (":key", &self.key),
            (":account", &self.account),
            (":now", &self.now),
            (":unused_since", &self.unused_since),
            (":expiring_until", &self.expiring_until),
            (":tag", &self.tag),
            (":at", &self.at),
            (":before", &self.before),
            (":limit", &self.limit),
        ];
        for (name, value) in named {
            if let Some(place) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(place, value)?;
            }
        }
        Ok(statement.raw_query())
    }

    fn read(&self, connection: &Connection, sql: &str) -> rusqlite::Result<Vec<TokenRow>> {
        let mut select = connection.prepare_cached(sql)?;
        self.query(&mut select)?.mapped(token_row).collect()
    }
}

/// The keys whose tokens may be meant, in the order of their ids.
fn keys_of(connection: &Connection, selection: &Selection) -> rusqlite::Result<Vec<KeyId>> {
    connection
        .prepare_cached(
            "SELECT id FROM keys
             WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR account_id = ?2) ORDER BY id",
        )?
        .query_map(
            params![
                selection.key.map(KeyId::to_i64),
                selection.account.map(AccountId::to_i64)
            ],
            |row| row.get(0).map(KeyId::from_i64),
        )?
        .collect()
}

/// The key and the row of the token with this id, whatever has become of it.
fn place_of(lookup: &Lookup<'_>, id: TokenId) -> rusqlite::Result<Option<(i64, i64)>> {
    lookup.find(id, |row| {
        lookup
            .prepare_cached(
                "SELECT key_id, id FROM tokens WHERE id = ?1 AND substr(digest, 1, 8) = ?2",
            )?
            .query_row(params![row, id.to_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
    })
}

/// The tokens that follow those of the key `at` from the row `before` on: key by key, of each the
/// newest first. Each key's are found by the index, so that a page costs the same wherever it is.
fn page(
    connection: &Connection,
    selection: &Selection,
    (at, before): (i64, i64),
    limit: u32,
    now: Timestamp,
) -> rusqlite::Result<Vec<TokenRow>> {
    let mut asked = Asked {
        at,
        before,
        limit,
        ..Asked::of(selection, now)
    };
    let newest = asked.read(connection, &newest_of_page())?;
    let mut newest = newest.into_iter().peekable();
    let indexed = indexed_of_page();
    let mut rows = Vec::new();
    for key in keys_of(connection, selection)? {
        if key.to_i64() < at {
            continue;
        }
        let room = limit as usize - rows.len();
        rows.extend(iter::from_fn(|| newest.next_if(|row| row.key == key)).take(room));
        asked.key = Some(key.to_i64());
        asked.before = if key.to_i64() == at { before } else { i64::MAX };
        let room = limit as usize - rows.len();
        if room == 0 {
            break;
        }
        asked.limit = u32::try_from(room).unwrap_or(limit);
        rows.extend(asked.read(connection, &indexed)?);
    }
    Ok(rows)
}

/// The note among the settings in a column of `row`. A token whose settings are damaged is listed
/// too: so it can be found, and ended.
pub(super) fn note_at(row: &Row<'_>, column: usize) -> String {
    settings_at(row, column).map_or_else(|_| DAMAGED.to_owned(), |it| it.note().to_owned())
}

fn token_row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let tags = settings_at(row, 0).map_or_else(|_| Vec::new(), |it| it.tags().to_vec());
    Ok(TokenRow {
        id: TokenId::of(&TokenDigest::from_bytes(row.get(3)?)),
        key: KeyId::from_i64(row.get(4)?),
        tags,
        note: note_at(row, 0),
        created_at: Timestamp::from_seconds(row.get(5)?),
        expires_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_seconds),
        usage: usage_at(row, 1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::plans::{self, plan},
        *,
    };

    #[test]
    fn a_keys_tokens_are_gone_through_by_the_index_and_those_that_it_lacks_once() {
        let tags = "SCAN json_each VIRTUAL TABLE INDEX 3:";
        let indexed = [
            "SEARCH i USING PRIMARY KEY (key_id=? AND generation=? AND token_id<?)",
            tags,
        ];
        let [newest, reach] = plans::NEWEST;
        assert_eq!(plan(&indexed_of_page()), indexed);
        assert_eq!(
            plan(&newest_of_page()),
            [newest, reach, tags, "USE TEMP B-TREE FOR ORDER BY"]
        );
    }
}
