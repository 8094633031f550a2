//! `/v1/prices`, and the prices that a call makes along the way: of `price_data` and of a
//! product's `default_price_data`.

use super::price_terms::{self, Terms};
use super::products;
use crate::error::StripeError;
use crate::object::price::{Plan, Price};
use crate::object::product::Product;
use crate::object::subscription::Subscription;
use crate::object::{Id, Metadata, Null, Object as _, change_metadata, change_text, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/prices", list),
    Route::post("/v1/prices", create),
    Route::get("/v1/prices/search", |world, call| world.search::<Price>(call, SEARCHED)),
    Route::get("/v1/prices/{id}", |world, call| world.show::<Price>(call.id())),
    Route::post("/v1/prices/{id}", update),
];

const SEARCHED: &[(&str, &str)] = &[
    ("active", "active"),
    ("currency", "currency"),
    ("lookup_key", "lookup_key"),
    ("metadata", "metadata"),
    ("product", "product"),
    ("type", "type"),
];

/// The longest lookup key.
const LOOKUP_KEY_LEN_MAX: usize = 200;

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (active, currency) = (params.flag("active"), params.text("currency"));
    let (kind, keys) = (params.text("type"), params.texts("lookup_keys"));
    let recurring = params.sub("recurring").unwrap_or_default();
    let (interval, usage) = (recurring.text("interval"), recurring.text("usage_type"));
    if recurring.has("meter") {
        return world.list::<Price>(call, None, |_| false);
    }
    world.list::<Price>(call, params.text("product"), |price| {
        let of = price.recurring.as_ref();
        active.is_none_or(|active| price.active == active)
            && currency.is_none_or(|currency| price.currency.as_str() == currency)
            && kind.is_none_or(|kind| price.kind == kind)
            && keys
                .as_ref()
                .is_none_or(|keys| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key)))
            && interval.is_none_or(|wanted| of.is_some_and(|of| of.interval.as_str() == wanted))
            && usage.is_none_or(|wanted| of.is_some_and(|of| of.usage_type == wanted))
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let terms = price_terms::read(params)?;
    let key = lookup_key(world, params, None)?;
    let product = seller(world, params)?;
    let product = match product {
        Seller::There(id) => id,
        Seller::New(new) => world.create(*new, "product.created"),
    };
    take_lookup_key(world, key.as_deref());
    let active = params.flag("active").unwrap_or(true);
    let mut price = make(world, terms, product, active);
    price.lookup_key = key;
    price.metadata = metadata(params);
    price.nickname = params.text("nickname").map(str::to_owned);
    let id = world.create(price, "price.created");
    world.show::<Price>(&id)
}

/// The product of a new price.
enum Seller {
    There(Id),
    New(Box<Product>),
}

/// Reads `product` or `product_data`.
fn seller(world: &mut World, params: &Params) -> Result<Seller, StripeError> {
    match (params.text("product"), params.sub("product_data")) {
        (Some(_), Some(_)) => {
            let message = "Only one of `product` and `product_data` can be given.";
            Err(params.refuse("product_data", message))
        }
        (Some(id), None) => world
            .need::<Product>(id, &params.path("product"))
            .map(|row| Seller::There(row.id.clone())),
        (None, Some(data)) => {
            products::build(world, &data).map(|product| Seller::New(Box::new(product)))
        }
        (None, None) => {
            let message = "One of `product` and `product_data` is required.";
            Err(params.refuse("product", message).code("parameter_missing"))
        }
    }
}

/// Makes a price that nobody is told of yet.
pub(super) fn make(world: &mut World, terms: Terms, product: Id, active: bool) -> Price {
    Price {
        id: world.new_id(Price::PREFIX),
        object: Price::NAME,
        active,
        billing_scheme: if terms.tiers_mode.is_some() { "tiered" } else { "per_unit" },
        created: world.now(),
        currency: terms.currency,
        custom_unit_amount: Null,
        livemode: false,
        lookup_key: None,
        metadata: Metadata::new(),
        nickname: None,
        product,
        kind: if terms.recurring.is_some() { "recurring" } else { "one_time" },
        recurring: terms.recurring,
        tax_behavior: terms.tax_behavior,
        tiers_mode: terms.tiers_mode,
        transform_quantity: terms.transform_quantity,
        unit_amount: terms.unit_amount,
        unit_amount_decimal: terms.unit_amount_decimal,
        tiers: terms.tiers,
    }
}

/// Says whether `price_data` can become a price, before anything is made.
pub(super) fn check_inline(world: &World, data: &Params) -> Result<(), StripeError> {
    price_terms::read(data)?;
    match (data.text("product"), data.sub("product_data")) {
        (Some(id), None) => world.need::<Product>(id, &data.path("product")).map(|_| ()),
        (None, Some(product)) => products::check(world, &product),
        (Some(_), Some(_)) => {
            Err(data
                .refuse("product_data", "Only one of `product` and `product_data` can be given."))
        }
        (None, None) => Err(data.missing("product")),
    }
}

