//! Connections to both databases behind one door.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgColumn, PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{
    Column, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection, Statement as _,
    TypeInfo,
};

use super::StoreError;
use super::direct::Home;
use super::failure::classify;
use super::pipeline::Line;
use super::sql::{Row, Statement, Texts, Value};
use super::tx::{Inner, Kept, SQLITE_BEGIN, Session, Tx, run_postgres, run_sqlite};

/// How long to wait for a connection or for SQLite's write lock before saying "unavailable".
pub(super) const WAIT: Duration = Duration::from_secs(2);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// A connection that was used so short a time ago is not asked whether it is still there, which
/// would double what a read takes. No server goes and comes again meanwhile.
const FRESH: Duration = Duration::from_millis(100);
/// Every statement finds its few rows by an index, whatever the planner thinks of tables that it
/// first meets empty. Two nodes that wait for each other in a circle give up long before Postgres
/// finds out, and do it again.
const POSTGRES_SESSION: &str = "set enable_seqscan = off; set enable_bitmapscan = off; \
     set enable_hashjoin = off; set enable_mergejoin = off; \
     set plan_cache_mode = force_generic_plan; set jit = off; set lock_timeout = '200ms'";
const POSTGRES_FEW_ROWS: &str =
    "select count(*) < 100000 from (select 1 from object limit 100000) as few";
/// How many rows there are is all that the plans need to know: a small sample says it.
const POSTGRES_LOOK: &str = "set default_statistics_target = 10; analyze object; analyze access; \
     analyze app_user; analyze event; analyze outbox; analyze delivery";
/// What a row may hold: [`super::sql::Type`] as Postgres calls it.
const POSTGRES_TYPES: [&str; 4] = ["TEXT", "INT8", "BOOL", "BYTEA"];
pub(super) const STATEMENTS_CACHED: usize = 256;
/// Pages of SQLite's write-ahead log beyond which it begins anew: 16 MiB.
const WAL_PAGES: i64 = 4096;
/// How SQLite is set up: what was committed stays, also after a loss of power, and nobody has to
/// move the log into the database but [`Db::checkpoint`].
const PRAGMAS: [(&str, &str); 3] =
    [("synchronous", "full"), ("foreign_keys", "on"), ("wal_autocheckpoint", "0")];
const WRITER_PRAGMAS: [(&str, &str); 3] = [
    // Memory for 16 MB of the database; readers keep the default of 2 MiB.
    ("cache_size", "-16000"),
    // What is kept of the log's file when it begins anew. Writing where there already is a file
    // costs the file system much less than growing one.
    ("journal_size_limit", "67108864"),
    // What a statement would need to be undone alone would else go through a temporary file.
    ("temp_store", "memory"),
];

/// A database; cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Db {
    backend: Backend,
    texts: Arc<Texts>,
    executed: Arc<AtomicU64>,
    /// What [`Self::for_writers`] opened; `None` once all is closed.
    of_writers: Arc<Mutex<Option<Vec<PgPool>>>>,
}

#[derive(Clone, Debug)]
enum Backend {
    /// One writer, with a second connection for whoever has its turn; N readers; and a connection
    /// that moves the log into the database.
    Sqlite { writer: SqlitePool, direct: Home, readers: SqlitePool, checkpointer: SqlitePool },
    /// Whoever comes, and a connection for the writer.
    Postgres { pool: PgPool, line: Line },
}

