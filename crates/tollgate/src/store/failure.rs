//! What a failure of either database means to its caller.

use std::error::Error;

use super::StoreError;

/// Serialization failure, deadlock, lock not available.
const POSTGRES_CONFLICTS: [&str; 3] = ["40001", "40P01", "55P03"];
/// Connection, resources (disk full, too many connections), intervention (shutdown), read-only,
/// a database that is not there yet.
const POSTGRES_UNAVAILABLE: [&str; 6] = ["08", "53", "57", "58", "25006", "3D000"];
/// The primary codes of SQLite that pass: perm, busy, locked, nomem, readonly, ioerr, corrupt,
/// full, cantopen, notadb (sqlite.org/rescode.html, November 2026).
const SQLITE_UNAVAILABLE: [i64; 10] = [3, 5, 6, 7, 8, 10, 11, 13, 14, 26];

/// A statement of Postgres's that took longer than it may.
const POSTGRES_TOO_LONG: &str = "57014";

/// Says whether doing it again may help.
pub(super) fn classify(error: sqlx::Error) -> StoreError {
    match meaning(&error) {
        Meaning::Conflict => StoreError::Conflict(Some(error)),
        Meaning::Unavailable => StoreError::Unavailable(error),
        Meaning::Rejected => StoreError::Rejected(error),
    }
}

/// As [`classify`], of SQLite without sqlx in between.
pub(super) fn classify_sqlite(error: rusqlite::Error) -> StoreError {
    let code = error.sqlite_error().map(|it| i64::from(it.extended_code) & 0xff);
    let passes = code.is_some_and(|it| SQLITE_UNAVAILABLE.contains(&it));
    let error = sqlx::Error::AnyDriverError(Box::new(error));
    if passes { StoreError::Unavailable(error) } else { StoreError::Rejected(error) }
}

/// As [`classify`], of Postgres without sqlx in between.
pub(super) fn classify_pipelined(error: tokio_postgres::Error) -> StoreError {
    let meaning = match error.code() {
        Some(code) => of_postgres(code.code()),
        None if is_of_connection(&error) => Meaning::Unavailable,
        None => Meaning::Rejected,
    };
    let error = sqlx::Error::AnyDriverError(Box::new(error));
    match meaning {
        Meaning::Conflict => StoreError::Conflict(Some(error)),
        Meaning::Unavailable => StoreError::Unavailable(error),
        Meaning::Rejected => StoreError::Rejected(error),
    }
}

/// Whether the connection failed, rather than what was asked over it.
pub(super) fn is_of_connection(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.source().is_some_and(<dyn Error>::is::<std::io::Error>)
}

/// Says what the failure of a handler means. A database that is away shows with the next statement
/// of our own; here it only means that the handler may be tried again.
pub(super) fn of_handler(
    handler: &str,
    error: &(dyn Error + 'static),
    hidden: &[&str],
) -> StoreError {
    let of_database = of_database(error);
    let too_long = |it: &sqlx::Error| {
        let database = it.as_database_error();
        database.is_some_and(|it| it.code().as_deref() == Some(POSTGRES_TOO_LONG))
    };
    let passes = |it: &sqlx::Error| meaning(it) != Meaning::Rejected && !too_long(it);
    let why = hidden.iter().filter(|it| !it.is_empty());
    let why = why.fold(error.to_string(), |why, it| why.replace(it, "***"));
    StoreError::Handler {
        handler: handler.to_owned(),
        why,
        passing: of_database.is_some_and(passes),
    }
}

/// The database's error among the causes of another.
fn of_database<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a sqlx::Error> {
    let mut next = Some(error);
    while let Some(it) = next {
        if let Some(found) = it.downcast_ref() {
            return Some(found);
        }
        next = it.source();
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Conflict,
    Unavailable,
    Rejected,
}

fn meaning(error: &sqlx::Error) -> Meaning {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Meaning::Unavailable,
            _ => Meaning::Rejected,
        };
    };
    let code = database.code().unwrap_or_default();
    if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        let primary = code.parse::<i64>().unwrap_or(0) & 0xff;
        return match SQLITE_UNAVAILABLE.contains(&primary) {
            true => Meaning::Unavailable,
            false => Meaning::Rejected,
        };
    }
    of_postgres(&code)
}

fn of_postgres(code: &str) -> Meaning {
    if POSTGRES_CONFLICTS.contains(&code) {
        Meaning::Conflict
    } else if POSTGRES_UNAVAILABLE.iter().any(|it| code.starts_with(it)) {
        Meaning::Unavailable
    } else {
        Meaning::Rejected
    }
}
