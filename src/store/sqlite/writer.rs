//! The one thread that changes the file, with group commit.
//!
//! A job is a whole unit of work. The thread takes one, then what else waits, does them in one
//! transaction, commits, and only then lets the callers know: batches grow with load, without a
//! timer. A job that fails is rolled back alone, but for those that have no [`Savepoint`] of their
//! own; a commit that fails, fails every job of the batch.
//!
//! What the jobs of a batch changed is written to the audit in the same transaction, and told to
//! the store's watcher once it is on disk and before any caller knows.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    audit,
    fault::classify,
    job::{Job, Savepoint, attempt, job},
    live_index,
    lookup::{Lookup, Sees},
    newest::Newest,
    work::{Work, execute},
};
use crate::{
    error::Error,
    store::{Altered, Watcher},
};

/// How often an idle writer looks whether another process has changed the file.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// The writing thread, from outside.
pub(super) struct Writer {
    /// Gone when the writer is being closed.
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// What the thread and those who hold the writer both use.
#[derive(Default)]
struct Shared {
    foreign_changes: AtomicI64,
    watcher: OnceLock<Arc<dyn Watcher>>,
}

impl Writer {
    /// Starts the thread: at most `queue` jobs wait, and at most `batch` share a transaction. Of the
    /// newest tokens about `unindexed` may be missing in the index of live ones.
    pub(super) fn start(
        connection: Connection,
        newest: Arc<Newest>,
        queue: usize,
        batch: usize,
        unindexed: i64,
    ) -> Self {
        let (jobs, waiting) = crossbeam_channel::bounded(queue);
        let shared = Arc::new(Shared::default());
        shared.follow(&connection);
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                let lookup = Lookup::on(&connection, &newest, Sees::OwnChanges);
                let limits = Limits { batch, unindexed };
                work(lookup, &waiting, limits, &ours);
            })
            .expect("the system can start a thread");
        Self {
            jobs: Some(jobs),
            thread: Some(thread),
            shared,
        }
    }

    /// Does `work`, in a transaction, and returns once that is on disk.
    pub(super) async fn run<T, F>(&self, savepoint: Savepoint, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.jobs
            .as_ref()
            .ok_or_else(gone)?
            .try_send(job(savepoint, work, caller))
            .map_err(|refused| match refused {
                TrySendError::Full(_) => Error::Overloaded,
                TrySendError::Disconnected(_) => gone(),
            })?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    pub(super) fn foreign_changes(&self) -> i64 {
        self.shared.foreign_changes.load(Ordering::Acquire)
    }

    /// Has `watcher` told what changes, from now on. The first watcher stays.
    pub(super) fn watch(&self, watcher: Arc<dyn Watcher>) {
        // A second one is not told: there is one app to a store.
        let _ = self.shared.watcher.set(watcher);
    }
}

impl Drop for Writer {
    /// Lets the jobs that wait be done, and ends the thread.
    fn drop(&mut self) {
        drop(self.jobs.take());
        // A panic of the thread has been reported by the panic hook; there is nothing to add.
        self.thread.take().map(JoinHandle::join);
    }
}

fn gone() -> Error {
    Error::Unavailable("the writing thread has ended".into())
}

/// How much is done at once.
#[derive(Clone, Copy)]
struct Limits {
    batch: usize,
    unindexed: i64,
}

