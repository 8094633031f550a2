//! `/v1/customers`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::methods::{self, Wanted};
use super::sources;
use crate::catalog::discounts;
use crate::dice::{Dice, hash};
use crate::error::StripeError;
use crate::object::address::{Address, Shipping};
use crate::object::customer::{CustomField, Customer, InvoiceSettings, RenderingOptions};
use crate::object::payment_method::{Kind, PaymentMethod};
use crate::object::{Id, Null, Object as _, change_metadata, change_text, metadata};
use crate::params::Params;
use crate::subscriptions;
use crate::world::change::shape;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/customers", list),
    Route::post("/v1/customers", create),
    Route::get("/v1/customers/search", |world, call| world.search::<Customer>(call, SEARCHED)),
    Route::get("/v1/customers/{id}", |world, call| show(world, call.id())),
    Route::post("/v1/customers/{id}", update),
    Route::delete("/v1/customers/{id}", delete),
    Route::get("/v1/customers/{id}/payment_methods", list_methods),
    Route::get("/v1/customers/{id}/payment_methods/{id}", show_method),
];

/// What customers can be searched by.
const SEARCHED: &[(&str, &str)] = &[
    ("created", "created"),
    ("email", "email"),
    ("metadata", "metadata"),
    ("name", "name"),
    ("phone", "phone"),
];
/// What the sandbox does not have.
const ABSENT: [&str; 4] = ["default_source", "cash_balance", "tax", "tax_id_data"];
/// The greatest balance either way, in minor units.
const BALANCE_MAX: i64 = 99_999_999;

/// Lists customers. Those of a test clock show only where it is named.
fn list(world: &mut World, call: &Call) -> Outcome {
    let (email, clock) = (call.params.text("email"), call.params.text("test_clock"));
    world.list::<Customer>(call, None, |row| {
        email.is_none_or(|email| row.email.as_deref() == Some(email))
            && row.test_clock.as_deref() == clock
    })
}

/// Answers a customer, or that they were deleted.
pub(crate) fn show(world: &World, id: &str) -> Outcome {
    if world.customers.was_deleted(id) {
        return Ok(json!({ "id": id, "object": Customer::NAME, "deleted": true }));
    }
    world.show::<Customer>(id)
}

/// Returns a list that a customer includes where it is expanded.
pub(crate) fn include(world: &World, customer: &str, name: &str) -> Option<Value> {
    let data: Vec<Value> = match name {
        "subscriptions" => {
            let rows = world.subscriptions.of(customer);
            rows.filter(|row| !row.status.is_over()).map(shape).collect()
        }
        "sources" => sources::of_customer(world, customer),
        "tax_ids" => Vec::new(),
        _ => return None,
    };
    let url = format!("/v1/customers/{customer}/{name}");
    Some(json!({ "object": "list", "data": data, "has_more": false, "url": url }))
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    check(params)?;
    let clock = clock(world, params)?;
    let methods = find_methods(world, params)?;
    let source = sources::find(world, params)?;
    let discount = discounts::of_customer_params(world, None, params)?;
    let id = world.new_id(Customer::PREFIX);
    let mut row = blank(&id, world.clocks.now(&clock));
    row.test_clock = clock;
    row.metadata = metadata(params);
    change(&mut row, params);
    let taken: Vec<(String, Id)> = methods
        .into_iter()
        .map(|(name, wanted)| (name.clone(), methods::take(world, wanted, &name)))
        .collect();
    row.invoice_settings.default_payment_method = default_named(params, &taken);
    let token = params.text("source").unwrap_or_default();
    let source = source.map(|means| sources::take(world, means, token));
    row.default_source.clone_from(&source);
    world.add(row);
    discounts::give_customer(world, &id, &discount);
    world.emit::<Customer>("customer.created", &id);
    discounts::tell_customer(world, &id, None);
    if let Some(card) = source {
        sources::join(world, &card, &id);
    }
    for (_, method) in taken {
        methods::join(world, &method, &id);
    }
    world.show::<Customer>(&id)
}

