//! `/v1/billing_portal/configurations`.

use super::features;
use crate::checkout::rules;
use crate::error::StripeError;
use crate::object::portal_configuration::{BusinessProfile, LoginPage, PortalConfiguration};
use crate::object::{Id, Null, Object as _, change_metadata, change_text};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/billing_portal/configurations", list),
    Route::post("/v1/billing_portal/configurations", create),
    Route::get("/v1/billing_portal/configurations/{id}", |world, call| {
        world.show::<PortalConfiguration>(call.id())
    }),
    Route::post("/v1/billing_portal/configurations/{id}", update),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let (active, default) = (call.params.flag("active"), call.params.flag("is_default"));
    world.list::<PortalConfiguration>(call, None, |row| {
        active.is_none_or(|active| row.active == active)
            && default.is_none_or(|default| row.is_default == default)
    })
}

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    if !params.has("features") {
        return Err(params.missing("features"));
    }
    let mut configuration = blank(world);
    change(world, &mut configuration, params)?;
    let id = world.create(configuration, "billing_portal.configuration.created");
    world.show::<PortalConfiguration>(&id)
}

fn blank(world: &mut World) -> PortalConfiguration {
    let now = world.now();
    PortalConfiguration {
        id: world.new_id(PortalConfiguration::PREFIX),
        object: PortalConfiguration::NAME,
        active: true,
        application: Null,
        business_profile: BusinessProfile::default(),
        created: now,
        default_return_url: None,
        features: features::none(),
        is_default: false,
        livemode: false,
        login_page: LoginPage::default(),
        metadata: crate::object::Metadata::new(),
        name: None,
        updated: now,
    }
}

/// Returns the configuration of sessions that name none, if it was made.
pub(super) fn find_default(world: &World) -> Option<Id> {
    world.portal_configurations.newest().find(|row| row.is_default).map(|row| row.id.clone())
}

/// Makes the configuration of sessions that name none. At Stripe every account has one from its
/// dashboard, so no event tells of it.
pub(super) fn make_default(world: &mut World) -> Id {
    let mut configuration = blank(world);
    configuration.is_default = true;
    configuration.features = features::usual();
    let id = configuration.id.clone();
    world.add(configuration);
    id
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let mut changed = world.get::<PortalConfiguration>(call.id())?.clone();
    let params = &call.params;
    change(world, &mut changed, params)?;
    if let Some(active) = params.flag("active") {
        if changed.is_default && !active {
            let message = "The default configuration cannot be deactivated.";
            return Err(params.refuse("active", message));
        }
        changed.active = active;
    }
    let now = world.now();
    let event = "billing_portal.configuration.updated";
    world.update::<PortalConfiguration>(call.id(), event, |row| {
        *row = changed;
        row.updated = now;
    });
    world.show::<PortalConfiguration>(call.id())
}

fn change(
    world: &World,
    row: &mut PortalConfiguration,
    params: &Params,
) -> Result<(), StripeError> {
    if let Some(given) = params.sub("features") {
        features::change(world, &mut row.features, &given)?;
    }
    if let Some(profile) = params.sub("business_profile") {
        let place = &mut row.business_profile;
        change_text(&mut place.headline, &profile, "headline");
        change_text(&mut place.privacy_policy_url, &profile, "privacy_policy_url");
        change_text(&mut place.terms_of_service_url, &profile, "terms_of_service_url");
    }
    if params.text("default_return_url").is_some_and(|address| !rules::is_address(address)) {
        return Err(params.refuse("default_return_url", "Not a valid URL").code("url_invalid"));
    }
    if params.sub("login_page").is_some_and(|page| page.flag("enabled") == Some(true)) {
        let message = "A login page is not part of the sandbox: it would send e-mail.";
        return Err(params.refuse("login_page", message));
    }
    change_text(&mut row.default_return_url, params, "default_return_url");
    change_text(&mut row.name, params, "name");
    change_metadata(&mut row.metadata, params);
    Ok(())
}
