//! The line items of a session: what a call names, what the page changes, what each costs.

use crate::catalog::{self, InlinePrice};
use crate::error::StripeError;
use crate::money::calendar::Interval;
use crate::money::currency::Currency;
use crate::object::checkout_session::Mode;
use crate::object::item::{AdjustableQuantity, Item};
use crate::object::metadata;
use crate::object::price::Price;
use crate::object::product::Product;
use crate::params::Params;
use crate::world::World;

/// The most lines of a payment.
const LINES_MAX: usize = 100;
/// The most lines of a subscription, recurring and one-time ones each.
const SUBSCRIPTION_LINES_MAX: usize = 20;
/// The most of one line.
const QUANTITY_MAX: i64 = 999_999;
/// The most of one line that the customer may choose, unless the call says otherwise.
const ADJUSTABLE_MAX: i64 = 99;

/// What can be told of a line before its price exists.
struct Seen {
    currency: Currency,
    interval: Option<Interval>,
    recurring: bool,
}

/// Checks `line_items` without making anything; returns their currency.
pub(super) fn check(
    world: &World,
    params: &Params,
    mode: Mode,
) -> Result<Option<Currency>, StripeError> {
    let given = params.list("line_items").unwrap_or_default();
    if mode == Mode::Setup {
        return Ok(None);
    }
    if given.is_empty() {
        let word = super::rules::word(mode);
        let message = format!("The `line_items` parameter is required in `{word}` mode.");
        return Err(params.refuse("line_items", message).code("parameter_missing"));
    }
    let seen = given.iter().map(|line| see(world, line)).collect::<Result<Vec<_>, _>>()?;
    check_count(params, mode, &seen)?;
    check_kinds(params, mode, &seen)?;
    one_currency(params, &seen).map(Some)
}

/// Returns how often the lines come again.
pub(super) fn interval(world: &World, params: &Params) -> Option<Interval> {
    let given = params.list("line_items").unwrap_or_default();
    given.iter().find_map(|line| see(world, line).ok()?.interval)
}

fn see(world: &World, line: &Params) -> Result<Seen, StripeError> {
    if line.list("tax_rates").is_some() || line.texts("tax_rates").is_some_and(|t| !t.is_empty()) {
        return Err(line.refuse("tax_rates", "`tax_rates` is not part of the sandbox."));
    }
    let (seen, metered) = match (line.text("price"), line.sub("price_data")) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: price, price_data.";
            return Err(line.refuse("price_data", message));
        }
        (None, None) => return Err(line.missing("price")),
        (Some(id), None) => see_price(world, line, id)?,
        (None, Some(data)) => (see_data(world, &data)?, false),
    };
    quantity(line, metered)?;
    Ok(seen)
}

fn see_price(world: &World, line: &Params, id: &str) -> Result<(Seen, bool), StripeError> {
    let price = world.need::<Price>(id, &line.path("price"))?;
    if !price.active {
        let message = format!(
            "The price specified is inactive. This field only accepts active prices: '{id}'."
        );
        return Err(line.refuse("price", message));
    }
    if world.get::<Product>(&price.product).is_ok_and(|product| !product.active) {
        let message = format!("The product of the price '{id}' is not active.");
        return Err(line.refuse("price", message));
    }
    let seen = Seen {
        currency: price.currency,
        interval: price.interval(),
        recurring: price.recurring.is_some(),
    };
    Ok((seen, price.is_metered()))
}

fn see_data(world: &World, data: &Params) -> Result<Seen, StripeError> {
    catalog::check_inline_price(world, data)?;
    let currency = Currency::parse(data.need_text("currency")?)
        .ok_or_else(|| data.refuse("currency", "Invalid currency."))?;
    let recurring = data.sub("recurring");
    let interval = recurring.as_ref().map(read_interval).transpose()?;
    Ok(Seen { currency, interval, recurring: recurring.is_some() })
}

fn read_interval(recurring: &Params) -> Result<Interval, StripeError> {
    let word = recurring.need_text("interval")?;
    let unit = crate::money::calendar::Unit::parse(word).ok_or_else(|| {
        recurring.refuse("interval", "Invalid interval: must be one of day, week, month, or year")
    })?;
    let count = recurring.int("interval_count").unwrap_or(1);
    let count = u32::try_from(count).ok().filter(|count| *count > 0);
    let count = count.ok_or_else(|| recurring.refuse("interval_count", "Must be at least 1."))?;
    Ok(Interval { unit, count })
}

fn quantity(line: &Params, metered: bool) -> Result<Option<i64>, StripeError> {
    let limits = adjustable(line)?;
    if metered {
        return match line.int("quantity") {
            None => Ok(None),
            Some(_) => {
                let message = "Quantity should not be specified where usage type is `metered`.";
                Err(line.refuse("quantity", message))
            }
        };
    }
    let quantity = line.need_int("quantity")?;
    let least = if limits.is_some_and(|limits| limits.enabled) { 0 } else { 1 };
    if !(least..=QUANTITY_MAX).contains(&quantity) {
        let message = format!("Quantity must be between {least} and {QUANTITY_MAX}.");
        return Err(line.refuse("quantity", message).code("parameter_invalid_integer"));
    }
    Ok(Some(quantity))
}

