//! Copying the whole file while it is in use, by SQLite's online backup.

use std::{
    fs::{File, OpenOptions},
    path::Path,
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::{Sqlite, beside, open, owner_only};
use crate::error::Error;

/// How many pages are copied between two reports of progress: 4 MiB of them.
const PAGES_PER_STEP: std::ffi::c_int = 1024;
const WAIT_WHEN_BUSY: Duration = Duration::from_millis(20);

impl Sqlite {
    pub(in crate::store) fn backup(
        &self,
        to: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let refuse = |cause: &dyn std::fmt::Display| {
            Error::Refused(format!(
                "Cannot make the new file {}: {cause}.",
                to.display()
            ))
        };
        if to.exists() {
            return Err(refuse(&"it exists already"));
        }
        // Under another name until it is whole: half a copy must not be taken for one.
        let partial = beside(to, ".partial");
        let mut new = OpenOptions::new();
        new.write(true).create(true).truncate(true);
        owner_only(&mut new);
        let file = new.open(&partial).map_err(|cause| refuse(&cause))?;
        let made = copy(&self.path, &partial, progress)
            .map_err(|error| Error::Refused(format!("The copy could not be made: {error}.")))
            .and_then(|()| on_disk(&file))
            .and_then(|()| std::fs::rename(&partial, to).map_err(|cause| refuse(&cause)));
        if made.is_err() {
            let _ = std::fs::remove_file(&partial);
        }
        made
    }
}

fn copy(from: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> rusqlite::Result<()> {
    let source = open::connect_plain(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut target = open::connect_plain(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A transaction held open keeps the copy to one moment; without it each change by others would
    // start it anew.
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    step_through(&snapshot, &mut target, progress)
}

fn step_through(
    source: &Connection,
    target: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    let backup = Backup::new(source, target)?;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let left = backup.progress();
        let pages = |count: std::ffi::c_int| u64::from(count.unsigned_abs());
        progress(
            pages(left.pagecount - left.remaining),
            pages(left.pagecount),
        );
        match step {
            StepResult::Done => return Ok(()),
            StepResult::Busy | StepResult::Locked => std::thread::sleep(WAIT_WHEN_BUSY),
            _ => {}
        }
    }
}

fn on_disk(file: &File) -> Result<(), Error> {
    file.sync_all()
        .map_err(|cause| Error::Unavailable(cause.into()))
}
