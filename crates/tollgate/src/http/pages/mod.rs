//! The pages that sell: prices, a change with its preview, the account, embedded Checkout, and what
//! a browser sees that comes back from paying. They are whole without any script; the embedded
//! Checkout alone has one. Whoever looks is known by the app's token ([`session`]).
//!
//! - this file: what all pages share, and how one is answered;
//! - [`mod@pricing`], [`mod@account`], [`mod@change`], [`embedded`], [`arrival`]: the pages;
//! - [`failure`]: what went wrong, in a sentence;
//! - [`templates`], [`samples`]: what they are made of, tried before the start;
//! - [`language`]: words, amounts and dates.

mod account;
mod arrival;
mod change;
mod embedded;
mod failure;
mod language;
mod pricing;
mod samples;
mod session;
mod templates;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tollgate_stripe::form;
use tollgate_stripe::version::ApiVersion;

use super::App;
use super::error::Error;
use crate::billing::seal::Seal;
use crate::config::{Brand, Colour, Config};
use language::Language;
use session::Visitor;

pub use account::{cancel, cancel_ask, manage, resume, show as account, undo};
pub(super) use arrival::answer as landed;
pub use change::{commit, show as change};
pub use embedded::{script, show as checkout};
pub(super) use failure::page as failed;
pub use pricing::{buy, show as pricing};
pub use templates::{TemplateError, Templates};

/// Where Stripe's own script is loaded from.
const STRIPE_JS: &str = "https://js.stripe.com";
/// The pages' darker light ground and lighter dark one; an accent must be legible on both.
const GROUNDS: [Colour; 2] = [Colour(0xf6, 0xf6, 0xf4), Colour(0x1c, 0x1e, 0x24)];
const FORM_FIELD_BYTES_MAX: usize = 4096;

const NO_KEY: Error = Error::NotConfigured("Set STRIPE_SECRET_KEY to sell.");
const SIGN_IN: Error =
    Error::Unauthorized("Open this page with a user's token that has not ended.");
const OLD_FORM: Error = Error::Forbidden("This form is not from a page of ours in this session.");

/// What all pages share.
pub struct Pages {
    templates: Templates,
    brand: Brand,
    sign_in: String,
    style: String,
    /// Changes whenever the stylesheet does.
    style_mark: String,
    /// None without a key of Stripe's.
    seal: Option<Seal>,
    is_https: bool,
    /// The path below which browsers reach us, without a final slash: a proxy or the app that
    /// mounts the routes takes it off.
    base: String,
    is_test: bool,
    is_live: bool,
    /// Where Stripe's script is, and the origin of what it shows.
    stripe_js: String,
    /// The sandbox's origin, where it is one.
    sandbox: Option<String>,
    logo_origin: Option<String>,
}

impl Pages {
    /// Brings together what the pages need.
    pub fn new(config: &Config, templates: Templates) -> Self {
        let style = styled(templates.style(), config.brand.accent);
        let digest = Sha256::digest(style.as_bytes());
        let sandbox = config.stripe_api_base.starts_with("http://");
        let sandbox = sandbox.then(|| config.stripe_api_base.clone());
        let pinned = ApiVersion::pinned();
        let release = pinned.release().unwrap_or("v3");
        let stripe_js = sandbox.as_deref().unwrap_or(STRIPE_JS);
        Self {
            style_mark: digest.iter().take(6).map(|it| format!("{it:02x}")).collect(),
            style,
            templates,
            sign_in: config.pages.sign_in.clone().unwrap_or_else(|| config.brand.app_url.clone()),
            seal: config.stripe_key.as_ref().map(|it| Seal::new(it, "session")),
            is_https: config.selling.public_url.starts_with("https://"),
            base: base(&config.selling.public_url),
            is_test: config.livemode() == Some(false),
            is_live: config.livemode() == Some(true),
            stripe_js: format!("{stripe_js}/{release}/stripe.js"),
            logo_origin: config.brand.logo.as_deref().and_then(origin),
            sandbox,
            brand: config.brand.clone(),
        }
    }

    /// Where a browser finds a path of ours; what leads elsewhere stays as it is.
    fn at(&self, url: &str) -> String {
        let base = if url.starts_with('/') { self.base.as_str() } else { "" };
        format!("{base}{url}")
    }

    /// Where somebody goes to be known, with what they wanted.
    fn sign_in(&self, plan: &str, period: &str) -> String {
        let value = |text: &str| form::encode(&json!({ "it": text })).split_off("it=".len());
        self.sign_in.replace("{plan}", &value(plan)).replace("{period}", &value(period))
    }

    /// Nothing comes from elsewhere but the operator's logo, and nothing written into the page can
    /// run. A form leads on to Stripe's page, which may have a domain of the operator's.
    fn policy(&self, scripts: &str) -> String {
        let logo = self.logo_origin.as_deref().unwrap_or_default();
        let sandbox = self.sandbox.as_deref().unwrap_or_default();
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self' data: {logo}; \
             form-action 'self' https: {sandbox}; base-uri 'none'; frame-ancestors 'none'{scripts}"
        )
    }
}

/// One answer in the making: who looks, in which language.
struct Page<'a> {
    app: &'a App,
    language: &'a Language,
    visitor: Option<&'a Visitor>,
    /// The address that was asked for, without its query.
    path: &'a str,
    /// What was asked for, or sent.
    query: &'a Value,
    status: StatusCode,
    /// What a script may do on it.
    scripts: String,
    cookie: Option<String>,
}

