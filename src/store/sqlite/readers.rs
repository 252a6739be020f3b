//! The few threads that look things up, each with a connection of its own that can only read.

use std::{
    iter::once,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    fault::classify,
    lookup::{Lookup, Sees},
    newest::Newest,
    work::execute,
};
use crate::error::Error;

type Job = Box<dyn FnOnce(&Lookup<'_>) + Send>;

/// The reading threads, from outside.
pub(super) struct Readers {
    /// Gone when the readers are being closed.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts a thread `name` for each of `connections`; at most `queue` jobs wait for them, and a
    /// thread takes at most `together` of them at once.
    pub(super) fn start(
        name: &'static str,
        connections: Vec<Connection>,
        newest: &Arc<Newest>,
        queue: usize,
        together: usize,
    ) -> Self {
        let (jobs, waiting) = crossbeam_channel::bounded::<Job>(queue);
        let threads = connections
            .into_iter()
            .map(|connection| {
                let (waiting, newest) = (waiting.clone(), Arc::clone(newest));
                std::thread::Builder::new()
                    .name(name.into())
                    .spawn(move || {
                        let lookup = Lookup::on(&connection, &newest, Sees::Committed);
                        work_off(&waiting, &lookup, together);
                    })
                    .expect("the system can start a thread")
            })
            .collect();
        Self {
            jobs: Some(jobs),
            threads,
        }
    }

    /// Does `work` on one of the threads.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Lookup<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(move |lookup: &Lookup<'_>| {
            // A caller that has gone away is told nothing.
            let _ = caller.send(work(lookup));
        });
        self.jobs
            .as_ref()
            .ok_or_else(gone)?
            .try_send(job)
            .map_err(|refused| match refused {
                TrySendError::Full(_) => Error::Overloaded,
                TrySendError::Disconnected(_) => gone(),
            })?;
        answer
            .await
            .map_err(|_| Error::Internal("a look-up of the store panicked".into()))?
            .map_err(|error| classify(&error))
    }
}

impl Drop for Readers {
    /// Lets the jobs that wait be done, and ends the threads.
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Does what waits, until nothing more can come: at most `together` jobs in one snapshot of the
/// file, which begins when all of them have been asked for.
fn work_off(waiting: &Receiver<Job>, lookup: &Lookup<'_>, together: usize) {
    while let Ok(first) = waiting.recv() {
        let jobs: Vec<Job> = once(first)
            .chain(waiting.try_iter())
            .take(together)
            .collect();
        if jobs.len() > 1 {
            // Without a snapshot for all of them each has its own.
            let _ = execute(lookup, "BEGIN");
        }
        for job in jobs {
            // A panic has been reported by the panic hook, and its caller sees the job vanish.
            let _ = catch_unwind(AssertUnwindSafe(|| job(lookup)));
        }
        // SQLite has ended it by itself if the disk failed; else nothing later may see this state.
        while !lookup.is_autocommit() {
            let _ = execute(lookup, "ROLLBACK");
        }
    }
}

fn gone() -> Error {
    Error::Unavailable("the reading threads have ended".into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::poll;
    use rusqlite::OpenFlags;

    use super::*;
    use crate::store::sqlite::open::connect_plain;

    const COUNT: &str = "SELECT count(*) FROM rows";

    fn count(lookup: &Lookup<'_>) -> rusqlite::Result<i64> {
        lookup.query_row(COUNT, [], |row| row.get(0))
    }

    /// Has the one thread wait until it is released, by what is given.
    async fn occupy(readers: &Readers) -> mpsc::Sender<()> {
        let [(begun, beginning), (release, released)] = [mpsc::channel(), mpsc::channel()];
        let mut occupied = Box::pin(readers.run(move |_| {
            begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        }));
        assert!(poll!(&mut occupied).is_pending());
        beginning.recv().unwrap();
        release
    }

    #[tokio::test]
    async fn jobs_that_wait_together_see_one_state_and_later_ones_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let connect =
            || connect_plain(&folder.path().join("some.db"), OpenFlags::default()).unwrap();
        let writer = connect();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE rows (id INTEGER PRIMARY KEY)")
            .unwrap();
        let insert = || {
            writer
                .execute("INSERT INTO rows DEFAULT VALUES", [])
                .unwrap()
        };
        let readers = Readers::start("test", vec![connect()], &Arc::default(), 10, 3);
        let release = occupy(&readers).await;
        let [(reached, reach), (inserted, insertion)] = [mpsc::channel(), mpsc::channel()];
        let first = readers.run(move |lookup| {
            let counted = count(lookup);
            reached.send(()).unwrap();
            insertion.recv().unwrap();
            counted
        });
        let (second, third, fourth) = (readers.run(count), readers.run(count), readers.run(count));
        let others = async {
            insert();
            release.send(()).unwrap();
            reach.recv().unwrap();
            insert();
            inserted.send(()).unwrap();
        };
        let (first, second, third, fourth, ()) = tokio::join!(first, second, third, fourth, others);
        let counted = [first, second, third, fourth].map(Result::unwrap);
        assert_eq!(counted, [1, 1, 1, 2]);
        assert_eq!(readers.run(count).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_panic_or_a_lost_snapshot_is_one_job_s_own() {
        let connection = Connection::open_in_memory().unwrap();
        let readers = Readers::start("test", vec![connection], &Arc::default(), 10, 10);
        let release = occupy(&readers).await;
        let is_alone = || readers.run(|lookup| Ok(lookup.is_autocommit()));
        let panics = readers.run(|_| panic!("as asked"));
        // As SQLite does when the disk fails.
        let loses = readers.run(|lookup| lookup.execute_batch("ROLLBACK"));
        let others = async { release.send(()).unwrap() };
        let (panics, before, lost, after, ()) =
            tokio::join!(panics, is_alone(), loses, is_alone(), others);
        assert!(matches!(panics, Err::<(), _>(Error::Internal(_))));
        lost.unwrap();
        assert_eq!((before.unwrap(), after.unwrap()), (false, true));
        assert!(is_alone().await.unwrap());
    }
}
