//! Events as they came, and what became of them.

use crate::rules::silence::LastEvent;

use super::payload;
use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[
    &RECORD,
    &CONCLUDE,
    &OF_SECONDS,
    &TO_RETRY,
    &SHOW,
    &LIST,
    &LIST_BY_STATUS,
    &OF_OBJECTS,
    &PAGE,
    &PAGE_SINCE,
    &COUNTS,
    &FIND,
    &OUTCOME,
    &LAST,
];

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is part of the state.
    Applied,
    /// Of a type that we do not act on.
    Ignored,
    /// It could not be applied.
    Failed,
}

impl Status {
    /// Returns the status's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }

    /// Returns the status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Applied, Self::Ignored, Self::Failed].into_iter().find(|it| it.as_str() == name)
    }
}

/// An event to record.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Stripe's id of the event.
    pub id: String,
    /// Stripe's `type`.
    pub event_type: String,
    /// Unix seconds.
    pub created_at: i64,
    /// The object that it is about.
    pub object_id: Option<String>,
    /// The connected account.
    pub account: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// Unix seconds of the next try of a failed event.
    pub retry_at: Option<i64>,
    /// Unix milliseconds.
    pub received_ms: i64,
    /// As [`payload::pack`] made it.
    pub payload: Vec<u8>,
}

static RECORD: Statement = Statement::batch(
    "record_events",
    &[
        ("id", Type::Text),
        ("type", Type::Text),
        ("created_at", Type::Int),
        ("object_id", Type::Text),
        ("account", Type::Text),
        ("status", Type::Text),
        ("error", Type::Text),
        ("attempts", Type::Int),
        ("retry_at", Type::Int),
        ("received_ms", Type::Int),
        ("payload", Type::Bytes),
    ],
    "insert into event (id, type, created_at, object_id, account, status, error,
        attempts, retry_at, seen, received_ms, payload)
     select id, type, created_at, object_id, account, status, error,
        attempts, retry_at, 1, received_ms, payload
     from {rows} as r
     where true
     on conflict (id) do update set seen = event.seen + 1
     returning id, status, cast(seen as bigint), cast(attempts as bigint)",
);

/// What was known of an event when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Stripe's id of the event.
    pub id: String,
    /// What became of it.
    pub status: Status,
    /// It was not known before.
    pub is_new: bool,
    /// How often it was tried and failed.
    pub attempts: i64,
}

/// Records events; those that are known only count one more delivery. No two may have one id.
///
/// # Errors
/// As the database says.
pub async fn record(tx: &mut Tx<'_>, events: Vec<NewEvent>) -> Result<Vec<Recorded>, StoreError> {
    let rows = events.into_iter().map(|it| {
        let attempts = i64::from(it.status == Status::Failed);
        params![
            it.id,
            it.event_type,
            it.created_at,
            it.object_id,
            it.account,
            it.status.as_str(),
            it.error,
            attempts,
            it.retry_at,
            it.received_ms,
            it.payload,
        ]
    });
    let rows = tx.batch(&RECORD, rows.collect()).await?;
    let read = |row: &Row| -> Result<Recorded, StoreError> {
        Ok(Recorded {
            id: row.get(0)?,
            status: status(row, 1)?,
            is_new: row.get::<i64>(2)? == 1,
            attempts: row.get(3)?,
        })
    };
    rows.iter().map(read).collect()
}

static CONCLUDE: Statement = Statement::batch(
    "conclude_events",
    &[
        ("id", Type::Text),
        ("object_id", Type::Text),
        ("status", Type::Text),
        ("error", Type::Text),
        ("attempts", Type::Int),
        ("retry_at", Type::Int),
    ],
    "update event set status = r.status, error = r.error, attempts = r.attempts,
        retry_at = r.retry_at, object_id = coalesce(r.object_id, event.object_id)
     from {rows} as r
     where event.id = r.id",
);

/// What another try of an event came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// Stripe's id of the event.
    pub id: String,
    /// The object that it is about.
    pub object_id: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// How often it was tried and failed.
    pub attempts: i64,
    /// Unix seconds.
    pub retry_at: Option<i64>,
}

/// Writes what another try came to.
///
/// # Errors
/// As the database says.
pub async fn conclude(tx: &mut Tx<'_>, conclusions: Vec<Conclusion>) -> Result<(), StoreError> {
    let rows = conclusions.into_iter().map(|it| {
        params![it.id, it.object_id, it.status.as_str(), it.error, it.attempts, it.retry_at]
    });
    tx.later(&CONCLUDE, rows.collect(), None).await
}

