//! What a browser sees that comes back from Checkout, where the operator chose no place of the
//! app's for it: whether it is paid, and what can be used now.

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::App;
use super::super::error::Error;
use super::{Page, see, session};
use crate::answer;
use crate::billing::arrival::{Landing, Outcome};
use crate::store::access::StoredAccess;

use super::failure::wants_page;

/// Answers a return: with a page, or by leading to the place that was chosen for it.
pub(in crate::http) async fn answer(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    landing: &Landing,
) -> Result<Response, Error> {
    if landing.is_chosen || !wants_page(headers) {
        return see(app, &landing.url);
    }
    let query = session::query(uri)?;
    let now = app.clock.now();
    let visitor = app.pages.seal.as_ref().and_then(|it| session::visitor(it, headers, now));
    let page = Page::new(app, uri, headers, &query).of(visitor.as_ref());
    let others = match (&visitor, &landing.user_id) {
        (Some(visitor), Some(user)) => visitor.user_id != *user,
        _ => false,
    };
    let status = match landing.outcome {
        _ if others => StatusCode::FORBIDDEN,
        Outcome::Unseen => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    let view = match (others, landing.outcome) {
        (true, _) => told(&page, "bad", "others", &[], Some(sign_in(&page))),
        (_, Outcome::Paid) => paid(&page, landing).await,
        (_, Outcome::Processing) => processing(&page, landing).await,
        (_, Outcome::Open) => told(&page, "wait", "unfinished", &[], Some(go_on(&page, landing))),
        (_, Outcome::Expired) => told(&page, "bad", "expired", &[], Some(plans(&page))),
        (_, Outcome::Unseen) => told(&page, "wait", "unseen", &[], Some(again(&page, uri))),
    };
    page.with_status(status).show("message.html", view).await
}

/// It is paid; what the user may use by now says whether it is granted as well.
async fn paid(page: &Page<'_>, landing: &Landing) -> Value {
    let (app, title) = (page.app, landing.title.as_deref().unwrap_or_default());
    let granted = granted(page, landing).await;
    let plan = [("plan", title)];
    let Some(granted) = granted else {
        let mut view = told(page, "wait", "paid_later", &plan, None);
        if landing.user_id.is_none() {
            view["mood"] = "good".into();
            view["heading"] = page.say("paid_plain", &[]).into();
            view["lead"] = "".into();
        }
        return view;
    };
    let account = json!({ "url": page.at("/account"), "text": page.say("manage", &[]) });
    let account = page.visitor.is_some().then_some(account);
    let mut view = told(page, "good", "paid", &plan, account);
    let named = app.billing.as_ref().map(|it| it.features_of(&granted.access.plan));
    view["features"] = json!(named.unwrap_or_default());
    if title.is_empty() {
        view["heading"] = page.say("paid_plain", &[]).into();
    }
    view
}

/// The money takes days; Stripe may let a subscription begin before it is there.
async fn processing(page: &Page<'_>, landing: &Landing) -> Value {
    let mut view = told(page, "wait", "processing", &[], None);
    if let (Some(_), Some(title)) = (granted(page, landing).await, &landing.title) {
        view["lead"] = page.say("processing_granted_lead", &[("plan", title)]).into();
    }
    view
}

async fn granted(page: &Page<'_>, landing: &Landing) -> Option<StoredAccess> {
    let (app, user) = (page.app, landing.user_id.as_deref()?);
    let access = answer::access(&app.db, &app.rulebook, user, app.clock.now()).await;
    access.ok().filter(|it| it.access.granted)
}

fn told(
    page: &Page<'_>,
    mood: &str,
    key: &str,
    values: &[(&str, &str)],
    way: Option<Value>,
) -> Value {
    let home = &page.app.pages.brand;
    let back = json!({
        "url": home.app_url,
        "text": page.say("back_to_app", &[("name", &home.name)]),
    });
    json!({
        "title": page.say("checkout", &[]),
        "mood": mood,
        "heading": page.say(key, values),
        "lead": page.say(&format!("{key}_lead"), values),
        "features": [],
        "way": way.clone().unwrap_or_else(|| back.clone()),
        "other_way": way.map(|_| back),
    })
}

fn sign_in(page: &Page<'_>) -> Value {
    json!({ "url": page.app.pages.sign_in("", ""), "text": page.say("sign_in", &[]) })
}

fn plans(page: &Page<'_>) -> Value {
    json!({ "url": page.at("/pricing"), "text": page.say("see_plans", &[]) })
}

fn go_on(page: &Page<'_>, landing: &Landing) -> Value {
    let url = landing.resume_url.as_deref().unwrap_or("/pricing");
    json!({ "url": page.at(url), "text": page.say("go_on", &[]) })
}

fn again(page: &Page<'_>, uri: &Uri) -> Value {
    let here = uri.path_and_query().map_or("/pricing", |it| it.as_str());
    json!({ "url": page.at(here), "text": page.say("look_again", &[]) })
}
