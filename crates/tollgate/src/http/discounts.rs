//! Coupons and promotion codes, for the app.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Request, StatusCode, Uri};
use serde::Deserialize;

use super::App;
use super::billing::{check_user_id, invalid, read_body, ready};
use super::error::Error;
use crate::billing::discounts::{Code, Coupon, NewCode, Page};

/// The longest key of one's own, in bytes.
const KEY_BYTES_MAX: usize = 255;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    after: Option<String>,
    coupon: Option<String>,
}

fn which(uri: &Uri) -> Result<Which, Error> {
    let which = Query::<Which>::try_from_uri(uri);
    which.map(|Query(it)| it).map_err(|error| invalid("query", &format!("{error}.")))
}

/// The header `Idempotency-Key`, as the caller chose it.
fn intent(request: &Request<Body>) -> Result<Option<String>, Error> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|it| (1..=KEY_BYTES_MAX).contains(&it.len()));
    let wrong = || invalid("Idempotency-Key", "Idempotency-Key must be 1 to 255 plain letters.");
    Ok(Some(key.ok_or_else(wrong)?.to_owned()))
}

/// `POST /billing/coupons`.
///
/// # Errors
/// As the contract of the route says.
pub async fn make_coupon(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<(StatusCode, Json<Coupon>), Error> {
    let (billing, intent) = (ready(&app)?, intent(&request)?);
    let new = read_body(&app, request).await?;
    Ok((StatusCode::CREATED, Json(billing.make_coupon(&new, intent.as_deref()).await?)))
}

/// `GET /billing/coupons`.
///
/// # Errors
/// As the contract of the route says.
pub async fn coupons(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Page<Coupon>>, Error> {
    Ok(Json(ready(&app)?.coupons(which(&uri)?.after.as_deref()).await?))
}

/// `DELETE /billing/coupons/{id}`.
///
/// # Errors
/// As the contract of the route says.
pub async fn end_coupon(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    ready(&app)?.end_coupon(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /billing/promotion-codes`.
///
/// # Errors
/// As the contract of the route says.
pub async fn make_code(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<(StatusCode, Json<Code>), Error> {
    let (billing, intent) = (ready(&app)?, intent(&request)?);
    let new: NewCode = read_body(&app, request).await?;
    if let Some(user_id) = &new.user_id {
        check_user_id(user_id)?;
    }
    Ok((StatusCode::CREATED, Json(billing.make_code(&new, intent.as_deref()).await?)))
}

/// `GET /billing/promotion-codes`.
///
/// # Errors
/// As the contract of the route says.
pub async fn codes(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Page<Code>>, Error> {
    let which = which(&uri)?;
    Ok(Json(ready(&app)?.codes(which.coupon.as_deref(), which.after.as_deref()).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Active {
    active: bool,
}

/// `POST /billing/promotion-codes/{id}`.
///
/// # Errors
/// As the contract of the route says.
pub async fn set_code(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<Code>, Error> {
    let billing = ready(&app)?;
    let Active { active } = read_body(&app, request).await?;
    Ok(Json(billing.set_code(&id, active).await?))
}
