//! The tables: migrations that are never edited once released, and what the database itself must
//! remember (its mode).

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::sql::{Statement, params};
use super::{Db, StoreError};

/// Version, name, text.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "ground", include_str!("../../migrations/0001_ground.sql")),
    (2, "selling", include_str!("../../migrations/0002_selling.sql")),
    (3, "telling", include_str!("../../migrations/0003_telling.sql")),
    (4, "redemption", include_str!("../../migrations/0004_redemption.sql")),
    (5, "handlers", include_str!("../../migrations/0005_handlers.sql")),
    (6, "dunning", include_str!("../../migrations/0006_dunning.sql")),
    (7, "alarms", include_str!("../../migrations/0007_alarms.sql")),
    (8, "views", include_str!("../../migrations/0008_views.sql")),
    (9, "updates", include_str!("../../migrations/0009_updates.sql")),
    (10, "bytes", include_str!("../../migrations/0010_bytes.sql")),
    (11, "seconds", include_str!("../../migrations/0011_seconds.sql")),
];

pub(super) const STATEMENTS: &[&Statement] =
    &[&CLAIM_MODE, &READ_MODE, &MARK_RULEBOOK, &READ_RULEBOOK, &READ_VERSION, &TRY];

/// Brings the database's tables to this version.
///
/// # Errors
/// The database is away, or was written by a newer version.
pub async fn migrate(db: &Db) -> Result<(), StoreError> {
    let fill = |text: &str| {
        match db.is_postgres() {
        true => text
            .replace("{blob}", "bytea")
            .replace("{unmake_view}", "-- It stays until it is replaced:")
            .replace("{keep_room}", "alter table object set (fillfactor = 85);")
            .replace("{keep_no_room}", "alter table object reset (fillfactor);")
            .replace("{remake_view}", "create or replace view")
            .replace("{state}", "cast(state as json)")
            .replace("{items}", "json_array_elements(cast(state as json) -> 'items' -> 'data') as item (value)")
            .replace("{features}", "json_array_elements(cast(state as json) -> 'entitlements' -> 'data') as item (value)")
            .replace("{discounts}", "json_array_elements(cast(state as json) -> 'discounts' -> 'data') as item (value)")
            .replace("{dunning}", "json_array_elements(cast(dunning as json)) as item (value)"),
        false => text
            .replace("{blob}", "blob")
            .replace("{unmake_view}", "drop view")
            .replace("{keep_room}", "-- SQLite writes a row again where it stands.")
            .replace("{keep_no_room}", "")
            .replace("{remake_view}", "create view")
            .replace("{state}", "state")
            .replace("{items}", "json_each(state, '$.items.data') as item")
            .replace("{features}", "json_each(state, '$.entitlements.data') as item")
            .replace("{discounts}", "json_each(state, '$.discounts.data') as item")
            .replace("{dunning}", "json_each(dunning) as item"),
    }
    };
    let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
        let text = AssertSqlSafe(fill(text)).into_sql_str();
        Migration::new(*version, (*name).into(), MigrationType::Simple, text, false)
    });
    db.migrate(migrations.collect()).await
}

static CLAIM_MODE: Statement = Statement::plain(
    "claim_mode",
    "insert into meta (key, value) values ('livemode', $1) on conflict (key) do nothing",
);

static READ_MODE: Statement =
    Statement::plain("read_mode", "select value from meta where key = 'livemode'");

/// Returns whether this database is for live mode; `None` before its first event.
///
/// # Errors
/// As the database says.
pub async fn livemode(db: &Db) -> Result<Option<bool>, StoreError> {
    let rows = db.fetch(&READ_MODE, params![]).await?;
    rows.first().map(|row| Ok(row.get::<String>(0)? == "true")).transpose()
}

/// Makes the database one of this mode unless it is of one already; returns its mode. Nothing is
/// written, and so nobody waited for, where it is known.
///
/// # Errors
/// As the database says.
pub async fn claim_livemode(db: &Db, livemode: bool) -> Result<bool, StoreError> {
    if let Some(known) = self::livemode(db).await? {
        return Ok(known);
    }
    let mut tx = db.begin().await?;
    tx.run(&CLAIM_MODE, params![livemode.to_string()]).await?;
    let rows = tx.run(&READ_MODE, params![]).await?;
    let mode = rows.first().map(|row| row.get::<String>(0)).transpose()?;
    tx.commit().await?;
    Ok(mode.as_deref() == Some("true"))
}

/// By which rulebook what users may use was derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulebookMark {
    /// Names the rulebook.
    pub digest: String,
    /// When that began, Unix seconds.
    pub at: i64,
}

static MARK_RULEBOOK: Statement = Statement::plain(
    "mark_rulebook",
    "insert into meta (key, value) values ('rulebook', $1)
     on conflict (key) do update set value = excluded.value",
);

static READ_RULEBOOK: Statement =
    Statement::plain("read_rulebook_mark", "select value from meta where key = 'rulebook'");

/// Notes by which rulebook all access is derived now.
///
/// # Errors
/// As the database says.
pub async fn mark_rulebook(db: &Db, mark: &RulebookMark) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.run(&MARK_RULEBOOK, params![format!("{}@{}", mark.digest, mark.at)]).await?;
    tx.commit().await
}

/// Returns by which rulebook all access was derived; `None` where nobody has noted it.
///
/// # Errors
/// As the database says.
pub async fn rulebook_mark(db: &Db) -> Result<Option<RulebookMark>, StoreError> {
    let rows = db.fetch(&READ_RULEBOOK, params![]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let parts = row.get::<&str>(0)?.split_once('@');
    Ok(parts.and_then(|(digest, at)| {
        Some(RulebookMark { digest: digest.to_owned(), at: at.parse().ok()? })
    }))
}

static READ_VERSION: Statement = Statement::plain(
    "read_version",
    "select cast(coalesce(max(version), 0) as bigint) from schema_version",
);

/// Returns the version that this program brings the tables to.
pub fn newest() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or_default()
}

/// Returns the version of the tables.
///
/// # Errors
/// As the database says; [`StoreError::Rejected`] where there are no tables.
pub async fn version(db: &Db) -> Result<i64, StoreError> {
    let rows = db.fetch(&READ_VERSION, params![]).await?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}

static TRY: Statement = Statement::plain(
    "try_writing",
    "insert into meta (key, value) values ('doctor', 'was here') on conflict (key) do nothing",
);

/// Writes something and takes it back: nothing of it stays.
///
/// # Errors
/// As the database says.
pub async fn try_writing(db: &Db) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.run(&TRY, params![]).await.map(drop)
}
