//! Tells what happened: claims what is due of one destination, asks whether it is still true,
//! sends it and settles it. Claim and settle are two short transactions; what lies between them
//! may be done twice after a crash, under the same id, and never less than once.
//!
//! - this file: a worker and its step;
//! - [`destinations`]: who is told of what, as it is configured;
//! - [`messenger`]: the ways in which something can be told;
//! - [`knowledge`]: what is known around a fact;
//! - [`pace`]: when again, and when a destination is left alone;
//! - [`smtp`]: mails, by connections that are kept ([`line`](mod@self)), and [`mailbox`], where they go
//!   in development;
//! - [`endpoint`]: notifications, [`http`] over HTTP to strangers who may be anything, and
//!   [`nats`](mod@self) into NATS JetStream, with the feature `nats`;
//! - [`address`]: which addresses an endpoint may stand at;
//! - [`refused`]: why something was not taken, and what follows.

pub mod address;
pub mod destinations;
pub mod endpoint;
pub mod http;
pub mod knowledge;
mod line;
pub mod mailbox;
pub mod messenger;
#[cfg(feature = "nats")]
pub mod nats;
pub mod pace;
pub mod refused;
pub mod smtp;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::clock::Clock;
use crate::crash;
use crate::rules::policy::Rulebook;
use crate::store::delivery::{Claimed, Ending, Settled};
use crate::store::{self, Db, StoreError};
use destinations::Destination;
use knowledge::Fact;
use messenger::{Messenger, Told};
use pace::{Breaker, backoff_ms};
use refused::Retry;

/// How often a worker looks for what is due where nothing wakes it.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Claims are this many times what is sent at once, so that a worker seldom waits for its claim.
const CLAIM_FACTOR: usize = 4;
/// What a lease leaves over for reading and settling.
const LEASE_MARGIN_MS: i64 = 15_000;

/// How a destination is worked.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many deliveries are under way at once.
    pub concurrency: usize,
    /// What one of them takes at most.
    pub timeout: Duration,
}

impl Terms {
    fn claim_max(&self) -> usize {
        (self.concurrency * CLAIM_FACTOR).min(store::sql::ROWS_MAX)
    }

    fn lease_ms(&self) -> i64 {
        let rounds = u32::try_from(CLAIM_FACTOR).expect("it is a small number");
        millis(self.timeout * rounds) + LEASE_MARGIN_MS
    }
}

/// Works one destination. Several nodes may work the same one.
pub struct Worker {
    destination: String,
    messenger: Arc<Messenger>,
    terms: Terms,
    breaker: Breaker,
    rulebook: Arc<Rulebook>,
    db: Db,
    clock: Clock,
}

impl Worker {
    /// Makes a worker for a destination, to whom only our own account of Stripe's counts.
    pub fn new(destination: Destination, db: &Db, clock: &Clock) -> Self {
        Self {
            destination: destination.name,
            messenger: Arc::new(destination.messenger),
            terms: destination.terms,
            breaker: Breaker::default(),
            rulebook: Arc::default(),
            db: db.clone(),
            clock: clock.clone(),
        }
    }

    /// Has those accounts count that count by this rulebook.
    #[must_use]
    pub fn counting_by(self, rulebook: &Arc<Rulebook>) -> Self {
        Self { rulebook: Arc::clone(rulebook), ..self }
    }

    /// Tells what is due now; returns how much was settled, one way or another.
    ///
    /// # Errors
    /// The database is away; what was claimed is told again once its lease is over.
    pub async fn step(&mut self) -> Result<usize, StoreError> {
        let now_ms = self.clock.now_ms();
        let limit = self.breaker.admits(self.terms.claim_max(), now_ms);
        if limit == 0 {
            return Ok(0);
        }
        let until = now_ms + self.terms.lease_ms();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claimed =
            store::delivery::claim(&self.db, &self.destination, now_ms, until, limit).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        crash::point("claimed");
        let count = claimed.len();
        let facts = self.read(claimed).await?;
        self.tell_all(facts).await?;
        Ok(count)
    }

    /// Reads the facts of the claims and what is known around them. One that cannot be read, be it
    /// that a newer version wrote it, is put off alone; where the database fails, all is given back.
    async fn read(
        &self,
        claimed: Vec<Claimed>,
    ) -> Result<Vec<(Claimed, Option<Fact>)>, StoreError> {
        let keys: Vec<&str> = claimed.iter().map(|it| it.effect_id.as_str()).collect();
        let facts = match self.gather(&keys).await {
            Ok(facts) => return Ok(pair(claimed, facts)),
            Err(StoreError::Corrupt { .. }) => self.read_each(&claimed).await,
            Err(error) => Err(error),
        };
        if facts.is_err() {
            let ending = Ending::Untried(self.clock.now_ms());
            let back =
                claimed.into_iter().map(|claimed| Settled { claimed, ending: ending.clone() });
            // Where that fails too, the leases end.
            drop(self.settle(&back.collect::<Vec<_>>()).await);
        }
        facts
    }

