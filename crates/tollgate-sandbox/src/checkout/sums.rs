//! What a session costs: now, with discount and trial, and later, every period.

use super::coupon::{self, Reduction};
use crate::money::calendar::{Cycle, Period};
use crate::money::discount::{self, Division, Duration, Line};
use crate::money::proration::{self, BillingMode, Change, ItemState};
use crate::object::Id;
use crate::object::checkout_session::{CheckoutSession, Mode, TotalDetails, Trial};
use crate::object::customer::Customer;
use crate::object::item::Item;
use crate::world::World;

const DAY: i64 = 86_400;

/// What follows the first payment of a subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Later {
    pub(super) amount: i64,
    /// When it is charged first, in Unix seconds.
    pub(super) from: i64,
}

/// Works the amounts of a session out anew, from its lines and its discount.
pub(super) fn sum(world: &World, session: &mut CheckoutSession) {
    if session.mode == Mode::Setup {
        return;
    }
    let coupon = coupon::of(world, session);
    let amounts = first_amounts(session);
    let cuts = cuts(&session.hidden.lines, &amounts, coupon.as_ref());
    for ((line, amount), cut) in session.hidden.lines.iter_mut().zip(amounts).zip(cuts) {
        line.amount_subtotal = amount;
        line.amount_discount = cut;
        line.amount_total = amount - cut;
    }
    let total = |part: fn(&Item) -> i64| session.hidden.lines.iter().map(part).sum::<i64>();
    let discount = total(|line| line.amount_discount);
    session.amount_subtotal = Some(total(|line| line.amount_subtotal));
    session.amount_total = Some(total(|line| line.amount_total));
    session.total_details =
        Some(TotalDetails { amount_discount: discount, amount_shipping: Some(0), amount_tax: 0 });
}

/// Returns what each line costs today: nothing on trial, a part before the anchor.
fn first_amounts(session: &CheckoutSession) -> Vec<i64> {
    let lines = session.hidden.lines.iter().enumerate();
    lines
        .map(|(index, line)| match &session.hidden.first_amounts {
            Some(amounts) if line.is_recurring() => amounts[index],
            _ if line.is_recurring() && session.hidden.trial.is_some() => 0,
            _ => line.price.amount(line.count()),
        })
        .collect()
}

/// Returns what a discount takes off each line.
pub(super) fn cuts(lines: &[Item], amounts: &[i64], coupon: Option<&Reduction>) -> Vec<i64> {
    let Some(coupon) = coupon else { return vec![0; lines.len()] };
    let lines: Vec<Line<'_>> = lines
        .iter()
        .zip(amounts)
        .map(|(line, &amount)| Line {
            amount,
            product: Some(&line.price.product),
            discountable: true,
        })
        .collect();
    let discounts = std::slice::from_ref(&coupon.discount);
    let cuts = discount::cuts(&lines, discounts, Division::Proportional);
    cuts.iter().map(|cuts| discount::sum(cuts)).collect()
}

/// Returns what is charged when the customer confirms: the total, after what they have to their
/// credit where an invoice will be made.
pub(super) fn due_now(world: &World, session: &CheckoutSession) -> i64 {
    let total = session.amount_total.unwrap_or(0);
    let customer = session.customer.as_ref().filter(|_| session.mode == Mode::Subscription);
    let customer = customer.and_then(|id| world.get::<Customer>(id).ok());
    let balance =
        customer.zip(session.currency).map_or(0, |(row, currency)| row.balance_in(currency));
    (total + balance).max(0)
}

/// Returns what a subscription costs after its first payment.
pub(super) fn later(world: &World, session: &CheckoutSession, now: i64) -> Option<Later> {
    let first = session.hidden.lines.iter().find(|line| line.is_recurring())?;
    let interval = first.price.interval()?;
    let lines: Vec<Item> =
        session.hidden.lines.iter().filter(|line| line.is_recurring()).cloned().collect();
    let amounts: Vec<i64> = lines.iter().map(|line| line.price.amount(line.count())).collect();
    let coupon = coupon::of(world, session).filter(|coupon| coupon.lasts != Duration::Once);
    let off: i64 = cuts(&lines, &amounts, coupon.as_ref()).iter().sum();
    let from = match trial_end(session, now) {
        Some(end) => end,
        None => anchor(session).unwrap_or_else(|| Cycle { anchor: now, interval }.next_after(now)),
    };
    Some(Later { amount: amounts.iter().sum::<i64>() - off, from })
}

/// Returns when the trial would end if the customer confirmed now.
pub(super) fn trial_end(session: &CheckoutSession, now: i64) -> Option<i64> {
    match session.hidden.trial? {
        Trial::Days(days) => Some(now + days * DAY),
        Trial::Until(end) => Some(end),
    }
}

/// Returns the moment that periods are counted from, where the call set one.
pub(super) fn anchor(session: &CheckoutSession) -> Option<i64> {
    session.hidden.passed_on["billing_cycle_anchor"].as_i64()
}

/// Works out what is paid for the time before the anchor, as the first invoice will have it.
pub(super) fn early_amounts(lines: &[Item], now: i64, anchor: i64, prorates: bool) -> Vec<i64> {
    lines.iter().map(|line| early_amount(line, now, anchor, prorates)).collect()
}

fn early_amount(line: &Item, now: i64, anchor: i64, prorates: bool) -> i64 {
    let Some(interval) = line.price.interval() else { return 0 };
    if !prorates || line.price.is_metered() {
        return 0;
    }
    let whole = Cycle { anchor, interval }.period_containing(now);
    let state = ItemState {
        id: line.id.clone(),
        price: line.price.id.clone(),
        product: line.price.product.clone(),
        name: Id::from(""),
        quantity: u64::try_from(line.count()).unwrap_or(0),
        amount: line.price.amount(line.count()),
        period: Period { start: whole.start, end: whole.end },
        until: whole.end,
        trial: false,
        debits: Vec::new(),
    };
    let change = Change {
        renews: true,
        at: now,
        mode: BillingMode::Flexible,
        before: &[],
        after: &[state],
        used: &[],
        discounts: &[],
    };
    proration::prorate(&change).iter().map(|line| line.amount).sum()
}
