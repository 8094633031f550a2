//! What a call wants changed in what a subscription bills: read and checked against the world.

use super::cancel::{self, Ending};
use super::items::{self, Extra, NewItem, Sold};
use super::terms::{self, Prorations};
use crate::catalog::discounts::Wanted;
use crate::error::StripeError;
use crate::object::price::Price;
use crate::object::subscription::{Status, Subscription};
use crate::object::{Id, change_metadata};
use crate::params::Params;
use crate::world::World;

/// Everything that a call changes in what is billed, and when.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub(super) items: Vec<ItemWish>,
    /// New periods begin now.
    pub(super) anchor_now: bool,
    pub(super) trial: Option<TrialWish>,
    pub(super) ending: Option<Ending>,
    pub(super) prorations: Prorations,
    /// The moment that prorations are counted from, if not now.
    pub(super) at: Option<i64>,
    /// The discounts of the whole subscription, if the call sets them.
    pub(super) discounts: Option<Vec<Wanted>>,
    pub(super) extras: Vec<Extra>,
}

/// What happens to one item.
#[derive(Debug, Clone)]
pub(super) enum ItemWish {
    Add(NewItem),
    Change {
        id: Id,
        price: Option<Price>,
        quantity: Option<i64>,
        discounts: Option<Vec<Wanted>>,
        params: Params,
    },
    Remove(Id),
}

/// What happens to the trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrialWish {
    EndNow,
    Until(i64),
}

impl Wish {
    /// Says whether it may bring an invoice: what a pending update may hold.
    pub(super) fn bills(&self) -> bool {
        !self.items.is_empty() || self.anchor_now || self.trial.is_some()
    }
}

/// Reads what a call wants of a subscription.
pub(super) fn read(
    world: &mut World,
    params: &Params,
    subscription: &Subscription,
) -> Result<Wish, StripeError> {
    let now = world.now_of(Some(&subscription.customer));
    let customer = &subscription.customer;
    let items = read_items(world, params, subscription)?;
    let wish = Wish {
        anchor_now: anchor_now(params)?,
        trial: trial(params, now, subscription, &items)?,
        ending: cancel::wanted(params, now, subscription)?,
        prorations: Prorations::read(params),
        at: proration_date(params, now, subscription)?,
        extras: items::read_extras(world, params, customer, subscription.currency, Sold::Active)?,
        ..Wish::default()
    };
    if wish.anchor_now && subscription.status == Status::Trialing && wish.trial.is_none() {
        let message = "The billing cycle anchor cannot be set to now during a trial. End the trial \
                       with `trial_end=now`.";
        return Err(params.refuse("billing_cycle_anchor", message));
    }
    let wish = Wish { items, ..wish };
    let discounts = read_discounts(world, params, subscription, &wish)?;
    Ok(Wish { discounts, ..wish })
}

/// Reads `billing_cycle_anchor`, which was a word before it was an object.
fn anchor_now(params: &Params) -> Result<bool, StripeError> {
    let given = params.sub("billing_cycle_anchor");
    let word = match &given {
        Some(given) => given.text("type"),
        None => params.text("billing_cycle_anchor"),
    };
    match word {
        Some("timestamp") => {
            let message = "A subscription's anchor can only be set to now, or stay as it is.";
            Err(params.refuse("billing_cycle_anchor", message))
        }
        word => Ok(word == Some("now")),
    }
}

fn trial(
    params: &Params,
    now: i64,
    subscription: &Subscription,
    items: &[ItemWish],
) -> Result<Option<TrialWish>, StripeError> {
    if params.text("trial_end") == Some("now") {
        let trial = subscription.status == Status::Trialing;
        return Ok(trial.then_some(TrialWish::EndNow));
    }
    if let Some(end) = terms::trial_end(params, now)? {
        return Ok(Some(TrialWish::Until(end)));
    }
    let end = terms::trial_days(params, now, trial_days(subscription, items))?;
    Ok(end.map(TrialWish::Until))
}

