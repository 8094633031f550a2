//! What a change of a subscription comes to, worked out before anything happens: the subscription
//! afterwards, its prorations, and whether an invoice is made at once. A preview shows it, an
//! update makes it so.

use super::bill::{self, Bill, Line};
use super::debits;
use super::items::{self, Extra};
use super::terms::Prorations;
use super::wish::{self, TrialWish, Wish};
use crate::catalog::discounts;
use crate::money::calendar::{Cycle, Interval};
use crate::money::discount::Discount;
use crate::money::proration::{self, Change, Kind, ProrationLine};
use crate::object::Id;
use crate::object::subscription::{Status, Subscription};
use crate::world::World;

/// A change, worked out.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) after: Subscription,
    pub(super) lines: Vec<ProrationLine>,
    pub(super) extras: Vec<Extra>,
    /// The discounts that it redeems, which are on nothing yet.
    pub(super) made: Vec<Id>,
    /// The moment that prorations are counted from.
    pub(super) at: i64,
    /// Whether an invoice is made at once.
    pub(super) bills: bool,
    /// Whether a pending update gives way to it.
    pub(super) supersedes: bool,
}

/// Which periods a change touches.
#[derive(Debug, Clone, Copy, Default)]
struct Periods {
    /// New periods begin with it.
    renews: bool,
    /// An item got a period of another length.
    moved: bool,
}

/// Works out what a change comes to.
pub(super) fn work_out(world: &mut World, before: &Subscription, wish: Wish, now: i64) -> Turn {
    let supersedes = wish.bills();
    let mut after = before.clone();
    let mut made = Vec::new();
    let added = wish::apply_items(world, &mut after, wish.items, now, &mut made);
    let periods = set_periods(before, &mut after, &added, wish.anchor_now, wish.trial, now);
    if let Some(ending) = wish.ending {
        ending.note(&mut after, now);
    } else if after.cancel_at_period_end && after.cancel_at.is_some() {
        after.cancel_at = after.items.data.iter().map(|item| item.current_period_end).min();
    }
    let sets_discounts = wish.discounts.is_some();
    if let Some(wanted) = wish.discounts {
        after.discounts = items::redeem(world, &before.customer, &wanted, &mut made);
    }
    let mut extras = wish.extras;
    for extra in &mut extras {
        extra.redeem(world, &before.customer, &mut made);
    }
    let at = wish.at.unwrap_or(now);
    let mut lines = prorations(world, before, &after, at, periods.renews, sets_discounts);
    if wish.prorations == Prorations::None {
        lines.retain(|line| !line.is_proration());
    }
    debits::settle(&mut after, &lines);
    let due = periods.renews || periods.moved || wish.prorations == Prorations::Invoice;
    let bills = due && !(lines.is_empty() && extras.is_empty());
    Turn { after, lines, extras, made, at, bills, supersedes }
}

/// Returns what unused time is worth when a subscription ends at `at`.
pub(super) fn credits(world: &World, subscription: &Subscription, at: i64) -> Vec<ProrationLine> {
    let mut after = subscription.clone();
    after.items.data.clear();
    prorations(world, subscription, &after, at, false, false)
}

/// Returns what the rest of its periods costs a subscription that goes on at `at`.
pub(super) fn charges_from(world: &World, subscription: &Subscription, at: i64) -> Vec<Line> {
    let mut before = subscription.clone();
    before.items.data.clear();
    let lines = prorations(world, &before, subscription, at, false, false);
    lines.iter().map(|line| bill::proration_line(world, subscription, line)).collect()
}

fn prorations(
    world: &World,
    before: &Subscription,
    after: &Subscription,
    at: i64,
    renews: bool,
    sets_discounts: bool,
) -> Vec<ProrationLine> {
    if before.status == Status::Paused || before.status == Status::Incomplete {
        return Vec::new();
    }
    let now = discounts::foresee(world, after, at);
    let terms: Vec<Discount> = bill::terms(world, after, &now);
    let used = if sets_discounts { &terms } else { &before.hidden.used_discounts };
    let (states_before, states_after) = (bill::states(world, before), bill::states(world, after));
    proration::prorate(&Change {
        at,
        mode: bill::mode(before),
        renews,
        before: &states_before,
        after: &states_after,
        used,
        discounts: &terms,
    })
}

