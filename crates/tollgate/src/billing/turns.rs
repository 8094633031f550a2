//! One at a time for each user, or each price, on this node. It spares Stripe calls that the other
//! nodes' keys and rows would make harmless anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Users that may be known before those who wait for nothing are forgotten.
const KNOWN_MAX: usize = 1024;

/// Whose turn it is.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<String, Arc<Turn<()>>>>);

impl Turns {
    /// Waits for a user's turn, which lasts as long as what is returned.
    pub(super) async fn take(&self, user_id: &str) -> OwnedMutexGuard<()> {
        self.turn(user_id).lock_owned().await
    }

    /// Takes a turn if nobody has it.
    pub(super) fn take_free(&self, of: &str) -> Option<OwnedMutexGuard<()>> {
        self.turn(of).try_lock_owned().ok()
    }

    fn turn(&self, of: &str) -> Arc<Turn<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= KNOWN_MAX {
            turns.retain(|_, it| Arc::strong_count(it) > 1);
        }
        Arc::clone(turns.entry(of.to_owned()).or_default())
    }
}
