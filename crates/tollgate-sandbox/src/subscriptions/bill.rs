//! What a subscription puts on its invoices: lines for periods, prorations, and the drafts
//! themselves.

use crate::catalog::discounts;
use crate::invoices::{self, Draft, NewLine};
use crate::money::calendar::{Cycle, Period};
use crate::money::discount::Discount;
use crate::money::price::{describe, rate};
use crate::money::proration::{self, BillingMode, Change, Debit, ItemState, Kind, ProrationLine};
use crate::object::product::Product;
use crate::object::subscription::{Status, Subscription};
use crate::object::subscription_item::SubscriptionItem;
use crate::object::{Id, Metadata};
use crate::world::World;

use super::debits;

/// A line for an invoice, and what it debits if that does not stand in the line itself.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) new: NewLine,
    /// Of a proration: what flexible billing may give back of it. Its source is not yet known.
    pub(super) debit: Option<Debit>,
}

impl From<NewLine> for Line {
    fn from(new: NewLine) -> Self {
        Self { new, debit: None }
    }
}

/// Returns a line for the current period of each item that `due` names. A period that is cut
/// short, by an anchor in the future or by `cancel_at`, is charged by the second.
pub(super) fn period_lines(
    world: &World,
    subscription: &Subscription,
    due: impl Fn(&SubscriptionItem) -> bool,
) -> Vec<Line> {
    let (whole, short): (Vec<_>, Vec<_>) = subscription
        .items
        .data
        .iter()
        .filter(|item| due(item))
        .partition(|item| is_whole(subscription, item) || item.price.is_metered());
    let mut lines: Vec<Line> =
        whole.into_iter().map(|item| period_line(world, subscription, item).into()).collect();
    if !short.is_empty() {
        lines.extend(short_lines(world, subscription, &short));
    }
    lines
}

/// Returns a line for a whole period of each item.
pub(super) fn whole_lines(world: &World, subscription: &Subscription) -> Vec<Line> {
    let items = subscription.items.data.iter();
    items.map(|item| period_line(world, subscription, item).into()).collect()
}

fn is_whole(subscription: &Subscription, item: &SubscriptionItem) -> bool {
    let period = whole_period(subscription, item);
    subscription.status == Status::Trialing
        || (item.current_period_start <= period.start && until(subscription, period) == period.end)
}

/// Returns the whole period that an item's current one is, or is a part of.
fn whole_period(subscription: &Subscription, item: &SubscriptionItem) -> Period {
    let own = Period { start: item.current_period_start, end: item.current_period_end };
    let Some(interval) = item.price.interval() else { return own };
    let cycle = Cycle { anchor: subscription.billing_cycle_anchor, interval };
    let whole = cycle.period_containing(own.start);
    if subscription.status != Status::Trialing && whole.end == own.end { whole } else { own }
}

/// Returns until when of a period the subscription is billed.
fn until(subscription: &Subscription, period: Period) -> i64 {
    subscription.cancel_at.map_or(period.end, |at| at.clamp(period.start, period.end))
}

fn short_lines(
    world: &World,
    subscription: &Subscription,
    items: &[&SubscriptionItem],
) -> Vec<Line> {
    let Some(start) = items.iter().map(|item| item.current_period_start).min() else {
        return Vec::new();
    };
    if subscription.hidden.free_until.is_some_and(|until| start < until) {
        return Vec::new();
    }
    let states: Vec<ItemState> =
        items.iter().map(|item| state(world, subscription, item)).collect();
    let terms = terms(world, subscription, &discounts::foresee(world, subscription, start));
    let change = Change {
        at: start,
        mode: mode(subscription),
        renews: false,
        before: &[],
        after: &states,
        used: &[],
        discounts: &terms,
    };
    let lines = proration::prorate(&change);
    lines.iter().map(|line| proration_line(world, subscription, line)).collect()
}

fn period_line(world: &World, subscription: &Subscription, item: &SubscriptionItem) -> NewLine {
    let trial = subscription.status == Status::Trialing;
    let quantity = item.quantity.map_or(0, |quantity| quantity.max(0));
    let name = product_name(world, &item.price.product);
    let written = match item.price.interval() {
        _ if trial && subscription.billing_mode.is_flexible() => {
            format!("Free trial for {quantity} × {name}")
        }
        _ if trial => format!("Trial period for {name}"),
        Some(interval) => {
            let count = u64::try_from(quantity).unwrap_or(0);
            describe(count, &name, &rate(item.price.unit(), subscription.currency, interval))
        }
        None => name,
    };
    NewLine {
        amount: if trial { 0 } else { item.price.amount(quantity) },
        description: Some(written),
        price: Some(item.price.id.clone()),
        quantity: item.quantity,
        period: (item.current_period_start, item.current_period_end),
        subscription: Some(subscription.id.clone()),
        subscription_item: Some(item.id.clone()),
        proration: false,
        credited: None,
        discountable: true,
        discounts: item.discounts.clone(),
        metadata: item.metadata.clone(),
    }
}

/// Returns a product's name; a product that is gone has none.
pub(super) fn product_name(world: &World, product: &str) -> String {
    world.get::<Product>(product).map_or_else(|_| String::new(), |product| product.name.clone())
}

