//! A fresh database for every test, SQLite and Postgres. Postgres comes from the cluster that
//! `TOLLGATE_TEST_POSTGRES` names; without it these tests fail, they are never skipped.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqliteConnection};
use tollgate::reconcile::rebuild;
use tollgate::rules::policy::Rulebook;
use tollgate::store::{Db, schema};

/// So often Postgres is asked whether somebody waits.
const TURNS_MAX: u32 = 20_000;

/// A database of its own with all tables.
pub struct Fresh {
    pub db: Db,
    url: String,
    /// The cluster of a Postgres database.
    admin: Option<String>,
    /// Where SQLite's file lies, until the test ends.
    dir: Option<Arc<tempfile::TempDir>>,
}

impl Fresh {
    async fn new(url: String, dir: Option<tempfile::TempDir>) -> Self {
        let db = Db::connect(&url).await.expect("the database opens");
        schema::migrate(&db).await.expect("the tables are made");
        Self { db, url, admin: None, dir: dir.map(Arc::new) }
    }

    /// Returns where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes another one on SQLite, whatever this one is.
    pub async fn scratch() -> Self {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let url = format!("sqlite://{}", dir.path().join("tollgate.db").display());
        Self::new(url, Some(dir)).await
    }

    /// Makes another one of the same kind, to be given to [`Fresh::gone`] when it is done with.
    pub async fn another(&self) -> Self {
        match &self.admin {
            Some(admin) => Self::postgres(admin).await,
            None => Self::scratch().await,
        }
    }

    /// Removes the database.
    pub async fn gone(self) {
        self.db.close().await;
        if let Some(admin) = &self.admin {
            drop_database(admin, &self.url).await;
        }
    }

    /// Returns the database over connections of their own, which may be closed.
    pub async fn separate(&self) -> Db {
        Db::connect(&self.url).await.expect("the database opens")
    }

    /// Runs SQL behind the store's back.
    pub async fn meddle(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        match self.db.is_postgres() {
            true => {
                let mut connection = PgConnection::connect(&self.url).await.expect("it opens");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("Postgres does it");
            }
            false => {
                let mut connection = SqliteConnection::connect(&self.url).await.expect("it opens");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("SQLite does it");
            }
        }
    }

    /// Asks for a number behind the store's back.
    pub async fn ask(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        match self.db.is_postgres() {
            true => {
                let mut connection = PgConnection::connect(&self.url).await.expect("it opens");
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("Postgres answers")
            }
            false => {
                let mut connection = SqliteConnection::connect(&self.url).await.expect("it opens");
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("SQLite answers")
            }
        }
    }

    /// Returns once a transaction waits for a lock of another; on SQLite, where the only writer is
    /// waited for, at once.
    pub async fn until_somebody_waits(&self) {
        if !self.db.is_postgres() {
            return;
        }
        let mut connection = PgConnection::connect(&self.url).await.expect("it opens");
        let text = "select count(*) from pg_locks where not granted and pid <> pg_backend_pid()
             and database = (select oid from pg_database where datname = current_database())";
        for _ in 0..TURNS_MAX {
            let waiting: i64 =
                sqlx::query_scalar(text).fetch_one(&mut connection).await.expect("it answers");
            if waiting > 0 {
                return;
            }
        }
        panic!("nobody waits");
    }

    async fn postgres(admin: &str) -> Self {
        let name = name();
        // A run that was killed may have left one of this name.
        command(admin, format!("drop database if exists {name} with (force)")).await;
        command(admin, format!("create database {name} template template0")).await;
        Self { admin: Some(admin.to_owned()), ..Self::new(sibling(admin, &name), None).await }
    }

    /// Returns the database as another node sees it: over connections of its own on Postgres.
    /// SQLite has one writer, which its nodes share.
    pub async fn node(&self) -> Db {
        match self.db.is_postgres() {
            true => self.separate().await,
            false => self.db.clone(),
        }
    }
}

