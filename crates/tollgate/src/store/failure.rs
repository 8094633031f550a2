//! What a failure of either database means to its caller.

use super::StoreError;

/// Serialization failure, deadlock, lock not available.
const POSTGRES_CONFLICTS: [&str; 3] = ["40001", "40P01", "55P03"];
/// Connection, resources (disk full, too many connections), intervention (shutdown), read-only,
/// a database that is not there yet.
const POSTGRES_UNAVAILABLE: [&str; 6] = ["08", "53", "57", "58", "25006", "3D000"];
/// The primary codes of SQLite that pass: perm, busy, locked, nomem, readonly, ioerr, corrupt,
/// full, cantopen, notadb (sqlite.org/rescode.html, November 2026).
const SQLITE_UNAVAILABLE: [i64; 10] = [3, 5, 6, 7, 8, 10, 11, 13, 14, 26];

/// Says whether doing it again may help.
pub(super) fn classify(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(database) = &error else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => StoreError::Unavailable(error),
            _ => StoreError::Rejected(error),
        };
    };
    let code = database.code().unwrap_or_default().into_owned();
    if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        let primary = code.parse::<i64>().unwrap_or(0) & 0xff;
        return match SQLITE_UNAVAILABLE.contains(&primary) {
            true => StoreError::Unavailable(error),
            false => StoreError::Rejected(error),
        };
    }
    if POSTGRES_CONFLICTS.contains(&code.as_str()) {
        StoreError::Conflict(Some(error))
    } else if POSTGRES_UNAVAILABLE.iter().any(|it| code.starts_with(it)) {
        StoreError::Unavailable(error)
    } else {
        StoreError::Rejected(error)
    }
}
