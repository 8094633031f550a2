//! What each user may use, as it was last derived.

use std::collections::BTreeMap;

use crate::rules::access::{Access, Reason};

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[&BEFORE, &SAVE, &DUE, &FIND, &PAGE];

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
    /// The subscription or session that decides; filled in by who derived it.
    pub decided_by: Option<String>,
}

macro_rules! columns {
    () => {
        "a.user_id, a.revision, a.changed_at, a.customer_id, a.granted, a.plan, a.features,
         a.status, a.reason, a.until, a.grace_until, a.cancel_at, a.due_at"
    };
}

static BEFORE: Statement = Statement::batch(
    "access_before",
    &[("user_id", Type::Text)],
    concat!("select ", columns!(), " from {rows} as r join access a on a.user_id = r.user_id"),
);

static SAVE: Statement = Statement::batch(
    "save_access",
    &[
        ("user_id", Type::Text),
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
    ],
    // A user whom nothing links to anything gets no row: the answer would be the same.
    "insert into access (user_id, revision, changed_at, customer_id, granted, plan, features,
        status, reason, until, grace_until, cancel_at, due_at)
     select user_id, 1, changed_at, customer_id, granted, plan, features,
        status, reason, until, grace_until, cancel_at, due_at
     from {rows} as r
     where r.reason <> 'no_customer'
        or exists (select 1 from access known where known.user_id = r.user_id)
     on conflict (user_id) do update set revision = access.revision + 1,
        changed_at = excluded.changed_at, customer_id = excluded.customer_id,
        granted = excluded.granted, plan = excluded.plan, features = excluded.features,
        status = excluded.status, reason = excluded.reason, until = excluded.until,
        grace_until = excluded.grace_until, cancel_at = excluded.cancel_at,
        due_at = excluded.due_at
     where (access.customer_id, access.granted, access.plan, access.features, access.status,
            access.reason, access.until, access.grace_until, access.cancel_at, access.due_at)
        is distinct from
           (excluded.customer_id, excluded.granted, excluded.plan, excluded.features,
            excluded.status, excluded.reason, excluded.until, excluded.grace_until,
            excluded.cancel_at, excluded.due_at)
     returning user_id, revision",
);

/// Saves the access of users, each once, where it is another than before, under the next revision;
/// returns what changed. The caller holds the users.
///
/// # Errors
/// As the database says.
pub async fn save(
    tx: &mut Tx<'_>,
    all: Vec<(String, Access)>,
    now: i64,
) -> Result<Vec<Changed>, StoreError> {
    let ids = all.iter().map(|(user_id, _)| params![user_id.as_str()]).collect();
    let known = tx.batch(&BEFORE, ids).await?;
    let known = known.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut known: BTreeMap<String, StoredAccess> =
        known.into_iter().map(|it| (it.user_id.clone(), it)).collect();
    let rows = all.iter().map(|(user_id, access)| {
        params![
            user_id.as_str(),
            now,
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
        ]
    });
    let saved = tx.batch(&SAVE, rows.collect()).await?;
    let mut revisions = BTreeMap::new();
    for row in &saved {
        revisions.insert(row.get::<String>(0)?, row.get::<i64>(1)?);
    }
    let changed = all.into_iter().filter_map(|(user_id, access)| {
        let revision = *revisions.get(&user_id)?;
        let before = known.remove(&user_id);
        let after = StoredAccess { user_id, revision, changed_at: now, access };
        Some(Changed { before, after, decided_by: None })
    });
    Ok(changed.collect())
}

static DUE: Statement = Statement::plain(
    "access_due",
    "select user_id from access where due_at <= $1 order by due_at, user_id limit $2",
);

/// Returns the users whose access time alone may have changed.
///
/// # Errors
/// As the database says.
pub async fn due(db: &Db, now: i64, limit: i64) -> Result<Vec<String>, StoreError> {
    db.fetch(&DUE, params![now, limit]).await?.iter().map(|row| row.get(0)).collect()
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

fn read(row: &Row) -> Result<StoredAccess, StoreError> {
    let reason: &str = row.get(8)?;
    let corrupt = || StoreError::Corrupt { what: "access", why: format!("reason {reason}") };
    let features: &str = row.get(6)?;
    let features = serde_json::from_str(features);
    Ok(StoredAccess {
        user_id: row.get(0)?,
        revision: row.get(1)?,
        changed_at: row.get(2)?,
        access: Access {
            customer_id: row.get(3)?,
            granted: row.get(4)?,
            plan: row.get(5)?,
            features: features.map_err(|it| StoreError::Corrupt {
                what: "access",
                why: format!("features: {it}"),
            })?,
            status: row.get(7)?,
            reason: Reason::from_name(reason).ok_or_else(corrupt)?,
            until: row.get(9)?,
            grace_until: row.get(10)?,
            cancel_at: row.get(11)?,
            due_at: row.get(12)?,
        },
    })
}
