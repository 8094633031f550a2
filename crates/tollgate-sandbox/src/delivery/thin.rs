//! Thin events: a kept event as a reference, without its object. Each snapshot event has a twin
//! whose type begins with `v1.`, and some have further ones. They are told from the kept event
//! whenever they are asked for, so that they cost nothing where nobody wants them.

use serde_json::{Map, Value, json};

use crate::story::calendar::rfc3339;
use crate::world::World;
use crate::world::event::Event;

/// What the ids begin with, as in test mode.
const PREFIX: &str = "evt_test_65";
/// The place of a thin event among those of its event is one digit of the id.
const PLACES: u32 = 36;

/// One thin event of a kept event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thin<'a> {
    event: &'a Event,
    /// 0 is the twin; the others follow.
    place: usize,
}

impl<'a> Thin<'a> {
    /// Returns the thin events of an event, the twin first.
    pub(super) fn of(event: &'a Event) -> impl DoubleEndedIterator<Item = Self> {
        (0..=event.further.len()).map(move |place| Self { event, place })
    }

    /// Finds one by its id.
    pub(super) fn find(world: &'a World, id: &str) -> Option<Self> {
        let mut rest = id.strip_prefix(PREFIX)?.chars();
        let place = usize::try_from(rest.next()?.to_digit(PLACES)?).ok()?;
        let event = world.events.get(&format!("evt_{}", rest.as_str()))?;
        (place <= event.further.len()).then_some(Self { event, place })
    }

    pub(super) fn id(&self) -> String {
        let place = u32::try_from(self.place).ok().and_then(|at| char::from_digit(at, PLACES));
        let place = place.expect("an event has few thin ones");
        format!("{PREFIX}{place}{}", self.event.id.trim_start_matches("evt_"))
    }

    /// Returns the type.
    pub(super) fn kind(&self) -> String {
        match self.place.checked_sub(1) {
            Some(further) => self.event.further[further].kind.to_owned(),
            None if self.event.has_snapshot => format!("v1.{}", self.event.kind),
            None => self.event.kind.to_owned(),
        }
    }

    /// Returns the event as it is sent.
    pub(super) fn notification(&self) -> Value {
        let data = self.event.data();
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("id", self.id().into());
        set("object", "v2.core.event".into());
        set("created", rfc3339(self.event.created, 0).into());
        set("livemode", false.into());
        set("type", self.kind().into());
        if let Some(changes) = self.changes(&data) {
            set("changes", changes);
        }
        if let Some(reason) = self.reason() {
            set("reason", reason);
        }
        if let Some(related) = related(self.event, &data["object"]) {
            set("related_object", related);
        }
        if self.place == 0 && self.event.has_snapshot {
            set("snapshot_event", (*self.event.id).into());
        }
        Value::Object(fields)
    }

    /// Returns the event as it is fetched: a few kinds then carry more than when they are sent.
    pub(super) fn show(&self) -> Value {
        let mut shown = self.notification();
        if self.event.kind == "invoice.upcoming" {
            let invoice = &self.event.data()["object"];
            shown["data"] = json!({ "customer": invoice["customer"] });
            let within = &invoice["parent"]["subscription_details"]["subscription"];
            if let Some(id) = within.as_str().or_else(|| invoice["subscription"].as_str()) {
                shown["data"]["subscription"] = id.into();
            }
        }
        shown
    }

    /// Returns the changed fields before and after: all of them, or the one it tells of.
    fn changes(&self, data: &Value) -> Option<Value> {
        let previous = data["previous_attributes"].as_object()?;
        let told = match self.place.checked_sub(1) {
            None => None,
            Some(further) => Some(self.event.further[further].field?),
        };
        let mut before = previous.clone();
        before.retain(|name, _| told.is_none_or(|told| told == name));
        let after: Map<String, Value> =
            before.keys().map(|name| (name.clone(), data["object"][name].clone())).collect();
        (!before.is_empty()).then(|| json!({ "before": before, "after": after }))
    }

    fn reason(&self) -> Option<Value> {
        let origin = self.event.request.as_ref()?;
        let key = origin.idempotency_key.as_deref().unwrap_or_default();
        let request = json!({ "id": origin.request, "idempotency_key": key });
        Some(json!({ "type": "request", "request": request }))
    }
}

/// Returns the reference to an event's object; what cannot be fetched has none.
fn related(event: &Event, object: &Value) -> Option<Value> {
    let url = match event.about_kind {
        "discount" => {
            let url = match (object["subscription"].as_str(), object["customer"].as_str()) {
                (Some(subscription), _) => format!("/v1/subscriptions/{subscription}/discount"),
                (None, customer) => format!("/v1/customers/{}/discount", customer?),
            };
            // It is found where it applies, not by an id of its own.
            return Some(json!({ "type": "discount", "url": url }));
        }
        "entitlements.active_entitlement_summary" | "billing_portal.session" => return None,
        "invoice" if event.kind == "invoice.upcoming" => return None,
        "v2.core.event_destination" => format!("/v2/core/event_destinations/{}", event.about),
        "card" => {
            format!("/v1/customers/{}/sources/{}", object["customer"].as_str()?, event.about)
        }
        kind => format!("/v1/{}s/{}", kind.replace('.', "/"), event.about),
    };
    Some(json!({ "id": event.about, "type": event.about_kind, "url": url }))
}
