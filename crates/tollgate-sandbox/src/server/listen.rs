//! The sockets on which the official command line's `listen` gets its events.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::keeper::Keeper;

/// The protocol that the command line speaks.
const PROTOCOL: &str = "stripecli-devproxy-v1";

/// Opens a listener's socket; one that is not known is told so in the words it understands.
pub(super) async fn open(
    State(keeper): State<Arc<Keeper>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let named = headers.get("websocket-id").and_then(|id| id.to_str().ok()).unwrap_or(&path);
    let id = named.to_owned();
    match keeper.listener_opened(&id) {
        Ok(Some(opening)) => {
            let talking = move |socket| talk(keeper, id, opening, socket);
            upgrade.protocols([PROTOCOL]).on_upgrade(talking)
        }
        Ok(None) => refuse("Unknown WebSocket ID."),
        Err(error) => {
            tracing::error!(%error, "a socket is not kept");
            refuse("The sandbox cannot write its file.")
        }
    }
}

fn refuse(message: &str) -> Response {
    let body = json!({ "error": { "message": message } }).to_string();
    (StatusCode::BAD_REQUEST, [("content-type", "application/json")], body).into_response()
}

/// Talks on one socket until it closes or another one takes its place.
async fn talk(keeper: Arc<Keeper>, id: String, opening: u64, mut socket: WebSocket) {
    converse(&keeper, &id, opening, &mut socket).await;
    if let Err(error) = keeper.listener_closed(&id, opening) {
        tracing::error!(%error, "that a socket closed is not kept");
    }
}

async fn converse(keeper: &Keeper, id: &str, opening: u64, socket: &mut WebSocket) {
    loop {
        let changed = keeper.changed.notified();
        let Some(messages) = keeper.listener_messages(id, opening) else { return };
        for message in messages {
            if socket.send(Message::Text(message.into())).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = changed => {}
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => hear(keeper, id, &text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

fn hear(keeper: &Keeper, id: &str, text: &str) {
    if let Err(error) = keeper.listener_said(id, text) {
        tracing::error!(%error, "what a listener said is not kept");
    }
}
