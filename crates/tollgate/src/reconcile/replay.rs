//! Applies stored events again. Applying is idempotent, so a replay can only mend: an event that
//! failed gets another try, one that was applied changes nothing.

use crate::receive::{Input, Outcome, Purpose, Receiver, SubmitError};
use crate::store::event::Stored;
use crate::store::{self, Db, StoreError};
use crate::webhook;

/// Why a replay ended early; what was replayed before stays so.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The door did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A stored event cannot be read any more.
    #[error("read event {id}: {why}")]
    Unreadable {
        /// The event's id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Applies one event again; `None` where no such event is stored.
///
/// # Errors
/// The database is away, or too much is waiting.
pub async fn one(db: &Db, receiver: &Receiver, id: &str) -> Result<Option<Outcome>, ReplayError> {
    match store::event::find(db, id).await? {
        None => Ok(None),
        Some(event) => Ok(Some(receiver.submit(input(&event, Purpose::Replay)?).await?)),
    }
}

pub(super) fn input(event: &Stored, purpose: Purpose) -> Result<Input, ReplayError> {
    let incoming = webhook::read(&event.body).map_err(|error| ReplayError::Unreadable {
        id: event.id.clone(),
        why: error.to_string(),
    })?;
    Ok(Input::event(incoming, &event.body, purpose))
}
