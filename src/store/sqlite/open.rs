//! Finding, making and checking the file.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::owner_only;
use crate::{
    error::Error,
    store::{Absent, Options},
};

const SCHEMA: &str = include_str!("../../../schema.sql");
const SCHEMA_VERSION: i64 = 1;
const APPLICATION_ID: i64 = 0x4D6E_7972;
const STATEMENTS_KEPT_PREPARED: usize = 64;

/// The path in a URL of the form `sqlite:PATH`.
pub(super) fn path_of(url: &str) -> Result<PathBuf, Error> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(path.into()),
        _ => Err(Error::UnusableStore(format!(
            "The database \"{url}\" is none that Moneyer knows; it must be given as sqlite:PATH."
        ))),
    }
}

/// Opens the file for writing; makes it when it is absent and `options` say so.
pub(super) fn open(path: &Path, options: &Options) -> Result<Connection, Error> {
    if !path.exists() {
        match options.absent {
            Absent::Create => create(path)?,
            Absent::Refuse => {
                return Err(Error::UnusableStore(format!(
                    "There is no store at {}; `moneyer account create NAME` makes one, or name another with --database.",
                    path.display()
                )));
            }
        }
    }
    prepare(path, options).map_err(|failure| match failure {
        Unfit::Sqlite(error) => explain(path, &error),
        Unfit::Other(sentence) => Error::UnusableStore(sentence),
    })
}

/// Opens the file for reading.
pub(super) fn connect_reader(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    connect(path, options, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the file as it is, with SQLite's own defaults.
#[expect(clippy::disallowed_methods, reason = "this is the one place that opens connections")]
pub(super) fn connect_plain(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn connect(path: &Path, options: &Options, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = connect_plain(path, access)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.page_cache_kib))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT_PREPARED);
    Ok(connection)
}

fn create(path: &Path) -> Result<(), Error> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    owner_only(&mut file);
    file.open(path).map(drop).map_err(|cause| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        Error::UnusableStore(match folder {
            Some(folder) => format!("The folder {} does not exist; make it, or name another store with --database.", folder.display()),
            None => format!("Cannot create the store {}: {cause}.", path.display()),
        })
    })
}

enum Unfit {
    Sqlite(rusqlite::Error),
    Other(String),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn prepare(path: &Path, options: &Options) -> Result<Connection, Unfit> {
    let connection = connect(path, options, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(Unfit::Other(format!(
            "The store {} can only be read; let the user that runs moneyer write to it and to its folder.",
            path.display()
        )));
    }
    identify(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Makes sure that the file is Moneyer's, of the version known here; writes the schema into an empty one.
fn identify(connection: &Connection, path: &Path) -> Result<(), Unfit> {
    // An immediate transaction, since two processes may come upon the same empty file.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let path = path.display();
    let unfit = match (application, version, tables) {
        (0, 0, 0) => {
            connection.execute_batch(SCHEMA)?;
            None
        }
        (APPLICATION_ID, SCHEMA_VERSION, _) => None,
        (APPLICATION_ID, ..) => Some(format!(
            "The store {path} has schema version {version}, and this moneyer knows version {SCHEMA_VERSION} alone; \
             use the moneyer that wrote it, or a newer one."
        )),
        _ => Some(format!("The file {path} is a database of some other program; name another store with --database.")),
    };
    match unfit {
        None => Ok(connection.execute_batch("COMMIT")?),
        Some(sentence) => {
            connection.execute_batch("ROLLBACK")?;
            Err(Unfit::Other(sentence))
        }
    }
}

/// Why the file cannot be opened, and what to do.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.display();
    Error::UnusableStore(match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            format!("The file {path} is not a database; name another store with --database.")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("The store {path} is locked by another process; try again once it is done.")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("The store {path} cannot be opened; let the user that runs moneyer read and write it and its folder.")
        }
        Some(ErrorCode::ReadOnly) => {
            format!("The store {path} can only be read; let the user that runs moneyer write to it and to its folder.")
        }
        Some(ErrorCode::DiskFull) => format!("The disk that holds {path} is full; make room on it."),
        _ => format!("The store {path} cannot be used: {error}. `moneyer doctor` may say more."),
    })
}
