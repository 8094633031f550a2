//! The queue of deliveries: what waits for which endpoint, until it was taken with a 2xx.
//!
//! An attempt that fails is followed by another one after a minute, then after twice as long each
//! time, for three days of the main clock: twelve more attempts. Stripe does so in live mode and
//! tries three times within hours in test mode; here the longer way is the only one, since a
//! moved clock makes it short. An endpoint is never switched off for failing.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::faults::Faults;
use super::listeners::Listeners;
use super::{Post, USER_AGENT};
use crate::dice::Dice;
use crate::object::Id;

/// After how many seconds the first failed attempt is followed by another one.
const RETRY_SECS: i64 = 60;
/// For how long a delivery is tried, in seconds.
const TRIED_SECS: i64 = 3 * 86_400;
/// The number of an attempt holds the number of its delivery above so many bits.
const TRIES_BITS: u32 = 6;
/// How many attempts are remembered to be looked at.
const REMEMBERED: usize = 200;

/// The deliveries of a world, its listeners, and what goes wrong with them.
#[derive(Debug)]
pub(crate) struct Deliveries {
    /// What secrets and made-up ids follow from.
    pub(super) seed: u64,
    pub(crate) faults: Faults,
    pub(super) listeners: Listeners,
    open: BTreeMap<u64, Delivery>,
    /// Those not under way, by when they are due.
    waiting: BTreeSet<(i64, u64)>,
    /// How many there ever were.
    made: u64,
    loads: HashMap<Id, Load>,
    attempts: VecDeque<Attempt>,
}

/// One event on its way to one endpoint.
#[derive(Debug)]
struct Delivery {
    parcel: Parcel,
    due: i64,
    first_due: i64,
    /// How often it was tried.
    tries: u32,
}

/// What is sent, where, and for which event.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    /// The id in the body.
    pub(super) event: Arc<str>,
    pub(super) kind: Arc<str>,
    /// The event that waits for it in `pending_webhooks`.
    pub(super) awaited_by: Option<Id>,
    pub(super) endpoint: Id,
    pub(super) body: Arc<str>,
}

