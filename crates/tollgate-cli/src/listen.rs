//! `tollgate listen --forward-to URL`: events of a sandbox, or of a Stripe account in test mode,
//! forwarded to an app that no webhook can reach. It speaks the protocol of the official command
//! line: a session, then a socket that is opened again whenever it closes.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::out;
use crate::sandbox::{LISTEN, LISTEN_VARIABLE};
use crate::shutdown;

/// How long an app may take to answer.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait before a socket is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(1);
/// How much of the app's answer is told.
const TOLD_BYTES_MAX: usize = 5_000;

/// Forward events to an app.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where events go, for example http://127.0.0.1:3000/webhooks.
    #[arg(long, value_name = "URL", required_unless_present = "print_secret")]
    forward_to: Option<String>,
    /// Only these event types.
    #[arg(long, value_delimiter = ',', value_name = "TYPE,…")]
    events: Vec<String>,
    /// Stripe's API, or a sandbox [default: the sandbox at TOLLGATE_SANDBOX_LISTEN or
    /// http://127.0.0.1:4243].
    #[arg(long, env = "STRIPE_API_BASE", value_name = "URL")]
    api_base: Option<String>,
    /// Where a sandbox is looked for.
    #[arg(long, hide = true, env = LISTEN_VARIABLE, default_value = LISTEN)]
    sandbox_listen: String,
    /// A secret key of test mode.
    #[arg(
        long,
        env = "STRIPE_SECRET_KEY",
        default_value = "sk_test_sandbox",
        hide_env_values = true
    )]
    api_key: String,
    /// Print the secret that events are signed with, and end.
    #[arg(long)]
    print_secret: bool,
}

/// What Stripe answers to a request for a session.
#[derive(Debug, Deserialize)]
struct Session {
    websocket_url: String,
    websocket_id: String,
    websocket_authorized_feature: String,
    secret: String,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Runs the command until SIGTERM or SIGINT.
pub async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = reqwest::Client::builder().timeout(FORWARD_TIMEOUT).build()?;
    let session = open_session(&client, arguments).await?;
    if arguments.print_secret {
        out::line(&session.secret)?;
        return Ok(ExitCode::SUCCESS);
    }
    out::line(format_args!("Ready. Events are signed with {}", session.secret))?;
    tokio::select! {
        ended = forward_for_ever(&client, arguments, session) => ended.map(|()| ExitCode::SUCCESS),
        () = shutdown::requested() => Ok(ExitCode::SUCCESS),
    }
}

async fn open_session(client: &reqwest::Client, arguments: &Arguments) -> anyhow::Result<Session> {
    if arguments.api_key.starts_with("sk_live_") || arguments.api_key.starts_with("rk_live_") {
        bail!(crate::exit::WrongUsage("listening takes a key of test mode".to_owned()));
    }
    let nearby = || format!("http://{}", arguments.sandbox_listen);
    let base = arguments.api_base.clone().unwrap_or_else(nearby);
    let base = base.trim_end_matches('/');
    let request = client
        .post(format!("{base}/v1/stripecli/sessions"))
        .bearer_auth(&arguments.api_key)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("device_name=tollgate&websocket_features[]=webhooks");
    let answer = request.send().await.with_context(|| format!("reach {base}"))?;
    let status = answer.status();
    let body = answer.text().await?;
    if !status.is_success() {
        bail!("open a session: {status}: {}", message_of(&body));
    }
    serde_json::from_str(&body).context("read the session")
}

fn message_of(body: &str) -> String {
    let error: Value = serde_json::from_str(body).unwrap_or_default();
    error["error"]["message"].as_str().unwrap_or("no message").to_owned()
}

async fn forward_for_ever(
    client: &reqwest::Client,
    arguments: &Arguments,
    mut session: Session,
) -> anyhow::Result<()> {
    loop {
        match open_socket(&session).await {
            Ok(socket) => forward(client, arguments, socket).await,
            Err(tungstenite::Error::Http(refusal)) if is_unknown(refusal.body().as_deref()) => {
                session = open_session(client, arguments).await?;
            }
            Err(error) => out::note(format_args!("the socket does not open: {error}")),
        }
        tokio::time::sleep(REOPEN_AFTER).await;
    }
}

/// A session that was forgotten has to be asked for anew.
fn is_unknown(body: Option<&[u8]>) -> bool {
    let text = String::from_utf8_lossy(body.unwrap_or_default());
    message_of(&text) == "Unknown WebSocket ID."
}

async fn open_socket(session: &Session) -> Result<Socket, tungstenite::Error> {
    let url = format!(
        "{}?websocket_feature={}",
        session.websocket_url, session.websocket_authorized_feature
    );
    let mut request = url.into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("stripecli-devproxy-v1"));
    headers.insert("websocket-id", HeaderValue::from_str(&session.websocket_id)?);
    let (socket, _) = connect_async(request).await?;
    Ok(socket)
}

async fn forward(client: &reqwest::Client, arguments: &Arguments, mut socket: Socket) {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let Ok(sent) = serde_json::from_str::<Value>(&text) else { continue };
        if sent["type"] != "webhook_event" {
            continue;
        }
        for reply in forward_one(client, arguments, &sent).await {
            if socket.send(Message::Text(reply.to_string().into())).await.is_err() {
                return;
            }
        }
    }
}

/// Forwards one event; returns what Stripe is told of it.
async fn forward_one(client: &reqwest::Client, arguments: &Arguments, sent: &Value) -> Vec<Value> {
    let payload = sent["event_payload"].as_str().unwrap_or_default();
    let event: Value = serde_json::from_str(payload).unwrap_or_default();
    let (kind, id) = (&event["type"], event["id"].as_str().unwrap_or_default());
    let acknowledged = json!({
        "type": "event_ack",
        "event_id": id,
        "webhook_conversation_id": sent["webhook_conversation_id"],
        "webhook_id": sent["webhook_id"],
    });
    let kind = kind.as_str().unwrap_or_default();
    let wanted = arguments.events.is_empty() || arguments.events.iter().any(|it| it == kind);
    let Some(url) = arguments.forward_to.as_ref().filter(|_| wanted) else {
        return vec![acknowledged];
    };
    match post(client, url, sent, payload).await {
        Ok((status, body)) => {
            // Whatever becomes of the line, the event was forwarded.
            drop(out::line(format_args!("{status}  {kind:<44} {id}")));
            let told = response(sent, url, status, &body, id);
            vec![acknowledged, told]
        }
        Err(error) => {
            out::note(format_args!("---  {kind:<44} {id}: {error}"));
            vec![acknowledged]
        }
    }
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    sent: &Value,
    payload: &str,
) -> Result<(u16, String), reqwest::Error> {
    let mut request = client.post(url).body(payload.to_owned());
    for (name, value) in sent["http_headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await.unwrap_or_default()))
}

fn response(sent: &Value, url: &str, status: u16, body: &str, id: &str) -> Value {
    let told: String = body.chars().take(TOLD_BYTES_MAX).collect();
    json!({
        "type": "webhook_response",
        "forward_url": url,
        "status": status,
        "http_headers": {},
        "body": told,
        "webhook_conversation_id": sent["webhook_conversation_id"],
        "webhook_id": sent["webhook_id"],
        "notification_id": id,
    })
}
