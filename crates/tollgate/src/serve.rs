//! The server: it listens, migrates the database, keeps what needs no caller going, and stops
//! without losing what it accepted. A database that is away never ends it: it answers 503 until
//! the database is back.

mod connections;
mod embedded;
mod pulse;
mod shares;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::config::Config;
use crate::deliver::Worker;
use crate::deliver::destinations::{self, Destination, DestinationError};
use crate::handlers::Handlers;
use crate::http::App;
use crate::http::pages::{TemplateError, Templates};
use crate::receive::alarms::Alarms;
use crate::receive::anew::Anew;
use crate::receive::retry::{StepError, due_step, step};
use crate::receive::{self, Writers};
use crate::store::{self, Db, StoreError};

pub use embedded::{Builder, Tollgate};

/// How often failed events, access that time changes and what is to be warned of are looked at.
const STEP_EVERY: Duration = Duration::from_millis(500);
/// How often SQLite's log is moved into its database.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(200);
/// How often addresses that have been quiet are forgotten.
const PURGE_EVERY: Duration = Duration::from_secs(10);
/// How often a database that is away is tried.
const CONNECT_EVERY: Duration = Duration::from_millis(500);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database's URL is wrong, its file cannot be opened, or a newer version wrote it.
    #[error("open the database: {}", .0.detail())]
    Database(StoreError),
    /// Somebody cannot be told with what is configured.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// A statement of `[[on_access_change]]` is not one for this database.
    #[error("read [[on_access_change]]")]
    Handlers(#[source] StoreError),
    /// A page of the operator's own is wrong.
    #[error("read the pages: {0}")]
    Pages(#[source] TemplateError),
    /// Stripe's key is of the other mode than the database.
    #[error("STRIPE_SECRET_KEY is for {key} mode, but the database is for {database} mode")]
    Mode {
        /// The key's mode.
        key: &'static str,
        /// The database's mode.
        database: &'static str,
    },
}

/// Serves until `until` is done, then stops gracefully.
///
/// # Errors
/// The server could not start.
pub async fn serve(
    config: &Config,
    clock: &Clock,
    until: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    Tollgate::builder(config).clock(clock).serve(until).await
}

/// A server that runs. It must be stopped, or what it still holds ends with the process.
pub struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    background: Background,
}

impl Server {
    /// Starts listening, for an app without handlers of its own; else see [`Builder::serve`].
    ///
    /// # Errors
    /// As [`Builder::serve`].
    pub async fn start(config: &Config, clock: &Clock) -> Result<Self, ServeError> {
        Self::start_with(config, clock, Handlers::default()).await
    }

    /// Starts listening; returns once requests are answered. Where the database is away, they are
    /// answered with 503 until it is back.
    async fn start_with(
        config: &Config,
        clock: &Clock,
        handlers: Handlers,
    ) -> Result<Self, ServeError> {
        let listen = config.server.listen;
        let fail = |source| ServeError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let mut background = Background::open(&config.at(address), clock, handlers).await?;
        let (app, closing) = (Arc::clone(&background.app), background.closing.subscribe());
        let serving = connections::accept(listener, app, config.server.clone(), closing);
        let accepting = tokio::spawn(serving);
        background.start();
        Ok(Self { address, accepting, background })
    }

    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: takes no new connection, lets requests finish, then writes what is still waiting.
    /// Everything that was answered with 200 was durable before.
    pub async fn stop(self) {
        self.background.closing.send_replace(true);
        // Whether it ended well or not, it has ended.
        drop(self.accepting.await);
        self.background.stop().await;
    }
}

/// What runs behind the routes, whoever serves them.
struct Background {
    closing: watch::Sender<bool>,
    chores: JoinSet<()>,
    workers: JoinSet<()>,
    /// Until the chores are started.
    alarms: Option<Alarms>,
    /// Until their workers are started.
    destinations: Vec<Destination>,
    app: Arc<App>,
    writers: Writers,
    drain_timeout: Duration,
}

impl Background {
    /// Opens the database and the door; a database that is away is tried again, in the background.
    async fn open(
        config: &Config,
        clock: &Clock,
        mut handlers: Handlers,
    ) -> Result<Self, ServeError> {
        // An app that has chosen one already keeps it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let templates = Templates::load(config.pages.templates.as_deref());
        let templates = templates.map_err(ServeError::Pages)?;
        let db = Db::connect(config.database_url.reveal()).await.map_err(ServeError::Database)?;
        handlers.set_limit(config.handler_timeout);
        let added = handlers.on_access_change(&config.on_access_change, &db);
        added.map_err(ServeError::Handlers)?;
        let rulebook = Arc::new(destinations::rulebook(config));
        let (receiver, writers) = receive::open_with(&db, &rulebook, Arc::new(handlers), clock);
        let (closing, is_closing) = watch::channel(false);
        let app = Arc::new(App::new(config, templates, db, receiver, clock.clone(), is_closing));
        let mut it = Self {
            closing,
            chores: JoinSet::new(),
            workers: JoinSet::new(),
            alarms: Some(Alarms::new(config.silence, clock.now())),
            destinations: destinations::all(config, app.billing.as_ref(), app.mailbox.as_ref())?,
            app,
            writers,
            drain_timeout: config.server.drain_timeout,
        };
        match prepare(&it.app, config.livemode()).await {
            Ok(()) => {}
            Err(error) if is_away(&error) => {
                tracing::warn!("The database is away; answering 503 until it is back");
                it.chores.spawn(prepare_later(Arc::clone(&it.app), config.livemode()));
            }
            Err(error) => {
                it.stop().await;
                return Err(error);
            }
        }
        Ok(it)
    }

    fn start(&mut self) {
        self.start_chores();
        self.start_workers();
    }