impl<'a> Page<'a> {
    fn new(app: &'a App, uri: &'a Uri, headers: &'a HeaderMap, query: &'a Value) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok());
        let (chosen, cookie) = session::locale(query, headers, &app.pages);
        Self {
            app,
            language: app.pages.templates.language(&[chosen, accepted]),
            visitor: None,
            path: uri.path(),
            query,
            status: StatusCode::OK,
            scripts: String::new(),
            cookie,
        }
    }

    fn of(self, visitor: Option<&'a Visitor>) -> Self {
        Self { visitor, ..self }
    }

    fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Where a browser finds a path of ours.
    fn at(&self, url: &str) -> String {
        self.app.pages.at(url)
    }

    fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.language.say(key, values)
    }

    /// Writes the page; `view` has what is special about it.
    async fn show(self, template: &str, mut view: Value) -> Result<Response, Error> {
        let pages = &self.app.pages;
        view["page"] = self.frame().await;
        let html = pages.templates.render(template, self.language, &view).map_err(|error| {
            tracing::error!(error = %error, template, "A page could not be written");
            Error::Internal
        })?;
        let mut response = (self.status, Html(html)).into_response();
        let headers = response.headers_mut();
        let policy = HeaderValue::from_str(&pages.policy(&self.scripts));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.map_err(|_| Error::Internal)?);
        headers.extend(SECURE.map(|(name, text)| (name, HeaderValue::from_static(text))));
        if let Ok(cookie) = HeaderValue::from_str(self.cookie.as_deref().unwrap_or_default())
            && !cookie.is_empty()
        {
            headers.insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// What the layout around every page needs.
    async fn frame(&self) -> Value {
        let pages = &self.app.pages;
        let brand = &pages.brand;
        let user = match (self.visitor, &self.app.billing) {
            (Some(visitor), Some(billing)) => Some(billing.label(&visitor.user_id).await),
            _ => None,
        };
        let languages = pages.templates.languages().iter();
        json!({
            "brand": { "name": brand.name, "logo": brand.logo, "app_url": brand.app_url },
            "support_email": brand.support_email,
            "base": pages.base,
            "style": pages.at(&format!("/pages/style.css?{}", pages.style_mark)),
            "is_test": pages.is_test,
            "signed_in": user.map(|it| self.say("signed_in", &[("user", &it)])),
            "form": self.visitor.map(|it| it.form.as_str()),
            "path": self.path,
            "back": self.say("back_to_app", &[("name", &brand.name)]),
            "help": brand.support_email.as_ref().map(|it| self.say("help", &[("email", it)])),
            "languages": languages.map(|it| self.in_language(it)).collect::<Vec<_>>(),
        })
    }

    /// The same page in another language: what it is about stays.
    fn in_language(&self, other: &Language) -> Value {
        let mut query = json!({ "locale": other.lang });
        for name in SUBJECTS {
            if let Some(value) = field(self.query, name) {
                query[name] = value.into();
            }
        }
        json!({
            "lang": other.lang,
            "name": other.name,
            "url": self.at(&format!("{}?{}", self.path, form::encode(&query))),
            "is_this": other.lang == self.language.lang,
        })
    }
}

/// What of an address says what a page is about.
const SUBJECTS: [&str; 4] = ["plan", "period", "when", "session_id"];
const SECURE: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::VARY, "accept-language, cookie"),
];

/// `GET /pages/style.css`.
pub async fn style(State(app): State<Arc<App>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, app.pages.style.clone()).into_response()
}

/// Puts the operator's colour behind the sheet's own, as each ground needs it.
fn styled(sheet: &str, accent: Colour) -> String {
    let set = |ground: Colour| {
        let (text, on_fill) = (accent.legible_on(ground), accent.text_on());
        format!(":root{{--accent:{text};--fill:{accent};--on-fill:{on_fill}}}")
    };
    let [light, dark] = GROUNDS.map(set);
    format!("{sheet}\n{light}\n@media (prefers-color-scheme:dark){{{dark}}}\n")
}

fn base(public_url: &str) -> String {
    let path = Url::parse(public_url).map(|it| it.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

fn origin(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|it| it.origin().ascii_serialization())
}

/// Reads what a form sent.
async fn read_form(app: &App, request: Request<Body>) -> Result<(HeaderMap, Uri, Value), Error> {
    let (parts, body) = request.into_parts();
    let body = app.limits.read(&parts, body).await?;
    let text = std::str::from_utf8(&body).ok().filter(|it| it.len() <= FORM_FIELD_BYTES_MAX * 4);
    let sent = text.and_then(|it| form::decode(it).ok()).ok_or(OLD_FORM)?;
    Ok((parts.headers, parts.uri, sent))
}

fn field<'a>(sent: &'a Value, name: &str) -> Option<&'a str> {
    sent[name].as_str().filter(|it| !it.is_empty() && it.len() <= FORM_FIELD_BYTES_MAX)
}

/// Sends a browser on.
fn see(app: &App, url: &str) -> Result<Response, Error> {
    let location = HeaderValue::from_str(&app.pages.at(url)).map_err(|_| Error::Internal)?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Answers with a page, or with one that says what went wrong.
async fn answered(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    result: Result<Response, Error>,
) -> Response {
    match result {
        Ok(response) => response,
        Err(error) => failed(app, uri, headers, error).await,
    }
}

/// Answers a form. Where it fails, everything on the page that says so leads on to the page that
/// the form stands on: what takes forms only cannot be looked at.
async fn answered_form(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    result: Result<Response, Error>,
) -> Response {
    let stands_on = if uri.path() == "/pricing" { "/pricing" } else { "/account" };
    answered(app, &Uri::from_static(stands_on), headers, result).await
}
