//! One SQL text for two databases. A statement is a constant; four fragments of it differ and are
//! filled in here: `{rows}`, a batch as a table (multi-row `values` on SQLite, `unnest` of typed
//! arrays on Postgres), `{hold}`, a lock on every `name` until the transaction ends, `{lock}`,
//! which leaves rows to whoever took them first (SQLite has one writer and nothing to hold off),
//! and `{array}`, the function that makes a JSON array.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Postgres, Sqlite};

use super::StoreError;
use super::direct::FromCell;

/// The type of a column of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// A number of 64 bits.
    Int,
    /// True or false.
    Bool,
    /// Bytes.
    Bytes,
}

/// A value to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(Option<String>),
    /// A number of 64 bits.
    Int(Option<i64>),
    /// True or false.
    Bool(Option<bool>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(Some(it.to_owned()))
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::Text(Some(it))
    }
}

impl From<Option<String>> for Value {
    fn from(it: Option<String>) -> Self {
        Self::Text(it)
    }
}

impl From<Option<&str>> for Value {
    fn from(it: Option<&str>) -> Self {
        Self::Text(it.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Int(Some(it))
    }
}

impl From<Option<i64>> for Value {
    fn from(it: Option<i64>) -> Self {
        Self::Int(it)
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(Some(it))
    }
}

impl From<Vec<u8>> for Value {
    fn from(it: Vec<u8>) -> Self {
        Self::Bytes(Some(it))
    }
}

/// Makes the values of a row or of a statement's parameters.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::Value::from($value)),*] };
}
pub(crate) use params;

/// A statement: its text, and the columns of `{rows}` where it takes a batch. A batch statement
/// has no other parameters, and the first column of its rows is never null.
#[derive(Debug)]
pub struct Statement {
    pub(super) name: &'static str,
    text: &'static str,
    columns: &'static [(&'static str, Type)],
}

impl Statement {
    /// A statement with numbered parameters.
    pub const fn plain(name: &'static str, text: &'static str) -> Self {
        Self { name, text, columns: &[] }
    }

    /// Whether it takes a batch, rather than numbered parameters.
    pub(super) fn takes_rows(&self) -> bool {
        !self.columns.is_empty()
    }

    /// A statement over a batch.
    pub const fn batch(
        name: &'static str,
        columns: &'static [(&'static str, Type)],
        text: &'static str,
    ) -> Self {
        Self { name, text, columns }
    }
}

/// SQLite prepares a text for each size of a batch, so batches are filled up to one of these
/// with rows of nulls that the text leaves out.
const SIZES: [usize; 13] = [1, 4, 8, 16, 24, 32, 40, 48, 64, 96, 128, 256, 1024];

/// The most rows of one statement; larger batches are cut by their caller.
pub const ROWS_MAX: usize = 1024;

const POSTGRES_HOLD: &str = "count(pg_advisory_xact_lock(hashtextextended(name, 0)))";

/// The texts that were filled in so far, by statement and size; a handful a statement, for ever.
#[derive(Debug, Default)]
pub(super) struct Texts(Mutex<HashMap<(&'static str, usize), &'static str>>);

impl Texts {
    fn get(&self, name: &'static str, size: usize, make: impl FnOnce() -> String) -> &'static str {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.entry((name, size)).or_insert_with(|| Box::leak(make().into_boxed_str()))
    }

    pub(super) fn sqlite(&self, statement: &Statement, rows: usize) -> (&'static str, usize) {
        let size = SIZES.into_iter().find(|it| *it >= rows).unwrap_or(rows);
        let size = if statement.takes_rows() { size } else { 0 };
        let text = self.get(statement.name, size, || {
            let rows = sqlite_rows(statement.columns, size);
            let text = statement.text.replace("{rows}", &rows).replace("{hold}", "count(name)");
            text.replace("{lock}", "").replace("{array}", "json_array")
        });
        (text, size)
    }

    pub(super) fn postgres(&self, statement: &Statement) -> &'static str {
        self.get(statement.name, 0, || {
            let rows = postgres_rows(statement.columns);
            let text = statement.text.replace("{rows}", &rows).replace("{hold}", POSTGRES_HOLD);
            text.replace("{lock}", " for update skip locked").replace("{array}", "json_build_array")
        })
    }
}

fn sqlite_rows(columns: &[(&str, Type)], size: usize) -> String {
    let names: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, (name, _))| format!("column{} as {name}", i + 1))
        .collect();
    // Unnamed parameters: SQLite looks named ones up one after the other.
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let mut text = format!("(select {} from (values ", names.join(", "));
    for i in 0..size {
        let comma = if i == 0 { "" } else { "," };
        write!(text, "{comma}{row}").expect("writing to a string cannot fail");
    }
    text.push_str(") where column1 is not null)");
    text
}

fn postgres_rows(columns: &[(&str, Type)]) -> String {
    let arrays: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, (_, kind))| format!("${}::{}[]", i + 1, postgres_type(*kind)))
        .collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    format!("(select * from unnest({}) as batch({}))", arrays.join(", "), names.join(", "))
}

