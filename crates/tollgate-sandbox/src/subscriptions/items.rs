//! The items of a subscription, as calls name them.

use crate::catalog::discounts::{self, Purchase, Wanted};
use crate::error::StripeError;
use crate::invoices::NewLine;
use crate::money::calendar::Interval;
use crate::money::currency::Currency;
use crate::object::price::{Plan, Price};
use crate::object::subscription::Subscription;
use crate::object::subscription_item::SubscriptionItem;
use crate::object::{Id, Metadata, metadata};
use crate::params::Params;
use crate::world::World;

use super::bill::product_name;
use super::terms;

/// The most items that a subscription may have.
pub(super) const ITEMS_MAX: usize = 20;

/// An item that a call asks for, checked.
#[derive(Debug, Clone)]
pub(super) struct NewItem {
    pub(super) price: Price,
    pub(super) quantity: Option<i64>,
    pub(super) discounts: Vec<Wanted>,
    pub(super) metadata: Metadata,
}

/// Reads `items` of a new subscription.
pub(super) fn read(
    world: &mut World,
    params: &Params,
    customer: &Id,
    flexible: bool,
    sold: Sold,
) -> Result<Vec<NewItem>, StripeError> {
    let given = params.list("items").unwrap_or_default();
    if given.is_empty() {
        return Err(StripeError::missing("items"));
    }
    let items = given
        .iter()
        .map(|item| read_item(world, item, customer, sold))
        .collect::<Result<Vec<_>, _>>()?;
    let prices: Vec<&Price> = items.iter().map(|item| &item.price).collect();
    check_together(&prices, prices[0].currency, flexible)?;
    if let Some(wanted) = params.text("currency")
        && wanted != items[0].price.currency.as_str()
    {
        return Err(different_currency(items[0].price.currency.as_str(), wanted));
    }
    Ok(items)
}

impl NewItem {
    /// Returns what it costs for a period, in minor units.
    pub(super) fn amount(&self) -> i64 {
        self.price.amount(self.quantity.unwrap_or(0))
    }
}

/// Reads one new item.
pub(super) fn read_item(
    world: &mut World,
    item: &Params,
    customer: &Id,
    sold: Sold,
) -> Result<NewItem, StripeError> {
    terms::refuse_absent_of_item(item)?;
    let price = read_price(world, item, sold)?;
    let quantity = read_quantity(&price, item)?;
    let quantity = quantity.or_else(|| (!price.is_metered()).then_some(1));
    let cost = (price.amount(quantity.unwrap_or(0)), price.currency);
    let discounts = read_discounts(world, item, customer, cost)?.unwrap_or_default();
    Ok(NewItem { price, quantity, discounts, metadata: metadata(item) })
}

/// Which prices can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sold {
    Active,
    /// Also those that a checkout session made for itself, which are never active.
    Any,
}

/// Reads `price`, `plan` or `price_data` of an item.
pub(super) fn read_price(
    world: &mut World,
    item: &Params,
    sold: Sold,
) -> Result<Price, StripeError> {
    let price = find_price(world, item, sold)?;
    if price.recurring.is_none() {
        let message = format!(
            "The price specified is set to `type=one_time` but this field only accepts prices \
             with `type=recurring` ('{}').",
            price.id
        );
        return Err(item.refuse("price", message));
    }
    Ok(price)
}

fn find_price(world: &mut World, item: &Params, sold: Sold) -> Result<Price, StripeError> {
    let price = match (item.text("price").or_else(|| item.text("plan")), item.sub("price_data")) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of `price` and `price_data`.";
            return Err(item.refuse("price_data", message));
        }
        (Some(id), None) => world.need::<Price>(id, &item.path("price"))?.clone(),
        (None, Some(data)) => crate::catalog::inline_price(world, &data)?,
        (None, None) => return Err(item.missing("price")),
    };
    if !price.active && sold == Sold::Active && !item.has("price_data") {
        let message = format!("The price specified is inactive: '{}'.", price.id);
        return Err(item.refuse("price", message));
    }
    Ok(price)
}

/// Reads the quantity of an item; a metered price has none.
pub(super) fn read_quantity(price: &Price, item: &Params) -> Result<Option<i64>, StripeError> {
    match item.int("quantity") {
        Some(_) if price.is_metered() => {
            Err(item.refuse("quantity", "A metered price takes no quantity."))
        }
        Some(quantity) if quantity < 0 => {
            Err(item.refuse("quantity", "This value must be greater than or equal to 0."))
        }
        quantity => Ok(quantity),
    }
}

/// Reads the discounts of an item, or of a whole subscription, that costs so much without them;
/// `None` where the call does not speak of them.
pub(super) fn read_discounts(
    world: &World,
    item: &Params,
    customer: &Id,
    cost: (i64, Currency),
) -> Result<Option<Vec<Wanted>>, StripeError> {
    if item.cleared("discounts") {
        return Ok(Some(Vec::new()));
    }
    if !item.has("discounts") {
        return Ok(None);
    }
    let (amount, currency) = (Some(cost.0), Some(cost.1));
    let purchase = Purchase { customer: Some(customer), currency, amount };
    discounts::check(world, purchase, item).map(Some)
}

/// Draws discounts that were checked, to be counted once the call stands; `made` notes those that
/// were not there before.
pub(super) fn redeem(
    world: &mut World,
    customer: &Id,
    wanted: &[Wanted],
    made: &mut Vec<Id>,
) -> Vec<Id> {
    let ids = discounts::draw(world, Some(customer), wanted);
    let new = wanted.iter().zip(&ids).filter(|(one, _)| matches!(one, Wanted::New(..)));
    made.extend(new.map(|(_, id)| id.clone()));
    ids
}

