//! What a call says about an invoice item or a line: what it costs, for when, and for what. It is
//! checked as a whole before anything changes.

use super::lines;
use super::terms::refuse_absent;
use crate::catalog;
use crate::catalog::discounts::{self, Purchase, Wanted};
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::money::price::{Decimal, Scheme};
use crate::object::invoiceitem::InvoiceItem;
use crate::object::line_item::{Period, Pricing};
use crate::object::price::Price;
use crate::object::product::Product;
use crate::object::{Id, change_metadata, change_text};
use crate::params::Params;
use crate::world::World;

/// Taxes are off: rates are refused, what only describes them is of no effect.
const ABSENT: [&str; 3] = ["customer_account", "tax_rates", "tax_amounts"];
/// The greatest amount of an item either way, in minor units.
const AMOUNT_MAX: i64 = 999_999_999_999;

/// What something costs.
#[derive(Debug, Clone)]
pub(super) struct Cost {
    pub(super) amount: i64,
    pub(super) pricing: Pricing,
    pub(super) quantity: i64,
    /// Where a price says it.
    pub(super) currency: Option<Currency>,
    /// What its product is called.
    pub(super) name: Option<String>,
}

/// A checked change of an item.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) cost: Option<Cost>,
    pub(super) period: Option<Period>,
    /// Discounts to be redeemed, where a call changes them.
    wanted: Option<Vec<Wanted>>,
}

/// Reads what a call says; `is` is the item that it changes, if there is one.
pub(super) fn read(
    world: &mut World,
    params: &Params,
    customer: &Id,
    is: Option<&InvoiceItem>,
) -> Result<Content, StripeError> {
    refuse_absent(params, &ABSENT)?;
    let period = period(params)?;
    let wanted = if params.has("discounts") || params.cleared("discounts") {
        let currency = currency(world, params, is);
        let purchase = Purchase { customer: Some(customer), currency, amount: None };
        Some(discounts::check(world, purchase, params)?)
    } else {
        None
    };
    let cost = cost(world, params, is)?;
    Ok(Content { cost, period, wanted })
}

/// Returns in which currency it is, where the call or the item says so.
fn currency(world: &World, params: &Params, is: Option<&InvoiceItem>) -> Option<Currency> {
    let pricing = params.sub("pricing");
    let price = pricing.as_ref().and_then(|pricing| pricing.text("price"));
    let priced = price.and_then(|id| world.get::<Price>(id).ok()).map(|price| price.currency);
    let data = params.sub("price_data");
    let named = params.text("currency").or(data.as_ref().and_then(|data| data.text("currency")));
    priced.or_else(|| named.and_then(Currency::parse)).or(is.map(|item| item.currency))
}

fn period(params: &Params) -> Result<Option<Period>, StripeError> {
    let Some(given) = params.sub("period") else { return Ok(None) };
    let (start, end) = (given.need_int("start")?, given.need_int("end")?);
    if end < start {
        return Err(given.refuse("end", "A period cannot end before it starts."));
    }
    Ok(Some(Period { end, start }))
}

fn cost(
    world: &mut World,
    params: &Params,
    is: Option<&InvoiceItem>,
) -> Result<Option<Cost>, StripeError> {
    const WAYS: [&str; 4] = ["amount", "unit_amount_decimal", "pricing", "price_data"];
    let given: Vec<&str> = WAYS.into_iter().filter(|name| params.has(name)).collect();
    if let [first, second, ..] = given[..] {
        let message = format!("You may only specify one of these parameters: {first}, {second}.");
        return Err(params.refuse(second, message));
    }
    let quantity = quantity(params)?;
    let count = quantity.or(is.map(|item| item.quantity)).unwrap_or(1);
    let cost = match given.first() {
        Some(&"amount") => bare(params, quantity)?,
        Some(&"unit_amount_decimal") => {
            each(params, &params.decimal("unit_amount_decimal").unwrap_or_default(), count)?
        }
        Some(&"pricing") => {
            let pricing = params.sub("pricing").unwrap_or_default();
            let price = world.need::<Price>(pricing.need_text("price")?, &pricing.path("price"))?;
            check_price(price, &pricing)?;
            of_price(world, price, count)
        }
        Some(_) => {
            let data = params.sub("price_data").unwrap_or_default();
            let price = catalog::inline_price(world, &data)?;
            of_price(world, &price, count)
        }
        None => match (is, quantity) {
            (None, _) => return Err(params.missing("amount")),
            (Some(_), None) => return Ok(None),
            (Some(item), Some(count)) => again(world, params, item, count)?,
        },
    };
    if cost.amount.abs() > AMOUNT_MAX {
        let name = given.first().copied().unwrap_or("quantity");
        return Err(params.refuse(name, "The amount is too large.").code("amount_too_large"));
    }
    Ok(Some(cost))
}