/// Gives every item its period: <https://docs.stripe.com/billing/subscriptions/billing-cycle>
/// (2026-11), `docs/proration.md` rule 6.
fn set_periods(
    before: &Subscription,
    after: &mut Subscription,
    added: &[Id],
    anchor_now: bool,
    trial: Option<TrialWish>,
    now: i64,
) -> Periods {
    let renewed = Periods { renews: true, moved: false };
    match trial {
        Some(TrialWish::Until(end)) => {
            begin_trial(before, after, now, end);
            return renewed;
        }
        Some(TrialWish::EndNow) => {
            after.status = Status::Active;
            after.trial_end = Some(now);
            begin_now(after, now);
            return renewed;
        }
        None => {}
    }
    if before.status == Status::Trialing {
        let period = before.period();
        for item in after.items.data.iter_mut().filter(|item| added.contains(&item.id)) {
            (item.current_period_start, item.current_period_end) = period;
        }
        return Periods::default();
    }
    if anchor_now || begins_anew(before, after) {
        begin_now(after, now);
        return renewed;
    }
    Periods { renews: false, moved: align(before, after, added, now) }
}

fn begin_trial(before: &Subscription, after: &mut Subscription, now: i64, end: i64) {
    let start = before.trial_start.filter(|_| before.status == Status::Trialing).unwrap_or(now);
    after.status = Status::Trialing;
    after.trial_start = Some(start);
    after.trial_end = Some(end);
    after.billing_cycle_anchor = end;
    after.billing_cycle_anchor_config = None;
    for item in &mut after.items.data {
        item.current_period_start = start;
        item.current_period_end = end;
    }
}

fn begin_now(after: &mut Subscription, now: i64) {
    after.billing_cycle_anchor = now;
    after.billing_cycle_anchor_config = None;
    after.hidden.free_until = None;
    for item in &mut after.items.data {
        let Some(interval) = item.price.interval() else { continue };
        item.current_period_start = now;
        item.current_period_end = Cycle { anchor: now, interval }.next_after(now);
    }
}

/// In classic billing another interval, and the first price that costs anything, begin a new
/// period.
fn begins_anew(before: &Subscription, after: &Subscription) -> bool {
    if before.billing_mode.is_flexible() {
        return false;
    }
    let interval = |subscription: &Subscription| subscription.items.data.first()?.price.interval();
    let other = match (interval(before), interval(after)) {
        (Some(one), Some(other)) => !one.equals(other),
        _ => false,
    };
    let costs = |subscription: &Subscription| {
        subscription.items.data.iter().any(|item| item.price.amount(1) > 0)
    };
    other || !costs(before) && costs(after)
}

/// The anchor stays: new items join the others of their interval, and an item of another interval
/// stands in the middle of a period. Says whether one that was there moved so.
fn align(before: &Subscription, after: &mut Subscription, added: &[Id], now: i64) -> bool {
    let there: Vec<(Interval, (i64, i64))> = before
        .items
        .data
        .iter()
        .filter_map(|item| {
            let period = (item.current_period_start, item.current_period_end);
            Some((item.price.interval()?, period))
        })
        .collect();
    let anchor = after.billing_cycle_anchor;
    let mut moved = false;
    for item in &mut after.items.data {
        let Some(interval) = item.price.interval() else { continue };
        let was = before.items.data.iter().find(|one| one.id == item.id);
        let same = was.and_then(|one| one.price.interval()).is_some_and(|one| one.equals(interval));
        if same {
            continue;
        }
        let period = there.iter().find(|(one, _)| one.equals(interval)).map(|(_, period)| *period);
        let period = period.unwrap_or_else(|| {
            let whole = Cycle { anchor, interval }.period_containing(now);
            (whole.start, whole.end)
        });
        (item.current_period_start, item.current_period_end) = period;
        moved |= !added.contains(&item.id);
    }
    moved
}

impl Turn {
    /// Returns the prorations as lines of an invoice.
    pub(super) fn proration_lines(&self, world: &World) -> Vec<Line> {
        self.lines.iter().map(|line| bill::proration_line(world, &self.after, line)).collect()
    }

    /// Returns the single amounts as lines of an invoice.
    pub(super) fn extra_lines(&self, world: &World) -> Vec<Line> {
        self.extras.iter().map(|extra| extra.line(world, &self.after).into()).collect()
    }

    /// Returns the invoice that is made at once.
    pub(super) fn bill(&self, world: &World) -> Bill {
        let mut lines = self.proration_lines(world);
        lines.extend(self.extra_lines(world));
        let proration = self.lines.iter().any(|line| line.kind != Kind::Full);
        let held = self.after.pause_collection.map(|pause| pause.behavior);
        Bill {
            lines,
            reason: "subscription_update",
            takes_pending: true,
            stays_draft: self.after.status == Status::Unpaid || held == Some("keep_as_draft"),
            proration_date: proration.then_some(self.at),
            period: None,
        }
    }
}