fn blank(id: &Id, now: i64) -> Customer {
    Customer {
        id: id.clone(),
        object: Customer::NAME,
        address: None,
        balance: 0,
        other_balances: BTreeMap::new(),
        business_name: None,
        created: now,
        currency: None,
        customer_account: Null,
        default_source: None,
        delinquent: false,
        description: None,
        discount: None,
        email: None,
        individual_name: None,
        invoice_prefix: Dice::new(hash(id), "invoice prefix").capitals(8),
        invoice_settings: InvoiceSettings::default(),
        livemode: false,
        metadata: crate::object::Metadata::new(),
        name: None,
        next_invoice_sequence: 1,
        phone: None,
        preferred_locales: Vec::new(),
        shipping: None,
        tax_exempt: "none",
        test_clock: None,
    }
}

fn check(params: &Params) -> Result<(), StripeError> {
    if let Some(name) = ABSENT.iter().find(|name| params.has(name)) {
        return Err(params.refuse(name, format!("`{name}` is not part of the sandbox.")));
    }
    if let Some(email) = params.text("email").filter(|email| !email.contains('@')) {
        return Err(params
            .refuse("email", format!("Invalid email address: {email}"))
            .code("email_invalid"));
    }
    if params.int("balance").is_some_and(|balance| balance.abs() > BALANCE_MAX) {
        return Err(params.refuse("balance", "A balance has at most eight digits."));
    }
    check_invoicing(params)
}

fn check_invoicing(params: &Params) -> Result<(), StripeError> {
    if let Some(prefix) = params.text("invoice_prefix") {
        let fits = (3..=12).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !fits {
            return Err(params.refuse(
                "invoice_prefix",
                "An invoice prefix has 3 to 12 upper-case letters or digits.",
            ));
        }
    }
    if params.int("next_invoice_sequence").is_some_and(|number| number < 1) {
        return Err(params
            .refuse("next_invoice_sequence", "This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer"));
    }
    Ok(())
}

fn clock(world: &World, params: &Params) -> Result<Option<Id>, StripeError> {
    let Some(clock) = params.text("test_clock") else { return Ok(None) };
    if world.clocks.has(clock) {
        return Ok(Some(clock.into()));
    }
    Err(StripeError::no_such_param("test_helpers.test_clock", clock, "test_clock"))
}

/// Finds the payment methods that a call attaches to a new customer: the same name twice is one.
fn find_methods(world: &World, params: &Params) -> Result<Vec<(String, Wanted)>, StripeError> {
    let settings = params.sub("invoice_settings").unwrap_or_default();
    let named = [
        (params.text("payment_method"), "payment_method".to_owned()),
        (settings.text("default_payment_method"), settings.path("default_payment_method")),
    ];
    let mut found: Vec<(String, Wanted)> = Vec::new();
    for (name, param) in named {
        let Some(name) = name else { continue };
        if found.iter().any(|(known, _)| known == name) {
            continue;
        }
        let wanted = methods::look(world, name, &param)?;
        methods::joinable(world, &wanted)?;
        if param != "payment_method" && matches!(wanted, Wanted::There(_)) {
            return Err(methods::not_theirs(name, &param));
        }
        found.push((name.to_owned(), wanted));
    }
    Ok(found)
}

fn default_named(params: &Params, taken: &[(String, Id)]) -> Option<Id> {
    let settings = params.sub("invoice_settings")?;
    let name = settings.text("default_payment_method")?;
    taken.iter().find(|(known, _)| known == name).map(|(_, id)| id.clone())
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let id = world.get::<Customer>(call.id())?.id.clone();
    check(params)?;
    if params.has("source") {
        let message = "In the sandbox a source comes with a new customer; attach a payment method.";
        return Err(params.refuse("source", message));
    }
    let discount = discounts::of_customer_params(world, Some(&id), params)?;
    let settings = params.sub("invoice_settings").unwrap_or_default();
    let default = match settings.text("default_payment_method") {
        Some(name) => {
            Some(super::method(world, name, Some(&id), &settings.path("default_payment_method"))?)
        }
        None => None,
    };
    let before = world.known::<Customer>(&id).clone();
    let discount = discounts::give_customer(world, &id, &discount);
    world.edit::<Customer>(&id, |row| {
        change(row, params);
        change_metadata(&mut row.metadata, params);
        if settings.cleared("default_payment_method") {
            row.invoice_settings.default_payment_method = None;
        } else if default.is_some() {
            row.invoice_settings.default_payment_method = default;
        }
    });
    world.tell_change("customer.updated", &id, &before);
    discounts::tell_customer(world, &id, discount.as_ref());
    world.show::<Customer>(&id)
}

