//! The listeners of the official command line: a session names a socket, on which events come and
//! are acknowledged. What is not acknowledged is sent again when the socket opens anew, since a
//! client that resets its connection loses what comes meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_stripe::signature;
use tollgate_stripe::version::PINNED;

use super::USER_AGENT;
use super::queue::{Attempt, Deliveries};
use super::thin::Thin;
use crate::dice::{Dice, hash};
use crate::error::StripeError;
use crate::object::Id;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[Route::post("/v1/stripecli/sessions", open)];

/// How many listeners there are at once; the one that was silent longest gives way.
const LISTENERS_MAX: usize = 16;
/// After how many seconds a client resets its socket: never, as far as we can choose.
const RECONNECT_SECS: i64 = 7 * 86_400;
const WEBHOOKS: &str = "webhooks";
const THIN: &str = "v2_events";

/// All listeners, oldest first.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    /// How many there ever were.
    made: u64,
    /// Counts what is heard, to tell who was silent longest.
    heard: u64,
}

#[derive(Debug)]
struct Listener {
    id: Id,
    secret: String,
    snapshots: bool,
    thin: bool,
    /// How often its socket was opened; the last opening is the one that counts.
    openings: u64,
    is_open: bool,
    last_heard: u64,
    letters: BTreeMap<u64, Letter>,
    /// The first letter that this opening was not sent.
    unsent: u64,
    /// How many letters there ever were.
    made: u64,
    lost: u64,
}

/// An event on its way to a listener.
#[derive(Debug)]
struct Letter {
    event: Arc<str>,
    body: Arc<str>,
    conversation: String,
    webhook: String,
    thin: bool,
    awaited_by: Option<Id>,
}

/// What listeners are sent of an event.
pub(super) struct News {
    pub(super) event: Arc<str>,
    pub(super) body: Arc<str>,
    /// The event of the snapshot; `None` for a thin one.
    pub(super) snapshot_of: Option<Id>,
}

/// Answers a session: where its socket is and what its events are signed with.
fn open(world: &mut World, call: &Call) -> Outcome {
    let features = call.params.texts("websocket_features").unwrap_or_default();
    if let Some(unknown) = features.iter().find(|name| *name != WEBHOOKS && *name != THIN) {
        let message = format!("Invalid websocket_features: {unknown}.");
        return Err(StripeError::param("websocket_features", message));
    }
    let wants = |feature: &str| features.iter().any(|name| name == feature);
    let (thin, snapshots) = (wants(THIN), wants(WEBHOOKS) || features.is_empty());
    let seed = world.deliveries.seed;
    let secret = secret(seed, &call.key);
    let id = world.deliveries.listeners.add(seed, &secret, snapshots, thin);
    let base = world.settings.public_url.replacen("http", "ws", 1);
    Ok(json!({
        "websocket_url": format!("{base}/_socket/{id}"),
        "websocket_id": id,
        "websocket_authorized_feature": features.first().map_or(WEBHOOKS, String::as_str),
        "reconnect_delay": RECONNECT_SECS,
        "secret": secret,
        "default_version": world.account_version().as_str(),
        "latest_version": PINNED,
        "device_token": format!("dt_{}", Dice::new(seed, &format!("device of {id}")).word(24)),
        "display_connect_filter_warning": false,
    }))
}

/// Returns the secret of a key, the same each time: people copy it into their settings.
fn secret(seed: u64, key: &str) -> String {
    format!("whsec_{}", Dice::new(seed ^ hash(key), "listeners of a key").word(64))
}

impl Listeners {
    fn add(&mut self, seed: u64, secret: &str, snapshots: bool, thin: bool) -> Id {
        if self.all.len() >= LISTENERS_MAX {
            let silent = self.all.iter().min_by_key(|row| row.last_heard).map(|row| row.id.clone());
            self.all.retain(|row| Some(&row.id) != silent.as_ref());
        }
        self.made += 1;
        self.heard += 1;
        let word = Dice::new(seed, &format!("listener {}", self.made)).word(32);
        let id: Id = format!("cliws_{word}").into();
        self.all.push(Listener {
            id: id.clone(),
            secret: secret.to_owned(),
            snapshots,
            thin,
            openings: 0,
            is_open: false,
            last_heard: self.heard,
            letters: BTreeMap::new(),
            unsent: 0,
            made: 0,
            lost: 0,
        });
        id
    }

    /// Says whether anyone waits for snapshots, or for thin events.
    pub(super) fn anyone(&self, thin: bool) -> bool {
        self.all.iter().any(|row| row.openings > 0 && row.wants(thin))
    }

    /// Returns how many endpoints the listeners with open sockets count for.
    pub(super) fn awaiting(&self) -> u32 {
        let open = self.all.iter().filter(|row| row.is_open && row.snapshots);
        u32::try_from(open.count()).unwrap_or(u32::MAX)
    }

    /// Puts an event into the box of every listener that wants its kind.
    pub(super) fn tell(&mut self, news: &News, most: usize) {
        let thin = news.snapshot_of.is_none();
        // A box that is full while nobody is there means that nobody comes back.
        self.all.retain(|row| row.is_open || row.letters.len() < most);
        for row in self.all.iter_mut().filter(|row| row.openings > 0 && row.wants(thin)) {
            row.put(news, most);
        }
    }

