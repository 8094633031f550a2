//! Who is whose: the users whom the app named, and those whom Stripe's objects name.

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] =
    &[&NAME, &HOLD, &PARTIES, &ALL, &EVERYBODY, &FIND, &FIND_ALL, &OF_OWNERS];

/// What the app says of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppUser {
    /// The app's id of the user.
    pub user_id: String,
    /// Their Stripe customer.
    pub customer_id: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
}

impl AppUser {
    /// Fills in what this leaves out with what was said `before`.
    pub fn or(self, before: Self) -> Self {
        Self {
            user_id: self.user_id,
            customer_id: self.customer_id.or(before.customer_id),
            email: self.email.or(before.email),
            name: self.name.or(before.name),
        }
    }
}

static NAME: Statement = Statement::batch(
    "name_users",
    &[
        ("user_id", Type::Text),
        ("customer_id", Type::Text),
        ("email", Type::Text),
        ("name", Type::Text),
        ("updated_at", Type::Int),
    ],
    "insert into app_user (user_id, customer_id, email, name, updated_at)
     select user_id, customer_id, email, name, updated_at from {rows} as r
     where true
     on conflict (user_id) do update set
        customer_id = coalesce(excluded.customer_id, app_user.customer_id),
        email = coalesce(excluded.email, app_user.email),
        name = coalesce(excluded.name, app_user.name),
        updated_at = excluded.updated_at",
);

/// Keeps what the app says of users; what it leaves out stays. No two may have one id.
///
/// # Errors
/// As the database says.
pub async fn name(tx: &mut Tx<'_>, users: &[&AppUser], now: i64) -> Result<(), StoreError> {
    let rows = users.iter().map(|it| {
        params![
            it.user_id.as_str(),
            it.customer_id.as_deref(),
            it.email.as_deref(),
            it.name.as_deref(),
            now,
        ]
    });
    tx.later(&NAME, rows.collect(), None).await
}

/// One of the owners whose objects are a user's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// 0: named by the app; 1: by an object's metadata or reference.
    pub priority: i64,
    /// A customer, or a payment without one.
    pub owner_id: String,
}

static HOLD: Statement =
    Statement::batch("hold_names", &[("name", Type::Text)], "select {hold} from {rows} as held");

/// Holds other transactions off these names until this one ends. All callers name payments before
/// customers before users, so that they wait for each other instead of in a circle.
///
/// # Errors
/// As the database says.
pub async fn hold(tx: &mut Tx<'_>, names: &[&str]) -> Result<(), StoreError> {
    tx.hold(&HOLD, names.iter().map(|it| params![*it]).collect()).await
}

static PARTIES: Statement = Statement::plain(
    "parties",
    "select cast(priority as bigint), owner_id, account
     from (
        select 1 as priority, o.owner_id, o.account
        from object o where o.user_id = $1 and o.owner_id is not null
        union
        select 0, a.customer_id, null
        from app_user a where a.user_id = $1 and a.customer_id is not null
     ) as named
     order by 1, 2",
);

/// Returns the owners of one user, outside of a transaction: those whom the app named, and those
/// whom an object of an account names that `counts`; `None` is our own account.
///
/// # Errors
/// As the database says.
pub async fn parties_of(
    db: &Db,
    user_id: &str,
    counts: impl Fn(Option<&str>) -> bool,
) -> Result<Vec<Party>, StoreError> {
    let mut parties: Vec<Party> = Vec::new();
    for row in &db.fetch(&PARTIES, params![user_id]).await? {
        let (party, account) =
            (Party { priority: row.get(0)?, owner_id: row.get(1)? }, row.get::<Option<&str>>(2)?);
        let is_known = parties.iter().any(|it| it.owner_id == party.owner_id);
        if counts(account) && !is_known {
            parties.push(party);
        }
    }
    Ok(parties)
}

static FIND: Statement = Statement::plain(
    "find_app_user",
    "select user_id, customer_id, email, name from app_user where user_id = $1",
);

/// Returns what the app said of a user.
///
/// # Errors
/// As the database says.
pub async fn find(db: &Db, user_id: &str) -> Result<Option<AppUser>, StoreError> {
    db.fetch(&FIND, params![user_id]).await?.first().map(read).transpose()
}

static FIND_ALL: Statement = Statement::batch(
    "find_app_users",
    &[("user_id", Type::Text)],
    "select a.user_id, a.customer_id, a.email, a.name
     from {rows} as r join app_user a on a.user_id = r.user_id",
);

/// Returns what the app said of those of these users whom it named.
///
/// # Errors
/// As the database says.
pub async fn find_all(db: &Db, users: &[&str]) -> Result<Vec<AppUser>, StoreError> {
    let rows = users.iter().map(|it| params![*it]).collect();
    db.fetch_rows(&FIND_ALL, rows).await?.iter().map(read).collect()
}

/// Returns the same within a transaction.
///
/// # Errors
/// As the database says.
pub async fn of_ids(tx: &mut Tx<'_>, user_ids: &[&str]) -> Result<Vec<AppUser>, StoreError> {
    let rows = tx.batch(&FIND_ALL, user_ids.iter().map(|it| params![*it]).collect()).await?;
    rows.iter().map(read).collect()
}

static OF_OWNERS: Statement = Statement::batch(
    "users_of_owners",
    &[("owner_id", Type::Text)],
    "with r as (select * from {rows} as names)
     select r.owner_id, o.user_id
     from r join object o on o.owner_id = r.owner_id and o.bearing + 0 = 1
     where o.user_id is not null
     union
     select r.owner_id, a.user_id from r join app_user a on a.customer_id = r.owner_id
     order by 1, 2",
);

/// Returns pairs of one of these owners and a user who is tied to it, in the order of both.
///
/// # Errors
/// As the database says.
pub async fn of_owners(
    tx: &mut Tx<'_>,
    owners: &[&str],
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx.batch(&OF_OWNERS, owners.iter().map(|it| params![*it]).collect()).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

static ALL: Statement = Statement::plain(
    "app_users_page",
    "select user_id, customer_id, email, name from app_user where user_id > $1
     order by user_id limit $2",
);

/// Returns up to `limit` users whom the app named, after the id `after`.
///
/// # Errors
/// As the database says.
pub async fn page(db: &Db, after: &str, limit: i64) -> Result<Vec<AppUser>, StoreError> {
    db.fetch(&ALL, params![after, limit]).await?.iter().map(read).collect()
}

static EVERYBODY: Statement = Statement::plain(
    "everybody",
    "select user_id from (
        select user_id from (
            select distinct user_id from object where user_id > $1 order by user_id limit $2
        ) as o
        union
        select user_id from (
            select user_id from app_user where user_id > $1 order by user_id limit $2
        ) as n
        union
        select user_id from (
            select user_id from access where user_id > $1 order by user_id limit $2
        ) as a
     ) as u
     order by user_id limit $2",
);

/// Returns up to `limit` users after the id `after`, whoever names them, in the order of their ids.
///
/// # Errors
/// As the database says.
pub async fn everybody(db: &Db, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    db.fetch(&EVERYBODY, params![after, limit]).await?.iter().map(|row| row.get(0)).collect()
}

fn read(row: &Row) -> Result<AppUser, StoreError> {
    Ok(AppUser {
        user_id: row.get(0)?,
        customer_id: row.get(1)?,
        email: row.get(2)?,
        name: row.get(3)?,
    })
}
