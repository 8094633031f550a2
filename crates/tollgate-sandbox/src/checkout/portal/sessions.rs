//! `/v1/billing_portal/sessions`.

use super::{configurations, features, flow};
use crate::checkout::rules;
use crate::error::StripeError;
use crate::object::customer::Customer;
use crate::object::portal_configuration::PortalConfiguration;
use crate::object::portal_session::PortalSession;
use crate::object::{Id, Null, Object as _};
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[Route::post("/v1/billing_portal/sessions", create)];

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    for name in ["after_expiration", "customer_account", "on_behalf_of"] {
        if params.has(name) {
            return Err(params.refuse(name, format!("`{name}` is not part of the sandbox.")));
        }
    }
    let customer = world.need::<Customer>(params.need_text("customer")?, "customer")?.id.clone();
    if params.text("return_url").is_some_and(|address| !rules::is_address(address)) {
        return Err(params.refuse("return_url", "Not a valid URL").code("url_invalid"));
    }
    let named = match params.text("configuration") {
        None => configurations::find_default(world),
        Some(id) => Some(named(world, id)?),
    };
    let rules = match &named {
        Some(id) => world.known::<PortalConfiguration>(id).features.clone(),
        None => features::usual(),
    };
    let flow = match params.sub("flow_data") {
        None => None,
        Some(given) => Some(flow::read(world, &given, &customer, &rules)?),
    };
    let configuration = named.unwrap_or_else(|| configurations::make_default(world));
    let token: Id = format!("test_{}", world.new_word(40)).into();
    let default_return =
        world.known::<PortalConfiguration>(&configuration).default_return_url.clone();
    let session = PortalSession {
        id: world.new_id(PortalSession::PREFIX),
        object: PortalSession::NAME,
        configuration,
        created: world.now_of(Some(&customer)),
        customer,
        customer_account: Null,
        flow,
        livemode: false,
        locale: params.text("locale").map(str::to_owned),
        on_behalf_of: Null,
        return_url: params.text("return_url").map(str::to_owned).or(default_return),
        url: format!("{}/p/session/{token}", world.public_url),
        token,
        action: None,
        flow_done: false,
    };
    let id = world.create(session, "billing_portal.session.created");
    world.show::<PortalSession>(&id)
}

fn named(world: &World, id: &str) -> Result<Id, StripeError> {
    let found = world.need::<PortalConfiguration>(id, "configuration")?;
    if !found.active {
        let message = format!("The configuration '{id}' is not active.");
        return Err(StripeError::param("configuration", message));
    }
    Ok(found.id.clone())
}
