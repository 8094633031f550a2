//! HTTP: which routes there are and who may call them. [`ROUTES`] is the policy; nothing is
//! reachable that does not stand there.
//!
//! - this file: the table, what all handlers share, and the door that every request goes through;
//! - [`webhook`], [`access`], [`users`], [`billing`], [`discounts`], [`operator`], [`dev`],
//!   [`mailbox`]: the handlers;
//! - [`pages`]: the pages that sell;
//! - [`auth`], [`limits`], [`cors`]: who calls, how much, and from which pages;
//! - [`error`]: what a caller is told when something is refused.

mod access;
mod auth;
mod billing;
mod bodies;
mod cors;
mod dev;
mod discounts;
mod error;
mod limits;
mod mailbox;
mod operator;
pub mod pages;
mod users;
mod webhook;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post, put};
use tokio::sync::{OnceCell, watch};
use tollgate_stripe::id;

use crate::billing::Billing;
use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, Secret, Selling};
use crate::deliver::destinations;
use crate::deliver::mailbox::Mailbox;
use crate::metrics::Metrics;
use crate::receive::Receiver;
use crate::rules::policy::Rulebook;
use crate::store::{self, Db, StoreError};
use auth::{Caller, Keys};
use error::Error;
use limits::Limits;
use operator::Counted;
use pages::{Pages, Templates};

pub use bodies::BODY_BYTES_MAX;
pub use operator::OPENAPI;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever signs with a secret of the webhook's, from an allowed network.
    Stripe,
    /// Whoever has a key of the app's.
    App,
    /// The app, or the user whom the path names.
    AppOrUser,
    /// The app, for any user; or a user, for themself.
    AppOrSelf,
    /// Everybody: a person's browser on its way.
    Browser,
    /// Everybody, at a rate of their own: it tells nothing of any user. How much is sold and fails
    /// is nobody else's business, which is why the operator's proxy closes it.
    Operator,
    /// Everybody, at any rate: it costs nothing.
    Anybody,
    /// Everybody, while `tollgate dev` runs.
    Developer,
}

/// A route.
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path, with the names of its parameters.
    pub path: &'static str,
    /// Who may call it.
    pub who: Who,
    handler: fn() -> MethodRouter<Arc<App>>,
}

const fn on(
    who: Who,
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    Route { method, path, who, handler }
}

/// Every route, and who may call it. Those of [`Who::Stripe`] also take a final slash.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    on(Who::Stripe,    "POST", "/stripe/webhook",            || post(webhook::receive)),
    on(Who::Stripe,    "POST", "/webhook",                   || post(webhook::receive)),
    on(Who::Stripe,    "POST", "/api/stripe/webhook",        || post(webhook::receive)),
    on(Who::Stripe,    "POST", "/api/webhooks/stripe",       || post(webhook::receive)),
    on(Who::AppOrUser, "GET",  "/access/{user_id}",          || get(access::show)),
    on(Who::AppOrUser, "GET",  "/access/{user_id}/stream",   || get(access::stream)),
    on(Who::App,       "GET",  "/access/{user_id}/explain",  || get(access::explain)),
    on(Who::App,       "PUT",  "/users/{user_id}",           || put(users::name)),
    on(Who::AppOrSelf, "POST", "/billing/checkout-session",  || post(billing::checkout)),
    on(Who::AppOrSelf, "GET",  "/billing/portal",            || get(billing::portal_by_query)),
    on(Who::AppOrSelf, "POST", "/billing/portal",            || post(billing::portal)),
    on(Who::AppOrSelf, "GET",  "/billing/subscription",      || get(billing::subscription)),
    on(Who::AppOrSelf, "POST", "/billing/plan-change/preview", || post(billing::preview)),
    on(Who::AppOrSelf, "POST", "/billing/plan-change",       || post(billing::commit)),
    on(Who::AppOrSelf, "POST", "/billing/cancel",            || post(billing::cancel)),
    on(Who::AppOrSelf, "POST", "/billing/resume",            || post(billing::resume)),
    on(Who::App,       "POST", "/billing/coupons",           || post(discounts::make_coupon)),
    on(Who::App,       "GET",  "/billing/coupons",           || get(discounts::coupons)),
    on(Who::App,       "DELETE", "/billing/coupons/{id}",    || delete(discounts::end_coupon)),
    on(Who::App,       "POST", "/billing/promotion-codes",   || post(discounts::make_code)),
    on(Who::App,       "GET",  "/billing/promotion-codes",   || get(discounts::codes)),
    on(Who::App,       "POST", "/billing/promotion-codes/{id}", || post(discounts::set_code)),
    on(Who::Browser,   "GET",  "/billing/return",            || get(billing::land)),
    on(Who::Browser,   "GET",  "/pricing",                   || get(pages::pricing)),
    on(Who::Browser,   "POST", "/pricing",                   || post(pages::buy)),
    on(Who::Browser,   "GET",  "/checkout",                  || get(pages::checkout)),
    on(Who::Browser,   "GET",  "/account",                   || get(pages::account)),
    on(Who::Browser,   "GET",  "/account/change",            || get(pages::change)),
    on(Who::Browser,   "POST", "/account/change",            || post(pages::commit)),
    on(Who::Browser,   "GET",  "/account/cancel",            || get(pages::cancel_ask)),
    on(Who::Browser,   "POST", "/account/cancel",            || post(pages::cancel)),
    on(Who::Browser,   "POST", "/account/resume",            || post(pages::resume)),
    on(Who::Browser,   "POST", "/account/undo",              || post(pages::undo)),
    on(Who::Browser,   "POST", "/account/portal",            || post(pages::manage)),
    on(Who::Browser,   "GET",  "/pages/style.css",           || get(pages::style)),
    on(Who::Browser,   "GET",  "/pages/checkout.js",         || get(pages::script)),
    on(Who::Anybody,   "GET",  "/healthz",                   || get(operator::healthz)),
    on(Who::Operator,  "GET",  "/readyz",                    || get(operator::readyz)),
    on(Who::Operator,  "GET",  "/metrics",                   || get(operator::metrics)),
    on(Who::Operator,  "GET",  "/openapi.json",              || get(operator::openapi)),
    on(Who::Developer, "GET",  "/",                          || get(dev::page)),
    on(Who::Developer, "GET",  "/dev/stream",                || get(dev::stream)),
    on(Who::Developer, "GET",  "/dev/mails",                 || get(mailbox::list)),
    on(Who::Developer, "GET",  "/dev/mails/{number}",        || get(mailbox::show)),
    on(Who::Developer, "GET",  "/dev/mails/{number}/body",   || get(mailbox::body)),
    on(Who::Developer, "GET",  "/dev/style.css",             || get(dev::style)),
    on(Who::Developer, "GET",  "/dev/live.js",               || get(dev::script)),
    on(Who::Developer, "GET",  "/dev/clock.js",              || get(dev::clock)),
];

