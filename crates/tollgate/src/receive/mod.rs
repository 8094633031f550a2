//! The one door to the state. Everything that changes it — a webhook, a retry, a replay, the app
//! naming a user, time passing — enters here as an input, and all inputs that wait form the next
//! batch: one transaction, one commit, and only then does every one of them get its answer.
//!
//! There is no timer: what arrived while the last batch was committing is the next one.
//!
//! - this file: the queue, bounded, and the writer that empties it;
//! - [`batch`]: one transaction, from the events to the effects;
//! - [`mod@derive`]: from objects to access;
//! - [`ownership`]: whose an object is;
//! - [`handling`]: telling the app's own handlers, before the commit;
//! - [`retry`]: trying failed events again, and what time alone changes;
//! - [`anew`]: what another rulebook changes;
//! - [`alarms`]: what time alone makes known.

pub mod alarms;
pub mod anew;
mod batch;
mod derive;
pub(crate) mod handling;
mod ownership;
pub mod retry;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::handlers::Handlers;
use crate::rules::policy::Rulebook;
use crate::store::access::StoredAccess;
use crate::store::outbox::NewFact;
use crate::store::user::AppUser;
use crate::store::{Db, Session, StoreError, payload};
use crate::webhook::Incoming;

pub use batch::{Applied, apply, apply_and_commit, apply_in};
pub(crate) use derive::access_of;
pub(crate) use ownership::is_customer;

/// Inputs that may wait; one more is refused, so that memory stays bounded.
pub const QUEUE_MAX: usize = 1024;
/// Inputs of one transaction.
pub const BATCH_MAX: usize = 64;
/// How often a batch that met another transaction is done again before its callers hear of it.
const TRIES_MAX: u32 = 6;
/// Batches after which the writer gives its connection back, so that whoever else has to write gets
/// a turn also while there is no end of events.
const SESSION_BATCHES: u64 = 8;
/// Changes of access that a slow listener may lag behind before it has to look for itself.
const CHANGES_KEPT: usize = 1024;

/// Something that may change the state.
#[derive(Clone, Debug)]
pub enum Input {
    /// An event of Stripe's.
    Event(Box<EventInput>),
    /// The app names a user.
    User(AppUser),
    /// Time alone may have changed what this user may use.
    Due(String),
    /// Time alone made a fact.
    Noticed(Box<NewFact>),
}

/// An event with its body.
#[derive(Clone, Debug)]
pub struct EventInput {
    /// The event, read.
    pub incoming: Incoming,
    /// As [`payload::pack`] made it.
    pub payload: Vec<u8>,
    /// Why it comes in.
    pub purpose: Purpose,
}

/// Why an event comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Stripe delivers it; an applied one is a duplicate.
    Delivery,
    /// It is applied again, also if it was applied before; its facts are staged.
    Replay,
    /// The state is derived again; nobody has to hear of it.
    Rebuild,
}

impl Input {
    /// Makes an input of an event as it came.
    pub fn event(incoming: Incoming, body: &[u8], purpose: Purpose) -> Self {
        let payload = payload::pack(body);
        Self::Event(Box::new(EventInput { incoming, payload, purpose }))
    }
}

/// What became of an input, durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is part of the state.
    Applied,
    /// It is kept, and of a type that we do not act on.
    Ignored,
    /// The event was applied before, or the fact is known.
    Duplicate,
    /// It is kept and will be tried again; says why.
    Failed(String),
}

struct Ticket {
    input: Input,
    reply: oneshot::Sender<Result<Outcome, Arc<StoreError>>>,
}

/// The door. Cloning shares it.
#[derive(Clone)]
pub struct Receiver {
    queue: mpsc::Sender<Ticket>,
    rulebook: Arc<Rulebook>,
    handlers: Arc<Handlers>,
    changes: broadcast::Sender<Arc<StoredAccess>>,
    doubles: Arc<AtomicU64>,
    told: Arc<watch::Sender<u64>>,
}

/// The writer behind the door; it ends when nothing can come any more and nothing waits.
pub struct Writers {
    thread: std::thread::JoinHandle<()>,
    closing: Arc<Notify>,
    ended: oneshot::Receiver<()>,
}

impl Writers {
    /// Closes the door, and waits until all that was accepted is committed and answered.
    pub async fn finish(self) {
        self.closing.notify_one();
        // Both say no more than that it ended: the writer catches the panics of its batches.
        drop(self.ended.await);
        drop(self.thread.join());
    }
}

