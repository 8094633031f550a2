//! Faults to switch on: what may go wrong between Stripe and an app, by rates and a seed. Each
//! chance is drawn from the fault, the delivery and the attempt alone, so that faults change
//! neither ids nor one another.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dice::Dice;
use crate::error::StripeError;
use crate::world::{Method, Request, World};

/// Rates are parts of this.
pub(crate) const WHOLE: u32 = 1_000;
/// An event may share the second of one that came at most so much earlier.
const SAME_SECOND_SECS: i64 = 60;
/// How long a delivery is held so that others overtake it, in seconds.
const REORDER_SECS: (i64, i64) = (1, 10);
/// How late a delayed delivery is, in seconds.
const DELAY_SECS: (i64, i64) = (60, 21_600);
/// When the second of two deliveries comes, in seconds after the first.
const DUPLICATE_SECS: (i64, i64) = (0, 30);
/// How slow a slow delivery is, in milliseconds.
const SLOW_MILLIS: (i64, i64) = (200, 3_000);

/// What goes wrong.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Faults {
    pub(crate) seed: u64,
    #[serde(flatten)]
    pub(crate) rates: Rates,
    /// An event says the second of the one before it.
    pub(crate) same_second: u32,
    /// Rates of single endpoints, in the place of the general ones.
    pub(crate) endpoints: BTreeMap<String, Rates>,
    /// How many calls are still refused for their number.
    pub(crate) rate_limit: u32,
    /// How many calls still break before anything is done.
    pub(crate) api_error: u32,
    /// How many calls that change something still break in the doing: nothing is done, and the
    /// error is kept under the call's key.
    pub(crate) api_error_kept: u32,
    /// How many calls that change something are still done, and their answer is lost.
    pub(crate) answer_lost: u32,
    /// How many calls with an idempotency key still find it in use.
    pub(crate) idempotency_conflict: u32,
}

/// How many of a thousand deliveries go wrong in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rates {
    /// It comes twice.
    pub(crate) duplicate: u32,
    /// It is held for some seconds, so that later ones overtake it.
    pub(crate) reorder: u32,
    /// It comes minutes or hours late.
    pub(crate) delay: u32,
    /// It never comes.
    pub(crate) drop: u32,
    /// An attempt takes long.
    pub(crate) slow: u32,
    /// An attempt's body is cut off.
    pub(crate) truncated: u32,
    /// An attempt is signed with another secret.
    pub(crate) wrong_secret: u32,
}

/// What goes wrong with a delivery as a whole.
#[derive(Debug, Default)]
pub(super) struct Fate {
    pub(super) dropped: bool,
    /// How much later it comes, in seconds.
    pub(super) late_secs: i64,
    /// When it comes again, in seconds after the first.
    pub(super) again_secs: Option<i64>,
}

/// What goes wrong with one attempt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mishap {
    pub(super) slow_millis: u64,
    pub(super) cut_at: Option<usize>,
    pub(super) wrong_secret: bool,
}

impl Faults {
    /// Draws what goes wrong with a delivery.
    pub(super) fn fate(&self, endpoint: &str, delivery: u64) -> Fate {
        let rates = self.rates_of(endpoint);
        let draw = |fault: &str, rate: u32| self.draw(fault, rate, delivery, 0);
        let mut fate = Fate { dropped: draw("drop", rates.drop).is_some(), ..Fate::default() };
        for (fault, rate, (least, most)) in
            [("reorder", rates.reorder, REORDER_SECS), ("delay", rates.delay, DELAY_SECS)]
        {
            fate.late_secs += draw(fault, rate).map_or(0, |mut dice| dice.between(least, most));
        }
        let (soonest, latest) = DUPLICATE_SECS;
        fate.again_secs =
            draw("duplicate", rates.duplicate).map(|mut dice| dice.between(soonest, latest));
        fate
    }

