//! The few threads that look things up, each with a connection of its own that can only read.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use crossbeam_channel::{Sender, TrySendError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    lookup::{Lookup, Sees},
    newest::Newest,
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
    /// Starts a thread for each of `connections`; at most `queue` jobs wait for them.
    pub(super) fn start(connections: Vec<Connection>, newest: &Arc<Newest>, queue: usize) -> Self {
        let (jobs, waiting) = crossbeam_channel::bounded::<Job>(queue);
        let threads = connections
            .into_iter()
            .map(|connection| {
                let (waiting, newest) = (waiting.clone(), Arc::clone(newest));
                std::thread::Builder::new()
                    .name("store-reader".into())
                    .spawn(move || {
                        let lookup = Lookup::on(&connection, &newest, Sees::Committed);
                        for job in waiting {
                            // A panic has been reported by the panic hook, and its caller sees the
                            // job vanish.
                            let _ = catch_unwind(AssertUnwindSafe(|| job(&lookup)));
                        }
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
        F: FnOnce(&Lookup<'_>) -> T + Send + 'static,
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
            .map_err(|_| Error::Internal("a look-up of the store panicked".into()))
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

fn gone() -> Error {
    Error::Unavailable("the reading threads have ended".into())
}
