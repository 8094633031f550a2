//! Who looks at a page. The app sends its user with a short-lived token in the address; the token
//! becomes a sealed cookie, and the address loses it. Forms carry a word that only a page of ours
//! in that very session can know.

use axum::http::StatusCode;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tollgate_stripe::{form, id};

use super::super::App;
use super::super::error::Error;
use super::Pages;
use crate::billing::seal::Seal;

/// How long somebody is known after they came with a token, in seconds.
const SESSION_SECS: i64 = 3600;
const COOKIE: &str = "tollgate_session";
const LOCALE_COOKIE: &str = "tollgate_locale";
/// The longest address that is read, in bytes.
const QUERY_BYTES_MAX: usize = 8192;

/// Somebody whom we know.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// The app's id of the user.
    pub(super) user_id: String,
    /// The word of their forms.
    pub(super) form: String,
}

/// What the cookie holds.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    user: String,
    until: i64,
}

/// Somebody at the door.
pub(super) enum Entry {
    /// They look at a page.
    In(Option<Visitor>),
    /// They came with a token, and go on without it.
    Onward(Response),
}

/// Lets somebody in: by a token in the address, or by the cookie that an earlier one became.
///
/// # Errors
/// The token is none of the app's, or it has ended.
pub(super) fn enter(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Entry, Error> {
    let seal = app.pages.seal.as_ref().ok_or(super::NO_KEY)?;
    let query = query(uri)?;
    let named = query["token"].as_str().map(|it| app.keys.user_of(it, app.clock.now()));
    // While developing, anybody is whoever they say.
    let named = named.or(query["user"].as_str().filter(|_| app.dev).map(|it| Some(it.to_owned())));
    match named {
        None => Ok(Entry::In(visitor(seal, headers, app.clock.now()))),
        Some(Some(user)) if id::check(&user).is_ok() => {
            let until = app.clock.now().saturating_add(SESSION_SECS);
            let sealed = seal.close(&json!(Session { user, until }));
            let cookie = cookie(COOKIE, &sealed, &app.pages);
            Ok(Entry::Onward(onward(&app.pages.at(uri.path()), &query, &cookie)?))
        }
        Some(_) => Err(super::SIGN_IN),
    }
}

/// Returns who looks, if they are known.
pub(super) fn visitor(seal: &Seal, headers: &HeaderMap, now: i64) -> Option<Visitor> {
    let cookie = cookie_of(headers, COOKIE)?;
    let session: Session = serde_json::from_value(seal.open(cookie)?).ok()?;
    let form = seal.name(&format!("form {cookie}"));
    (session.until > now).then_some(Visitor { user_id: session.user, form })
}

/// Lets in who sends a form: only from a page of ours, in the session that the page was made for.
///
/// # Errors
/// They are not known, or the form is not from a page of ours.
pub(super) fn admit(app: &App, headers: &HeaderMap, form: &Value) -> Result<Visitor, Error> {
    let seal = app.pages.seal.as_ref().ok_or(super::NO_KEY)?;
    let visitor = visitor(seal, headers, app.clock.now()).ok_or(super::SIGN_IN)?;
    let from = headers.get("sec-fetch-site").and_then(|it| it.to_str().ok());
    let same_site = from.is_none_or(|it| it == "same-origin" || it == "none");
    let word = form["form"].as_str().unwrap_or_default();
    let known: bool = word.as_bytes().ct_eq(visitor.form.as_bytes()).into();
    if same_site && known {
        return Ok(visitor);
    }
    tracing::warn!(user_id = visitor.user_id, from, "A form was not from a page of ours");
    Err(super::OLD_FORM)
}

/// Reads an address's query; of a name that stands there twice, the last counts.
///
/// # Errors
/// It is too long, or no query.
pub(super) fn query(uri: &Uri) -> Result<Value, Error> {
    let text = uri.query().unwrap_or_default();
    let short = Some(text).filter(|it| it.len() <= QUERY_BYTES_MAX);
    let read = short.and_then(|it| form::decode(it).ok());
    read.ok_or(Error::Unknown("This address cannot be read."))
}

/// Returns the language that was chosen, and the cookie that keeps a choice made right now.
pub(super) fn locale<'a>(
    query: &'a Value,
    headers: &'a HeaderMap,
    pages: &Pages,
) -> (Option<&'a str>, Option<String>) {
    let plain =
        |it: &&str| it.len() <= 35 && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    match query["locale"].as_str().filter(plain) {
        Some(chosen) => (Some(chosen), Some(cookie(LOCALE_COOKIE, chosen, pages))),
        None => (cookie_of(headers, LOCALE_COOKIE), None),
    }
}

/// The same address without what is nobody else's business.
fn onward(path: &str, query: &Value, cookie: &str) -> Result<Response, Error> {
    let mut rest = query.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.remove("token");
        fields.remove("user");
    }
    let rest = form::encode(&rest);
    let mark = if rest.is_empty() { "" } else { "?" };
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Error::Internal);
    let headers = [
        (header::LOCATION, value(&format!("{path}{mark}{rest}"))?),
        (header::SET_COOKIE, value(cookie)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// It goes no further than to the paths below which we are.
fn cookie(name: &str, value: &str, pages: &Pages) -> String {
    let secure = if pages.is_https { "; Secure" } else { "" };
    let path = if pages.base.is_empty() { "/" } else { &pages.base };
    format!("{name}={value}; Path={path}; Max-Age={SESSION_SECS}; HttpOnly; SameSite=Lax{secure}")
}

fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = lines.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(it, _)| *it == name).map(|(_, value)| value)
}
