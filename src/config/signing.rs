//! Where the signing keys are.

use std::path::{Path, PathBuf};

use toml::Table;

use super::Signing;
use crate::signing::Custody;

/// The name under which systemd passes the file on: `LoadCredential=moneyer-signing-keys:PATH`.
const CREDENTIAL: &str = "moneyer-signing-keys";

/// What decides where the keys are, beside the setting itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The folder of the configuration file, if there is one.
    pub(super) folder: Option<PathBuf>,
    /// The folder of the credentials that systemd provides, if it does.
    pub(super) credentials: Option<PathBuf>,
}

/// Whether `signing.keys_file` was set, by whatever source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeysFile {
    Set,
    Unset,
}

impl Surroundings {
    /// Those of this process, which is configured by `file` if by any.
    #[expect(
        clippy::disallowed_methods,
        reason = "the configuration alone reads the environment"
    )]
    pub(super) fn of(file: Option<&Path>) -> Self {
        Self {
            folder: file.and_then(Path::parent).map(Path::to_owned),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }
}

impl KeysFile {
    /// As the settings of all sources have it.
    pub(super) fn of(settings: &Table) -> Self {
        let set = settings
            .get("signing")
            .and_then(|signing| signing.get("keys_file"));
        set.map_or(Self::Unset, |_| Self::Set)
    }
}

impl Signing {
    /// Settles where the keys are: in systemd's credential, when there is one and nothing was set;
    /// else in the file, taken from the configuration file's folder.
    pub(super) fn settle(&mut self, keys_file: KeysFile, surroundings: &Surroundings) {
        let credential = surroundings
            .credentials
            .as_deref()
            .map(|folder| folder.join(CREDENTIAL))
            .filter(|file| keys_file == KeysFile::Unset && file.exists());
        if let Some(file) = credential {
            self.keys_file = file;
            self.custody = Custody::Credential;
        } else if let Some(folder) = surroundings.folder.as_deref() {
            self.keys_file = Path::new(folder).join(&self.keys_file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(keys_file: &str, set: KeysFile, surroundings: &Surroundings) -> (PathBuf, Custody) {
        let mut signing = Signing {
            keys_file: keys_file.into(),
            ..Signing::default()
        };
        signing.settle(set, surroundings);
        (signing.keys_file, signing.custody)
    }

    #[test]
    fn a_relative_path_is_taken_from_the_folder_of_the_configuration_file() {
        let beside = Surroundings {
            folder: Some("/etc/moneyer".into()),
            credentials: None,
        };
        for (keys_file, surroundings, place) in [
            ("keys", &beside, "/etc/moneyer/keys"),
            ("/srv/keys", &beside, "/srv/keys"),
            ("keys", &Surroundings::default(), "keys"),
        ] {
            let (path, custody) = settled(keys_file, KeysFile::Set, surroundings);
            assert_eq!((path, custody), (place.into(), Custody::Operator));
        }
    }

    #[test]
    fn a_credential_is_used_when_it_is_there_and_nothing_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            folder: None,
            credentials: Some(folder.path().into()),
        };
        let own = ("keys".into(), Custody::Operator);
        assert_eq!(settled("keys", KeysFile::Unset, &surroundings), own);
        let credential = folder.path().join(CREDENTIAL);
        std::fs::write(&credential, "").unwrap();
        assert_eq!(settled("keys", KeysFile::Set, &surroundings), own);
        let provided = (credential, Custody::Credential);
        assert_eq!(settled("keys", KeysFile::Unset, &surroundings), provided);
    }
}
