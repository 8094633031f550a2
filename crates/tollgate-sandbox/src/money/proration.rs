//! What a change in the middle of a period costs: credits for unused time of what was billed,
//! charges for the remaining time of what is billed from now on, both to the second.
//!
//! The rules follow <https://docs.stripe.com/billing/subscriptions/prorations> and its comparison
//! of the billing modes (read 2026-04 and 2026-05); `docs/proration.md` has them with examples.

use std::collections::HashMap;
use std::sync::Arc;

use super::calendar::{Period, day_in_words};
use super::discount::{self, Cut, Discount, Division, Line};
use super::share::{in_proportion, of_period};

/// A subscription's `billing_mode.type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BillingMode {
    /// Credits are worth what the time would cost at the present price, quantity and discounts.
    Classic,
    /// Credits give back what was debited for the time.
    Flexible,
}

/// A change to a subscription, with what is needed to tell its price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    /// When it takes effect: now, or `proration_date`.
    pub(crate) at: i64,
    pub(crate) mode: BillingMode,
    /// Whether new periods begin with it. If not, an item that is new at the very start of a
    /// period has a proration for all of it.
    pub(crate) renews: bool,
    /// The licensed items before it; what is billed by usage is not prorated.
    pub(crate) before: &'a [ItemState],
    /// The licensed items after it; an item keeps its id.
    pub(crate) after: &'a [ItemState],
    /// The discounts that count for credits in classic mode: those used last, or the new ones if
    /// the same call sets them.
    pub(crate) used: &'a [Discount],
    /// The discounts that count for charges.
    pub(crate) discounts: &'a [Discount],
}

/// A subscription item at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ItemState {
    /// The subscription item's id.
    pub(crate) id: Arc<str>,
    pub(crate) price: Arc<str>,
    pub(crate) product: Arc<str>,
    /// The product's name, for descriptions.
    pub(crate) name: Arc<str>,
    pub(crate) quantity: u64,
    /// What all of `period` costs, before discounts.
    pub(crate) amount: i64,
    /// The billing period; a new one if it begins with the change.
    pub(crate) period: Period,
    /// Until when it is billed: the end of the period, or `cancel_at` before it.
    pub(crate) until: i64,
    /// Whether it is on trial; that time is worth nothing.
    pub(crate) trial: bool,
    /// What was debited for it and reaches past now; only flexible mode looks.
    pub(crate) debits: Vec<Debit>,
}

/// An amount that was billed for a stretch of time, on an invoice or as a pending invoice item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Debit {
    /// The id of the invoice line or invoice item.
    pub(crate) source: Arc<str>,
    pub(crate) price: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) quantity: u64,
    /// The time that it pays.
    pub(crate) period: Period,
    /// Up to when of that time nothing was credited back; at first the end of the period.
    pub(crate) until: i64,
    /// The amount, after discounts.
    pub(crate) amount: i64,
    /// What discounts took off it.
    pub(crate) cuts: Vec<Cut>,
}

/// What a line of a change is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A proration that gives back unused time; its amount is not positive.
    Credit,
    /// A proration that bills the remaining time.
    Debit,
    /// The whole of a new period. No proration: the invoice's discounts apply to it.
    Full,
    /// Time on trial. No proration, and its amount is 0.
    Trial,
}

/// A line that a change brings about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ProrationLine {
    pub(crate) kind: Kind,
    /// The subscription item's id.
    pub(crate) item: Arc<str>,
    pub(crate) price: Arc<str>,
    pub(crate) quantity: u64,
    pub(crate) period: Period,
    /// The amount; of a proration, after discounts.
    pub(crate) amount: i64,
    /// What discounts make the amount nearer to zero by: `amount` and they are the gross amount,
    /// which `proration_discounts=itemized` shows. Their signs are the amount's.
    pub(crate) cuts: Vec<Cut>,
    /// The source of the debit that this credits, in flexible mode.
    pub(crate) credits: Option<Arc<str>>,
    /// What the invoice says. A `Full` line is named by `price::describe`, so this is empty.
    pub(crate) description: String,
    /// The name of the product.
    pub(crate) name: Arc<str>,
}

