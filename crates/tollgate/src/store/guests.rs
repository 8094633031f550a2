//! A stretch of a transaction in which somebody else's statements run. They may use it, but not
//! end it, nor hold it for longer than they are given: what they broke shows before the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use super::failure::classify;
use super::tx::Inner;
use super::{StoreError, Tx};

/// Steps of SQLite's machine after which it looks whether it is to stop.
const SQLITE_STEPS: i32 = 20_000;

/// Guests are in; to be ended by [`Tx::dismiss`] or [`Tx::expel`].
#[derive(Debug)]
pub struct Visit(Arc<AtomicBool>);

impl Tx<'_> {
    /// Lets guests in. No statement of theirs may take longer than `limit`.
    ///
    /// # Errors
    /// As the database says.
    pub async fn admit(&mut self, limit: Duration) -> Result<Visit, StoreError> {
        self.count();
        let stop = Arc::new(AtomicBool::new(false));
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                run_sqlite(tx, "savepoint guests").await?;
                let told = Arc::clone(&stop);
                let mut handle = tx.lock_handle().await.map_err(classify)?;
                handle.set_progress_handler(SQLITE_STEPS, move || !told.load(Ordering::Acquire));
            }
            Inner::Direct(_) | Inner::Pipelined(_) => return Err(not_invited()),
            Inner::Postgres(tx) => {
                let limit_ms = limit.as_millis().max(1);
                let text = format!("savepoint guests; set local statement_timeout = {limit_ms}");
                run_postgres(tx, text).await?;
            }
        }
        Ok(Visit(stop))
    }

    /// Ends the visit and goes on with the transaction.
    ///
    /// # Errors
    /// The guests left the transaction unusable, or ended it themselves.
    pub async fn dismiss(&mut self, visit: Visit) -> Result<(), StoreError> {
        self.count();
        drop(visit);
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                tx.lock_handle().await.map_err(classify)?.remove_progress_handler();
                run_sqlite(tx, "release savepoint guests").await
            }
            Inner::Direct(_) | Inner::Pipelined(_) => Err(not_invited()),
            Inner::Postgres(tx) => {
                let text = "set local statement_timeout to default; release savepoint guests";
                run_postgres(tx, text.to_owned()).await
            }
        }
    }

    /// Ends the visit where guests failed or stayed too long; the transaction is to be dropped.
    /// A statement that still runs is stopped.
    pub async fn expel(&mut self, visit: Visit) {
        visit.0.store(true, Ordering::Release);
        // On Postgres the statement ends by its own limit, and the transaction with it.
        if let Inner::Sqlite(tx) = &mut self.inner
            && let Ok(mut handle) = tx.lock_handle().await
        {
            handle.remove_progress_handler();
        }
    }

    /// Returns SQLite's connection, within this transaction; `None` on Postgres. It must neither be
    /// committed nor rolled back: that is done for all that changes together.
    pub fn sqlite(&mut self) -> Option<&mut SqliteConnection> {
        match &mut self.inner {
            Inner::Sqlite(it) => Some(it),
            Inner::Direct(_) | Inner::Postgres(_) | Inner::Pipelined(_) => None,
        }
    }

    /// Returns Postgres's connection, within this transaction; `None` on SQLite. It must neither be
    /// committed nor rolled back: that is done for all that changes together.
    pub fn postgres(&mut self) -> Option<&mut PgConnection> {
        match &mut self.inner {
            Inner::Direct(_) | Inner::Sqlite(_) | Inner::Pipelined(_) => None,
            Inner::Postgres(it) => Some(it),
        }
    }
}

/// The transaction is one without guests: [`super::Db::session`] was told that none will come.
pub(super) fn not_invited() -> StoreError {
    StoreError::Misconfigured("a transaction that is begun for no guests admits none".to_owned())
}

async fn run_sqlite(
    tx: &mut Transaction<'_, Sqlite>,
    text: &'static str,
) -> Result<(), StoreError> {
    sqlx::raw_sql(text).execute(&mut **tx).await.map(drop).map_err(classify)
}

async fn run_postgres(tx: &mut Transaction<'_, Postgres>, text: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **tx).await.map(drop).map_err(classify)
}
