//! Finding tokens by their digests, and by their public ids, with which those begin.

use std::{collections::HashSet, ops::Deref};

use rusqlite::{Connection, params};

use super::newest::{Newest, Span, reach};
use crate::domain::{TokenDigest, TokenId};

/// A connection, and what is remembered of the newest tokens in its file.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    connection: &'a Connection,
    newest: &'a Newest,
    sees: Sees,
}

/// What a connection sees of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sees {
    /// What is committed.
    Committed,
    /// Also what its own transaction has changed so far, which may yet be undone.
    OwnChanges,
}

impl<'a> Lookup<'a> {
    pub(super) fn on(connection: &'a Connection, newest: &'a Newest, sees: Sees) -> Self {
        Self {
            connection,
            newest,
            sees,
        }
    }

    /// What is remembered of the newest tokens.
    pub(super) fn newest(&self) -> &Newest {
        self.newest
    }

    /// What `read` makes of the first row for which it makes anything, out of those that may hold
    /// the token `id`. `read` has to look whether it does.
    pub(super) fn find<T>(
        &self,
        id: TokenId,
        mut read: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        match self.find_known(id, &mut read)? {
            (None, remembered) => match self.sees {
                Sees::Committed => self.find_in_snapshot(id, &mut read),
                Sees::OwnChanges => self.find_own(id, remembered, &mut read),
            },
            (found, _) => Ok(found),
        }
    }

