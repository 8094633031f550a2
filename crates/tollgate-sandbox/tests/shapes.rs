//! Every object of every story has the exact shape of 2026-10-28.endive.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

mod schema;

use std::collections::BTreeSet;

use schema::Schemas;
use serde_json::{Value, json};
use tollgate_sandbox::story::{Cast, STORIES, StoryEvent, mix, story};

const START: i64 = 1_790_000_000;

fn faults(schemas: &Schemas, event: &StoryEvent) -> Vec<String> {
    let body: Value = serde_json::from_str(&event.body).unwrap();
    let mut object = body["data"]["object"].clone();
    if event.kind == "invoice.upcoming" {
        assert!(object.get("id").is_none(), "an invoice to come has no id");
        object["id"] = json!("in_upcoming");
    }
    let name = object["object"].as_str().unwrap().to_owned();
    let mut faults = schemas.faults(&name, &object);
    faults.iter_mut().for_each(|fault| fault.insert_str(0, &format!("{}: ", event.kind)));
    faults
}

#[test]
fn every_object_of_every_story_is_valid() {
    let schemas = Schemas::load();
    let mut all = BTreeSet::new();
    for seed in 0..12 {
        for info in STORIES.iter().filter(|info| info.name != "thin") {
            let mut cast = Cast::new(seed, START);
            cast.livemode = seed % 2 == 1;
            if seed % 3 == 0 {
                cast.user = None;
                cast.plan = None;
                cast.lookup_key = None;
            }
            let events = story(info.name, &cast).unwrap();
            all.extend(events.iter().flat_map(|event| faults(&schemas, event)));
        }
    }
    assert!(
        all.is_empty(),
        "{} faults:\n{:#?}",
        all.len(),
        all.iter().take(60).collect::<Vec<_>>()
    );
}

#[test]
fn every_object_of_mixed_traffic_is_valid() {
    let schemas = Schemas::load();
    for event in mix(5, 3_000, START) {
        let faults = faults(&schemas, &event);
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

/// The validator itself can fail, in each of the ways that matter.
#[test]
fn a_spoilt_object_is_refused() {
    let schemas = Schemas::load();
    let events = story("subscribe_checkout", &Cast::new(1, START)).unwrap();
    let event = events.iter().find(|event| event.kind == "customer.subscription.created").unwrap();
    let body: Value = serde_json::from_str(&event.body).unwrap();
    let good = &body["data"]["object"];
    assert_eq!(schemas.faults("subscription", good), Vec::<String>::new());
    let spoils: [fn(&mut Value); 5] = [
        |object| object["current_period_end"] = json!(1),
        |object| object["status"] = json!("fine"),
        |object| object["created"] = json!(null),
        |object| object["items"]["data"][0]["price"]["product"] = json!(7),
        |object| object.as_object_mut().unwrap().retain(|key, _| key != "latest_invoice"),
    ];
    for spoil in spoils {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(schemas.faults("subscription", &bad).len(), 1);
    }
}