/// A price of `price_data` that is not in the world yet, with its product if that is new.
#[derive(Debug)]
pub(crate) struct InlinePrice {
    pub(crate) price: Price,
    pub(crate) product: Option<Box<Product>>,
}

/// Makes the price of `price_data`. As at Stripe it is one like any other, but not active: nobody
/// can buy at it again.
pub(super) fn inline(world: &mut World, data: &Params) -> Result<Price, StripeError> {
    let prepared = prepare(world, data)?;
    Ok(keep(world, prepared))
}

/// Makes a price of `price_data` that [`keep`] puts into the world.
pub(super) fn prepare(world: &mut World, data: &Params) -> Result<InlinePrice, StripeError> {
    let terms = price_terms::read(data)?;
    let (id, product) = match seller(world, data)? {
        Seller::There(id) => (id, None),
        Seller::New(mut new) => {
            new.active = false;
            (new.id.clone(), Some(new))
        }
    };
    Ok(InlinePrice { price: make(world, terms, id, false), product })
}

/// Puts a prepared price into the world.
pub(super) fn keep(world: &mut World, prepared: InlinePrice) -> Price {
    if let Some(product) = prepared.product {
        world.create(*product, "product.created");
    }
    let id = world.create(prepared.price, "price.created");
    world.known::<Price>(&id).clone()
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let price = world.get::<Price>(call.id())?;
    let (id, before) = (price.id.clone(), price.tax_behavior);
    if params.has("currency_options") {
        let message = "`currency_options` is not part of the sandbox.";
        return Err(params.refuse("currency_options", message));
    }
    if params.flag("active") == Some(false) && is_default(world, &id) {
        let message = "This price cannot be archived: it is the default price of its product.";
        return Err(params.refuse("active", message));
    }
    let tax_behavior = price_terms::tax_behavior(params);
    if before != "unspecified" && tax_behavior.is_some_and(|after| after != before) {
        let message = "`tax_behavior` cannot be changed once it is set.";
        return Err(params.refuse("tax_behavior", message));
    }
    let key = lookup_key(world, params, Some(&id))?;
    take_lookup_key(world, key.as_deref().filter(|_| world.known::<Price>(&id).lookup_key != key));
    world.update::<Price>(&id, "price.updated", |price| {
        price.active = params.flag("active").unwrap_or(price.active);
        price.tax_behavior = tax_behavior.unwrap_or(price.tax_behavior);
        change_text(&mut price.lookup_key, params, "lookup_key");
        change_text(&mut price.nickname, params, "nickname");
        change_metadata(&mut price.metadata, params);
    });
    renew_copies(world, &id);
    world.show::<Price>(&id)
}

fn is_default(world: &World, price: &Id) -> bool {
    let product = world.get::<Product>(&world.known::<Price>(price).product);
    product.is_ok_and(|product| product.default_price.as_ref() == Some(price))
}

/// Reads a lookup key, which no other price may have unless it is to be transferred.
fn lookup_key(
    world: &World,
    params: &Params,
    own: Option<&Id>,
) -> Result<Option<String>, StripeError> {
    let Some(key) = params.text("lookup_key") else {
        return match params.flag("transfer_lookup_key") {
            Some(true) => Err(params.missing("lookup_key")),
            _ => Ok(None),
        };
    };
    if key.chars().count() > LOOKUP_KEY_LEN_MAX {
        let message = format!("A lookup key has at most {LOOKUP_KEY_LEN_MAX} characters.");
        return Err(params.refuse("lookup_key", message));
    }
    let other = holder(world, key).filter(|other| Some(other) != own);
    match other {
        Some(other) if params.flag("transfer_lookup_key") != Some(true) => {
            let message = format!("A price (`{other}`) already uses that lookup key.");
            Err(params.refuse("lookup_key", message))
        }
        _ => Ok(Some(key.to_owned())),
    }
}

fn holder(world: &World, key: &str) -> Option<Id> {
    let mut prices = world.prices.newest();
    prices.find(|price| price.lookup_key.as_deref() == Some(key)).map(|price| price.id.clone())
}

/// Takes a lookup key from the price that has it.
fn take_lookup_key(world: &mut World, key: Option<&str>) {
    let Some(other) = key.and_then(|key| holder(world, key)) else { return };
    world.update::<Price>(&other, "price.updated", |price| price.lookup_key = None);
    renew_copies(world, &other);
}

/// Subscription items show their price whole.
fn renew_copies(world: &mut World, id: &Id) {
    let price = world.known::<Price>(id).clone();
    let holds = |row: &&Subscription| row.items.data.iter().any(|item| item.price.id == *id);
    let holders: Vec<Id> =
        world.subscriptions.newest().filter(holds).map(|row| row.id.clone()).collect();
    for holder in holders {
        world.edit::<Subscription>(&holder, |subscription| {
            for item in subscription.items.data.iter_mut().filter(|item| item.price.id == *id) {
                item.plan = Plan(price.clone());
                item.price = price.clone();
            }
        });
    }
}
