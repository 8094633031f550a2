//! The page that `tollgate dev` shows: who has access, which events came, and what to try next.
//! It is whole before any script runs; a script of a few lines lets it follow what happens. Where a
//! sandbox runs with it, it leads to what is for sale there and moves the sandbox's clock.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use futures_util::Stream;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::json;
use tollgate_stripe::form;

use super::App;
use super::error::Error;
use crate::answer::rfc3339;
use crate::store;
use crate::store::access::StoredAccess;
use crate::store::event::Summary;

/// The app's key that `tollgate dev` takes where none is configured: no secret.
const DEV_KEY: &str = "dev";
/// What one page shows at most.
const USERS_MAX: i64 = 200;
const EVENTS_MAX: i64 = 50;
/// How often the database is looked at for what nobody told us.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Pages of one stream are at least this far apart.
const PAUSE: Duration = Duration::from_millis(100);

const STYLE: &str = include_str!("../../assets/dev/style.css");
const SCRIPT: &str = include_str!("../../assets/dev/live.js");
const CLOCK: &str = include_str!("../../assets/dev/clock.js");

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    let texts = [
        ("page.html", include_str!("../../assets/dev/page.html")),
        ("state.html", include_str!("../../assets/dev/state.html")),
        ("mails.html", include_str!("../../assets/dev/mails.html")),
        ("mail.html", include_str!("../../assets/dev/mail.html")),
    ];
    for (name, text) in texts {
        pages.add_template(name, text).expect("a test renders every template");
    }
    pages
});

/// `GET /`: the page.
///
/// # Errors
/// The database is away.
pub async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Error> {
    let view = view(&app, &headers).await?;
    secured(&render("page.html", &view)?, &policy(app.sandbox_url.as_deref()))
}

/// A page with the headers that keep strangers out of it.
pub(super) fn secured(html: &str, policy: &str) -> Result<Response, Error> {
    let mut response = Html(html.to_owned()).into_response();
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(policy).map_err(|_| Error::Internal)?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let secure = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    headers.extend(secure.map(|(name, text)| (name, HeaderValue::from_static(text))));
    Ok(response)
}

/// Nothing comes from elsewhere, and nothing written into the page can run. The sandbox alone is
/// asked for its clock.
fn policy(sandbox: Option<&str>) -> String {
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self' {}; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        sandbox.unwrap_or_default()
    )
}