/// Returns the trial that the prices have, those of the call first.
fn trial_days(subscription: &Subscription, items: &[ItemWish]) -> Option<i64> {
    let days = |price: &Price| price.recurring.as_ref()?.trial_period_days;
    let wished = items.iter().filter_map(|item| match item {
        ItemWish::Add(new) => Some(&new.price),
        ItemWish::Change { price, .. } => price.as_ref(),
        ItemWish::Remove(_) => None,
    });
    let there = subscription.items.data.iter().map(|item| &item.price);
    wished.chain(there).find_map(days)
}

fn proration_date(
    params: &Params,
    now: i64,
    subscription: &Subscription,
) -> Result<Option<i64>, StripeError> {
    let Some(at) = params.int("proration_date") else { return Ok(None) };
    let start = subscription.items.data.iter().map(|item| item.current_period_start).min();
    let (_, end) = subscription.period();
    if start.is_some_and(|start| at < start) || at > end.max(now) {
        let message = "Cannot specify `proration_date` outside of the current period.";
        return Err(params.refuse("proration_date", message));
    }
    Ok(Some(at))
}

/// Reads the discounts of the whole subscription; `None` where the call leaves them as they are.
pub(super) fn read_discounts(
    world: &World,
    params: &Params,
    subscription: &Subscription,
    wish: &Wish,
) -> Result<Option<Vec<Wanted>>, StripeError> {
    let cost = (amount_after(subscription, wish), subscription.currency);
    let wanted = items::read_discounts(world, params, &subscription.customer, cost)?;
    let clears = params.cleared("discounts");
    Ok(wanted.filter(|wanted| clears || !wanted.is_empty()))
}

/// Returns what a subscription costs for a period once its items are as wished, in minor units,
/// with what is added once.
fn amount_after(subscription: &Subscription, wish: &Wish) -> i64 {
    let kept = subscription.items.data.iter().map(|item| {
        match wish.items.iter().find(|one| one.id() == Some(&item.id)) {
            Some(ItemWish::Remove(_)) => 0,
            Some(ItemWish::Change { price, quantity, .. }) => {
                let price = price.as_ref().unwrap_or(&item.price);
                price.amount(quantity.unwrap_or(item.count()))
            }
            _ => item.price.amount(item.count()),
        }
    });
    let added = wish.items.iter().map(|one| match one {
        ItemWish::Add(new) => new.amount(),
        _ => 0,
    });
    kept.chain(added).chain(wish.extras.iter().map(Extra::amount)).sum()
}

fn read_items(
    world: &mut World,
    params: &Params,
    subscription: &Subscription,
) -> Result<Vec<ItemWish>, StripeError> {
    let given = params.list("items").unwrap_or_default();
    let wishes = given
        .iter()
        .map(|item| read_item(world, item, subscription))
        .collect::<Result<Vec<_>, _>>()?;
    for (index, wish) in wishes.iter().enumerate() {
        let same = |other: &ItemWish| other.id().is_some() && other.id() == wish.id();
        if wishes[..index].iter().any(same) {
            let message = "An item of a subscription can be named only once.";
            return Err(given[index].refuse("id", message));
        }
    }
    if !wishes.is_empty() {
        check_result(subscription, &wishes)?;
    }
    Ok(wishes)
}

impl ItemWish {
    /// Returns the item that is there already.
    fn id(&self) -> Option<&Id> {
        match self {
            Self::Add(_) => None,
            Self::Change { id, .. } | Self::Remove(id) => Some(id),
        }
    }
}

