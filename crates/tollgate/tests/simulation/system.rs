//! Tollgate under the market's deliveries: it checks signatures, is cut off in the middle, and
//! opens the same database again.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;
use tollgate::answer;
use tollgate::billing::Billing;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::deliver::Worker;
use tollgate::deliver::destinations::{self, STRIPE};
use tollgate::receive::{self, Input, Outcome, Purpose, Receiver, Writers, retry};
use tollgate::rules::effects::EffectKind;
use tollgate::rules::policy::{Policy, Rule, Rulebook};
use tollgate::rules::routes::Routes;
use tollgate::store::{Db, delivery};
use tollgate::stripe_api::Patience;
use tollgate::webhook;
use tollgate_sandbox::Post;
use tollgate_stripe::signature;

use super::counter::Counter;
use super::market::{Market, PLANS, Payload};
use super::oracle::Access;
use crate::databases::Fresh;
use crate::history::chance::Chance;
use crate::history::plan;

/// Deliveries taken at once.
const TAKEN: usize = 100;
/// So long deliveries are tried again before what is left counts as lost.
const ROUNDS: usize = 20;

/// One node.
pub struct System {
    db: Db,
    rulebook: Rulebook,
    clock: Clock,
    door: Option<(Receiver, Writers)>,
    /// Asks the market for what thin events name.
    worker: Option<Worker>,
    counter: Counter,
}

impl System {
    pub async fn open(fresh: &Fresh, market: &Market) -> Self {
        let clock = Clock::manual(market.world.now() * 1000);
        let counter = Counter::open().await;
        let (db, rulebook) = (fresh.node().await, rulebook(market));
        let mut system = Self { db, rulebook, clock, door: None, worker: None, counter };
        system.start();
        system
    }

    fn start(&mut self) {
        let door = receive::open(&self.db, &Arc::new(self.rulebook.clone()), &self.clock);
        self.worker = Some(worker(&self.counter, &self.db, &door.0, &self.clock));
        self.door = Some(door);
    }

    /// Asks the market for what is due to be asked.
    pub async fn ask(&mut self, market: &mut Market) {
        self.catch_up(market);
        let worker = self.worker.as_mut().expect("it is open");
        let work = async { while worker.step().await.expect("the database is there") > 0 {} };
        self.counter.serve(&mut market.world, work).await;
    }

    /// Takes what is due and answers as the webhook route does; some answers are lost on the way.
    /// What thin events name is asked for now, or later.
    pub async fn receive(&mut self, market: &mut Market, chance: &mut Chance) {
        self.catch_up(market);
        for _ in 0..ROUNDS {
            let posts = market.world.take_due(TAKEN);
            if posts.is_empty() {
                break;
            }
            let statuses = join_all(posts.iter().map(|post| self.post(&market.secret, post))).await;
            for (post, status) in posts.iter().zip(statuses) {
                let heard = (chance.below(20) > 0).then_some(status);
                market.world.answered(post.id, heard);
            }
        }
        if market.payload == Payload::Thin && chance.below(3) > 0 {
            self.ask(market).await;
        }
    }

    async fn post(&self, secret: &str, post: &Post) -> u16 {
        let body = &post.body.as_bytes()[..post.cut_at.unwrap_or(post.body.len())];
        let header = post.headers.iter().find(|(name, _)| *name == "Stripe-Signature");
        let header = header.map(|(_, value)| value.as_str());
        let now = self.clock.now();
        if signature::verify(body, header, &[secret], now, signature::TOLERANCE_SECS).is_err() {
            return 400;
        }
        match self.submit(body).await {
            Outcome::Failed(why) => panic!("an event of the sandbox fails: {why}"),
            _ => 200,
        }
    }

    async fn submit(&self, body: &[u8]) -> Outcome {
        let incoming = webhook::read(body).expect("the sandbox sends events");
        let input = Input::event(incoming, body, Purpose::Delivery);
        let (receiver, _) = self.door.as_ref().expect("it is open");
        receiver.submit(input).await.expect("the database is there")
    }