    async fn gather(&self, keys: &[&str]) -> Result<Vec<Fact>, StoreError> {
        let now = self.clock.now();
        knowledge::gather(&self.db, &self.rulebook, &self.destination, keys, now).await
    }

    async fn read_each(
        &self,
        claimed: &[Claimed],
    ) -> Result<Vec<(Claimed, Option<Fact>)>, StoreError> {
        let (mut facts, mut unread) = (Vec::new(), Vec::new());
        for it in claimed {
            let claimed = it.clone();
            match self.gather(&[&it.effect_id]).await {
                Ok(fact) => facts.extend(pair(vec![claimed], fact)),
                Err(error @ StoreError::Corrupt { .. }) => {
                    let (effect_id, destination) = (&it.effect_id, &self.destination);
                    tracing::error!(effect_id, destination, error = %error, "A fact cannot be read");
                    let ending = self.put_off(it, error.to_string(), 0);
                    unread.push(Settled { claimed, ending });
                }
                Err(error) => return Err(error),
            }
        }
        self.settle(&unread).await?;
        Ok(facts)
    }

    /// Steps until `closing` turns true: at once when something was planned on this node, else
    /// now and then.
    pub async fn run(mut self, mut told: watch::Receiver<u64>, mut closing: watch::Receiver<bool>) {
        let mut failing = false;
        while !*closing.borrow() {
            told.mark_unchanged();
            match self.step().await {
                Ok(0) => failing = false,
                Ok(_) => {
                    failing = false;
                    continue;
                }
                Err(error) if !failing => {
                    failing = true;
                    let destination = &self.destination;
                    tracing::warn!(error = %error, destination, "Could not look for what is due");
                }
                Err(_) => {}
            }
            tokio::select! {
                _ = told.changed() => {}
                _ = closing.changed() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
            }
        }
    }

    /// Sends, so many at once, and settles what has ended meanwhile, all of it together.
    async fn tell_all(&mut self, facts: Vec<(Claimed, Option<Fact>)>) -> Result<(), StoreError> {
        let mut waiting = facts.into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < self.terms.concurrency {
                let Some((claimed, fact)) = waiting.next() else { break };
                let messenger = Arc::clone(&self.messenger);
                let now = self.clock.now();
                under_way.spawn(async move { (claimed, messenger.tell(fact, now).await) });
            }
            let Some(first) = under_way.join_next().await else { return Ok(()) };
            let mut ended = vec![first];
            while let Some(another) = under_way.try_join_next() {
                ended.push(another);
            }
            crash::point("sent");
            let settled: Vec<Settled> = ended.into_iter().filter_map(|it| self.judge(it)).collect();
            self.settle(&settled).await?;
            crash::point("settled");
        }
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), StoreError> {
        let now_ms = self.clock.now_ms();
        store::delivery::settle(&self.db, &self.destination, settled, now_ms).await
    }

    /// What an attempt came to. One that panicked is not settled: its lease ends.
    fn judge(&mut self, ended: Result<(Claimed, Told), JoinError>) -> Option<Settled> {
        let destination = self.destination.as_str();
        let Ok((claimed, told)) = ended else {
            tracing::error!(destination, "Telling a fact panicked");
            return None;
        };
        let ending = match told {
            Told::Done => {
                self.breaker.succeeded();
                Ending::Done
            }
            Told::Skipped(why) => Ending::Skipped(why),
            Told::Refused(it) => match it.retry {
                Retry::GiveUp => self.give_up(&claimed, it.why),
                Retry::Later => {
                    if self.breaker.failed(self.clock.now_ms()) {
                        let why = it.why.as_str();
                        tracing::warn!(destination, why, "A destination is left alone");
                    }
                    self.put_off(&claimed, it.why, it.retry_after.map_or(0, millis))
                }
            },
        };
        Some(Settled { claimed, ending })
    }

    /// It is tried again, not sooner than after so many milliseconds; unless it was the last time.
    fn put_off(&self, claimed: &Claimed, why: String, least: i64) -> Ending {
        match backoff_ms(&claimed.effect_id, claimed.attempt) {
            Some(wait) => Ending::Again(why, self.clock.now_ms() + wait.max(least)),
            None => self.give_up(claimed, why),
        }
    }

    fn give_up(&self, claimed: &Claimed, why: String) -> Ending {
        let (effect_id, destination) = (&claimed.effect_id, &self.destination);
        tracing::error!(effect_id, destination, why, "A delivery was given up");
        Ending::Dead(why)
    }
}

fn millis(it: Duration) -> i64 {
    i64::try_from(it.as_millis()).unwrap_or(i64::MAX / 2)
}

/// Each claim with its fact.
fn pair(claimed: Vec<Claimed>, facts: Vec<Fact>) -> Vec<(Claimed, Option<Fact>)> {
    let mut facts: std::collections::BTreeMap<String, Fact> =
        facts.into_iter().map(|it| (it.staged.effect.key(), it)).collect();
    let pairs = claimed.into_iter().map(|it| {
        let fact = facts.remove(&it.effect_id);
        (it, fact)
    });
    pairs.collect()
}
