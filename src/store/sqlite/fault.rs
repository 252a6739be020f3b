//! Which of SQLite's errors are the surroundings' fault, and which are a defect.

use rusqlite::ErrorCode;

use crate::error::Error;

/// Sorts an error: a full disk or a locked file may pass, anything else is a defect of ours or of
/// the file.
pub(super) fn classify(error: &rusqlite::Error) -> Error {
    let cause = error.to_string().into();
    if is_passing(error) {
        Error::Unavailable(cause)
    } else {
        Error::Internal(cause)
    }
}

fn is_passing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
        )
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::{Error as Sqlite, ffi};

    use super::*;

    #[test]
    fn a_full_disk_may_pass_and_a_broken_file_may_not() {
        let failure = |code| Sqlite::SqliteFailure(ffi::Error::new(code), None);
        assert_eq!(classify(&failure(ffi::SQLITE_FULL)).code(), "unavailable");
        assert_eq!(classify(&failure(ffi::SQLITE_BUSY)).code(), "unavailable");
        assert_eq!(classify(&failure(ffi::SQLITE_CORRUPT)).code(), "internal");
        assert_eq!(classify(&Sqlite::QueryReturnedNoRows).code(), "internal");
    }
}