fn bare(params: &Params, quantity: Option<i64>) -> Result<Cost, StripeError> {
    if quantity.is_some_and(|quantity| quantity != 1) {
        let message = "You may only specify one of these parameters: amount, quantity.";
        return Err(params.refuse("quantity", message));
    }
    let amount = params.need_int("amount")?;
    let pricing = Pricing { price: None, unit_amount_decimal: lines::unit(amount, 1) };
    Ok(Cost { amount, pricing, quantity: 1, currency: None, name: None })
}

fn each(params: &Params, text: &str, quantity: i64) -> Result<Cost, StripeError> {
    let name = "unit_amount_decimal";
    let unit = Decimal::parse(text)
        .ok_or_else(|| params.refuse(name, format!("Invalid decimal: {text}")))?;
    let scheme = Scheme::PerUnit { unit, transform: None };
    let amount = scheme
        .amount(u64::try_from(quantity).unwrap_or(0))
        .ok_or_else(|| params.refuse(name, "The amount is too large."))?;
    let pricing = Pricing { price: None, unit_amount_decimal: Some(unit.to_string()) };
    Ok(Cost { amount, pricing, quantity, currency: None, name: None })
}

fn of_price(world: &World, price: &Price, quantity: i64) -> Cost {
    let name = world.get::<Product>(&price.product).ok().map(|product| product.name.clone());
    Cost {
        amount: price.amount(quantity),
        pricing: Pricing {
            price: Some((price.id.clone(), price.product.clone())),
            unit_amount_decimal: price.unit_amount_decimal.clone(),
        },
        quantity,
        currency: Some(price.currency),
        name,
    }
}

/// Another quantity at the price that an item has.
fn again(
    world: &World,
    params: &Params,
    item: &InvoiceItem,
    quantity: i64,
) -> Result<Cost, StripeError> {
    let pricing = item.pricing.as_ref();
    let price = pricing.and_then(|pricing| pricing.price.as_ref());
    match price.and_then(|(id, _)| world.get::<Price>(id).ok()) {
        Some(price) if !item.proration => Ok(of_price(world, price, quantity)),
        _ => {
            let unit = pricing.and_then(|pricing| pricing.unit_amount_decimal.as_deref());
            each(params, unit.unwrap_or("0"), quantity)
        }
    }
}

fn check_price(price: &Price, pricing: &Params) -> Result<(), StripeError> {
    if !price.active {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(pricing.refuse("price", message));
    }
    if price.recurring.is_some() {
        let message = "The price specified is set to `type=recurring` but this field only accepts \
                       prices with `type=one_time`.";
        return Err(pricing.refuse("price", message));
    }
    Ok(())
}

fn quantity(params: &Params) -> Result<Option<i64>, StripeError> {
    if params.has("quantity") && params.has("quantity_decimal") {
        let message = "You may only specify one of these parameters: quantity, quantity_decimal.";
        return Err(params.refuse("quantity_decimal", message));
    }
    let (name, quantity) = match params.decimal("quantity_decimal") {
        None => ("quantity", params.int("quantity")),
        Some(text) => {
            let whole = Decimal::parse(&text).and_then(Decimal::as_whole);
            let message = "Fractions of a quantity are not part of the sandbox.";
            let whole = whole.ok_or_else(|| params.refuse("quantity_decimal", message))?;
            ("quantity_decimal", Some(whole))
        }
    };
    if quantity.is_some_and(|quantity| quantity < 0) {
        let message = "This value must be greater than or equal to 0.";
        return Err(params.refuse(name, message).code("parameter_invalid_integer"));
    }
    Ok(quantity)
}

/// Redeems the discounts of a checked change.
pub(super) fn redeem(world: &mut World, customer: &Id, content: &Content) -> Option<Vec<Id>> {
    let wanted = content.wanted.as_ref()?;
    Some(discounts::make(world, Some(customer), wanted))
}

/// Writes a checked change, with the discounts that were redeemed for it.
pub(super) fn apply(
    item: &mut InvoiceItem,
    content: Content,
    redeemed: Option<Vec<Id>>,
    params: &Params,
) {
    if let Some(cost) = content.cost {
        item.amount = cost.amount;
        item.pricing = Some(cost.pricing);
        item.quantity = cost.quantity;
    }
    if let Some(period) = content.period {
        item.period = period;
    }
    if let Some(discounts) = redeemed {
        item.discounts = discounts;
    }
    if let Some(discountable) = params.flag("discountable") {
        item.discountable = discountable;
    }
    change_text(&mut item.description, params, "description");
    change_metadata(&mut item.metadata, params);
}
