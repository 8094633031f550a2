//! The only room with SQL. Functions that take a transaction (or a database to read from) and
//! values; no traits, no models of its own. Everything here runs as one text on SQLite and
//! Postgres (see [`sql`]) and every test of it runs on both.
//!
//! - [`db`], [`tx`], [`direct`], [`pipeline`], [`connect`], [`failure`]: connections, transactions, and what a failure means;
//! - [`schema`]: the tables;
//! - [`payload`]: the compressed bodies of events;
//! - [`event`], [`object`], [`access`], [`outbox`], [`delivery`], [`user`], [`intent`]: a file a
//!   table;
//! - [`redemption`]: what discounts were used;
//! - [`belonging`]: from users to all that is theirs;
//! - [`guests`], [`own_sql`], [`placeholders`]: what the app itself does in a transaction of ours.

pub mod access;
pub mod belonging;
mod connect;
pub mod db;
pub mod delivery;
mod direct;
pub mod due_failure;
pub mod event;
mod failure;
mod guests;
pub mod intent;
pub mod object;
pub mod outbox;
pub mod own_sql;
pub mod payload;
mod pipeline;
pub mod placeholders;
pub mod redemption;
pub mod schema;
pub mod sql;
pub mod tx;
pub mod user;

pub use db::Db;
pub use guests::Visit;
pub use tx::{Session, Tx};

/// What a failure of the database means to its caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another transaction was in the way: do it again.
    #[error("conflict with another transaction")]
    Conflict(#[source] Option<sqlx::Error>),
    /// The database is away, locked, full or out of connections: nothing was written.
    #[error("database unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The database refuses this statement or these values; doing it again will not help.
    #[error("database refused a statement")]
    Rejected(#[source] sqlx::Error),
    /// What is stored cannot be read.
    #[error("read stored {what}: {why}")]
    Corrupt {
        /// The kind of row.
        what: &'static str,
        /// What is wrong with it, without its content.
        why: String,
    },
    /// A handler of the app's failed, so nothing of its transaction was kept.
    #[error("{handler}: {why}")]
    Handler {
        /// Which one.
        handler: String,
        /// In its own words, or the database's.
        why: String,
        /// Doing it again at once may help: another transaction was in its way.
        passing: bool,
    },
    /// The configuration does not fit the database.
    #[error("{0}")]
    Misconfigured(String),
}

impl StoreError {
    /// Makes what a handler says into what it means for the transaction.
    pub fn of_handler(handler: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        failure::of_handler(handler, error, &[])
    }

    /// Returns the database's own words, which may quote values: for the operator, never for a log
    /// of requests.
    pub fn detail(&self) -> String {
        match self {
            Self::Conflict(Some(error)) | Self::Unavailable(error) | Self::Rejected(error) => {
                format!("{self}: {error}")
            }
            _ => self.to_string(),
        }
    }
}

/// Every statement, for the test that prepares each on both databases.
pub fn statements() -> Vec<&'static sql::Statement> {
    [
        event::STATEMENTS,
        object::STATEMENTS,
        user::STATEMENTS,
        belonging::STATEMENTS,
        access::STATEMENTS,
        outbox::STATEMENTS,
        due_failure::STATEMENTS,
        delivery::STATEMENTS,
        intent::STATEMENTS,
        redemption::STATEMENTS,
        schema::STATEMENTS,
    ]
    .concat()
}
