//! The lines of invoices, and the invoice items that they stand on: what waits for the next
//! invoice, and what was put on one.

use super::NewLine;
use crate::money::currency::Currency;
use crate::object::Id;
use crate::object::invoiceitem::InvoiceItem;
use crate::object::line_item::{Credited, LineItem, Origin, Period, Pricing};
use crate::object::price::Price;
use crate::world::World;

/// Keeps a pending item for the next invoice (`invoiceitem.created`).
pub(crate) fn add_item(world: &mut World, customer: &Id, currency: Currency, line: NewLine) -> Id {
    super::buyer::settle_currency(world, customer, currency);
    let id = world.new_id(ITEM);
    let item = item(world, id, customer, currency, line);
    world.create(item, "invoiceitem.created")
}

/// Returns the pending items of a subscription, newest first; without one, those that belong to
/// no subscription.
pub(crate) fn pending(world: &World, customer: &Id, subscription: Option<&Id>) -> Vec<Id> {
    waiting(world, customer)
        .filter(|item| item.subscription.as_ref() == subscription)
        .map(|item| item.id.clone())
        .collect()
}

/// Deletes pending prorations of a subscription that is no more; other items stay.
pub(crate) fn drop_pending(world: &mut World, customer: &Id, subscription: &Id) {
    let own = waiting(world, customer)
        .filter(|item| item.subscription.as_ref() == Some(subscription) && item.proration);
    let own: Vec<Id> = own.map(|item| item.id.clone()).collect();
    for id in own {
        let deleted = world.delete::<InvoiceItem>(&id, Some("invoiceitem.deleted"));
        debug_assert!(deleted.is_ok(), "it was just listed");
    }
}

/// What ids of invoice items begin with.
const ITEM: &str = "ii_";

/// Returns every pending item of a customer, newest first.
pub(super) fn waiting<'a>(
    world: &'a World,
    customer: &str,
) -> impl Iterator<Item = &'a InvoiceItem> {
    world.invoiceitems.of(customer).filter(|item| item.invoice.is_none())
}

/// Makes an item, which no invoice has yet.
pub(super) fn item(
    world: &World,
    id: Id,
    customer: &Id,
    currency: Currency,
    line: NewLine,
) -> InvoiceItem {
    InvoiceItem {
        id,
        amount: line.amount,
        currency,
        customer: customer.clone(),
        date: world.now_of(Some(customer)),
        pricing: Some(pricing(world, &line)),
        description: line.description,
        discountable: line.discountable,
        discounts: line.discounts,
        invoice: None,
        metadata: line.metadata,
        subscription: line.subscription,
        subscription_item: line.subscription_item,
        period: Period { end: line.period.1, start: line.period.0 },
        proration: line.proration,
        credited: credited(line.credited),
        quantity: line.quantity.unwrap_or(1),
        test_clock: world.clock_of(Some(customer)),
    }
}

/// Returns the line that an item becomes.
pub(super) fn line_of(item: &InvoiceItem, id: Id, invoice: Option<Id>) -> LineItem {
    LineItem {
        id,
        amount: item.amount,
        currency: item.currency,
        description: item.description.clone(),
        discount_amounts: Vec::new(),
        discountable: item.discountable,
        discounts: item.discounts.clone(),
        invoice,
        metadata: item.metadata.clone(),
        origin: Origin {
            invoice_item: Some(item.id.clone()),
            subscription: item.subscription.clone(),
            subscription_item: item.subscription_item.clone(),
            proration: item.proration,
            credited: item.credited.clone(),
        },
        period: item.period,
        pricing: item.pricing.clone(),
        quantity: Some(item.quantity),
    }
}

/// Returns the line of a subscription's period, which needs no item.
pub(super) fn period_line(
    world: &World,
    new: NewLine,
    currency: Currency,
    id: Id,
    invoice: Option<Id>,
) -> LineItem {
    LineItem {
        id,
        amount: new.amount,
        currency,
        pricing: Some(pricing(world, &new)),
        description: new.description,
        discount_amounts: Vec::new(),
        discountable: new.discountable,
        discounts: new.discounts,
        invoice,
        metadata: new.metadata,
        origin: Origin {
            invoice_item: None,
            subscription: new.subscription,
            subscription_item: new.subscription_item,
            proration: new.proration,
            credited: credited(new.credited),
        },
        period: Period { end: new.period.1, start: new.period.0 },
        quantity: new.quantity,
    }
}

/// Says whether a line stands on an item of its own: prorations and single amounts do, a
/// subscription's period does not.
pub(super) fn needs_item(line: &NewLine) -> bool {
    line.proration || line.subscription_item.is_none()
}

fn credited(credited: Option<(Id, Vec<Id>)>) -> Option<Box<Credited>> {
    let (invoice, invoice_line_items) = credited?;
    Some(Box::new(Credited { invoice, invoice_line_items }))
}

/// A proration is worth what it says, not what its price says.
fn pricing(world: &World, line: &NewLine) -> Pricing {
    let price = line.price.as_ref().and_then(|id| world.get::<Price>(id).ok());
    let unit_amount_decimal = match price {
        Some(price) if !line.proration => price.unit_amount_decimal.clone(),
        _ => unit(line.amount, line.quantity.unwrap_or(1)),
    };
    Pricing {
        price: price.map(|price| (price.id.clone(), price.product.clone())),
        unit_amount_decimal,
    }
}

/// Returns what one of `quantity` costs, where that is a whole number of minor units.
pub(super) fn unit(amount: i64, quantity: i64) -> Option<String> {
    let rest = amount.checked_rem(quantity)?;
    (rest == 0).then(|| (amount / quantity).to_string())
}

/// Returns an item that says what a line says, to read a change of the line against.
pub(super) fn as_item(line: &LineItem, customer: &Id) -> InvoiceItem {
    InvoiceItem {
        id: line.id.clone(),
        amount: line.amount,
        currency: line.currency,
        customer: customer.clone(),
        date: line.period.start,
        description: line.description.clone(),
        discountable: line.discountable,
        discounts: line.discounts.clone(),
        invoice: line.invoice.clone(),
        metadata: line.metadata.clone(),
        subscription: line.origin.subscription.clone(),
        subscription_item: line.origin.subscription_item.clone(),
        period: line.period,
        pricing: line.pricing.clone(),
        proration: line.origin.proration,
        credited: line.origin.credited.clone(),
        quantity: line.quantity.unwrap_or(1),
        test_clock: None,
    }
}
