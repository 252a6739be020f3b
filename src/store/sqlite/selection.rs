//! Tokens chosen by what they have in common, for operators: listing them, ending them.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::{
    Sqlite,
    lookup::Lookup,
    settings::{settings_at, usage_at},
    tokens::{IS_PROTECTED, good_tokens},
    work::Work,
};
use crate::{
    domain::{AccountId, Actor, Event, KeyId, Timestamp, TokenDigest, TokenId},
    error::Error,
    store::{Altered, EndedTokens, Selected, Selection, TokenPage, TokenRow},
};

/// The good tokens that a selection names; `:now` and its other parameters are bound by name.
const SELECTED: &str = concat!(
    good_tokens!(":key", ":now"),
    "
    AND (:unused_since IS NULL OR coalesce(last_used_at, imported_at, created_at) <= :unused_since)
    AND (:expiring_until IS NULL OR expires_at <= :expiring_until)
    AND (:tag IS NULL OR (json_valid(settings)
        AND EXISTS (SELECT 1 FROM json_each(settings, '$.tags') WHERE value = :tag)))"
);

/// The tokens, each with how it was used.
const WITH_USES: &str = "tokens LEFT JOIN uses ON uses.token_id = tokens.id";

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
            let mut place = match after {
                None => None,
                Some(id) => match place_of(lookup, id)? {
                    None => return Ok(TokenPage::CursorUnknown),
                    place => place,
                },
            };
            let mut rows = Vec::new();
            // Key by key, each by its index, so that a page costs the same wherever it is.
            for key in keys_of(&snapshot, &selection)? {
                let before = match place {
                    Some((at, _)) if key.to_i64() < at => continue,
                    Some((at, before)) if key.to_i64() == at => before,
                    _ => i64::MAX,
                };
                place = None;
                let room = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
                rows.extend(page(&snapshot, &selection, key, before, room, now)?);
                if rows.len() >= limit as usize {
                    break;
                }
            }
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
        let sql = format!("SELECT id, digest, {IS_PROTECTED} FROM {WITH_USES} WHERE {SELECTED}");
        let mut select = connection.prepare_cached(&sql)?;
        for key in keys_of(connection, selection)? {
            let bound = Bound::of(selection, key, now);
            let mut rows = select.query(&bound.named()[..])?;
            while let Some(row) = rows.next()? {
                if row.get(2)? {
                    chosen.protected += 1;
                } else {
                    let digest = TokenDigest::from_bytes(row.get(1)?);
                    chosen.endable.push((row.get(0)?, TokenId::of(&digest)));
                }
            }
        }
        Ok(chosen)
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

/// What the parameters of [`SELECTED`] stand for.
struct Bound<'a> {
    key: i64,
    now: i64,
    unused_since: Option<i64>,
    expiring_until: Option<i64>,
    tag: Option<&'a str>,
}

impl<'a> Bound<'a> {
    fn of(selection: &'a Selection, key: KeyId, now: Timestamp) -> Self {
        Self {
            key: key.to_i64(),
            now: now.seconds(),
            unused_since: selection.unused_since.map(Timestamp::seconds),
            expiring_until: selection.expiring_until.map(Timestamp::seconds),
            tag: selection.tag.as_deref(),
        }
    }

    fn named(&self) -> [(&'static str, &dyn ToSql); 5] {
        [
            (":key", &self.key),
            (":now", &self.now),
            (":unused_since", &self.unused_since),
            (":expiring_until", &self.expiring_until),
            (":tag", &self.tag),
        ]
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

fn page(
    connection: &Connection,
    selection: &Selection,
    key: KeyId,
    before: i64,
    limit: u32,
    now: Timestamp,
) -> rusqlite::Result<Vec<TokenRow>> {
    let sql = format!(
        "SELECT settings, verifications, last_used_at, digest, key_id, created_at, expires_at
         FROM {WITH_USES} WHERE id < :before AND {SELECTED}
         ORDER BY id DESC LIMIT :limit"
    );
    let bound = Bound::of(selection, key, now);
    let further: [(&str, &dyn ToSql); 2] = [(":before", &before), (":limit", &limit)];
    let parameters = [&bound.named()[..], &further].concat();
    connection
        .prepare_cached(&sql)?
        .query_map(&*parameters, token_row)?
        .collect()
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