/// Returns the items as prorations see them; what is billed by usage is not prorated.
pub(super) fn states(world: &World, subscription: &Subscription) -> Vec<ItemState> {
    let licensed = subscription.items.data.iter().filter(|item| !item.price.is_metered());
    licensed.map(|item| state(world, subscription, item)).collect()
}

fn state(world: &World, subscription: &Subscription, item: &SubscriptionItem) -> ItemState {
    let period = whole_period(subscription, item);
    ItemState {
        id: item.id.clone(),
        price: item.price.id.clone(),
        product: item.price.product.clone(),
        name: product_name(world, &item.price.product).into(),
        quantity: u64::try_from(item.count()).unwrap_or(0),
        amount: item.price.amount(item.count()),
        period,
        until: until(subscription, period),
        trial: subscription.status == Status::Trialing,
        debits: item.debits.clone(),
    }
}

/// Returns what discounts take off: those of the items first, each for its product, then those of
/// the whole subscription.
pub(super) fn terms(world: &World, subscription: &Subscription, whole: &[Id]) -> Vec<Discount> {
    let mut terms = Vec::new();
    for item in &subscription.items.data {
        for id in &item.discounts {
            let own = discounts::terms(world, id, subscription.currency);
            let products = Some(vec![item.price.product.clone()]);
            terms.extend(own.map(|terms| Discount { products, ..terms }));
        }
    }
    terms.extend(whole.iter().filter_map(|id| discounts::terms(world, id, subscription.currency)));
    terms
}

/// Returns a subscription's way to count prorations.
pub(super) fn mode(subscription: &Subscription) -> BillingMode {
    if subscription.billing_mode.is_flexible() {
        BillingMode::Flexible
    } else {
        BillingMode::Classic
    }
}

/// Returns a line of a change as a line of an invoice.
pub(super) fn proration_line(
    world: &World,
    subscription: &Subscription,
    line: &ProrationLine,
) -> Line {
    if line.kind == Kind::Full {
        let item = subscription.items.data.iter().find(|item| item.id == line.item);
        let item = item.expect("what is billed in full is an item of it");
        return period_line(world, subscription, item).into();
    }
    let new = NewLine {
        amount: line.amount,
        description: Some(line.description.clone()),
        price: Some(line.price.clone()),
        quantity: i64::try_from(line.quantity).ok(),
        period: (line.period.start, line.period.end),
        subscription: Some(subscription.id.clone()),
        subscription_item: Some(line.item.clone()),
        proration: line.is_proration(),
        credited: line
            .credits
            .as_ref()
            .and_then(|source| debits::credited(world, &subscription.id, source)),
        discountable: false,
        discounts: Vec::new(),
        metadata: Metadata::new(),
    };
    Line { new, debit: line.debit("".into()) }
}

/// An invoice that a subscription asks for.
#[derive(Debug, Default, Clone)]
pub(super) struct Bill {
    pub(super) lines: Vec<Line>,
    /// The invoice's `billing_reason`.
    pub(super) reason: &'static str,
    /// Whether pending items go on it.
    pub(super) takes_pending: bool,
    /// Whether it stays a draft until somebody acts.
    pub(super) stays_draft: bool,
    pub(super) proration_date: Option<i64>,
    /// The period of the invoice itself: the one that is over, as Stripe has it.
    pub(super) period: Option<(i64, i64)>,
}

/// Makes a draft for a subscription, and notes it as the latest one and what it debits.
pub(super) fn draft(world: &mut World, id: &Id, bill: &Bill) -> Id {
    let now = world.now_of(Some(&world.known::<Subscription>(id).customer.clone()));
    let discounts = discounts::for_subscription(world, id, now);
    let invoice = draft_only(world, id, bill, discounts);
    debits::remember(world, id, &invoice, &bill.lines);
    invoice
}

/// Makes a draft whose lines debit nothing yet, because they may never be paid.
pub(super) fn draft_only(world: &mut World, id: &Id, bill: &Bill, discounts: Vec<Id>) -> Id {
    let new = describe_draft(world.known::<Subscription>(id), discounts, bill);
    let invoice = invoices::draft(world, new);
    world.edit::<Subscription>(id, |subscription| {
        subscription.latest_invoice = Some(invoice.clone());
    });
    invoice
}

/// Returns the invoice that a subscription asks for, without making it.
pub(super) fn describe_draft(
    subscription: &Subscription,
    discounts: Vec<Id>,
    bill: &Bill,
) -> Draft {
    Draft {
        customer: subscription.customer.clone(),
        subscription: Some(subscription.id.clone()),
        currency: subscription.currency,
        billing_reason: bill.reason,
        collection_method: subscription.collection_method,
        days_until_due: subscription.days_until_due,
        default_payment_method: subscription.default_payment_method.clone(),
        description: None,
        lines: bill.lines.iter().map(|line| line.new.clone()).collect(),
        takes_pending_items: bill.takes_pending,
        discounts,
        auto_advance: !bill.stays_draft,
        metadata: Metadata::new(),
        subscription_metadata: subscription.metadata.clone(),
        proration_date: bill.proration_date,
        period: bill.period,
    }
}
