//! Going through a list from a place in it, either way.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params, types::Value};

use crate::{
    domain::AccountId,
    store::{Direction, Listing, Page, Start},
};

/// A list: the rows of `table` that are `among` those of the account `:account`, in the order of
/// `key`, and those alike in the order of `id`.
pub(super) struct List<'a> {
    pub(super) columns: &'a str,
    pub(super) table: &'a str,
    pub(super) among: &'a str,
    pub(super) key: &'a str,
    pub(super) id: &'a str,
    /// Gives the list's key and id of the row with a number, if it is an account's.
    pub(super) find: &'a str,
}

/// An end of a list's part: the key and the id of what stands there.
type Place = (Value, i64);

/// How the part of a list that a page asks for is gone through.
pub(super) struct Course<Id> {
    /// How many are passed over.
    pub(super) skip: u32,
    /// Beside what it begins.
    pub(super) cursor: Option<Id>,
    /// How many are wanted.
    pub(super) limit: u32,
    /// Away from where it begins.
    pub(super) way: Direction,
    /// Which way the list itself runs.
    direction: Direction,
}

impl<Id> Course<Id> {
    pub(super) fn of(page: Page<Id>) -> Self {
        let (limit, direction) = (page.limit, page.direction);
        let (skip, cursor, way) = match page.start {
            Start::Skip(skip) => (skip, None, direction),
            Start::After(id) => (0, Some(id), direction),
            Start::Before(id) => (0, Some(id), direction.opposite()),
        };
        Self {
            skip,
            cursor,
            limit,
            way,
            direction,
        }
    }

    /// What was found on the way, as the list has it.
    pub(super) fn in_order<T>(&self, mut found: Vec<T>) -> Vec<T> {
        if self.way != self.direction {
            found.reverse();
        }
        found
    }
}

/// How what comes later is told, and the order of rows, in either direction.
const UP: (&str, &str) = (">", "ASC");
const DOWN: (&str, &str) = ("<", "DESC");

impl List<'_> {
    /// The part of the list that `page` asks for; `row_of` finds the row of what an id names.
    pub(super) fn part<Id: Copy, T>(
        &self,
        connection: &Connection,
        account: AccountId,
        page: Page<Id>,
        row_of: impl Fn(Id) -> rusqlite::Result<Option<i64>>,
        further: &[(&str, &dyn ToSql)],
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Listing<T, Id>> {
        let course = Course::of(page);
        let place = match course.cursor {
            None => None,
            Some(id) => {
                let row = row_of(id)?;
                let place = row
                    .map(|row| self.place(connection, account, row))
                    .transpose()?;
                match place.flatten() {
                    None => return Ok(Listing::CursorUnknown(id)),
                    place => place,
                }
            }
        };
        let order = match course.way {
            Direction::Ascending => UP,
            Direction::Descending => DOWN,
        };
        let sql = self.sql(order, place.as_ref());
        let account = account.to_i64();
        let mut parameters = further.to_vec();
        parameters.extend([
            (":account", &account as &dyn ToSql),
            (":limit", &course.limit),
        ]);
        parameters.push((":skip", &course.skip));
        if let Some((key, id)) = &place {
            parameters.extend([(":key", key as &dyn ToSql), (":id", id)]);
        }
        let rows: Vec<T> = connection
            .prepare_cached(&sql)?
            .query_map(&*parameters, read)?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Listing::Rows(course.in_order(rows)))
    }

    /// Chooses rows by their ids first: what is sorted, however much it is, is short then.
    fn sql(&self, (after, order): (&str, &str), place: Option<&Place>) -> String {
        let (columns, table, among) = (self.columns, self.table, self.among);
        let (key, id) = (self.key, self.id);
        let from = place.map(|_| format!("AND ({key}, {id}) {after} (:key, :id)"));
        let from = from.unwrap_or_default();
        let sorted = format!("ORDER BY {key} {order}, {id} {order}");
        format!(
            "SELECT {columns} FROM {table} WHERE {id} IN
             (SELECT {id} FROM {among} {from} {sorted} LIMIT :limit OFFSET :skip) {sorted}"
        )
    }

    fn place(
        &self,
        connection: &Connection,
        account: AccountId,
        row: i64,
    ) -> rusqlite::Result<Option<Place>> {
        connection
            .prepare_cached(self.find)?
            .query_row(params![account.to_i64(), row], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
    }
}