    fn start_chores(&mut self) {
        if let Some(alarms) = self.alarms.take() {
            self.chores.spawn(steps(Arc::clone(&self.app), alarms));
        }
        self.chores.spawn(follow_rulebook(Arc::clone(&self.app)));
        self.chores.spawn(checkpoints(self.app.db.clone()));
        self.chores.spawn(purges(Arc::clone(&self.app)));
        self.chores.spawn(count_changes(Arc::clone(&self.app)));
        self.chores.spawn(check_prices(Arc::clone(&self.app)));
    }

    fn start_workers(&mut self) {
        let app = &self.app;
        for it in self.destinations.drain(..) {
            let worker = Worker::new(it, &app.db, &app.clock).counting_by(&app.rulebook);
            self.workers.spawn(worker.run(app.receiver.told(), self.closing.subscribe()));
        }
    }

    /// Stops what runs and writes what is still waiting.
    async fn stop(mut self) {
        self.closing.send_replace(true);
        self.chores.shutdown().await;
        // What is being told is settled; else it would be told once more.
        let finished = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(self.drain_timeout, finished).await.is_err() {
            tracing::warn!("Some deliveries did not finish in time; they will be made again");
        }
        self.workers.shutdown().await;
        let db = self.app.db.clone();
        drop(self.app);
        if tokio::time::timeout(self.drain_timeout, self.writers.finish()).await.is_err() {
            tracing::warn!("The writers did not finish in time");
        }
        if let Err(error) = db.checkpoint().await {
            tracing::warn!(error = %error, "The last checkpoint failed; the next start catches up");
        }
        db.close().await;
    }
}

/// Whether waiting may help.
fn is_away(error: &ServeError) -> bool {
    let (ServeError::Database(error) | ServeError::Handlers(error)) = error else { return false };
    matches!(error, StoreError::Unavailable(_) | StoreError::Conflict(_))
}

/// Brings the tables to this version and checks the mode.
async fn prepare(app: &App, key: Option<bool>) -> Result<(), ServeError> {
    store::schema::migrate(&app.db).await.map_err(ServeError::Database)?;
    app.receiver.handlers().check(&app.db).await.map_err(ServeError::Handlers)?;
    if let Some(key) = key {
        let database = app.livemode(key).await.map_err(ServeError::Database)?;
        if database != key {
            return Err(ServeError::Mode { key: mode(key), database: mode(database) });
        }
    }
    app.set_ready();
    Ok(())
}

fn mode(live: bool) -> &'static str {
    if live { "live" } else { "test" }
}

async fn prepare_later(app: Arc<App>, key: Option<bool>) {
    let mut said = String::new();
    loop {
        tokio::time::sleep(CONNECT_EVERY).await;
        match prepare(&app, key).await {
            Ok(()) => return tracing::info!("The database is back"),
            Err(error) if is_away(&error) => {}
            // Nothing but an operator can help; until then everything is answered with 503.
            Err(error) => {
                let text = match &error {
                    ServeError::Handlers(why) => format!("{error}: {why}"),
                    _ => error.to_string(),
                };
                if text != said {
                    tracing::error!(error = %text, "The database is not one for this server");
                    said = text;
                }
            }
        }
    }
}

async fn steps(app: Arc<App>, mut alarms: Alarms) {
    let mut failing = false;
    loop {
        tokio::time::sleep(STEP_EVERY).await;
        match look(&app, &mut alarms).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(error = %error, "Could not look for what is due; trying on");
            }
            Err(_) => {}
        }
    }
}

/// Does all that is due now.
async fn look(app: &App, alarms: &mut Alarms) -> Result<(), StepError> {
    let now = app.clock.now();
    // What one of them cannot do keeps none of the others from what they can.
    let retried = step(&app.db, &app.receiver, now).await.map(drop);
    let changed = due_step(&app.db, &app.receiver, now).await.map(drop);
    let rung = alarms.step(&app.db, &app.receiver, now).await.map(drop);
    retried.and(changed).and(rung)
}

/// Has what users may use follow another `tollgate.toml`, or another version.
async fn follow_rulebook(app: Arc<App>) {
    let mut anew = Anew::new(&app.rulebook, app.clock.now());
    let mut failing = false;
    loop {
        if app.is_ready() {
            match anew.step(&app.db, &app.receiver).await {
                Ok(None) => continue,
                Ok(Some(users)) => {
                    return tracing::info!(users, "What users may use follows this configuration");
                }
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(error = %error, "Could not derive access anew; trying on");
                }
                Err(_) => {}
            }
        }
        tokio::time::sleep(STEP_EVERY).await;
    }
}

async fn checkpoints(db: Db) {
    loop {
        tokio::time::sleep(CHECKPOINT_EVERY).await;
        // The next one does what this one could not.
        drop(db.checkpoint().await);
    }
}

async fn purges(app: Arc<App>) {
    loop {
        tokio::time::sleep(PURGE_EVERY).await;
        app.limits.purge();
    }
}

async fn count_changes(app: Arc<App>) {
    let mut changes = app.receiver.changes();
    loop {
        match changes.recv().await {
            Ok(_) => app.metrics.access_changes.inc(),
            Err(RecvError::Lagged(missed)) => app.metrics.access_changes.inc_by(missed),
            Err(RecvError::Closed) => return,
        };
    }
}

/// A plan that cannot be bought is better known before somebody wants it.
async fn check_prices(app: Arc<App>) {
    let Some(billing) = &app.billing else { return };
    match billing.missing_prices().await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => {
            let prices = missing.join(", ");
            tracing::error!(prices, "Plans name prices that are not for sale at Stripe");
        }
        Err(error) => tracing::warn!(error = %error, "The plans' prices could not be checked"),
    }
}