/// Opens the door for an app without handlers of its own; see [`open_with`].
pub fn open(db: &Db, rulebook: &Arc<Rulebook>, clock: &Clock) -> (Receiver, Writers) {
    open_with(db, rulebook, Arc::default(), clock)
}

/// Opens the door: starts the writer, on a thread of its own. A batch is a chain of short waits
/// for the database; among the requests, each of them would wait in line as well.
///
/// A node has one writer on Postgres too: a second one works mostly on the same customers, whose
/// events come together, and waits for the first.
pub fn open_with(
    db: &Db,
    rulebook: &Arc<Rulebook>,
    handlers: Arc<Handlers>,
    clock: &Clock,
) -> (Receiver, Writers) {
    let (queue, waiting) = mpsc::channel(QUEUE_MAX);
    let (changes, _) = broadcast::channel(CHANGES_KEPT);
    let (ending, ended) = oneshot::channel();
    let doubles = Arc::default();
    let told = Arc::new(watch::Sender::new(0));
    let closing = Arc::new(Notify::new());
    let writer = Writer {
        db: db.clone(),
        session: None,
        sessions: 0,
        rulebook: Arc::clone(rulebook),
        handlers: Arc::clone(&handlers),
        clock: clock.clone(),
        changes: changes.clone(),
        doubles: Arc::clone(&doubles),
        told: Arc::clone(&told),
        closing: Arc::clone(&closing),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has file descriptors left at the start");
    let thread = std::thread::Builder::new().name("tollgate-writer".to_owned());
    let write = move || {
        runtime.block_on(writer.write(waiting));
        drop(ending);
    };
    let thread = thread.spawn(write).expect("the system has a thread left at the start");
    let rulebook = Arc::clone(rulebook);
    let receiver = Receiver { queue, rulebook, handlers, changes, doubles, told };
    (receiver, Writers { thread, closing, ended })
}

impl Receiver {
    /// Hands an input in and waits until it is durable.
    ///
    /// # Errors
    /// Too much is waiting, or the database did not take it.
    pub async fn submit(&self, input: Input) -> Result<Outcome, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Ticket { input, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SubmitError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => SubmitError::Closed,
        })?;
        answer.await.map_err(|_| SubmitError::Closed)?.map_err(SubmitError::Store)
    }

    /// Listens to changes of access that this node commits from now on.
    pub fn changes(&self) -> broadcast::Receiver<Arc<StoredAccess>> {
        self.changes.subscribe()
    }

    /// Returns how often this node found that a user pays for several subscriptions.
    pub fn doubles(&self) -> u64 {
        self.doubles.load(Ordering::Relaxed)
    }

    /// Turns with every commit of this node that somebody has to hear of.
    pub fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Whether objects of this account of Stripe's count; `None` is our own.
    fn counts(&self, account: Option<&str>) -> bool {
        self.rulebook.counts(account)
    }

    /// Returns the app's handlers.
    pub fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// Returns how many inputs wait.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// Why an input was not taken; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full: try again in a moment.
    #[error("too much is waiting")]
    Overloaded,
    /// The writers have ended.
    #[error("shutting down")]
    Closed,
    /// The database did not take it.
    #[error(transparent)]
    Store(Arc<StoreError>),
}

struct Writer {
    db: Db,
    /// The connection of the last batch, while more wait.
    session: Option<Session>,
    /// How many there were.
    sessions: u64,
    rulebook: Arc<Rulebook>,
    handlers: Arc<Handlers>,
    clock: Clock,
    changes: broadcast::Sender<Arc<StoredAccess>>,
    doubles: Arc<AtomicU64>,
    told: Arc<watch::Sender<u64>>,
    closing: Arc<Notify>,
}