    /// Draws what goes wrong with one attempt of a delivery.
    pub(super) fn mishap(
        &self,
        endpoint: &str,
        delivery: u64,
        tries: u32,
        length: usize,
    ) -> Mishap {
        let rates = self.rates_of(endpoint);
        let draw = |fault: &str, rate: u32| self.draw(fault, rate, delivery, tries);
        let slow =
            draw("slow", rates.slow).map(|mut dice| dice.between(SLOW_MILLIS.0, SLOW_MILLIS.1));
        let cut =
            draw("truncated", rates.truncated).map(|mut dice| dice.below(length.max(1) as u64));
        Mishap {
            slow_millis: slow.map_or(0, i64::unsigned_abs),
            cut_at: cut.map(|at| usize::try_from(at).expect("within a text")),
            wrong_secret: draw("wrong_secret", rates.wrong_secret).is_some(),
        }
    }

    fn rates_of(&self, endpoint: &str) -> Rates {
        self.endpoints.get(endpoint).copied().unwrap_or(self.rates)
    }

    /// Returns the rest of the chance, if the fault strikes.
    fn draw(&self, fault: &str, rate: u32, delivery: u64, tries: u32) -> Option<Dice> {
        if rate == 0 {
            return None;
        }
        let mut dice = Dice::new(self.seed, &format!("{fault} {delivery} {tries}"));
        (dice.below(u64::from(WHOLE)) < u64::from(rate)).then_some(dice)
    }
}

impl World {
    /// Says whether calls are to fail, so that even reads change something.
    pub(crate) fn refuses_calls(&self) -> bool {
        let faults = &self.deliveries.faults;
        faults.rate_limit > 0 || faults.api_error > 0 || faults.idempotency_conflict > 0
    }

    /// Refuses a call where a fault is due, before anything is done or kept under its key.
    pub(crate) fn fault(&mut self, request: &Request) -> Option<StripeError> {
        if !self.refuses_calls() || request.path.starts_with("/_") {
            return None;
        }
        let faults = &mut self.deliveries.faults;
        if take(&mut faults.rate_limit) {
            return Some(StripeError::rate_limit());
        }
        if take(&mut faults.api_error) {
            return Some(broken());
        }
        let key = request.idempotency_key.as_deref()?;
        take(&mut faults.idempotency_conflict).then(|| StripeError::idempotency_in_use(key))
    }

    /// Breaks a call in the doing where that is due.
    pub(crate) fn breaks(&mut self, request: &Request) -> Option<StripeError> {
        let due = changes(request) && take(&mut self.deliveries.faults.api_error_kept);
        due.then(broken)
    }

    /// Says what stands in the place of an answer that is lost.
    pub(crate) fn loses(&mut self, request: &Request) -> Option<StripeError> {
        let due = changes(request) && take(&mut self.deliveries.faults.answer_lost);
        due.then(broken)
    }
}

/// Says whether a call may change something under a key. What fails in v2 is never kept.
fn changes(request: &Request) -> bool {
    request.method != Method::Get && request.path.starts_with("/v1/")
}

fn broken() -> StripeError {
    StripeError::internal("Something went wrong on our side: a fault that was asked for.")
}

/// Uses one up, if one is left.
fn take(left: &mut u32) -> bool {
    let one = *left > 0;
    *left = left.saturating_sub(1);
    one
}

/// Returns the second that a new event says: its own, or that of the event before it.
pub(crate) fn second_of(world: &World, created: i64) -> i64 {
    let faults = &world.deliveries.faults;
    if faults.same_second == 0 {
        return created;
    }
    let Some(last) = world.events.newest().next() else { return created };
    let near = (0..=SAME_SECOND_SECS).contains(&(created - last.created));
    let mut dice = Dice::new(faults.seed, &format!("same_second after {}", last.id));
    let strikes = dice.below(u64::from(WHOLE)) < u64::from(faults.same_second);
    if near && strikes { last.created } else { created }
}
