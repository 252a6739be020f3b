//! What the writer's jobs work with: a connection, and notes of what they changed.

use std::{
    cell::{Cell, Ref, RefCell},
    ops::Deref,
};

use rusqlite::Connection;

use super::lookup::Lookup;
use crate::{
    domain::{Actor, Change, Event, Timestamp},
    store::Altered,
};

/// What a job works with: the connection, and the notes of what it changed.
pub(super) struct Work<'a> {
    lookup: Lookup<'a>,
    notes: RefCell<Notes>,
    has_counted: Cell<bool>,
}

/// What the jobs of a batch changed.
#[derive(Default)]
struct Notes {
    changes: Vec<Change>,
    altered: Vec<Altered>,
}

impl<'a> Work<'a> {
    /// Work by `lookup`, with nothing noted yet.
    pub(super) fn by(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            notes: RefCell::default(),
            has_counted: Cell::default(),
        }
    }

    /// Notes that tokens were counted to find out whether there may be more.
    pub(super) fn note_counting(&self) {
        self.has_counted.set(true);
    }

    /// Whether a job of the batch counted tokens.
    pub(super) fn has_counted(&self) -> bool {
        self.has_counted.get()
    }

    /// Has a change written to the audit, together with the change itself.
    pub(super) fn record(&self, by: Actor, at: Timestamp, event: Event) {
        let change = Change { at, by, event };
        self.notes.borrow_mut().changes.push(change);
    }

    /// Has the watcher told that a verdict may be another from now on.
    pub(super) fn altered(&self, what: Altered) {
        self.notes.borrow_mut().altered.push(what);
    }

    /// The changes that are noted.
    pub(super) fn changes(&self) -> Ref<'_, [Change]> {
        Ref::map(self.notes.borrow(), |notes| &notes.changes[..])
    }

    /// What the watcher is to be told.
    pub(super) fn into_altered(self) -> Vec<Altered> {
        self.notes.into_inner().altered
    }

    /// How much is noted so far.
    pub(super) fn mark(&self) -> (usize, usize) {
        let notes = self.notes.borrow();
        (notes.changes.len(), notes.altered.len())
    }

    /// Forgets what was noted since `mark`.
    pub(super) fn back_to(&self, mark: (usize, usize)) {
        let mut notes = self.notes.borrow_mut();
        notes.changes.truncate(mark.0);
        notes.altered.truncate(mark.1);
    }
}

impl<'a> Deref for Work<'a> {
    type Target = Lookup<'a>;

    fn deref(&self) -> &Lookup<'a> {
        &self.lookup
    }
}

/// Runs a statement without values, which is kept prepared.
pub(super) fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
