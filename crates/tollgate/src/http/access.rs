//! What a user may use: once, held until it changes, or as a stream.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use sha2::{Digest, Sha256};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::auth::Caller;
use super::error::Error;
use super::{App, UserId};
use crate::answer::{self, Current, Explanation};
use crate::config::value;
use crate::store::access::StoredAccess;
use crate::wire::Answer;

/// The longest time that an answer is held, in seconds.
const WAIT_SECS_MAX: i64 = 60;
/// How often the database is looked at for changes that another node made.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Writes a user's access as it is at `now` (Unix seconds).
pub fn shown(stored: StoredAccess, now: i64) -> Answer {
    Answer::new(stored.user_id, stored.access, stored.revision, now)
}

/// `GET /access/{user_id}`; with `?wait=30s` and `If-None-Match` it is held until it changes.
///
/// # Errors
/// The user's id or the time to wait is none, or the database is away.
pub async fn show(
    State(app): State<Arc<App>>,
    UserId(user): UserId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let wait = wait_of(&uri)?;
    let mut changes = app.receiver.changes();
    let mut current = look(&app, &user).await?;
    if let Some(wait) = wait.filter(|_| is_known(&headers, &version(&current))) {
        let changed = async {
            while is_known(&headers, &version(&current)) {
                news_of(&user, &mut changes).await;
                current = look(&app, &user).await?;
            }
            Ok::<(), Error>(())
        };
        tokio::select! {
            looked = changed => looked?,
            () = tokio::time::sleep(wait) => {}
            () = app.closing() => {}
        }
    }
    Ok(answer(&app, &headers, current))
}

/// Writes the answer, or 304 where the caller has it already.
fn answer(app: &App, headers: &HeaderMap, current: Current) -> Response {
    let version = version(&current);
    let mut response = match is_known(headers, &version) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Json(shown(current.access, app.clock.now())).into_response(),
    };
    let tag = HeaderValue::try_from(etag(&version)).expect("letters in quotes are a header");
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// What tells one answer from another: the revision, and where time has changed the access and
/// that has no revision yet, the answer's digest, too. Whoever asks by the revision would else be
/// told that nothing has changed.
fn version(current: &Current) -> String {
    let revision = current.access.revision;
    if current.is_announced {
        return revision.to_string();
    }
    let answer = shown(current.access.clone(), 0);
    let digest = Sha256::digest(serde_json::to_vec(&answer).expect("an answer is JSON"));
    let digest = digest.iter().take(8).fold(0, |all, it| all << 8 | u64::from(*it));
    format!("{revision}-due-{digest:016x}")
}

async fn look(app: &App, user: &str) -> Result<Current, Error> {
    app.check_ready()?;
    Ok(answer::current(&app.db, &app.rulebook, user, app.clock.now()).await?)
}

/// Waits until this node changed the user's access, or it is time to look for other nodes'.
async fn news_of(user: &str, changes: &mut broadcast::Receiver<Arc<StoredAccess>>) {
    let ours = async {
        loop {
            match changes.recv().await {
                Ok(it) if it.user_id != user => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    // At the end of the time there may be news, too: its caller looks either way.
    drop(tokio::time::timeout(LOOK_EVERY, ours).await);
}

fn etag(version: &str) -> String {
    format!("\"{version}\"")
}

fn is_known(headers: &HeaderMap, version: &str) -> bool {
    let tag = etag(version);
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let mut tags = values.flat_map(|it| it.split(',')).map(str::trim);
    tags.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

fn wait_of(uri: &Uri) -> Result<Option<Duration>, Error> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let Some(text) = pairs.filter_map(|it| it.strip_prefix("wait=")).next_back() else {
        return Ok(None);
    };
    let secs = text.parse().ok().or_else(|| value::duration(text).ok());
    let secs =
        secs.filter(|it| (0..=WAIT_SECS_MAX).contains(it)).ok_or_else(|| Error::Invalid {
            allowed: Vec::new(),
            field: "wait".to_owned(),
            message: "wait takes seconds or a duration such as 30s, up to 60s.".to_owned(),
        })?;
    Ok(Some(Duration::from_secs(secs.unsigned_abs())))
}

/// `GET /access/{user_id}/stream`: the answer now and after each change, as server-sent events.
///
/// # Errors
/// The user's id is none, or the database is away.
pub async fn stream(
    State(app): State<Arc<App>>,
    UserId(user): UserId,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Error> {
    // Listening begins before the first look, so that nothing falls between them.
    let changes = app.receiver.changes();
    let first = look(&app, &user).await?;
    let events = Sse::new(events(app, user, first, changes, caller));
    let mut response = events.keep_alive(KeepAlive::default()).into_response();
    // Some proxies collect an answer before they pass it on, unless they are told not to.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn events(
    app: Arc<App>,
    user: String,
    first: Current,
    mut changes: broadcast::Receiver<Arc<StoredAccess>>,
    caller: Caller,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut told = version(&first);
        yield Ok(event(&app, first));
        while is_welcome(&caller, app.clock.now()) {
            tokio::select! {
                () = news_of(&user, &mut changes) => {}
                () = app.closing() => break,
            }
            // While the database is away there is nothing to tell.
            let Ok(current) = look(&app, &user).await else { continue };
            if version(&current) != told {
                told = version(&current);
                yield Ok(event(&app, current));
            }
        }
    }
}

fn event(app: &App, current: Current) -> Event {
    let event = Event::default().event("access").id(version(&current));
    let answer = shown(current.access, app.clock.now());
    event.data(serde_json::to_string(&answer).expect("an answer is JSON"))
}

/// A stream ends with the token that opened it.
fn is_welcome(caller: &Caller, now: i64) -> bool {
    match caller {
        Caller::App => true,
        Caller::User { until, .. } => now < *until,
    }
}

/// `GET /access/{user_id}/explain`: how the answer came about.
///
/// # Errors
/// The user's id is none, or the database is away.
pub async fn explain(
    State(app): State<Arc<App>>,
    UserId(user): UserId,
) -> Result<Json<Explanation>, Error> {
    app.check_ready()?;
    Ok(Json(answer::explain(&app.db, &app.rulebook, &user, app.clock.now()).await?))
}
