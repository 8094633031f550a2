//! A whole market on the offline Stripe: customers subscribe, switch, fail, recover, cancel, get
//! refunds and dispute, while deliveries come twice, late, torn, wrongly signed or not at all and
//! Tollgate is cut off in the middle. In the end, after what was lost is fetched, every user's
//! access is what Stripe's own objects say; also where every event is thin and Stripe is asked for
//! what it names.
//!
//! `TOLLGATE_SIMULATION_SEEDS=FROM..TO` runs other seeds than the usual ones, for hours if need
//! be; a failing seed names the command that runs it again.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
mod simulation {
    pub mod counter;
    pub mod market;
    pub mod oracle;
    pub mod system;
}

use databases::{Fresh, on_both_databases};
use history::chance::Chance;
use simulation::market::{Market, Payload};
use simulation::oracle;
use simulation::system::System;

/// How many seeds every run takes.
const SQLITE_SEEDS: u64 = 200;
const POSTGRES_SEEDS: u64 = 20;
/// Where each event is a question as well.
const SQLITE_SEEDS_THIN: u64 = 8;
const POSTGRES_SEEDS_THIN: u64 = 2;
/// How many things happen in one world.
const STEPS: usize = 30;

fn seeds(most: u64) -> std::ops::Range<u64> {
    #[expect(clippy::disallowed_methods, reason = "seeds are given by hand to look for failures")]
    let Ok(text) = std::env::var("TOLLGATE_SIMULATION_SEEDS") else { return 0..most };
    let (from, to) = text.split_once("..").expect("seeds are FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}

async fn simulate(fresh: &Fresh, seed: u64, payload: Payload) {
    let mut chance = Chance::new(seed);
    let mut market = Market::open(seed, payload);
    let mut system = System::open(fresh, &market).await;
    for _ in 0..STEPS {
        market.step(&mut chance);
        system.receive(&mut market, &mut chance).await;
        if chance.below(6) == 0 {
            system.crash().await;
        }
    }
    system.fill_gaps(&mut market).await;
    let expected = oracle::access(&mut market);
    let found = system.access(&market).await;
    system.end().await;
    assert_eq!(
        found,
        expected,
        "seed {seed}, {payload:?}: run it again with TOLLGATE_SIMULATION_SEEDS={seed}..{} ./test tests -E \
         'test(access_ends_as_stripes_objects_say)'\n{}",
        seed + 1,
        market.told()
    );
}

async fn access_ends_as_stripes_objects_say(fresh: Fresh) {
    let most = if fresh.db.is_postgres() { POSTGRES_SEEDS } else { SQLITE_SEEDS };
    for seed in seeds(most) {
        let own = fresh.another().await;
        Box::pin(simulate(&own, seed, Payload::Snapshot)).await;
        own.gone().await;
    }
}

async fn access_ends_as_stripes_objects_say_by_thin_events(fresh: Fresh) {
    let most = if fresh.db.is_postgres() { POSTGRES_SEEDS_THIN } else { SQLITE_SEEDS_THIN };
    for seed in seeds(most) {
        let own = fresh.another().await;
        Box::pin(simulate(&own, seed, Payload::Thin)).await;
        own.gone().await;
    }
}

on_both_databases! {
    access_ends_as_stripes_objects_say;
    access_ends_as_stripes_objects_say_by_thin_events;
}
