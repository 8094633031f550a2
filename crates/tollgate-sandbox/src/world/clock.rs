//! Time in the sandbox: one main clock, and one for each test clock. Nothing here reads a real
//! clock; whoever runs the world moves them.

use std::collections::{BTreeMap, HashMap};

use crate::object::Id;

/// Which clock something lives by: the main one, or a test clock.
pub(crate) type ClockId = Option<Id>;

/// What a moment may bring. The object's state decides whether anything is due: a wake that
/// finds nothing to do is nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// A period or a trial ends, a pause is over, an update or a first payment runs out.
    Subscription(Id),
    /// A phase of a schedule begins or ends.
    Schedule(Id),
    /// A draft is finalized, or a payment is tried again.
    Invoice(Id),
    /// A delayed payment settles.
    Payment(Id),
    /// A checkout session expires.
    Session(Id),
    /// The time to answer a dispute is over, or the bank decides it.
    Dispute(Id),
    /// The bank answers a refund.
    Refund(Id),
    /// A coupon or a promotion code can no longer be redeemed.
    Offer(Id),
    /// The months of a discount are over.
    Discount(Id),
    /// A test clock is deleted.
    TestClock(Id),
}

/// The clocks and what waits for them.
#[derive(Debug)]
pub(crate) struct Clocks {
    main: i64,
    tests: HashMap<Id, i64>,
    waiting: BTreeMap<(ClockId, i64, u64), Wake>,
    asked: u64,
}

impl Clocks {
    pub(crate) fn new(now: i64) -> Self {
        Self { main: now, tests: HashMap::new(), waiting: BTreeMap::new(), asked: 0 }
    }

    /// Returns a clock's time; a clock that is gone stands where the main one does.
    pub(crate) fn now(&self, clock: &ClockId) -> i64 {
        match clock {
            None => self.main,
            Some(id) => self.tests.get(id).copied().unwrap_or(self.main),
        }
    }

    /// Says whether there is a test clock with this id.
    pub(crate) fn has(&self, clock: &str) -> bool {
        self.tests.contains_key(clock)
    }

    /// Sets a clock, never backward.
    pub(crate) fn set(&mut self, clock: &ClockId, now: i64) {
        let place = match clock {
            None => &mut self.main,
            Some(id) => self.tests.entry(id.clone()).or_insert(now),
        };
        *place = now.max(*place);
    }

    /// Asks for a wake at a moment; a moment that is over comes next.
    pub(crate) fn wake_at(&mut self, clock: ClockId, due: i64, wake: Wake) {
        self.asked += 1;
        self.waiting.insert((clock, due, self.asked), wake);
    }

    /// Takes the first wake that is due by `until`, and moves the clock there.
    pub(crate) fn next_due(&mut self, clock: &ClockId, until: i64) -> Option<Wake> {
        let from = (clock.clone(), i64::MIN, 0);
        let (key, _) = self.waiting.range(from..).next()?;
        if key.0 != *clock || key.1 > until {
            return None;
        }
        let key = key.clone();
        self.set(clock, key.1);
        self.waiting.remove(&key)
    }

    /// Returns when something next waits on a clock.
    pub(crate) fn next_wake(&self, clock: &ClockId) -> Option<i64> {
        let from = (clock.clone(), i64::MIN, 0);
        let (key, _) = self.waiting.range(from..).next()?;
        (key.0 == *clock).then_some(key.1)
    }

    /// Forgets a test clock and all that waits for it.
    pub(crate) fn forget(&mut self, clock: &Id) {
        self.tests.remove(clock);
        self.waiting.retain(|(owner, ..), _| owner.as_ref() != Some(clock));
    }
}
