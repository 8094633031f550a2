//! Thin events: the same stories as references, without the objects.
//! The type carries a `v1.` prefix and `snapshot_event` names the event with the object.

use crate::dice::{Dice, hash};
use crate::story::StoryEvent;
use crate::story::calendar::rfc3339;
use crate::story::cast::Cast;
use crate::story::json::Json;

/// What begins the type of a thin event.
pub(in crate::story) const PREFIX: &str = "v1.";

/// Returns the thin twin of an event.
pub(in crate::story) fn twin(cast: &Cast, event: &StoryEvent) -> StoryEvent {
    let mut dice = Dice::new(hash(&event.id), "thin");
    let mode = if cast.livemode { "" } else { "test_" };
    let id = format!("evt_{mode}65{}", dice.word(38));
    let kind = format!("{PREFIX}{}", event.kind);
    let mut fields = vec![("id", Json::from(&id)), ("object", "v2.core.event".into())];
    if let Some(account) = &cast.account {
        fields.push(("context", account.into()));
    }
    let created = rfc3339(event.created, dice.below(1_000));
    fields.extend([("created", created.into()), ("livemode", cast.livemode.into())]);
    if let Some(reason) = reason(event) {
        fields.push(("reason", reason));
    }
    if let Some(related) = related(event) {
        fields.push(("related_object", related));
    }
    fields.extend([("snapshot_event", Json::from(&event.id)), ("type", (&kind).into())]);
    let mut body = String::with_capacity(1_024);
    Json::Object(fields).pretty(&mut body, 0);
    StoryEvent { id, kind, created: event.created, body }
}

/// The request that caused the event, where there was one.
fn reason(event: &StoryEvent) -> Option<Json> {
    let id = field(&event.body, "    \"id\": \"req_")?;
    let key = field(&event.body, "    \"idempotency_key\": \"")?;
    let request = Json::object([
        ("id", format!("req_{id}").into()),
        ("idempotency_key", key.to_owned().into()),
    ]);
    Some(Json::object([("request", request), ("type", "request".into())]))
}

/// The object that the event is about; what has no id has no reference.
fn related(event: &StoryEvent) -> Option<Json> {
    let id = field(&event.body, "\n      \"id\": \"")?;
    let object = field(&event.body, "\n      \"object\": \"")?;
    let url = match object {
        // A discount can only be read through what it discounts.
        "discount" => return None,
        "checkout.session" => format!("/v1/checkout/sessions/{id}"),
        object => format!("/v1/{object}s/{id}"),
    };
    Some(Json::object([
        ("id", id.to_owned().into()),
        ("type", object.to_owned().into()),
        ("url", url.into()),
    ]))
}

/// Returns the text that follows a mark; the printer's indentation makes the marks unique.
fn field<'a>(body: &'a str, mark: &str) -> Option<&'a str> {
    let rest = &body[body.find(mark)? + mark.len()..];
    rest.split('"').next()
}
