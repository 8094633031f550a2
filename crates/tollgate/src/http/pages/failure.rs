//! What went wrong, as a page for people and as JSON for programs: a sentence, what it means for
//! their money, and the next step.

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::App;
use super::super::error::Error;
use super::{Page, session};

/// Who looks, in development.
const DEV_SIGN_IN: &str = "In development, ?user=ada in the address will do.";

/// Whether a person looks, and not a program.
pub(in crate::http) fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    accepted.flat_map(|it| it.split(',')).any(|it| it.trim().starts_with("text/html"))
}

/// Answers with what went wrong.
pub(in crate::http) async fn page(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    error: Error,
) -> Response {
    if !wants_page(headers) {
        return error.into_response();
    }
    let query = session::query(uri).unwrap_or_else(|_| json!({}));
    let page = Page::new(app, uri, headers, &query);
    let view = view(&page, &error);
    let response = error.into_response();
    let status = response.status();
    let retry = response.headers().get(header::RETRY_AFTER).cloned();
    // A browser would ask for a password of its own.
    let status = if status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { status };
    match page.with_status(status).show("message.html", view).await {
        Ok(mut shown) => {
            if let Some(retry) = retry {
                shown.headers_mut().insert(header::RETRY_AFTER, retry);
            }
            shown
        }
        Err(error) => error.into_response(),
    }
}

/// What a page says of an error.
fn view(page: &Page<'_>, error: &Error) -> Value {
    let name = page.app.pages.brand.name.as_str();
    let (key, lead) = match error {
        Error::Unauthorized(_) => ("error_sign_in", "error_sign_in_lead"),
        Error::Forbidden(_) => ("error_form", "error_form_lead"),
        Error::Stripe { .. } => ("error_stripe", "error_stripe_lead"),
        Error::Declined { .. } | Error::PaymentNeeded { .. } => ("error_declined", ""),
        Error::Unknown(_) | Error::NotFound => ("error_unknown", "error_unknown_lead"),
        Error::Invalid { field, .. } if ["plan", "period"].contains(&field.as_str()) => {
            ("error_invalid", "error_unknown_lead")
        }
        Error::Invalid { .. } => ("error_unknown", "error_unknown_lead"),
        Error::NotConfigured(_) | Error::BillingNotConfigured => {
            ("error_setup", "error_setup_lead")
        }
        _ => ("error_ours", "error_ours_lead"),
    };
    let lead = match (error, lead) {
        (Error::Declined { message, .. }, _) => message.clone(),
        (Error::Unauthorized(_), lead) if page.app.dev => {
            format!("{} ({DEV_SIGN_IN})", page.say(lead, &[("name", name)]))
        }
        // Before it is live the reader is who can set it up.
        (Error::NotConfigured(why), lead) if !page.app.pages.is_live => {
            format!("{} ({why})", page.say(lead, &[("name", name)]))
        }
        (_, "") => String::new(),
        (_, lead) => page.say(lead, &[("name", name)]),
    };
    let sign_in =
        json!({ "url": page.app.pages.sign_in("", ""), "text": page.say("sign_in", &[]) });
    let plans = json!({ "url": page.at("/pricing"), "text": page.say("see_plans", &[]) });
    let again = json!({ "url": page.at(page.path), "text": page.say("error_again", &[]) });
    let way = match error {
        Error::Unauthorized(_) => Some(sign_in),
        Error::Unknown(_) | Error::Invalid { .. } | Error::Declined { .. } => Some(plans),
        Error::NotFound if page.app.billing.is_some() => Some(plans),
        Error::NotFound | Error::NotConfigured(_) => None,
        _ => Some(again),
    };
    json!({
        "title": page.say("error", &[]),
        "mood": "bad",
        "heading": page.say(key, &[]),
        "lead": lead,
        "features": [],
        "way": way,
        "other_way": null,
    })
}
