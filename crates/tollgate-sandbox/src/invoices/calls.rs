//! `/v1/invoices`: making and changing invoices, and the steps of their life.

use serde_json::Value;

use super::terms::{self, Collection};
use super::{Draft, buyer, close, collect, draft, finalize, sums};
use crate::catalog::discounts::{self, Purchase, Wanted};
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::object::customer::Customer;
use crate::object::invoice::{Invoice, Status};
use crate::object::invoice_payment::InvoicePayment;
use crate::object::invoiceitem::InvoiceItem;
use crate::object::payment_intent::{IntentStatus, PaymentIntent};
use crate::object::payment_method::PaymentMethod;
use crate::object::subscription::Subscription;
use crate::object::{Id, Metadata, Object as _};
use crate::params::Params;
use crate::payments::{self, Progress};
use crate::world::{Call, Outcome, Route, Wake, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/invoices", list),
    Route::post("/v1/invoices", create),
    Route::get("/v1/invoices/search", search),
    Route::get("/v1/invoices/{id}", |world, call| world.show::<Invoice>(call.id())),
    Route::post("/v1/invoices/{id}", update),
    Route::delete("/v1/invoices/{id}", delete),
    Route::post("/v1/invoices/{id}/finalize", finalize_one),
    Route::post("/v1/invoices/{id}/pay", pay),
    Route::post("/v1/invoices/{id}/send", send),
    Route::post("/v1/invoices/{id}/void", void),
    Route::post("/v1/invoices/{id}/mark_uncollectible", mark_uncollectible),
    Route::post("/v1/invoices/{id}/attach_payment", attach_payment),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (customer, subscription) = (params.text("customer"), params.text("subscription"));
    let (status, method) = (params.text("status"), params.text("collection_method"));
    let due = params.range("due_date");
    world.list::<Invoice>(call, subscription.or(customer), |invoice| {
        customer.is_none_or(|customer| *invoice.customer == *customer)
            && subscription
                .is_none_or(|wanted| invoice.subscription_id().is_some_and(|id| **id == *wanted))
            && status.is_none_or(|status| invoice.status.as_str() == status)
            && method.is_none_or(|method| invoice.collection_method == method)
            && due.is_none_or(|due| invoice.moments.due_date.is_some_and(|date| due.holds(date)))
    })
}

/// What can be searched for, and where it stands.
const SEARCHED: &[(&str, &str)] = &[
    ("created", "created"),
    ("currency", "currency"),
    ("customer", "customer"),
    ("last_finalization_error_code", "last_finalization_error.code"),
    ("last_finalization_error_type", "last_finalization_error.type"),
    ("metadata", "metadata"),
    ("number", "number"),
    ("receipt_number", "receipt_number"),
    ("status", "status"),
    ("subscription", "parent.subscription_details.subscription"),
    ("total", "total"),
];

fn search(world: &mut World, call: &Call) -> Outcome {
    world.search::<Invoice>(call, SEARCHED)
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let customer = world.need::<Customer>(params.need_text("customer")?, "customer")?;
    let (customer, usual) = (customer.id.clone(), customer.currency);
    let now = world.now_of(Some(&customer));
    terms::check(world, params, now)?;
    let subscription = own_subscription(world, params, &customer)?;
    let unset = Collection { method: "charge_automatically", days_until_due: None, due_date: None };
    let collection = terms::collection(params, &unset, now, now)?;
    let currency = match params.text("currency") {
        Some(code) => read_currency(params, code)?,
        None => usual.or(Currency::parse("usd")).expect("three letters"),
    };
    let takes_pending_items = match params.text("pending_invoice_items_behavior") {
        Some(behavior) => behavior == "include",
        None => call.version.as_ref().is_some_and(|version| version.date() < EXCLUDES_SINCE),
    };
    let wanted = wanted_discounts(world, params, &customer, currency)?;
    let method = own_method(world, params, &customer)?;
    let discounts = match wanted {
        Some(wanted) => discounts::make(world, Some(&customer), &wanted),
        None => customers_discount(world, &customer),
    };
    let details = subscription.map(|id| world.known::<Subscription>(&id).clone());
    let new = Draft {
        customer: customer.clone(),
        subscription: details.as_ref().map(|subscription| subscription.id.clone()),
        currency,
        billing_reason: "manual",
        collection_method: collection.method,
        days_until_due: collection.days_until_due,
        default_payment_method: method,
        description: None,
        lines: Vec::new(),
        takes_pending_items,
        discounts,
        auto_advance: params.flag("auto_advance").unwrap_or(false),
        metadata: Metadata::new(),
        subscription_metadata: details.map(|details| details.metadata).unwrap_or_default(),
        proration_date: None,
        period: None,
    };
    let id = draft::make(world, new);
    world.edit::<Invoice>(&id, |invoice| {
        terms::apply(invoice, params);
        invoice.moments.due_date = collection.due_date;
    });
    schedule(world, &id, params);
    world.emit::<Invoice>("invoice.created", &id);
    world.show::<Invoice>(&id)
}

