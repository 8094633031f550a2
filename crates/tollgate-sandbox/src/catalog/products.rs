//! `/v1/products`.

use super::{price_terms, prices};
use crate::error::StripeError;
use crate::object::price::Price;
use crate::object::product::{MarketingFeature, Product};
use crate::object::{Id, Object as _, change_metadata, change_text, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/products", list),
    Route::post("/v1/products", create),
    Route::get("/v1/products/search", |world, call| world.search::<Product>(call, SEARCHED)),
    Route::get("/v1/products/{id}", |world, call| world.show::<Product>(call.id())),
    Route::post("/v1/products/{id}", update),
    Route::delete("/v1/products/{id}", delete),
];

const SEARCHED: &[(&str, &str)] = &[
    ("active", "active"),
    ("description", "description"),
    ("metadata", "metadata"),
    ("name", "name"),
    ("shippable", "shippable"),
    ("url", "url"),
];

/// The longest `statement_descriptor`.
const DESCRIPTOR_LEN_MAX: usize = 22;
/// What Stripe's products have beyond ours.
const ABSENT: [&str; 3] = ["package_dimensions", "tax_code", "tax_details"];

fn list(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (active, ids) = (params.flag("active"), params.texts("ids"));
    let (shippable, url) = (params.flag("shippable"), params.text("url"));
    let kind = params.text("type");
    world.list::<Product>(call, None, |product| {
        active.is_none_or(|active| product.active == active)
            && ids.as_ref().is_none_or(|ids| ids.iter().any(|id| **id == *product.id))
            && shippable.is_none_or(|wanted| product.shippable == Some(wanted))
            && url.is_none_or(|url| product.url.as_deref() == Some(url))
            && kind.is_none_or(|kind| product.kind == kind)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let data = params.sub("default_price_data");
    let terms = data.as_ref().map(price_terms::read).transpose()?;
    let product = build(world, params)?;
    let id = world.create(product, "product.created");
    if let (Some(data), Some(terms)) = (data, terms) {
        let mut price = prices::make(world, terms, id.clone(), true);
        price.metadata = metadata(&data);
        let price = world.create(price, "price.created");
        set_default(world, &id, Some(price));
    }
    world.show::<Product>(&id)
}

fn set_default(world: &mut World, id: &Id, price: Option<Id>) {
    let now = world.now();
    world.update::<Product>(id, "product.updated", |product| {
        product.default_price = price;
        product.updated = now;
    });
}

/// Says whether a product can be made of these parameters.
pub(super) fn check(world: &World, params: &Params) -> Result<(), StripeError> {
    if let Some(name) = ABSENT.iter().find(|name| params.has(name)) {
        return Err(params.refuse(name, format!("`{name}` is not part of the sandbox.")));
    }
    let descriptor = params.text("statement_descriptor").unwrap_or_default();
    let unfit = |letter: char| "<>\\\"'*".contains(letter);
    if descriptor.chars().count() > DESCRIPTOR_LEN_MAX || descriptor.contains(unfit) {
        let message = format!(
            "A statement descriptor has at most {DESCRIPTOR_LEN_MAX} characters, none of them \
             < > \\ \" ' *."
        );
        return Err(params.refuse("statement_descriptor", message));
    }
    match params.text("id") {
        Some(id) if world.get::<Product>(id).is_ok() => {
            let error = StripeError::invalid("Product already exists.");
            Err(error.code("resource_already_exists"))
        }
        Some(id) if id.contains(['/', ' ']) => {
            Err(params.refuse("id", "A product's id has no spaces and no slashes."))
        }
        _ => Ok(()),
    }
}

/// Makes a product that nobody is told of yet.
pub(super) fn build(world: &mut World, params: &Params) -> Result<Product, StripeError> {
    check(world, params)?;
    let name = params.need_text("name")?.to_owned();
    let id = match params.text("id") {
        Some(id) => id.into(),
        None => world.new_id(Product::PREFIX),
    };
    let now = world.now();
    Ok(Product {
        id,
        object: Product::NAME,
        active: params.flag("active").unwrap_or(true),
        created: now,
        default_price: None,
        description: params.text("description").map(str::to_owned),
        images: params.texts("images").unwrap_or_default(),
        livemode: false,
        marketing_features: marketing_features(params).unwrap_or_default(),
        metadata: metadata(params),
        name,
        package_dimensions: crate::object::Null,
        shippable: params.flag("shippable"),
        statement_descriptor: params.text("statement_descriptor").map(str::to_owned),
        tax_code: crate::object::Null,
        tax_details: crate::object::Null,
        kind: if params.text("type") == Some("good") { "good" } else { "service" },
        unit_label: params.text("unit_label").map(str::to_owned),
        updated: now,
        url: params.text("url").map(str::to_owned),
    })
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let id = world.get::<Product>(call.id())?.id.clone();
    check(world, params)?;
    let default = match params.text("default_price") {
        Some(price) => Some(own_price(world, &id, price)?),
        None => None,
    };
    let now = world.now();
    world.update::<Product>(&id, "product.updated", |product| {
        change(product, params);
        if let Some(price) = default {
            product.default_price = Some(price);
        } else if params.cleared("default_price") {
            product.default_price = None;
        }
        product.updated = now;
    });
    world.show::<Product>(&id)
}

fn own_price(world: &World, product: &Id, price: &str) -> Result<Id, StripeError> {
    let found = world.need::<Price>(price, "default_price")?;
    if found.product == *product && found.active {
        return Ok(found.id.clone());
    }
    let message =
        format!("The default price must be an active price of the product; `{price}` is not.");
    Err(StripeError::param("default_price", message))
}

fn change(product: &mut Product, params: &Params) {
    if let Some(name) = params.text("name") {
        product.name = name.to_owned();
    }
    product.active = params.flag("active").unwrap_or(product.active);
    product.shippable = params.flag("shippable").or(product.shippable);
    if let Some(images) = params.texts("images") {
        product.images = images;
    } else if params.cleared("images") {
        product.images.clear();
    }
    if let Some(features) = marketing_features(params) {
        product.marketing_features = features;
    } else if params.cleared("marketing_features") {
        product.marketing_features.clear();
    }
    change_text(&mut product.description, params, "description");
    change_text(&mut product.unit_label, params, "unit_label");
    change_text(&mut product.url, params, "url");
    change_text(&mut product.statement_descriptor, params, "statement_descriptor");
    change_metadata(&mut product.metadata, params);
}

fn marketing_features(params: &Params) -> Option<Vec<MarketingFeature>> {
    let features = params.list("marketing_features")?;
    let names = features.iter().filter_map(|feature| feature.text("name"));
    Some(names.map(|name| MarketingFeature { name: name.to_owned() }).collect())
}

fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = world.get::<Product>(call.id())?.id.clone();
    if world.prices.of(&id).next().is_some() {
        return Err(StripeError::invalid(
            "This product cannot be deleted because it has one or more user-created prices. \
             Archive it instead, with `active=false`.",
        ));
    }
    world.delete::<Product>(&id, Some("product.deleted"))
}