/// How the state of a test can be derived anew from its events: by which rules, and when in Unix
/// milliseconds.
pub type Anew = Option<(Rulebook, i64)>;

/// Fails where the events that are stored do not give the state that is held, whatever was done
/// to the database meanwhile.
async fn derive_anew(url: &str, anew: Anew) {
    let Some((rulebook, now_ms)) = anew else { return };
    let db = Db::connect(url).await.expect("the database opens");
    let folder = tempfile::tempdir().expect("a directory can be made");
    let scratch = folder.path().join("scratch.db");
    let report = rebuild::run(&db, &rulebook, &scratch, now_ms, None, |_| ()).await;
    db.close().await;
    assert_eq!(report.expect("it can be derived").drift, [], "what the events say differs");
}

/// Runs a test on a fresh SQLite database.
pub fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Fresh) -> F) {
    on_sqlite_and(None, test);
}

/// Runs a test on a fresh SQLite database and derives anew what it ends in.
pub fn on_sqlite_and<F: Future<Output = ()>>(anew: Anew, test: impl FnOnce(Fresh) -> F) {
    runtime().block_on(async {
        let fresh = Fresh::scratch().await;
        let (url, kept) = (fresh.url.clone(), fresh.dir.clone());
        test(fresh).await;
        derive_anew(&url, anew).await;
        drop(kept);
    });
}

/// Runs a test on a fresh Postgres database, which is dropped afterwards.
pub fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Fresh) -> F) {
    on_postgres_and(None, test);
}

/// Runs a test on a fresh Postgres database and derives anew what it ends in.
pub fn on_postgres_and<F: Future<Output = ()>>(anew: Anew, test: impl FnOnce(Fresh) -> F) {
    let admin = admin_url();
    runtime().block_on(async {
        let fresh = Fresh::postgres(&admin).await;
        let url = fresh.url.clone();
        let whole = async {
            test(fresh).await;
            derive_anew(&url, anew).await;
        };
        let result = AssertUnwindSafe(whole).catch_unwind().await;
        drop_database(&admin, &url).await;
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Runs one test on both databases, each as a test of its own. With a rulebook and a time, the
/// state that each ends in must be what its events give when it is derived anew.
macro_rules! on_both_databases {
    (
        $((derived anew by $book:expr, at $now_ms:expr))?
        $($(#[$note:meta])* $name:ident;)+
    ) => {
        fn anew() -> crate::databases::Anew {
            None$(.or(Some(($book, $now_ms))))?
        }
    $(
        mod $name {
            $(#[$note])*
            #[test]
            fn sqlite() {
                crate::databases::on_sqlite_and(super::anew(), super::$name);
            }

            $(#[$note])*
            #[test]
            fn postgres() {
                crate::databases::on_postgres_and(super::anew(), super::$name);
            }
        }
    )+};
}
pub(crate) use on_both_databases;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("threads can be started")
}

#[expect(clippy::disallowed_methods, reason = "the tests have no configuration of their own")]
fn admin_url() -> String {
    std::env::var("TOLLGATE_TEST_POSTGRES")
        .expect("TOLLGATE_TEST_POSTGRES names a Postgres cluster: see ./test or tools/postgres.sh")
}

fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the URL of another database of the same cluster.
fn sibling(admin: &str, name: &str) -> String {
    let (base, parameters) = admin.split_once('?').unwrap_or((admin, ""));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{server}/{name}{mark}{parameters}")
}

async fn drop_database(admin: &str, url: &str) {
    let name = url.rsplit('/').next().and_then(|it| it.split('?').next()).unwrap_or_default();
    command(admin, format!("drop database if exists {name} with (force)")).await;
}

async fn command(admin: &str, sql: String) {
    let mut connection = PgConnection::connect(admin).await.expect("the cluster answers");
    let sql = AssertSqlSafe(sql).into_sql_str();
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("the cluster does it");
    connection.close().await.expect("the connection closes");
}