/// Before this version, pending items went on an invoice unless a call said otherwise.
const EXCLUDES_SINCE: &str = "2022-08-01";

fn read_currency(params: &Params, code: &str) -> Result<Currency, StripeError> {
    Currency::parse(code)
        .ok_or_else(|| params.refuse("currency", format!("Invalid currency: {code}.")))
}

/// Finds the subscription that a call names; it has to be the customer's.
pub(super) fn own_subscription(
    world: &World,
    params: &Params,
    customer: &Id,
) -> Result<Option<Id>, StripeError> {
    let Some(id) = params.text("subscription") else { return Ok(None) };
    let subscription = world.need::<Subscription>(id, &params.path("subscription"))?;
    if subscription.customer != *customer {
        let message =
            format!("The subscription '{id}' does not belong to the customer '{customer}'.");
        return Err(params.refuse("subscription", message));
    }
    Ok(Some(subscription.id.clone()))
}

/// Finds the payment method that a call makes an invoice's default; it has to be the customer's.
fn own_method(
    world: &mut World,
    params: &Params,
    customer: &Id,
) -> Result<Option<Id>, StripeError> {
    let Some(name) = params.text("default_payment_method") else { return Ok(None) };
    let id = payments::method(world, name, Some(customer), "default_payment_method")?;
    if world.known::<PaymentMethod>(&id).customer.as_ref() == Some(customer) {
        return Ok(Some(id));
    }
    let message = format!(
        "The payment method '{name}' has to be attached to the customer '{customer}' first."
    );
    Err(params.refuse("default_payment_method", message))
}

/// Checks the discounts that a call names, where it names any or none.
fn wanted_discounts(
    world: &World,
    params: &Params,
    customer: &Id,
    currency: Currency,
) -> Result<Option<Vec<Wanted>>, StripeError> {
    if !params.has("discounts") && !params.cleared("discounts") {
        return Ok(None);
    }
    let purchase = Purchase { customer: Some(customer), currency: Some(currency), amount: None };
    discounts::check(world, purchase, params).map(Some)
}

/// Returns what an invoice inherits where a call names no discounts.
fn customers_discount(world: &World, customer: &Id) -> Vec<Id> {
    let discount = &world.known::<Customer>(customer).discount;
    let id = discount.as_ref().and_then(|discount| discount["id"].as_str());
    id.map(Id::from).into_iter().collect()
}

/// Moves the moment at which a draft finalizes itself, and of the first attempt, as a call asks.
fn schedule(world: &mut World, id: &Id, params: &Params) {
    let invoice = world.known::<Invoice>(id);
    let (customer, set) = (invoice.customer.clone(), invoice.moments.automatically_finalizes_at);
    let due = if invoice.status != Status::Draft || !invoice.auto_advance {
        None
    } else {
        let soon = world.now_of(Some(&customer)) + world.settings.draft_secs;
        params.int("automatically_finalizes_at").or(set).or(Some(soon))
    };
    world.edit::<Invoice>(id, |invoice| {
        invoice.moments.automatically_finalizes_at = due;
        if invoice.status == Status::Draft {
            invoice.attempts.next = due.filter(|_| invoice.is_charged());
        }
    });
    if let Some(due) = due.filter(|_| due != set) {
        world.wake_at(Some(&customer), due, Wake::Invoice(id.clone()));
    }
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let invoice = world.get::<Invoice>(call.id())?;
    let (id, customer) = (invoice.id.clone(), invoice.customer.clone());
    terms::check_editable(invoice, params)?;
    let moments = invoice.moments;
    let is = Collection {
        method: invoice.collection_method,
        days_until_due: moments.days_until_due,
        due_date: moments.due_date,
    };
    let (draft, created) = (invoice.status == Status::Draft, invoice.created);
    let currency = invoice.currency;
    let now = world.now_of(Some(&customer));
    terms::check(world, params, now)?;
    let collection = if draft { terms::collection(params, &is, created, now)? } else { is };
    let wanted = wanted_discounts(world, params, &customer, currency)?;
    let method = own_method(world, params, &customer)?;
    let discounts = wanted.map(|wanted| discounts::make(world, Some(&customer), &wanted));
    let before = world.known::<Invoice>(&id).clone();
    world.edit::<Invoice>(&id, |invoice| {
        terms::apply(invoice, params);
        invoice.collection_method = collection.method;
        invoice.moments.days_until_due = collection.days_until_due;
        invoice.moments.due_date = collection.due_date;
        if let Some(discounts) = discounts {
            invoice.discounts = discounts;
        }
        if method.is_some() {
            invoice.default_payment_method = method;
        }
    });
    schedule(world, &id, params);
    add_up(world, &id);
    restart_collection(world, &id, &before);
    world.tell_change("invoice.updated", &id, &before);
    world.show::<Invoice>(&id)
}

