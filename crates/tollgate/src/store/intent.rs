//! What we are about to make at Stripe for a user, noted before Stripe is asked.

use super::sql::{Row, Statement, params};
use super::{Db, StoreError};

pub(super) const STATEMENTS: &[&Statement] = &[&FIND, &NOTE, &SETTLE, &FORGET];

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The user's one customer.
    Customer,
    /// The user's one open visit to Checkout.
    Checkout,
}

impl Purpose {
    /// Returns its name, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Checkout => "checkout",
        }
    }
}

/// An intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// For whom.
    pub user_id: String,
    /// What for.
    pub purpose: Purpose,
    /// The parameters, as JSON.
    pub request: String,
    /// The key under which Stripe is asked.
    pub key: String,
    /// What Stripe made, once known.
    pub object_id: Option<String>,
    /// Unix milliseconds.
    pub noted_ms: i64,
}

static FIND: Statement = Statement::plain(
    "find_intent",
    "select request, idempotency_key, object_id, noted_ms from intent
     where user_id = $1 and purpose = $2",
);

/// Returns what is meant for a user.
///
/// # Errors
/// As the database says.
pub async fn find(db: &Db, user_id: &str, purpose: Purpose) -> Result<Option<Intent>, StoreError> {
    let rows = db.fetch(&FIND, params![user_id, purpose.as_str()]).await?;
    rows.first().map(|row| read(row, user_id, purpose)).transpose()
}

fn read(row: &Row, user_id: &str, purpose: Purpose) -> Result<Intent, StoreError> {
    Ok(Intent {
        user_id: user_id.to_owned(),
        purpose,
        request: row.get(0)?,
        key: row.get(1)?,
        object_id: row.get(2)?,
        noted_ms: row.get(3)?,
    })
}

static NOTE: Statement = Statement::plain(
    "note_intent",
    "insert into intent (user_id, purpose, request, idempotency_key, object_id, noted_ms)
     values ($1, $2, $3, $4, null, $5)
     on conflict (user_id, purpose) do update set
        request = excluded.request, idempotency_key = excluded.idempotency_key,
        object_id = null, noted_ms = excluded.noted_ms
     where intent.idempotency_key = $6",
);

/// Notes an intent, in the place of the one with the key `instead_of` if that is still the one that
/// holds; returns the one that holds now, which is another's where another was faster.
///
/// # Errors
/// As the database says.
pub async fn note(
    db: &Db,
    intent: &Intent,
    instead_of: Option<&str>,
) -> Result<Intent, StoreError> {
    let (user_id, purpose) = (intent.user_id.as_str(), intent.purpose);
    let mut tx = db.begin().await?;
    let (request, key) = (intent.request.as_str(), intent.key.as_str());
    // No key is blank.
    let instead_of = instead_of.unwrap_or_default();
    let values = params![user_id, purpose.as_str(), request, key, intent.noted_ms, instead_of];
    tx.run(&NOTE, values).await?;
    let rows = tx.run(&FIND, params![user_id, purpose.as_str()]).await?;
    let gone = || StoreError::Corrupt { what: "intent", why: "it is gone".to_owned() };
    let holding = read(rows.first().ok_or_else(gone)?, user_id, purpose)?;
    tx.commit().await?;
    Ok(holding)
}

static SETTLE: Statement = Statement::plain(
    "settle_intent",
    "update intent set object_id = $4
     where user_id = $1 and purpose = $2 and idempotency_key = $3",
);

/// Keeps what Stripe made of an intent.
///
/// # Errors
/// As the database says.
pub async fn settle(db: &Db, intent: &Intent, object_id: &str) -> Result<(), StoreError> {
    let (user_id, purpose) = (intent.user_id.as_str(), intent.purpose.as_str());
    let mut tx = db.begin().await?;
    tx.run(&SETTLE, params![user_id, purpose, intent.key.as_str(), object_id]).await?;
    tx.commit().await
}

static FORGET: Statement = Statement::plain(
    "forget_intent",
    "delete from intent where user_id = $1 and purpose = $2 and idempotency_key = $3",
);

/// Forgets an intent of which Stripe made nothing.
///
/// # Errors
/// As the database says.
pub async fn forget(db: &Db, intent: &Intent) -> Result<(), StoreError> {
    let (user_id, purpose) = (intent.user_id.as_str(), intent.purpose.as_str());
    let mut tx = db.begin().await?;
    tx.run(&FORGET, params![user_id, purpose, intent.key.as_str()]).await?;
    tx.commit().await
}
