//! Everything a run will send, rendered and signed before its clock starts: the bytes of each
//! request, and the order in which they go out, with duplicates and displaced events.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use tollgate_sandbox::story;
use tollgate_stripe::signature;

use crate::client::Target;

/// A displaced or repeated event goes out at most this many places later.
const PLACES_MAX: u64 = 50;
/// The story began this long ago: its subscriptions run for a year, and none may be in the future.
const STORY_AGE_SECS: i64 = 400 * 24 * 60 * 60;

/// What to send and how much to disturb it.
pub(crate) struct Recipe<'a> {
    pub(crate) target: &'a Target,
    pub(crate) secret: &'a str,
    pub(crate) events: usize,
    /// Share of the events that are delivered a second time, 0 to 1.
    pub(crate) duplicates: f64,
    /// Share of the events that swap places with a later one, 0 to 1.
    pub(crate) reorder: f64,
    pub(crate) seed: u64,
}

/// Prepared requests and the order of their deliveries.
pub(crate) struct Plan {
    /// One HTTP request for each event, head and body.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Indices into `requests`; a duplicate stands in it twice.
    pub(crate) order: Vec<u32>,
    /// Bytes of an event's body, on average.
    pub(crate) body_bytes_mean: usize,
    /// Users whom the events name, each once.
    pub(crate) users: Vec<String>,
}

impl Plan {
    /// Renders and signs the events of a seeded story. The signatures are made now, so the run
    /// has to end within the five minutes for which Stripe's signatures are good.
    pub(crate) fn prepare(recipe: &Recipe<'_>) -> Result<Self> {
        ensure!(recipe.events > 0, "a run needs at least one event");
        let now = unix_seconds()?;
        let mut requests = Vec::with_capacity(recipe.events);
        let mut users = std::collections::BTreeSet::new();
        let mut body_bytes = 0;
        for event in story::mix(recipe.seed, recipe.events, now - STORY_AGE_SECS) {
            body_bytes += event.body.len();
            users.extend(user_of(&event.body));
            requests.push(request(recipe, event.body.as_bytes(), now));
        }
        let order = order(requests.len(), recipe)?;
        let body_bytes_mean = body_bytes / requests.len();
        Ok(Self { requests, order, body_bytes_mean, users: users.into_iter().collect() })
    }
}

fn unix_seconds() -> Result<i64> {
    let elapsed =
        SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    i64::try_from(elapsed.as_secs()).context("the clock is beyond any calendar")
}

fn request(recipe: &Recipe<'_>, body: &[u8], now: i64) -> Vec<u8> {
    let Target { authority, path } = recipe.target;
    let signature = signature::header(body, &[recipe.secret], now);
    let length = body.len();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json; charset=utf-8\r\n\
         User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nStripe-Signature: {signature}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// The user whom an event's object names in its metadata, if it names one.
fn user_of(body: &str) -> Option<String> {
    let event: serde_json::Value = serde_json::from_str(body).ok()?;
    let user = event.pointer("/data/object/metadata/user_id")?.as_str()?;
    Some(user.to_owned())
}

/// The order of the deliveries: first every event in turn, then some of them displaced, then some
/// of them repeated a little later, as Stripe does.
fn order(events: usize, recipe: &Recipe<'_>) -> Result<Vec<u32>> {
    let last = u32::try_from(events).context("too many events")?;
    let mut random = Random(recipe.seed);
    let mut order: Vec<u32> = (0..last).collect();
    for place in 0..order.len() {
        if random.chance(recipe.reorder) {
            let other = (place + random.places()).min(order.len() - 1);
            order.swap(place, other);
        }
    }
    let mut places: Vec<(usize, u32)> = order.iter().copied().enumerate().collect();
    for (place, event) in order.into_iter().enumerate() {
        if random.chance(recipe.duplicates) {
            places.push((place + random.places(), event));
        }
    }
    places.sort_by_key(|(place, _)| *place);
    Ok(places.into_iter().map(|(_, event)| event).collect())
}

/// SplitMix64: small, seeded, good enough to choose places.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn chance(&mut self, share: f64) -> bool {
        (self.next() as f64) < share * u64::MAX as f64
    }

    fn places(&mut self) -> usize {
        usize::try_from(1 + self.next() % PLACES_MAX).expect("a handful of places fits any usize")
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Recipe};
    use crate::client::Target;

    fn prepare(duplicates: f64, reorder: f64, seed: u64) -> Plan {
        let target = Target::parse("http://127.0.0.1:1/hook").unwrap();
        let secret = "whsec_test";
        let recipe = Recipe { target: &target, secret, events: 1000, duplicates, reorder, seed };
        Plan::prepare(&recipe).unwrap()
    }

    #[test]
    fn an_undisturbed_plan_sends_each_event_once_and_in_turn() {
        let plan = prepare(0.0, 0.0, 1);
        assert_eq!(plan.order, (0..1000).collect::<Vec<u32>>());
    }

    #[test]
    fn a_disturbed_plan_still_sends_every_event() {
        let plan = prepare(0.1, 0.1, 2);
        let mut sent = plan.order.clone();
        assert!(!sent.is_sorted(), "some events are displaced");
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent.len(), 1000);
        let repeated = plan.order.len() - sent.len();
        assert!((50..150).contains(&repeated), "about a tenth is repeated, not {repeated}");
    }

    #[test]
    fn the_same_seed_makes_the_same_plan() {
        assert_eq!(prepare(0.1, 0.1, 3).order, prepare(0.1, 0.1, 3).order);
        assert_ne!(prepare(0.1, 0.1, 3).order, prepare(0.1, 0.1, 4).order);
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let plan = prepare(0.0, 0.0, 1);
        let text = String::from_utf8(plan.requests[0].clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"));
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
    }
}
