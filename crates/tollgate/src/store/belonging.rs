//! Whose is what: from owners and users to all that bears on the access of every user concerned,
//! in one statement.

use tollgate_stripe::object::Object;

use super::access::{self, StoredAccess};
use super::object;
use super::sql::{Row, Statement, Type, Value, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[&HOLD_USERS, &OF_USERS];

/// The users concerned: those named, and those who are tied to an owner; and a null for objects
/// that name nobody. A planner that first meets the tables empty reads an index from end to end
/// rather than look names up in it. So nothing else is offered that an index could serve: nulls
/// are left to the caller, and `+ 0` hides a column.
macro_rules! concerned {
    () => {
        "with r as (select * from {rows} as names),
         u as (
            select o.user_id as user_id
            from r join object o on o.owner_id = r.name and o.bearing + 0 = 1
            where not r.is_user
            union
            select a.user_id from r join app_user a on a.customer_id = r.name where not r.is_user
            union
            select r.name from r where r.is_user
         )"
    };
}

const COLUMNS: &[(&str, Type)] = &[("name", Type::Text), ("is_user", Type::Bool)];

static HOLD_USERS: Statement = Statement::batch(
    "hold_users",
    COLUMNS,
    concat!(
        concerned!(),
        " select {hold} from (select user_id as name from u order by user_id) as held"
    ),
);

static OF_USERS: Statement = Statement::batch(
    "belongings_of_users",
    COLUMNS,
    concat!(
        concerned!(),
        ", named as (
            select u.user_id, 1 as priority, o.owner_id
            from u join object o on o.user_id = u.user_id
            union
            select u.user_id, 0, a.customer_id
            from u join app_user a on a.user_id = u.user_id
         ),
         owned as (
            select user_id, owner_id, min(priority) as priority
            from named group by user_id, owner_id
         )
         select owned.user_id, cast(owned.priority as bigint), owned.owner_id, o.account, o.state,
            o.kind, o.id
         from owned left join object o on o.owner_id = owned.owner_id
            and (o.bearing + 0 in (1, 3)
                or (o.bearing + 0 = 2 and exists (
                    select 1 from object reversal
                    where reversal.owner_id = o.owner_id and reversal.bearing = 3)))
         union all
         select u.user_id, cast(2 as bigint), null, null,
            case when a.user_id is not null then cast({array}(
                a.revision, a.changed_at, a.customer_id, case when a.granted then 1 else 0 end,
                a.plan, a.features, a.status, a.reason, a.until, a.grace_until, a.cancel_at,
                a.due_at, a.dunning) as text) end, null, null
         from u left join access a on a.user_id = u.user_id"
    ),
);

/// What stands in the place of the priority where a row is about the user alone.
const USER_ITSELF: i64 = 2;

/// A user, and all that bears on their access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    /// The app's id of the user.
    pub user_id: String,
    /// What they may use so far; `None` if they were not known.
    pub access: Option<StoredAccess>,
    /// What is theirs, the owners that the app named first.
    pub owned: Vec<Owned>,
}

/// One of a user's owners, with its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// 0: named by the app; 1: by an object's metadata or reference.
    pub priority: i64,
    /// A customer, or a payment without one.
    pub owner_id: String,
    /// Each with the connected account that it is of.
    pub objects: Vec<(Option<String>, Object)>,
}

fn rows(owners: &[&str], users: &[&str]) -> Vec<Vec<Value>> {
    let owners = owners.iter().map(|it| params![*it, false]);
    owners.chain(users.iter().map(|it| params![*it, true])).collect()
}

/// Holds other transactions off every user who is named or tied to one of these owners.
///
/// # Errors
/// As the database says.
pub async fn hold_users(
    tx: &mut Tx<'_>,
    owners: &[&str],
    users: &[&str],
) -> Result<(), StoreError> {
    tx.hold(&HOLD_USERS, rows(owners, users)).await
}

/// Returns every user who is named or tied to one of these owners, with all that is theirs.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn of_users(
    tx: &mut Tx<'_>,
    owners: &[&str],
    users: &[&str],
) -> Result<Vec<Belongings>, StoreError> {
    gather(&tx.batch(&OF_USERS, rows(owners, users)).await?)
}

/// As [`of_users`], outside of a transaction.
///
/// # Errors
/// As the database says, or a state is damaged.
pub async fn read_of_users(
    db: &Db,
    owners: &[&str],
    users: &[&str],
) -> Result<Vec<Belongings>, StoreError> {
    gather(&db.fetch_rows(&OF_USERS, rows(owners, users)).await?)
}

fn gather(rows: &[Row]) -> Result<Vec<Belongings>, StoreError> {
    let mut rows = rows
        .iter()
        .filter_map(|row| read(row).transpose())
        .collect::<Result<Vec<_>, StoreError>>()?;
    rows.sort_by(|a, b| {
        (&a.user_id, a.priority, &a.owner_id).cmp(&(&b.user_id, b.priority, &b.owner_id))
    });
    let mut all: Vec<Belongings> = Vec::new();
    for row in rows {
        if all.last().is_none_or(|it| it.user_id != row.user_id) {
            all.push(Belongings { user_id: row.user_id.clone(), ..Belongings::default() });
        }
        let user = all.last_mut().expect("it was pushed if it was missing");
        user.access = row.access.or(user.access.take());
        let owned = &mut user.owned;
        let Some(owner_id) = row.owner_id else { continue };
        if owned.last().is_none_or(|it| it.owner_id != owner_id) {
            owned.push(Owned { priority: row.priority, owner_id, objects: Vec::new() });
        }
        let last = owned.last_mut().expect("it was pushed if it was missing");
        last.objects.extend(row.object.map(|it| (row.account, it)));
    }
    Ok(all)
}

struct Found {
    user_id: String,
    priority: i64,
    owner_id: Option<String>,
    account: Option<String>,
    object: Option<Object>,
    access: Option<StoredAccess>,
}

/// `None` stands for objects that name nobody.
fn read(row: &Row) -> Result<Option<Found>, StoreError> {
    let Some(user_id) = row.get::<Option<&str>>(0)? else { return Ok(None) };
    let priority = row.get(1)?;
    let text: Option<&str> = row.get(4)?;
    let (access, state) = if priority == USER_ITSELF { (text, None) } else { (None, text) };
    let named = row.get::<Option<&str>>(5)?.zip(row.get::<Option<&str>>(6)?);
    let object = state.zip(named).map(|(it, (kind, id))| object::standing(kind, id, it));
    Ok(Some(Found {
        user_id: user_id.to_owned(),
        priority,
        owner_id: row.get(2)?,
        account: row.get(3)?,
        object: object.transpose()?,
        access: access.map(|it| access::unpack(user_id, it)).transpose()?,
    }))
}
