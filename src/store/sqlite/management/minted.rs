//! Going through an account's good tokens in the order of minting: key by key, each by the index,
//! so that a part of the list costs the same however many tokens there are.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::walk::Course;
use crate::{
    domain::{AccountId, Timestamp, TokenId},
    store::{
        AccessTokenRow, Direction, Listing, Page,
        sqlite::{
            lookup::Lookup,
            tokens::{good_of_account, good_of_key},
        },
    },
};

/// Some of the good tokens between two places, exclusive, the first minted first or last.
macro_rules! walk {
    ($among:literal, $good:expr, $order:literal) => {
        concat!(
            "SELECT id FROM ",
            $among,
            " t WHERE id > :from AND id < :to AND ",
            $good,
            " ORDER BY id ",
            $order,
            " LIMIT :limit"
        )
    };
}

/// Those of a key that the index has, and those of an account that it does not reach yet.
struct Ways {
    of_key: &'static str,
    newest: &'static str,
}

macro_rules! ways {
    ($order:literal) => {
        Ways {
            of_key: walk!("live_indexed", good_of_key!(":of", ":now"), $order),
            newest: walk!("live_newest", good_of_account!(":of", ":now"), $order),
        }
    };
}
const UP: Ways = ways!("ASC");
const DOWN: Ways = ways!("DESC");

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
    wanted: u32,
    way: Direction,
    /// Between these others are of interest.
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
        let (ways, from, to) = match course.way {
            Direction::Ascending => (UP, place.unwrap_or(i64::MIN), i64::MAX),
            Direction::Descending => (DOWN, i64::MIN, place.unwrap_or(i64::MAX)),
        };
        let mut nearest = Self {
            ids: Vec::new(),
            wanted: course.skip.saturating_add(course.limit),
            way: course.way,
            from,
            to,
        };
        nearest.walk(connection, ways.newest, account.to_i64(), now)?;
        let mut keys = connection.prepare_cached("SELECT id FROM keys WHERE account_id = ?1")?;
        let mut keys = keys.query([account.to_i64()])?;
        while let Some(key) = keys.next()? {
            nearest.walk(connection, ways.of_key, key.get(0)?, now)?;
        }
        Ok(nearest.ids)
    }

    /// Adds the tokens that one of the statements above finds `of` a key or an account.
    fn walk(
        &mut self,
        connection: &Connection,
        sql: &str,
        of: i64,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let found = connection
            .prepare_cached(sql)?
            .query_map(
                named_params! {
                    ":of": of, ":now": now.seconds(), ":limit": self.wanted,
                    ":from": self.from, ":to": self.to,
                },
                |row| row.get(0),
            )?
            .collect::<rusqlite::Result<_>>()?;
        self.add(found);
        Ok(())
    }

    /// Adds tokens; what lies behind all that are wanted is of no interest from then on.
    fn add(&mut self, found: Vec<i64>) {
        self.ids.extend(found);
        match self.way {
            Direction::Ascending => self.ids.sort_unstable(),
            Direction::Descending => self.ids.sort_unstable_by(|one, other| other.cmp(one)),
        }
        let wanted = self.wanted as usize;
        self.ids.truncate(wanted);
        match (self.way, self.ids.last()) {
            (Direction::Ascending, Some(last)) if self.ids.len() == wanted => self.to = *last,
            (Direction::Descending, Some(last)) if self.ids.len() == wanted => {
                self.from = *last;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::plans::{empty, plan};

    #[test]
    fn a_keys_tokens_are_walked_by_their_index_and_never_sorted() {
        for sql in [UP.of_key, DOWN.of_key] {
            let expected = [
                "SEARCH i USING PRIMARY KEY (key_id=? AND generation=? AND token_id>? AND token_id<?)",
            ];
            assert_eq!(plan(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_the_index_does_not_reach_is_gone_through_once_from_there_on() {
        let connection = empty();
        connection
            .execute_batch(
                "INSERT INTO accounts (id, name, created_at) VALUES (1, '', 1);
                 INSERT INTO keys (id, account_id, selector, phc, role, label, created_at)
                     VALUES (1, 1, 1, '', 'mint', '', 1);
                 INSERT INTO tokens (digest, key_id, created_at)
                     SELECT randomblob(32), 1, 1 FROM json_each('[1,2,3,4,5,6,7,8,9,10]') a,
                     json_each('[1,2,3,4,5,6,7,8,9,10]') b, json_each('[1,2,3,4,5,6,7,8,9,10]') c;
                 UPDATE live_index_reach SET indexed = 996",
            )
            .unwrap();
        for (sql, expected) in [(UP.newest, [997, 998]), (DOWN.newest, [1000, 999])] {
            let mut walk = connection.prepare(sql).unwrap();
            let found = walk
                .query_map(
                    named_params! {
                        ":of": 1, ":now": 1, ":limit": 2, ":from": i64::MIN, ":to": i64::MAX
                    },
                    |row| row.get::<_, i64>(0),
                )
                .unwrap()
                .collect::<rusqlite::Result<Vec<_>>>()
                .unwrap();
            assert_eq!(found, expected);
            let took = walk.get_status(rusqlite::StatementStatus::VmStep);
            assert!(took < 500, "{took} steps for 4 of 1,000 rows");
            let is_sorted = |step: &String| step.contains("TEMP B-TREE");
            assert!(!plan(sql).iter().any(is_sorted), "{sql}");
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
