//! The world behind its lock: every change passes here, at the present time, and into the journal.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Notify, watch};
use tollgate_stripe::form;

use super::journal::{Beginning, Did, Journal, JournalError};
use super::{Options, clock};
use crate::delivery::Post;
use crate::world::{Answer, Method, Request, World};

/// How often the main clock follows real time.
const TICK: Duration = Duration::from_millis(500);

/// The world, its clock and its file.
#[derive(Debug)]
pub(super) struct Keeper {
    inner: Mutex<Inner>,
    /// Told after each change: there may be something to deliver.
    pub(super) changed: Notify,
}

#[derive(Debug)]
struct Inner {
    world: World,
    /// The main clock less real time, in seconds; others read it without the lock.
    ahead: Arc<AtomicI64>,
    journal: Option<Journal>,
}

impl Keeper {
    pub(super) fn open(options: Options, address: SocketAddr) -> Result<Self, JournalError> {
        let mut settings = options.settings;
        if settings.public_url.is_empty() {
            settings.public_url = format!("http://{address}");
        }
        let public_url = settings.public_url.clone();
        let now = options.now.unwrap_or_else(clock::now);
        let beginning = Beginning::new(options.seed, now, settings);
        let (journal, world) = match &options.file {
            None => (None, beginning.world()),
            Some(path) => {
                let (journal, world) = Journal::open(path, &beginning)?;
                (Some(journal), world)
            }
        };
        let ahead = match options.now {
            None => (world.now() - clock::now()).max(0),
            Some(_) => world.now() - clock::now(),
        };
        let ahead = Arc::new(AtomicI64::new(ahead));
        let moved = world.settings.public_url != public_url;
        let inner = Mutex::new(Inner { world, ahead, journal });
        let keeper = Self { inner, changed: Notify::new() };
        if moved {
            // The file was written at another address, where its pages are no more.
            let form = form::encode(&json!({ "public_url": public_url }));
            keeper.call(&Request::new(Method::Post, "/_sandbox/settings", form))?;
        }
        Ok(keeper)
    }

    /// Returns by how many seconds the main clock is ahead of real time, kept up to date.
    pub(super) fn ahead(&self) -> Arc<AtomicI64> {
        self.lock().ahead.clone()
    }

    /// Answers a call.
    pub(super) fn call(&self, request: &Request) -> Result<Answer, JournalError> {
        let mut inner = self.lock();
        inner.follow();
        if request.method != Method::Get || inner.world.refuses_calls() {
            inner.note(|| Did::Call(Box::new(request.clone())))?;
        }
        let mut answer = inner.world.call(request);
        // Whoever compares answers with events has one clock for both.
        answer.headers.push(("Date", clock::http_date(inner.world.now())));
        // A call may have moved the clock; real time goes on from there.
        inner.ahead.fetch_max(inner.world.now() - clock::now(), Ordering::AcqRel);
        drop(inner);
        self.changed.notify_waiters();
        Ok(answer)
    }

    /// Takes the deliveries that are due.
    pub(super) fn take_due(&self, limit: usize) -> Vec<Post> {
        let mut inner = self.lock();
        inner.follow();
        inner.world.take_due(limit)
    }

    /// Notes how a delivery ended.
    pub(super) fn answered(&self, attempt: u64, status: Option<u16>) -> Result<(), JournalError> {
        let mut inner = self.lock();
        inner.note(|| Did::Answered { attempt, status })?;
        inner.world.answered(attempt, status);
        Ok(())
    }

    /// Opens a listener's socket, and returns the number of the opening.
    pub(super) fn listener_opened(&self, websocket: &str) -> Result<Option<u64>, JournalError> {
        let mut inner = self.lock();
        inner.note(|| Did::Opened { websocket: websocket.to_owned() })?;
        Ok(inner.world.listener_opened(websocket))
    }

    /// Returns what an opened socket was not sent yet, signed now.
    pub(super) fn listener_messages(&self, websocket: &str, opening: u64) -> Option<Vec<String>> {
        self.lock().world.listener_messages(websocket, opening, clock::now())
    }

    /// Notes that a socket closed.
    pub(super) fn listener_closed(
        &self,
        websocket: &str,
        opening: u64,
    ) -> Result<(), JournalError> {
        let mut inner = self.lock();
        inner.note(|| Did::Closed { websocket: websocket.to_owned(), opening })?;
        inner.world.listener_closed(websocket, opening);
        Ok(())
    }

    pub(super) fn listener_said(&self, websocket: &str, message: &str) -> Result<(), JournalError> {
        let mut inner = self.lock();
        inner
            .note(|| Did::Heard { websocket: websocket.to_owned(), message: message.to_owned() })?;
        inner.world.listener_said(websocket, message);
        Ok(())
    }

    /// A call that panicked leaves a world that still answers; the panic itself is reported.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Moves the main clock to the present.
    fn follow(&mut self) {
        let now = clock::now() + self.ahead.load(Ordering::Acquire);
        self.world.advance(now);
    }

    fn note(&mut self, did: impl FnOnce() -> Did) -> Result<(), JournalError> {
        match &mut self.journal {
            Some(journal) => journal.note(self.world.now(), did()),
            None => Ok(()),
        }
    }
}

/// Lets real time pass in the world until the sandbox stops.
pub(super) async fn tick(keeper: Arc<Keeper>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        keeper.lock().follow();
        keeper.changed.notify_waiters();
    }
}