/// Returns what a change costs: for each item its credits, then its charge; items that are gone
/// or changed first, in the order of `before`, then new ones. What does not change has no line.
pub(crate) fn prorate(change: &Change<'_>) -> Vec<ProrationLine> {
    let pairs = pairs(change);
    let credited: Vec<Span<'_>> = pairs.iter().filter_map(|pair| pair.credited(change)).collect();
    let charged: Vec<Span<'_>> = pairs.iter().filter_map(|pair| pair.charged(change)).collect();
    let mut credits = match change.mode {
        BillingMode::Classic => classic_credits(&credited, change.used),
        BillingMode::Flexible => flexible_credits(&credited),
    };
    let mut charges = charges(&charged, change);
    let mut lines = Vec::new();
    for pair in &pairs {
        lines.extend(credits.remove(pair.id()).unwrap_or_default());
        lines.extend(charges.remove(pair.id()));
    }
    lines
}

/// Marks what the lines of a change credit back, and drops debits that pay no time any more.
pub(crate) fn settle(debits: &mut Vec<Debit>, lines: &[ProrationLine]) {
    for credit in lines.iter().filter(|line| line.kind == Kind::Credit) {
        for debit in debits.iter_mut().filter(|debit| credit.covers(debit)) {
            debit.until = debit.until.min(credit.period.start);
        }
    }
    debits.retain(|debit| debit.until > debit.period.start);
}

impl ItemState {
    /// Returns what the item would be debited now for all of its period.
    #[cfg(test)]
    pub(crate) fn debit(&self, source: Arc<str>, cuts: Vec<Cut>) -> Debit {
        Debit {
            source,
            price: self.price.clone(),
            name: self.name.clone(),
            quantity: self.quantity,
            period: self.period,
            until: self.period.end,
            amount: self.amount - discount::sum(&cuts),
            cuts,
        }
    }

    /// Says whether both cost the same from now on, apart from how long they are billed.
    fn bills_like(&self, other: &Self) -> bool {
        (&self.price, self.quantity, self.period, self.trial)
            == (&other.price, other.quantity, other.period, other.trial)
    }

    fn line(&self) -> Line<'_> {
        Line { amount: self.amount, product: Some(&self.product), discountable: true }
    }
}

impl ProrationLine {
    /// Returns the debit that this line is, once it is on an invoice or an invoice item.
    ///
    /// `None` for credits and trials, which debit nothing. A full line's discounts are known to
    /// its invoice alone: make its debit with [`ItemState`].
    pub(crate) fn debit(&self, source: Arc<str>) -> Option<Debit> {
        (self.kind == Kind::Debit).then(|| Debit {
            source,
            price: self.price.clone(),
            name: self.name.clone(),
            quantity: self.quantity,
            period: self.period,
            until: self.period.end,
            amount: self.amount,
            cuts: self.cuts.clone(),
        })
    }

    /// Says whether this is a proration.
    pub(crate) fn is_proration(&self) -> bool {
        matches!(self.kind, Kind::Credit | Kind::Debit)
    }

    /// Returns the amount before discounts.
    #[cfg(test)]
    pub(crate) fn gross(&self) -> i64 {
        self.amount + discount::sum(&self.cuts)
    }

    fn covers(&self, debit: &Debit) -> bool {
        let meant = self.credits.as_ref().is_none_or(|source| *source == debit.source);
        meant && self.period.end >= debit.until
    }
}

/// An item before and after the change; at least one of the two is there.
struct Pair<'a> {
    before: Option<&'a ItemState>,
    after: Option<&'a ItemState>,
}

/// The time for which an item is credited or charged.
struct Span<'a> {
    item: &'a ItemState,
    time: Period,
    /// Whether the item was not billed for this period before.
    fresh: bool,
}

