//! What is sold: products, prices, coupons, promotion codes, discounts, entitlements; and the
//! test clocks.

mod coupons;
pub(crate) mod discounts;
pub(crate) mod entitlements;
mod features;
mod holders;
mod price_terms;
mod prices;
mod products;
mod promotion_codes;
mod test_clocks;

use serde_json::Value;

pub(crate) use prices::InlinePrice;

use crate::error::StripeError;
use crate::object::price::Price;
use crate::params::Params;
use crate::world::{Route, World};

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] = &[
    products::ROUTES,
    prices::ROUTES,
    coupons::ROUTES,
    promotion_codes::ROUTES,
    holders::ROUTES,
    features::ROUTES,
    entitlements::ROUTES,
    test_clocks::ROUTES,
];

pub(crate) use coupons::{find as coupon, include as include_in_coupon, wake as wake_offer};
pub(crate) use test_clocks::wake as wake_test_clock;

/// Makes the price of `price_data`: it is not active, so nobody can buy at it again. Whoever makes
/// more along with it calls [`check_inline_price`] first.
pub(crate) fn inline_price(world: &mut World, data: &Params) -> Result<Price, StripeError> {
    prices::inline(world, data)
}

/// Makes a price of `price_data` that is not in the world before [`keep_inline_price`], for
/// whoever has more to check.
pub(crate) fn prepare_inline_price(
    world: &mut World,
    data: &Params,
) -> Result<InlinePrice, StripeError> {
    prices::prepare(world, data)
}

/// Puts a prepared price into the world.
pub(crate) fn keep_inline_price(world: &mut World, prepared: InlinePrice) {
    prices::keep(world, prepared);
}

/// Says whether `price_data` can become a price.
pub(crate) fn check_inline_price(world: &World, data: &Params) -> Result<(), StripeError> {
    prices::check_inline(world, data)
}

/// Returns the tiers of a price that has some, as `expand[]=tiers` answers them.
pub(crate) fn tiers(world: &World, price: &str) -> Option<Value> {
    let price = world.get::<Price>(price).ok().filter(|price| price.tiers_mode.is_some())?;
    Some(serde_json::to_value(&price.tiers).expect("tiers are plain"))
}
