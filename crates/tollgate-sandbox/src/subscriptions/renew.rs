//! What time does to a subscription: periods, trials, first payments, pauses and ends.

use super::bill::{self, Bill, Line};
use super::{cancel, debits, entitlements_of, pauses, pending, schedules};
use crate::catalog::discounts;
use crate::invoices;
use crate::money::calendar::{Cycle, DAY};
use crate::object::Id;
use crate::object::subscription::{Status, Subscription};
use crate::payments;
use crate::world::{Wake, World};

/// How long a first payment may take: <https://docs.stripe.com/billing/subscriptions/overview>
pub(super) const UNPAID_SECS: i64 = 23 * 3_600;
/// How long before its end a trial is told of.
const TRIAL_NOTICE_SECS: i64 = 3 * DAY;

/// Asks for a wake at the next moment at which something may be due.
pub(super) fn wake_next(world: &mut World, id: &Id) {
    let Ok(subscription) = world.get::<Subscription>(id) else { return };
    let customer = subscription.customer.clone();
    let moments = moments(world, subscription);
    if let Some(next) = moments.into_iter().filter_map(|(moment, _)| moment).min() {
        world.wake_at(Some(&customer), next, Wake::Subscription(id.clone()));
    }
}

/// Does what is due by now, and asks for the next wake.
pub(super) fn wake(world: &mut World, id: &Id) {
    schedules::go_first(world, id);
    let Ok(subscription) = world.get::<Subscription>(id) else { return };
    let now = world.now_of(Some(&subscription.customer));
    let due = moments(world, subscription)
        .into_iter()
        .find(|(moment, _)| moment.is_some_and(|moment| moment <= now));
    match due.map(|(_, due)| due) {
        None => {}
        Some(Due::Expiry) => expire(world, id),
        Some(Due::End) => cancel::in_time(world, id),
        Some(Due::UpdateExpiry) => pending::expire(world, id),
        Some(Due::ResumeExpiry) => pauses::give_up_resuming(world, id),
        Some(Due::Collection) => resume_collection(world, id),
        Some(Due::TrialNotice) => tell_trial_end(world, id),
        Some(Due::Upcoming) => tell_upcoming(world, id),
        Some(Due::Period) => end_period(world, id, now),
    }
    wake_next(world, id);
}

/// What a moment brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Expiry,
    End,
    UpdateExpiry,
    ResumeExpiry,
    Collection,
    TrialNotice,
    Upcoming,
    Period,
}

/// Returns the moments that matter and are not behind, in the order in which they count if they
/// come together: each becomes `None` once it was acted on.
fn moments(world: &World, subscription: &Subscription) -> [(Option<i64>, Due); 8] {
    let over = subscription.status.is_over();
    let waits = subscription.status == Status::Incomplete;
    let stands = over || waits || subscription.status == Status::Paused;
    let (_, end) = subscription.period();
    let hidden = &subscription.hidden;
    let trial_end = subscription.trial_end.filter(|_| subscription.status == Status::Trialing);
    let untold = trial_end.filter(|end| hidden.trial_end_told != Some(*end));
    let upcoming = tells_upcoming(subscription).then_some(end - world.settings.upcoming_secs);
    let pause = subscription.pause_collection.and_then(|pause| pause.resumes_at);
    let update = subscription.pending_update.as_ref().map(|update| update.expires_at);
    let resuming = hidden.resuming.as_ref().map(|(_, until)| *until);
    let alive = |moment: Option<i64>| moment.filter(|_| !over);
    [
        (waits.then_some(subscription.created + UNPAID_SECS), Due::Expiry),
        (alive(subscription.cancel_at), Due::End),
        (alive(update), Due::UpdateExpiry),
        (alive(resuming), Due::ResumeExpiry),
        (alive(pause), Due::Collection),
        (alive(untold.map(|end| end - TRIAL_NOTICE_SECS)), Due::TrialNotice),
        (upcoming, Due::Upcoming),
        ((!stands).then_some(end), Due::Period),
    ]
}

fn tells_upcoming(subscription: &Subscription) -> bool {
    let (_, end) = subscription.period();
    matches!(subscription.status, Status::Active | Status::Trialing | Status::PastDue)
        && subscription.cancel_at.is_none_or(|at| at > end)
        && subscription.hidden.upcoming_told != Some(end)
}

/// The first payment did not come in time.
fn expire(world: &mut World, id: &Id) {
    let latest = world.known::<Subscription>(id).latest_invoice.clone();
    let now = world.now_of(Some(&world.known::<Subscription>(id).customer.clone()));
    world.update::<Subscription>(id, "customer.subscription.updated", |subscription| {
        subscription.status = Status::IncompleteExpired;
        subscription.ended_at = Some(now);
    });
    if let Some(invoice) = latest {
        // An invoice that was paid or voided meanwhile stays as it is.
        let _closed = invoices::void(world, &invoice);
    }
    entitlements_of(world, id);
}

/// Tells of a trial that ends within the notice, at once where it is shorter.
pub(super) fn tell_short_trial(world: &mut World, id: &Id) {
    let subscription = world.known::<Subscription>(id);
    let now = world.now_of(Some(&subscription.customer));
    let ends = subscription.trial_end.filter(|_| subscription.status == Status::Trialing);
    let soon = ends.is_some_and(|end| end - TRIAL_NOTICE_SECS <= now);
    if soon && subscription.hidden.trial_end_told != ends {
        tell_trial_end(world, id);
    }
}

