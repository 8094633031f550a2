//! Changes of access that time brought and that could not be made: whose, why, and when they are
//! tried again. They are never given up.

use super::sql::{Statement, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[&RECORD, &FORGET, &FIND, &COUNT];

/// A change that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueFailure {
    /// How often it was tried.
    pub attempts: i64,
    /// What the last try failed of.
    pub error: String,
    /// When it is tried again, in Unix seconds.
    pub retry_at: i64,
}

static RECORD: Statement = Statement::plain(
    "record_due_failure",
    "insert into due_failure (user_id, attempts, error, retry_at) values ($1, $2, $3, $4)
     on conflict (user_id) do update set attempts = excluded.attempts, error = excluded.error,
        retry_at = excluded.retry_at",
);

/// Keeps why a user's change could not be made, in place of what was kept before.
///
/// # Errors
/// As the database says.
pub async fn record(tx: &mut Tx<'_>, user_id: &str, it: &DueFailure) -> Result<(), StoreError> {
    let params = params![user_id, it.attempts, it.error.as_str(), it.retry_at];
    tx.run(&RECORD, params).await.map(drop)
}

static FORGET: Statement = Statement::batch(
    "forget_due_failures",
    &[("user_id", super::sql::Type::Text)],
    "delete from due_failure where user_id in (select user_id from {rows} as r)",
);

/// Forgets the failures of these users: their changes are made.
///
/// # Errors
/// As the database says.
pub async fn forget(tx: &mut Tx<'_>, user_ids: &[&str]) -> Result<(), StoreError> {
    tx.batch(&FORGET, user_ids.iter().map(|it| params![*it]).collect()).await.map(drop)
}

static FIND: Statement = Statement::plain(
    "find_due_failure",
    "select attempts, error, retry_at from due_failure where user_id = $1",
);

/// Returns why a user's change could not be made, if so.
///
/// # Errors
/// As the database says.
pub async fn find(db: &Db, user_id: &str) -> Result<Option<DueFailure>, StoreError> {
    let rows = db.fetch(&FIND, params![user_id]).await?;
    let read = |row: &super::sql::Row| -> Result<DueFailure, StoreError> {
        Ok(DueFailure { attempts: row.get(0)?, error: row.get(1)?, retry_at: row.get(2)? })
    };
    rows.first().map(read).transpose()
}

static COUNT: Statement =
    Statement::plain("count_due_failures", "select cast(count(*) as bigint) from due_failure");

/// Returns how many users wait for such a change.
///
/// # Errors
/// As the database says.
pub async fn waiting(db: &Db) -> Result<i64, StoreError> {
    let rows = db.fetch(&COUNT, params![]).await?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}
