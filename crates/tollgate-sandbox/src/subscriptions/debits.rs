//! What was billed for each item, on invoices and as pending items: flexible billing gives that
//! back when the time is not used.

use crate::invoices;
use crate::money::discount::{Cut, Discount};
use crate::money::proration::{self, Debit, ProrationLine};
use crate::object::Id;
use crate::object::invoice::Invoice;
use crate::object::invoiceitem::InvoiceItem;
use crate::object::line_item::LineItem;
use crate::object::subscription::{Status, Subscription};
use crate::world::World;

use super::bill::{self, Line};

/// Notes what an invoice debits the items of its subscription. `lines` are those that the
/// subscription itself put on it, which are the last ones.
pub(super) fn remember(world: &mut World, subscription: &Id, invoice: &Id, lines: &[Line]) {
    let billed = billed(world, world.known::<Subscription>(subscription), invoice, lines);
    world.edit::<Subscription>(subscription, |subscription| billed.note(subscription));
}

/// What an invoice bills a subscription.
pub(super) struct Billed {
    debits: Vec<(Id, Debit)>,
    discounts: Vec<Discount>,
}

/// Returns what an invoice bills; time on trial is not paid for.
pub(super) fn billed(
    world: &World,
    subscription: &Subscription,
    invoice: &Id,
    lines: &[Line],
) -> Billed {
    let found = world.known::<Invoice>(invoice);
    let discounts = bill::terms(world, subscription, &found.discounts);
    if subscription.status == Status::Trialing {
        return Billed { debits: Vec::new(), discounts };
    }
    let own = found.lines.len().saturating_sub(lines.len());
    let pairs = lines.iter().zip(&found.lines[own..]);
    let debits = pairs.filter_map(|(line, on)| debit(world, line, on)).collect();
    Billed { debits, discounts }
}

impl Billed {
    /// Notes it in the subscription.
    pub(super) fn note(self, subscription: &mut Subscription) {
        subscription.hidden.used_discounts = self.discounts;
        for (item, debit) in self.debits {
            note(subscription, &item, debit);
        }
    }
}

/// Notes that a pending item debits a subscription's item.
pub(super) fn note(subscription: &mut Subscription, item: &Id, debit: Debit) {
    if let Some(item) = subscription.items.data.iter_mut().find(|one| one.id == *item) {
        item.debits.push(debit);
    }
}

/// Marks what the lines of a change give back.
pub(super) fn settle(subscription: &mut Subscription, lines: &[ProrationLine]) {
    for item in &mut subscription.items.data {
        let own: Vec<ProrationLine> =
            lines.iter().filter(|line| line.item == item.id).cloned().collect();
        proration::settle(&mut item.debits, &own);
    }
}

/// Forgets what paid for time that is over.
pub(super) fn forget(subscription: &mut Subscription, before: i64) {
    for item in &mut subscription.items.data {
        item.debits.retain(|debit| debit.until > before);
    }
}

/// Returns the invoice, and the line on it, that a credit gives back, once there is one.
pub(super) fn credited(world: &World, subscription: &Id, source: &Id) -> Option<(Id, Vec<Id>)> {
    if let Ok(item) = world.get::<InvoiceItem>(source) {
        let invoice = world.get::<Invoice>(item.invoice.as_ref()?).ok()?;
        let line =
            invoice.lines.iter().find(|line| line.origin.invoice_item.as_ref() == Some(source))?;
        return Some((invoice.id.clone(), vec![line.id.clone()]));
    }
    let mut invoices = world.invoices.of(subscription);
    let invoice = invoices.find(|invoice| invoice.lines.iter().any(|line| line.id == *source))?;
    Some((invoice.id.clone(), vec![source.clone()]))
}

fn debit(world: &World, line: &Line, on: &LineItem) -> Option<(Id, Debit)> {
    let item = on.origin.subscription_item.clone()?;
    if let Some(debit) = &line.debit {
        let source = on.origin.invoice_item.clone().unwrap_or_else(|| on.id.clone());
        return Some((item, Debit { source, ..debit.clone() }));
    }
    if on.origin.proration || on.amount == 0 {
        return None;
    }
    let (price, product) = on.pricing.as_ref()?.price.clone()?;
    let period = crate::money::calendar::Period { start: on.period.start, end: on.period.end };
    let cuts: Vec<Cut> = on
        .discount_amounts
        .iter()
        .map(|one| Cut { discount: one.discount.clone(), amount: one.amount })
        .collect();
    let off: i64 = cuts.iter().map(|cut| cut.amount).sum();
    let debit = Debit {
        source: on.id.clone(),
        price,
        name: bill::product_name(world, &product).into(),
        quantity: on.quantity.and_then(|quantity| u64::try_from(quantity).ok()).unwrap_or(0),
        period,
        until: period.end,
        amount: on.amount - off,
        cuts,
    };
    Some((item, debit))
}

/// Keeps the lines of a change as pending items, each with what it debits.
pub(super) fn keep_pending(world: &mut World, id: &Id, lines: Vec<Line>) {
    let subscription = world.known::<Subscription>(id);
    let (customer, currency) = (subscription.customer.clone(), subscription.currency);
    for Line { new, debit } in lines {
        let item = new.subscription_item.clone();
        let source = invoices::add_item(world, &customer, currency, new);
        if let (Some(item), Some(debit)) = (item, debit) {
            world.edit::<Subscription>(id, |subscription| {
                note(subscription, &item, Debit { source, ..debit });
            });
        }
    }
}