    fn get(&mut self, id: &str) -> Option<&mut Listener> {
        self.all.iter_mut().find(|row| *row.id == *id)
    }
}

impl Listener {
    fn wants(&self, thin: bool) -> bool {
        if thin { self.thin } else { self.snapshots }
    }

    fn put(&mut self, news: &News, most: usize) {
        if self.letters.len() >= most {
            if self.lost == 0 {
                tracing::error!(
                    listener = &*self.id,
                    most,
                    "too many events wait; further ones are lost"
                );
            }
            self.lost += 1;
            return;
        }
        let mut dice = Dice::new(hash(&self.id), &format!("letter {}", self.made));
        let letter = Letter {
            event: news.event.clone(),
            body: news.body.clone(),
            conversation: format!("wc_{}", dice.word(24)),
            webhook: format!("wh_{}", dice.word(24)),
            thin: news.snapshot_of.is_none(),
            awaited_by: news.snapshot_of.clone().filter(|_| self.is_open),
        };
        self.letters.insert(self.made, letter);
        self.made += 1;
    }

    /// Takes out the letter that an acknowledgement is for.
    fn acknowledge(&mut self, message: &Value) -> Option<Letter> {
        let (event, conversation) =
            (message["event_id"].as_str()?, message["webhook_conversation_id"].as_str());
        let is_it = |letter: &Letter| {
            *letter.event == *event
                && (letter.thin || conversation.is_none_or(|given| letter.conversation == given))
        };
        let number =
            self.letters.iter().find(|(_, letter)| is_it(letter)).map(|(number, _)| *number)?;
        self.letters.remove(&number)
    }
}

impl Letter {
    fn message(&self, secret: &str, at: i64) -> String {
        let headers = json!({
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature::header(self.body.as_bytes(), &[secret], at),
            "User-Agent": USER_AGENT,
        });
        let message = match self.thin {
            true => json!({
                "type": "v2_event",
                "payload": &*self.body,
                "http_headers": headers,
                "destination_id": format!("ed_{}", &self.webhook["wh_".len()..]),
            }),
            false => json!({
                "type": "webhook_event",
                "endpoint": { "api_version": null },
                "event_payload": &*self.body,
                "http_headers": headers,
                "webhook_conversation_id": self.conversation,
                "webhook_id": self.webhook,
            }),
        };
        message.to_string()
    }
}

impl World {
    /// Opens a listener's socket, in the place of one that may still seem open. Returns the
    /// number of the opening; `None` if there is no such listener.
    pub fn listener_opened(&mut self, websocket: &str) -> Option<u64> {
        let listener = self.deliveries.listeners.get(websocket)?;
        listener.openings += 1;
        listener.is_open = true;
        listener.unsent = 0;
        Some(listener.openings)
    }

    /// Returns the messages for an opened socket that it was not sent yet, signed at `at`, in Unix
    /// seconds, or at the main clock's time if that is later. `None` if another one took its place.
    pub fn listener_messages(
        &mut self,
        websocket: &str,
        opening: u64,
        at: i64,
    ) -> Option<Vec<String>> {
        let at = at.max(self.now());
        let listener = self.deliveries.listeners.get(websocket)?;
        if listener.openings != opening {
            return None;
        }
        let unsent = listener.letters.range(listener.unsent..);
        let messages = unsent.map(|(_, letter)| letter.message(&listener.secret, at)).collect();
        listener.unsent = listener.made;
        Some(messages)
    }

    /// Notes what a listener said: an acknowledgement, or how forwarding went.
    pub fn listener_said(&mut self, websocket: &str, message: &str) {
        let Ok(message) = serde_json::from_str::<Value>(message) else { return };
        let now = self.now();
        let Deliveries { listeners, .. } = &mut self.deliveries;
        listeners.heard += 1;
        let heard = listeners.heard;
        let Some(listener) = listeners.get(websocket) else { return };
        listener.last_heard = heard;
        match message["type"].as_str() {
            Some("event_ack") => {
                let awaited_by =
                    listener.acknowledge(&message).and_then(|letter| letter.awaited_by);
                self.settle(awaited_by);
            }
            Some("webhook_response") => {
                let id = listener.id.clone();
                let event = message["notification_id"].as_str().unwrap_or_default();
                let kind = self.kind_of(event).into();
                let status = message["status"].as_u64().and_then(|status| status.try_into().ok());
                self.deliveries.remember(Attempt::forwarded(event, kind, &id, status, now));
            }
            _ => {}
        }
    }

    /// Returns the type of an event, thin or not.
    fn kind_of(&self, event: &str) -> String {
        match self.events.get(event) {
            Some(event) => event.kind.to_owned(),
            None => Thin::find(self, event).map(|thin| thin.kind()).unwrap_or_default(),
        }
    }

    /// Notes that a socket closed.
    pub fn listener_closed(&mut self, websocket: &str, opening: u64) {
        let Some(listener) = self.deliveries.listeners.get(websocket) else { return };
        if listener.openings == opening {
            listener.is_open = false;
        }
    }
}