fn adjustable(line: &Params) -> Result<Option<AdjustableQuantity>, StripeError> {
    let Some(given) = line.sub("adjustable_quantity") else { return Ok(None) };
    let enabled = given.flag("enabled").ok_or_else(|| given.missing("enabled"))?;
    if !enabled {
        let limits = AdjustableQuantity { enabled, maximum: None, minimum: None };
        return Ok(Some(limits));
    }
    let minimum = given.int("minimum").unwrap_or(0);
    let maximum = given.int("maximum").unwrap_or(ADJUSTABLE_MAX);
    if minimum < 0 || maximum > QUANTITY_MAX || minimum >= maximum {
        let message =
            format!("`minimum` must be less than `maximum`, and `maximum` at most {QUANTITY_MAX}.");
        return Err(given.refuse("minimum", message));
    }
    Ok(Some(AdjustableQuantity { enabled, maximum: Some(maximum), minimum: Some(minimum) }))
}

fn check_count(params: &Params, mode: Mode, seen: &[Seen]) -> Result<(), StripeError> {
    let recurring = seen.iter().filter(|line| line.recurring).count();
    let (most, max) = match mode {
        Mode::Subscription => (recurring.max(seen.len() - recurring), SUBSCRIPTION_LINES_MAX),
        Mode::Payment | Mode::Setup => (seen.len(), LINES_MAX),
    };
    if most > max {
        let message = format!("You can pass at most {max} line items of a kind.");
        return Err(params.refuse("line_items", message));
    }
    Ok(())
}

fn check_kinds(params: &Params, mode: Mode, seen: &[Seen]) -> Result<(), StripeError> {
    let recurring: Vec<&Seen> = seen.iter().filter(|line| line.recurring).collect();
    if mode == Mode::Payment && !recurring.is_empty() {
        let message = "You specified `payment` mode but passed a recurring price. Either switch \
                       to `subscription` mode or use only one-time prices.";
        return Err(params.refuse("line_items", message));
    }
    if mode == Mode::Subscription && recurring.is_empty() {
        let message = "You must provide at least one recurring price in `subscription` mode.";
        return Err(params.refuse("line_items", message));
    }
    let intervals: Vec<Interval> = recurring.iter().filter_map(|line| line.interval).collect();
    if intervals.windows(2).any(|pair| !pair[0].equals(pair[1])) {
        let message = "Checkout does not support multiple prices with different billing intervals.";
        return Err(params.refuse("line_items", message));
    }
    Ok(())
}

fn one_currency(params: &Params, seen: &[Seen]) -> Result<Currency, StripeError> {
    let currency = seen[0].currency;
    if let Some(other) = seen.iter().find(|line| line.currency != currency) {
        let (one, two) = (currency.as_str().to_owned(), other.currency.as_str().to_owned());
        let message = format!(
            "All line items of a session must have one currency; these have {one} and {two}."
        );
        return Err(params.refuse("line_items", message));
    }
    if params.text("currency").is_some_and(|given| Currency::parse(given) != Some(currency)) {
        let message = format!(
            "`currency` must be the currency of the line items, {}: the sandbox has no prices in \
             several currencies.",
            currency.as_str()
        );
        return Err(params.refuse("currency", message));
    }
    Ok(currency)
}

/// A line, and the price that it brings along, which is not in the world yet.
pub(super) type NewLine = (Item, Option<InlinePrice>);

/// Makes the lines that [`check`] let pass; their amounts are not known yet.
pub(super) fn make(world: &mut World, params: &Params) -> Result<Vec<NewLine>, StripeError> {
    let given = params.list("line_items").unwrap_or_default();
    given.iter().map(|line| make_line(world, line)).collect()
}

fn make_line(world: &mut World, line: &Params) -> Result<NewLine, StripeError> {
    let (price, inline) = match line.text("price") {
        Some(id) => (world.need::<Price>(id, &line.path("price"))?.clone(), None),
        None => {
            let data = line.sub("price_data").unwrap_or_default();
            let inline = catalog::prepare_inline_price(world, &data)?;
            (inline.price.clone(), Some(inline))
        }
    };
    let product = inline.as_ref().and_then(|inline| inline.product.as_deref());
    let product = product.or_else(|| world.get::<Product>(&price.product).ok());
    let item = Item {
        description: product.map(|product| product.name.clone()),
        id: world.new_id("li_"),
        object: "item",
        adjustable_quantity: adjustable(line)?,
        amount_discount: 0,
        amount_subtotal: 0,
        amount_tax: 0,
        amount_total: 0,
        currency: price.currency,
        metadata: metadata(line),
        quantity: quantity(line, price.is_metered())?,
        price,
    };
    Ok((item, inline))
}

/// Checks a quantity that the customer chose on the page.
pub(super) fn check_choice(line: &Item, quantity: i64) -> Result<(), StripeError> {
    let limits = line.adjustable_quantity.filter(|limits| limits.enabled);
    let Some(limits) = limits else {
        return Err(StripeError::param("quantity", "The quantity of this line is fixed."));
    };
    let least = limits.minimum.unwrap_or(0);
    let most = limits.maximum.unwrap_or(ADJUSTABLE_MAX);
    if !(least..=most).contains(&quantity) {
        let message = format!("The quantity must be between {least} and {most}.");
        return Err(StripeError::param("quantity", message));
    }
    Ok(())
}
