//! Discounts: coupons and promotion codes redeemed, and what they take off.
//!
//! A discount is checked ([`check`]), made ([`make`]) and put on something: a customer, a
//! subscription or an item of one ([`super::holders`]), or an invoice, which just names it. One
//! that counts once is over with the first invoice that is finalized with it ([`spend`]).

use std::sync::Arc;

use serde_json::Value;

use super::{coupons, holders};
use crate::checkout;
use crate::error::StripeError;
use crate::money;
use crate::money::currency::Currency;
use crate::money::discount::Duration;
use crate::object::coupon::Coupon;
use crate::object::customer::Customer;
use crate::object::discount::{Discount, Source};
use crate::object::promotion_code::PromotionCode;
use crate::object::subscription::Subscription;
use crate::object::{Id, Null, Object as _};
use crate::params::Params;
use crate::world::{Wake, World};

pub(crate) use super::holders::{
    belong_to_subscription, give_customer, of_customer_params, tell_customer,
};

/// The most discounts of one thing.
const DISCOUNTS_MAX: usize = 20;

/// What discounts are redeemed for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Purchase<'a> {
    pub(crate) customer: Option<&'a Id>,
    /// What it costs in, where that is known.
    pub(crate) currency: Option<Currency>,
    /// What it costs without them, in minor units of `currency`, where that is known.
    pub(crate) amount: Option<i64>,
}

/// A discount that a call asks for, checked.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// One that is there already.
    There(Id),
    /// A coupon to be redeemed, by a promotion code or without one.
    New(Box<Coupon>, Option<Id>),
}

/// Reads `discounts[]`, each a coupon, a promotion code, or a discount that is there already, and
/// refuses what cannot be redeemed, without redeeming anything.
pub(crate) fn check(
    world: &World,
    purchase: Purchase<'_>,
    params: &Params,
) -> Result<Vec<Wanted>, StripeError> {
    let given = params.list("discounts").unwrap_or_default();
    if given.len() > DISCOUNTS_MAX {
        let message = format!("At most {DISCOUNTS_MAX} discounts can be applied.");
        return Err(params.refuse("discounts", message));
    }
    let mut wanted: Vec<Wanted> = Vec::with_capacity(given.len());
    for one in &given {
        let next = check_one(world, purchase, one)?;
        if let Some(name) = repeated(world, &wanted, &next) {
            let message = format!("The coupon `{name}` can be applied only once.");
            return Err(params.refuse("discounts", message));
        }
        wanted.push(next);
    }
    Ok(wanted)
}

fn repeated(world: &World, before: &[Wanted], next: &Wanted) -> Option<Id> {
    let coupon = |wanted: &Wanted| match wanted {
        Wanted::There(id) => world.known::<Discount>(id).source.coupon.clone(),
        Wanted::New(coupon, _) => coupon.id.clone(),
    };
    let name = coupon(next);
    before.iter().any(|other| coupon(other) == name).then_some(name)
}

fn check_one(world: &World, purchase: Purchase<'_>, one: &Params) -> Result<Wanted, StripeError> {
    let names = ["coupon", "promotion_code", "discount"];
    let given: Vec<&str> = names.into_iter().filter(|name| one.has(name)).collect();
    match given.as_slice() {
        ["discount"] => check_there(world, purchase, one).map(Wanted::There),
        [_] => check_new(world, purchase, one),
        _ => Err(one.refuse(
            given.get(1).unwrap_or(&"coupon"),
            "A discount is exactly one of `coupon`, `promotion_code` and `discount`.",
        )),
    }
}

fn check_there(world: &World, purchase: Purchase<'_>, one: &Params) -> Result<Id, StripeError> {
    let name = one.need_text("discount")?;
    let found = world.need::<Discount>(name, &one.path("discount"))?;
    let theirs = found.customer.as_ref() == purchase.customer;
    if !theirs || !found.counts(world.now_of(purchase.customer)) {
        let message = format!("The discount `{name}` is over, or is another customer's.");
        return Err(one.refuse("discount", message));
    }
    Ok(found.id.clone())
}

/// Checks `coupon` or `promotion_code` of a call or of an element of `discounts[]`.
pub(super) fn check_new(
    world: &World,
    purchase: Purchase<'_>,
    params: &Params,
) -> Result<Wanted, StripeError> {
    let Some(name) = params.text("promotion_code") else {
        let name = params.need_text("coupon")?;
        let coupon = world.need::<Coupon>(name, &params.path("coupon"))?;
        check_coupon(purchase, coupon, &params.path("coupon"))?;
        return Ok(Wanted::New(Box::new(coupon.clone()), None));
    };
    let param = params.path("promotion_code");
    let code = world.need::<PromotionCode>(name, &param)?;
    check_code(world, purchase, code, &param)?;
    let coupon = world.need::<Coupon>(&code.promotion.coupon, &param)?;
    check_coupon(purchase, coupon, &param)?;
    Ok(Wanted::New(Box::new(coupon.clone()), Some(code.id.clone())))
}