    /// Among the newest of the span that is remembered, which is given too, and in the index.
    fn find_known<T>(
        &self,
        id: TokenId,
        read: &mut impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<(Option<T>, Span)> {
        let (mut rows, remembered) = self.newest.recall(id);
        if !rows.is_empty() {
            // Memory may lag, and the index be right that a token it had is as good as gone.
            let indexed = reach(self)?.after;
            rows.retain(|row| *row > indexed);
        }
        if let Some(found) = first(rows, read)? {
            return Ok((Some(found), remembered));
        }
        let rows = self
            .prepare_cached("SELECT token_id FROM digest_index WHERE start = ?1")?
            .query_map([id.to_bytes()], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok((first(rows, read)?, remembered))
    }

    /// What was not found may be newer than what is remembered, or have been put into the index
    /// between the two looks. In one snapshot it has to be in one of them, or, when it was put into
    /// the index since the snapshot began, among the rows that were.
    fn find_in_snapshot<T>(
        &self,
        id: TokenId,
        read: &mut impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        let _snapshot = self
            .is_autocommit()
            .then(|| self.unchecked_transaction())
            .transpose()?;
        self.newest.catch_up(self)?;
        match self.find_known(id, read)? {
            (None, remembered) => {
                let indexed = reach(self)?.after;
                first(self.scan(id, indexed, remembered.after)?, read)
            }
            (found, _) => Ok(found),
        }
    }

    /// Among the rows beyond what is remembered, which this transaction may have added itself.
    fn find_own<T>(
        &self,
        id: TokenId,
        remembered: Span,
        read: &mut impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        self.newest.note_lag();
        let beyond = remembered.to.max(reach(self)?.after);
        first(self.scan(id, beyond, i64::MAX)?, read)
    }

    /// The rows above `after`, up to `to`, that may hold the token `id`, row by row.
    fn scan(&self, id: TokenId, after: i64, to: i64) -> rusqlite::Result<Vec<i64>> {
        if after >= to {
            return Ok(Vec::new());
        }
        self.prepare_cached(
            "SELECT id FROM tokens WHERE id > ?1 AND id <= ?2 AND substr(digest, 1, 8) = ?3",
        )?
        .query_map(params![after, to, id.to_bytes()], |row| row.get(0))?
        .collect()
    }
}

impl Deref for Lookup<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// What `read` makes of the first row for which it makes anything.
fn first<T>(
    rows: Vec<i64>,
    read: &mut impl FnMut(i64) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Option<T>> {
    for row in rows {
        if let Some(found) = read(row)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Which tokens are kept, for asking about many: as of when it was made.
pub(super) struct KnownTokens<'a> {
    connection: &'a Connection,
    /// Those that are not in the index.
    newest: HashSet<TokenDigest>,
}

impl<'a> KnownTokens<'a> {
    pub(super) fn of(connection: &'a Connection) -> rusqlite::Result<Self> {
        let newest = connection
            .prepare_cached("SELECT digest FROM tokens WHERE id > ?1")?
            .query_map([reach(connection)?.after], |row| {
                row.get(0).map(TokenDigest::from_bytes)
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { connection, newest })
    }

    /// Whether there is a token with this digest; what has been put into the index since then
    /// counts too.
    pub(super) fn has(&self, digest: &TokenDigest) -> rusqlite::Result<bool> {
        if self.newest.contains(digest) {
            return Ok(true);
        }
        self.connection
            .prepare_cached(
                "SELECT 1 FROM digest_index d JOIN tokens t ON t.id = d.token_id
                 WHERE d.start = ?1 AND t.digest = ?2",
            )?
            .exists(params![TokenId::of(digest).to_bytes(), digest.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::OptionalExtension as _;
    use tempfile::TempDir;

    use super::*;
    use crate::store::sqlite::open::connect_plain;

    /// A store's file, with a key.
    fn file() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder);
        connection
            .execute_batch(concat!(
                "PRAGMA journal_mode = WAL;",
                include_str!("../../../schema.sql"),
                "INSERT INTO accounts (id, name, created_at) VALUES (1, '', 1);
                 INSERT INTO keys (id, account_id, selector, phc, role, label, created_at)
                     VALUES (1, 1, 1, '', 'mint', '', 1)"
            ))
            .unwrap();
        folder
    }

    fn connect(folder: &TempDir) -> Connection {
        connect_plain(
            &folder.path().join("moneyer.db"),
            rusqlite::OpenFlags::default(),
        )
        .unwrap()
    }

    fn insert(connection: &Connection, byte: u8) {
        connection
            .execute(
                "INSERT INTO tokens (digest, key_id, created_at) VALUES (?1, 1, 1)",
                [[byte; 32]],
            )
            .unwrap();
    }

    fn find(lookup: Lookup<'_>, byte: u8) -> Option<i64> {
        let digest = [byte; 32];
        let read = |row| {
            lookup
                .prepare_cached("SELECT id FROM tokens WHERE id = ?1 AND digest = ?2")?
                .query_row(params![row, digest], |row| row.get(0))
                .optional()
        };
        let id = TokenId::of(&TokenDigest::from_bytes(digest));
        lookup.find(id, read).unwrap()
    }

    #[test]
    fn a_snapshot_from_before_an_indexing_finds_what_was_indexed_since() {
        let folder = file();
        let [old, other] = [connect(&folder), connect(&folder)];
        let newest = Newest::default();
        let look = |connection| Lookup::on(connection, &newest, Sees::Committed);
        insert(&other, 1);
        insert(&other, 2);
        let snapshot = old.unchecked_transaction().unwrap();
        assert_eq!(find(look(&old), 1), Some(1));
        other
            .execute_batch(
                "INSERT INTO digest_index SELECT substr(digest, 1, 8), id FROM tokens;
                 UPDATE digest_index_reach SET indexed = 2, indexing = 2",
            )
            .unwrap();
        newest.catch_up(&other).unwrap();
        assert_eq!(newest.count(), 0);
        for connection in [&old, &other] {
            assert_eq!(
                [1, 2].map(|byte| find(look(connection), byte)),
                [Some(1), Some(2)]
            );
        }
        drop(snapshot);
        assert_eq!(find(look(&old), 2), Some(2));
    }

    #[test]
    fn a_row_that_was_undone_is_not_taken_for_the_one_that_got_its_number() {
        let folder = file();
        let [writer, reader] = [connect(&folder), connect(&folder)];
        let newest = Newest::default();
        let own = Lookup::on(&writer, &newest, Sees::OwnChanges);
        let committed = Lookup::on(&reader, &newest, Sees::Committed);
        insert(&writer, 1);
        let undone = writer.unchecked_transaction().unwrap();
        insert(&writer, 2);
        assert_eq!((find(own, 2), find(committed, 2)), (Some(2), None));
        drop(undone);
        assert_eq!(find(own, 2), None);
        insert(&writer, 3);
        for lookup in [own, committed] {
            assert_eq!(
                [1, 2, 3].map(|byte| find(lookup, byte)),
                [Some(1), None, Some(2)]
            );
        }
    }

    #[test]
    fn rows_that_another_connection_remembers_meanwhile_are_found_too() {
        let folder = file();
        let [writer, reader] = [connect(&folder), connect(&folder)];
        let newest = Newest::default();
        let own = Lookup::on(&writer, &newest, Sees::OwnChanges);
        insert(&writer, 1);
        let id = TokenId::of(&TokenDigest::from_bytes([1; 32]));
        // Between the look at what is remembered and that at what is not.
        let (_, remembered) = newest.recall(id);
        newest.catch_up(&reader).unwrap();
        let mut read = |row| Ok(Some(row));
        let found = own.find_own(id, remembered, &mut read).unwrap();
        assert_eq!(found, Some(1));
    }

    #[test]
    fn the_writer_catches_up_once_it_had_to_go_through_rows_and_not_before() {
        let folder = file();
        let writer = connect(&folder);
        let newest = Newest::default();
        let own = Lookup::on(&writer, &newest, Sees::OwnChanges);
        insert(&writer, 1);
        newest.catch_up_if_needed(&writer).unwrap();
        assert_eq!((newest.count(), find(own, 1)), (0, Some(1)));
        newest.catch_up_if_needed(&writer).unwrap();
        insert(&writer, 2);
        newest.catch_up_if_needed(&writer).unwrap();
        assert_eq!(newest.count(), 1);
    }
}
