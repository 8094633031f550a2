//! What is tried again without anybody asking: failed events, and access that time alone changes.
//! Both are steps: they do what is due now and return, so that tests move the clock and step.

use futures_util::future::join_all;

use super::{Input, Purpose, Receiver, SubmitError};
use crate::store::due_failure::{self, DueFailure};
use crate::store::event::{Conclusion, Recorded, Status};
use crate::store::{self, Db, StoreError, Tx};
use crate::webhook::{self, Reading};

/// Seconds between the tries of a failed event; then it stays failed until somebody replays it.
const BACKOFF_SECS: [i64; 12] =
    [10, 30, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, 86_400];
/// The longest time between the tries of a change that time brought; it is never given up.
const DUE_WAIT_SECS_MAX: i64 = 3_600;
/// What one step takes on.
const STEP_MAX: i64 = 64;

/// Returns when an event that failed so often is tried again, in Unix seconds.
pub fn retry_at(attempts: i64, now: i64) -> Option<i64> {
    let index = usize::try_from(attempts.saturating_sub(1)).ok()?;
    BACKOFF_SECS.get(index).map(|it| now.saturating_add(*it))
}

/// Whether an event is known, but not yet part of the state: it failed, or an older version did not
/// read its type.
pub(super) fn is_open(recorded: &Recorded, reading: &Reading) -> bool {
    let is_read = !matches!(reading, Reading::Ignored);
    match recorded.status {
        _ if recorded.is_new => false,
        Status::Applied => false,
        Status::Ignored => is_read,
        Status::Failed => true,
    }
}

/// Why a step could not be done; the next one tries the same.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The door did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Tries the failed events that are due; returns how many.
///
/// # Errors
/// The database is away, or too much is waiting.
pub async fn step(db: &Db, receiver: &Receiver, now: i64) -> Result<usize, StepError> {
    let due = store::event::to_retry(db, now, STEP_MAX).await?;
    let count = due.len();
    let mut inputs = Vec::new();
    for event in due {
        let read = match &event.body {
            Ok(body) => match webhook::read(body) {
                Ok(incoming) => Ok(Input::event(incoming, body, Purpose::Delivery)),
                Err(error) => Err((error.to_string(), None)),
            },
            // Another node, or this one once it is newer, may be able to.
            Err(error) => Err((error.to_string(), retry_at(event.attempts + 1, now))),
        };
        match read {
            Ok(input) => inputs.push(input),
            Err((why, next)) => conclude(db, event, why, next).await?,
        }
    }
    submit_all(receiver, inputs).await?;
    Ok(count)
}

/// Keeps why an event could not even be read.
async fn conclude(
    db: &Db,
    event: store::event::Due,
    why: String,
    retry_at: Option<i64>,
) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let conclusion = Conclusion {
        id: event.id,
        object_id: None,
        status: Status::Failed,
        error: Some(why),
        attempts: event.attempts.saturating_add(1),
        retry_at,
    };
    store::event::conclude(&mut tx, vec![conclusion]).await?;
    tx.commit().await
}

/// Keeps why a change of access could not be made that time brought, to be tried again.
pub(super) async fn record_due_failure(
    db: &Db,
    user_id: &str,
    why: &str,
    now: i64,
) -> Result<(), StoreError> {
    let before = due_failure::find(db, user_id).await?;
    let attempts = before.map_or(1, |it| it.attempts.saturating_add(1));
    let next = retry_at(attempts, now).unwrap_or(i64::MAX);
    let retry_at = next.min(now.saturating_add(DUE_WAIT_SECS_MAX));
    tracing::error!(user_id, attempts, why, "Access that time changes could not be changed");
    let mut tx = db.begin().await?;
    let failure = DueFailure { attempts, error: why.replace('\0', "\u{fffd}"), retry_at };
    due_failure::record(&mut tx, user_id, &failure).await?;
    tx.commit().await
}

/// What time brought to these users is done. Nearly always there are none.
pub(super) async fn forget_due_failures(
    tx: &mut Tx<'_>,
    inputs: &[Input],
) -> Result<(), StoreError> {
    let users = inputs.iter().filter_map(|it| match it {
        Input::Due(user_id) => Some(user_id.as_str()),
        _ => None,
    });
    let users: Vec<&str> = users.collect();
    match users.is_empty() {
        true => Ok(()),
        false => due_failure::forget(tx, &users).await,
    }
}

/// Derives the access anew that time alone may have changed; returns for how many users.
///
/// # Errors
/// The database is away, or too much is waiting.
pub async fn due_step(db: &Db, receiver: &Receiver, now: i64) -> Result<usize, StepError> {
    let due = store::access::due(db, now, STEP_MAX).await?;
    let count = due.len();
    submit_all(receiver, due.into_iter().map(Input::Due).collect()).await?;
    Ok(count)
}

/// Hands all of these in and waits until they are durable.
pub(super) async fn submit_all(receiver: &Receiver, inputs: Vec<Input>) -> Result<(), SubmitError> {
    let answers = join_all(inputs.into_iter().map(|it| receiver.submit(it))).await;
    answers.into_iter().try_for_each(|it| it.map(drop))
}