/// How much an endpoint has to take.
#[derive(Debug, Default, Clone, Copy)]
struct Load {
    queued: usize,
    /// Deliveries that were given up because too many waited.
    lost: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Attempt {
    object: &'static str,
    event: Arc<str>,
    #[serde(rename = "type")]
    kind: Arc<str>,
    endpoint: Id,
    /// Its number, from 1.
    attempt: u32,
    /// The endpoint's answer; `None` where there was none.
    status: Option<u16>,
    at: i64,
    /// When it is tried again; `None` if it is delivered or given up.
    next: Option<i64>,
}

/// Where an endpoint is and what its deliveries are signed with.
pub(super) struct Address {
    pub(super) url: String,
    pub(super) secret: String,
}

impl Deliveries {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            faults: Faults::default(),
            listeners: Listeners::default(),
            open: BTreeMap::new(),
            waiting: BTreeSet::new(),
            made: 0,
            loads: HashMap::new(),
            attempts: VecDeque::new(),
        }
    }

    /// Queues a parcel, as the faults decide; at most `most` wait for one endpoint.
    pub(super) fn queue(&mut self, parcel: Parcel, now: i64, most: usize) {
        let fate = self.faults.fate(&parcel.endpoint, self.made);
        if fate.dropped {
            self.made += 1;
            return;
        }
        let due = now + fate.late_secs;
        let copy = fate.again_secs.map(|later| (parcel.clone(), due + later));
        self.put(parcel, due, most);
        if let Some((mut copy, due)) = copy {
            copy.awaited_by = None;
            self.put(copy, due, most);
        }
    }

    fn put(&mut self, parcel: Parcel, due: i64, most: usize) {
        let load = self.loads.entry(parcel.endpoint.clone()).or_default();
        if load.queued >= most {
            if load.lost == 0 {
                let endpoint = &*parcel.endpoint;
                tracing::error!(endpoint, most, "too many deliveries wait; further ones are lost");
            }
            load.lost += 1;
            return;
        }
        load.queued += 1;
        self.waiting.insert((due, self.made));
        self.open.insert(self.made, Delivery { parcel, due, first_due: due, tries: 0 });
        self.made += 1;
    }

    /// Returns when the next one is due.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.waiting.first().map(|(due, _)| *due)
    }

    /// Takes the next one that is due, as a post.
    pub(super) fn take(
        &mut self,
        now: i64,
        address: impl FnOnce(&str) -> Option<Address>,
    ) -> Option<Post> {
        let &(due, number) = self.waiting.first().filter(|(due, _)| *due <= now)?;
        self.waiting.remove(&(due, number));
        let delivery = self.open.get(&number).expect("what waits is open");
        let address =
            address(&delivery.parcel.endpoint).expect("an endpoint takes its queue along");
        Some(self.post(number, delivery, address, now))
    }

    fn post(&self, number: u64, delivery: &Delivery, address: Address, now: i64) -> Post {
        let Parcel { event, kind, endpoint, body, .. } = &delivery.parcel;
        let mishap = self.faults.mishap(endpoint, number, delivery.tries, body.len());
        let secret = match mishap.wrong_secret {
            true => format!("whsec_{}", Dice::new(self.faults.seed, "wrong_secret").word(32)),
            false => address.secret,
        };
        let mut post = Post {
            id: (number << TRIES_BITS) | u64::from(delivery.tries),
            endpoint: endpoint.to_string(),
            event: event.to_string(),
            kind: kind.to_string(),
            url: address.url,
            headers: vec![
                ("Content-Type", "application/json; charset=utf-8".to_owned()),
                ("User-Agent", USER_AGENT.to_owned()),
            ],
            body: body.to_string(),
            slow_millis: mishap.slow_millis,
            cut_at: mishap.cut_at,
            secret,
        };
        post.sign(now);
        post
    }

    /// Notes how an attempt ended, and returns the event that one endpoint less has to take.
    /// What was settled meanwhile, as by the end of its endpoint, changes nothing.
    pub(super) fn answered(&mut self, attempt: u64, status: Option<u16>, now: i64) -> Option<Id> {
        let number = attempt >> TRIES_BITS;
        let tries = attempt & ((1 << TRIES_BITS) - 1);
        let delivery = self.open.get_mut(&number)?;
        if u64::from(delivery.tries) != tries {
            return None;
        }
        delivery.tries += 1;
        self.waiting.remove(&(delivery.due, number));
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        let again = now + (RETRY_SECS << (delivery.tries - 1));
        let next = (!taken && again - delivery.first_due <= TRIED_SECS).then_some(again);
        let attempt = Attempt {
            object: "sandbox.delivery",
            event: delivery.parcel.event.clone(),
            kind: delivery.parcel.kind.clone(),
            endpoint: delivery.parcel.endpoint.clone(),
            attempt: delivery.tries,
            status,
            at: now,
            next,
        };
        if let Some(next) = next {
            delivery.due = next;
            self.waiting.insert((next, number));
        }
        self.remember(attempt);
        if next.is_some() {
            return None;
        }
        self.close(number).filter(|_| taken)
    }

    fn close(&mut self, number: u64) -> Option<Id> {
        let delivery = self.open.remove(&number)?;
        self.waiting.remove(&(delivery.due, number));
        if let Some(load) = self.loads.get_mut(&delivery.parcel.endpoint) {
            load.queued -= 1;
        }
        delivery.parcel.awaited_by
    }

    /// Stops all deliveries to an endpoint, and returns the events that waited for them.
    pub(super) fn stop(&mut self, endpoint: &str) -> Vec<Id> {
        let to = |(number, delivery): (&u64, &Delivery)| {
            (*delivery.parcel.endpoint == *endpoint).then_some(*number)
        };
        let numbers: Vec<u64> = self.open.iter().filter_map(to).collect();
        numbers.into_iter().filter_map(|number| self.close(number)).collect()
    }

    /// Remembers an attempt, so that it can be looked at.
    pub(super) fn remember(&mut self, attempt: Attempt) {
        if self.attempts.len() == REMEMBERED {
            self.attempts.pop_front();
        }
        self.attempts.push_back(attempt);
    }

    /// Returns the last attempts, newest first.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().rev()
    }

    /// Returns how many deliveries are open, and how many were lost because too many were.
    pub(crate) fn counts(&self) -> (usize, u64) {
        (self.open.len(), self.loads.values().map(|load| load.lost).sum())
    }
}

impl Attempt {
    /// An event that a listener forwarded.
    pub(super) fn forwarded(
        event: &str,
        kind: Arc<str>,
        listener: &Id,
        status: Option<u16>,
        at: i64,
    ) -> Self {
        Self {
            object: "sandbox.delivery",
            event: event.into(),
            kind,
            endpoint: listener.clone(),
            attempt: 1,
            status,
            at,
            next: None,
        }
    }
}
