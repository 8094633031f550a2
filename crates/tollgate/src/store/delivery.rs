//! Who is told of a fact, and how far that has come. A delivery is claimed by moving its due time
//! to the end of a lease; whoever claimed it settles it. Where the lease ran out meanwhile, or an
//! operator had it tried anew, the number of the attempt or the lease's end tells that somebody
//! else has it now.

use crate::rules::routes::Routes;

use super::outbox::NewFact;
use super::sql::{Row, Statement, Type, Value, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] =
    &[&PLAN, &CLAIM, &SETTLE, &NEWEST, &COUNT, &REVIVE, &TOLD];

static PLAN: Statement = Statement::batch(
    "plan_deliveries",
    &[
        ("effect_id", Type::Text),
        ("destination", Type::Text),
        ("stream", Type::Text),
        ("place", Type::Int),
        ("due_ms", Type::Int),
    ],
    // Whose facts these are is held, so that nobody else takes the same places meanwhile.
    "insert into delivery (effect_id, destination, stream, place, status, attempts, due_ms)
     select r.effect_id, r.destination, r.stream,
        r.place + coalesce((select max(last.place) from delivery last
            where last.stream = r.stream and last.destination = r.destination), 0),
        'pending', 0, r.due_ms
     from {rows} as r
     where true
     on conflict (effect_id, destination) do nothing",
);

/// Plans who is told of these facts, which were staged just now; returns how many deliveries
/// that makes.
///
/// # Errors
/// As the database says.
pub async fn plan(
    tx: &mut Tx<'_>,
    facts: &[&NewFact],
    routes: &Routes,
    now_ms: i64,
) -> Result<usize, StoreError> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for fact in facts {
        let effect = &fact.staged.effect;
        for route in routes.of(effect.kind) {
            let stream = fact.owner_id.as_deref().filter(|_| route.in_order);
            let place = i64::try_from(rows.len()).unwrap_or(i64::MAX) + 1;
            let to = route.destination.as_str();
            rows.push(params![effect.key(), to, stream, place, now_ms + route.delay_ms]);
        }
    }
    let planned = rows.len();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(super::sql::ROWS_MAX));
        tx.later(&PLAN, rows, None).await?;
        rows = rest;
    }
    Ok(planned)
}

/// A delivery that this caller alone may make until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The fact's key.
    pub effect_id: String,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// When the lease ends, in Unix milliseconds.
    pub lease_until_ms: i64,
}

static CLAIM: Statement = Statement::plain(
    "claim_deliveries",
    "with due as materialized (
        select d.effect_id as effect_id from delivery d
        where d.destination = $1 and d.status = 'pending' and d.due_ms <= $2
            and not exists (select 1 from delivery before
                where before.stream = d.stream and before.destination = d.destination
                    and before.place < d.place and before.status = 'pending')
        order by d.due_ms limit $4{lock}
     )
     update delivery set attempts = attempts + 1, due_ms = $3
     where destination = $1 and effect_id in (select effect_id from due)
     returning effect_id, attempts",
);

/// Claims up to `limit` deliveries that are due, until `lease_until_ms`. Of those that are told in
/// order, only the first that is not settled can be claimed.
///
/// # Errors
/// As the database says.
pub async fn claim(
    db: &Db,
    destination: &str,
    now_ms: i64,
    lease_until_ms: i64,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let mut tx = db.begin().await?;
    let rows = tx.run(&CLAIM, params![destination, now_ms, lease_until_ms, limit]).await?;
    tx.commit().await?;
    let claimed =
        |row: &Row| Ok(Claimed { effect_id: row.get(0)?, attempt: row.get(1)?, lease_until_ms });
    rows.iter().map(claimed).collect()
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told.
    Done,
    /// It is not told, and why.
    Skipped(String),
    /// It failed; it is tried again at this time, in Unix milliseconds.
    Again(String, i64),
    /// Nothing was tried: the attempt does not count, and may be made from this time on, in Unix
    /// milliseconds.
    Untried(i64),
    /// It failed for the last time.
    Dead(String),
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What was claimed.
    pub claimed: Claimed,
    /// How it ended.
    pub ending: Ending,
}

static SETTLE: Statement = Statement::batch(
    "settle_deliveries",
    &[
        ("effect_id", Type::Text),
        ("destination", Type::Text),
        ("attempt", Type::Int),
        ("lease_ms", Type::Int),
        ("attempts", Type::Int),
        ("status", Type::Text),
        ("due_ms", Type::Int),
        ("error", Type::Text),
        ("settled_ms", Type::Int),
    ],
    "update delivery set status = r.status, attempts = r.attempts, due_ms = r.due_ms,
        error = case when r.attempts < r.attempt then delivery.error else r.error end,
        settled_ms = r.settled_ms
     from {rows} as r
     where delivery.effect_id = r.effect_id and delivery.destination = r.destination
        and delivery.attempts = r.attempt and delivery.due_ms = r.lease_ms
        and delivery.status = 'pending'",
);

