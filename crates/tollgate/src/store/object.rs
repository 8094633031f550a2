//! What each of Stripe's objects is held to be: a row an object, read by the views that users see.

use tollgate_stripe::id::EventId;
use tollgate_stripe::object::{Kind, Object};

use crate::rules::ledger::Bearing;
use crate::rules::merge::Standing;

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] =
    &[&TOUCHED, &SAVE, &OF_OWNERS, &FIND, &PAGE, &DELETE, &RAISE, &EXPIRING, &PAYERS];

fn code(bearing: Bearing) -> i64 {
    match bearing {
        Bearing::None => 0,
        Bearing::Access => 1,
        Bearing::Link => 2,
        Bearing::Reversal => 3,
    }
}

fn from_code(code: i64) -> Bearing {
    match code {
        1 => Bearing::Access,
        2 => Bearing::Link,
        3 => Bearing::Reversal,
        _ => Bearing::None,
    }
}

/// A row: the standing of an object and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Stripe's id.
    pub id: String,
    /// The connected account.
    pub account: Option<String>,
    /// The customer, or the payment where no customer is known.
    pub owner_id: Option<String>,
    /// The payment that it speaks of.
    pub payment_id: Option<String>,
    /// The user that it names.
    pub user_id: Option<String>,
    /// How much it weighs for access.
    pub bearing: Bearing,
    /// Counts the saves; 0 before the first.
    pub version: i64,
    /// What it is held to be, and why.
    pub standing: Standing,
}

/// The columns of [`read`], in its order.
macro_rules! columns {
    () => {
        "o.id, o.account, o.owner_id, o.payment_id, o.user_id, o.bearing, o.version,
         o.observed_at, o.event_id, o.contested, o.unsettled, o.state, o.kind"
    };
}

static TOUCHED: Statement = Statement::batch(
    "objects_touched",
    &[("name", Type::Text)],
    concat!(
        "with r as (select * from {rows} as names) select ",
        columns!(),
        " from r join object o on o.id = r.name union select ",
        columns!(),
        " from r join object o on o.payment_id = r.name"
    ),
);

/// Returns the objects of these ids and all objects of these payments.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn touched<'a>(
    tx: &mut Tx<'_>,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<StoredObject>, StoreError> {
    let rows = tx.batch(&TOUCHED, names.map(|it| params![it]).collect()).await?;
    rows.iter().map(read).collect()
}

static SAVE: Statement = Statement::batch(
    "save_objects",
    &[
        ("id", Type::Text),
        ("kind", Type::Text),
        ("account", Type::Text),
        ("owner_id", Type::Text),
        ("payment_id", Type::Text),
        ("user_id", Type::Text),
        ("bearing", Type::Int),
        ("observed_at", Type::Int),
        ("event_id", Type::Text),
        ("contested", Type::Bool),
        ("unsettled", Type::Bool),
        ("version", Type::Int),
        ("state", Type::Text),
    ],
    "insert into object (id, kind, account, owner_id, payment_id, user_id, bearing, observed_at,
        event_id, contested, unsettled, version, state)
     select id, kind, account, owner_id, payment_id, user_id, bearing, observed_at,
        event_id, contested, unsettled, version, state
     from {rows} as r
     where true
     on conflict (id) do update set account = excluded.account, owner_id = excluded.owner_id,
        payment_id = excluded.payment_id, user_id = excluded.user_id,
        bearing = excluded.bearing, observed_at = excluded.observed_at,
        event_id = excluded.event_id, contested = excluded.contested,
        unsettled = excluded.unsettled, version = excluded.version, state = excluded.state
     where object.version = excluded.version - 1
     returning version",
);

/// Saves objects, each as the next version of the one that was loaded.
///
/// # Errors
/// [`StoreError::Conflict`] where another transaction saved one of them in between.
pub async fn save(tx: &mut Tx<'_>, objects: &[&StoredObject]) -> Result<(), StoreError> {
    let rows: Vec<_> = objects.iter().map(|it| values(it)).collect();
    tx.later(&SAVE, rows, Some(objects.len())).await
}