/// `GET /dev/style.css`.
pub async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// `GET /dev/live.js`.
pub async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// `GET /dev/clock.js`.
pub async fn clock() -> Response {
    asset("text/javascript; charset=utf-8", CLOCK)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

/// `GET /dev/stream`: the page's inside, each time that it looks different.
pub async fn stream(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    Sse::new(states(app, headers)).keep_alive(KeepAlive::default()).into_response()
}

fn states(app: Arc<App>, headers: HeaderMap) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut activity = app.activity.subscribe();
        let mut shown = String::new();
        loop {
            let view = view(&app, &headers).await;
            // While the database is away the page stays as it is.
            if let Ok(html) = view.and_then(|it| render("state.html", &it))
                && html != shown
            {
                // A carriage return would end a line of the stream.
                let data = html.replace('\r', "&#13;");
                yield Ok(Event::default().event("state").data(data));
                shown = html;
            }
            tokio::select! {
                () = app.closing() => break,
                _ = tokio::time::timeout(LOOK_EVERY, activity.changed()) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

pub(super) fn render(name: &str, view: &impl Serialize) -> Result<String, Error> {
    let template = PAGES.get_template(name);
    let html = template.and_then(|it| it.render(Serde(view)));
    html.map_err(|error| {
        tracing::error!(error = %error, "A page could not be written");
        Error::Internal
    })
}

#[derive(Debug, Serialize)]
struct View {
    state: PageState,
    mode: &'static str,
    host: String,
    /// What to send as the app's key, to be copied.
    key: &'static str,
    sandbox: Option<SandboxView>,
    /// Mails are kept here to be looked at.
    mailbox: bool,
}

/// The sandbox, and the time that it is there and so here too.
#[derive(Debug, Serialize)]
struct SandboxView {
    url: String,
    now: i64,
    at: String,
    clock: String,
}

impl SandboxView {
    /// The page tells minutes: it need not change every second.
    fn new(url: &str, now: i64) -> Self {
        let now = now - now.rem_euclid(60);
        let at = rfc3339(now);
        let clock = at.get(..16).unwrap_or_default().replace('T', " ");
        Self { url: url.to_owned(), now, at, clock }
    }
}

#[derive(Debug, Serialize)]
struct PageState {
    sentence: String,
    remark: String,
    users: Vec<UserRow>,
    users_count: String,
    events: Vec<EventRow>,
    /// A user for the examples.
    example: String,
}

#[derive(Debug, Serialize)]
struct UserRow {
    user_id: String,
    /// Names the user in an address.
    query: String,
    granted: bool,
    plan: String,
    why: String,
    revision: i64,
}

#[derive(Debug, Serialize)]
struct EventRow {
    id: String,
    /// In parts, between which a line may end.
    event_type: Vec<String>,
    status: String,
    error: Option<String>,
    object_id: Option<String>,
    seen: i64,
    at: String,
    day: String,
    clock: String,
}

async fn view(app: &App, headers: &HeaderMap) -> Result<View, Error> {
    app.check_ready()?;
    let users = store::access::page(&app.db, "", USERS_MAX).await?;
    let events = store::event::list(&app.db, None, EVENTS_MAX).await?;
    let mode = match store::schema::livemode(&app.db).await? {
        Some(true) => "Live mode",
        Some(false) => "Test mode",
        None => "No mode yet",
    };
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let host = host.unwrap_or("127.0.0.1:4242").to_owned();
    let key = if app.keys.is_api_key(DEV_KEY) { DEV_KEY } else { "$TOLLGATE_API_KEY" };
    let sandbox = app.sandbox_url.as_ref().map(|url| SandboxView::new(url, app.clock.now()));
    let state = PageState::new(&users, events, sandbox.is_some());
    Ok(View { state, mode, host, key, sandbox, mailbox: app.mailbox.is_some() })
}

impl PageState {
    fn new(users: &[StoredAccess], events: Vec<Summary>, sandboxed: bool) -> Self {
        let (granted, denied): (Vec<&StoredAccess>, Vec<&StoredAccess>) =
            users.iter().partition(|it| it.access.granted);
        let names: Vec<&str> = granted.iter().map(|it| it.user_id.as_str()).collect();
        let more = users.len() == usize::try_from(USERS_MAX).unwrap_or(usize::MAX);
        let example = names.first().copied().or(users.first().map(|it| it.user_id.as_str()));
        Self {
            sentence: sentence(&names, denied.len()),
            remark: remark(users.len(), denied.len(), &events),
            users_count: if more {
                format!("the first {}", users.len())
            } else {
                users.len().to_string()
            },
            example: shell_word(example.unwrap_or("ada")),
            users: granted.into_iter().chain(denied).map(UserRow::new).collect(),
            events: events.into_iter().map(|it| EventRow::new(it, sandboxed)).collect(),
        }
    }
}

/// Answers "who has access?".
fn sentence(granted: &[&str], denied: usize) -> String {
    match granted {
        [] if denied == 0 => "Nobody has access yet.".to_owned(),
        [] => "Nobody has access.".to_owned(),
        [one] => format!("{one} has access."),
        [one, two] => format!("{one} and {two} have access."),
        [one, two, three] => format!("{one}, {two} and {three} have access."),
        [one, two, rest @ ..] => format!("{one}, {two} and {} others have access.", rest.len()),
    }
}

fn remark(users: usize, denied: usize, events: &[Summary]) -> String {
    match events.iter().filter(|it| it.status == "failed").count() {
        0 => {}
        1 => {
            return "One event could not be applied. It is kept and will be tried again."
                .to_owned();
        }
        n => {
            return format!(
                "{n} events could not be applied. They are kept and will be tried again."
            );
        }
    }
    match (users, denied) {
        (0, _) if events.is_empty() => {
            "No event came yet. Stripe's webhook is listening.".to_owned()
        }
        (0, _) => "Events came, but they name no user.".to_owned(),
        (_, 0) => "Every known user has.".to_owned(),
        (1, 1) => "One user is known.".to_owned(),
        (all, none) if all == none => format!("{none} users are known."),
        (_, 1) => "One other user has none.".to_owned(),
        (_, none) => format!("{none} other users have none."),
    }
}

/// A user's id as a shell reads it: examples are there to be copied.
fn shell_word(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.@:".contains(it);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

impl UserRow {
    fn new(it: &StoredAccess) -> Self {
        let access = &it.access;
        let reason = access.reason.as_str().replace('_', " ");
        let why = match access.until.filter(|_| access.granted) {
            Some(until) => format!("{reason}, until {}", day(until)),
            None => reason,
        };
        Self {
            user_id: it.user_id.clone(),
            query: form::encode(&json!({ "user": it.user_id })),
            granted: access.granted,
            plan: access.plan.clone(),
            why,
            revision: it.revision,
        }
    }
}

impl EventRow {
    /// Where somebody moves the clock, when it happened says more than when it came.
    fn new(it: Summary, sandboxed: bool) -> Self {
        let at = if sandboxed { it.created_at } else { it.received_ms.div_euclid(1000) };
        let text = rfc3339(at);
        Self {
            id: it.id,
            event_type: it.event_type.split_inclusive('.').map(str::to_owned).collect(),
            status: it.status,
            error: it.error,
            object_id: it.object_id,
            seen: it.seen,
            day: text.get(..10).unwrap_or_default().to_owned(),
            clock: text.get(11..19).unwrap_or_default().to_owned(),
            at: text,
        }
    }
}

fn day(at: i64) -> String {
    rfc3339(at).get(..10).unwrap_or_default().to_owned()
}
