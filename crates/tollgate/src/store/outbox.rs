//! Effects, staged in the transaction that causes them, each fact once.

use std::collections::BTreeSet;

use crate::rules::effects::{Effect, EffectKind};

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[&STAGE, &LIST, &FIND];

static STAGE: Statement = Statement::batch(
    "stage_effects",
    &[
        ("id", Type::Text),
        ("kind", Type::Text),
        ("subject_id", Type::Text),
        ("event_id", Type::Text),
        ("created_at", Type::Int),
        ("only_if_failed", Type::Bool),
    ],
    "insert into outbox (id, kind, subject_id, event_id, created_at)
     select id, kind, subject_id, event_id, created_at from {rows} as r
     where not r.only_if_failed or exists (select 1 from outbox failed where failed.id in (
        'payment_failed:' || r.subject_id || ':attempt_0',
        'payment_failed:' || r.subject_id || ':attempt_1'))
     on conflict (id) do nothing
     returning id",
);

/// An effect and the event that told its fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Staged {
    /// The fact.
    pub effect: Effect,
    /// The event that told it.
    pub event_id: Option<String>,
}

/// A fact to stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFact {
    /// The fact.
    pub staged: Staged,
    /// Whose it is: one owner's facts may be told in order.
    pub owner_id: Option<String>,
    /// It is one only if the first attempt to charge its subject is known to have failed.
    pub only_if_failed: bool,
}

/// Stages facts and returns those that are new; one that was staged before is left as it is.
///
/// # Errors
/// As the database says.
pub async fn stage<'a>(
    tx: &mut Tx<'_>,
    facts: &'a [NewFact],
    now: i64,
) -> Result<Vec<&'a NewFact>, StoreError> {
    let rows = facts.iter().map(|it| {
        let Staged { effect, event_id } = &it.staged;
        let kind = effect.kind.as_str();
        let (subject, event_id) = (effect.subject.as_str(), event_id.as_deref());
        params![effect.key(), kind, subject, event_id, now, it.only_if_failed]
    });
    let rows = tx.batch(&STAGE, rows.collect()).await?;
    let new: Result<BTreeSet<String>, _> = rows.iter().map(|it| it.get(0)).collect();
    let new = new?;
    Ok(facts.iter().filter(|it| new.contains(&it.staged.effect.key())).collect())
}

static LIST: Statement = Statement::plain(
    "list_outbox",
    "select id, kind, subject_id, event_id from outbox where id > $1 order by id limit $2",
);

/// Returns up to `limit` staged effects after the key `after`, in the order of their keys.
///
/// # Errors
/// As the database says.
pub async fn page(db: &Db, after: &str, limit: i64) -> Result<Vec<Staged>, StoreError> {
    db.fetch(&LIST, params![after, limit]).await?.iter().map(staged).collect()
}

fn staged(row: &Row) -> Result<Staged, StoreError> {
    let (key, kind, subject): (&str, &str, &str) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let corrupt = || StoreError::Corrupt { what: "outbox", why: format!("kind {kind}") };
    let prefix = format!("{kind}:{subject}:");
    Ok(Staged {
        effect: Effect {
            kind: EffectKind::from_name(kind).ok_or_else(corrupt)?,
            subject: subject.to_owned(),
            detail: key.strip_prefix(&prefix).unwrap_or_default().to_owned(),
        },
        event_id: row.get(3)?,
    })
}

static FIND: Statement = Statement::batch(
    "find_facts",
    &[("id", Type::Text)],
    "select o.id, o.kind, o.subject_id, o.event_id, o.created_at
     from {rows} as r join outbox o on o.id = r.id",
);

/// Returns the facts of these keys, each with the time at which it was staged, in Unix seconds.
///
/// # Errors
/// As the database says.
pub async fn find(db: &Db, keys: &[&str]) -> Result<Vec<(Staged, i64)>, StoreError> {
    let rows = db.fetch_rows(&FIND, keys.iter().map(|it| params![*it]).collect()).await?;
    rows.iter().map(|row| Ok((staged(row)?, row.get(4)?))).collect()
}
