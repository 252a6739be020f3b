//! The store as one file of SQLite's, in WAL mode, durable at each commit.
//!
//! [`writer`] is the one thread that changes it, by [`job`]s; [`readers`] are the few that look
//! things up; [`lookup`] finds tokens for both, some of them by what is in memory of the [`newest`]
//! ones, until [`indexing`] takes those over. [`live_index`] fills the index by which a key's tokens
//! are gone through. The operations are in [`accounts`], [`policies`],
//! [`keys`], [`management`], [`mint`], [`import`], [`tokens`], [`settings`], [`selection`],
//! [`verification`], [`audit`] and [`sweep`]; [`open`] makes and checks the file.

mod accounts;
mod audit;
mod backup;
mod checkpointer;
mod examine;
mod fault;
mod good_keys;
mod import;
mod indexing;
mod job;
mod keys;
mod live_index;
mod lookup;
mod management;
mod mint;
mod newest;
mod open;
#[cfg(test)]
mod plans;
mod policies;
mod readers;
mod selection;
mod settings;
mod signed;
mod sweep;
mod tokens;
mod verification;
mod work;
mod writer;

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::{
    checkpointer::Checkpointer, job::Savepoint, live_index::MANY, lookup::Lookup, newest::Newest,
    readers::Readers, work::Work, writer::Writer,
};
use super::{Claim, Options, Watcher};
use crate::error::Error;

/// How many look-ups of single rows are done in one snapshot.
const POINTS_AT_ONCE: usize = 32;

/// A store in one file.
pub struct Sqlite {
    path: PathBuf,
    // Dropped in this order: SQLite tidies up when the last connection, which must be one that
    // writes, is closed.
    readers: Readers,
    /// The one thread that finds out whether tokens and keys are good: such look-ups do not wait
    /// behind longer ones, and are done together. Several threads would each be woken up for a few.
    point_reader: Readers,
    writer: Writer,
    #[expect(dead_code, reason = "it works until it is dropped")]
    checkpointer: Checkpointer,
    /// One look-up at a time may go through all of an account's tokens, so that the other readers
    /// are left to those that are short.
    passes: Arc<Semaphore>,
    newest: Arc<Newest>,
    /// How many tokens may wait to be put into the index of digests.
    unindexed: usize,
}

impl Sqlite {
    /// Opens the file that `options.url` names, and starts the threads that work on it.
    ///
    /// # Errors
    /// [`Error::UnusableStore`] with a sentence that says what is wrong and what to do.
    pub fn open(options: &Options) -> Result<Self, Error> {
        let path = open::path_of(&options.url)?;
        let mut writing = open::open(&path, options)?;
        let explain = |error| open::explain(&path, &error);
        let copying = open::connect_writer(&path, options).map_err(explain)?;
        let checkpointer = Checkpointer::start(copying, &mut writing).map_err(explain)?;
        let connect = |count| {
            (0..count)
                .map(|_| open::connect_reader(&path, options))
                .collect::<rusqlite::Result<Vec<_>>>()
                .map_err(explain)
        };
        let (reading, point_reading) = (connect(options.readers)?, connect(1)?);
        let newest = Arc::new(Newest::default());
        Ok(Self {
            checkpointer,
            writer: Writer::start(
                writing,
                Arc::clone(&newest),
                options.queue,
                options.batch,
                i64::try_from(options.unindexed_tokens).map_or(MANY, |given| given.min(MANY)),
            ),
            readers: Readers::start("store-reader", reading, &newest, options.queue, 1),
            point_reader: Readers::start(
                "store-points",
                point_reading,
                &newest,
                options.queue,
                POINTS_AT_ONCE,
            ),
            passes: Arc::new(Semaphore::new(1)),
            newest,
            unindexed: options.unindexed_tokens,
            path,
        })
    }

    /// See [`super::Store::exists`].
    pub(in crate::store) fn exists(options: &Options) -> Result<bool, Error> {
        // What cannot be looked at is there: opening it says what is wrong.
        let path = open::path_of(&options.url)?;
        Ok(path.try_exists().unwrap_or(true))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Claims the file for a server, by a lock on a file beside it.
    ///
    /// # Errors
    /// [`Error::UnusableStore`] when another server has it.
    pub fn claim(&self) -> Result<Claim, Error> {
        let beside = self.lock_path();
        let unusable = |cause: std::io::Error| {
            Error::UnusableStore(format!("Cannot lock {}: {cause}.", beside.display()))
        };
        let lock = lock_file(&beside).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Claim(lock)),
            Err(TryLockError::WouldBlock) => Err(Error::UnusableStore(format!(
                "Another moneyer serves {} already; stop it first, or give this one a store of its own with --database.",
                self.path.display()
            ))),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }

    /// Whether a server holds the lock; makes no file to find out.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        let lock = File::open(self.lock_path());
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// The lock's file: beside the store's real place, whatever links lead there.
    fn lock_path(&self) -> PathBuf {
        beside(
            &self
                .path
                .canonicalize()
                .unwrap_or_else(|_| self.path.clone()),
            ".lock",
        )
    }

    /// See [`super::Store::watch`].
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        self.writer.watch(watcher);
    }

    /// See [`super::Store::foreign_changes`].
    #[must_use]
    pub fn foreign_changes(&self) -> i64 {
        self.writer.foreign_changes()
    }

    /// Does `work` as one transaction, and returns once it is on disk.
    async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.writer.run(Savepoint::Own, work).await
    }

    /// Does `work` as [`Self::write`] does, but faster, and without undoing it alone when it fails:
    /// see [`Savepoint::None`].
    async fn write_without_savepoint<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.writer.run(Savepoint::None, work).await
    }

    /// Waits for the turn of a look-up that goes through all of an account's tokens; it has to hold
    /// what it is given until it is through.
    async fn pass_turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let turn = Arc::clone(&self.passes).acquire_owned().await;
        turn.map_err(|closed| Error::Internal(closed.into()))
    }

    /// Does `work`, which looks at a few rows, as [`Self::read`] does. It may be in a transaction,
    /// and must not begin one.
    async fn read_point<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Lookup<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.point_reader.run(work).await
    }

    /// Does `work` on a connection that can only read.
    async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Lookup<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.readers.run(work).await
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sqlite({})", self.path.display())
    }
}

/// The file's name with `suffix` put behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn lock_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    owner_only(&mut options);
    options.open(path)
}

/// Has the files that `options` create be readable for their owner alone.
fn owner_only(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}