impl Db {
    /// Connects to `sqlite://path` or `postgres://…`. Connections are made when they are needed,
    /// so that a database that is away at the start may come later; SQLite's file is created.
    ///
    /// # Errors
    /// The URL is neither, or SQLite's file cannot be opened.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let backend = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => sqlite(url).await?,
            Some("postgres" | "postgresql") => postgres(url)?,
            _ => {
                let why = "DATABASE_URL must begin with sqlite:// or postgres://";
                return Err(StoreError::Misconfigured(why.to_owned()));
            }
        };
        let (texts, executed) = Default::default();
        Ok(Self { backend, texts, executed, of_writers: Arc::new(Mutex::new(Some(Vec::new()))) })
    }

    /// Whether connecting to a database would find it: SQLite's file is else made by it.
    ///
    /// # Errors
    /// The URL is none.
    pub fn is_there(url: &str) -> Result<bool, StoreError> {
        if !url.starts_with("sqlite:") {
            return Ok(true);
        }
        let options = SqliteConnectOptions::from_str(url).map_err(|it| misread(&it))?;
        Ok(url.contains(":memory:") || options.get_filename().exists())
    }

    /// Returns the same database for the writer, which runs apart: a connection to Postgres belongs
    /// to those who opened it. It is one, so that its plans are known to be of now.
    pub(crate) fn for_writers(&self) -> Self {
        let backend = match &self.backend {
            Backend::Sqlite { .. } => self.backend.clone(),
            Backend::Postgres { pool, line } => {
                let own = postgres_pool(PgConnectOptions::clone(&pool.connect_options()), 1);
                match &mut *self.of_writers.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(opened) => opened.push(own.clone()),
                    // It is closed from the call on, whether or not anybody waits for it.
                    None => drop(own.close()),
                }
                Backend::Postgres { pool: own, line: line.another() }
            }
        };
        Self { backend, ..self.clone() }
    }

    /// Closes what the writers used. On SQLite that is one connection, which is waited for: on its
    /// way back to the pool it would end with the writers' thread, and nobody could tell when.
    pub(crate) async fn end_writing(&self) {
        match &self.backend {
            Backend::Sqlite { writer, direct, .. } => {
                direct.clear();
                if let Ok(connection) = writer.acquire().await {
                    // Closed is closed; an error would say that the last checkpoint failed.
                    drop(connection.close().await);
                }
            }
            Backend::Postgres { pool, line } => {
                line.hang_up().await;
                pool.close().await;
            }
        }
    }

    /// Whether this is Postgres, where several nodes may write at once.
    pub fn is_postgres(&self) -> bool {
        matches!(self.backend, Backend::Postgres { .. })
    }

    /// Begins a transaction that writes; on SQLite it holds the write lock from here on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn begin(&self) -> Result<Tx<'static>, StoreError> {
        let inner = match &self.backend {
            Backend::Sqlite { writer, .. } => {
                Inner::Sqlite(writer.begin_with(SQLITE_BEGIN).await.map_err(classify)?)
            }
            Backend::Postgres { pool, .. } => {
                Inner::Postgres(pool.begin().await.map_err(classify)?)
            }
        };
        Ok(Tx { inner, texts: Arc::clone(&self.texts), executed: Arc::clone(&self.executed) })
    }

    /// Takes a connection for one transaction after the other; on SQLite it blocks the thread, if
    /// there are no guests to be admitted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn session(&self, guests: bool) -> Result<Session, StoreError> {
        let connection = match &self.backend {
            Backend::Sqlite { writer, direct, .. } => {
                let turn = writer.acquire().await.map_err(classify)?;
                match !guests && direct.is_open() {
                    true => Kept::Direct(direct.take(turn)?),
                    false => Kept::Sqlite(turn),
                }
            }
            Backend::Postgres { pool, line } => {
                match if guests { None } else { line.take().await } {
                    Some(call) => Kept::Pipelined(call),
                    None => Kept::Postgres(pool.acquire().await.map_err(classify)?),
                }
            }
        };
        let (texts, executed) = (Arc::clone(&self.texts), Arc::clone(&self.executed));
        Ok(Session { connection, texts, executed })
    }

    /// Reads outside of a transaction.
    ///
    /// # Errors
    /// As the database says.
    pub async fn fetch(
        &self,
        statement: &Statement,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.fetch_rows(statement, vec![params]).await
    }

    /// Reads outside of a transaction with a batch.
    ///
    /// # Errors
    /// As the database says.
    pub async fn fetch_rows(
        &self,
        statement: &Statement,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        self.executed.fetch_add(1, Ordering::Relaxed);
        match &self.backend {
            Backend::Sqlite { readers, .. } => {
                run_sqlite(readers, &self.texts, statement, rows).await
            }
            Backend::Postgres { pool, .. } => {
                run_postgres(pool, &self.texts, statement, rows).await
            }
        }
    }

    /// Prepares a statement without running it: it parses, its names and types exist, and what it
    /// returns is of the types that every driver reads.
    ///
    /// # Errors
    /// As the database says; [`StoreError::Misconfigured`] where a column is of another type.
    pub async fn prepare(&self, statement: &Statement) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite { writer, .. } => {
                let (text, _) = self.texts.sqlite(statement, 4);
                let mut connection = writer.acquire().await.map_err(classify)?;
                let text = sqlx::SqlSafeStr::into_sql_str(text);
                connection.prepare(text).await.map(drop).map_err(classify)
            }
            Backend::Postgres { pool, .. } => {
                let text = sqlx::SqlSafeStr::into_sql_str(self.texts.postgres(statement));
                let mut connection = pool.acquire().await.map_err(classify)?;
                let prepared = connection.prepare(text).await.map_err(classify)?;
                let read = |it: &&PgColumn| POSTGRES_TYPES.contains(&it.type_info().name());
                match prepared.columns().iter().find(|it| !read(it)) {
                    None => Ok(()),
                    Some(it) => Err(StoreError::Misconfigured(format!("{it:?}"))),
                }
            }
        }
    }

    /// Runs the text of a migration, in a transaction of its own.
    pub(super) async fn migrate(
        &self,
        migrations: Vec<sqlx::migrate::Migration>,
    ) -> Result<(), StoreError> {
        let mut migrator = sqlx::migrate::Migrator::with_migrations(migrations);
        migrator.dangerous_set_table_name("schema_version");
        let done = match &self.backend {
            Backend::Sqlite { writer, .. } => migrator.run(writer).await,
            // Nodes that start together wait for each other; a pooler in transaction mode
            // cannot hold the session lock, and gets its migrations from `tollgate migrate`.
            Backend::Postgres { pool, .. } => migrator.run(pool).await,
        };
        done.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => classify(error),
            other => StoreError::Misconfigured(format!("migrate the database: {other}")),
        })
    }

    /// Moves SQLite's write-ahead log into its database, so that no commit has to; on Postgres there
    /// is nothing to do. Call it from time to time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let Backend::Sqlite { writer, checkpointer, .. } = &self.backend else { return Ok(()) };
        // The writer goes on meanwhile.
        if move_pages(checkpointer).await? > WAL_PAGES {
            // What came during the first, so that little is left to wait for.
            move_pages(checkpointer).await?;
            // The next commit begins the log anew where all of it was moved, so the last bit is moved
            // while nobody writes: in a turn of its own. Who reads in the log is not waited for, as
            // nobody could write meanwhile; it then goes on growing until they are done.
            let _turn = writer.acquire().await.map_err(classify)?;
            move_pages(checkpointer).await?;
        }
        Ok(())
    }

    /// Has Postgres look at its tables while they are small and grow: its own look comes a minute
    /// late, and until then a plan that was right for a hundred rows reads ten thousand. It has a
    /// connection of its own, so that no batch waits.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn look_at_tables(&self) -> Result<(), StoreError> {
        let Backend::Postgres { pool, .. } = &self.backend else { return Ok(()) };
        let own = PgConnection::connect_with(&pool.connect_options()).await;
        let mut own = own.map_err(classify)?;
        let few = sqlx::query_scalar::<_, bool>(POSTGRES_FEW_ROWS).fetch_one(&mut own).await;
        if few.map_err(classify)? {
            own.execute(POSTGRES_LOOK).await.map_err(classify)?;
        }
        own.close().await.map_err(classify)
    }

    /// Closes all connections; SQLite leaves a single file.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { writer, direct, readers, checkpointer } => {
                direct.clear();
                readers.close().await;
                checkpointer.close().await;
                writer.close().await;
            }
            Backend::Postgres { pool, line } => {
                line.close().await;
                let opened = self.of_writers.lock().unwrap_or_else(PoisonError::into_inner).take();
                for own in opened.unwrap_or_default() {
                    own.close().await;
                }
                pool.close().await;
            }
        }
    }

    /// Returns how many statements were run, for the test that counts them.
    pub fn executed(&self) -> u64 {
        self.executed.load(Ordering::Relaxed)
    }
}

