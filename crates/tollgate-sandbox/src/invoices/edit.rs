//! The lines of a draft: `add_lines`, `update_lines`, `remove_lines` and `lines`. A line that
//! stands on an item changes through its item; each call makes one `invoice.updated`.

use super::content::{self, Content};
use super::{calls, draft, items, lines};
use crate::error::StripeError;
use crate::object::invoice::Invoice;
use crate::object::invoiceitem::InvoiceItem;
use crate::object::line_item::LineItem;
use crate::object::{Id, change_metadata, change_text};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World, page};

pub(super) const ROUTES: &[Route] = &[
    Route::post("/v1/invoices/{id}/add_lines", add_lines),
    Route::post("/v1/invoices/{id}/update_lines", update_lines),
    Route::post("/v1/invoices/{id}/remove_lines", remove_lines),
    Route::get("/v1/invoices/{id}/lines", list),
    Route::post("/v1/invoices/{invoice}/lines/{id}", update_line),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let invoice = world.get::<Invoice>(call.id())?;
    let (lines, url) = (&invoice.lines, invoice.lines_url());
    page(
        call,
        "line_item",
        &url,
        lines,
        |line| &line.id,
        |_| true,
        |line| serde_json::to_value(line).expect("objects have text keys and plain numbers"),
    )
}

/// What a call does with a line of `lines`.
enum Step {
    Puts(Id),
    Makes(Params, Content),
}

fn add_lines(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let given = params.list("lines").ok_or_else(|| params.missing("lines"))?;
    let invoice = world.get::<Invoice>(call.id())?;
    items::check_room(invoice, given.len())?;
    let (id, customer, currency) = (invoice.id.clone(), invoice.customer.clone(), invoice.currency);
    let mut steps = Vec::with_capacity(given.len());
    for line in given {
        if let Some(item) = line.text("invoice_item") {
            steps.push(Step::Puts(waiting_item(world, &line, item, &id)?));
        } else {
            let content = content::read(world, &line, &customer, None)?;
            items::check_same_currency(&line, &content, currency)?;
            steps.push(Step::Makes(line, content));
        }
    }
    let mut added = Vec::with_capacity(steps.len());
    for step in steps {
        added.push(match step {
            Step::Puts(item) => item,
            Step::Makes(line, content) => {
                items::add(world, &line, content, &customer, currency, None, Some(&id))
            }
        });
    }
    add(world, &id, &added, |invoice| set_metadata(invoice, params));
    world.show::<Invoice>(&id)
}

/// Finds a pending item that a call puts on an invoice.
fn waiting_item(world: &World, line: &Params, item: &str, invoice: &Id) -> Result<Id, StripeError> {
    let found = world.need::<InvoiceItem>(item, &line.path("invoice_item"))?;
    let invoice = world.known::<Invoice>(invoice);
    let refusal = if found.invoice.is_some() {
        Some("The invoice item is on an invoice already.")
    } else if found.customer != invoice.customer {
        Some("The invoice item belongs to another customer.")
    } else if found.currency != invoice.currency {
        Some("The invoice item is in another currency than the invoice.")
    } else {
        None
    };
    match refusal {
        Some(message) => Err(line.refuse("invoice_item", message)),
        None => Ok(found.id.clone()),
    }
}

fn update_lines(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let given = params.list("lines").ok_or_else(|| params.missing("lines"))?;
    let invoice = world.get::<Invoice>(call.id())?;
    items::check_room(invoice, 0)?;
    let id = invoice.id.clone();
    let mut changes = Vec::with_capacity(given.len());
    for line in given {
        let name = line.need_text("id")?.to_owned();
        let found = find(world, &id, &name, &line.path("id"))?;
        changes.push(read(world, &id, found, line)?);
    }
    write(world, &id, changes, |invoice| set_metadata(invoice, params));
    world.show::<Invoice>(&id)
}

fn update_line(world: &mut World, call: &Call) -> Outcome {
    let invoice = world.get::<Invoice>(call.id())?;
    items::check_room(invoice, 0)?;
    let id = invoice.id.clone();
    let name = call.ids.get(1).cloned().unwrap_or_default();
    let found = find(world, &id, &name, "id").map_err(|error| error.status(404))?;
    let change = read(world, &id, found, call.params.clone())?;
    write(world, &id, vec![change], |_| {});
    let lines = &world.known::<Invoice>(&id).lines;
    let line = lines.iter().find(|line| *line.id == *name).expect("it was just changed");
    Ok(serde_json::to_value(line).expect("objects have text keys and plain numbers"))
}

fn remove_lines(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let given = params.list("lines").ok_or_else(|| params.missing("lines"))?;
    let invoice = world.get::<Invoice>(call.id())?;
    items::check_room(invoice, 0)?;
    let id = invoice.id.clone();
    let mut gone = Vec::with_capacity(given.len());
    for line in &given {
        let found = find(world, &id, line.need_text("id")?, &line.path("id"))?;
        let item = world.known::<Invoice>(&id).lines[found].origin.invoice_item.clone();
        let message = "The line of a subscription's period cannot be removed.";
        let item = item.ok_or_else(|| line.refuse("id", message))?;
        gone.push((item, line.need_text("behavior")? == "delete"));
    }
    for (item, deletes) in &gone {
        if *deletes {
            world.delete::<InvoiceItem>(item, Some("invoiceitem.deleted"))?;
        } else {
            world.edit::<InvoiceItem>(item, |item| item.invoice = None);
        }
    }
    let ids: Vec<Id> = gone.into_iter().map(|(item, _)| item).collect();
    take_off(world, &id, &ids, |invoice| set_metadata(invoice, params));
    world.show::<Invoice>(&id)
}

