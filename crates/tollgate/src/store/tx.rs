//! Transactions of both databases behind one door: what is begun, run and committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, Postgres, Sqlite, Transaction};

use super::StoreError;
use super::direct::{Direct, Turn};
use super::failure::classify;
use super::pipeline::{Call, Pipelined};
use super::sql::{Row, Statement, Texts, Value, postgres_arguments, sqlite_arguments};

/// A lock that is upgraded midway fails at once (SQLITE_BUSY_SNAPSHOT).
pub(super) const SQLITE_BEGIN: &str = "begin immediate";

/// A connection that is kept from one transaction to the next: taking one from the pool and giving
/// it back costs as much as a statement or two. After an error it is to be dropped.
#[derive(Debug)]
pub struct Session {
    pub(super) connection: Kept,
    pub(super) texts: Arc<Texts>,
    pub(super) executed: Arc<AtomicU64>,
}

#[derive(Debug)]
pub(super) enum Kept {
    Sqlite(PoolConnection<Sqlite>),
    Direct(Turn),
    Postgres(PoolConnection<Postgres>),
    Pipelined(Call),
}

impl Session {
    /// Begins a transaction that writes; on SQLite it holds the write lock from here on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn begin(&mut self) -> Result<Tx<'_>, StoreError> {
        let inner = match &mut self.connection {
            Kept::Sqlite(it) => Inner::Sqlite(it.begin_with(SQLITE_BEGIN).await.map_err(classify)?),
            Kept::Direct(it) => Inner::Direct(it.begin(SQLITE_BEGIN)?),
            Kept::Pipelined(it) => Inner::Pipelined(it.begin()),
            Kept::Postgres(it) => Inner::Postgres(it.begin().await.map_err(classify)?),
        };
        Ok(Tx { inner, texts: Arc::clone(&self.texts), executed: Arc::clone(&self.executed) })
    }
}

/// A transaction; dropped without [`Tx::commit`] it is rolled back.
#[derive(Debug)]
pub struct Tx<'c> {
    pub(super) inner: Inner<'c>,
    pub(super) texts: Arc<Texts>,
    pub(super) executed: Arc<AtomicU64>,
}

#[derive(Debug)]
pub(super) enum Inner<'c> {
    Sqlite(Transaction<'c, Sqlite>),
    Direct(Direct<'c>),
    Postgres(Transaction<'c, Postgres>),
    Pipelined(Pipelined<'c>),
}

impl Tx<'_> {
    /// Counts a statement.
    pub(super) fn count(&self) {
        self.executed.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs a statement over a batch and returns its rows.
    ///
    /// # Errors
    /// As the database says; the transaction is then of no more use.
    pub async fn batch(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        self.count();
        match &mut self.inner {
            Inner::Sqlite(tx) => run_sqlite(&mut **tx, &self.texts, statement, rows).await,
            Inner::Direct(tx) => tx.run(&self.texts, statement, rows),
            Inner::Pipelined(tx) => tx.run(&self.texts, statement, rows).await,
            Inner::Postgres(tx) => run_postgres(&mut **tx, &self.texts, statement, rows).await,
        }
    }

    /// Runs a statement whose rows nobody needs, at the latest with the next that is waited for.
    pub(super) async fn later(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Value>>,
        touched: Option<usize>,
    ) -> Result<(), StoreError> {
        if let Inner::Pipelined(tx) = &mut self.inner {
            self.executed.fetch_add(1, Ordering::Relaxed);
            return tx.later(&self.texts, statement, rows, touched).await;
        }
        let done = self.batch(statement, rows).await?.len();
        if touched.is_none_or(|it| it == done) { Ok(()) } else { Err(StoreError::Conflict(None)) }
    }

    /// Runs a statement with numbered parameters and returns its rows.
    ///
    /// # Errors
    /// As the database says; the transaction is then of no more use.
    pub async fn run(
        &mut self,
        statement: &Statement,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.batch(statement, vec![params]).await
    }

    /// Runs a statement that only holds other transactions off: on SQLite there are none.
    ///
    /// # Errors
    /// As the database says.
    pub(super) async fn hold(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        match self.inner {
            Inner::Sqlite(_) | Inner::Direct(_) => Ok(()),
            Inner::Postgres(_) | Inner::Pipelined(_) => self.later(statement, rows, None).await,
        }
    }

    /// Makes everything durable: after this, and not before, a caller may say 200.
    ///
    /// # Errors
    /// Nothing of it is kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Direct(tx) => return tx.commit(),
            Inner::Pipelined(tx) => return tx.commit().await,
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => tx.commit().await,
        }
        .map_err(classify)
    }
}

pub(super) async fn run_sqlite<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    texts: &Texts,
    statement: &Statement,
    rows: Vec<Vec<Value>>,
) -> Result<Vec<Row>, StoreError> {
    let (text, size) = texts.sqlite(statement, rows.len());
    let arguments = sqlite_arguments(statement, rows, size)?;
    let rows = sqlx::query_with(text, arguments).fetch_all(executor).await.map_err(classify)?;
    Ok(rows.into_iter().map(Row::Sqlite).collect())
}

pub(super) async fn run_postgres<'c>(
    executor: impl Executor<'c, Database = Postgres>,
    texts: &Texts,
    statement: &Statement,
    rows: Vec<Vec<Value>>,
) -> Result<Vec<Row>, StoreError> {
    let arguments = postgres_arguments(statement, rows)?;
    let text = texts.postgres(statement);
    let rows = sqlx::query_with(text, arguments).fetch_all(executor).await.map_err(classify)?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}