fn read_item(
    world: &mut World,
    item: &Params,
    subscription: &Subscription,
) -> Result<ItemWish, StripeError> {
    terms::refuse_absent_of_item(item)?;
    let Some(id) = item.text("id") else {
        if item.flag("deleted") == Some(true) {
            return Err(item.missing("id"));
        }
        return items::read_item(world, item, &subscription.customer, Sold::Active)
            .map(ItemWish::Add);
    };
    let found = subscription.items.data.iter().find(|one| *one.id == *id);
    let Some(found) = found else {
        return Err(StripeError::no_such_param("subscription_item", id, &item.path("id")));
    };
    if item.flag("deleted") == Some(true) {
        if let Some(name) =
            ["price", "plan", "price_data", "quantity"].iter().find(|name| item.has(name))
        {
            let message = "An item that is deleted cannot be changed as well.";
            return Err(item.refuse(name, message));
        }
        return Ok(ItemWish::Remove(found.id.clone()));
    }
    change_of(world, item, found, &subscription.customer)
}

/// Reads a change of an item that is there.
pub(super) fn change_of(
    world: &mut World,
    item: &Params,
    found: &crate::object::subscription_item::SubscriptionItem,
    customer: &Id,
) -> Result<ItemWish, StripeError> {
    let named = item.text("price").or_else(|| item.text("plan"));
    let other = item.has("price_data") || named.is_some_and(|price| *price != *found.price.id);
    let price = if other { Some(items::read_price(world, item, Sold::Active)?) } else { None };
    let quantity = items::read_quantity(price.as_ref().unwrap_or(&found.price), item)?;
    let after = price.as_ref().unwrap_or(&found.price);
    let cost = (after.amount(quantity.unwrap_or(found.count())), after.currency);
    let discounts = items::read_discounts(world, item, customer, cost)?;
    Ok(ItemWish::Change { id: found.id.clone(), price, quantity, discounts, params: item.clone() })
}

/// Refuses what would not be a subscription any more.
pub(super) fn check_result(
    subscription: &Subscription,
    wishes: &[ItemWish],
) -> Result<(), StripeError> {
    let mut prices: Vec<(Id, &Price)> =
        subscription.items.data.iter().map(|item| (item.id.clone(), &item.price)).collect();
    for wish in wishes {
        match wish {
            ItemWish::Add(new) => prices.push(("".into(), &new.price)),
            ItemWish::Change { id, price: Some(price), .. } => {
                for (_, place) in prices.iter_mut().filter(|(one, _)| one == id) {
                    *place = price;
                }
            }
            ItemWish::Change { .. } => {}
            ItemWish::Remove(id) => prices.retain(|(one, _)| one != id),
        }
    }
    if prices.is_empty() {
        let message = "A subscription must have at least one item. To end the subscription, \
                       cancel it.";
        return Err(StripeError::param("items", message));
    }
    let prices: Vec<&Price> = prices.into_iter().map(|(_, price)| price).collect();
    items::check_together(&prices, subscription.currency, subscription.billing_mode.is_flexible())
}

/// Makes the items of a subscription what the wishes say, and returns the ids of the new ones,
/// which get no period yet. `made` notes the discounts that are redeemed.
pub(super) fn apply_items(
    world: &mut World,
    subscription: &mut Subscription,
    wishes: Vec<ItemWish>,
    now: i64,
    made: &mut Vec<Id>,
) -> Vec<Id> {
    let mut added = Vec::new();
    let customer = subscription.customer.clone();
    for wish in wishes {
        match wish {
            ItemWish::Add(new) => {
                let discounts = items::redeem(world, &customer, &new.discounts, made);
                let item = items::make(world, &subscription.id, new, discounts, now, (now, now));
                added.push(item.id.clone());
                subscription.items.data.push(item);
            }
            ItemWish::Remove(id) => subscription.items.data.retain(|item| item.id != id),
            ItemWish::Change { id, price, quantity, discounts, params } => {
                let place = subscription.items.data.iter_mut().find(|item| item.id == id);
                let Some(item) = place else { continue };
                if let Some(price) = price {
                    let usual = if price.is_metered() { None } else { item.quantity.or(Some(1)) };
                    item.quantity = usual;
                    item.set_price(price);
                }
                item.quantity = quantity.or(item.quantity);
                if let Some(wanted) = discounts {
                    item.discounts = items::redeem(world, &customer, &wanted, made);
                }
                change_metadata(&mut item.metadata, &params);
            }
        }
    }
    added
}
