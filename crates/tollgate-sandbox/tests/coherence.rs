//! What the events of one story say fits together, in every API version.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollgate_sandbox::story::{
    ApiVersionShape, Cast, EVENT_TYPES, STORIES, StoryEvent, for_event, mix, story, story_until,
};

const START: i64 = 1_790_000_000;

fn parse(event: &StoryEvent) -> Value {
    serde_json::from_str(&event.body).unwrap()
}

/// Every story in every version, for a few seeds; thin ones have a test of their own.
fn every_story() -> Vec<(String, Cast, Vec<StoryEvent>)> {
    let mut all = Vec::new();
    for version in ApiVersionShape::ALL {
        for seed in [1, 2, 77] {
            for info in STORIES.iter().filter(|info| info.name != "thin") {
                let cast = Cast { api_version: version, ..Cast::new(seed, START) };
                let events = story(info.name, &cast).unwrap();
                all.push((format!("{} {seed} {version:?}", info.name), cast, events));
            }
        }
    }
    all
}

#[test]
fn the_envelope_says_what_the_event_says() {
    for (name, cast, events) in every_story() {
        let mut ids = BTreeSet::new();
        for event in &events {
            let body = parse(event);
            assert_eq!(body["id"], event.id.as_str(), "{name}");
            assert_eq!(body["type"], event.kind.as_str(), "{name}");
            assert_eq!(body["created"], event.created, "{name}");
            assert_eq!(body["api_version"], cast.api_version.as_str(), "{name}");
            assert!(ids.insert(&event.id), "{name}: {} twice", event.id);
        }
        assert!(events.is_sorted_by_key(|event| event.created), "{name}");
        assert!(events[0].created >= cast.start, "{name}");
    }
}

/// A body is printed as Stripe prints it, which is what a signature is computed over.
#[test]
fn bodies_are_printed_with_two_spaces() {
    for event in story("refund_full", &Cast::new(4, START)).unwrap() {
        let own: Vec<&str> = event.body.lines().collect();
        let printed = serde_json::to_string_pretty(&parse(&event)).unwrap();
        let mut theirs: Vec<&str> =
            printed.lines().map(|line| line.trim_end_matches(',')).collect();
        let mut ours: Vec<&str> = own.iter().map(|line| line.trim_end_matches(',')).collect();
        assert_eq!(ours[1].split('"').nth(1), Some("id"));
        // Only the order of the keys differs.
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    }
}

const REFERENCES: [&str; 11] = [
    "cus_", "sub_1", "in_1", "pi_3", "ch_3", "inpay_1", "cs_test_", "re_3", "dp_1", "di_1",
    "promo_1",
];

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => {
            let whole = !text.contains("_secret_");
            if whole && REFERENCES.iter().any(|prefix| text.starts_with(prefix)) {
                found.insert(text);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| references(field, found)),
        _ => {}
    }
}

/// Whatever an object names was, or will be, the object of an event of the same story.
#[test]
fn ids_refer_to_objects_of_the_same_story() {
    for (name, cast, events) in every_story() {
        let bodies: Vec<Value> = events.iter().map(parse).collect();
        let mut known: BTreeSet<&str> =
            bodies.iter().filter_map(|body| body["data"]["object"]["id"].as_str()).collect();
        if cast.api_version < ApiVersionShape::Basil {
            // Those versions have no events for the payments of invoices.
            assert!(events.iter().all(|event| !event.kind.starts_with("invoice_payment.")));
        }
        if name.starts_with("invoice_") {
            known.insert(&cast.customer);
        }
        for (event, body) in events.iter().zip(&bodies) {
            let mut found = BTreeSet::new();
            references(&body["data"], &mut found);
            for id in found {
                assert!(known.contains(id), "{name}: {} names {id}", event.kind);
            }
        }
    }
}

/// Puts `previous` over `object`, which gives what the object was before.
fn undo(object: &Value, previous: &Value) -> Value {
    match (object, previous) {
        (Value::Object(new), Value::Object(old)) => {
            let mut whole = new.clone();
            for (key, value) in old {
                let now = new.get(key).unwrap_or(&Value::Null);
                whole.insert(key.clone(), undo(now, value));
            }
            Value::Object(whole)
        }
        _ => previous.clone(),
    }
}

