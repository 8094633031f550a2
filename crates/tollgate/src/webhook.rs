//! From bytes and a signature to an observation: verify, parse, normalise. No I/O, any API
//! version, snapshot or thin. Nothing here can fail for what an object says: what cannot be read
//! becomes [`Reading::Broken`] and is stored as a failed event, never lost.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_stripe::event::{Event, EventError, SnapshotEvent, ThinEvent};
use tollgate_stripe::id::EventId;
use tollgate_stripe::object::{Kind, Object};
use tollgate_stripe::signature::{self, SignatureError};
use tollgate_stripe::version;

use crate::rules::catalog;
use crate::rules::effects::{self, Effect, EffectKind, News};
use crate::rules::merge::Contestant;
use crate::rules::observation::{Observation, Origin};

/// The type under which what we fetched stands among the events.
pub const FETCHED: &str = "tollgate.fetched";
/// How the ids of such events begin.
const FETCHED_ID: &str = "fetch_";

/// An event that came in, normalised.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Stripe's id of the event.
    pub id: EventId,
    /// Stripe's `type`.
    pub event_type: String,
    /// Unix seconds.
    pub created: i64,
    /// Whether it is real money.
    pub livemode: bool,
    /// The connected account that the event is about.
    pub account: Option<String>,
    /// What it says.
    pub reading: Reading,
}

/// What an event says.
#[derive(Clone, Debug)]
pub enum Reading {
    /// A snapshot of an object, and the facts that the event tells.
    Observed {
        /// The name under which the object is stored.
        key: String,
        /// The snapshot.
        observation: Box<Observation>,
        /// The facts.
        effects: Vec<Effect>,
    },
    /// Facts without a snapshot to keep: a thin event, or an object without an id.
    Noted {
        /// The object that it is about.
        object_id: Option<String>,
        /// The facts.
        effects: Vec<Effect>,
    },
    /// A type we do not act on.
    Ignored,
    /// A type we act on, in a shape we cannot read; says why, without any of its content.
    Broken(String),
}

impl Incoming {
    /// Returns the key of the object that the event is about.
    pub fn object_id(&self) -> Option<&str> {
        match &self.reading {
            Reading::Observed { key, .. } => Some(key),
            Reading::Noted { object_id, .. } => object_id.as_deref(),
            Reading::Ignored | Reading::Broken(_) => None,
        }
    }

    /// Returns the customer that the event is about, where its object names one.
    pub fn customer(&self) -> Option<&str> {
        match &self.reading {
            Reading::Observed { observation, .. } => {
                observation.object.customer().map(AsRef::as_ref)
            }
            _ => None,
        }
    }
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not known to be Stripe's.
    #[error("verify signature: {0}")]
    Signature(#[from] SignatureError),
    /// It is Stripe's, but no event.
    #[error("read event: {0}")]
    Malformed(#[from] EventError),
}

impl Refusal {
    /// Returns the reason's name as callers see it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.reason(),
            Self::Malformed(_) => "malformed_event",
        }
    }
}

/// Verifies a request on its raw body and reads it; returns the event and which of the secrets
/// signed it. `now` and `tolerance` are in seconds.
///
/// # Errors
/// The signature is missing, wrong or too old, or the body is no event.
pub fn admit(
    body: &[u8],
    header: Option<&str>,
    secrets: &[impl AsRef<str>],
    now: i64,
    tolerance: i64,
) -> Result<(Incoming, usize), Refusal> {
    let verified = signature::verify(body, header, secrets, now, tolerance)?;
    Ok((read(body)?, verified.secret_index))
}

/// Reads an event that is known to be Stripe's.
///
/// # Errors
/// The body is no event.
pub fn read(body: &[u8]) -> Result<Incoming, EventError> {
    Ok(match Event::parse(body)? {
        Event::Snapshot(event) => Incoming {
            reading: read_snapshot(&event),
            id: event.id,
            event_type: event.kind,
            created: event.created,
            livemode: event.livemode,
            account: event.account,
        },
        Event::Thin(event) => Incoming {
            reading: read_thin(&event),
            id: event.id,
            event_type: event.kind,
            created: event.created,
            livemode: event.livemode,
            account: event.context,
        },
    })
}

/// Makes an event of an object that Stripe was asked for, so that it enters by the same door, is
/// kept, and counts again whenever the state is derived anew. `seen_at` is its second by Stripe's
/// clock, `asked_ms` the Unix milliseconds, by ours, before the question: what was asked for later
/// gets the later name. `account` is the connected account whose it is. Returns the event and its
/// body.
///
/// # Errors
/// It is no object of a kind that we keep.
pub fn fetched(
    object: &Value,
    seen_at: i64,
    asked_ms: i64,
    account: Option<&str>,
) -> Result<(Incoming, Vec<u8>), EventError> {
    let text = format!("{object}{}", account.unwrap_or_default());
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().take(8).map(|it| format!("{it:02x}")).collect();
    let mut event = json!({
        "id": format!("{FETCHED_ID}{asked_ms:015}_{digest}"),
        "object": "event",
        "type": FETCHED,
        "api_version": version::PINNED,
        "created": seen_at,
        "livemode": object["livemode"].as_bool().unwrap_or_default(),
        "data": { "object": object },
    });
    if let Some(account) = account {
        event["account"] = account.into();
    }
    let body = event.to_string().into_bytes();
    Ok((read(&body)?, body))
}

/// Whether an event of this id is what Stripe answered when it was asked.
pub fn is_fetched(event_id: &EventId) -> bool {
    event_id.as_str().starts_with(FETCHED_ID)
}

