//! Postgres without a wait after each statement. sqlx sends one and waits for its answer before the
//! next; a batch spent more time so than the database worked (decision 0014). Here what nobody
//! waits for goes out together with the next statement that somebody does wait for, or with the
//! commit. There is no sqlx connection in it, so no handler can be its guest.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::{FutureExt, TryStreamExt};
use sqlx::postgres::PgConnectOptions;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement as Prepared};

use super::StoreError;
use super::connect::{NoWire, Way, Wire};
use super::db::WAIT;
use super::failure::classify_pipelined;
use super::sql::{Column, Row, Statement, Texts, Value, columns};

/// Where the connection is kept between two sessions, with the statements that it has prepared.
#[derive(Clone)]
pub(super) struct Line {
    way: Option<Arc<Way>>,
    setup: &'static str,
    /// We are not let in this way, or are done.
    shut: Arc<AtomicBool>,
    kept: Arc<Mutex<Option<Wire>>>,
}

impl Line {
    /// Returns the place of a connection to a database, which is then set up by these statements.
    pub(super) fn new(url: &str, options: &PgConnectOptions, setup: &'static str) -> Self {
        let way = Way::new(url, options).map(Arc::new);
        Self { way, setup, shut: Arc::default(), kept: Arc::default() }
    }

    /// Returns the place of another connection: one belongs to the runtime that opened it.
    pub(super) fn another(&self) -> Self {
        Self { kept: Arc::default(), ..self.clone() }
    }

    /// Takes the connection out for one session, or opens one; `None` where there can be none, and
    /// sqlx may have more luck.
    pub(super) async fn take(&self) -> Option<Call> {
        let way = self.way.as_ref().filter(|_| !self.shut.load(Ordering::Relaxed))?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let wire = match kept {
            Some(it) if answers(&it.client).await => it,
            _ => match way.connect(self.setup).await {
                Ok(it) => it,
                Err(NoWire::Away) => return None,
                Err(NoWire::Refused(why)) => {
                    self.shut.store(true, Ordering::Relaxed);
                    tracing::info!(why, "Postgres is asked one statement after the other");
                    return None;
                }
            },
        };
        Some(Call { wire: Some(wire), open: false, line: self.clone() })
    }

    /// Closes the connections of this and all others like it, those that are out when they come home.
    pub(super) async fn close(&self) {
        self.shut.store(true, Ordering::Relaxed);
        self.hang_up().await;
    }