/// Tells of a trial that is ended before its time, unless its end was told of already.
pub(super) fn tell_early_end(world: &mut World, id: &Id, before: &Subscription) {
    let untold = before.hidden.trial_end_told != before.trial_end;
    if before.status == Status::Trialing && untold {
        tell_trial_end(world, id);
    }
}

fn tell_trial_end(world: &mut World, id: &Id) {
    world.edit::<Subscription>(id, |subscription| {
        subscription.hidden.trial_end_told = subscription.trial_end;
    });
    world.emit::<Subscription>("customer.subscription.trial_will_end", id);
}

fn tell_upcoming(world: &mut World, id: &Id) {
    let (_, end) = world.known::<Subscription>(id).period();
    world.edit::<Subscription>(id, |subscription| subscription.hidden.upcoming_told = Some(end));
    let subscription = world.known::<Subscription>(id);
    let next = next_period(world, subscription, end);
    let discounts = discounts::foresee(world, &next.after, end);
    let bill = Bill { reason: "upcoming", ..next.bill };
    let draft = bill::describe_draft(&next.after, discounts, &bill);
    invoices::tell_upcoming(world, &draft, end + world.settings.draft_secs);
}

/// A period or a trial is over.
fn end_period(world: &mut World, id: &Id, now: i64) {
    let subscription = world.known::<Subscription>(id);
    if subscription.status == Status::Trialing && !can_be_billed(world, subscription) {
        match subscription.trial_settings.end_behavior.missing_payment_method {
            "cancel" => return cancel::now(world, id, None),
            "pause" => return pauses::after_trial(world, id, &subscription.clone()),
            _ => {}
        }
    }
    begin_period(world, id, now);
}

/// Says whether there is something that invoices can be charged to, or nothing is charged.
pub(super) fn can_be_billed(world: &World, subscription: &Subscription) -> bool {
    subscription.collection_method == "send_invoice"
        || subscription.default_payment_method.is_some()
        || payments::default_method(world, &subscription.customer).is_some()
}

/// A subscription in its next period, and the bill for it.
pub(super) struct Next {
    pub(super) after: Subscription,
    pub(super) bill: Bill,
}

/// Works out the period that begins at `at`, when at least one item's period is over.
pub(super) fn next_period(world: &World, subscription: &Subscription, at: i64) -> Next {
    let mut after = subscription.clone();
    let before = subscription.period();
    if after.status == Status::Trialing {
        after.status = Status::Active;
        after.billing_cycle_anchor = after.billing_cycle_anchor.max(at);
    }
    let due: Vec<Id> = advance_items(&mut after, at);
    debits::forget(&mut after, at);
    let lines: Vec<Line> = bill::period_lines(world, &after, |item| due.contains(&item.id));
    let held = subscription.pause_collection.map(|pause| pause.behavior);
    let bill = Bill {
        lines,
        reason: "subscription_cycle",
        takes_pending: true,
        stays_draft: after.status == Status::Unpaid || held == Some("keep_as_draft"),
        period: Some(before),
        ..Bill::default()
    };
    Next { after, bill }
}

/// Moves the items that are due into their next period and bills it.
fn begin_period(world: &mut World, id: &Id, now: i64) {
    let before = world.known::<Subscription>(id).clone();
    let Next { after, bill } = next_period(world, &before, now);
    let held = after.pause_collection.map(|pause| pause.behavior);
    world.edit::<Subscription>(id, |subscription| {
        *subscription = after;
        subscription.hidden.quiet = true;
    });
    let invoice = bill::draft(world, id, &bill);
    world.edit::<Subscription>(id, |subscription| subscription.hidden.quiet = false);
    world.tell_change("customer.subscription.updated", id, &before);
    close_held(world, &invoice, held);
    entitlements_of(world, id);
}

/// Collection is paused: the invoice is closed as soon as it is made.
pub(super) fn close_held(world: &mut World, invoice: &Id, held: Option<&str>) {
    let close = match held {
        Some("void") => invoices::void,
        Some("mark_uncollectible") => invoices::mark_uncollectible,
        _ => return,
    };
    let finalized = invoices::finalize(world, invoice);
    debug_assert!(finalized.is_ok(), "a draft of our own finalizes: {finalized:?}");
    if !invoices::is_paid(world, invoice) {
        let closed = close(world, invoice);
        debug_assert!(closed.is_ok(), "it is open: {closed:?}");
    }
}

/// Moves every item whose period is over by `now` into the period that holds `now`.
fn advance_items(subscription: &mut Subscription, now: i64) -> Vec<Id> {
    let anchor = subscription.billing_cycle_anchor;
    let mut moved = Vec::new();
    for item in &mut subscription.items.data {
        let Some(interval) = item.price.interval() else { continue };
        if item.current_period_end <= now {
            let cycle = Cycle { anchor, interval };
            item.current_period_start = item.current_period_end;
            item.current_period_end = cycle.next_after(item.current_period_start.max(now));
            moved.push(item.id.clone());
        }
    }
    moved
}

fn resume_collection(world: &mut World, id: &Id) {
    world.update::<Subscription>(id, "customer.subscription.updated", |subscription| {
        subscription.pause_collection = None;
    });
}
