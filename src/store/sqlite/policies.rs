//! Accounts' policies.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};
use serde_json::Value;

use super::{Sqlite, work::Work};
use crate::{
    domain::{AccountId, Actor, ApiVersion, Event, InvalidPolicy, Policy, Timestamp},
    error::Error,
    store::EditedPolicy,
};

impl Sqlite {
    pub(in crate::store) async fn read_policy(
        &self,
        account: AccountId,
    ) -> Result<Option<Policy>, Error> {
        self.read(move |connection| find(connection, account)).await
    }

    pub(in crate::store) async fn edit_policy(
        &self,
        account: AccountId,
        base: Option<Policy>,
        changes: BTreeMap<String, Value>,
        now: Timestamp,
    ) -> Result<EditedPolicy, Error> {
        self.write(move |work| {
            let Some(kept) = find_document(work, account)? else {
                return Ok(EditedPolicy::Unknown);
            };
            // One that is damaged can be mended, or replaced as a whole.
            let edited = Policy::begin(&kept, base.as_ref())
                .and_then(|begun| Policy::edited(begun, &changes));
            let after = match edited {
                Ok(policy) => Box::new(policy),
                Err(invalid) => return Ok(EditedPolicy::Invalid(invalid)),
            };
            if Policy::from_json(&kept).as_ref() == Ok(&*after) {
                return Ok(EditedPolicy::Already(after));
            }
            work.prepare_cached("UPDATE accounts SET policy = ?2 WHERE id = ?1")?
                .execute(params![account.to_i64(), after.to_json()])?;
            let policy = after.without_texts();
            let event = Event::PolicyChanged { account, policy };
            work.record(Actor::CommandLine, now, event);
            Ok(EditedPolicy::Done(after))
        })
        .await
    }
}

/// The policy of an account, if there is such an account.
fn find(connection: &Connection, account: AccountId) -> rusqlite::Result<Option<Policy>> {
    connection
        .prepare_cached("SELECT policy FROM accounts WHERE id = ?1")?
        .query_row([account.to_i64()], |row| policy_at(row, 0))
        .optional()
}

/// What is kept of the policy of an account, if there is such an account; it may be damaged.
fn find_document(connection: &Connection, account: AccountId) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT coalesce(policy, '{}') FROM accounts WHERE id = ?1")?
        .query_row([account.to_i64()], |row| row.get(0))
        .optional()
}

/// The policy that is kept so.
pub(super) fn read(kept: Option<&str>) -> Result<Policy, InvalidPolicy> {
    kept.map_or_else(|| Ok(Policy::default()), Policy::from_json)
}

/// The policy in a column of `row`.
pub(super) fn policy_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Policy> {
    read(row.get_ref(column)?.as_str_or_null()?).map_err(|invalid| unreadable(column, invalid))
}

/// The API version of the policy in a column of `row`.
pub(super) fn version_at(row: &Row<'_>, column: usize) -> rusqlite::Result<ApiVersion> {
    Policy::version_in(row.get_ref(column)?.as_str_or_null()?)
        .map_err(|invalid| unreadable(column, invalid))
}

fn unreadable(column: usize, invalid: InvalidPolicy) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(invalid))
}

/// The tokens `t` of the keys `k` of the account `?1` that are good at `?2`.
macro_rules! good {
    ($among:literal) => {
        concat!(
            "SELECT 1 FROM ",
            $among,
            " WHERE k.account_id = ?1 AND (t.expires_at IS NULL OR t.expires_at > ?2)
             AND t.generation = (SELECT generation FROM accounts WHERE id = ?1)"
        )
    };
}

/// How many there are, up to `?3`: more are not looked at.
const COUNT: &str = concat!(
    "SELECT count(*) FROM (",
    good!("keys k CROSS JOIN live_indexed t ON t.key_id = k.id"),
    " UNION ALL ",
    good!("live_newest t CROSS JOIN keys k ON k.id = t.key_id"),
    " LIMIT ?3)"
);

/// Whether `most` tokens of an account are good at `now`.
pub(super) fn has_as_many(
    work: &Work<'_>,
    account: AccountId,
    most: u32,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    work.note_counting();
    let count: u32 = work
        .prepare_cached(COUNT)?
        .query_row(params![account.to_i64(), now.seconds(), most], |row| {
            row.get(0)
        })?;
    Ok(count >= most)
}

#[cfg(test)]
mod tests {
    use super::{
        super::plans::{NEWEST, plan},
        *,
    };

    #[test]
    fn tokens_are_counted_key_by_key_and_those_that_the_index_lacks_once() {
        assert_eq!(
            plan(COUNT),
            [
                "SEARCH k USING COVERING INDEX keys_of_account (account_id=?)",
                "SEARCH i USING PRIMARY KEY (key_id=? AND generation=?)",
                NEWEST[0],
                NEWEST[1],
                "SEARCH k USING COVERING INDEX keys_of_account (account_id=? AND rowid=?)",
                "SCAN (subquery-4)",
            ]
        );
    }
}