fn postgres_type(kind: Type) -> &'static str {
    match kind {
        Type::Text => "text",
        Type::Int => "bigint",
        Type::Bool => "boolean",
        Type::Bytes => "bytea",
    }
}

pub(super) fn sqlite_arguments(
    statement: &Statement,
    rows: Vec<Vec<Value>>,
    size: usize,
) -> Result<SqliteArguments, StoreError> {
    let mut arguments = SqliteArguments::default();
    let missing = size.saturating_sub(rows.len()) * statement.columns.len();
    for value in rows.into_iter().flatten() {
        add(&mut arguments, value)?;
    }
    for _ in 0..missing {
        add(&mut arguments, Value::Int(None))?;
    }
    Ok(arguments)
}

/// Binds one value; the same on both databases.
pub(super) fn add<A: Arguments>(arguments: &mut A, value: Value) -> Result<(), StoreError>
where
    Option<String>: sqlx::Type<A::Database> + for<'q> sqlx::Encode<'q, A::Database>,
    Option<i64>: sqlx::Type<A::Database> + for<'q> sqlx::Encode<'q, A::Database>,
    Option<bool>: sqlx::Type<A::Database> + for<'q> sqlx::Encode<'q, A::Database>,
    Option<Vec<u8>>: sqlx::Type<A::Database> + for<'q> sqlx::Encode<'q, A::Database>,
{
    let added = match value {
        Value::Text(it) => arguments.add(it),
        Value::Int(it) => arguments.add(it),
        Value::Bool(it) => arguments.add(it),
        Value::Bytes(it) => arguments.add(it),
    };
    added.map_err(|error| StoreError::Rejected(sqlx::Error::Encode(error)))
}

pub(super) fn postgres_arguments(
    statement: &Statement,
    rows: Vec<Vec<Value>>,
) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    if !statement.takes_rows() {
        for value in rows.into_iter().flatten() {
            add(&mut arguments, value)?;
        }
        return Ok(arguments);
    }
    for column in columns(statement, rows) {
        let added = match column {
            Column::Text(it) => arguments.add(it),
            Column::Int(it) => arguments.add(it),
            Column::Bool(it) => arguments.add(it),
            Column::Bytes(it) => arguments.add(it),
        };
        added.map_err(|error| StoreError::Rejected(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

/// A column of a batch.
pub(super) enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

/// Turns rows into one array a column.
pub(super) fn columns(statement: &Statement, rows: Vec<Vec<Value>>) -> Vec<Column> {
    let n = rows.len();
    let empty = |(_, kind): &(&str, Type)| match kind {
        Type::Text => Column::Text(Vec::with_capacity(n)),
        Type::Int => Column::Int(Vec::with_capacity(n)),
        Type::Bool => Column::Bool(Vec::with_capacity(n)),
        Type::Bytes => Column::Bytes(Vec::with_capacity(n)),
    };
    let mut columns: Vec<Column> = statement.columns.iter().map(empty).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            match (column, value) {
                (Column::Text(to), Value::Text(it)) => to.push(it),
                (Column::Int(to), Value::Int(it)) => to.push(it),
                (Column::Bool(to), Value::Bool(it)) => to.push(it),
                (Column::Bytes(to), Value::Bytes(it)) => to.push(it),
                (_, it) => {
                    unreachable!("statement {}: {it:?} in a column of another type", statement.name)
                }
            }
        }
    }
    columns
}

/// A row that a statement returned.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// From SQLite, without a thread in between.
    Direct(Vec<rusqlite::types::Value>),
    /// From Postgres.
    Postgres(sqlx::postgres::PgRow),
    /// From Postgres, without a wait after each statement.
    Pipelined(tokio_postgres::Row),
}

/// Types that both databases return.
pub trait Read<'r>:
    sqlx::Decode<'r, Sqlite>
    + sqlx::Decode<'r, Postgres>
    + sqlx::Type<Sqlite>
    + sqlx::Type<Postgres>
    + FromCell<'r>
    + tokio_postgres::types::FromSql<'r>
{
}
impl<'r, T> Read<'r> for T where
    T: sqlx::Decode<'r, Sqlite>
        + sqlx::Decode<'r, Postgres>
        + sqlx::Type<Sqlite>
        + sqlx::Type<Postgres>
        + FromCell<'r>
        + tokio_postgres::types::FromSql<'r>
{
}

impl Row {
    /// Returns the value of a column.
    ///
    /// # Errors
    /// The column is missing or of another type.
    pub fn get<'r, T: Read<'r>>(&'r self, column: usize) -> Result<T, StoreError> {
        use sqlx::Row as _;
        let value = match self {
            Self::Sqlite(row) => row.try_get_unchecked(column),
            Self::Direct(cells) => {
                let value = cells.get(column).and_then(T::from_cell);
                value.ok_or(sqlx::Error::ColumnIndexOutOfBounds { index: column, len: cells.len() })
            }
            Self::Postgres(row) => row.try_get_unchecked(column),
            Self::Pipelined(row) => {
                row.try_get(column).map_err(|it| sqlx::Error::Decode(Box::new(it)))
            }
        };
        value.map_err(StoreError::Rejected)
    }
}
