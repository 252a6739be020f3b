//! Moving what is committed from the write-ahead log into the file, by a thread of its own: no mint
//! waits while it is done.
//!
//! The thread copies page by page while the writer goes on appending, so it never quite catches up
//! under load, and the log could not begin anew. So once the log is long, the writer is told to copy
//! the few pages that the thread has left: its next commit begins at the front again.

use std::{
    ffi::c_int,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender};
use rusqlite::{Connection, MAIN_DB, hooks::Wal, wal::CheckpointMode};

/// So many pages of the log wait to be copied before it is worth while: most are written again and
/// again.
const WORTH_WHILE: c_int = 4_000;
/// A log of so many pages (64 MiB) should begin anew.
const LONG: c_int = 16_000;
/// So few pages are left to the writer, if they can be brought down to that.
const FEW: c_int = 1_000;
/// How often the thread goes over what was added meanwhile.
const ROUNDS: usize = 5;

/// The checkpointing thread, from outside.
pub(super) struct Checkpointer {
    wake: Sender<()>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

/// How far the copying is, as the thread and the writer both see it.
#[derive(Debug, Default)]
struct Progress {
    /// How many pages of the log are in the file.
    copied: AtomicI32,
    /// Whether the writer may copy the rest.
    is_nearly_done: AtomicBool,
    /// Whether the thread is to end.
    is_over: AtomicBool,
}

impl Checkpointer {
    /// Starts the thread, which works on `connection`, for what `writer` commits.
    pub(super) fn start(connection: Connection, writer: &mut Connection) -> rusqlite::Result<Self> {
        let progress = Arc::new(Progress::default());
        let (wake, woken) = crossbeam_channel::bounded(1);
        let (ours, signal) = (Arc::clone(&progress), wake.clone());
        // In the place of SQLite's own, by which the writer copies every page itself.
        writer.wal_hook(Some(move |wal: &mut Wal, pages| {
            if ours.may_finish(pages) {
                // What fails is tried again: the pages are safe in the log.
                let _ = wal.checkpoint();
            } else if ours.is_worth_while(pages) {
                // When the thread is awake already, it will see these pages too.
                let _ = signal.try_send(());
            }
            Ok(())
        }))?;
        let theirs = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("store-checkpointer".into())
            .spawn(move || work(&connection, &woken, &theirs))
            .expect("the system can start a thread");
        Ok(Self {
            wake,
            progress,
            thread: Some(thread),
        })
    }
}

impl Drop for Checkpointer {
    /// Ends the thread, whatever of the log is not copied yet.
    fn drop(&mut self) {
        self.progress.is_over.store(true, Ordering::Release);
        // When it cannot be woken once more, it is about to wake anyway.
        let _ = self.wake.try_send(());
        // A panic of the thread has been reported by the panic hook; there is nothing to add.
        self.thread.take().map(JoinHandle::join);
    }
}

impl Progress {
    /// Whether enough of a log of so many pages is not copied yet.
    fn is_worth_while(&self, pages: c_int) -> bool {
        let copied = self.copied.load(Ordering::Acquire);
        // Fewer than were copied: the log has begun anew.
        let left = if pages < copied {
            pages
        } else {
            pages - copied
        };
        left >= WORTH_WHILE
    }

    /// Whether the writer should copy the rest of a log of so many pages; tells it so once.
    fn may_finish(&self, pages: c_int) -> bool {
        pages >= LONG && self.is_nearly_done.swap(false, Ordering::AcqRel)
    }
}

fn work(connection: &Connection, woken: &Receiver<()>, progress: &Progress) {
    for () in woken {
        for _ in 0..ROUNDS {
            if progress.is_over.load(Ordering::Acquire) {
                return;
            }
            let copying = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
            let Ok((pages, copied)) = copying else { break };
            progress.copied.store(copied, Ordering::Release);
            if pages < LONG {
                break;
            }
            if pages - copied <= FEW {
                progress.is_nearly_done.store(true, Ordering::Release);
                break;
            }
        }
    }
}