fn values(it: &StoredObject) -> Vec<super::sql::Value> {
    params![
        it.id.as_str(),
        it.standing.object.kind().as_str(),
        it.account.as_deref(),
        it.owner_id.as_deref(),
        it.payment_id.as_deref(),
        it.user_id.as_deref(),
        code(it.bearing),
        it.standing.at,
        it.standing.event_id.as_str(),
        it.standing.contested,
        it.standing.unsettled,
        it.version + 1,
        state(&it.id, &it.standing.object),
    ]
}

/// How a view begins that is written whole.
fn head(kind: &str, id: &str) -> String {
    format!(r#"{{"object":"{kind}","id":"{id}""#)
}

/// Writes an object without its kind and id, which stand in columns of their own.
fn state(id: &str, object: &Object) -> String {
    let whole = object.to_stored();
    match whole.strip_prefix(&head(object.kind().as_str(), id)) {
        Some(rest) => format!("{{{}", rest.strip_prefix(',').unwrap_or(rest)),
        None => whole,
    }
}

/// Reads what [`state`] wrote, or a version before it: the whole.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub(super) fn standing(kind: &str, id: &str, state: &str) -> Result<Object, StoreError> {
    let rest = state.strip_prefix('{').filter(|it| !it.starts_with(r#""object":"#));
    let comma = if rest == Some("}") { "" } else { "," };
    let whole = rest.map(|it| format!("{}{comma}{it}", head(kind, id)));
    let kind = kind.parse::<Kind>();
    kind.and_then(|it| Object::read(it, whole.as_deref().unwrap_or(state)))
        .map_err(|error| StoreError::Corrupt { what: "object", why: error.to_string() })
}

static OF_OWNERS: Statement = Statement::batch(
    "objects_of_owners",
    &[("owner_id", Type::Text)],
    concat!(
        "select ",
        columns!(),
        " from {rows} as r
     join object o on o.owner_id = r.owner_id
     where o.bearing + 0 in (1, 3)
        or (o.bearing + 0 = 2 and exists (
            select 1 from object reversal
            where reversal.owner_id = o.owner_id and reversal.bearing = 3))
     order by o.id"
    ),
);

/// Returns all that bears on the access of these owners, outside of a transaction.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn read_of_owners(db: &Db, owners: &[&str]) -> Result<Vec<StoredObject>, StoreError> {
    let rows = owners.iter().map(|it| params![*it]).collect();
    db.fetch_rows(&OF_OWNERS, rows).await?.iter().map(read).collect()
}

static FIND: Statement = Statement::batch(
    "find_objects",
    &[("id", Type::Text)],
    concat!("select ", columns!(), " from {rows} as r join object o on o.id = r.id"),
);

/// Returns the objects of these ids, those that are known.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn find_all(db: &Db, ids: &[&str]) -> Result<Vec<StoredObject>, StoreError> {
    let rows = ids.iter().map(|it| params![*it]).collect();
    db.fetch_rows(&FIND, rows).await?.iter().map(read).collect()
}

static PAGE: Statement = Statement::plain(
    "objects_page",
    concat!("select ", columns!(), " from object o where o.id > $1 order by o.id limit $2"),
);

/// Returns up to `limit` objects after the id `after`, in the order of their ids.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn page(db: &Db, after: &str, limit: i64) -> Result<Vec<StoredObject>, StoreError> {
    db.fetch(&PAGE, params![after, limit]).await?.iter().map(read).collect()
}

static EXPIRING: Statement = Statement::plain(
    "cards_that_expire",
    concat!(
        "select ",
        columns!(),
        " from payment_method m join object o on o.id = m.id
         where m.exp_year = $1 and m.exp_month = $2 and m.id > $3
         order by m.id limit $4"
    ),
);

/// Returns up to `limit` cards after the id `after` that expire in this month (1 to 12), in the
/// order of their ids.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn expiring(
    db: &Db,
    (year, month): (i64, i64),
    after: &str,
    limit: i64,
) -> Result<Vec<StoredObject>, StoreError> {
    let rows = db.fetch(&EXPIRING, params![year, month, after, limit]).await?;
    rows.iter().map(read).collect()
}

