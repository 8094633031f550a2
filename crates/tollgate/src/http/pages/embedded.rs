//! Embedded Checkout: `GET /checkout` loads Stripe's script and a few lines of ours that mount it.
//! The page's policy lets in Stripe and nobody else.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::App;
use super::super::billing::ready;
use super::super::error::Error;
use super::session::{self, Entry};
use super::{Page, Pages, SIGN_IN, answered, pricing, see};
use crate::billing::BillingError;
use crate::billing::checkout::{Opened, UiMode};

const SCRIPT: &str = include_str!("../../../assets/pages/checkout.js");
/// What Stripe's script needs, after <https://docs.stripe.com/security/guide> (2026-11).
const STRIPES: &str = "; script-src 'self' https://js.stripe.com https://*.js.stripe.com \
     https://checkout.stripe.com; frame-src https://js.stripe.com https://*.js.stripe.com \
     https://checkout.stripe.com https://hooks.stripe.com; connect-src https://api.stripe.com \
     https://checkout.stripe.com";

/// `GET /checkout`.
pub async fn show(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let result = page(&app, &uri, &headers).await;
    answered(&app, &uri, &headers, result).await
}

async fn page(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Response, Error> {
    let billing = ready(app)?;
    let visitor = match session::enter(app, uri, headers)? {
        Entry::In(visitor) => visitor.ok_or(SIGN_IN)?,
        Entry::Onward(response) => return Ok(response),
    };
    let query = session::query(uri)?;
    let (plan, period) = (query["plan"].as_str(), query["period"].as_str());
    let wanted = pricing::wanted(&visitor, plan, period, UiMode::Embedded);
    let opened = billing.checkout(&wanted).await;
    app.stir();
    let (client_secret, publishable_key) = match opened {
        Ok(Opened::Embedded { client_secret, publishable_key, .. }) => {
            (client_secret, publishable_key)
        }
        Ok(Opened::Hosted { url, .. }) => return see(app, &url),
        Err(BillingError::AlreadySubscribed { .. }) => return see(app, "/account?done=already"),
        Err(error) => return Err(error.into()),
    };
    let (title, period, tag) = billing.named(plan, period).await?;
    let mut page = Page::new(app, uri, headers, &query).of(Some(&visitor));
    page.scripts = policy(&app.pages);
    let price = page.language.tag(&tag);
    let view = json!({
        "title": page.say("checkout", &[]),
        "heading": page.say("checkout_title", &[("plan", &title.title), ("price", &price)]),
        "plan": title.name,
        "period": period,
        "stripe_js": app.pages.stripe_js,
        "client_secret": client_secret,
        "publishable_key": publishable_key,
    });
    page.show("checkout.html", view).await
}

fn policy(pages: &Pages) -> String {
    match &pages.sandbox {
        Some(sandbox) => {
            format!("; script-src 'self' {sandbox}; frame-src {sandbox}; connect-src {sandbox}")
        }
        None => STRIPES.to_owned(),
    }
}

/// `GET /pages/checkout.js`.
pub async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, SCRIPT).into_response()
}
