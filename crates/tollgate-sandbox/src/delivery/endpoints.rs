//! `/v1/webhook_endpoints`.

use url::Url;

use crate::error::StripeError;
use crate::object::webhook_endpoint::{DISABLED, ENABLED, WebhookEndpoint};
use crate::object::{Null, change_metadata, change_text, metadata};
use crate::params::Params;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/webhook_endpoints", |world, call| {
        world.list::<WebhookEndpoint>(call, None, |_| true)
    }),
    Route::post("/v1/webhook_endpoints", create),
    Route::get("/v1/webhook_endpoints/{id}", |world, call| {
        world.show::<WebhookEndpoint>(call.id())
    }),
    Route::post("/v1/webhook_endpoints/{id}", update),
    Route::delete("/v1/webhook_endpoints/{id}", delete),
];

/// The secret is told in this answer and never again.
fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    if params.flag("connect") == Some(true) {
        return Err(params.refuse("connect", "Connected accounts are not part of the sandbox."));
    }
    let url = read_url(params, "url")?;
    let enabled_events = read_events(params)?;
    let secret = format!("whsec_{}", world.new_word(32));
    let endpoint = WebhookEndpoint {
        id: world.new_id("we_"),
        object: "webhook_endpoint",
        api_version: params.text("api_version").map(str::to_owned),
        application: Null,
        created: world.now(),
        description: params.text("description").map(str::to_owned),
        enabled_events: enabled_events.ok_or_else(|| params.missing("enabled_events"))?,
        livemode: false,
        metadata: metadata(params),
        status: ENABLED,
        url: url.ok_or_else(|| params.missing("url"))?,
        secret: secret.clone(),
    };
    let id = endpoint.id.clone();
    world.add(endpoint);
    let mut answer = world.show::<WebhookEndpoint>(&id)?;
    answer["secret"] = secret.into();
    Ok(answer)
}

fn update(world: &mut World, call: &Call) -> Outcome {
    world.get::<WebhookEndpoint>(call.id())?;
    let params = &call.params;
    let (url, enabled_events) = (read_url(params, "url")?, read_events(params)?);
    let disabled = params.flag("disabled");
    world.edit::<WebhookEndpoint>(call.id(), |endpoint| {
        if let Some(url) = url {
            endpoint.url = url;
        }
        if let Some(enabled_events) = enabled_events {
            endpoint.enabled_events = enabled_events;
        }
        if let Some(disabled) = disabled {
            endpoint.status = if disabled { DISABLED } else { ENABLED };
        }
        change_text(&mut endpoint.description, params, "description");
        change_metadata(&mut endpoint.metadata, params);
    });
    if disabled == Some(true) {
        world.stop_deliveries(call.id());
    }
    world.show::<WebhookEndpoint>(call.id())
}

fn delete(world: &mut World, call: &Call) -> Outcome {
    let answer = world.delete::<WebhookEndpoint>(call.id(), None)?;
    world.stop_deliveries(call.id());
    Ok(answer)
}

/// Reads where an endpoint is. Unlike Stripe's servers, the sandbox reaches this machine too.
pub(super) fn read_url(params: &Params, name: &str) -> Result<Option<String>, StripeError> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let url = Url::parse(text).ok();
    if url.is_none_or(|url| !matches!(url.scheme(), "http" | "https") || !url.has_host()) {
        let message =
            "Not a valid URL: an endpoint begins with http:// or https:// and names a host.";
        return Err(params.refuse(name, message).code("url_invalid"));
    }
    Ok(Some(text.to_owned()))
}

/// Reads which events an endpoint wants.
pub(super) fn read_events(params: &Params) -> Result<Option<Vec<String>>, StripeError> {
    let events = params.texts("enabled_events");
    if events.as_ref().is_some_and(Vec::is_empty) {
        let message = "An endpoint needs at least one event, or `*` for all.";
        return Err(params.refuse("enabled_events", message));
    }
    Ok(events)
}
