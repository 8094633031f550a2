//! Who is whose: the users whom the app named, and those whom Stripe's objects name.

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[&NAME, &USERS_OF, &PARTIES, &ALL];

/// What the app says of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppUser {
    pub user_id: String,
    pub customer_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
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
pub async fn name(tx: &mut Tx, users: &[&AppUser], now: i64) -> Result<(), StoreError> {
    let rows = users.iter().map(|it| {
        params![
            it.user_id.as_str(),
            it.customer_id.as_deref(),
            it.email.as_deref(),
            it.name.as_deref(),
            now,
        ]
    });
    tx.batch(&NAME, rows.collect()).await.map(drop)
}

/// A user and one of the owners whose objects are theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    pub user_id: String,
    /// 0: named by the app; 1: by an object's metadata or reference.
    pub priority: i64,
    /// A customer, or a payment without one.
    pub owner_id: String,
}

static USERS_OF: Statement = Statement::batch(
    "users_of_owners",
    &[("owner_id", Type::Text)],
    "with r as (select * from {rows} as names)
     select o.user_id
     from r join object o on o.owner_id = r.owner_id and o.bearing = 1
     where o.user_id is not null
     union
     select a.user_id from r join app_user a on a.customer_id = r.owner_id",
);

/// Returns all users who are tied to one of these owners.
///
/// # Errors
/// As the database says.
pub async fn of_owners(tx: &mut Tx, owners: &[&str]) -> Result<Vec<String>, StoreError> {
    let rows = owners.iter().map(|it| params![*it]).collect();
    tx.batch(&USERS_OF, rows).await?.iter().map(|row| row.get(0)).collect()
}

static PARTIES: Statement = Statement::batch(
    "parties",
    &[("user_id", Type::Text)],
    "with r as (select * from {rows} as names)
     select r.user_id, cast(1 as bigint), o.owner_id
     from r join object o on o.user_id = r.user_id
     where o.owner_id is not null
     union
     select r.user_id, cast(0 as bigint), a.customer_id
     from r join app_user a on a.user_id = r.user_id
     where a.customer_id is not null",
);

/// Returns all owners of these users, by user and priority.
///
/// # Errors
/// As the database says.
pub async fn parties(tx: &mut Tx, users: &[&str]) -> Result<Vec<Party>, StoreError> {
    read(&tx.batch(&PARTIES, users.iter().map(|it| params![*it]).collect()).await?)
}

/// Returns the owners of one user, outside of a transaction.
///
/// # Errors
/// As the database says.
pub async fn parties_of(db: &Db, user_id: &str) -> Result<Vec<Party>, StoreError> {
    read(&db.fetch_rows(&PARTIES, vec![params![user_id]]).await?)
}

fn read(rows: &[Row]) -> Result<Vec<Party>, StoreError> {
    let party = |row: &Row| -> Result<Party, StoreError> {
        Ok(Party { user_id: row.get(0)?, priority: row.get(1)?, owner_id: row.get(2)? })
    };
    let mut parties = rows.iter().map(party).collect::<Result<Vec<_>, _>>()?;
    parties.sort();
    Ok(parties)
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
    let user = |row: &Row| -> Result<AppUser, StoreError> {
        Ok(AppUser {
            user_id: row.get(0)?,
            customer_id: row.get(1)?,
            email: row.get(2)?,
            name: row.get(3)?,
        })
    };
    db.fetch(&ALL, params![after, limit]).await?.iter().map(user).collect()
}