/// Leaves out what is null: a field that is new was "null before" and absent before.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, field)| !field.is_null())
                .map(|(key, field)| (key.clone(), without_nulls(field)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// The design orders events of one second by this, so it has to be exact.
#[test]
fn previous_attributes_lead_back_to_an_earlier_snapshot() {
    let mut checked = 0;
    for (name, _, events) in every_story() {
        let mut seen: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for event in &events {
            let body = parse(event);
            let object = &body["data"]["object"];
            let Some(id) = object["id"].as_str() else { continue };
            let earlier = seen.entry(id.to_owned()).or_default();
            if let Some(previous) = body["data"].get("previous_attributes") {
                assert!(!previous.as_object().unwrap().is_empty(), "{name}: {}", event.kind);
                let before = without_nulls(&undo(object, previous));
                assert!(earlier.contains(&before), "{name}: {} follows from nothing", event.kind);
                checked += 1;
            }
            if event.kind.ends_with(".updated") {
                assert!(body["data"].get("previous_attributes").is_some(), "{name} {}", event.kind);
            }
            earlier.push(without_nulls(object));
        }
    }
    assert!(checked > 500, "{checked}");
}

#[test]
fn every_event_type_is_in_its_story() {
    for kind in EVENT_TYPES {
        let cast = Cast::new(9, START);
        let events = for_event(kind, &cast).unwrap();
        assert!(events.iter().any(|event| event.kind == *kind), "{kind}");
        let thin = format!("v1.{kind}");
        let events = for_event(&thin, &cast).unwrap();
        assert!(events.iter().any(|event| event.kind == thin), "{thin}");
    }
    assert!(EVENT_TYPES.is_sorted());
    assert_eq!(for_event("customer.shouted", &Cast::new(9, START)), None);
    assert_eq!(story("nothing", &Cast::new(9, START)), None);
}

/// Whatever a story tells can also be asked for.
#[test]
fn every_type_that_is_told_is_known() {
    for (name, _, events) in every_story() {
        for event in events {
            assert!(EVENT_TYPES.contains(&event.kind.as_str()), "{name}: {}", event.kind);
        }
    }
}

#[test]
fn versions_before_basil_have_no_invoice_payments() {
    let old = Cast { api_version: ApiVersionShape::V2024_06_20, ..Cast::new(9, START) };
    assert_eq!(for_event("invoice_payment.paid", &old), None);
    assert!(for_event("invoice.paid", &old).is_some());
}

#[test]
fn the_same_seed_tells_the_same_bytes() {
    for info in STORIES {
        let cast = Cast::new(31, START);
        assert_eq!(story(info.name, &cast), story(info.name, &cast), "{}", info.name);
        let other = Cast::new(32, START);
        assert_ne!(story(info.name, &cast), story(info.name, &other), "{}", info.name);
    }
    let twice = [mix(3, 500, START), mix(3, 500, START)].map(Iterator::collect::<Vec<_>>);
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn stories_of_one_cast_have_one_customer_and_different_events() {
    let cast = Cast::new(31, START);
    let mut ids = BTreeSet::new();
    for info in STORIES {
        for event in story(info.name, &cast).unwrap() {
            assert!(ids.insert(event.id), "{}: {}", info.name, event.kind);
        }
    }
}

#[test]
fn a_story_can_end_at_a_given_moment() {
    for info in STORIES {
        for seed in 0..4 {
            let events = story_until(info.name, &Cast::new(seed, 0), START).unwrap();
            let last = events.last().unwrap().created;
            assert!(last <= START && last > START - 4 * 86_400, "{} {last}", info.name);
        }
    }
}

#[test]
fn bodies_have_the_size_of_stripes() {
    for (name, _, events) in every_story() {
        for event in events {
            // Coupons and payments of invoices are the small ones, prices of changed lines the big ones.
            let size = event.body.len();
            assert!((700..12_288).contains(&size), "{name}: {} has {size}", event.kind);
        }
    }
    let mut sizes: Vec<usize> = mix(11, 5_000, START).map(|event| event.body.len()).collect();
    sizes.sort_unstable();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    println!("mean {mean}, median {}, largest {}", sizes[2_500], sizes[4_999]);
    assert!((3_000..7_000).contains(&mean), "{mean}");
}

#[test]
fn mixed_customers_are_distinct_and_each_in_order() {
    let mut created: BTreeMap<String, i64> = BTreeMap::new();
    let mut switches = 0;
    let mut last = String::new();
    for event in mix(6, 4_000, START) {
        let body = parse(&event);
        let object = &body["data"]["object"];
        let customer = object["customer"].as_str().or(object["id"].as_str()).unwrap().to_owned();
        if let (true, Some(earlier)) = (customer.starts_with("cus_"), created.get(&customer)) {
            assert!(*earlier <= event.created, "{}", event.id);
        }
        switches += usize::from(customer != last);
        created.insert(customer.clone(), event.created);
        last = customer;
    }
    let customers = created.keys().filter(|id| id.starts_with("cus_")).count();
    assert!(customers > 150 && switches > 500, "{customers} customers, {switches} switches");
}