impl Writer {
    /// Writes until nothing can come any more.
    async fn write(mut self, mut waiting: mpsc::Receiver<Ticket>) {
        self.db = self.db.for_writers();
        let mut tickets = Vec::with_capacity(BATCH_MAX);
        for batch in 1_u64.. {
            if waiting.is_empty() || batch % SESSION_BATCHES == 0 {
                self.session = None;
            }
            let taken = tokio::select! {
                biased;
                taken = waiting.recv_many(&mut tickets, BATCH_MAX) => taken,
                () = self.closing.notified() => {
                    waiting.close();
                    continue;
                }
            };
            if taken == 0 {
                break;
            }
            let (inputs, replies): (Vec<Input>, Vec<_>) =
                tickets.drain(..).map(|it| (it.input, it.reply)).unzip();
            let outcomes = self.process(&inputs).await;
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // A caller that went away gets no answer; Stripe will ask again.
                drop(reply.send(outcome));
            }
        }
        self.session = None;
        self.db.end_writing().await;
    }

    /// Applies a batch; where the database refuses it, each input alone, so that one bad event
    /// harms no other.
    async fn process(&mut self, inputs: &[Input]) -> Vec<Result<Outcome, Arc<StoreError>>> {
        match self.attempt(inputs).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if !is_about_content(&error) => {
                let error = Arc::new(error);
                inputs.iter().map(|_| Err(Arc::clone(&error))).collect()
            }
            Err(error) if inputs.len() == 1 => {
                vec![self.keep(&inputs[0], error).await.map_err(Arc::new)]
            }
            Err(_) => {
                let mut outcomes = Vec::with_capacity(inputs.len());
                for input in inputs {
                    outcomes.push(self.alone(input).await.map_err(Arc::new));
                }
                outcomes
            }
        }
    }

    async fn alone(&mut self, input: &Input) -> Result<Outcome, StoreError> {
        match self.attempt(std::slice::from_ref(input)).await {
            Ok(mut outcomes) => Ok(outcomes.pop().unwrap_or(Outcome::Ignored)),
            Err(error) => self.keep(input, error).await,
        }
    }

    /// Keeps what could not be applied, to be tried again.
    async fn keep(&self, input: &Input, error: StoreError) -> Result<Outcome, StoreError> {
        if !is_about_content(&error) {
            return Err(error);
        }
        let why = error.to_string();
        match input {
            Input::Event(event) => {
                let now_ms = self.clock.now_ms();
                batch::record_failure(&self.db, &self.rulebook, event, &why, now_ms).await?;
            }
            Input::Due(user_id) => {
                retry::record_due_failure(&self.db, user_id, &why, self.clock.now()).await?;
            }
            // Who handed it in hears of it, and nothing of it was kept.
            Input::User(_) | Input::Noticed(_) => return Err(error),
        }
        Ok(Outcome::Failed(why))
    }

    /// One batch on the connection that is kept; after an error it is not kept.
    async fn apply(&mut self, inputs: &[Input]) -> Result<Applied, StoreError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.new_session().await?,
        };
        let tx = session.begin().await?;
        let now_ms = self.clock.now_ms();
        let (rulebook, handlers) = (&self.rulebook, &self.handlers);
        let applied = batch::apply_and_commit(tx, rulebook, handlers, inputs, now_ms).await?;
        self.session = Some(session);
        Ok(applied)
    }

    async fn new_session(&mut self) -> Result<Session, StoreError> {
        self.sessions += 1;
        // Ever more rarely: the tables double ever more slowly.
        if self.sessions.is_power_of_two() {
            let db = self.db.clone();
            // Nothing hangs on one look; the next comes.
            tokio::spawn(async move { drop(db.look_at_tables().await) });
        }
        self.db.session(self.handlers.are_there()).await
    }

    /// One batch, done again while other transactions are in its way.
    async fn attempt(&mut self, inputs: &[Input]) -> Result<Vec<Outcome>, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let applied = self.apply(inputs);
            let applied = std::panic::AssertUnwindSafe(applied).catch_unwind().await;
            match applied.unwrap_or_else(|_| Err(panicked())) {
                Ok(applied) => {
                    for it in &applied.doubles {
                        let (newest, others) = (&it.subject, &it.detail);
                        self.doubles.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(newest, others, "A user pays for several subscriptions");
                    }
                    for changed in applied.changed {
                        // Nobody may be listening.
                        drop(self.changes.send(Arc::new(changed.after)));
                    }
                    if applied.told > 0 {
                        self.told.send_modify(|it| *it += 1);
                    }
                    return Ok(applied.outcomes);
                }
                Err(StoreError::Conflict(_) | StoreError::Handler { passing: true, .. })
                    if tries < TRIES_MAX =>
                {
                    tokio::time::sleep(Duration::from_millis(u64::from(tries) * 5)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn panicked() -> StoreError {
    StoreError::Corrupt { what: "batch", why: "a rule panicked".to_owned() }
}

/// Whether doing it again, or waiting, cannot help: the input itself is what is refused.
fn is_about_content(error: &StoreError) -> bool {
    let of_handler = matches!(error, StoreError::Handler { .. });
    of_handler || matches!(error, StoreError::Rejected(_) | StoreError::Corrupt { .. })
}
