//! Makes the dictionary that stored events are compressed with, from the sandbox's stories, and
//! tells how well it does on stories it has not seen:
//! `cargo run --release -p tollgate --example train_dictionary -- FILE`. A dictionary that was
//! released is never made again under its name: old rows need it.
//!
//! It begins with what zstd finds worth repeating in the events of all API versions, and ends with
//! whole events of today's version, one of each type. An event is then its like with other ids and
//! amounts: one long match after the other, which is smaller and faster than many short ones.

use std::collections::BTreeMap;

use tollgate_sandbox::story::{ApiVersionShape, Cast, STORIES, StoryEvent, mix, story};

/// What is trained; the whole events come on top.
const TRAINED_BYTES: usize = 48 << 10;
const START: i64 = 1_760_000_000;
const LEVEL: i32 = 3;
const NEWEST: &[ApiVersionShape] = &[ApiVersionShape::Endive];

#[expect(clippy::disallowed_methods, reason = "one argument needs no parser")]
fn main() {
    let file = std::env::args().nth(1).expect("usage: train_dictionary FILE");
    let all = told(0..4, &ApiVersionShape::ALL).chain(mix(1, 6_000, START));
    let samples: Vec<String> = all.map(|it| it.body).collect();
    let mut dictionary = zstd::dict::from_samples(&samples, TRAINED_BYTES).expect("it trains");
    dictionary.extend(one_of_each_type().concat().bytes());
    std::fs::write(&file, &dictionary).expect("the file can be written");
    println!("{} bytes of dictionary", dictionary.len());
    measure("unseen traffic", &dictionary, mix(1_000_000, 5_000, START));
    for version in &ApiVersionShape::ALL {
        let unseen = told(1_000..1_004, std::slice::from_ref(version));
        measure(&format!("unseen stories, {version:?}"), &dictionary, unseen);
    }
}

/// The most frequent last, where they are the cheapest to point at.
fn one_of_each_type() -> Vec<String> {
    let mut counted: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for it in told(4..5, NEWEST).chain(mix(2, 20_000, START)) {
        let (count, body) = counted.entry(it.kind).or_default();
        (*count, *body) = (*count + 1, it.body);
    }
    let mut counted: Vec<_> = counted.into_values().collect();
    counted.sort();
    counted.into_iter().map(|(_, body)| body).collect()
}

/// Every story in these API versions, told by these casts.
fn told(
    seeds: std::ops::Range<u64>,
    versions: &[ApiVersionShape],
) -> impl Iterator<Item = StoryEvent> {
    let casts = seeds.flat_map(move |seed| {
        versions.iter().map(move |version| {
            let user = Some(format!("user_{seed}"));
            Cast { user, api_version: *version, ..Cast::new(seed, START) }
        })
    });
    casts.flat_map(|cast| STORIES.iter().flat_map(move |it| story(it.name, &cast)).flatten())
}

fn measure(what: &str, dictionary: &[u8], events: impl Iterator<Item = StoryEvent>) {
    let compressor = zstd::bulk::Compressor::with_dictionary(LEVEL, dictionary);
    let mut compressor = compressor.expect("it compresses");
    let (mut count, mut raw, mut packed) = (0, 0, 0);
    for it in events {
        count += 1;
        raw += it.body.len();
        packed += compressor.compress(it.body.as_bytes()).expect("it compresses").len();
    }
    println!("{what}: {} bytes an event become {}", raw / count, packed / count);
}
