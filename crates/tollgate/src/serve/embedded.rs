//! Tollgate in the app's own process: the same server without a socket of its own, its routes to be
//! mounted, with handlers that run in the same transaction as what they are told of.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;

use super::{Background, ServeError, Server};
use crate::answer;
use crate::clock::Clock;
use crate::config::Config;
use crate::handlers::{Change, HandlerError, Handlers, Kind};
use crate::http::{self, App};
use crate::receive::{Input, Outcome, SubmitError};
use crate::reconcile::replay::{self, ReplayError};
use crate::store::access::StoredAccess;
use crate::store::user::AppUser;
use crate::store::{Db, StoreError, Tx};

/// Makes a [`Tollgate`].
pub struct Builder {
    config: Config,
    clock: Clock,
    handlers: Handlers,
}

impl Builder {
    /// Runs a function for each change of a kind, in the transaction that makes the change: what it
    /// does with [`Tx::sqlite`] or [`Tx::postgres`] is committed with it, or not at all. Where it
    /// fails, panics or takes too long, its event alone is kept as failed and tried again.
    ///
    /// It should be quick, and talk to nobody but the database: everybody else waits for it.
    #[must_use]
    pub fn on<F>(mut self, kind: impl Into<Kind>, handler: F) -> Self
    where
        F: AsyncFn(&Change, &mut Tx<'_>) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        self.handlers.on(kind, handler);
        self
    }

    /// Takes the time from another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// Opens the database and brings its tables to this version. Where it is away, everything is
    /// answered with 503 until it is back.
    ///
    /// # Errors
    /// The database is not one for us, or a statement of `[[on_access_change]]` is wrong.
    pub async fn build(self) -> Result<Tollgate, ServeError> {
        let background = Background::open(&self.config, &self.clock, self.handlers).await?;
        let app = Arc::clone(&background.app);
        Ok(Tollgate { app, background: Arc::new(Mutex::new(Some(background))) })
    }

    /// Listens on the configured address until `until` is done, then stops gracefully.
    ///
    /// # Errors
    /// The address cannot be listened on, or as [`Builder::build`].
    pub async fn serve(self, until: impl Future<Output = ()>) -> Result<(), ServeError> {
        let server = self.start().await?;
        tracing::info!(address = %server.address(), "Listening");
        until.await;
        tracing::info!("Stopping");
        server.stop().await;
        tracing::info!("Stopped");
        Ok(())
    }

    /// Starts listening on the configured address; returns once requests are answered.
    ///
    /// # Errors
    /// As [`Builder::serve`].
    pub async fn start(self) -> Result<Server, ServeError> {
        Server::start_with(&self.config, &self.clock, self.handlers).await
    }
}

/// Tollgate in the app's own process. Cloning shares it.
#[derive(Clone)]
pub struct Tollgate {
    app: Arc<App>,
    /// Until it runs.
    background: Arc<Mutex<Option<Background>>>,
}

impl Tollgate {
    /// Begins to put one together.
    pub fn builder(config: &Config) -> Builder {
        let handlers = Handlers::default();
        Builder { config: config.clone(), clock: Clock::system(), handlers }
    }

    /// Returns all routes, to be merged or nested into the app's router; what there is none for is
    /// the app's to answer. Below a path, `TOLLGATE_PUBLIC_URL` has that path, too. Serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, so that limits count by address.
    pub fn router(&self) -> Router {
        http::mounted(&self.app)
    }

    /// Keeps going what needs no caller, until `until` is done: failed events are tried again, and
    /// what time alone changes is changed, and whoever has to hear of something is told. Then writes
    /// what is still waiting and closes the database. `until` should end after the app's own server
    /// did. Only the first call does so.
    pub async fn run(self, until: impl Future<Output = ()>) {
        let taken = self.background.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(self);
        let Some(mut background) = taken else {
            return tracing::warn!("Tollgate runs already");
        };
        background.start();
        until.await;
        background.stop().await;
    }

    /// Returns what a user may use now. A user whom nobody knows has nothing.
    ///
    /// # Errors
    /// As the database says.
    pub async fn access(&self, user_id: &str) -> Result<StoredAccess, StoreError> {
        let app = &self.app;
        answer::access(&app.db, &app.rulebook, user_id, app.clock.now()).await
    }

    /// Names a user, as `PUT /users/{user_id}` does: who they are, and whose customer.
    ///
    /// # Errors
    /// A handler failed, the database is away, or too much is waiting; nothing was kept.
    pub async fn name(&self, user: AppUser) -> Result<(), SubmitError> {
        self.app.receiver.submit(Input::User(user)).await.map(drop)
    }

    /// Applies a stored event again, with the app's functions, which the command does not know;
    /// `None` where no such event is stored.
    ///
    /// # Errors
    /// The database is away, or too much is waiting.
    pub async fn replay(&self, event_id: &str) -> Result<Option<Outcome>, ReplayError> {
        replay::one(&self.app.db, &self.app.receiver, event_id).await
    }

    /// Returns the database, to be read with [`crate::store`].
    pub fn db(&self) -> &Db {
        &self.app.db
    }
}