fn pairs<'a>(change: &Change<'a>) -> Vec<Pair<'a>> {
    let find = |items: &'a [ItemState], id: &str| items.iter().find(|item| &*item.id == id);
    let mut pairs: Vec<Pair<'a>> = change
        .before
        .iter()
        .map(|item| Pair { before: Some(item), after: find(change.after, &item.id) })
        .collect();
    for item in change.after.iter().filter(|item| find(change.before, &item.id).is_none()) {
        pairs.push(Pair { before: None, after: Some(item) });
    }
    pairs
}

impl<'a> Pair<'a> {
    fn id(&self) -> &'a str {
        let item = self.before.or(self.after).expect("one of the two is there");
        &item.id
    }

    /// Both sides, if nothing but the time until when it is billed may differ.
    fn kept(&self) -> Option<(&'a ItemState, &'a ItemState)> {
        let (before, after) = (self.before?, self.after?);
        before.bills_like(after).then_some((before, after))
    }

    /// What is not used any more.
    fn credited(&self, change: &Change<'_>) -> Option<Span<'a>> {
        let item = self.before.filter(|item| !item.trial)?;
        let start = match self.kept() {
            Some((_, after)) => after.until.max(change.at),
            None => change.at,
        };
        Span::of(item, Period { start, end: item.until })
    }

    /// What is billed from now on.
    fn charged(&self, change: &Change<'_>) -> Option<Span<'a>> {
        let item = self.after?;
        let start = match self.kept() {
            Some((before, _)) => before.until.max(change.at),
            None => change.at,
        };
        let span = Span::of(item, Period { start, end: item.until })?;
        let other = self.before.is_none_or(|before| before.period != item.period);
        Some(Span { fresh: change.renews && other, ..span })
    }
}

impl<'a> Span<'a> {
    /// `None` if no time is left.
    fn of(item: &'a ItemState, time: Period) -> Option<Self> {
        let time = Period { start: time.start.max(item.period.start), ..time };
        (time.length() > 0).then_some(Self { item, time, fresh: false })
    }

    /// Whether it is all of a new period, and so no proration.
    fn is_full(&self) -> bool {
        self.fresh && self.time == self.item.period
    }

    fn line(&self, kind: Kind, amount: i64, cuts: Vec<Cut>) -> ProrationLine {
        let item = self.item;
        ProrationLine {
            kind,
            item: item.id.clone(),
            price: item.price.clone(),
            quantity: item.quantity,
            period: self.time,
            amount,
            cuts,
            credits: None,
            description: describe(kind, item.quantity, &item.name, self.time.start),
            name: item.name.clone(),
        }
    }
}

/// The lines by subscription item.
type ByItem<'a, T> = HashMap<&'a str, T>;

/// In classic mode only the present counts, and an amount off is divided evenly among what this
/// very change credits.
fn classic_credits<'a>(spans: &[Span<'a>], used: &[Discount]) -> ByItem<'a, Vec<ProrationLine>> {
    let lines: Vec<Line<'_>> = spans.iter().map(|span| span.item.line()).collect();
    let cuts = discount::cuts(&lines, used, Division::Even);
    let line = |(span, cuts): (&Span<'a>, Vec<Cut>)| {
        let (amount, cuts) = part(span.item.amount, &cuts, span.item.period, span.time);
        let cuts = cuts.into_iter().map(|cut| Cut { amount: -cut.amount, ..cut }).collect();
        (&*span.item.id, vec![span.line(Kind::Credit, -amount, cuts)])
    };
    spans.iter().zip(cuts).map(line).collect()
}

/// In flexible mode each debit that pays for some of the time is credited by itself.
fn flexible_credits<'a>(spans: &[Span<'a>]) -> ByItem<'a, Vec<ProrationLine>> {
    let lines = |span: &Span<'a>| {
        let credits = span.item.debits.iter().filter_map(|debit| credit(span, debit)).collect();
        (&*span.item.id, credits)
    };
    spans.iter().map(lines).collect()
}