static PAYERS: Statement = Statement::batch(
    "payers",
    &[("owner_id", Type::Text)],
    concat!(
        "select ",
        columns!(),
        " from {rows} as r join object o on o.owner_id = r.owner_id
         where o.kind in ('customer', 'subscription')
         order by o.id"
    ),
);

/// Returns these customers and their subscriptions, outside of a transaction.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn read_payers(db: &Db, customers: &[&str]) -> Result<Vec<StoredObject>, StoreError> {
    let rows = customers.iter().map(|it| params![*it]).collect();
    db.fetch_rows(&PAYERS, rows).await?.iter().map(read).collect()
}

/// Returns these customers and their subscriptions.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn payers(tx: &mut Tx<'_>, customers: &[&str]) -> Result<Vec<StoredObject>, StoreError> {
    let rows = customers.iter().map(|it| params![*it]).collect();
    tx.batch(&PAYERS, rows).await?.iter().map(read).collect()
}

static DELETE: Statement = Statement::batch(
    "delete_objects",
    &[("id", Type::Text)],
    "delete from object where id in (select id from {rows} as r) returning version",
);

/// Forgets objects, to be derived again; returns the highest of their versions.
///
/// # Errors
/// As the database says.
pub async fn delete(tx: &mut Tx<'_>, ids: &[String]) -> Result<i64, StoreError> {
    let rows = ids.iter().map(|it| params![it.as_str()]).collect();
    let deleted = tx.batch(&DELETE, rows).await?;
    deleted.iter().try_fold(0, |max, row| Ok(row.get::<i64>(0)?.max(max)))
}

static RAISE: Statement = Statement::batch(
    "raise_objects",
    &[("id", Type::Text), ("step", Type::Int)],
    "update object set version = object.version + r.step from {rows} as r where object.id = r.id",
);

/// Raises objects' versions, so that no transaction takes one for that which it has loaded.
///
/// # Errors
/// As the database says.
pub async fn raise(tx: &mut Tx<'_>, ids: &[String], step: i64) -> Result<(), StoreError> {
    let rows = ids.iter().map(|it| params![it.as_str(), step]).collect();
    tx.batch(&RAISE, rows).await.map(drop)
}

fn read(row: &Row) -> Result<StoredObject, StoreError> {
    let object = standing(row.get(12)?, row.get(0)?, row.get(11)?)?;
    Ok(StoredObject {
        id: row.get(0)?,
        account: row.get(1)?,
        owner_id: row.get(2)?,
        payment_id: row.get(3)?,
        user_id: row.get(4)?,
        bearing: from_code(row.get(5)?),
        version: row.get(6)?,
        standing: Standing {
            at: row.get(7)?,
            event_id: EventId::from(row.get::<String>(8)?),
            contested: row.get(9)?,
            unsettled: row.get(10)?,
            object,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_back_without_their_kind_and_id_in_the_state_and_with_them() {
        let customers = [
            (r#"{"object":"customer","id":"cus_1"}"#, "cus_1", "{}"),
            (
                r#"{"object":"customer","id":"cus_1","email":"a@example.com"}"#,
                "cus_1",
                r#"{"email":"a@example.com"}"#,
            ),
            // What is escaped is not taken apart.
            (
                r#"{"object":"customer","id":"cus\"1"}"#,
                "cus\"1",
                r#"{"object":"customer","id":"cus\"1"}"#,
            ),
        ];
        for (whole, id, short) in customers {
            let object = Object::parse_stored(whole).expect("it is a customer");
            assert_eq!(state(id, &object), short);
            for written in [short, whole] {
                assert_eq!(standing("customer", id, written).expect("it is read"), object);
            }
        }
        assert!(standing("customer", "cus_1", r#"{"email":"#).is_err());
        assert!(standing("customer", "cus_1", "").is_err());
    }
}