/// Writes how attempts ended; those that somebody else has claimed meanwhile are left to them.
///
/// # Errors
/// As the database says.
pub async fn settle(
    db: &Db,
    destination: &str,
    all: &[Settled],
    now_ms: i64,
) -> Result<(), StoreError> {
    let rows = all.iter().map(|it| {
        let (status, due_ms, error, settled) = match &it.ending {
            Ending::Done => ("done", now_ms, None, Some(now_ms)),
            Ending::Skipped(why) => ("skipped", now_ms, Some(why.as_str()), Some(now_ms)),
            Ending::Again(why, at) => ("pending", *at, Some(why.as_str()), None),
            Ending::Untried(at) => ("pending", *at, None, None),
            Ending::Dead(why) => ("dead", now_ms, Some(why.as_str()), Some(now_ms)),
        };
        let Claimed { effect_id, attempt, lease_until_ms } = &it.claimed;
        let attempts = attempt - i64::from(matches!(it.ending, Ending::Untried(_)));
        let (key, lease) = (effect_id.as_str(), *lease_until_ms);
        params![key, destination, *attempt, lease, attempts, status, due_ms, error, settled]
    });
    let mut tx = db.begin().await?;
    tx.batch(&SETTLE, rows.collect()).await?;
    tx.commit().await
}

/// A delivery, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The fact's key.
    pub effect_id: String,
    /// Who is told.
    pub destination: String,
    /// `pending`, `done`, `skipped` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, or was settled, in Unix milliseconds.
    pub due_ms: i64,
    /// What the last attempt failed of, or why it is not told.
    pub error: Option<String>,
    /// The event that told the fact.
    pub event_id: Option<String>,
    /// When the fact was staged, in Unix seconds.
    pub created_at: i64,
}

static NEWEST: Statement = Statement::plain(
    "newest_deliveries",
    "select d.effect_id, d.destination, d.status, d.attempts, d.due_ms, d.error,
        o.event_id, o.created_at
     from delivery d join outbox o on o.id = d.effect_id
     where ($1 = '' or d.status = $1) and ($2 = '' or d.destination = $2)
     order by o.created_at desc, d.effect_id, d.destination limit $3",
);

/// Returns the newest deliveries of a status and a destination (empty: any), up to `limit`.
///
/// # Errors
/// As the database says.
pub async fn newest(
    db: &Db,
    status: &str,
    destination: &str,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = db.fetch(&NEWEST, params![status, destination, limit]).await?;
    let delivery = |row: &Row| {
        Ok(Delivery {
            effect_id: row.get(0)?,
            destination: row.get(1)?,
            status: row.get(2)?,
            attempts: row.get(3)?,
            due_ms: row.get(4)?,
            error: row.get(5)?,
            event_id: row.get(6)?,
            created_at: row.get(7)?,
        })
    };
    rows.iter().map(delivery).collect()
}

static COUNT: Statement = Statement::plain(
    "count_deliveries",
    "select destination, 'pending', count(*) from delivery where status = 'pending'
     group by destination
     union all
     select destination, 'dead', count(*) from delivery where status = 'dead'
     group by destination
     order by 1, 2",
);

/// Returns how many deliveries of each destination wait (`pending`) or were given up (`dead`).
///
/// # Errors
/// As the database says.
pub async fn waiting(db: &Db) -> Result<Vec<(String, String, i64)>, StoreError> {
    let rows = db.fetch(&COUNT, params![]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

static REVIVE: Statement = Statement::plain(
    "revive_delivery",
    "update delivery set status = 'pending', attempts = 0, due_ms = $3, settled_ms = null
     where effect_id = $1 and destination = $2 and status in ('dead', 'pending', 'skipped')
     returning effect_id",
);

/// Has a delivery that was given up, skipped or is waiting tried again now, with all its attempts;
/// returns whether there is such a one.
///
/// # Errors
/// As the database says.
pub async fn revive(
    db: &Db,
    effect_id: &str,
    destination: &str,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    let rows = tx.run(&REVIVE, params![effect_id, destination, now_ms]).await?;
    tx.commit().await?;
    Ok(!rows.is_empty())
}

static TOLD: Statement = Statement::batch(
    "deliveries_told",
    &[("effect_id", Type::Text), ("destination", Type::Text)],
    "select d.effect_id from {rows} as r
     join delivery d on d.effect_id = r.effect_id and d.destination = r.destination
     where d.status = 'done'",
);

/// Returns which of these facts this destination was told of.
///
/// # Errors
/// As the database says.
pub async fn told(
    db: &Db,
    destination: &str,
    effect_ids: &[String],
) -> Result<Vec<String>, StoreError> {
    let rows = effect_ids.iter().map(|it| params![it.as_str(), destination]).collect();
    db.fetch_rows(&TOLD, rows).await?.iter().map(|row| row.get(0)).collect()
}
