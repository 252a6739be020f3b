//! Which private keys are good: the one place that says so.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::policies::policy_at;
use crate::domain::{AccountId, KeyId, Policy, Timestamp};

/// The keys that are good at the time `?2`: not disabled, not expired, and of an account that is
/// not disabled.
macro_rules! good_keys {
    ($columns:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM keys k JOIN accounts a ON a.id = k.account_id WHERE ",
            $condition,
            " AND k.disabled_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?2) AND a.disabled_at IS NULL"
        )
    };
}
pub(super) use good_keys;

/// The account of `key`, if both are good at `now`.
pub(super) fn account_of_good_key(
    connection: &Connection,
    key: KeyId,
    now: Timestamp,
) -> rusqlite::Result<Option<AccountId>> {
    connection
        .prepare_cached(good_keys!("k.account_id", "k.id = ?1"))?
        .query_row(params![key.to_i64(), now.seconds()], |row| {
            row.get(0).map(AccountId::from_i64)
        })
        .optional()
}

/// What must be known of a good key to mint with it.
pub(super) struct GoodKey {
    pub(super) account: AccountId,
    /// The account's generation.
    pub(super) generation: i64,
    /// The account's policy.
    pub(super) policy: Policy,
}

/// The good key `key`, if it is good at `now`.
pub(super) fn good_key(
    connection: &Connection,
    key: KeyId,
    now: Timestamp,
) -> rusqlite::Result<Option<GoodKey>> {
    connection
        .prepare_cached(good_keys!(
            "k.account_id, a.generation, a.policy",
            "k.id = ?1"
        ))?
        .query_row(params![key.to_i64(), now.seconds()], |row| {
            Ok(GoodKey {
                account: AccountId::from_i64(row.get(0)?),
                generation: row.get(1)?,
                policy: policy_at(row, 2)?,
            })
        })
        .optional()
}