/// Returns the kind of object that an event carries; `None` if we do not act on it.
fn kind_of(event: &SnapshotEvent<'_>) -> Option<Kind> {
    match event.kind.as_str() {
        FETCHED => {
            let object: Value = serde_json::from_str(event.object.get()).ok()?;
            object["object"].as_str()?.parse().ok()
        }
        kind => catalog::entry(kind).map(|it| it.kind),
    }
}

fn read_snapshot(event: &SnapshotEvent<'_>) -> Reading {
    let Some(kind) = kind_of(event) else { return Reading::Ignored };
    let object = match Object::read(kind, event.object.get()) {
        Ok(object) => ended_by(&event.kind, object),
        Err(error) => return Reading::Broken(format!("read {}: {error}", kind.as_str())),
    };
    let previous = event.previous_attributes.and_then(|it| serde_json::from_str(it.get()).ok());
    let effects = effects::facts(&News {
        event_type: &event.kind,
        created: event.created,
        object: &object,
        previous: previous.as_ref(),
    });
    match key(&object, event.account.as_deref()) {
        Some(key) => {
            let observation = observation(event, object);
            Reading::Observed { key, observation: Box::new(observation), effects }
        }
        None if event.kind == "invoice.upcoming" => Reading::Noted { object_id: None, effects },
        None => Reading::Broken(format!("read {}: its id is missing", kind.as_str())),
    }
}

fn observation(event: &SnapshotEvent<'_>, object: Object) -> Observation {
    Observation {
        event_id: event.id.clone(),
        at: event.created,
        origin: match event.kind.as_str() {
            FETCHED => Origin::Fetched,
            it if it.ends_with(".created") => Origin::Creation,
            _ => Origin::Change,
        },
        object,
    }
}

/// Deleted objects look in their last event as they did before: the type alone says it.
fn ended_by(event_type: &str, mut object: Object) -> Object {
    match (&mut object, event_type) {
        (Object::Customer(it), "customer.deleted") => it.deleted = true,
        (Object::Invoice(it), "invoice.deleted") => it.deleted = true,
        (Object::Product(it), "product.deleted") => it.deleted = true,
        (Object::Price(it), "price.deleted") => it.deleted = true,
        (Object::Coupon(it), "coupon.deleted") => it.deleted = true,
        _ => {}
    }
    object
}

/// Returns the name under which an object is stored: its id; its customer's for the summary of
/// entitlements, which has none of its own; and a longer one where people choose the id, who may
/// choose any, and the same in two accounts.
fn key(object: &Object, account: Option<&str>) -> Option<String> {
    let id = object.id().filter(|it| !it.is_empty());
    match object {
        Object::Entitlements(it) => Some(format!("entitlements:{}", it.customer)),
        Object::Product(_) | Object::Price(_) | Object::Coupon(_) => {
            let kind = object.kind().as_str();
            Some(format!("{kind}:{}:{}", account.unwrap_or_default(), id?))
        }
        _ => id.map(str::to_owned),
    }
}

/// A thin event is a reference: Stripe is asked for what it names.
fn read_thin(event: &ThinEvent) -> Reading {
    let related = event.related_object.as_ref();
    let related = related.filter(|it| is_ours(event) || it.kind.parse::<Kind>().is_ok());
    let object_id = related.map(|it| it.id.as_str());
    match object_id.or(snapshot_of(event)) {
        Some(subject) => {
            // Not once a second: it may change again after Stripe was asked.
            let detail = format!("{}:{}", event.created, event.id);
            let refresh = Effect::new(EffectKind::Refresh, subject, &*detail);
            Reading::Noted { object_id: object_id.map(str::to_owned), effects: vec![refresh] }
        }
        None if is_ours(event) => {
            Reading::Broken("read thin event: it names neither object nor snapshot".to_owned())
        }
        None => Reading::Ignored,
    }
}

/// Whether we act on snapshot events of this type.
fn is_ours(event: &ThinEvent) -> bool {
    event.kind.strip_prefix("v1.").is_some_and(|it| catalog::entry(it).is_some())
}

/// The snapshot event of the same change, where it says something to us.
fn snapshot_of(event: &ThinEvent) -> Option<&str> {
    event.snapshot_event.as_ref().filter(|_| is_ours(event)).map(EventId::as_str)
}

/// How Stripe is asked for what an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The connected account whose it is.
    pub account: Option<String>,
    /// The snapshot event that carries what a thin event only names.
    pub snapshot_event: Option<String>,
}

/// Returns how Stripe is asked for what a stored event is about.
pub fn reference(body: &[u8]) -> Reference {
    match Event::parse(body) {
        Ok(Event::Snapshot(event)) => Reference { account: event.account, snapshot_event: None },
        Ok(Event::Thin(event)) => {
            let snapshot_event = snapshot_of(&event).map(str::to_owned);
            Reference { account: event.context, snapshot_event }
        }
        Err(_) => Reference::default(),
    }
}

/// Returns the object of a stored event as it was when the event was made.
pub fn snapshot(body: &[u8]) -> Option<Object> {
    let Ok(Event::Snapshot(event)) = Event::parse(body) else { return None };
    Object::read(kind_of(&event)?, event.object.get()).ok()
}

/// Reads a stored event as one of several observations of the same second; `None` if it is none.
pub fn contestant(body: &[u8]) -> Option<Contestant> {
    let Ok(Event::Snapshot(event)) = Event::parse(body) else { return None };
    let object = ended_by(&event.kind, Object::read(kind_of(&event)?, event.object.get()).ok()?);
    key(&object, event.account.as_deref())?;
    let value = |it: &serde_json::value::RawValue| serde_json::from_str::<Value>(it.get()).ok();
    Some(Contestant {
        raw: value(event.object)?,
        previous: event.previous_attributes.and_then(value),
        observation: observation(&event, object),
    })
}