static OF_SECONDS: Statement = Statement::batch(
    "events_of_seconds",
    &[("object_id", Type::Text), ("created_at", Type::Int)],
    "select e.object_id, e.payload
     from {rows} as r
     join event e on e.object_id = r.object_id and e.created_at = r.created_at
     where e.status = 'applied'
     order by e.id",
);

/// Returns the bodies of all applied events about these objects in these seconds.
///
/// # Errors
/// As the database says, or a body is damaged.
pub async fn of_seconds(
    tx: &mut Tx<'_>,
    contests: &[(String, i64)],
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let rows = contests.iter().map(|(id, at)| params![id.as_str(), *at]).collect();
    let rows = tx.batch(&OF_SECONDS, rows).await?;
    rows.iter().map(|row| Ok((row.get(0)?, body(row, 1)?))).collect()
}

/// An event as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Stripe's id of the event.
    pub id: String,
    /// What became of it.
    pub status: Status,
    /// As Stripe sent it.
    pub body: Vec<u8>,
}

static TO_RETRY: Statement = Statement::plain(
    "events_to_retry",
    "select id, cast(attempts as bigint), payload from event
     where retry_at <= $1 order by retry_at, id limit $2",
);

/// A failed event whose next try is due.
#[derive(Debug)]
pub struct Due {
    /// Stripe's id of the event.
    pub id: String,
    /// How often it was tried and failed.
    pub attempts: i64,
    /// As Stripe sent it, unless that is damaged or a newer version wrote it.
    pub body: Result<Vec<u8>, StoreError>,
}

/// Returns failed events whose next try is due.
///
/// # Errors
/// As the database says.
pub async fn to_retry(db: &Db, now: i64, limit: i64) -> Result<Vec<Due>, StoreError> {
    let rows = db.fetch(&TO_RETRY, params![now, limit]).await?;
    let read = |row: &Row| Ok(Due { id: row.get(0)?, attempts: row.get(1)?, body: body(row, 2) });
    rows.iter().map(read).collect()
}

static FIND: Statement =
    Statement::plain("find_event", "select id, status, payload from event where id = $1");

/// Returns the event of this id.
///
/// # Errors
/// As the database says, or its body is damaged.
pub async fn find(db: &Db, id: &str) -> Result<Option<Stored>, StoreError> {
    Ok(stored(&db.fetch(&FIND, params![id]).await?)?.pop())
}

static OUTCOME: Statement =
    Statement::plain("event_outcome", "select status, error from event where id = $1");

/// Returns what became of the event of this id, and why it failed.
///
/// # Errors
/// As the database says.
pub async fn outcome(db: &Db, id: &str) -> Result<Option<(Status, Option<String>)>, StoreError> {
    let rows = db.fetch(&OUTCOME, params![id]).await?;
    rows.first().map(|row| Ok((status(row, 0)?, row.get(1)?))).transpose()
}

static PAGE: Statement = Statement::plain(
    "events_page",
    "select id, status, payload from event where id > $1 order by id limit $2",
);

/// Returns up to `limit` events after the id `after`, in the order of their ids.
///
/// # Errors
/// As the database says, or a body is damaged.
pub async fn page(db: &Db, after: &str, limit: i64) -> Result<Vec<Stored>, StoreError> {
    stored(&db.fetch(&PAGE, params![after, limit]).await?)
}

static PAGE_SINCE: Statement = Statement::plain(
    "events_page_since",
    "select id, status, payload
     from event
     where received_ms >= $1 and id > $2
     order by id
     limit $3",
);

/// Returns up to `limit` events after the id `after` that came since then (Unix milliseconds), in
/// the order of their ids.
///
/// # Errors
/// As the database says, or a body is damaged.
pub async fn page_since(
    db: &Db,
    since_ms: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    stored(&db.fetch(&PAGE_SINCE, params![since_ms, after, limit]).await?)
}

static OF_OBJECTS: Statement = Statement::batch(
    "events_of_objects",
    &[("object_id", Type::Text)],
    "select id, status, payload
     from event
     where object_id is not null and (created_at, object_id) in (
         select created_at, object_id from event
         where object_id is not null and object_id in (select object_id from {rows} as r)
     )
     order by id",
);

/// Returns all events about these objects. The index of all events is read for it, once: better ask
/// for several objects than for each.
///
/// # Errors
/// As the database says, or a body is damaged.
pub async fn of_objects(tx: &mut Tx<'_>, ids: &[String]) -> Result<Vec<Stored>, StoreError> {
    let rows = ids.iter().map(|it| params![it.as_str()]).collect();
    stored(&tx.batch(&OF_OBJECTS, rows).await?)
}

