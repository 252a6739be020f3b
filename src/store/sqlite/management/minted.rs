//! Going through an account's good tokens in the order of minting: key by key, each by its index,
//! so that a part of the list costs the same however many tokens there are.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::walk::Course;
use crate::{
    domain::{AccountId, Timestamp, TokenId},
    store::{
        AccessTokenRow, Direction, Listing, Page,
        sqlite::{lookup::Lookup, tokens::good_tokens},
    },
};

/// The good tokens of a key between two places, exclusive, the first minted first or last.
macro_rules! walk {
    ($order:literal) => {
        concat!(
            "SELECT id FROM tokens WHERE id > :from AND id < :to AND ",
            good_tokens!(":key", ":now"),
            " ORDER BY id ",
            $order,
            " LIMIT :limit"
        )
    };
}
const UP: &str = walk!("ASC");
const DOWN: &str = walk!("DESC");

/// The part of the list that `page` asks for; `read` finds the rows with these numbers.
pub(super) fn part(
    lookup: &Lookup<'_>,
    account: AccountId,
    page: Page<TokenId>,
    now: Timestamp,
    read: fn(&Connection, i64) -> rusqlite::Result<AccessTokenRow>,
) -> rusqlite::Result<Listing<AccessTokenRow, TokenId>> {
    let course = Course::of(page);
    let place = match course.cursor {
        None => None,
        Some(id) => match place(lookup, account, id)? {
            None => return Ok(Listing::CursorUnknown(id)),
            place => place,
        },
    };
    let found = Nearest::find(lookup, account, &course, place, now)?;
    let passed = course.skip as usize;
    let rows = found.iter().skip(passed).map(|id| read(lookup, *id));
    let rows = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Listing::Rows(course.in_order(rows)))
}

/// The row of the token with this id, whatever has become of it, if the account has it.
pub(super) fn place(
    lookup: &Lookup<'_>,
    account: AccountId,
    id: TokenId,
) -> rusqlite::Result<Option<i64>> {
    lookup.find(id, |row| {
        lookup
            .prepare_cached(
                "SELECT t.id FROM tokens t JOIN keys k ON k.id = t.key_id
                 WHERE k.account_id = ?1 AND t.id = ?2 AND substr(t.digest, 1, 8) = ?3",
            )?
            .query_row(params![account.to_i64(), row, id.to_bytes()], |row| {
                row.get(0)
            })
            .optional()
    })
}

/// The tokens that come first from a place on, as far as the keys were gone through.
struct Nearest {
    ids: Vec<i64>,
    wanted: usize,
    way: Direction,
    /// Between these the next key's are of interest.
    from: i64,
    to: i64,
}

impl Nearest {
    fn find(
        connection: &Connection,
        account: AccountId,
        course: &Course<TokenId>,
        place: Option<i64>,
        now: Timestamp,
    ) -> rusqlite::Result<Vec<i64>> {
        let (sql, from, to) = match course.way {
            Direction::Ascending => (UP, place.unwrap_or(i64::MIN), i64::MAX),
            Direction::Descending => (DOWN, i64::MIN, place.unwrap_or(i64::MAX)),
        };
        let mut nearest = Self {
            ids: Vec::new(),
            wanted: course.skip as usize + course.limit as usize,
            way: course.way,
            from,
            to,
        };
        let limit = i64::from(course.skip) + i64::from(course.limit);
        let mut keys = connection.prepare_cached("SELECT id FROM keys WHERE account_id = ?1")?;
        let mut keys = keys.query([account.to_i64()])?;
        let mut walk = connection.prepare_cached(sql)?;
        while let Some(key) = keys.next()? {
            let key: i64 = key.get(0)?;
            let found = walk.query_map(
                named_params! {
                    ":key": key, ":now": now.seconds(), ":limit": limit,
                    ":from": nearest.from, ":to": nearest.to,
                },
                |row| row.get(0),
            )?;
            nearest.add(found.collect::<rusqlite::Result<_>>()?);
        }
        Ok(nearest.ids)
    }

    /// Adds a key's tokens; what lies behind all that are wanted is of no interest from then on.
    fn add(&mut self, found: Vec<i64>) {
        self.ids.extend(found);
        match self.way {
            Direction::Ascending => self.ids.sort_unstable(),
            Direction::Descending => self.ids.sort_unstable_by(|one, other| other.cmp(one)),
        }
        self.ids.truncate(self.wanted);
        match (self.way, self.ids.last()) {
            (Direction::Ascending, Some(last)) if self.ids.len() == self.wanted => self.to = *last,
            (Direction::Descending, Some(last)) if self.ids.len() == self.wanted => {
                self.from = *last;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_tokens_are_walked_by_their_index_and_never_sorted() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../../../../schema.sql"))
            .unwrap();
        for sql in [UP, DOWN] {
            let steps: Vec<String> = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map(
                    named_params! {":key": 1, ":now": 1, ":limit": 1, ":from": 1, ":to": 1},
                    |row| row.get("detail"),
                )
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            let expected = [
                "SEARCH tokens USING INDEX tokens_live (key_id=? AND generation=? AND id>? AND id<?)",
                "SCALAR SUBQUERY 1",
                "SEARCH k USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)",
            ];
            assert_eq!(steps, expected, "{sql}");
        }
    }

    #[test]
    fn what_lies_behind_enough_is_not_asked_for() {
        let mut nearest = Nearest {
            ids: Vec::new(),
            wanted: 3,
            way: Direction::Ascending,
            from: i64::MIN,
            to: i64::MAX,
        };
        nearest.add(vec![4, 9]);
        assert_eq!(nearest.to, i64::MAX);
        nearest.add(vec![5, 7, 8]);
        assert_eq!((&nearest.ids[..], nearest.to), (&[4, 5, 7][..], 7));
    }
}
