//! What invoices take from their customer and give back: the address on them, numbers, the
//! balance, and whether the customer is behind.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::money::currency::Currency;
use crate::object::Id;
use crate::object::customer::Customer;
use crate::object::invoice::{Buyer, Invoice, Rare};
use crate::world::World;

/// Returns the customer as an invoice shows it, sharing what the last invoice holds.
pub(super) fn show(world: &World, customer: &Id) -> Arc<Buyer> {
    let Ok(found) = world.get::<Customer>(customer) else { return Arc::default() };
    let last = world.invoices.of(customer).next().map(|last: &Invoice| &last.buyer);
    let value = |value| serde_json::to_value(value).expect("an address has text keys");
    let buyer = Buyer {
        address: found.address.as_ref().map_or(Value::Null, value),
        email: found.email.clone(),
        name: found.name.clone(),
        phone: found.phone.clone(),
        shipping: found
            .shipping
            .as_ref()
            .map_or(Value::Null, |at| serde_json::to_value(at).expect("text keys")),
        tax_exempt: Some(found.tax_exempt),
    };
    last.filter(|last| ***last == buyer).map_or_else(|| Arc::new(buyer), Arc::clone)
}

/// Returns what the customer's invoices are printed with.
pub(super) fn print(world: &World, customer: &Id) -> Option<Box<Rare>> {
    let settings = &world.get::<Customer>(customer).ok()?.invoice_settings;
    let (fields, options) = (&settings.custom_fields, &settings.rendering_options);
    if fields.is_none() && settings.footer.is_none() && options.is_none() {
        return None;
    }
    let rendering = options.as_ref().map_or(Value::Null, |options| {
        json!({
            "amount_tax_display": options.amount_tax_display,
            "pdf": { "page_size": "auto" },
            "template": options.template,
            "template_version": null,
        })
    });
    let custom_fields = serde_json::to_value(fields).expect("custom fields have text keys");
    Some(Box::new(Rare {
        custom_fields,
        footer: settings.footer.clone(),
        rendering,
        ..Rare::default()
    }))
}

/// Returns the customer's balance in a currency, in minor units; a credit is negative.
pub(super) fn balance(world: &World, customer: &Id, currency: Currency) -> i64 {
    world.get::<Customer>(customer).map_or(0, |customer| customer.balance_in(currency))
}

/// Changes the customer's balance in a currency (`customer.updated`, where it is their own).
pub(super) fn change_balance(world: &mut World, customer: &Id, currency: Currency, by: i64) {
    if by == 0 {
        return;
    }
    world.update::<Customer>(customer, "customer.updated", |customer| {
        if customer.is_billed_in(currency) {
            customer.balance += by;
        } else {
            *customer.other_balances.entry(currency).or_default() += by;
        }
    });
}

/// The first invoice decides in which currency a customer is billed (`customer.updated`).
pub(super) fn settle_currency(world: &mut World, customer: &Id, currency: Currency) {
    if world.get::<Customer>(customer).is_ok_and(|customer| customer.currency.is_none()) {
        world.update::<Customer>(customer, "customer.updated", |customer| {
            customer.currency = Some(currency);
        });
    }
}

/// Notes whether the customer is behind with an invoice (`customer.updated`).
pub(super) fn set_delinquent(world: &mut World, customer: &Id, delinquent: bool) {
    if world.get::<Customer>(customer).is_ok_and(|found| found.delinquent != delinquent) {
        world.update::<Customer>(customer, "customer.updated", |customer| {
            customer.delinquent = delinquent;
        });
    }
}

/// Takes the customer's next invoice number.
pub(super) fn next_number(world: &mut World, customer: &Id) -> String {
    let Ok(found) = world.get::<Customer>(customer) else { return String::new() };
    let number = format!("{}-{:04}", found.invoice_prefix, found.next_invoice_sequence);
    world.edit::<Customer>(customer, |customer| customer.next_invoice_sequence += 1);
    number
}
