//! Going through a list from a place in it, either way.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params, types::Value};

use crate::{
    domain::AccountId,
    store::{Direction, Listing, Page, Start},
};

/// A list: the rows that `select` selects for the account `:account`, in the order of `key`, and
/// those alike in the order of `id`.
pub(super) struct List<'a> {
    pub(super) select: &'a str,
    pub(super) key: &'a str,
    pub(super) id: &'a str,
    /// Finds the object that ids name: gives the list's key and id, given an account and the least
    /// and the greatest of what it may be found by.
    pub(super) find: &'a str,
}

/// An end of a list's part: the key and the id of what stands there.
type Place = (Value, i64);

impl List<'_> {
    /// The part of the list that `page` asks for; `ids` are the least and the greatest of what an
    /// object is found by.
    pub(super) fn part<Id: Copy, Bound: ToSql, T>(
        &self,
        connection: &Connection,
        account: AccountId,
        page: Page<Id>,
        ids: fn(Id) -> [Bound; 2],
        further: &[(&str, &dyn ToSql)],
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Listing<T, Id>> {
        let (place, skip, backwards) = match page.start {
            Start::Skip(skip) => (None, skip, false),
            Start::After(id) => (Some(id), 0, false),
            Start::Before(id) => (Some(id), 0, true),
        };
        let place = match place {
            None => None,
            Some(id) => match self.place(connection, account, ids(id))? {
                None => return Ok(Listing::CursorUnknown(id)),
                place => place,
            },
        };
        let ascending = (page.direction == Direction::Ascending) != backwards;
        let (after, order) = if ascending {
            (">", "ASC")
        } else {
            ("<", "DESC")
        };
        let (key, id) = (self.key, self.id);
        let from = place
            .as_ref()
            .map(|_| format!("AND ({key}, {id}) {after} (:key, :id)"));
        let sql = format!(
            "{} {} ORDER BY {key} {order}, {id} {order} LIMIT :limit OFFSET :skip",
            self.select,
            from.unwrap_or_default(),
        );
        let account = account.to_i64();
        let fixed: [(&str, &dyn ToSql); 3] = [
            (":account", &account),
            (":limit", &page.limit),
            (":skip", &skip),
        ];
        let mut parameters = [&fixed, further].concat();
        if let Some((key, id)) = &place {
            parameters.push((":key", key));
            parameters.push((":id", id));
        }
        let mut rows: Vec<T> = connection
            .prepare_cached(&sql)?
            .query_map(&*parameters, read)?
            .collect::<rusqlite::Result<_>>()?;
        if backwards {
            rows.reverse();
        }
        Ok(Listing::Rows(rows))
    }

    fn place<Bound: ToSql>(
        &self,
        connection: &Connection,
        account: AccountId,
        [least, greatest]: [Bound; 2],
    ) -> rusqlite::Result<Option<Place>> {
        connection
            .prepare_cached(self.find)?
            .query_row(params![account.to_i64(), least, greatest], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
    }
}