/// An event as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Stripe's id of the event.
    pub id: String,
    /// Stripe's `type`.
    pub event_type: String,
    /// Unix seconds.
    pub created_at: i64,
    /// The object that it is about.
    pub object_id: Option<String>,
    /// The connected account.
    pub account: Option<String>,
    /// What became of it.
    pub status: String,
    /// Why it failed.
    pub error: Option<String>,
    /// How often it was tried and failed.
    pub attempts: i64,
    /// Unix seconds.
    pub retry_at: Option<i64>,
    /// How often it came in, retries and replays included.
    pub seen: i64,
    /// Unix milliseconds.
    pub received_ms: i64,
}

static SHOW: Statement = Statement::plain(
    "show_event",
    "select id, type, created_at, object_id, account, status, error, cast(attempts as bigint),
        retry_at, cast(seen as bigint), received_ms, payload
     from event where id = $1",
);

/// Returns an event and its body.
///
/// # Errors
/// As the database says, or the body is damaged.
pub async fn show(db: &Db, id: &str) -> Result<Option<(Summary, Vec<u8>)>, StoreError> {
    let rows = db.fetch(&SHOW, params![id]).await?;
    rows.first().map(|row| Ok((summary(row)?, body(row, 11)?))).transpose()
}

static LIST: Statement = Statement::plain(
    "list_events",
    "select id, type, created_at, object_id, account, status, error, cast(attempts as bigint),
        retry_at, cast(seen as bigint), received_ms
     from event order by received_ms desc, id desc limit $1",
);

static LIST_BY_STATUS: Statement = Statement::plain(
    "list_events_by_status",
    "select id, type, created_at, object_id, account, status, error, cast(attempts as bigint),
        retry_at, cast(seen as bigint), received_ms
     from event where status = $1 order by received_ms desc, id desc limit $2",
);

/// Returns the newest events, newest first.
///
/// # Errors
/// As the database says.
pub async fn list(db: &Db, status: Option<Status>, limit: i64) -> Result<Vec<Summary>, StoreError> {
    let rows = match status {
        None => db.fetch(&LIST, params![limit]).await?,
        Some(it) => db.fetch(&LIST_BY_STATUS, params![it.as_str(), limit]).await?,
    };
    rows.iter().map(summary).collect()
}

static COUNTS: Statement = Statement::plain(
    "count_events",
    "select count(*), min(retry_at) from event where retry_at is not null",
);

/// Returns how many failed events wait for another try, and when (Unix seconds) the first is due.
///
/// # Errors
/// As the database says.
pub async fn waiting(db: &Db) -> Result<(i64, Option<i64>), StoreError> {
    let rows = db.fetch(&COUNTS, params![]).await?;
    rows.first().map_or(Ok((0, None)), |row| Ok((row.get(0)?, row.get(1)?)))
}

static LAST: Statement = Statement::plain(
    "last_event",
    "select id, received_ms from event where type <> 'tollgate.fetched'
     order by received_ms desc, id desc limit 1",
);

/// Returns the last event that came from Stripe by itself, rather than because it was asked.
///
/// # Errors
/// As the database says.
pub async fn last(db: &Db) -> Result<Option<LastEvent>, StoreError> {
    let rows = db.fetch(&LAST, params![]).await?;
    let read = |row: &Row| Ok(LastEvent { id: row.get(0)?, received_ms: row.get(1)? });
    rows.first().map(read).transpose()
}

fn stored(rows: &[Row]) -> Result<Vec<Stored>, StoreError> {
    let read = |row: &Row| -> Result<Stored, StoreError> {
        Ok(Stored { id: row.get(0)?, status: status(row, 1)?, body: body(row, 2)? })
    };
    rows.iter().map(read).collect()
}

fn summary(row: &Row) -> Result<Summary, StoreError> {
    Ok(Summary {
        id: row.get(0)?,
        event_type: row.get(1)?,
        created_at: row.get(2)?,
        object_id: row.get(3)?,
        account: row.get(4)?,
        status: row.get(5)?,
        error: row.get(6)?,
        attempts: row.get(7)?,
        retry_at: row.get(8)?,
        seen: row.get(9)?,
        received_ms: row.get(10)?,
    })
}

fn status(row: &Row, column: usize) -> Result<Status, StoreError> {
    let name: &str = row.get(column)?;
    let why = || StoreError::Corrupt { what: "event", why: format!("status {name}") };
    Status::from_name(name).ok_or_else(why)
}

fn body(row: &Row, column: usize) -> Result<Vec<u8>, StoreError> {
    payload::unpack(row.get::<&[u8]>(column)?)
}