/// Gives back what a debit paid for the time from the span's start on.
fn credit(span: &Span<'_>, debit: &Debit) -> Option<ProrationLine> {
    let time = Period { start: span.time.start.max(debit.period.start), end: debit.until };
    if time.length() <= 0 {
        return None;
    }
    let gross = debit.amount + discount::sum(&debit.cuts);
    let (amount, cuts) = part(gross, &debit.cuts, debit.period, time);
    Some(ProrationLine {
        kind: Kind::Credit,
        item: span.item.id.clone(),
        price: debit.price.clone(),
        quantity: debit.quantity,
        period: time,
        amount: -amount,
        cuts: cuts.into_iter().map(|cut| Cut { amount: -cut.amount, ..cut }).collect(),
        credits: Some(debit.source.clone()),
        description: describe(Kind::Credit, debit.quantity, &debit.name, time.start),
        name: debit.name.clone(),
    })
}

/// What is billed from now on, one line an item.
fn charges<'a>(spans: &[Span<'a>], change: &Change<'a>) -> ByItem<'a, ProrationLine> {
    let mut charges = HashMap::new();
    for (span, cuts) in spans.iter().zip(charge_cuts(spans, change)) {
        let line = if span.item.trial {
            trial(span, change.mode)
        } else if span.is_full() {
            Some(span.line(Kind::Full, span.item.amount, Vec::new()))
        } else {
            let (amount, cuts) = part(span.item.amount, &cuts, span.item.period, span.time);
            Some(span.line(Kind::Debit, amount, cuts))
        };
        charges.extend(line.map(|line| (&*span.item.id, line)));
    }
    charges
}

/// What discounts take off the items that are charged, for a whole period. Flexible mode divides
/// them in proportion among all items, classic mode evenly among those of this change.
fn charge_cuts(spans: &[Span<'_>], change: &Change<'_>) -> Vec<Vec<Cut>> {
    if change.mode == BillingMode::Classic {
        let lines: Vec<Line<'_>> = spans.iter().map(|span| span.item.line()).collect();
        return discount::cuts(&lines, change.discounts, Division::Even);
    }
    let lines: Vec<Line<'_>> = change.after.iter().map(ItemState::line).collect();
    let cuts = discount::cuts(&lines, change.discounts, Division::Proportional);
    let cuts_of = |span: &Span<'_>| {
        let place = change.after.iter().position(|item| item.id == span.item.id);
        place.map(|place| cuts[place].clone()).unwrap_or_default()
    };
    spans.iter().map(cuts_of).collect()
}

/// Classic mode says nothing of changes within a trial; flexible mode has a line for each.
fn trial(span: &Span<'_>, mode: BillingMode) -> Option<ProrationLine> {
    let (quantity, name) = (span.item.quantity, &span.item.name);
    let description = match mode {
        BillingMode::Classic if !span.fresh => return None,
        BillingMode::Classic => format!("Trial period for {name}"),
        BillingMode::Flexible => format!("Free trial for {quantity} × {name}"),
    };
    Some(ProrationLine { description, ..span.line(Kind::Trial, 0, Vec::new()) })
}

/// The part of an amount, after and before discounts, that falls into `time`.
///
/// The amount after discounts is what is rounded; the discounts make up the rest.
fn part(gross: i64, cuts: &[Cut], period: Period, time: Period) -> (i64, Vec<Cut>) {
    let of_period = |amount| of_period(amount, period, time.start, time.end);
    let net = of_period(gross - discount::sum(cuts));
    let weights: Vec<i64> = cuts.iter().map(|cut| cut.amount).collect();
    let parts = in_proportion((of_period(gross) - net).max(0), &weights);
    let cut = |(cut, amount): (&Cut, i64)| Cut { discount: cut.discount.clone(), amount };
    (net, cuts.iter().zip(parts).map(cut).collect())
}

fn describe(kind: Kind, quantity: u64, name: &str, from: i64) -> String {
    let what = if quantity == 1 { name.to_owned() } else { format!("{quantity} × {name}") };
    let day = day_in_words(from);
    match kind {
        Kind::Credit => format!("Unused time on {what} after {day}"),
        Kind::Debit => format!("Remaining time on {what} after {day}"),
        Kind::Full | Kind::Trial => String::new(),
    }
}