fn work(lookup: Lookup<'_>, waiting: &Receiver<Box<dyn Job>>, limits: Limits, shared: &Shared) {
    loop {
        match waiting.recv_timeout(WATCH_INTERVAL) {
            Ok(first) => {
                let jobs = std::iter::once(first).chain(waiting.try_iter());
                // Before the transaction, in which the connection sees what may yet be undone.
                let begun = lookup
                    .newest()
                    .catch_up_if_needed(&lookup)
                    .and_then(|()| execute(&lookup, "BEGIN IMMEDIATE"));
                match begun {
                    Ok(()) => {
                        let jobs = jobs.take(limits.batch);
                        commit_together(lookup, jobs, limits.unindexed, shared);
                    }
                    // All that wait by now: each would only wait as long for the same answer.
                    Err(error) => refuse_all(jobs.collect(), &error),
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        shared.follow(&lookup);
    }
}

impl Shared {
    /// Looks whether another connection has committed; this one's own commits do not count.
    fn follow(&self, connection: &Connection) {
        let version = connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut pragma| pragma.query_row([], |row| row.get(0)));
        if let Ok(version) = version {
            self.foreign_changes.store(version, Ordering::Release);
        }
    }

    fn tell(&self, altered: &[Altered]) {
        if let Some(watcher) = self.watcher.get() {
            for what in altered {
                watcher.altered(what);
            }
        }
    }
}

fn commit_together(
    lookup: Lookup<'_>,
    jobs: impl Iterator<Item = Box<dyn Job>>,
    unindexed: i64,
    shared: &Shared,
) {
    let mut done = Vec::new();
    let work = Work::by(lookup);
    let outcome = run_all(&work, jobs, &mut done)
        .and_then(|()| audit::append(&lookup, &work.changes()))
        .and_then(|()| live_index::keep_up(&work, unindexed))
        .and_then(|()| execute(&lookup, "COMMIT"));
    match outcome {
        Ok(()) => {
            shared.tell(&work.into_altered());
            done.into_iter().for_each(Job::acknowledge);
        }
        Err(error) => {
            if !lookup.is_autocommit() {
                // The transaction is lost either way; what matters is that the next one can begin.
                let _ = execute(&lookup, "ROLLBACK");
            }
            refuse_all(done, &error);
        }
    }
}

fn refuse_all(jobs: Vec<Box<dyn Job>>, error: &rusqlite::Error) {
    for job in jobs {
        job.refuse(classify(error));
    }
}

/// Runs `jobs` in the transaction that has begun, and moves those whose work stands to `done`.
/// Fails when the transaction itself did; then nothing of it stands, and every job taken is in
/// `done` or has been refused.
fn run_all(
    work: &Work<'_>,
    jobs: impl Iterator<Item = Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    for job in jobs {
        done.extend(attempt(work, job)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    type Change = Box<dyn Fn(&Work<'_>) -> rusqlite::Result<usize> + Send>;

    fn writer(schema: &str) -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(schema).unwrap();
        Writer::start(connection, Arc::default(), 1000, 100, 1000)
    }

    /// Does `jobs` in one batch.
    async fn together<T: Send + 'static>(
        writer: &Writer,
        jobs: Vec<impl FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send + 'static>,
    ) -> Vec<Result<T, Error>> {
        all_together(writer, Savepoint::Own, jobs).await
    }

    /// Does `jobs` in one batch: the first holds the writer up until all the others wait.
    async fn all_together<T: Send + 'static>(
        writer: &Writer,
        savepoint: Savepoint,
        jobs: Vec<impl FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send + 'static>,
    ) -> Vec<Result<T, Error>> {
        let (go, gate) = std::sync::mpsc::channel();
        let hold = writer.run(Savepoint::Own, move |_| {
            gate.recv().expect("the gate is opened");
            Ok(())
        });
        let waiting = join_all(jobs.into_iter().map(|job| writer.run(savepoint, job)));
        let open = async { go.send(()).expect("the writer waits at the gate") };
        let (_, done, ()) = futures_util::future::join3(hold, waiting, open).await;
        done
    }

    async fn count(writer: &Writer) -> i64 {
        let count = |db: &Work<'_>| db.query_row("SELECT count(*) FROM t", [], |row| row.get(0));
        writer.run(Savepoint::Own, count).await.unwrap()
    }

    fn insert(value: i64) -> impl FnOnce(&Work<'_>) -> rusqlite::Result<usize> + Send + 'static {
        move |db| db.execute("INSERT INTO t VALUES (?1)", [value])
    }

    #[tokio::test]
    async fn a_commit_that_fails_fails_every_job_of_its_batch_and_no_other() {
        let writer = writer(
            "PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE t (x);
             CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);",
        );
        let orphan: fn(&Work<'_>) -> _ = |db| db.execute("INSERT INTO child VALUES (1)", []);
        let innocent: fn(&Work<'_>) -> _ = |db| db.execute("INSERT INTO t VALUES (1)", []);
        let done = together(&writer, vec![innocent, orphan, innocent]).await;
        assert!(done.iter().all(Result::is_err), "{done:?}");
        assert_eq!(count(&writer).await, 0);
        writer.run(Savepoint::Own, innocent).await.unwrap();
        assert_eq!(count(&writer).await, 1);
    }

    #[tokio::test]
    async fn a_full_disk_refuses_what_it_cannot_hold_and_keeps_what_it_acknowledged() {
        for savepoint in [Savepoint::None, Savepoint::Own] {
            fill_a_disk(savepoint).await;
        }
    }

    async fn fill_a_disk(savepoint: Savepoint) {
        let writer = writer("PRAGMA max_page_count = 20; CREATE TABLE t (x);");
        let fill: fn(&Work<'_>) -> _ = |db| db.execute("INSERT INTO t VALUES (zeroblob(3000))", []);
        let jobs = vec![fill; 60];
        let done = all_together(&writer, savepoint, jobs).await;
        let kept = done.iter().filter(|done| done.is_ok()).count();
        let refused = done
            .iter()
            .find_map(|done| done.as_ref().err())
            .expect("the disk is full");
        assert_eq!(refused.code(), "unavailable", "{refused:?}");
        assert_eq!(count(&writer).await, i64::try_from(kept).unwrap());
    }

    #[tokio::test]
    async fn a_job_that_panics_is_undone_and_told_and_the_others_stand() {
        let writer = writer("CREATE TABLE t (x);");
        let panics: fn(&Work<'_>) -> rusqlite::Result<usize> = |db| {
            db.execute("INSERT INTO t VALUES (1)", [])?;
            panic!("on purpose")
        };
        let stands: fn(&Work<'_>) -> _ = |db| db.execute("INSERT INTO t VALUES (2)", []);
        let done = together(&writer, vec![stands, panics, stands]).await;
        assert!(done[0].is_ok() && done[2].is_ok());
        assert_eq!(done[1].as_ref().unwrap_err().code(), "internal");
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_single_change_that_fails_leaves_the_others_and_one_that_breaks_its_word_takes_those_before()
     {
        let writer = writer("CREATE TABLE t (x NOT NULL UNIQUE);");
        let stands = |value: i64| -> Change {
            Box::new(move |db| db.execute("INSERT INTO t VALUES (?1)", [value]))
        };
        let done = all_together(
            &writer,
            Savepoint::None,
            vec![stands(1), stands(1), stands(2)],
        )
        .await;
        assert_eq!([0, 1, 2].map(|job| done[job].is_ok()), [true, false, true]);
        assert_eq!(count(&writer).await, 2);

        let fails: Change = Box::new(|db| {
            db.execute("INSERT INTO t VALUES (6)", [])?;
            db.execute("INSERT INTO t VALUES (6)", [])
        });
        let done = all_together(&writer, Savepoint::None, vec![stands(7), fails]).await;
        assert!(done.iter().all(Result::is_err), "{done:?}");

        let breaks_its_word: Change = Box::new(|db| {
            db.execute("INSERT INTO t VALUES (3)", [])?;
            panic!("on purpose")
        });
        let jobs = vec![stands(4), breaks_its_word, stands(5)];
        let done = all_together(&writer, Savepoint::None, jobs).await;
        // What had not begun yet is done in the next transaction.
        assert_eq!([0, 1, 2].map(|job| done[job].is_ok()), [false, false, true]);
        assert_eq!(count(&writer).await, 3);
    }

    #[tokio::test]
    async fn a_caller_who_goes_away_leaves_its_work_to_be_done() {
        let writer = writer("CREATE TABLE t (x);");
        let mut gone = Box::pin(writer.run(Savepoint::Own, insert(1)));
        assert!(futures_util::poll!(&mut gone).is_pending());
        drop(gone);
        assert_eq!(count(&writer).await, 1);
    }
}
