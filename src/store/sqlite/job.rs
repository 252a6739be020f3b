//! The writing thread's jobs: units of work, each done or undone as a whole.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use super::{
    fault::classify,
    work::{Work, execute},
};
use crate::error::Error;

/// Whether a job that fails is rolled back alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Savepoint {
    /// It is.
    Own,
    /// It takes the batch with it, if it has changed anything by then. This is quicker, and as good
    /// for a job that changes something by its last statement alone: SQLite takes that back by
    /// itself. It is also for one that fails only when the disk does, and the batch with it.
    None,
}

/// A unit of work and the caller who waits for it.
pub(super) trait Job: Send {
    /// Whether [`Job::run`] is undone alone when it fails.
    fn savepoint(&self) -> Savepoint;
    /// Does the work.
    fn run(&mut self, with: &Work<'_>) -> rusqlite::Result<()>;
    /// Tells the caller that the work is on disk.
    fn acknowledge(self: Box<Self>);
    /// Tells the caller that nothing was changed, and why.
    fn refuse(self: Box<Self>, error: Error);
}

/// A job that does `work`, and tells `caller` what came of it.
pub(super) fn job<T, F>(
    savepoint: Savepoint,
    work: F,
    caller: oneshot::Sender<Result<T, Error>>,
) -> Box<dyn Job>
where
    T: Send + 'static,
    F: FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send + 'static,
{
    Box::new(Unit {
        savepoint,
        work: Some(work),
        done: None,
        caller,
    })
}

struct Unit<T, F> {
    savepoint: Savepoint,
    work: Option<F>,
    done: Option<T>,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Job for Unit<T, F>
where
    T: Send,
    F: FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send,
{
    fn savepoint(&self) -> Savepoint {
        self.savepoint
    }

    fn run(&mut self, with: &Work<'_>) -> rusqlite::Result<()> {
        let work = self.work.take().expect("a job is run once");
        self.done = Some(work(with)?);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        // A caller that has gone away is told nothing; its work stands.
        let _ = self
            .caller
            .send(Ok(self.done.expect("a job that is acknowledged was run")));
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.caller.send(Err(error));
    }
}

/// Does a job in the transaction that has begun, and gives it back when its work stands; refuses it
/// otherwise. Fails when the transaction is lost with it.
pub(super) fn attempt(
    work: &Work<'_>,
    mut job: Box<dyn Job>,
) -> rusqlite::Result<Option<Box<dyn Job>>> {
    let (mark, changes_before) = (work.mark(), work.total_changes());
    let Err(failed) = run(work, job.as_mut()) else {
        return Ok(Some(job));
    };
    work.back_to(mark);
    let undone = match job.savepoint() {
        Savepoint::Own => undo(work),
        Savepoint::None => check_unchanged(work, changes_before),
    };
    job.refuse(failed.classify());
    match (undone, failed) {
        (Ok(()), _) => Ok(None),
        // SQLite ends the whole transaction by itself on some errors; the rest of the batch shares
        // the cause.
        (Err(_), Failed::Sqlite(error)) | (Err(error), Failed::Panicked) => Err(error),
    }
}

/// Why a job's work does not stand.
enum Failed {
    Sqlite(rusqlite::Error),
    Panicked,
}

impl Failed {
    fn classify(&self) -> Error {
        match self {
            Self::Sqlite(error) => classify(error),
            Self::Panicked => Error::Internal("a job of the store panicked".into()),
        }
    }
}

fn run(work: &Work<'_>, job: &mut dyn Job) -> Result<(), Failed> {
    let savepoint = job.savepoint();
    if savepoint == Savepoint::Own {
        execute(work, "SAVEPOINT job").map_err(Failed::Sqlite)?;
    }
    catch_unwind(AssertUnwindSafe(|| job.run(work)))
        .map_err(|_| Failed::Panicked)?
        .map_err(Failed::Sqlite)?;
    match savepoint {
        Savepoint::Own => execute(work, "RELEASE job").map_err(Failed::Sqlite),
        // What a savepoint's release would find out.
        Savepoint::None if work.is_autocommit() => Err(Failed::Sqlite(half_done())),
        Savepoint::None => Ok(()),
    }
}

/// Takes back what a failed job did; fails when the transaction is gone.
fn undo(connection: &Connection) -> rusqlite::Result<()> {
    execute(connection, "ROLLBACK TO job")?;
    execute(connection, "RELEASE job")
}

/// Fails when the transaction is gone, or holds what a failed job without a savepoint changed.
fn check_unchanged(connection: &Connection, changes_before: u64) -> rusqlite::Result<()> {
    if connection.is_autocommit() || connection.total_changes() > changes_before {
        return Err(half_done());
    }
    Ok(())
}

/// Why the jobs of a batch do not stand when one of them, without a savepoint, failed half-way.
fn half_done() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_ABORT),
        Some("a job of the same transaction failed half-way".into()),
    )
}