/// What all handlers share.
pub struct App {
    pub(crate) db: Db,
    pub(crate) receiver: Receiver,
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    /// None without a key of Stripe's.
    pub(crate) billing: Option<Arc<Billing>>,
    /// Where mails go in development.
    pub(crate) mailbox: Option<Arc<Mailbox>>,
    counted: Counted,
    keys: Keys,
    pages: Pages,
    /// Knows the origins whose pages may call for their users.
    selling: Selling,
    webhook_secrets: Vec<Secret>,
    webhook_path: Option<String>,
    tolerance_secs: i64,
    dev: bool,
    sandbox_url: Option<String>,
    /// The database's mode, once known.
    mode: OnceCell<bool>,
    /// The database has its tables.
    ready: AtomicBool,
    closing: watch::Receiver<bool>,
    /// Turns with everything that came in, for the page for development.
    activity: watch::Sender<u64>,
}

impl App {
    /// Brings together what the handlers need; `closing` turns true when the server is to stop.
    pub fn new(
        config: &Config,
        templates: Templates,
        db: Db,
        receiver: Receiver,
        clock: Clock,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self {
            billing: Billing::new(config, &db, &receiver, &clock).map(Arc::new),
            rulebook: Arc::new(config.rulebook.clone()),
            db,
            receiver,
            clock,
            metrics: Metrics::default(),
            limits: Limits::new(&config.server),
            mailbox: destinations::keeps_mails(config).then(Arc::default),
            counted: Counted::default(),
            keys: Keys::new(config),
            pages: Pages::new(config, templates),
            selling: config.selling.clone(),
            webhook_secrets: config.webhook_secrets.clone(),
            webhook_path: config.server.webhook_path.clone(),
            tolerance_secs: config.server.webhook_tolerance_secs,
            dev: config.dev,
            sandbox_url: config.sandbox_url.clone(),
            mode: OnceCell::new(),
            ready: AtomicBool::new(false),
            closing,
            activity: watch::Sender::new(0),
        }
    }

    /// From here on the database has its tables.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    fn check_ready(&self) -> Result<(), Error> {
        if self.is_ready() { Ok(()) } else { Err(Error::Unavailable) }
    }

    /// Returns the database's mode; the first to ask decides it.
    pub(crate) async fn livemode(&self, first: bool) -> Result<bool, StoreError> {
        let claim = || store::schema::claim_livemode(&self.db, first);
        self.mode.get_or_try_init(claim).await.copied()
    }

    /// Waits until the server is to stop.
    async fn closing(&self) {
        // An error is the other end being gone, which means the same.
        drop(self.closing.clone().wait_for(|it| *it).await);
    }

    /// Tells whoever watches that something came in.
    fn stir(&self) {
        self.activity.send_modify(|it| *it = it.wrapping_add(1));
    }
}

/// The address at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The address of the client, which may be behind trusted proxies.
#[derive(Clone, Copy, Debug)]
struct Client(IpAddr);

/// Makes the router of all [`ROUTES`]. Every request carries its [`Peer`].
pub fn router(app: &Arc<App>) -> Router {
    let router = routes(app).fallback(nothing);
    router.layer(from_fn_with_state(Arc::clone(app), measured)).with_state(Arc::clone(app))
}

