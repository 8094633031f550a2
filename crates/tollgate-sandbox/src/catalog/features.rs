//! `/v1/entitlements/features`, and which product gives which: `/v1/products/{product}/features`.

use super::entitlements;
use crate::error::StripeError;
use crate::object::feature::{Feature, ProductFeature};
use crate::object::product::Product;
use crate::object::{Id, Object as _, change_metadata, metadata};
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/entitlements/features", list),
    Route::post("/v1/entitlements/features", create),
    Route::get("/v1/entitlements/features/{id}", |world, call| world.show::<Feature>(call.id())),
    Route::post("/v1/entitlements/features/{id}", update),
    Route::get("/v1/products/{id}/features", list_of_product),
    Route::post("/v1/products/{id}/features", attach),
    Route::get("/v1/products/{product}/features/{id}", |world, call| {
        let id = of_product(world, call)?;
        world.show::<ProductFeature>(&id)
    }),
    Route::delete("/v1/products/{product}/features/{id}", detach),
];

/// The longest lookup key and the longest name.
const TEXT_LEN_MAX: usize = 80;

fn list(world: &mut World, call: &Call) -> Outcome {
    let archived = call.params.flag("archived").unwrap_or(false);
    let key = call.params.text("lookup_key");
    world.list::<Feature>(call, None, |feature| {
        feature.active != archived && key.is_none_or(|key| feature.lookup_key == key)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (key, name) = (params.need_text("lookup_key")?, params.need_text("name")?);
    for (param, text) in [("lookup_key", key), ("name", name)] {
        check_length(param, text)?;
    }
    if world.features.newest().any(|feature| feature.lookup_key == key) {
        let message = format!("A feature with the lookup key `{key}` already exists.");
        return Err(params.refuse("lookup_key", message).code("resource_already_exists"));
    }
    let feature = Feature {
        id: world.new_id(Feature::PREFIX),
        object: Feature::NAME,
        active: true,
        livemode: false,
        lookup_key: key.to_owned(),
        metadata: metadata(params),
        name: name.to_owned(),
        created: world.now(),
    };
    let id = feature.id.clone();
    world.add(feature);
    world.show::<Feature>(&id)
}

fn check_length(param: &str, text: &str) -> Result<(), StripeError> {
    if text.chars().count() > TEXT_LEN_MAX {
        let message = format!("`{param}` has at most {TEXT_LEN_MAX} characters.");
        return Err(StripeError::param(param, message));
    }
    Ok(())
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let feature = world.get::<Feature>(call.id())?;
    let (id, active) = (feature.id.clone(), feature.active);
    if !active && params.flag("active") == Some(true) {
        let message = "A feature that was archived stays archived.";
        return Err(params.refuse("active", message));
    }
    let name = params.text("name");
    check_length("name", name.unwrap_or_default())?;
    world.edit::<Feature>(&id, |feature| {
        feature.active = params.flag("active").unwrap_or(feature.active);
        if let Some(name) = name {
            feature.name = name.to_owned();
        }
        change_metadata(&mut feature.metadata, params);
    });
    let feature = world.known::<Feature>(&id).clone();
    let copies: Vec<Id> = world.product_features.of(&id).map(|row| row.id.clone()).collect();
    for copy in copies {
        world.edit::<ProductFeature>(&copy, |row| row.entitlement_feature = feature.clone());
    }
    world.show::<Feature>(&id)
}

fn list_of_product(world: &mut World, call: &Call) -> Outcome {
    let product = world.get::<Product>(call.id())?.id.clone();
    let mut page = world.list::<ProductFeature>(call, Some(&product), |_| true)?;
    page["url"] = format!("/v1/products/{product}/features").into();
    Ok(page)
}

fn attach(world: &mut World, call: &Call) -> Outcome {
    let product = world.get::<Product>(call.id())?.id.clone();
    let name = call.params.need_text("entitlement_feature")?;
    let feature = world.need::<Feature>(name, "entitlement_feature")?.clone();
    let refuse = |message: &str| Err(call.params.refuse("entitlement_feature", message));
    if !feature.active {
        return refuse("An archived feature cannot be given to a product.");
    }
    if world.product_features.of(&product).any(|row| row.entitlement_feature.id == feature.id) {
        return refuse("The product has this feature already.");
    }
    let row = ProductFeature {
        id: world.new_id(ProductFeature::PREFIX),
        object: ProductFeature::NAME,
        entitlement_feature: feature,
        livemode: false,
        product: product.clone(),
        created: world.now(),
    };
    let id = row.id.clone();
    world.add(row);
    entitlements::refresh_product(world, &product);
    world.show::<ProductFeature>(&id)
}

/// Finds the feature of a product that a path names.
fn of_product(world: &World, call: &Call) -> Result<Id, StripeError> {
    let product = world.get::<Product>(call.id())?.id.clone();
    let id = call.ids.get(1).map_or("", String::as_str);
    let found = world.get::<ProductFeature>(id).ok().filter(|row| row.product == product);
    found.map(|row| row.id.clone()).ok_or_else(|| StripeError::no_such(ProductFeature::NAME, id))
}

fn detach(world: &mut World, call: &Call) -> Outcome {
    let id = of_product(world, call)?;
    let product = world.known::<ProductFeature>(&id).product.clone();
    let answer = world.delete::<ProductFeature>(&id, None)?;
    entitlements::refresh_product(world, &product);
    Ok(answer)
}
