//! What each user may use, as it was last derived.

use std::collections::BTreeMap;

use crate::rules::access::{Access, Reason};
use crate::rules::dunning::Dunning;

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] =
    &[&SAVE, &DUE, &FIND, &FIND_ALL, &PAGE, &CHANGED_SINCE, &ANYBODY_PAYS];

/// A user's access with its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccess {
    /// The app's id of the user.
    pub user_id: String,
    /// Grows by one with every change; 0 before the first.
    pub revision: i64,
    /// Unix seconds of the last change.
    pub changed_at: i64,
    /// What they may use.
    pub access: Access,
}

/// A change of a user's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What it was; `None` where nothing was known of the user.
    pub before: Option<StoredAccess>,
    /// What it is now.
    pub after: StoredAccess,
    /// The subscription or session that decides.
    pub decided_by: Option<String>,
    /// The event that caused it; `None` where it was time, or the app that named the user.
    pub cause: Option<String>,
}

impl Changed {
    /// Whether they had access before.
    pub fn was_granted(&self) -> bool {
        self.before.as_ref().is_some_and(|it| it.access.granted)
    }
}

macro_rules! columns {
    () => {
        "a.user_id, a.revision, a.changed_at, a.customer_id, a.granted, a.plan, a.features,
         a.status, a.reason, a.until, a.grace_until, a.cancel_at, a.due_at, a.dunning"
    };
}

static SAVE: Statement = Statement::batch(
    "save_access",
    &[
        ("user_id", Type::Text),
        ("revision", Type::Int),
        ("changed_at", Type::Int),
        ("customer_id", Type::Text),
        ("granted", Type::Bool),
        ("plan", Type::Text),
        ("features", Type::Text),
        ("status", Type::Text),
        ("reason", Type::Text),
        ("until", Type::Int),
        ("grace_until", Type::Int),
        ("cancel_at", Type::Int),
        ("due_at", Type::Int),
        ("dunning", Type::Text),
    ],
    "insert into access (user_id, revision, changed_at, customer_id, granted, plan, features,
        status, reason, until, grace_until, cancel_at, due_at, dunning)
     select user_id, revision, changed_at, customer_id, granted, plan, features,
        status, reason, until, grace_until, cancel_at, due_at, dunning
     from {rows} as r
     where true
     on conflict (user_id) do update set revision = excluded.revision,
        changed_at = excluded.changed_at, customer_id = excluded.customer_id,
        granted = excluded.granted, plan = excluded.plan, features = excluded.features,
        status = excluded.status, reason = excluded.reason, until = excluded.until,
        grace_until = excluded.grace_until, cancel_at = excluded.cancel_at,
        due_at = excluded.due_at, dunning = excluded.dunning
     where access.revision = excluded.revision - 1
     returning revision",
);

/// Returns the access of those of these users who have any.
///
/// # Errors
/// As the database says.
pub async fn of_users(
    tx: &mut Tx<'_>,
    user_ids: &[&str],
) -> Result<BTreeMap<String, StoredAccess>, StoreError> {
    let rows = tx.batch(&FIND_ALL, user_ids.iter().map(|it| params![*it]).collect()).await?;
    rows.iter().map(|row| read(row).map(|it| (it.user_id.clone(), it))).collect()
}

/// Saves access that changed, each user's once, under the next revision; returns the changes with
/// it. The caller holds the users, and has loaded what they had since.
///
/// # Errors
/// As the database says; [`StoreError::Conflict`] where another transaction saved one in between.
pub async fn save(tx: &mut Tx<'_>, mut changes: Vec<Changed>) -> Result<Vec<Changed>, StoreError> {
    for it in &mut changes {
        it.after.revision = it.before.as_ref().map_or(0, |it| it.revision) + 1;
    }
    let rows = changes.iter().map(|change| {
        let access = &change.after.access;
        params![
            change.after.user_id.as_str(),
            change.after.revision,
            change.after.changed_at,
            access.customer_id.as_deref(),
            access.granted,
            access.plan.as_str(),
            serde_json::to_string(&access.features).unwrap_or_default(),
            access.status.as_deref(),
            access.reason.as_str(),
            access.until,
            access.grace_until,
            access.cancel_at,
            access.due_at,
            written(&access.dunning),
        ]
    });
    tx.later(&SAVE, rows.collect(), Some(changes.len())).await?;
    Ok(changes)
}

// Who could not be helped the last time waits for the next try, also where it became needless.
static DUE: Statement = Statement::plain(
    "access_due",
    "select user_id from (
        select a.user_id as user_id, a.due_at as due_at from access a
        where a.due_at <= $1
            and not exists (select 1 from due_failure f where f.user_id = a.user_id)
        union all
        select user_id, retry_at from due_failure where retry_at <= $1
     ) as due
     order by due_at, user_id limit $2",
);

/// Returns the users whose access time alone may have changed.
///
/// # Errors
/// As the database says.
pub async fn due(db: &Db, now: i64, limit: i64) -> Result<Vec<String>, StoreError> {
    db.fetch(&DUE, params![now, limit]).await?.iter().map(|row| row.get(0)).collect()
}

