//! The app names a user: who they are, and which customer of Stripe's is theirs.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use serde::Deserialize;
use serde_json::Value;
use tollgate_stripe::id;

use super::access::shown;
use super::error::Error;
use super::{App, UserId};
use crate::answer;
use crate::receive::Input;
use crate::store::user::AppUser;
use crate::wire::Answer;

/// The longest address that mail allows (RFC 5321), and more than any name needs.
const TEXT_BYTES_MAX: usize = 320;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    email: Option<String>,
    name: Option<String>,
    customer_id: Option<String>,
}

/// `PUT /users/{user_id}`: keeps what the app says, and links what was stored before.
///
/// # Errors
/// The body is not what it should be, or the database is away.
pub async fn name(
    State(app): State<Arc<App>>,
    UserId(user_id): UserId,
    request: Request<Body>,
) -> Result<Json<Answer>, Error> {
    let (parts, body) = request.into_parts();
    let body = app.limits.read(&parts, body).await?;
    let named = read(&body)?;
    app.check_ready()?;
    let user = AppUser {
        user_id: user_id.clone(),
        customer_id: named.customer_id,
        email: named.email,
        name: named.name,
    };
    app.receiver.submit(Input::User(user)).await?;
    app.stir();
    let now = app.clock.now();
    let access = answer::access(&app.db, &app.rulebook, &user_id, now).await?;
    Ok(Json(shown(access, now)))
}

fn read(body: &[u8]) -> Result<Named, Error> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Error::NotJson)?;
    if !value.is_object() {
        return Err(invalid("body", "The body must be a JSON object."));
    }
    let named: Named = serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let why = error.inner().to_string();
        Error::Invalid { message: format!("{field}: {why}."), field, allowed: Vec::new() }
    })?;
    for (field, text) in [("email", &named.email), ("name", &named.name)] {
        if text.as_ref().is_some_and(|it| !is_plain(it)) {
            let allowed = "must be a text of 1 to 320 bytes without a NUL character.";
            return Err(invalid(field, &format!("{field} {allowed}")));
        }
    }
    if let Some(Err(error)) = named.customer_id.as_deref().map(id::check) {
        return Err(invalid("customer_id", &format!("customer_id: {error}.")));
    }
    Ok(named)
}

fn is_plain(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains('\0')
}

fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid { field: field.to_owned(), message: message.to_owned(), allowed: Vec::new() }
}
