//! Trains the dictionary that stored events are compressed with, from the sandbox's stories in
//! all API versions, and tells how well it does on stories it has not seen:
//! `cargo run --release -p tollgate --example train_dictionary -- FILE`. A dictionary that was
//! released is never trained again under its name: old rows need it.

use tollgate_sandbox::story::{ApiVersionShape, Cast, STORIES, mix, story};

const DICTIONARY_BYTES: usize = 112 << 10;
const START: i64 = 1_760_000_000;
const LEVEL: i32 = 3;

#[expect(clippy::disallowed_methods, reason = "one argument needs no parser")]
fn main() {
    let file = std::env::args().nth(1).expect("usage: train_dictionary FILE");
    let samples: Vec<Vec<u8>> = all_versions().chain(traffic(1, 6_000)).collect();
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY_BYTES).expect("it trains");
    std::fs::write(&file, &dictionary).expect("the file can be written");
    let mut compressor =
        zstd::bulk::Compressor::with_dictionary(LEVEL, &dictionary).expect("it compresses");
    let (mut raw, mut packed) = (0, 0);
    for body in traffic(1_000_000, 5_000) {
        raw += body.len();
        packed += compressor.compress(&body).expect("it compresses").len();
    }
    println!(
        "{} bytes of dictionary; unseen events: {raw} bytes become {packed}",
        dictionary.len()
    );
}

/// Every story in every API version, told by a few casts.
fn all_versions() -> impl Iterator<Item = Vec<u8>> {
    let casts = (0..4).flat_map(|seed| {
        ApiVersionShape::ALL.iter().copied().map(move |version| {
            let mut cast = Cast::new(seed, START);
            cast.user = Some(format!("user_{seed}"));
            cast.api_version = version;
            cast
        })
    });
    casts.flat_map(|cast| {
        STORIES.iter().flat_map(move |it| story(it.name, &cast)).flatten().map(|it| it.body.into())
    })
}

fn traffic(seed: u64, count: usize) -> impl Iterator<Item = Vec<u8>> {
    mix(seed, count, START).map(|it| it.body.into_bytes())
}