    /// Closes the connection that is kept.
    pub(super) async fn hang_up(&self) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(wire) = kept {
            wire.close().await;
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// Whoever was cut off silently is found out here, rather than by waiting for a batch's answer.
async fn answers(client: &Client) -> bool {
    let ping = tokio::time::timeout(WAIT, client.simple_query(""));
    !client.is_closed() && matches!(ping.await, Ok(Ok(_)))
}

/// The connection, for one transaction after the other; it goes home with the session's end.
pub(super) struct Call {
    wire: Option<Wire>,
    /// A transaction was begun and not ended.
    open: bool,
    line: Line,
}

impl Call {
    /// Begins a transaction, with its first statement.
    pub(super) fn begin(&mut self) -> Pipelined<'_> {
        Pipelined { call: self, waiting: Vec::new() }
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().expect("it goes home with the session's end")
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let stays = !self.open && !self.line.shut.load(Ordering::Relaxed);
        let wire = self.wire.take().filter(|_| stays);
        *self.line.kept.lock().unwrap_or_else(PoisonError::into_inner) = wire;
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// A transaction; dropped without [`Pipelined::commit`] it is rolled back.
#[derive(Debug)]
pub(super) struct Pipelined<'c> {
    call: &'c mut Call,
    waiting: Vec<Asked>,
}

/// A statement with its values.
struct Asked {
    prepared: Prepared,
    params: Vec<Param>,
    /// How many rows it has to touch.
    rows: Option<usize>,
}

type Param = Box<dyn ToSql + Sync + Send>;

impl Asked {
    /// Sends it, when polled for the first time, and waits for the number of its rows.
    async fn execute(self, client: &Client) -> Result<(), StoreError> {
        let done = client.execute_raw(&self.prepared, self.params).await;
        let done = usize::try_from(done.map_err(classify_pipelined)?).unwrap_or(usize::MAX);
        match self.rows.is_none_or(|it| it == done) {
            true => Ok(()),
            false => Err(StoreError::Conflict(None)),
        }
    }

    async fn fetch(self, client: &Client) -> Result<Vec<Row>, Error> {
        let rows = client.query_raw(&self.prepared, self.params).await?;
        rows.map_ok(Row::Pipelined).try_collect().await
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl Pipelined<'_> {
    /// Has a statement go out with the next one that is waited for. It has to touch so many `rows`,
    /// if that is said.
    ///
    /// # Errors
    /// As the database says of preparing it; what it says of the statement comes with the next.
    pub(super) async fn later(
        &mut self,
        texts: &Texts,
        statement: &Statement,
        values: Vec<Vec<Value>>,
        rows: Option<usize>,
    ) -> Result<(), StoreError> {
        let asked = self.ask(texts, statement, values).await?;
        self.waiting.push(Asked { rows, ..asked });
        Ok(())
    }

    /// Runs what waits, then a statement over a batch, and returns its rows.
    ///
    /// # Errors
    /// As the database says of the first that fails; [`StoreError::Conflict`] where one of those
    /// that waited touched another number of rows than it had to.
    pub(super) async fn run(
        &mut self,
        texts: &Texts,
        statement: &Statement,
        values: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        let asked = self.ask(texts, statement, values).await?;
        let before = self.before();
        let client = &self.call.wire().client;
        exchange(client, before, asked.fetch(client)).await
    }

    /// Runs what waits and makes everything durable.
    ///
    /// # Errors
    /// Nothing of it is kept.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if self.waiting.iter().any(|it| it.rows.is_some()) {
            let before = self.before();
            exchange(&self.call.wire().client, before, async { Ok(()) }).await?;
        }
        if self.call.open || !self.waiting.is_empty() {
            let before = self.before();
            let client = &self.call.wire().client;
            // After a statement that failed, Postgres makes a rollback of it.
            exchange(client, before, client.batch_execute("commit")).await?;
            self.call.open = false;
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        texts: &Texts,
        statement: &Statement,
        values: Vec<Vec<Value>>,
    ) -> Result<Asked, StoreError> {
        let Wire { client, prepared, .. } = self.call.wire();
        let known = prepared.get(statement.name).cloned();
        let prepared = match known {
            Some(it) => it,
            None => {
                let new = client.prepare(texts.postgres(statement)).await;
                let new = new.map_err(classify_pipelined)?;
                prepared.insert(statement.name, new.clone());
                new
            }
        };
        Ok(Asked { prepared, params: params(statement, values), rows: None })
    }

    /// What has to be sent first: whether a transaction has to be begun, and what waits.
    fn before(&mut self) -> (bool, Vec<Asked>) {
        let begins = !std::mem::replace(&mut self.call.open, true);
        (begins, std::mem::take(&mut self.waiting))
    }
}

impl Drop for Pipelined<'_> {
    fn drop(&mut self) {
        if std::mem::take(&mut self.call.open) {
            // It is sent, and nobody waits for the answer: whatever comes next comes after it.
            drop(self.call.wire().client.batch_execute("rollback").now_or_never());
        }
    }
}

/// Sends all in this order before the first is answered, and says what the last one came to.
async fn exchange<T>(
    client: &Client,
    (begins, waiting): (bool, Vec<Asked>),
    last: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    let begin = async {
        match begins {
            true => client.batch_execute("begin").await,
            false => Ok(()),
        }
    };
    let waiting = join_all(waiting.into_iter().map(|it| it.execute(client)));
    let (begun, done, last) = tokio::join!(biased; begin, waiting, last);
    begun.map_err(classify_pipelined)?;
    done.into_iter().collect::<Result<(), _>>()?;
    last.map_err(classify_pipelined)
}

/// One array a column of a batch, or one value a parameter.
fn params(statement: &Statement, values: Vec<Vec<Value>>) -> Vec<Param> {
    if statement.takes_rows() {
        let array = |it| -> Param {
            match it {
                Column::Text(it) => Box::new(it),
                Column::Int(it) => Box::new(it),
                Column::Bool(it) => Box::new(it),
                Column::Bytes(it) => Box::new(it),
            }
        };
        return columns(statement, values).into_iter().map(array).collect();
    }
    let value = |it| -> Param {
        match it {
            Value::Text(it) => Box::new(it),
            Value::Int(it) => Box::new(it),
            Value::Bool(it) => Box::new(it),
            Value::Bytes(it) => Box::new(it),
        }
    };
    values.into_iter().flatten().map(value).collect()
}
