//! The file that the signing keys are in: whom it must be closed to, and how it is changed.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{KeySet, format, replace};
use crate::error::Error;

/// Some thousands of keys.
const MOST_BYTES: u64 = 1024 * 1024;

/// Who looks after the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Custody {
    /// An operator, by `moneyer signing-key`.
    #[default]
    Operator,
    /// systemd, as a credential of the service: it can be read alone, and access lists of systemd's
    /// show as bits for its group.
    Credential,
}

/// Where the signing keys are.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    custody: Custody,
}

/// What tells one state of a file from another, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    /// Changes with the mode too.
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl KeyFile {
    /// The file at `path`, which need not exist.
    #[must_use]
    pub const fn new(path: PathBuf, custody: Custody) -> Self {
        Self { path, custody }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys in the file; `None` when there is no file.
    ///
    /// # Errors
    /// [`Error::UnusableSigningKeys`] says what is wrong with the file and what to do, and repeats
    /// nothing that is in it.
    pub fn read(&self) -> Result<Option<KeySet>, Error> {
        Ok(self.read_stamped()?.map(|(keys, _)| keys))
    }

    /// Changes the keys by `work`, or makes the file with what that adds to no keys. Changes by several
    /// processes at once come one after the other.
    ///
    /// # Errors
    /// Those of [`KeyFile::read`] and of `work`, and [`Error::Refused`] when the file cannot be
    /// written; it is as it was then.
    pub fn change<T>(
        &self,
        work: impl FnOnce(&mut KeySet) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.custody == Custody::Credential {
            return Err(Error::Refused(format!(
                "The signing keys {} are a credential that systemd provides, and can only be read; change the file that it is made from, named by MONEYER_SIGNING_KEYS_FILE.",
                self.path.display()
            )));
        }
        let unwritable = |cause: io::Error| {
            Error::Refused(format!(
                "The signing keys {} cannot be written: {cause}; nothing was changed.",
                self.path.display()
            ))
        };
        // Beside the file's real place, whatever links lead there.
        let path = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        let lock = replace::lock(&path).map_err(unwritable)?;
        let mut keys = self.read()?.unwrap_or_default();
        let outcome = work(&mut keys)?;
        let content = format::render(&keys);
        if content.len() as u64 > MOST_BYTES {
            return Err(unwritable(io::Error::other("it holds too many keys")));
        }
        lock.replace(&content).map_err(unwritable)?;
        Ok(outcome)
    }

    /// The state that the file is in; `None` when it cannot be told, or there is none.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        fs::metadata(&self.path).ok().as_ref().map(Stamp::of)
    }

    /// The keys, with the state of the file that they were read from.
    pub(super) fn read_stamped(&self) -> Result<Option<(KeySet, Stamp)>, Error> {
        let path = self.path.display();
        let unusable = |what: String| {
            Error::UnusableSigningKeys(format!("The file of signing keys {path} {what}."))
        };
        let unreadable = |cause: io::Error| {
            unusable(format!(
                "cannot be read: {cause}; let the user that runs moneyer read it"
            ))
        };
        // Looked at before it is opened: opening a pipe would wait for its other end.
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(unreadable(cause)),
        };
        self.admit(&metadata).map_err(unusable)?;
        let file = File::open(&self.path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        self.admit(&metadata).map_err(unusable)?;
        let content = read_whole(file, &metadata).map_err(unreadable)?;
        let keys = format::parse(&content).map_err(|fault| unusable(fault.to_string()))?;
        Ok(Some((keys, Stamp::of(&metadata))))
    }

    /// Whether a file may be read for its keys; if not, what is wrong with it.
    fn admit(&self, metadata: &Metadata) -> Result<(), String> {
        if !metadata.is_file() {
            return Err("is no regular file; name another in signing.keys_file".into());
        }
        let open_to_others = match self.custody {
            Custody::Operator => 0o027,
            Custody::Credential => 0o007,
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & open_to_others != 0 {
            let path = self.path.display();
            return Err(format!(
                "has the mode {mode:o}, by which others than its owner may read or write it; `chmod 600 {path}` keeps them out, and rotate keys that others may have read"
            ));
        }
        if metadata.len() > MOST_BYTES {
            return Err(format!(
                "is longer than {MOST_BYTES} bytes; name another in signing.keys_file"
            ));
        }
        Ok(())
    }
}

/// The whole content, in memory that is wiped and never moved.
fn read_whole(file: File, metadata: &Metadata) -> io::Result<Zeroizing<Vec<u8>>> {
    let room = usize::try_from(metadata.len()).map_err(io::Error::other)? + 1;
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(metadata.len()).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::domain::{Algorithm, Timestamp};

    fn file_in(folder: &tempfile::TempDir, custody: Custody) -> KeyFile {
        KeyFile::new(folder.path().join("keys"), custody)
    }

    fn create(file: &KeyFile) {
        let mut rng = StdRng::seed_from_u64(1);
        let now = Timestamp::from_seconds(0);
        let made = file.change(|keys| keys.create(Algorithm::EdDsa, now, &mut rng));
        made.unwrap();
    }

    fn set_mode(file: &KeyFile, mode: u32) {
        fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_that_others_may_read_or_write_is_refused_with_its_cure() {
        let folder = tempfile::tempdir().unwrap();
        let [own, credential] =
            [Custody::Operator, Custody::Credential].map(|custody| file_in(&folder, custody));
        create(&own);
        for (mode, own_reads, credential_reads) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o640, true, true),
            (0o460, false, true),
            (0o604, false, false),
            (0o602, false, false),
            (0o601, false, false),
        ] {
            set_mode(&own, mode);
            assert_eq!(own.read().is_ok(), own_reads, "{mode:o}");
            assert_eq!(credential.read().is_ok(), credential_reads, "{mode:o}");
        }
        let sentence = own.read().unwrap_err().to_string();
        assert!(sentence.contains("chmod 600"), "{sentence}");
    }

    #[test]
    fn a_change_keeps_the_mode_and_the_link_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = file_in(&folder, Custody::Operator);
        create(&file);
        assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o777, 0o600);
        set_mode(&file, 0o640);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("keys", &link).unwrap();
        fs::write(folder.path().join("keys.new"), "of a process that died").unwrap();
        let linked = KeyFile::new(link.clone(), Custody::Operator);
        let before = linked.stamp();
        linked.change(|_| Ok(())).unwrap();
        assert_ne!(linked.stamp(), before);
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_no_file_or_too_long_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let itself = KeyFile::new(folder.path().into(), Custody::Operator);
        let sentence = itself.read().unwrap_err().to_string();
        assert!(sentence.contains("no regular file"), "{sentence}");
        let file = file_in(&folder, Custody::Operator);
        create(&file);
        let long = File::options().write(true).open(file.path()).unwrap();
        long.set_len(MOST_BYTES + 1).unwrap();
        let sentence = file.read().unwrap_err().to_string();
        assert!(sentence.contains("longer than"), "{sentence}");
    }

    #[test]
    fn a_credential_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        create(&file_in(&folder, Custody::Operator));
        let credential = file_in(&folder, Custody::Credential);
        let refused = credential.change(|_| Ok(())).unwrap_err();
        assert!(refused.to_string().contains("systemd"), "{refused}");
    }

    #[test]
    fn a_change_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = file_in(&folder, Custody::Operator);
        create(&file);
        let before = fs::read(file.path()).unwrap();
        let failed: Result<(), _> = file.change(|keys| {
            *keys = KeySet::default();
            Err(Error::Refused("no".into()))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(file.path()).unwrap(), before);
    }
}
