//! A database of its own for each test. Postgres comes from the cluster that
//! `TOLLGATE_TEST_POSTGRES` names; without it these tests fail, they are never skipped.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqliteConnection};

/// Runs what is asynchronous to its end.
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime can be made").block_on(future)
}

/// A database; it is gone when its test ends.
pub enum Database {
    /// A file in the test's directory.
    Sqlite { url: String },
    /// A database of the cluster `admin`.
    Postgres { admin: String, name: String, url: String },
    /// Wherever a URL leads; somebody else removes it.
    Elsewhere { url: String },
}

impl Database {
    /// A file in this directory.
    pub fn sqlite(directory: &Path) -> Self {
        Self::Sqlite { url: format!("sqlite://{}", directory.join("tollgate.db").display()) }
    }

    /// A fresh database of the cluster.
    pub fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("outside_{}_{count}", std::process::id());
        let admin = cluster();
        // A run that was killed may have left one of this name.
        sql(&admin, &format!("drop database if exists {name} with (force)"));
        sql(&admin, &format!("create database {name} template template0"));
        let (base, parameters) = admin.split_once('?').unwrap_or((&admin, ""));
        let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
        let mark = if parameters.is_empty() { "" } else { "?" };
        let url = format!("{server}/{name}{mark}{parameters}");
        Self::Postgres { admin, name, url }
    }

    /// Returns where it is.
    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite { url } | Self::Postgres { url, .. } | Self::Elsewhere { url } => url,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { admin, name, .. } = self {
            sql(admin, &format!("drop database if exists {name} with (force)"));
        }
    }
}

/// Asks for a number behind Tollgate's back.
pub fn ask(url: &str, text: &str) -> i64 {
    let text = AssertSqlSafe(text.to_owned()).into_sql_str();
    wait(async {
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await.expect("the file opens");
            sqlx::query_scalar(text).fetch_one(&mut connection).await.expect("SQLite answers")
        } else {
            let mut connection = PgConnection::connect(url).await.expect("the cluster answers");
            sqlx::query_scalar(text).fetch_one(&mut connection).await.expect("Postgres answers")
        }
    })
}

/// Asks Postgres for a text.
fn ask_text(url: &str, text: &str) -> String {
    let text = AssertSqlSafe(text.to_owned()).into_sql_str();
    wait(async {
        let mut connection = PgConnection::connect(url).await.expect("the cluster answers");
        let found = sqlx::query_scalar(text).fetch_one(&mut connection).await;
        // It has no file open once it is closed.
        connection.close().await.expect("the connection closes");
        found.expect("Postgres answers")
    })
}

/// A session of somebody else's that keeps a table of Postgres's for itself until it is dropped.
pub struct Lock {
    _session: PgConnection,
}

impl Lock {
    /// Waits for the table and takes it.
    pub fn of(url: &str, table: &str) -> Self {
        let text = format!("begin; lock table {table} in access exclusive mode");
        let text = AssertSqlSafe(text).into_sql_str();
        wait(async {
            let mut session = PgConnection::connect(url).await.expect("the cluster answers");
            sqlx::raw_sql(text).execute(&mut session).await.expect("the table can be locked");
            // Nothing is asked over it any more, so it needs no runtime; Postgres sees it end.
            Self { _session: session }
        })
    }
}

/// Runs SQL behind Tollgate's back.
pub fn sql(url: &str, text: &str) {
    let text = AssertSqlSafe(text.to_owned()).into_sql_str();
    wait(async {
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await.expect("the file opens");
            sqlx::raw_sql(text).execute(&mut connection).await.expect("SQLite does it");
            connection.close().await.expect("the connection closes");
        } else {
            let mut connection = PgConnection::connect(url).await.expect("the cluster answers");
            sqlx::raw_sql(text).execute(&mut connection).await.expect("Postgres does it");
            connection.close().await.expect("the connection closes");
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "the tests have no configuration of their own")]
fn cluster() -> String {
    std::env::var("TOLLGATE_TEST_POSTGRES")
        .expect("TOLLGATE_TEST_POSTGRES names a Postgres cluster: see ./test or tools/postgres.sh")
}

/// A cluster of its own, which a test may stop.
pub struct Cluster {
    directory: tempfile::TempDir,
    port: String,
}

impl Cluster {
    /// Reserves a port for a cluster that does not run yet.
    pub fn planned() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let port = postgres(&["free-port"]);
        Self { directory, port }
    }

    /// Makes and starts it.
    pub fn start(&self) {
        assert_eq!(postgres(&["start", &self.place(), &self.port, "--no-fsync"]), self.url());
    }

    /// Stops it as a failure would, and keeps its data.
    pub fn pause(&self) {
        postgres(&["pause", &self.place()]);
    }

    /// Stops it as its operator would, who does not wait for open connections.
    pub fn halt(&self) {
        postgres(&["halt", &self.place()]);
    }

    /// Starts it again.
    pub fn resume(&self) {
        postgres(&["resume", &self.place()]);
    }

    /// Lays a table that is still empty on a device that never has room.
    pub fn lay_on_full_disk(&self, table: &str) {
        let path = ask_text(&self.url(), &format!("select pg_relation_filepath('{table}')"));
        let file = Path::new(&self.place()).join("data").join(path);
        let length = std::fs::metadata(&file).expect("the table has a file").len();
        assert_eq!(length, 0, "{table} is not empty");
        std::fs::remove_file(&file).expect("the file can be removed");
        std::os::unix::fs::symlink("/dev/full", &file).expect("a link can be made");
    }

    /// Returns all that it has written to its log.
    pub fn log(&self) -> String {
        let path = Path::new(&self.place()).join("server.log");
        std::fs::read_to_string(path).expect("it writes a log")
    }

    /// Returns where it is, or will be.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn place(&self) -> String {
        self.directory.path().join("cluster").display().to_string()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        postgres(&["stop", &self.place()]);
    }
}

fn postgres(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/postgres.sh");
    let mut command = Command::new(script);
    command.args(arguments);
    crate::process::run(command, b"").code(0).out.trim().to_owned()
}
