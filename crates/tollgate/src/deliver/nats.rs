//! One notification into NATS JetStream: the subject is the endpoint's prefix and the type, the
//! notification's id is the message's, so that a stream keeps it once, and it was taken when the
//! stream says so. The broker is the operator's own: it may stand anywhere.

use std::sync::{Arc, Mutex, PoisonError};

use async_nats::connection::State;
use async_nats::jetstream;
use async_nats::jetstream::context::{Context, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::{ConnectOptions, ServerAddr};
use reqwest::Url;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::refused::Refused;
use crate::config::notify::Endpoint;
use crate::notify;

/// Publishes to one endpoint. Cloning shares its connection, which is made when it is first used
/// and left for another once it is lost or silent: what waits in a client to be sent would be sent
/// whenever the broker is back, long after it was given up and perhaps no longer true.
#[derive(Clone, Debug)]
pub struct Sender {
    endpoint: Arc<Endpoint>,
    connection: Arc<Mutex<Connection>>,
}

type Connection = Arc<OnceCell<Context>>;

/// What the subject is made of.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    name: std::borrow::Cow<'a, str>,
}

impl Sender {
    /// Makes a sender.
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { endpoint: Arc::new(endpoint.clone()), connection: Arc::default() }
    }

    /// Publishes a body under a notification's id at `now` (Unix seconds).
    ///
    /// # Errors
    /// Why no stream took it; it is to be tried again.
    pub async fn send(&self, id: &str, body: &str, now: i64) -> Result<(), Refused> {
        self.ask(id, body, now).await.map(drop)
    }

    /// As [`Sender::send`]; returns the stream that took it.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn ask(&self, id: &str, body: &str, now: i64) -> Result<String, Refused> {
        let limit = self.endpoint.timeout;
        let connection = self.connection();
        let publishing = self.publish(&connection, id, body, now);
        let done = tokio::time::timeout(limit, publishing).await;
        if !matches!(done, Ok(Ok(_))) {
            self.leave(&connection);
        }
        done.map_err(|_| Refused::later(format!("no answer within {limit:?}")))?
    }

    /// The connection, unless it is known to be lost; then another, still to be made.
    fn connection(&self) -> Connection {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let is_lost = |it: &Context| it.client().connection_state() != State::Connected;
        if connection.get().is_some_and(is_lost) {
            *connection = Connection::default();
        }
        Arc::clone(&connection)
    }

    /// Nobody else begins to use it.
    fn leave(&self, left: &Connection) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&connection, left) {
            *connection = Connection::default();
        }
    }

    async fn publish(
        &self,
        connection: &Connection,
        id: &str,
        body: &str,
        now: i64,
    ) -> Result<String, Refused> {
        let kind: Kind<'_> = serde_json::from_str(body)
            .map_err(|_| Refused::later("the body has no type to make a subject of"))?;
        let url = Url::parse(self.endpoint.url.reveal()).expect("the configuration has read it");
        let subject = format!("{}.{}", url.path().trim_start_matches('/'), kind.name);
        let context = connection.get_or_try_init(|| connect(&self.endpoint, &url)).await?;
        let message = self.message(id, body, now);
        let sent = context.send_publish(subject, message).await.map_err(|it| refused(it.kind()))?;
        let taken = sent.await.map_err(|it| refused(it.kind()))?;
        let again = if taken.duplicate { ", which had it already" } else { "" };
        Ok(format!("stream {}{again}", taken.stream))
    }

    fn message(&self, id: &str, body: &str, now: i64) -> PublishMessage {
        let message = PublishMessage::build()
            .payload(body.to_owned().into())
            .header("content-type", "application/json")
            .message_id(id);
        if self.endpoint.keys.is_empty() {
            return message;
        }
        message
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string().as_str())
            .header(
                "webhook-signature",
                notify::signature(&self.endpoint.keys, id, now, body).as_str(),
            )
    }
}

async fn connect(endpoint: &Endpoint, url: &Url) -> Result<Context, Refused> {
    // Whoever came first provides; a second provider is refused and not needed.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut options = ConnectOptions::new()
        .name("tollgate")
        // A client that finds nobody ends, and what waits in it with it.
        .max_reconnects(1)
        .connection_timeout(endpoint.timeout)
        .require_tls(url.scheme() == "tls");
    options = match (decoded(url.username()), url.password()) {
        (user, Some(password)) => options.user_and_password(user, decoded(password)),
        (token, None) if !token.is_empty() => options.token(token),
        _ => options,
    };
    let host = url.host_str().unwrap_or_default();
    let address = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(4222));
    let address: ServerAddr = address.parse().map_err(|_| Refused::later("no address of NATS"))?;
    let client = options.connect(address).await.map_err(|it| {
        let kind = it.kind();
        Refused::later(format!("no connection: {kind}"))
    })?;
    let context = jetstream::context::ContextBuilder::new().timeout(endpoint.timeout);
    Ok(context.ack_timeout(endpoint.timeout).build(client))
}

/// User and password stand percent-encoded in a URL.
fn decoded(text: &str) -> String {
    let pair = format!("it={}", text.replace('+', "%2B"));
    let url = Url::parse(&format!("nats://host/?{pair}"));
    let value = url.ok().and_then(|it| it.query_pairs().next().map(|(_, it)| it.into_owned()));
    value.unwrap_or_default()
}

fn refused(kind: PublishErrorKind) -> Refused {
    Refused::later(match kind {
        PublishErrorKind::StreamNotFound => "no stream takes this subject".to_owned(),
        PublishErrorKind::BrokenPipe => "no connection: it was lost".to_owned(),
        PublishErrorKind::TimedOut => "no stream said in time that it took it".to_owned(),
        other => format!("not published: {other}"),
    })
}
