//! Running handlers, within their limit. What a guest breaks, breaks its transaction alone.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::{Change, Handlers, Own};
use crate::store::own_sql::Told;
use crate::store::{StoreError, Tx};

impl Handlers {
    /// Runs the operator's statements for each change of access, then each handler for each change
    /// of its kind.
    ///
    /// # Errors
    /// [`StoreError::Handler`]; the transaction is then of no more use.
    pub(crate) async fn run(
        &self,
        tx: &mut Tx<'_>,
        told: &[Told<'_>],
        changes: &[Change],
    ) -> Result<(), StoreError> {
        if told.is_empty() && changes.is_empty() {
            return Ok(());
        }
        let visit = tx.admit(self.limit).await?;
        let all = tokio::time::timeout(self.limit, self.run_all(tx, told, changes)).await;
        let done = match all.unwrap_or_else(|_| Err(self.too_long())) {
            Ok(()) => tx.dismiss(visit).await.map_err(broken),
            Err(error) => {
                tx.expel(visit).await;
                Err(error)
            }
        };
        if matches!(&done, Err(StoreError::Handler { .. })) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    async fn run_all(
        &self,
        tx: &mut Tx<'_>,
        told: &[Told<'_>],
        changes: &[Change],
    ) -> Result<(), StoreError> {
        for statement in &self.statements {
            for it in told {
                statement.run(tx, it).await?;
            }
        }
        for change in changes {
            for own in self.own.iter().filter(|it| it.kind == change.kind) {
                run_one(own, change, tx).await?;
            }
        }
        Ok(())
    }

    fn too_long(&self) -> StoreError {
        let which = match (self.statements.first(), self.own.first()) {
            (Some(it), None) => it.name().to_owned(),
            _ => "handlers".to_owned(),
        };
        failed(&which, format!("took longer than {:?}", self.limit))
    }
}

async fn run_one(own: &Own, change: &Change, tx: &mut Tx<'_>) -> Result<(), StoreError> {
    // A panic within the call itself, before there is a future, counts as well.
    let ran = AssertUnwindSafe(async { (own.run)(change, tx).await }).catch_unwind().await;
    match ran {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(StoreError::of_handler(&own.name, &*error)),
        Err(panic) => Err(failed(&own.name, format!("panicked: {}", words(&*panic)))),
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

fn failed(handler: &str, why: String) -> StoreError {
    StoreError::Handler { handler: handler.to_owned(), why, passing: false }
}

/// A handler that hides that its statement failed, or ends the transaction, shows only here.
fn broken(error: StoreError) -> StoreError {
    match error {
        StoreError::Rejected(_) => {
            failed("handlers", "left the transaction broken, or ended it".to_owned())
        }
        other => other,
    }
}
