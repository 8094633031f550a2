//! `/v1/invoiceitems`: amounts that wait for an invoice, or are put on a draft at once.

use super::content::{self, Content};
use super::{buyer, calls, edit};
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::customer::Customer;
use crate::object::invoice::{Invoice, Status};
use crate::object::invoiceitem::InvoiceItem;
use crate::object::line_item::Period;
use crate::object::{Id, Metadata, Object as _};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/invoiceitems", list),
    Route::post("/v1/invoiceitems", create),
    Route::get("/v1/invoiceitems/{id}", |world, call| world.show::<InvoiceItem>(call.id())),
    Route::post("/v1/invoiceitems/{id}", update),
    Route::delete("/v1/invoiceitems/{id}", delete),
];

/// How many lines an invoice may have, and how many items a customer may have waiting.
pub(super) const LINES_MAX: usize = 250;

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (customer, invoice) = (params.text("customer"), params.text("invoice"));
    let pending = params.flag("pending");
    world.list::<InvoiceItem>(call, customer.or(invoice), |item| {
        customer.is_none_or(|customer| *item.customer == *customer)
            && invoice.is_none_or(|wanted| item.invoice.as_deref() == Some(wanted))
            && pending.is_none_or(|pending| item.invoice.is_none() == pending)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let on = match params.text("invoice") {
        Some(id) => Some(draft_named(world, params, id)?),
        None => None,
    };
    let customer = match (params.text("customer"), &on) {
        (Some(id), _) => world.need::<Customer>(id, "customer")?.id.clone(),
        (None, Some(invoice)) => world.known::<Invoice>(invoice).customer.clone(),
        (None, None) => return Err(params.missing("customer")),
    };
    if on.as_ref().is_some_and(|id| world.known::<Invoice>(id).customer != customer) {
        return Err(params.refuse("invoice", "The invoice belongs to another customer."));
    }
    let subscription = calls::own_subscription(world, params, &customer)?;
    let waiting = super::lines::waiting(world, &customer).count();
    if on.is_none() && waiting >= LINES_MAX {
        return Err(params.refuse("customer", too_many("pending items of a customer")));
    }
    let content = content::read(world, params, &customer, None)?;
    let currency = currency(world, params, &content, &customer, on.as_ref())?;
    let id = add(world, params, content, &customer, currency, subscription, on.as_ref());
    if let Some(invoice) = &on {
        edit::add(world, invoice, std::slice::from_ref(&id), |_| {});
    }
    world.show::<InvoiceItem>(&id)
}

/// Makes an item (`invoiceitem.created`); `on` is the draft that it will stand on.
pub(super) fn add(
    world: &mut World,
    params: &Params,
    content: Content,
    customer: &Id,
    currency: Currency,
    subscription: Option<Id>,
    on: Option<&Id>,
) -> Id {
    buyer::settle_currency(world, customer, currency);
    let now = world.now_of(Some(customer));
    let cost = content.cost.as_ref();
    let mut item = InvoiceItem {
        id: world.new_id(InvoiceItem::PREFIX),
        amount: 0,
        currency,
        customer: customer.clone(),
        date: now,
        description: cost.and_then(|cost| cost.name.clone()),
        discountable: cost.is_none_or(|cost| cost.amount >= 0),
        discounts: Vec::new(),
        invoice: on.cloned(),
        metadata: Metadata::new(),
        subscription,
        subscription_item: None,
        period: Period { end: now, start: now },
        pricing: None,
        proration: false,
        credited: None,
        quantity: 1,
        test_clock: world.clock_of(Some(customer)),
    };
    let redeemed = content::redeem(world, customer, &content);
    content::apply(&mut item, content, redeemed, params);
    world.create(item, "invoiceitem.created")
}

/// Finds the draft that a call puts items on.
fn draft_named(world: &World, params: &Params, id: &str) -> Result<Id, StripeError> {
    let invoice = world.need::<Invoice>(id, "invoice")?;
    check_room(invoice, 1).map_err(|error| match error.text("param") {
        "" => error.with("param", params.path("invoice")),
        _ => error,
    })?;
    Ok(invoice.id.clone())
}

/// Refuses to change the lines of an invoice that is final, or to give it too many.
pub(super) fn check_room(invoice: &Invoice, more: usize) -> Result<(), StripeError> {
    if invoice.status != Status::Draft {
        let message = format!(
            "The invoice {} is {}; items can only be put on a draft or changed there.",
            invoice.id,
            invoice.status.as_str()
        );
        return Err(StripeError::invalid(message).code("invoice_not_editable"));
    }
    if invoice.lines.len() + more > LINES_MAX {
        return Err(StripeError::invalid(too_many("lines of an invoice")));
    }
    Ok(())
}

fn too_many(what: &str) -> String {
    format!("There are at most {LINES_MAX} {what}.")
}

/// Settles in which currency an item is: its price's, the invoice's, the customer's.
pub(super) fn currency(
    world: &World,
    params: &Params,
    content: &Content,
    customer: &Id,
    on: Option<&Id>,
) -> Result<Currency, StripeError> {
    let named = match params.text("currency") {
        Some(code) => Some(
            Currency::parse(code)
                .ok_or_else(|| params.refuse("currency", format!("Invalid currency: {code}.")))?,
        ),
        None => None,
    };
    let priced = content.cost.as_ref().and_then(|cost| cost.currency);
    let invoiced = on.map(|id| world.known::<Invoice>(id).currency);
    let usual = world.get::<Customer>(customer).ok().and_then(|customer| customer.currency);
    let currency = named.or(priced).or(invoiced).or(usual);
    let currency = currency.ok_or_else(|| params.missing("currency"))?;
    let differs = |other: Option<Currency>| other.is_some_and(|other| other != currency);
    if differs(priced) {
        return Err(params.refuse("currency", "The price is in another currency."));
    }
    if differs(invoiced) {
        return Err(params.refuse("currency", "The invoice is in another currency."));
    }
    Ok(currency)
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let item = world.get::<InvoiceItem>(call.id())?.clone();
    if let Some(invoice) = &item.invoice {
        check_room(world.known::<Invoice>(invoice), 0)?;
    }
    let content = content::read(world, params, &item.customer, Some(&item))?;
    check_same_currency(params, &content, item.currency)?;
    let redeemed = content::redeem(world, &item.customer, &content);
    world.edit::<InvoiceItem>(&item.id, |item| content::apply(item, content, redeemed, params));
    if let Some(invoice) = &item.invoice {
        edit::refresh(world, invoice, std::slice::from_ref(&item.id), |_| {});
    }
    world.show::<InvoiceItem>(&item.id)
}

/// An item keeps its currency.
pub(super) fn check_same_currency(
    params: &Params,
    content: &Content,
    currency: Currency,
) -> Result<(), StripeError> {
    let other = content.cost.as_ref().and_then(|cost| cost.currency);
    if other.is_some_and(|other| other != currency) {
        return Err(params.refuse("pricing", "The price is in another currency than the item."));
    }
    Ok(())
}

fn delete(world: &mut World, call: &Call) -> Outcome {
    let item = world.get::<InvoiceItem>(call.id())?.clone();
    if let Some(invoice) = &item.invoice {
        check_room(world.known::<Invoice>(invoice), 0)?;
    }
    let answer = world.delete::<InvoiceItem>(&item.id, Some("invoiceitem.deleted"))?;
    if let Some(invoice) = &item.invoice {
        edit::take_off(world, invoice, &[item.id], |_| {});
    }
    Ok(answer)
}
