//! The billing portal: what customers may do, their visits, and what its page asks.
//!
//! - [`configurations`], [`features`]: what the app allows. [`sessions`], [`flow`]: a visit.
//! - [`view`]: the page. [`change`]: another price or quantity, and what it costs.
//! - [`acts`]: everything else that the page can do.
//!
//! Every change goes through the same calls as the app's own.

mod acts;
mod change;
mod configurations;
mod features;
mod flow;
mod sessions;
mod view;

use serde_json::json;

use crate::error::StripeError;
use crate::object::portal_configuration::PortalConfiguration;
use crate::object::portal_session::PortalSession;
use crate::object::subscription::Subscription;
use crate::world::{Outcome, Route, World};

/// The endpoints of configurations.
pub(super) const CONFIGURATION_ROUTES: &[Route] = configurations::ROUTES;
/// The endpoints of sessions.
pub(super) const SESSION_ROUTES: &[Route] = sessions::ROUTES;
/// What the portal's page asks, under `/_pages/portal/{token}`. `pay`, `update` and `action`
/// answer `{"status": "complete", "portal"}`, with the whole page anew, or `{"status":
/// "requires_action", "action"}`.
pub(super) const PAGE_ROUTES: &[Route] = &[
    Route::get("/_pages/portal/{id}", |world, call| {
        let visit = visit(world, call.id())?;
        Ok(view::show(world, &visit))
    }),
    Route::post("/_pages/portal/{id}/preview", change::preview),
    Route::post("/_pages/portal/{id}/update", change::update),
    Route::post("/_pages/portal/{id}/cancel", acts::cancel),
    Route::post("/_pages/portal/{id}/resume", acts::resume),
    Route::post("/_pages/portal/{id}/retention", acts::retention),
    Route::post("/_pages/portal/{id}/payment_methods", acts::add_method),
    Route::post("/_pages/portal/{id}/default_payment_method", acts::default_method),
    Route::post("/_pages/portal/{id}/remove_payment_method", acts::remove_method),
    Route::post("/_pages/portal/{id}/customer", acts::change_customer),
    Route::post("/_pages/portal/{id}/action", acts::act),
];

/// Returns the visit that a page's address names.
fn visit(world: &World, token: &str) -> Result<PortalSession, StripeError> {
    let found = world.portal_sessions.of(token).next().cloned();
    found.ok_or_else(|| StripeError::no_such(PortalSessionName::NAME, token))
}

/// The name of a visit in refusals: its token is no id of the API.
struct PortalSessionName;

impl PortalSessionName {
    const NAME: &'static str = "portal session";
}

fn configuration<'a>(world: &'a World, visit: &PortalSession) -> &'a PortalConfiguration {
    world.known::<PortalConfiguration>(&visit.configuration)
}

/// Returns a subscription of the visitor.
fn subscription<'a>(
    world: &'a World,
    visit: &PortalSession,
    id: &str,
) -> Result<&'a Subscription, StripeError> {
    let found = world.get::<Subscription>(id).ok().filter(|row| row.customer == visit.customer);
    found.ok_or_else(|| StripeError::no_such_param("subscription", id, "subscription"))
}

/// The refusal of what the configuration does not allow.
fn not_allowed() -> StripeError {
    StripeError::invalid("This portal does not allow that.").status(409)
}

/// Answers a finished change with the page anew.
fn done(world: &mut World, token: &str) -> Outcome {
    let mut visit = visit(world, token)?;
    if visit.flow.is_some() && !visit.flow_done {
        world.edit::<PortalSession>(&visit.id, |row| row.flow_done = true);
        visit.flow_done = true;
    }
    let portal = view::show(world, &visit);
    Ok(json!({ "status": "complete", "portal": portal }))
}
