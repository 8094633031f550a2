//! What the app itself does in the transaction of a change: SQL of the operator's own, and
//! functions of the app in whose process we are. They run last, before the commit; where one
//! fails, panics or takes too long, nothing of that transaction is kept.
//!
//! - this file: who is registered for what;
//! - [`change`]: what a handler is told;
//! - [`run`]: running them, within their limit.

mod change;
mod run;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::store::own_sql::OwnSql;
use crate::store::placeholders::Dialect;
use crate::store::{Db, StoreError, Tx};

pub use change::{Change, Kind};

/// How long all handlers of one transaction may take together, unless set otherwise.
pub const LIMIT: Duration = Duration::from_secs(5);

/// Why a handler did not do it, in its own words. They are kept with the event and shown, so they
/// must hold nothing secret.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

type Run = Box<
    dyn for<'a, 'c> Fn(&'a Change, &'a mut Tx<'c>) -> LocalBoxFuture<'a, Result<(), HandlerError>>
        + Send
        + Sync,
>;

struct Own {
    kind: Kind,
    name: String,
    run: Run,
}

/// All handlers of one server.
pub struct Handlers {
    statements: Vec<OwnSql>,
    own: Vec<Own>,
    limit: Duration,
    failures: AtomicU64,
}

impl Default for Handlers {
    fn default() -> Self {
        let (statements, own, failures) = Default::default();
        Self { statements, own, limit: LIMIT, failures }
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statements = self.statements.iter().map(OwnSql::name);
        f.debug_list().entries(statements).entries(self.own.iter().map(|it| &it.name)).finish()
    }
}

impl Handlers {
    /// Makes those of a process that is not the app's own: the operator's statements alone.
    ///
    /// # Errors
    /// As [`Self::on_access_change`].
    pub fn of_operator(texts: &[String], limit: Duration, db: &Db) -> Result<Self, StoreError> {
        let mut handlers = Self { limit, ..Self::default() };
        handlers.on_access_change(texts, db)?;
        Ok(handlers)
    }

    /// Adds a function for a kind of change.
    pub fn on<F>(&mut self, kind: impl Into<Kind>, handler: F)
    where
        F: AsyncFn(&Change, &mut Tx<'_>) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        let kind = kind.into();
        let name = format!("handler {} of {}", self.own.len() + 1, kind.as_str());
        self.own.push(Own { kind, name, run: boxed(handler) });
    }

    /// Adds the operator's statements for changes of access, for this database.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`]: one is no statement, or names what there is not.
    pub fn on_access_change(&mut self, texts: &[String], db: &Db) -> Result<(), StoreError> {
        let dialect = if db.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite };
        for (text, number) in texts.iter().zip(self.statements.len() + 1..) {
            let name = format!("on_access_change {number}");
            self.statements.push(OwnSql::read(&name, text, dialect)?);
        }
        Ok(())
    }

    /// Sets how long all handlers of one transaction may take together.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Has the database prepare the operator's statements.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] with the database's own words, or the database is away.
    pub async fn check(&self, db: &Db) -> Result<(), StoreError> {
        for statement in &self.statements {
            statement.check(db).await?;
        }
        Ok(())
    }

    /// Returns how often a handler failed since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whether there are any.
    pub(crate) fn are_there(&self) -> bool {
        !self.statements.is_empty() || !self.own.is_empty()
    }

    /// Whether anybody wants to know of this kind.
    pub(crate) fn want(&self, kind: Kind) -> bool {
        self.own.iter().any(|it| it.kind == kind)
    }

    /// Whether anybody wants to know of any fact.
    pub(crate) fn want_facts(&self) -> bool {
        self.own.iter().any(|it| it.kind != Kind::Access)
    }

    /// Whether there are statements of the operator's.
    pub(crate) fn have_statements(&self) -> bool {
        !self.statements.is_empty()
    }

    /// Whether a statement names the user's address or name.
    pub(crate) fn name_users(&self) -> bool {
        self.statements.iter().any(OwnSql::names_user)
    }
}

fn boxed<F>(handler: F) -> Run
where
    F: AsyncFn(&Change, &mut Tx<'_>) -> Result<(), HandlerError> + Send + Sync + 'static,
{
    let handler = std::sync::Arc::new(handler);
    Box::new(move |change, tx| {
        let handler = std::sync::Arc::clone(&handler);
        Box::pin(async move { handler(change, tx).await })
    })
}
