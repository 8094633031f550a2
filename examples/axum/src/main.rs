//! Notes: writing is free, the export is part of Pro. Tollgate knows who has it.

mod pages;
mod tollgate;

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, FromRef, FromRequestParts, OptionalFromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::SignedCookieJar;
use axum_extra::extract::cookie::{Cookie, Key, SameSite};
use minijinja::context;
use reqwest::Url;
use serde::Deserialize;

use crate::pages::page;
use crate::tollgate::{Tollgate, TollgateError};

const COOKIE: &str = "notes";
const NOTES: [&str; 3] = [
    "Water the fig tree on Sundays",
    "Ask Grace about the compiler",
    "A toll gate has one arm and no opinions",
];

#[derive(Clone)]
struct App {
    tollgate: Arc<Tollgate>,
    /// Never taken from the request: whoever sends it would say where people come back to.
    url: Arc<str>,
    key: Key,
}

impl FromRef<App> for Key {
    fn from_ref(app: &App) -> Self {
        app.key.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = variable("PORT").unwrap_or_else(|| "3000".to_owned());
    let url = variable("APP_URL").unwrap_or_else(|| format!("http://localhost:{port}"));
    let base = variable("TOLLGATE_URL").unwrap_or_else(|| "http://127.0.0.1:4242".to_owned());
    let base = Url::parse(&base).ok().filter(Url::has_host);
    let base = base.ok_or("TOLLGATE_URL is no URL such as http://127.0.0.1:4242")?;
    let key = variable("TOLLGATE_API_KEY")
        .ok_or("TOLLGATE_API_KEY is not set; `tollgate dev` takes the key dev")?;
    let app = App {
        tollgate: Arc::new(Tollgate::new(base, key)),
        url: url.as_str().into(),
        key: cookie_key()?,
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await;
    let listener = listener.map_err(|it| format!("port {port} cannot be listened on: {it}"))?;
    println!("Notes is at {url}");
    axum::serve(listener, routes().with_state(app)).await?;
    Ok(())
}

/// Without a secret of its own, a restart signs everybody out.
fn cookie_key() -> Result<Key, &'static str> {
    match variable("SESSION_SECRET") {
        None => Ok(Key::generate()),
        Some(it) if it.len() >= 32 => Ok(Key::derive_from(it.as_bytes())),
        Some(_) => Err("SESSION_SECRET has less than 32 bytes"),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|it| !it.is_empty())
}

fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/export", get(export))
        .route("/buy", post(buy))
        .route("/billing", post(billing))
        .route("/welcome", get(welcome))
        .route("/static/style.css", get(style))
}

/// Who is signed in; everybody else is led to the form.
struct User(String);

impl FromRequestParts<App> for User {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Redirect> {
        let Ok(jar) = SignedCookieJar::<Key>::from_request_parts(parts, app).await;
        let cookie = jar.get(COOKIE).ok_or_else(|| Redirect::to("/"))?;
        Ok(Self(cookie.value().to_owned()))
    }
}

impl OptionalFromRequestParts<App> for User {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Redirect> {
        Ok(<Self as FromRequestParts<App>>::from_request_parts(parts, app).await.ok())
    }
}

#[derive(Deserialize)]
struct Landed {
    checkout: Option<String>,
}

async fn home(
    State(app): State<App>,
    user: Option<User>,
    Query(landed): Query<Landed>,
) -> Html<String> {
    let Some(User(user)) = user else { return page("sign_in.html", context! {}) };
    // This page is free: it is there also while Tollgate is not.
    let known = app.tollgate.access(&user).await.ok();
    let canceled = landed.checkout.as_deref() == Some("canceled");
    page("home.html", context! { user, known, canceled, notes => NOTES })
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    name: String,
}

/// A demo: whoever types a name is that user. Put your own sign-in here; Tollgate needs nothing of
/// it but an id that stays the same for a user.
async fn sign_in(
    State(app): State<App>,
    jar: SignedCookieJar,
    Form(form): Form<SignIn>,
) -> (SignedCookieJar, Redirect) {
    let user: String = form.name.trim().to_lowercase().chars().take(40).collect();
    if user.is_empty() {
        return (jar, Redirect::to("/"));
    }
    let cookie = Cookie::build((COOKIE, user))
        .path("/")
        .http_only(true)
        // Not sent along with forms of other sites, so that none of them can press our buttons.
        .same_site(SameSite::Lax)
        .secure(app.url.starts_with("https:"));
    (jar.add(cookie), Redirect::to("/"))
}

async fn sign_out(jar: SignedCookieJar) -> (SignedCookieJar, Redirect) {
    (jar.remove(Cookie::build(COOKIE).path("/")), Redirect::to("/"))
}

/// The gate.
async fn export(State(app): State<App>, User(user): User) -> Result<Response, Away> {
    let known = app.tollgate.access(&user).await.map_err(Away::from("/export", &user))?;
    if known.features.iter().any(|it| it == "export") {
        return Ok(page("export.html", context! { user, known, notes => NOTES }).into_response());
    }
    let gate = page("gate.html", context! { user, known });
    Ok((StatusCode::PAYMENT_REQUIRED, gate).into_response())
}

async fn buy(State(app): State<App>, User(user): User) -> Result<Redirect, Away> {
    let return_to = format!("{}/welcome", app.url);
    let url = app.tollgate.checkout_url(&user, "pro", "monthly", &return_to).await;
    Ok(Redirect::to(&url.map_err(Away::from("/", &user))?))
}

async fn billing(State(app): State<App>, User(user): User) -> Result<Redirect, Away> {
    let url = app.tollgate.portal_url(&user, &format!("{}/", app.url)).await;
    Ok(Redirect::to(&url.map_err(Away::from("/", &user))?))
}

/// People come here after paying, and Tollgate knows it by then.
async fn welcome(State(app): State<App>, User(user): User) -> Result<Html<String>, Away> {
    let known = app.tollgate.access(&user).await.map_err(Away::from("/welcome", &user))?;
    Ok(page("welcome.html", context! { user, known }))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], pages::STYLE)
}

/// Tollgate did not answer, and nothing is kept.
struct Away {
    path: &'static str,
    user: String,
    error: TollgateError,
}

impl Away {
    fn from(path: &'static str, user: &str) -> impl FnOnce(TollgateError) -> Self {
        let user = user.to_owned();
        move |error| Self { path, user, error }
    }
}

impl IntoResponse for Away {
    fn into_response(self) -> Response {
        let Self { path, user, error } = self;
        eprintln!("Tollgate: {error}");
        (StatusCode::SERVICE_UNAVAILABLE, page("away.html", context! { user, path }))
            .into_response()
    }
}