/// Refuses prices that one subscription cannot have together.
pub(super) fn check_together(
    prices: &[&Price],
    currency: Currency,
    flexible: bool,
) -> Result<(), StripeError> {
    if prices.len() > ITEMS_MAX {
        let message = format!("A subscription can have at most {ITEMS_MAX} items.");
        return Err(StripeError::param("items", message));
    }
    for (index, price) in prices.iter().enumerate() {
        if price.currency != currency {
            return Err(different_currency(price.currency.as_str(), currency.as_str()));
        }
        if prices[..index].iter().any(|other| other.id == price.id) {
            let message =
                format!("Two items of a subscription cannot have the same price ('{}').", price.id);
            return Err(StripeError::param("items", message));
        }
    }
    check_intervals(prices, flexible)
}

/// Classic billing has one interval; flexible billing takes multiples of the shortest.
fn check_intervals(prices: &[&Price], flexible: bool) -> Result<(), StripeError> {
    let intervals: Vec<Interval> = prices.iter().filter_map(|price| price.interval()).collect();
    let fits = |one: &Interval| {
        intervals.iter().all(|other| {
            one.equals(*other)
                || flexible && (other.is_multiple_of(*one) || one.is_multiple_of(*other))
        })
    };
    if intervals.iter().all(fits) {
        return Ok(());
    }
    let message = if flexible {
        "Each billing interval of a subscription must be a multiple of its shortest one."
    } else {
        "All prices of a subscription in classic billing mode must have the same billing \
         interval. Flexible billing mode allows different ones."
    };
    Err(StripeError::param("items", message))
}

fn different_currency(price: &str, wanted: &str) -> StripeError {
    let message =
        format!("The price specified is in {price}, but the subscription is billed in {wanted}.");
    StripeError::param("items", message)
}

/// Makes the item of a subscription for a period.
pub(super) fn make(
    world: &mut World,
    subscription: &Id,
    new: NewItem,
    discounts: Vec<Id>,
    now: i64,
    period: (i64, i64),
) -> SubscriptionItem {
    SubscriptionItem {
        id: world.new_id("si_"),
        object: "subscription_item",
        billing_thresholds: crate::object::Null,
        created: now,
        current_period_start: period.0,
        current_period_end: period.1,
        current_trial: crate::object::Null,
        discounts,
        metadata: new.metadata,
        plan: Plan(new.price.clone()),
        price: new.price,
        quantity: new.quantity,
        subscription: subscription.clone(),
        tax_rates: crate::object::Empty,
        debits: Vec::new(),
    }
}

/// A single amount of `add_invoice_items`, which belongs to no item.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    price: Price,
    quantity: i64,
    discountable: bool,
    wanted: Vec<Wanted>,
    /// Those that were wanted, once they are redeemed.
    discounts: Vec<Id>,
    metadata: Metadata,
}

/// Reads `add_invoice_items`.
pub(super) fn read_extras(
    world: &mut World,
    params: &Params,
    customer: &Id,
    currency: Currency,
    sold: Sold,
) -> Result<Vec<Extra>, StripeError> {
    let given = params.list("add_invoice_items").unwrap_or_default();
    if given.len() > ITEMS_MAX {
        let message = format!("At most {ITEMS_MAX} invoice items can be added at once.");
        return Err(params.refuse("add_invoice_items", message));
    }
    given.iter().map(|item| read_extra(world, item, customer, currency, sold)).collect()
}

fn read_extra(
    world: &mut World,
    item: &Params,
    customer: &Id,
    currency: Currency,
    sold: Sold,
) -> Result<Extra, StripeError> {
    terms::refuse(item, &["period", "tax_rates"])?;
    let price = find_price(world, item, sold)?;
    if price.recurring.is_some() {
        let message = format!(
            "The price specified is set to `type=recurring` but this field only accepts prices \
             with `type=one_time` ('{}').",
            price.id
        );
        return Err(item.refuse("price", message));
    }
    if price.currency != currency {
        return Err(different_currency(price.currency.as_str(), currency.as_str()));
    }
    let quantity = item.int("quantity").unwrap_or(1);
    if quantity < 0 {
        let message = "This value must be greater than or equal to 0.";
        return Err(item.refuse("quantity", message));
    }
    let cost = (price.amount(quantity), currency);
    Ok(Extra {
        quantity,
        discountable: item.flag("discountable").unwrap_or(true),
        wanted: read_discounts(world, item, customer, cost)?.unwrap_or_default(),
        discounts: Vec::new(),
        metadata: metadata(item),
        price,
    })
}

impl Extra {
    /// Returns what it costs, in minor units.
    pub(super) fn amount(&self) -> i64 {
        self.price.amount(self.quantity)
    }

    /// Redeems its discounts.
    pub(super) fn redeem(&mut self, world: &mut World, customer: &Id, made: &mut Vec<Id>) {
        self.discounts = redeem(world, customer, &self.wanted, made);
    }

    /// Returns it as a line: from when the latest of the items' periods began until the first of
    /// them ends.
    pub(super) fn line(&self, world: &World, subscription: &Subscription) -> NewLine {
        let items = &subscription.items.data;
        let start = items.iter().map(|item| item.current_period_start).max().unwrap_or_default();
        let end = items.iter().map(|item| item.current_period_end).min().unwrap_or(start);
        NewLine {
            amount: self.amount(),
            description: Some(product_name(world, &self.price.product)),
            price: Some(self.price.id.clone()),
            quantity: Some(self.quantity),
            period: (start, end.max(start)),
            subscription: Some(subscription.id.clone()),
            subscription_item: None,
            proration: false,
            credited: None,
            discountable: self.discountable,
            discounts: self.discounts.clone(),
            metadata: self.metadata.clone(),
        }
    }
}