fn check_coupon(purchase: Purchase<'_>, coupon: &Coupon, param: &str) -> Result<(), StripeError> {
    if !coupon.valid {
        let message = format!("Coupon expired: {}", coupon.id);
        return Err(StripeError::param(param, message).code("coupon_expired"));
    }
    match purchase.currency {
        Some(currency) if coupon.off(currency).is_none() => {
            let message = format!(
                "The coupon `{}` takes an amount off in another currency than {}.",
                coupon.id,
                currency.as_str()
            );
            Err(StripeError::param(param, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a promotion code that a purchase may not redeem.
pub(crate) fn check_code(
    world: &World,
    purchase: Purchase<'_>,
    code: &PromotionCode,
    param: &str,
) -> Result<(), StripeError> {
    let refuse = |message: &str| Err(StripeError::param(param, message));
    if !code.active {
        return refuse("This promotion code is not active, or can no longer be redeemed.");
    }
    if code.customer.is_some() && code.customer.as_ref() != purchase.customer {
        return refuse("This promotion code is for another customer.");
    }
    let bought = || purchase.customer.is_some_and(|customer| has_bought(world, customer));
    if code.restrictions.first_time_transaction && bought() {
        return refuse(
            "This promotion code cannot be redeemed because the associated customer has prior \
             transactions.",
        );
    }
    let Some((amount, currency)) = purchase.amount.zip(purchase.currency) else { return Ok(()) };
    match code.restrictions.least(currency) {
        Ok(least) if least.is_none_or(|least| amount >= least) => Ok(()),
        Ok(_) => refuse("The purchase does not reach the least amount of this promotion code."),
        Err(()) => refuse("The least amount of this promotion code is in another currency."),
    }
}

/// Says whether a customer has paid before. What pays for a visit to Checkout that is not complete
/// yet is that very purchase, and none before it.
pub(crate) fn has_bought(world: &World, customer: &Id) -> bool {
    let of_now =
        |intent: &Option<Id>| intent.as_ref().is_some_and(|it| checkout::is_being_paid(world, it));
    let mut charges = world.charges.of(customer).filter(|charge| charge.status == "succeeded");
    charges.any(|charge| !of_now(&charge.payment_intent))
        || world.invoices.of(customer).any(|invoice| {
            invoice.status == crate::object::invoice::Status::Paid && invoice.amounts.total > 0
        })
}

/// Redeems what was checked. The discounts are on nothing yet.
pub(crate) fn make(world: &mut World, customer: Option<&Id>, wanted: &[Wanted]) -> Vec<Id> {
    let made = draw(world, customer, wanted);
    made.iter().for_each(|id| count_once(world, id));
    made
}

/// Makes the discounts that were checked without counting them as redeemed: the call may still be
/// refused ([`unmake`]), or be a preview. They count once they are on something, or on a final
/// invoice.
pub(crate) fn draw(world: &mut World, customer: Option<&Id>, wanted: &[Wanted]) -> Vec<Id> {
    let one = |wanted: &Wanted| match wanted {
        Wanted::There(id) => id.clone(),
        Wanted::New(coupon, code) => make_one(world, customer, coupon, code.as_ref()),
    };
    wanted.iter().map(one).collect()
}

/// Takes back discounts that were drawn, and were put on nothing.
pub(crate) fn unmake(world: &mut World, made: &[Id]) {
    for id in made {
        world.discounts.remove(id);
    }
}

fn make_one(world: &mut World, customer: Option<&Id>, coupon: &Coupon, code: Option<&Id>) -> Id {
    let id = world.new_id(Discount::PREFIX);
    let start = world.now_of(customer);
    let end = coupon.lasts().end(start);
    world.add(Discount {
        id: id.clone(),
        object: Discount::NAME,
        checkout_session: None,
        customer: customer.cloned(),
        customer_account: Null,
        end,
        invoice: None,
        invoice_item: None,
        promotion_code: code.cloned(),
        source: Source { coupon: coupon.id.clone(), kind: "coupon" },
        start,
        subscription: None,
        subscription_item: None,
        coupon: Arc::new(coupon.clone()),
        over: false,
        counted: false,
        told: false,
    });
    if let Some(end) = end {
        world.wake_at(customer, end, Wake::Discount(id.clone()));
    }
    id
}

/// Counts that a discount's coupon was redeemed, once.
pub(super) fn count_once(world: &mut World, discount: &Id) {
    let Ok(found) = world.get::<Discount>(discount) else { return };
    if found.counted {
        return;
    }
    let (coupon, code) = (found.source.coupon.clone(), found.promotion_code.clone());
    world.edit::<Discount>(discount, |discount| discount.counted = true);
    count(world, &coupon, code.as_ref());
}

/// Counts that a coupon was redeemed, and the promotion code it was redeemed by. What uses a code
/// up is told of (`promotion_code.updated`); what merely counts is not.
fn count(world: &mut World, coupon: &Id, code: Option<&Id>) {
    world.edit::<Coupon>(coupon, |coupon| coupon.times_redeemed += 1);
    if let Some(code) = code.and_then(|id| world.get::<PromotionCode>(id).ok()) {
        let last = code.max_redemptions.is_some_and(|most| code.times_redeemed + 1 >= most);
        let id = code.id.clone();
        let take = |code: &mut PromotionCode| {
            code.times_redeemed += 1;
            code.active &= !last;
        };
        if last {
            world.update::<PromotionCode>(&id, "promotion_code.updated", take);
        } else {
            world.edit::<PromotionCode>(&id, take);
        }
    }
    coupons::look_again(world, coupon);
}

/// Counts that a payment used a coupon or a promotion code.
pub(crate) fn redeem(world: &mut World, coupon: Option<&Id>, promotion_code: Option<&Id>) {
    let of_code = promotion_code.and_then(|id| world.get::<PromotionCode>(id).ok());
    let coupon = of_code.map(|code| code.promotion.coupon.clone()).or_else(|| coupon.cloned());
    if let Some(coupon) = coupon {
        count(world, &coupon, promotion_code);
    }
}

/// The months of a discount may be over.
pub(crate) fn wake(world: &mut World, discount: &Id) {
    let Ok(found) = world.get::<Discount>(discount) else { return };
    let now = world.now_of(found.customer.clone().as_ref());
    if !found.counts(now) {
        holders::take_off(world, discount);
    }
}

/// Returns the discounts that count on a subscription's invoice made at `at`: its own, or else
/// the customer's. Discounts that have ended are taken off (`customer.discount.deleted`).
pub(crate) fn for_subscription(world: &mut World, subscription: &Id, at: i64) -> Vec<Id> {
    let Ok(found) = world.get::<Subscription>(subscription) else { return Vec::new() };
    if found.discounts.is_empty() && world.known::<Customer>(&found.customer).discount.is_none() {
        return Vec::new();
    }
    let customers = customers_own(world, &found.customer);
    let all: Vec<Id> = found.discounts.iter().cloned().chain(customers).collect();
    let now = world.now_of(Some(&found.customer.clone()));
    for id in all {
        if world.get::<Discount>(&id).is_ok_and(|one| !one.counts(now)) {
            holders::take_off(world, &id);
        }
    }
    foresee(world, world.known::<Subscription>(subscription), at)
}

/// Returns the discounts that would count on a subscription's invoice made at `at`, without
/// changing anything: for previews, and to tell the price of a change.
pub(crate) fn foresee(world: &World, subscription: &Subscription, at: i64) -> Vec<Id> {
    let counts = |id: &&Id| world.get::<Discount>(id).is_ok_and(|one| one.counts(at));
    let own: Vec<Id> = subscription.discounts.iter().filter(counts).cloned().collect();
    if !own.is_empty() {
        return own;
    }
    customers_own(world, &subscription.customer).iter().filter(counts).cloned().collect()
}

/// Returns the discount that is on a customer.
fn customers_own(world: &World, customer: &Id) -> Option<Id> {
    let discount = world.get::<Customer>(customer).ok()?.discount.as_ref()?;
    discount["id"].as_str().map(Id::from)
}

/// Returns what a discount takes off which products of an invoice in a currency; `None` where
/// that is nothing, because it takes an amount off in another one.
pub(crate) fn terms(
    world: &World,
    discount: &Id,
    currency: Currency,
) -> Option<money::discount::Discount> {
    let discount = world.get::<Discount>(discount).ok()?;
    Some(money::discount::Discount {
        id: discount.id.clone(),
        off: discount.coupon.off(currency)?,
        products: discount.coupon.products.clone(),
    })
}

/// Notes that discounts took something off a final invoice: those that apply once have ended.
pub(crate) fn spend(world: &mut World, discounts: &[Id]) {
    for id in discounts {
        count_once(world, id);
        let once = world
            .get::<Discount>(id)
            .is_ok_and(|one| !one.over && one.coupon.lasts() == Duration::Once);
        if once {
            holders::take_off(world, id);
        }
    }
}

/// Shows a discount as the answer to its deletion does.
pub(super) fn shown_deleted(world: &World, id: &str) -> Value {
    let mut shown = world.show::<Discount>(id).unwrap_or_default();
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("end");
        fields.insert("deleted".to_owned(), Value::Bool(true));
    }
    shown
}
