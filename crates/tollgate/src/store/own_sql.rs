//! SQL of the operator's own, run in the transaction that changes a user's access: its text is a
//! value. It is prepared once a connection and executed once for each user whose access changed.

use sqlx::postgres::{PgArguments, PgTypeInfo};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Executor, Postgres, SqlSafeStr};

use super::access::Changed;
use super::failure::of_handler;
use super::guests::not_invited;
use super::placeholders::{Dialect, number};
use super::sql::{Type, Value, add};
use super::tx::Inner;
use super::user::AppUser;
use super::{Db, StoreError, Tx};

/// What the statements are told of a change.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What changed.
    pub changed: &'a Changed,
    /// What the app said of the user.
    pub user: Option<&'a AppUser>,
    /// The event that caused it; `None` where time or the app did.
    pub event_id: Option<&'a str>,
}

type Parameter = (&'static str, Type, fn(&Told<'_>) -> Value);

/// The parameters and where each comes from. Times are Unix seconds.
#[rustfmt::skip]
const PARAMETERS: &[Parameter] = &[
    ("cancel_at",    Type::Int,  |it| it.changed.after.access.cancel_at.into()),
    ("customer",     Type::Text, |it| it.changed.after.access.customer_id.as_deref().into()),
    ("email",        Type::Text, |it| it.user.and_then(|it| it.email.as_deref()).into()),
    ("event",        Type::Text, |it| it.event_id.into()),
    ("features",     Type::Text, |it| features(it).into()),
    ("grace_until",  Type::Int,  |it| it.changed.after.access.grace_until.into()),
    ("granted",      Type::Bool, |it| it.changed.after.access.granted.into()),
    ("name",         Type::Text, |it| it.user.and_then(|it| it.name.as_deref()).into()),
    ("now",          Type::Int,  |it| it.changed.after.changed_at.into()),
    ("plan",         Type::Text, |it| it.changed.after.access.plan.as_str().into()),
    ("reason",       Type::Text, |it| it.changed.after.access.reason.as_str().into()),
    ("revision",     Type::Int,  |it| it.changed.after.revision.into()),
    ("status",       Type::Text, |it| it.changed.after.access.status.as_deref().into()),
    ("subscription", Type::Text, |it| subscription(it).into()),
    ("until",        Type::Int,  |it| it.changed.after.access.until.into()),
    ("user",         Type::Text, |it| it.changed.after.user_id.as_str().into()),
];

fn features(it: &Told<'_>) -> String {
    serde_json::to_string(&it.changed.after.access.features).unwrap_or_default()
}

fn subscription<'a>(it: &Told<'a>) -> Option<&'a str> {
    it.changed.decided_by.as_deref().filter(|it| it.starts_with("sub_"))
}

/// A statement of the operator's.
#[derive(Debug)]
pub struct OwnSql {
    /// What it is called in messages.
    name: String,
    text: &'static str,
    parameters: Vec<&'static Parameter>,
}

impl OwnSql {
    /// Reads a statement; `name` is what it is called in messages.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`]: it is not one statement, or names what there is not.
    pub fn read(name: &str, sql: &str, dialect: Dialect) -> Result<Self, StoreError> {
        let wrong = |why: String| StoreError::Misconfigured(format!("{name}: {why}"));
        let numbered = number(sql, dialect).map_err(wrong)?;
        let known = |it: &String| {
            let parameter = PARAMETERS.iter().find(|(name, ..)| name == it);
            parameter.ok_or_else(|| wrong(format!("${it} is no parameter; {}", allowed())))
        };
        let parameters = numbered.names.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        // A handful, for as long as the process lives.
        let text = Box::leak(numbered.text.into_boxed_str());
        Ok(Self { name: name.to_owned(), text, parameters })
    }

    /// Returns what it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it wants to know what the app said of the user.
    pub fn names_user(&self) -> bool {
        self.parameters.iter().any(|(name, ..)| ["email", "name"].contains(name))
    }

    /// Has the database prepare it.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] with the database's own words, or the database is away.
    pub async fn check(&self, db: &Db) -> Result<(), StoreError> {
        let mut tx = db.begin().await?;
        let prepared = match &mut tx.inner {
            Inner::Sqlite(it) => (**it).prepare(self.text.into_sql_str()).await.map(drop),
            Inner::Direct(_) | Inner::Pipelined(_) => return Err(not_invited()),
            Inner::Postgres(it) => {
                let types: Vec<PgTypeInfo> =
                    self.parameters.iter().map(|(_, kind, _)| postgres_type(*kind)).collect();
                (**it).prepare_with(self.text.into_sql_str(), &types).await.map(drop)
            }
        };
        prepared.map_err(|error| match super::failure::classify(error) {
            StoreError::Rejected(error) => {
                let why = error.as_database_error().map_or(error.to_string(), ToString::to_string);
                StoreError::Misconfigured(format!("{}: {why}", self.name))
            }
            other => other,
        })
    }

    /// Executes it for one change.
    ///
    /// # Errors
    /// [`StoreError::Handler`].
    pub async fn run(&self, tx: &mut Tx<'_>, told: &Told<'_>) -> Result<(), StoreError> {
        tx.count();
        let values = self.parameters.iter().map(|(_, _, value)| value(told));
        let executed = match &mut tx.inner {
            Inner::Sqlite(it) => {
                let mut arguments = SqliteArguments::default();
                values.into_iter().try_for_each(|value| add(&mut arguments, value))?;
                sqlx::query_with(self.text, arguments).execute(&mut **it).await.map(drop)
            }
            Inner::Direct(_) | Inner::Pipelined(_) => return Err(not_invited()),
            Inner::Postgres(it) => {
                let mut arguments = PgArguments::default();
                values.into_iter().try_for_each(|value| add(&mut arguments, value))?;
                sqlx::query_with(self.text, arguments).execute(&mut **it).await.map(drop)
            }
        };
        executed.map_err(|error| of_handler(&self.name, &error, &personal(told)))
    }
}

fn allowed() -> String {
    let names: Vec<String> = PARAMETERS.iter().map(|(name, ..)| format!("${name}")).collect();
    format!("allowed is {}", names.join(", "))
}

/// What must not stand in a message, should the database quote it.
fn personal<'a>(told: &Told<'a>) -> Vec<&'a str> {
    let user = told.user.into_iter();
    user.flat_map(|it| [it.email.as_deref(), it.name.as_deref()]).flatten().collect()
}

fn postgres_type(kind: Type) -> PgTypeInfo {
    match kind {
        Type::Text => <String as sqlx::Type<Postgres>>::type_info(),
        Type::Int => <i64 as sqlx::Type<Postgres>>::type_info(),
        Type::Bool => <bool as sqlx::Type<Postgres>>::type_info(),
        Type::Bytes => <Vec<u8> as sqlx::Type<Postgres>>::type_info(),
    }
}
