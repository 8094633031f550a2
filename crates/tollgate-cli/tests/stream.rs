//! Events of many customers, out of order and twice, poured in over many connections at once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tollgate_sandbox::story::{Cast, STORIES, StoryEvent, delivered, story};

use crate::client::Line;
use crate::home::SECRET;

/// Connections that deliver at once, as many as Stripe may use.
const CONNECTIONS: usize = 16;
/// 2026-06-01T00:00:00Z.
const START: i64 = 1_780_272_000;

/// Returns the histories of so many customers; each lives another story.
pub fn histories(seed: u64, customers: usize) -> Vec<StoryEvent> {
    let names = STORIES.iter().cycle().skip(usize::try_from(seed).unwrap_or(0) * 7);
    let tell = |(number, info): (u64, &tollgate_sandbox::story::StoryInfo)| {
        let user = Some(format!("user_{number}"));
        let cast = Cast { user, ..Cast::new(seed * 1_000 + number, START) };
        story(info.name, &cast).expect("every story is told")
    };
    (0..).zip(names).take(customers).flat_map(tell).collect()
}

/// Returns events as a bad network delivers them: twice, in the order of this seed.
pub fn shuffled(events: &[StoryEvent], seed: u64) -> Vec<StoryEvent> {
    delivered(events, 2, seed)
}

/// What came of a stream.
#[derive(Debug, Default)]
pub struct Poured {
    /// Ids of the events that got a 2xx.
    pub taken: BTreeSet<String>,
    /// Other statuses that came.
    pub refused: Vec<u16>,
    /// Connections that ended within an answer.
    pub torn: usize,
}

/// Pours events in over all connections. `after` is told how many got a 2xx so far. An answer that
/// does not come, or a server that is gone, is no error here.
pub fn pour(address: SocketAddr, events: &[StoryEvent], after: impl Fn(usize) + Sync) -> Poured {
    let (next, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let poured = Mutex::new(Poured::default());
    let work = || {
        let mut line = None;
        while let Some(event) = events.get(next.fetch_add(1, Ordering::Relaxed)) {
            let open = line.take().or_else(|| Line::open(address).ok());
            // Nobody listens: the server is gone.
            let Some(mut open) = open else { return };
            let sent = open.deliver("/stripe/webhook", SECRET, event.body.as_bytes());
            let mut poured = poured.lock().expect("no sender panics");
            match sent {
                Ok(reply) if reply.status == 200 => {
                    poured.taken.insert(event.id.clone());
                    drop(poured);
                    after(taken.fetch_add(1, Ordering::Relaxed) + 1);
                    line = Some(open);
                }
                Ok(reply) => poured.refused.push(reply.status),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => poured.torn += 1,
                Err(_) => {}
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(work);
        }
    });
    poured.into_inner().expect("no sender panics")
}
