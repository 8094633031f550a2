//! How an invoice comes to be: for real, or as a preview that leaves the world as it is.

use serde_json::Value;

use super::{Draft, buyer, lines, sums};
use crate::money::calendar::DAY;
use crate::object::invoice::{Amounts, Attempts, Invoice, Moments, Status, SubscriptionDetails};
use crate::object::invoiceitem::InvoiceItem;
use crate::object::line_item::{LineItem, Period};
use crate::object::subscription::Subscription;
use crate::object::{Id, Object as _};
use crate::world::event::Change;
use crate::world::{Wake, World};

/// Makes a draft (`invoice.created`), and wakes it when it finalizes itself.
pub(crate) fn draft(world: &mut World, new: Draft) -> Id {
    let id = make(world, new);
    world.emit::<Invoice>("invoice.created", &id);
    id
}

/// Makes a draft without telling of it yet.
pub(super) fn make(world: &mut World, mut new: Draft) -> Id {
    buyer::settle_currency(world, &new.customer, new.currency);
    let id = world.new_id(Invoice::PREFIX);
    let waiting = taken_items(world, &new);
    let mut all = Vec::with_capacity(waiting.len() + new.lines.len());
    for item in waiting {
        all.push(put_item(world, &item, &id));
    }
    for line in std::mem::take(&mut new.lines) {
        if lines::needs_item(&line) {
            let item = lines::add_item(world, &new.customer, new.currency, line);
            all.push(put_item(world, &item, &id));
        } else {
            let line_id = world.new_id("il_");
            all.push(lines::period_line(world, line, new.currency, line_id, Some(id.clone())));
        }
    }
    let invoice = build(world, &new, id, all);
    let due = invoice.moments.automatically_finalizes_at;
    let id = invoice.id.clone();
    world.add(invoice);
    if let Some(due) = due {
        world.wake_at(Some(&new.customer), due, Wake::Invoice(id.clone()));
    }
    id
}

/// Answers the invoice that would be made, without making it.
pub(crate) fn preview(world: &World, new: &Draft) -> Value {
    serde_json::to_value(foresee(world, new)).expect("objects have text keys and plain numbers")
}

/// Tells of the invoice that will come (`invoice.upcoming`); its object has no id.
pub(crate) fn tell_upcoming(world: &mut World, new: &Draft, next_payment_attempt: i64) {
    let mut invoice = foresee(world, new);
    invoice.id = "".into();
    invoice.lines.iter_mut().for_each(|line| line.invoice = None);
    invoice.created = next_payment_attempt - world.settings.draft_secs;
    if invoice.is_charged() {
        invoice.attempts.next = Some(next_payment_attempt);
    }
    let after = serde_json::to_value(&invoice).expect("objects have text keys and plain numbers");
    let change = Change { after, before: None };
    let (about, customer) = (invoice.id, Some(&new.customer));
    world.tell("invoice.upcoming", &about, Invoice::NAME, customer, &change);
}

/// Puts a pending item on an invoice.
pub(super) fn put_item(world: &mut World, item: &Id, invoice: &Id) -> LineItem {
    let line_id = world.new_id("il_");
    world.edit::<InvoiceItem>(item, |item| item.invoice = Some(invoice.clone()));
    world.invoiceitems.own(invoice, item);
    lines::line_of(world.known::<InvoiceItem>(item), line_id, Some(invoice.clone()))
}

/// Returns the pending items that go on a draft, newest first. A subscription's own invoices also
/// take what waits for any invoice; one made by hand for a customer takes everything.
fn taken_items(world: &World, new: &Draft) -> Vec<Id> {
    if !new.takes_pending_items {
        return Vec::new();
    }
    let by_hand = new.billing_reason == "manual";
    lines::waiting(world, &new.customer)
        .filter(|item| item.currency == new.currency)
        .filter(|item| match (&new.subscription, &item.subscription) {
            (None, _) => true,
            (Some(_), None) => !by_hand,
            (Some(wanted), Some(found)) => wanted == found,
        })
        .map(|item| item.id.clone())
        .collect()
}

/// Ids in a preview name nothing; they only tell its lines apart.
fn foresee(world: &World, new: &Draft) -> Invoice {
    let tail = new.customer.trim_start_matches("cus_");
    let id: Id = format!("upcoming_in_{tail}").into();
    let mut all: Vec<LineItem> = Vec::new();
    for item in taken_items(world, new) {
        let line_id = format!("il_tmp_{tail}{}", all.len() + 1).into();
        all.push(lines::line_of(world.known::<InvoiceItem>(&item), line_id, Some(id.clone())));
    }
    for line in &new.lines {
        let line_id: Id = format!("il_tmp_{tail}{}", all.len() + 1).into();
        let (line, invoice) = (line.clone(), Some(id.clone()));
        all.push(if lines::needs_item(&line) && line.subscription_item.is_none() {
            let item_id = format!("ii_tmp_{tail}{}", all.len() + 1).into();
            let item = lines::item(world, item_id, &new.customer, new.currency, line);
            lines::line_of(&item, line_id, invoice)
        } else {
            lines::period_line(world, line, new.currency, line_id, invoice)
        });
    }
    let mut invoice = build(world, new, id, all);
    invoice.moments.automatically_finalizes_at = None;
    invoice
}

fn build(world: &World, new: &Draft, id: Id, lines: Vec<LineItem>) -> Invoice {
    let now = world.now_of(Some(&new.customer));
    let (start, end) = new.period.unwrap_or((now, now));
    let finalizes_at = new.auto_advance.then_some(now + world.settings.draft_secs);
    let charged = new.collection_method == "charge_automatically";
    let mut invoice = Invoice {
        id,
        customer: new.customer.clone(),
        currency: new.currency,
        created: now,
        status: Status::Draft,
        billing_reason: new.billing_reason,
        collection_method: new.collection_method,
        auto_advance: new.auto_advance,
        automatic_tax: false,
        amounts: Amounts::default(),
        attempts: Attempts { next: finalizes_at.filter(|_| charged), ..Attempts::default() },
        moments: Moments {
            automatically_finalizes_at: finalizes_at,
            days_until_due: new.days_until_due,
            due_date: new.days_until_due.filter(|_| !charged).map(|days| now + days * DAY),
            ..Moments::default()
        },
        period: Period { end, start },
        number: None,
        description: new.description.clone(),
        discounts: new.discounts.clone(),
        lines,
        default_payment_method: own_method(world, new),
        metadata: new.metadata.clone(),
        subscription: new.subscription.as_ref().map(|subscription| {
            Box::new(SubscriptionDetails {
                metadata: new.subscription_metadata.clone(),
                subscription: subscription.clone(),
                subscription_proration_date: new.proration_date,
            })
        }),
        buyer: buyer::show(world, &new.customer),
        uncollectible_reason: None,
        test_clock: world.clock_of(Some(&new.customer)),
        page: None,
        rare: buyer::print(world, &new.customer),
        overdue_told: false,
        intent: None,
    };
    let balance = buyer::balance(world, &new.customer, new.currency);
    sums::sum(world, &mut invoice, balance);
    invoice
}

/// The subscription's method is looked up when the invoice is paid, so that a new card counts for
/// a retry.
fn own_method(world: &World, new: &Draft) -> Option<Id> {
    let subscription = new.subscription.as_ref();
    let subscription = subscription.and_then(|id| world.get::<Subscription>(id).ok());
    let theirs = subscription.and_then(|subscription| subscription.default_payment_method.as_ref());
    new.default_payment_method.clone().filter(|own| Some(own) != theirs)
}