fn find(world: &World, invoice: &Id, line: &str, param: &str) -> Result<usize, StripeError> {
    let lines = &world.known::<Invoice>(invoice).lines;
    let place = lines.iter().position(|found| *found.id == *line);
    place.ok_or_else(|| StripeError::no_such_param("line_item", line, param))
}

/// A checked change of one line.
struct Change {
    line: usize,
    content: Content,
    params: Params,
}

/// The line of a period keeps what its subscription says; the rest of it can be changed.
fn read(
    world: &mut World,
    invoice: &Id,
    line: usize,
    params: Params,
) -> Result<Change, StripeError> {
    let found = world.known::<Invoice>(invoice);
    let (customer, currency) = (found.customer.clone(), found.currency);
    let item = found.lines[line].origin.invoice_item.clone();
    let known = match item {
        Some(item) => world.known::<InvoiceItem>(&item).clone(),
        None => {
            const FIXED: [&str; 6] =
                ["amount", "price_data", "pricing", "quantity", "quantity_decimal", "unit_amount"];
            if let Some(name) = FIXED.iter().find(|name| params.has(name)) {
                let message =
                    "What a subscription's period costs is changed with the subscription.";
                return Err(params.refuse(name, message));
            }
            lines::as_item(&found.lines[line], &customer)
        }
    };
    let content = content::read(world, &params, &customer, Some(&known))?;
    items::check_same_currency(&params, &content, currency)?;
    Ok(Change { line, content, params })
}

/// Writes checked changes of lines.
fn write(world: &mut World, invoice: &Id, changes: Vec<Change>, also: impl FnOnce(&mut Invoice)) {
    let before = world.known::<Invoice>(invoice).clone();
    for Change { line, content, params } in changes {
        let redeemed = content::redeem(world, &before.customer, &content);
        match before.lines[line].origin.invoice_item.clone() {
            Some(item) => {
                world.edit::<InvoiceItem>(&item, |item| {
                    content::apply(item, content, redeemed, &params);
                });
                renew_line(world, invoice, &item);
            }
            None => world.edit::<Invoice>(invoice, |invoice| {
                change_period_line(&mut invoice.lines[line], &content, redeemed, &params);
            }),
        }
    }
    finish(world, invoice, &before, also);
}

fn change_period_line(
    line: &mut LineItem,
    content: &Content,
    redeemed: Option<Vec<Id>>,
    params: &Params,
) {
    if let Some(period) = content.period {
        line.period = period;
    }
    if let Some(discounts) = redeemed {
        line.discounts = discounts;
    }
    if let Some(discountable) = params.flag("discountable") {
        line.discountable = discountable;
    }
    change_text(&mut line.description, params, "description");
    change_metadata(&mut line.metadata, params);
}

fn set_metadata(invoice: &mut Invoice, params: &Params) {
    let Some(given) = params.value("invoice_metadata").and_then(|given| given.as_object()) else {
        if params.cleared("invoice_metadata") {
            invoice.metadata.clear();
        }
        return;
    };
    for (name, value) in given {
        match value.as_str() {
            Some(value) if !value.is_empty() => {
                invoice.metadata.insert(name.clone(), value.to_owned());
            }
            _ => {
                invoice.metadata.remove(name);
            }
        }
    }
}

/// Puts items on a draft, after its other lines.
pub(super) fn add(world: &mut World, invoice: &Id, items: &[Id], also: impl FnOnce(&mut Invoice)) {
    let before = world.known::<Invoice>(invoice).clone();
    for item in items {
        let line = draft::put_item(world, item, invoice);
        world.edit::<Invoice>(invoice, |invoice| invoice.lines.push(line));
    }
    finish(world, invoice, &before, also);
}

/// Writes what items have become into the lines that stand on them.
pub(super) fn refresh(
    world: &mut World,
    invoice: &Id,
    items: &[Id],
    also: impl FnOnce(&mut Invoice),
) {
    let before = world.known::<Invoice>(invoice).clone();
    for item in items {
        renew_line(world, invoice, item);
    }
    finish(world, invoice, &before, also);
}

fn renew_line(world: &mut World, invoice: &Id, item: &Id) {
    let known = world.known::<InvoiceItem>(item).clone();
    world.edit::<Invoice>(invoice, |row| {
        let stands = |line: &&mut LineItem| line.origin.invoice_item.as_ref() == Some(item);
        if let Some(line) = row.lines.iter_mut().find(stands) {
            *line = lines::line_of(&known, line.id.clone(), Some(invoice.clone()));
        }
    });
}

/// Takes lines off that stand on these items.
pub(super) fn take_off(
    world: &mut World,
    invoice: &Id,
    items: &[Id],
    also: impl FnOnce(&mut Invoice),
) {
    let before = world.known::<Invoice>(invoice).clone();
    world.edit::<Invoice>(invoice, |invoice| {
        let stays = |line: &LineItem| {
            line.origin.invoice_item.as_ref().is_none_or(|item| !items.contains(item))
        };
        invoice.lines.retain(stays);
    });
    finish(world, invoice, &before, also);
}

/// Adds up and tells.
fn finish(world: &mut World, id: &Id, before: &Invoice, also: impl FnOnce(&mut Invoice)) {
    world.edit::<Invoice>(id, also);
    calls::add_up(world, id);
    world.tell_change("invoice.updated", id, before);
}
