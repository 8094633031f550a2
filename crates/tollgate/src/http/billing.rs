//! What takes the money: Checkout, the way back from it, the portal. A caller says what is wanted
//! and for whom; a field that would say more (a price, a customer) is none that we know.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, Request, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tollgate_stripe::id;

use super::access::shown;
use super::auth::Caller;
use super::error::Error;
use super::{App, Client, pages};
use crate::answer;
use crate::billing::Billing;
use crate::billing::change::{Preview, Target, When};
use crate::billing::checkout::{Opened, QUANTITY_MAX, UiMode, Wanted};
use crate::billing::ending::End;
use crate::billing::overview::{Overview, Waiting};
use crate::billing::portal::Flow;
use crate::wire::Answer;

/// The longest address that mail allows (RFC 5321), and more than any name, code or URL needs.
const TEXT_BYTES_MAX: usize = 2048;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CheckoutBody {
    user_id: Option<String>,
    email: Option<String>,
    plan: Option<String>,
    period: Option<String>,
    quantity: Option<u32>,
    ui_mode: UiMode,
    promotion_code: Option<String>,
    coupon: Option<String>,
    trial_days: Option<u32>,
    return_to: Option<String>,
}

/// `POST /billing/checkout-session`.
///
/// # Errors
/// As the contract of the route says.
pub async fn checkout(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Opened>, Error> {
    let billing = ready(&app)?;
    let body: CheckoutBody = body(&app, request).await?;
    let texts = [
        ("email", &body.email),
        ("plan", &body.plan),
        ("period", &body.period),
        ("promotion_code", &body.promotion_code),
        ("coupon", &body.coupon),
        ("return_to", &body.return_to),
    ];
    check_texts(&texts)?;
    let wanted = Wanted {
        user_id: match (&caller, &body.user_id, &body.email) {
            (Caller::App, None, Some(_)) => None,
            _ => Some(whose(&caller, body.user_id)?),
        },
        by_app: caller == Caller::App,
        email: body.email,
        plan: body.plan,
        period: body.period,
        quantity: body.quantity,
        ui_mode: body.ui_mode,
        promotion_code: body.promotion_code,
        coupon: body.coupon,
        trial_days: body.trial_days,
        return_to: body.return_to,
        by_page: false,
    };
    let opened = billing.checkout(&wanted).await?;
    app.stir();
    Ok(Json(opened))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalBody {
    user_id: Option<String>,
    flow: Option<Flow>,
    return_to: Option<String>,
}

/// `POST /billing/portal`; what is wanted stands in the body or in the query.
///
/// # Errors
/// As the contract of the route says.
pub async fn portal(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Value>, Error> {
    let asked: PortalBody = query(&request)?;
    let body: PortalBody = body(&app, request).await?;
    let wanted = PortalBody {
        user_id: body.user_id.or(asked.user_id),
        flow: body.flow.or(asked.flow),
        return_to: body.return_to.or(asked.return_to),
    };
    open_portal(&app, &caller, wanted).await
}

/// `GET /billing/portal`; what is wanted stands in the query.
///
/// # Errors
/// As the contract of the route says.
pub async fn portal_by_query(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Value>, Error> {
    let wanted = query(&request)?;
    open_portal(&app, &caller, wanted).await
}

async fn open_portal(app: &App, caller: &Caller, wanted: PortalBody) -> Result<Json<Value>, Error> {
    let billing = ready(app)?;
    check_texts(&[("return_to", &wanted.return_to)])?;
    let user_id = whose(caller, wanted.user_id)?;
    let url = billing.portal(&user_id, wanted.flow, wanted.return_to.as_deref()).await?;
    Ok(Json(json!({ "url": url })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Whose {
    user_id: Option<String>,
}

/// `GET /billing/subscription`; whose it is stands in the query or in the token.
///
/// # Errors
/// As the contract of the route says.
pub async fn subscription(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Overview>, Error> {
    let billing = ready(&app)?;
    let asked: Whose = query(&request)?;
    let user_id = whose(&caller, asked.user_id)?;
    let overview = billing.overview(&user_id).await?;
    app.stir();
    Ok(Json(overview))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TargetBody {
    user_id: Option<String>,
    plan: Option<String>,
    period: Option<String>,
    quantity: Option<u32>,
    when: Option<When>,
}

/// `POST /billing/plan-change/preview`.
///
/// # Errors
/// As the contract of the route says.
pub async fn preview(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Preview>, Error> {
    let billing = ready(&app)?;
    let body: TargetBody = body(&app, request).await?;
    check_texts(&[("plan", &body.plan), ("period", &body.period)])?;
    if body.quantity.is_some_and(|it| !(1..=QUANTITY_MAX).contains(&it)) {
        return Err(invalid("quantity", "quantity must be 1 to 999999."));
    }
    let target = Target {
        user_id: whose(&caller, body.user_id)?,
        plan: body.plan,
        period: body.period,
        quantity: body.quantity.map(i64::from),
        when: body
            .when
            .ok_or_else(|| invalid("when", "when must be one of now, next_invoice, period_end."))?,
    };
    Ok(Json(billing.preview(&target).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CommitBody {
    user_id: Option<String>,
    preview: String,
}

/// `POST /billing/plan-change`: commits what was shown; answers what the user may use now.
///
/// # Errors
/// As the contract of the route says.
pub async fn commit(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Answer>, Error> {
    let billing = ready(&app)?;
    let body: CommitBody = body(&app, request).await?;
    let user_id = match (&caller, body.user_id) {
        (Caller::App, None) => None,
        (_, named) => Some(whose(&caller, named)?),
    };
    let user_id = billing.commit(user_id.as_deref(), &body.preview).await?;
    access(&app, &user_id).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EndBody {
    user_id: Option<String>,
    when: Option<End>,
}

/// `POST /billing/cancel`; answers what the user may use now.
///
/// # Errors
/// As the contract of the route says.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Answer>, Error> {
    let billing = ready(&app)?;
    let body: EndBody = body(&app, request).await?;
    let user_id = whose(&caller, body.user_id)?;
    billing.cancel(&user_id, body.when.unwrap_or(End::PeriodEnd)).await?;
    access(&app, &user_id).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ResumeBody {
    user_id: Option<String>,
    kind: Option<Waiting>,
}

/// `POST /billing/resume`: takes back what waits to change; answers what the user may use now.
///
/// # Errors
/// As the contract of the route says.
pub async fn resume(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Answer>, Error> {
    let billing = ready(&app)?;
    let body: ResumeBody = body(&app, request).await?;
    let user_id = whose(&caller, body.user_id)?;
    billing.resume(&user_id, body.kind).await?;
    access(&app, &user_id).await
}

async fn access(app: &App, user_id: &str) -> Result<Json<Answer>, Error> {
    app.stir();
    let now = app.clock.now();
    let access = answer::access(&app.db, &app.rulebook, user_id, now).await?;
    Ok(Json(shown(access, now)))
}

#[derive(Debug, Deserialize)]
struct Landing {
    session_id: String,
}

/// `GET /billing/return`: what was bought counts before the browser goes on. A person is told on a
/// page what went wrong, a program in JSON.
pub async fn land(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match landed(&app, client, &uri, &headers).await {
        Ok(response) => response,
        Err(error) => pages::failed(&app, &uri, &headers, error).await,
    }
}

async fn landed(
    app: &App,
    client: IpAddr,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let billing = ready(app)?;
    let query = Query::<Landing>::try_from_uri(uri);
    let Query(query) = query.map_err(|_| invalid("session_id", "session_id is missing."))?;
    let landing = match app.limits.may_ask(client) {
        true => billing.land(&query.session_id).await?,
        false => billing.land_unasked(&query.session_id)?,
    };
    app.stir();
    pages::landed(app, uri, headers, &landing).await
}

pub(super) fn ready(app: &App) -> Result<&Billing, Error> {
    app.check_ready()?;
    let missing = Error::NotConfigured("Set STRIPE_SECRET_KEY to sell.");
    app.billing.as_deref().ok_or(missing)
}

/// Whom it is about: the app says so; a user is their token's and nobody else.
fn whose(caller: &Caller, named: Option<String>) -> Result<String, Error> {
    let user_id = match (caller, named) {
        (Caller::App, Some(named)) => named,
        (Caller::App, None) => {
            return Err(invalid("user_id", "Say which user: user_id is missing."));
        }
        (Caller::User { user_id, .. }, named) => {
            if named.is_some_and(|it| it != *user_id) {
                tracing::warn!(user_id, "A user's token was used for another user");
                let message = "A user's token opens that user's own billing only.";
                return Err(Error::Forbidden(message));
            }
            user_id.clone()
        }
    };
    check_user_id(&user_id)?;
    Ok(user_id)
}

/// What is no id of a user's must not reach the database or Stripe.
pub(super) fn check_user_id(user_id: &str) -> Result<(), Error> {
    let why = |it| invalid("user_id", &format!("user_id must be text of 1 to 255 bytes: {it}."));
    id::check(user_id).map_err(why)
}

fn query<T: DeserializeOwned>(request: &Request<Body>) -> Result<T, Error> {
    let query = Query::<T>::try_from_uri(request.uri());
    query.map(|Query(it)| it).map_err(|error| {
        tracing::warn!(why = %error, "A query was refused");
        invalid("query", &format!("{error}."))
    })
}

/// Reads a body; an empty one says nothing more than the route.
async fn body<T: DeserializeOwned + Default>(
    app: &App,
    request: Request<Body>,
) -> Result<T, Error> {
    let (parts, body) = request.into_parts();
    let body = app.limits.read(&parts, body).await?;
    if body.is_empty() { Ok(T::default()) } else { parse(&body) }
}

/// Reads a body that must be there.
pub(super) async fn read_body<T: DeserializeOwned>(
    app: &App,
    request: Request<Body>,
) -> Result<T, Error> {
    let (parts, body) = request.into_parts();
    parse(&app.limits.read(&parts, body).await?)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Error::NotJson)?;
    if !value.is_object() {
        return Err(invalid("body", "The body must be a JSON object."));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner().to_string());
        tracing::warn!(field = path, why, "A body was refused");
        let field = if path == "." { "body".to_owned() } else { path };
        Error::Invalid { message: format!("{field}: {why}."), field, allowed: Vec::new() }
    })
}

fn check_texts(texts: &[(&str, &Option<String>)]) -> Result<(), Error> {
    let plain = |it: &String| (1..=TEXT_BYTES_MAX).contains(&it.len()) && !it.contains('\0');
    for (field, text) in texts {
        if text.as_ref().is_some_and(|it| !plain(it)) {
            let allowed = "must be a text of 1 to 2048 bytes without a NUL character.";
            return Err(invalid(field, &format!("{field} {allowed}")));
        }
    }
    Ok(())
}

pub(super) fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid { field: field.to_owned(), message: message.to_owned(), allowed: Vec::new() }
}
