//! Putting a new file in the place of another: whoever opens it finds the old one or the new one, whole.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Of a file's mode, what is for its owner, and for its group to read.
const CLOSED: u32 = 0o640;

/// The right to replace one file, held against other processes until it is dropped.
pub(super) struct Lock {
    path: PathBuf,
    /// Its folder, which is what is locked: no other file need be left for that.
    folder: File,
}

/// Waits for the right to replace the file at `path`, which need not exist.
pub(super) fn lock(path: &Path) -> io::Result<Lock> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(Lock {
        path: path.to_owned(),
        folder,
    })
}

impl Lock {
    /// Puts a file with this content in place; it is on disk when this returns.
    pub(super) fn replace(&self, content: &[u8]) -> io::Result<()> {
        let mut partial = self.path.as_os_str().to_owned();
        partial.push(".new");
        let partial = PathBuf::from(partial);
        // What a process left that died while it wrote.
        match fs::remove_file(&partial) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let before = fs::metadata(&self.path).ok();
        let written = write_new(&partial, content, before.as_ref())
            .and_then(|()| fs::rename(&partial, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written.and_then(|()| self.folder.sync_all())
    }
}

/// Writes a file that is its owner's alone, or for whom the one before it was.
fn write_new(path: &Path, content: &[u8], before: Option<&Metadata>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    if let Some(before) = before {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (before.uid(), before.gid()) {
            std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(before.mode() & CLOSED))?;
    }
    file.write_all(content)?;
    file.sync_all()
}
