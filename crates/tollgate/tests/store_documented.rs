//! `docs/tables.md` says what an operator may read: every table, every column and its type.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;

use std::collections::{BTreeMap, BTreeSet};

use databases::{Fresh, on_both_databases};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqliteConnection};

const DOCUMENT: &str = include_str!("../../../docs/tables.md");
/// Tables that may change at any time; the document names them, too.
const OURS: [&str; 5] = ["due_failure", "intent", "meta", "object", "schema_version"];

on_both_databases! {
    the_document_has_every_table_with_its_columns;
}

/// The columns of a table, in order, with their types as Postgres calls them; SQLite's views know none.
type Columns = Vec<(String, Option<String>)>;

/// Returns the tables of the document.
fn documented() -> BTreeMap<String, Columns> {
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    let mut current = None;
    for line in DOCUMENT.lines() {
        if line.starts_with('#') {
            current = line.strip_prefix("### `").and_then(|it| it.strip_suffix('`'));
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        let ([name, kind, meaning], Some(table)) = (cells.as_slice(), current) else { continue };
        let Some(name) = name.strip_prefix("| `").and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        assert!(meaning.len() > 4, "{table}.{name} says nothing");
        let kind = if *kind == "bytes" { "bytea" } else { *kind };
        tables.entry(table.to_owned()).or_default().push((name.to_owned(), Some(kind.to_owned())));
    }
    tables
}

/// Returns the tables and views that are there.
async fn there(fresh: &Fresh) -> BTreeMap<String, Columns> {
    let rows: Vec<(String, String, Option<String>)> = match fresh.db.is_postgres() {
        true => {
            let sql = "select table_name::text, column_name::text, data_type::text
                from information_schema.columns where table_schema = 'public'
                order by table_name, ordinal_position";
            let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
            let sql = AssertSqlSafe(sql).into_sql_str();
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
        }
        false => {
            let sql = "select t.name, c.name, null from sqlite_master t, pragma_table_info(t.name) c
                where t.type in ('table', 'view') and t.name not like 'sqlite_%' order by t.name, c.cid";
            let mut connection = SqliteConnection::connect(fresh.url()).await.unwrap();
            let sql = AssertSqlSafe(sql).into_sql_str();
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
        }
    };
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for (table, column, kind) in rows {
        tables.entry(table).or_default().push((column, kind));
    }
    tables
}

async fn the_document_has_every_table_with_its_columns(fresh: Fresh) {
    let (documented, there) = (documented(), there(&fresh).await);
    let ours: BTreeSet<&str> = OURS.into_iter().collect();
    for (table, columns) in &there {
        if ours.contains(table.as_str()) {
            assert!(DOCUMENT.contains(&format!("`{table}`")), "{table} is not named");
            continue;
        }
        let said = documented.get(table).unwrap_or_else(|| panic!("{table} is not described"));
        let names = |it: &Columns| it.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(said), names(columns), "{table}");
        if fresh.db.is_postgres() {
            assert_eq!(said, columns, "{table}");
        }
    }
    assert!(documented.keys().all(|it| there.contains_key(it)), "the document has more");
    fresh.gone().await;
}