    /// The process is gone, and comes back.
    pub async fn crash(&mut self) {
        self.worker = None;
        if let Some((receiver, writers)) = self.door.take() {
            drop(receiver);
            writers.finish().await;
        }
        self.start();
    }

    /// Fetches every event of the last 30 days, oldest first, as a gap fill does, until nothing is
    /// left to be asked.
    pub async fn fill_gaps(&mut self, market: &mut Market) {
        for _ in 0..ROUNDS {
            self.fill(market).await;
            if market.payload == Payload::Snapshot {
                return;
            }
            self.ask(market).await;
            let waiting = delivery::waiting(&self.db).await.expect("the database is there");
            if waiting.iter().all(|(_, status, _)| status != "pending") {
                assert_eq!(waiting, [], "nothing is given up");
                return;
            }
            market.world.advance(market.world.now() + 60);
        }
        panic!("it asks again and again");
    }

    async fn fill(&mut self, market: &mut Market) {
        self.catch_up(market);
        let events = match market.payload {
            Payload::Snapshot => market.world.kept_events(0),
            Payload::Thin => market.thin_events(),
        };
        let bodies: Vec<String> = events.iter().map(Value::to_string).collect();
        for batch in bodies.chunks(TAKEN) {
            let outcomes = join_all(batch.iter().map(|body| self.submit(body.as_bytes()))).await;
            let failed = outcomes.iter().find(|it| matches!(it, Outcome::Failed(_)));
            assert!(failed.is_none(), "{failed:?}");
        }
    }

    /// Returns what the app is told of every user.
    pub async fn access(&self, market: &Market) -> Access {
        let (receiver, _) = self.door.as_ref().expect("it is open");
        let now = self.clock.now();
        while retry::due_step(&self.db, receiver, now).await.expect("the database is there") > 0 {}
        let mut found = BTreeMap::new();
        for person in &market.people {
            let answer = answer::access(&self.db, &self.rulebook, &person.user, now).await;
            found.insert(person.user.clone(), answer.expect("the database is there").access.plan);
        }
        found
    }

    pub async fn end(mut self) {
        if let Some((receiver, writers)) = self.door.take() {
            drop(receiver);
            writers.finish().await;
        }
    }

    fn catch_up(&self, market: &Market) {
        let behind = market.world.now() - self.clock.now();
        self.clock.advance(std::time::Duration::from_secs(behind.max(0).unsigned_abs()));
    }
}

fn worker(counter: &Counter, db: &Db, receiver: &Receiver, clock: &Clock) -> Worker {
    let variables = [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_API_BASE", &counter.url)];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let dir = tempfile::tempdir().expect("a directory can be made");
    let config = Config::load(None, dir.path(), &variables.into()).expect("the settings are right");
    let patience = Patience { pace: NonZeroU32::new(100_000), ..Patience::default() };
    let billing = Billing::with(&config, patience, db, receiver, clock).expect("there is a key");
    let all = destinations::all(&config, Some(&Arc::new(billing)), None).expect("they work");
    let stripe = all.into_iter().find(|it| it.name == STRIPE).expect("it can be asked");
    Worker::new(stripe, db, clock)
}

/// Stripe's word counts: whoever is past due keeps what Stripe has not ended.
fn rulebook(market: &Market) -> Rulebook {
    let plans = PLANS.iter().zip(&market.prices);
    let plans = plans.map(|((name, _, rank), price)| plan(name, *rank, "monthly", price, &[]));
    let mut routes = Routes::default();
    if market.payload == Payload::Thin {
        routes.add(EffectKind::Refresh, STRIPE, false);
    }
    Rulebook {
        routes,
        plans: plans.collect(),
        policy: Policy { past_due: Rule::Keep, ..Policy::default() },
        ..Rulebook::default()
    }
}