fn change(row: &mut Customer, params: &Params) {
    if params.cleared("address") {
        row.address = None;
    } else if let Some(address) = params.sub("address") {
        row.address = Some(Address::from_params(&address));
    }
    if let Some(balance) = params.int("balance") {
        row.balance = balance;
    }
    if let Some(prefix) = params.text("invoice_prefix") {
        row.invoice_prefix = prefix.to_owned();
    }
    if let Some(number) = params.int("next_invoice_sequence") {
        row.next_invoice_sequence = number;
    }
    if let Some(locales) = params.texts("preferred_locales") {
        row.preferred_locales = locales;
    }
    if params.cleared("tax_exempt") {
        row.tax_exempt = "none";
    } else if let Some(exempt) = params.text("tax_exempt") {
        row.tax_exempt =
            ["exempt", "reverse"].into_iter().find(|word| *word == exempt).unwrap_or("none");
    }
    Shipping::change(&mut row.shipping, params);
    change_text(&mut row.business_name, params, "business_name");
    change_text(&mut row.description, params, "description");
    change_text(&mut row.email, params, "email");
    change_text(&mut row.individual_name, params, "individual_name");
    change_text(&mut row.name, params, "name");
    change_text(&mut row.phone, params, "phone");
    if let Some(settings) = params.sub("invoice_settings") {
        change_invoicing(&mut row.invoice_settings, &settings);
    }
}

/// Changes all but the default payment method, which has to be found first.
fn change_invoicing(row: &mut InvoiceSettings, settings: &Params) {
    change_text(&mut row.footer, settings, "footer");
    if settings.cleared("custom_fields") {
        row.custom_fields = None;
    } else if let Some(fields) = settings.list("custom_fields") {
        let field = |params: &Params| CustomField {
            name: params.text("name").unwrap_or_default().to_owned(),
            value: params.text("value").unwrap_or_default().to_owned(),
        };
        row.custom_fields = Some(fields.iter().map(field).collect());
    }
    if settings.cleared("rendering_options") {
        row.rendering_options = None;
    } else if let Some(options) = settings.sub("rendering_options") {
        row.rendering_options = Some(RenderingOptions {
            amount_tax_display: options.text("amount_tax_display").map(str::to_owned),
            template: options.text("template").map(str::to_owned),
        });
    }
}

/// Deletes a customer: their subscriptions end, their payment methods are nobody's.
fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = world.get::<Customer>(call.id())?.id.clone();
    subscriptions::customer_deleted(world, &id);
    let methods: Vec<Id> = methods_of(world, &id).map(|row| row.id.clone()).collect();
    let answer: Value = world.delete::<Customer>(&id, Some("customer.deleted"))?;
    for method in methods {
        world.edit::<PaymentMethod>(&method, |row| {
            row.customer = None;
            row.spent = true;
        });
    }
    Ok(answer)
}

/// Returns a customer's payment methods, newest first.
pub(super) fn methods_of<'a>(
    world: &'a World,
    customer: &str,
) -> impl Iterator<Item = &'a PaymentMethod> {
    let customer = customer.to_owned();
    world
        .payment_methods
        .of(&customer.clone())
        .filter(move |row| row.customer.as_deref() == Some(&*customer))
        .collect::<Vec<_>>()
        .into_iter()
}

fn list_methods(world: &mut World, call: &Call) -> Outcome {
    world.get::<Customer>(call.id())?;
    let kind = call.params.text("type").map(Kind::parse);
    let mut page = world.list::<PaymentMethod>(call, Some(call.id()), |row| {
        row.customer.as_deref() == Some(call.id()) && kind.is_none_or(|kind| kind == Some(row.kind))
    })?;
    page["url"] = format!("/v1/customers/{}/payment_methods", call.id()).into();
    Ok(page)
}

fn show_method(world: &mut World, call: &Call) -> Outcome {
    let customer = world.get::<Customer>(call.id())?.id.clone();
    let method = call.ids.get(1).map_or("", String::as_str);
    let row = world.get::<PaymentMethod>(method)?;
    if row.customer.as_ref() != Some(&customer) {
        return Err(StripeError::no_such(PaymentMethod::NAME, method));
    }
    world.show::<PaymentMethod>(method)
}