/// What answers where no route is: people get a page.
async fn nothing(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    pages::failed(&app, &uri, &headers, Error::NotFound).await
}

/// The same for the router of an app, whose own answer it is that there is nothing at a path.
pub fn mounted(app: &Arc<App>) -> Router {
    let measured = from_fn_with_state(Arc::clone(app), measured);
    routes(app).route_layer(measured).with_state(Arc::clone(app))
}

fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let mut router = Router::new();
    for (index, route) in ROUTES.iter().enumerate() {
        let is_first = ROUTES[..index].iter().all(|it| it.path != route.path);
        if !is_first || (route.who == Who::Developer && !app.dev) {
            continue;
        }
        let of_path = ROUTES[index..].iter().filter(|it| it.path == route.path);
        let handler = of_path.fold(MethodRouter::new(), |all, it| all.merge((it.handler)()));
        router = router.route(route.path, guarded(app, route.who, handler));
        if route.who == Who::Stripe {
            let path = format!("{}/", route.path);
            router = router.route(&path, guarded(app, route.who, (route.handler)()));
        }
    }
    let is_ours = |it: &&String| ROUTES.iter().any(|route| route.path == **it);
    if let Some(path) = app.webhook_path.as_ref().filter(|it| !is_ours(it)) {
        for path in [path.clone(), format!("{path}/")] {
            router = router.route(&path, guarded(app, Who::Stripe, post(webhook::receive)));
        }
    }
    router
}

fn guarded(app: &Arc<App>, who: Who, handler: MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {
    let handler = handler.fallback(|| async { Error::MethodNotAllowed });
    let handler = handler.layer(from_fn_with_state((Arc::clone(app), who), admit));
    match who {
        Who::AppOrUser | Who::AppOrSelf => {
            handler.layer(from_fn_with_state(Arc::clone(app), cors::share))
        }
        _ => handler,
    }
}

/// The door: nobody comes to a handler without having passed it.
async fn admit(
    State((app, who)): State<(Arc<App>, Who)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let peer = peer_of(&request);
    let client = app.limits.client(peer, request.headers());
    request.extensions_mut().insert(Client(client));
    let admitted = match who {
        Who::Anybody => true,
        Who::Operator => app.limits.admits_watcher(client),
        _ => app.limits.admits(client),
    };
    if !admitted {
        note_refused(&app, who, client, "rate_limited");
        return Err(Error::RateLimited);
    }
    match who {
        Who::Anybody | Who::Operator | Who::Developer | Who::Browser => {}
        Who::Stripe if app.limits.allows(client) => {}
        Who::Stripe => {
            note_refused(&app, who, client, "network");
            return Err(Error::Forbidden("Requests from this address are not allowed here."));
        }
        Who::App | Who::AppOrUser | Who::AppOrSelf => {
            let caller = app.keys.caller(request.headers(), app.clock.now())?;
            request = check_caller(caller, who, request).await?;
        }
    }
    Ok(next.run(request).await)
}

/// Who is at the other end: our own server says so, or that of the app that mounts the routes.
fn peer_of(request: &Request) -> IpAddr {
    let extensions = request.extensions();
    let ours = extensions.get::<Peer>().map(|it| it.0);
    let theirs = || extensions.get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
    ours.or_else(theirs).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

fn note_refused(app: &App, who: Who, client: IpAddr, reason: &'static str) {
    if who == Who::Stripe {
        app.metrics.refused(reason);
        tracing::warn!(reason, client = %client, "Stripe webhook refused");
    }
}

/// A user may read their own access and nothing else.
async fn check_caller(caller: Caller, who: Who, request: Request) -> Result<Request, Error> {
    let (mut parts, body) = request.into_parts();
    // Where no path names the user, the handler takes them from the token.
    if let (Caller::User { user_id, .. }, true) = (&caller, who != Who::AppOrSelf) {
        let UserId(named) = UserId::from_request_parts(&mut parts, &()).await?;
        if who != Who::AppOrUser || named != *user_id {
            tracing::warn!(user_id, "A user's token was used for another user");
            return Err(Error::Forbidden("A user's token opens that user's own access only."));
        }
    }
    parts.extensions.insert(caller);
    Ok(Request::from_parts(parts, body))
}

/// What is answered where a handler panicked.
pub(crate) fn panicked() -> impl axum::response::IntoResponse {
    Error::Internal
}

/// Measures every answer, under the route's pattern.
async fn measured(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    app.metrics.answered(route, response.status().as_u16(), watch.elapsed());
    response
}

/// The user whom a path names: any text of up to 255 bytes without a NUL character.
struct UserId(String);

impl<S: Send + Sync> FromRequestParts<S> for UserId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let invalid = |why: &str| Error::Invalid {
            field: "user_id".to_owned(),
            allowed: Vec::new(),
            message: format!("The user's id must be UTF-8 text of 1 to 255 bytes: {why}."),
        };
        let Path(user) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| invalid("it is not UTF-8"))?;
        id::check(&user).map_err(|error| invalid(&error.to_string()))?;
        Ok(Self(user))
    }
}