/// Computes a draft's sums anew, without telling.
pub(super) fn add_up(world: &mut World, id: &Id) {
    let mut invoice = world.known::<Invoice>(id).clone();
    if invoice.status != Status::Draft {
        return;
    }
    let balance = buyer::balance(world, &invoice.customer, invoice.currency);
    sums::sum(world, &mut invoice, balance);
    world.edit::<Invoice>(id, |place| *place = invoice);
}

/// An open invoice that advances again is tried again; one that no longer does is not.
fn restart_collection(world: &mut World, id: &Id, before: &Invoice) {
    let invoice = world.known::<Invoice>(id);
    if invoice.status != Status::Open || invoice.auto_advance == before.auto_advance {
        return;
    }
    let customer = invoice.customer.clone();
    let soon = world.now_of(Some(&customer)) + world.settings.draft_secs;
    let next = (invoice.auto_advance && invoice.is_charged()).then_some(soon);
    world.edit::<Invoice>(id, |invoice| invoice.attempts.next = next);
    if let Some(next) = next {
        world.wake_at(Some(&customer), next, Wake::Invoice(id.clone()));
    }
}

/// Deletes a draft. Its items wait for the next invoice again.
fn delete(world: &mut World, call: &Call) -> Outcome {
    let invoice = world.get::<Invoice>(call.id())?;
    if invoice.status != Status::Draft {
        let message = format!(
            "You can only delete draft invoices. This one is {}: void it instead.",
            invoice.status.as_str()
        );
        return Err(StripeError::invalid(message).code("invoice_not_editable"));
    }
    if invoice.billing_reason != "manual" {
        let message = "You can't delete invoices created by subscriptions: void them instead.";
        return Err(StripeError::invalid(message).code("invoice_not_editable"));
    }
    let on_it = invoice.lines.iter().filter_map(|line| line.origin.invoice_item.clone());
    for item in on_it.collect::<Vec<_>>() {
        world.edit::<InvoiceItem>(&item, |item| item.invoice = None);
    }
    world.delete::<Invoice>(call.id(), Some("invoice.deleted"))
}

fn finalize_one(world: &mut World, call: &Call) -> Outcome {
    let id = world.get::<Invoice>(call.id())?.id.clone();
    finalize::check(world, &id)?;
    if let Some(advances) = call.params.flag("auto_advance") {
        world.edit::<Invoice>(&id, |invoice| invoice.auto_advance = advances);
    }
    finalize::finalize(world, &id)?;
    collect::plan_first(world, &id);
    world.show::<Invoice>(&id)
}

fn pay(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let invoice = world.get::<Invoice>(call.id())?;
    let (id, customer, status) = (invoice.id.clone(), invoice.customer.clone(), invoice.status);
    terms::refuse_absent(params, &["mandate", "source"])?;
    if params.flag("forgive") == Some(true) {
        return Err(params.refuse("forgive", "`forgive` is not part of the sandbox."));
    }
    collect::check_payable(invoice)?;
    let out_of_band = params.flag("paid_out_of_band") == Some(true);
    if out_of_band && params.has("payment_method") {
        let message = "An invoice that was paid elsewhere is not charged to a payment method.";
        return Err(params.refuse("payment_method", message));
    }
    let named = match params.text("payment_method") {
        Some(name) => Some(payments::method(world, name, Some(&customer), "payment_method")?),
        None => None,
    };
    let free = world.known::<Invoice>(&id).amounts.due == 0;
    if !out_of_band && !free && named.is_none() && collect::method_of(world, &id).is_none() {
        return Err(collect::no_method());
    }
    if status == Status::Draft {
        finalize::finalize(world, &id)?;
    }
    if world.known::<Invoice>(&id).status == Status::Paid {
        return world.show::<Invoice>(&id);
    }
    if out_of_band {
        collect::settle_elsewhere(world, &id);
        return world.show::<Invoice>(&id);
    }
    let off_session = params.flag("off_session").unwrap_or(true);
    match collect::pay(world, &id, named.as_ref(), off_session)? {
        Progress::RequiresAction => Err(requires_action(world, &id)),
        _ => world.show::<Invoice>(&id),
    }
}

