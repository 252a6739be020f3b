//! Finding, making and checking the file.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, config::DbConfig,
};

use super::owner_only;
use crate::{
    error::Error,
    store::{Absent, Options},
};

const SCHEMA: &str = include_str!("../../../schema.sql");
const SCHEMA_VERSION: i64 = 8;
const APPLICATION_ID: i64 = 0x4D6E_7972;
const STATEMENTS_KEPT_PREPARED: usize = 64;

/// The path in a URL of the form `sqlite:PATH`.
pub(super) fn path_of(url: &str) -> Result<PathBuf, Error> {
    match url.split_once(':') {
        Some(("sqlite", path))
            if !path.is_empty() && !path.starts_with("//") && path != ":memory:" =>
        {
            Ok(path.into())
        }
        _ => Err(Error::UnusableStore(format!(
            "The database \"{url}\" is none that Moneyer knows; it must be given as sqlite:PATH, with the path of a file."
        ))),
    }
}

/// Opens the file for writing; makes it when it is absent and `options` say so.
pub(super) fn open(path: &Path, options: &Options) -> Result<Connection, Error> {
    let exists = path.try_exists().map_err(|cause| {
        Error::UnusableStore(format!(
            "The store {} cannot be opened: {cause}.",
            path.display()
        ))
    })?;
    if !exists {
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

/// Opens the file for writing once more, as it is.
pub(super) fn connect_writer(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    connect(path, options, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens the file as it is.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that opens connections"
)]
pub(super) fn connect_plain(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn connect(path: &Path, options: &Options, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = connect_plain(path, access)?;
    connection.busy_timeout(options.busy_timeout)?;
    // Without this a statement that a partial index may serve is planned anew whenever it is given
    // other values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.page_cache_kib))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT_PREPARED);
    Ok(connection)
}

fn create(path: &Path) -> Result<(), Error> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    owner_only(&mut file);
    let created = match file.open(path) {
        // Another process was faster; what it makes of the file is looked at next.
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    };
    created.map_err(|cause| {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        Error::UnusableStore(match folder {
            Some(folder) => format!(
                "The folder {} does not exist; make it, or name another store with --database.",
                folder.display()
            ),
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

/// Makes sure that the file is Moneyer's, of the version known here; writes the schema into an
/// empty one.
fn identify(connection: &Connection, path: &Path) -> Result<(), Unfit> {
    // One snapshot, since another process may be writing the schema.
    let snapshot = connection.unchecked_transaction()?;
    let contents = Contents::of(&snapshot)?;
    drop(snapshot);
    match contents {
        Contents::Current => Ok(()),
        Contents::Nothing => write_schema(connection, path),
        unfit => Err(unfit.refusal(path)),
    }
}

/// Writes the schema, unless another process that came upon the same empty file was faster.
fn write_schema(connection: &Connection, path: &Path) -> Result<(), Unfit> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    match Contents::of(&transaction)? {
        Contents::Nothing => transaction.execute_batch(SCHEMA)?,
        Contents::Current => {}
        unfit => return Err(unfit.refusal(path)),
    }
    Ok(transaction.commit()?)
}

/// What is in a file.
enum Contents {
    Nothing,
    Current,
    OtherVersion(i64),
    OtherProgram,
}

impl Contents {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let (application, version): (i64, i64) =
            (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(match (application, version, tables) {
            (0, 0, 0) => Self::Nothing,
            (APPLICATION_ID, SCHEMA_VERSION, _) => Self::Current,
            (APPLICATION_ID, ..) => Self::OtherVersion(version),
            _ => Self::OtherProgram,
        })
    }

    fn refusal(&self, path: &Path) -> Unfit {
        let path = path.display();
        Unfit::Other(match self {
            Self::OtherVersion(version) => format!(
                "The store {path} has schema version {version}, and this moneyer knows version {SCHEMA_VERSION} alone; \
                 use {}.",
                if *version > SCHEMA_VERSION {
                    "the moneyer that wrote it, or a newer one"
                } else {
                    "the moneyer that wrote it"
                }
            ),
            Self::Nothing | Self::Current | Self::OtherProgram => {
                format!(
                    "The file {path} is a database of some other program; name another store with --database."
                )
            }
        })
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
            format!(
                "The store {path} cannot be opened; let the user that runs moneyer read and write it and its folder."
            )
        }
        Some(ErrorCode::ReadOnly) => {
            format!(
                "The store {path} can only be read; let the user that runs moneyer write to it and to its folder."
            )
        }
        Some(ErrorCode::DiskFull) => {
            format!("The disk that holds {path} is full; make room on it.")
        }
        // The schema is read when the file is opened.
        Some(ErrorCode::DatabaseCorrupt) => {
            format!(
                "The store {path} is damaged ({error}); stop the server and put a backup in its place."
            )
        }
        _ => format!("The store {path} cannot be used: {error}. `moneyer doctor` may say more."),
    })
}
