//! How SQLite goes about a statement, for tests.

use rusqlite::Connection;

/// A store without rows.
pub(super) fn empty() -> Connection {
    let store = Connection::open_in_memory().unwrap();
    store
        .execute_batch(include_str!("../../../schema.sql"))
        .unwrap();
    store
}

/// The steps of a statement that go through rows or sort them, in their order; not those that look
/// up a single row by its number.
pub(super) fn plan(sql: &str) -> Vec<String> {
    let store = empty();
    let mut explained = store.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = explained.raw_query().mapped(|row| row.get("detail"));
    let mut steps = steps.collect::<rusqlite::Result<Vec<String>>>().unwrap();
    steps.retain(|step| {
        let goes_through = ["SCAN ", "SEARCH ", "USE TEMP "];
        goes_through.iter().any(|way| step.starts_with(way)) && !step.contains(BY_NUMBER)
    });
    steps
}

const BY_NUMBER: &str = " USING INTEGER PRIMARY KEY (rowid=?)";

/// Going through the newest tokens, which the index of live ones does not reach.
pub(super) const NEWEST: [&str; 2] = [
    "SEARCH tokens USING INTEGER PRIMARY KEY (rowid>?)",
    "SEARCH live_index_reach",
];