fn requires_action(world: &World, id: &Id) -> StripeError {
    let error = StripeError::card(
        "invoice_payment_intent_requires_action",
        None,
        "Payment for this invoice requires additional user action before it can be completed \
         successfully. Payment can be completed using the PaymentIntent associated with the \
         invoice.",
    );
    let intent = super::payment_intent(world, id).and_then(|id| crate::api::object(world, &id));
    error.with("payment_intent", intent.unwrap_or(Value::Null))
}

fn send(world: &mut World, call: &Call) -> Outcome {
    let invoice = world.get::<Invoice>(call.id())?;
    let (id, status, told) = (invoice.id.clone(), invoice.status, invoice.auto_advance);
    if invoice.is_charged() {
        let message = "You can only manually send an invoice if its collection method is \
                       `send_invoice`.";
        return Err(StripeError::invalid(message));
    }
    if !matches!(status, Status::Draft | Status::Open) {
        let message = format!("This invoice is {} and cannot be sent.", status.as_str());
        return Err(StripeError::invalid(message).code("invoice_not_editable"));
    }
    if status == Status::Draft {
        finalize::finalize(world, &id)?;
    }
    // A draft that advances by itself is sent by becoming final.
    if status == Status::Open || !told {
        world.emit::<Invoice>("invoice.sent", &id);
    }
    world.show::<Invoice>(&id)
}

fn void(world: &mut World, call: &Call) -> Outcome {
    let id = world.get::<Invoice>(call.id())?.id.clone();
    close::void(world, &id)?;
    world.show::<Invoice>(&id)
}

fn mark_uncollectible(world: &mut World, call: &Call) -> Outcome {
    let id = world.get::<Invoice>(call.id())?.id.clone();
    close::mark_uncollectible(world, &id)?;
    world.show::<Invoice>(&id)
}

/// Lets a payment intent pay for an open invoice; one that succeeded does so at once.
fn attach_payment(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    terms::refuse_absent(params, &["payment_record"])?;
    let invoice = world.get::<Invoice>(call.id())?;
    let intent =
        world.need::<PaymentIntent>(params.need_text("payment_intent")?, "payment_intent")?;
    if invoice.status != Status::Open {
        let message = "A payment can only be attached to an open invoice.";
        return Err(StripeError::invalid(message));
    }
    let refusal = if intent.currency != invoice.currency {
        Some("The payment is in another currency than the invoice.")
    } else if intent.customer.as_ref().is_some_and(|customer| *customer != invoice.customer) {
        Some("The payment belongs to another customer than the invoice.")
    } else if intent.invoice.is_some() {
        Some("The payment is attached to an invoice already.")
    } else if intent.status == IntentStatus::Canceled {
        Some("The payment was canceled.")
    } else {
        None
    };
    if let Some(message) = refusal {
        return Err(params.refuse("payment_intent", message));
    }
    let (id, customer) = (invoice.id.clone(), invoice.customer.clone());
    let (intent, amount, currency) = (intent.id.clone(), intent.amount, intent.currency);
    let paid = world.known::<PaymentIntent>(&intent).status == IntentStatus::Succeeded;
    let bond = InvoicePayment {
        id: world.new_id(InvoicePayment::PREFIX),
        amount_paid: None,
        amount_requested: amount,
        created: world.now_of(Some(&customer)),
        currency,
        invoice: id.clone(),
        is_default: false,
        payment_intent: intent.clone(),
        canceled_at: None,
        paid_at: None,
        customer,
    };
    world.add(bond);
    world.edit::<PaymentIntent>(&intent, |intent| intent.invoice = Some(id.clone()));
    if paid {
        collect::payment_succeeded(world, &id, &intent);
    }
    world.show::<Invoice>(&id)
}