static ANYBODY_PAYS: Statement = Statement::plain(
    "anybody_pays",
    "select user_id from access
     where granted and status in ('active', 'trialing', 'past_due') limit 1",
);

/// Whether anybody has access by a subscription that runs.
///
/// # Errors
/// As the database says.
pub async fn anybody_pays(db: &Db) -> Result<bool, StoreError> {
    Ok(!db.fetch(&ANYBODY_PAYS, params![]).await?.is_empty())
}

static FIND: Statement = Statement::plain(
    "find_access",
    concat!("select ", columns!(), " from access a where a.user_id = $1"),
);

/// Returns a user's access.
///
/// # Errors
/// As the database says.
pub async fn find(db: &Db, user_id: &str) -> Result<Option<StoredAccess>, StoreError> {
    db.fetch(&FIND, params![user_id]).await?.first().map(read).transpose()
}

static FIND_ALL: Statement = Statement::batch(
    "find_access_of_all",
    &[("user_id", Type::Text)],
    concat!("select ", columns!(), " from {rows} as r join access a on a.user_id = r.user_id"),
);

/// Returns the access of those of these users who have any.
///
/// # Errors
/// As the database says.
pub async fn find_all(db: &Db, users: &[&str]) -> Result<Vec<StoredAccess>, StoreError> {
    let rows = users.iter().map(|it| params![*it]).collect();
    db.fetch_rows(&FIND_ALL, rows).await?.iter().map(read).collect()
}

static PAGE: Statement = Statement::plain(
    "access_page",
    concat!(
        "select ",
        columns!(),
        " from access a where a.user_id > $1 order by a.user_id limit $2"
    ),
);

/// Returns up to `limit` users' access after the id `after`, in the order of their ids.
///
/// # Errors
/// As the database says.
pub async fn page(db: &Db, after: &str, limit: i64) -> Result<Vec<StoredAccess>, StoreError> {
    db.fetch(&PAGE, params![after, limit]).await?.iter().map(read).collect()
}

static CHANGED_SINCE: Statement = Statement::plain(
    "access_changed_since",
    "select user_id from access
     where changed_at >= $1 and user_id > $2 order by user_id limit $3",
);

/// Returns up to `limit` users after the id `after` whose access changed since then (Unix seconds),
/// in the order of their ids.
///
/// # Errors
/// As the database says.
pub async fn changed_since(
    db: &Db,
    since: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = db.fetch(&CHANGED_SINCE, params![since, after, limit]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn read(row: &Row) -> Result<StoredAccess, StoreError> {
    Ok(StoredAccess {
        user_id: row.get(0)?,
        revision: row.get(1)?,
        changed_at: row.get(2)?,
        access: Access {
            customer_id: row.get(3)?,
            granted: row.get(4)?,
            plan: row.get(5)?,
            features: features(row.get(6)?)?,
            status: row.get(7)?,
            reason: reason(row.get(8)?)?,
            until: row.get(9)?,
            grace_until: row.get(10)?,
            cancel_at: row.get(11)?,
            due_at: row.get(12)?,
            dunning: dunning(row.get(13)?)?,
        },
    })
}

fn features(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|it| corrupt(format!("features: {it}")))
}

/// Nothing where nothing is missing, which is nearly always.
fn written(dunning: &[Dunning]) -> Option<String> {
    (!dunning.is_empty()).then(|| serde_json::to_string(dunning).unwrap_or_default())
}

fn dunning(text: Option<&str>) -> Result<Vec<Dunning>, StoreError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(text).map_err(|it| corrupt(format!("dunning: {it}")))
}

fn reason(name: &str) -> Result<Reason, StoreError> {
    Reason::from_name(name).ok_or_else(|| corrupt(format!("reason {name}")))
}

fn corrupt(why: String) -> StoreError {
    StoreError::Corrupt { what: "access", why }
}

/// A row without its user as one JSON array, for statements whose rows are mostly of another kind.
#[derive(serde::Deserialize)]
struct Packed(
    i64,
    i64,
    Option<String>,
    i64,
    String,
    String,
    Option<String>,
    String,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

/// Reads the array that [`Packed`] describes.
pub(super) fn unpack(user_id: &str, text: &str) -> Result<StoredAccess, StoreError> {
    let it: Packed = serde_json::from_str(text).map_err(|it| corrupt(it.to_string()))?;
    Ok(StoredAccess {
        user_id: user_id.to_owned(),
        revision: it.0,
        changed_at: it.1,
        access: Access {
            customer_id: it.2,
            granted: it.3 != 0,
            plan: it.4,
            features: features(&it.5)?,
            status: it.6,
            reason: reason(&it.7)?,
            until: it.8,
            grace_until: it.9,
            cancel_at: it.10,
            due_at: it.11,
            dunning: dunning(it.12.as_deref())?,
        },
    })
}
