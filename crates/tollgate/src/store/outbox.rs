//! Effects, staged in the transaction that causes them, each fact once.

use crate::rules::effects::{Effect, EffectKind};

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError, Tx};

pub(super) const STATEMENTS: &[&Statement] = &[&STAGE, &LIST];

static STAGE: Statement = Statement::batch(
    "stage_effects",
    &[
        ("id", Type::Text),
        ("kind", Type::Text),
        ("subject_id", Type::Text),
        ("event_id", Type::Text),
        ("created_at", Type::Int),
    ],
    "insert into outbox (id, kind, subject_id, event_id, status, created_at)
     select id, kind, subject_id, event_id, 'pending', created_at from {rows} as r
     where true
     on conflict (id) do nothing",
);

/// An effect and the event that told its fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Staged {
    /// The fact.
    pub effect: Effect,
    /// The event that told it.
    pub event_id: Option<String>,
}

/// Stages effects; a fact that was staged before is left as it is.
///
/// # Errors
/// As the database says.
pub async fn stage(tx: &mut Tx<'_>, effects: &[Staged], now: i64) -> Result<(), StoreError> {
    let rows = effects.iter().map(|it| {
        let effect = &it.effect;
        let kind = effect.kind.as_str();
        params![effect.key(), kind, effect.subject.as_str(), it.event_id.as_deref(), now]
    });
    tx.batch(&STAGE, rows.collect()).await.map(drop)
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
    let staged = |row: &Row| -> Result<Staged, StoreError> {
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
    };
    db.fetch(&LIST, params![after, limit]).await?.iter().map(staged).collect()
}