/// Moves what it can without waiting, and returns how many pages the log has.
async fn move_pages(checkpointer: &SqlitePool) -> Result<i64, StoreError> {
    let passive = sqlx::query_as("pragma wal_checkpoint(passive)").fetch_one(checkpointer);
    let (_busy, pages, _moved): (i64, i64, i64) = passive.await.map_err(classify)?;
    Ok(pages)
}

fn misread(error: &sqlx::Error) -> StoreError {
    StoreError::Misconfigured(format!("read DATABASE_URL: {error}"))
}

async fn sqlite(url: &str) -> Result<Backend, StoreError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|it| misread(&it))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(WAIT)
        .statement_cache_capacity(STATEMENTS_CACHED)
        .disable_statement_logging();
    let options = PRAGMAS.into_iter().fold(options, |it, (name, value)| it.pragma(name, value));
    let pool = |max: u32, options: SqliteConnectOptions| {
        let pool = SqlitePoolOptions::new().max_connections(max).acquire_timeout(WAIT);
        pool.idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|it, _| Box::pin(is_usable(it)))
            .connect_lazy_with(options)
    };
    let direct = [PRAGMAS, WRITER_PRAGMAS].concat();
    let direct = Home::new(url, options.get_filename(), &direct);
    let writer = options.clone().row_buffer_size(1024);
    let writer =
        WRITER_PRAGMAS.into_iter().fold(writer, |it, (name, value)| it.pragma(name, value));
    let writer = pool(1, writer);
    // The file and its mode exist before anybody opens it to read.
    drop(writer.acquire().await.map_err(classify)?);
    Ok(Backend::Sqlite {
        readers: pool(SQLITE_READERS, options.clone().pragma("query_only", "on")),
        checkpointer: pool(1, options),
        direct,
        writer,
    })
}

/// SQLite ends a transaction by itself where a write fails; the driver does not notice, and every
/// later transaction on that connection would be refused as nested. Such a one is closed.
async fn is_usable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // The rollback of a dropped transaction may still be on its way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn postgres(url: &str) -> Result<Backend, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|it| misread(&it))?
        .application_name("tollgate")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .disable_statement_logging();
    let line = Line::new(url, &options, POSTGRES_SESSION);
    Ok(Backend::Postgres { pool: postgres_pool(options, POSTGRES_CONNECTIONS), line })
}

fn postgres_pool(options: PgConnectOptions, max: u32) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(max).acquire_timeout(WAIT);
    let pool = pool.test_before_acquire(false).before_acquire(|connection, meta| {
        Box::pin(async move { Ok(meta.idle_for < FRESH || connection.ping().await.is_ok()) })
    });
    let pool = pool.after_connect(|connection, _| {
        Box::pin(async move { connection.execute(POSTGRES_SESSION).await.map(drop) })
    });
    pool.connect_lazy_with(options)
}
