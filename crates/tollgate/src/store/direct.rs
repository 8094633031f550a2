//! SQLite without a thread in between. sqlx runs every connection on a thread of its own and sends
//! each row through a channel; the writer, which has a thread already, spent a third of a batch
//! waiting for that other one (decision 0013). Where no handler needs sqlx's connection, batches run
//! here instead, on a connection of their own and in the turn of sqlx's only one that may write.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use super::StoreError;
use super::db::{STATEMENTS_CACHED, WAIT};
use super::failure::classify_sqlite;
use super::sql::{Row, Statement, Texts, Value};

/// Where the connection is kept between two turns, with the statements that it has prepared.
#[derive(Clone, Debug)]
pub(super) struct Home {
    file: Option<PathBuf>,
    pragmas: Arc<str>,
    kept: Arc<Mutex<Option<Connection>>>,
}

impl Home {
    /// Returns the place of a connection to `file`, of which a URL with options, or of a database
    /// in memory, does not say enough.
    pub(super) fn new(url: &str, file: &Path, pragmas: &[(&str, &str)]) -> Self {
        let is_plain = !url.contains('?') && !url.contains(":memory:");
        let pragmas = pragmas.iter().map(|(name, value)| format!("pragma {name} = {value};"));
        Self {
            file: is_plain.then(|| file.to_owned()),
            pragmas: pragmas.collect::<String>().into(),
            kept: Arc::default(),
        }
    }

    /// Whether there can be a connection.
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Takes the connection out for as long as the turn lasts, or opens one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) fn take(&self, turn: PoolConnection<Sqlite>) -> Result<Turn, StoreError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let connection = kept.map_or_else(|| self.connect(), Ok).map_err(classify_sqlite)?;
        Ok(Turn { _turn: turn, connection: Some(connection), home: self.clone() })
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(self.file.as_deref().unwrap_or(Path::new("")))?;
        connection.busy_timeout(WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        connection.execute_batch(&self.pragmas)?;
        Ok(connection)
    }

    /// Closes the connection that is kept.
    pub(super) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A turn to write. The connection goes home with its end, unless a transaction stuck to it.
#[derive(Debug)]
pub(super) struct Turn {
    _turn: PoolConnection<Sqlite>,
    connection: Option<Connection>,
    home: Home,
}

impl Turn {
    /// Begins a transaction that holds the write lock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) fn begin(&mut self, text: &str) -> Result<Direct<'_>, StoreError> {
        let connection = self.connection.as_mut().expect("it goes home with the turn's end");
        execute(connection, text).map_err(classify_sqlite)?;
        Ok(Direct { connection })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let connection = self.connection.take().filter(Connection::is_autocommit);
        *self.home.kept.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

/// A transaction; dropped without [`Direct::commit`] it is rolled back.
#[derive(Debug)]
pub(super) struct Direct<'c> {
    connection: &'c mut Connection,
}

impl Direct<'_> {
    /// Runs a statement over a batch and returns its rows.
    ///
    /// # Errors
    /// As the database says.
    pub(super) fn run(
        &mut self,
        texts: &Texts,
        statement: &Statement,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        let (text, _) = texts.sqlite(statement, rows.len());
        let rows = run(self.connection, text, rows.into_iter().flatten());
        rows.map_err(classify_sqlite)
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// Nothing of it is kept.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        execute(self.connection, "commit").map_err(classify_sqlite)
    }
}

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        // SQLite may have ended it by itself where a write failed; one that cannot be rolled back
        // does not go home.
        if !self.connection.is_autocommit() {
            drop(execute(self.connection, "rollback"));
        }
    }
}

fn execute(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(text)?.execute([]).map(drop)
}

/// What is not bound is null: the rows that fill a batch up.
fn run(
    connection: &Connection,
    text: &str,
    values: impl Iterator<Item = Value>,
) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(text)?;
    statement.clear_bindings();
    for (value, place) in values.zip(1..) {
        match value {
            Value::Text(it) => statement.raw_bind_parameter(place, it)?,
            Value::Int(it) => statement.raw_bind_parameter(place, it)?,
            Value::Bool(it) => statement.raw_bind_parameter(place, it)?,
            Value::Bytes(it) => statement.raw_bind_parameter(place, it)?,
        }
    }
    let columns = 0..statement.column_count();
    let (mut found, mut rows) = (Vec::new(), statement.raw_query());
    while let Some(row) = rows.next()? {
        let cells: rusqlite::Result<Vec<Cell>> = columns.clone().map(|it| row.get(it)).collect();
        found.push(Row::Direct(cells?));
    }
    Ok(found)
}

/// A type that a column of SQLite's can be read as.
pub trait FromCell<'r>: Sized {
    /// Returns the value; `None` where it is of another type.
    fn from_cell(cell: &'r Cell) -> Option<Self>;
}

impl<'r> FromCell<'r> for &'r str {
    fn from_cell(cell: &'r Cell) -> Option<Self> {
        if let Cell::Text(it) = cell { Some(it) } else { None }
    }
}

impl<'r> FromCell<'r> for String {
    fn from_cell(cell: &'r Cell) -> Option<Self> {
        <&str>::from_cell(cell).map(str::to_owned)
    }
}

impl<'r> FromCell<'r> for &'r [u8] {
    fn from_cell(cell: &'r Cell) -> Option<Self> {
        if let Cell::Blob(it) = cell { Some(it) } else { None }
    }
}

impl<'r> FromCell<'r> for i64 {
    fn from_cell(cell: &'r Cell) -> Option<Self> {
        if let Cell::Integer(it) = cell { Some(*it) } else { None }
    }
}

impl<'r> FromCell<'r> for bool {
    fn from_cell(cell: &'r Cell) -> Option<Self> {
        i64::from_cell(cell).map(|it| it != 0)
    }
}

impl<'r, T: FromCell<'r>> FromCell<'r> for Option<T> {
    fn from_cell(cell: &'r Cell) -> Option<Self> {
        if *cell == Cell::Null { Some(None) } else { T::from_cell(cell).map(Some) }
    }
}
