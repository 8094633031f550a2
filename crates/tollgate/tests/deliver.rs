//! What is planned is told: once where all goes well, again where it does not, in the order of a
//! customer's facts, and not at all where it is no longer true. Workers are stepped by hand and
//! the clock stands still.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod strangers;

use std::sync::Arc;
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use history::START;
use history::objects::{self, USER, event, subscription, updated, with};
use serde_json::{Value, json};
use strangers::{Act, Stranger, answer, endpoint};
use tollgate::clock::Clock;
use tollgate::deliver::destinations::Destination;
use tollgate::deliver::messenger::Messenger;
use tollgate::deliver::{Terms, Worker, endpoint};
use tollgate::receive;
use tollgate::rules::effects::EffectKind;
use tollgate::rules::policy::Rulebook;
use tollgate::rules::routes::Routes;
use tollgate::store::Db;
use tollgate::store::delivery::{Delivery, newest};

on_both_databases! {
    a_fact_is_told_once_with_the_access_after_it_and_its_cause;
    one_customers_facts_arrive_in_their_order;
    what_is_no_longer_true_is_not_told;
    access_that_time_has_ended_is_told_as_whoever_asks_is_answered;
    two_subscriptions_at_once_are_told_if_they_ever_were;
    what_fails_is_told_again_under_the_same_id;
    after_a_long_outage_all_is_told_within_little_more_than_an_hour;
    a_destination_that_fails_is_left_alone_and_costs_no_attempts;
    what_the_receiver_never_wants_is_given_up_at_once;
    a_claim_that_was_never_settled_is_told_again_under_the_same_id;
    a_fact_that_cannot_be_read_holds_up_nobody_else;
    what_could_not_be_read_for_a_moment_loses_no_attempt;
    two_workers_of_one_destination_tell_nothing_twice;
}

const TO: &str = "notify:app";

fn rulebook() -> Rulebook {
    let mut routes = Routes::default();
    for kind in EffectKind::all() {
        routes.add(kind, TO, true);
    }
    Rulebook { routes, ..objects::rulebook() }
}

fn clock() -> Clock {
    Clock::manual((START + 60) * 1000)
}

fn worker(db: &Db, clock: &Clock, address: &str) -> Worker {
    let url = format!("http://{address}/hook");
    let endpoint = endpoint(&url, "types = [\"*\"]\ntimeout = \"2s\"");
    let destination = Destination {
        name: TO.to_owned(),
        messenger: Messenger::Notify(endpoint::Sender::new(&endpoint)),
        terms: Terms { concurrency: 4, timeout: endpoint.timeout },
    };
    Worker::new(destination, db, clock).counting_by(&Arc::new(rulebook()))
}

async fn kind_receiver() -> Stranger {
    Stranger::start(Act::Say(answer(200, "", ""))).await
}

async fn broken_receiver() -> Stranger {
    Stranger::start(Act::Say(answer(500, "", "broken"))).await
}

async fn take_in(db: &Db, pieces: &[history::Piece]) {
    for piece in pieces {
        receive::apply(db, &rulebook(), &[piece.delivery()], clock().now_ms()).await.unwrap();
    }
}

/// A subscription of user `number` that starts.
fn start(number: usize) -> history::Piece {
    let it = with(
        &subscription(&format!("sub_{number}"), "active"),
        &json!({
            "customer": format!("cus_{number}"),
            "metadata": { "user_id": format!("user_{number}") },
        }),
    );
    event(&format!("evt_{number}"), "customer.subscription.created", START, &it)
}

/// Works until there is nothing to do now.
async fn work(worker: &mut Worker) {
    for _ in 0..100 {
        if worker.step().await.unwrap() == 0 {
            return;
        }
    }
    panic!("it finds something to do again and again");
}

fn bodies(stranger: &Stranger) -> Vec<Value> {
    let heard = stranger.heard();
    let body = |it: &String| serde_json::from_str(it.split_once("\r\n\r\n")?.1).ok();
    heard.iter().map(|it| body(it).unwrap()).collect()
}

fn types(stranger: &Stranger) -> Vec<String> {
    bodies(stranger).iter().map(|it| it["type"].as_str().unwrap().to_owned()).collect()
}

async fn deliveries(db: &Db, status: &str) -> Vec<Delivery> {
    newest(db, status, TO, 1_000).await.unwrap()
}

async fn a_fact_is_told_once_with_the_access_after_it_and_its_cause(fresh: Fresh) {
    let app = kind_receiver().await;
    take_in(&fresh.db, &[start(1)]).await;
    let mut worker = worker(&fresh.db, &clock(), &app.address);
    work(&mut worker).await;
    take_in(&fresh.db, &[start(1)]).await;
    work(&mut worker).await;
    let all = bodies(&app);
    let granted: Vec<&Value> = all.iter().filter(|it| it["type"] == "access.granted").collect();
    assert_eq!(granted.len(), 1, "{:?}", types(&app));
    let content = &granted[0]["data"];
    assert_eq!(content["user_id"], USER);
    assert_eq!(content["access"]["granted"], true);
    assert_eq!(content["access"]["plan"], "pro");
    assert_eq!((&content["revision"], &content["cause"]), (&json!(1), &json!("evt_1")));
    assert_eq!(all.len(), deliveries(&fresh.db, "done").await.len());
    assert!(deliveries(&fresh.db, "pending").await.is_empty());
}

async fn one_customers_facts_arrive_in_their_order(fresh: Fresh) {
    let app = kind_receiver().await;
    let active = subscription("sub_1", "active");
    let on = json!({ "cancel_at_period_end": true });
    let off = json!({ "cancel_at_period_end": false });
    let ending = with(&active, &on);
    let pieces = [
        event("evt_1", "customer.subscription.created", START, &active),
        updated("evt_2", START + 1, &ending, &off),
        updated("evt_3", START + 2, &active, &on),
        updated("evt_4", START + 3, &ending, &off),
    ];
    // All of it is known before the first is told, so only what holds in the end is.
    take_in(&fresh.db, &pieces).await;
    work(&mut worker(&fresh.db, &clock(), &app.address)).await;
    let told: Vec<String> =
        types(&app).into_iter().filter(|it| it.starts_with("subscription.")).collect();
    let wanted = ["subscription.started", "subscription.cancellation_scheduled"];
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!([told[0].as_str(), told[2].as_str()], wanted, "{told:?}");
    assert_eq!(told[1], wanted[1], "it was scheduled for the same end twice");
}

async fn what_is_no_longer_true_is_not_told(fresh: Fresh) {
    let app = kind_receiver().await;
    let active = subscription("sub_1", "active");
    let gone = with(&active, &json!({ "status": "canceled", "ended_at": START + 5 }));
    take_in(
        &fresh.db,
        &[
            event("evt_1", "customer.subscription.created", START, &active),
            event("evt_2", "customer.subscription.deleted", START + 5, &gone),
        ],
    )
    .await;
    work(&mut worker(&fresh.db, &clock(), &app.address)).await;
    let told = types(&app);
    assert!(
        !told.iter().any(|it| it == "access.granted" || it == "subscription.started"),
        "{told:?}"
    );
    assert!(told.iter().any(|it| it == "access.revoked"), "{told:?}");
    assert!(told.iter().any(|it| it == "subscription.ended"), "{told:?}");
    let skipped = deliveries(&fresh.db, "skipped").await;
    let why: Vec<&str> = skipped.iter().filter_map(|it| it.error.as_deref()).collect();
    assert!(why.contains(&"revoked since") && why.contains(&"ended since"), "{why:?}");
}

/// The change is still to be written, because the server was away at that moment.
async fn access_that_time_has_ended_is_told_as_whoever_asks_is_answered(fresh: Fresh) {
    let app = kind_receiver().await;
    let clock = clock();
    let ending = with(&subscription("sub_1", "active"), &json!({ "cancel_at": START + 600 }));
    take_in(&fresh.db, &[event("evt_1", "customer.subscription.created", START, &ending)]).await;
    clock.advance(Duration::from_secs(540));
    work(&mut worker(&fresh.db, &clock, &app.address)).await;
    let answer = tollgate::answer::access(&fresh.db, &rulebook(), USER, clock.now()).await.unwrap();
    assert!(!answer.access.granted, "{answer:?}");
    let told = bodies(&app);
    assert!(!told.iter().any(|it| it["type"] == "access.granted"), "{:?}", types(&app));
    let states: Vec<&Value> = told.iter().map(|it| &it["data"]["access"]["granted"]).collect();
    assert!(states.contains(&&json!(false)) && !states.contains(&&json!(true)), "{told:?}");
    let skipped = deliveries(&fresh.db, "skipped").await;
    assert!(skipped.iter().any(|it| it.error.as_deref() == Some("revoked since")), "{skipped:?}");
}

async fn two_subscriptions_at_once_are_told_if_they_ever_were(fresh: Fresh) {
    let app = kind_receiver().await;
    let first = subscription("sub_1", "active");
    let second = with(&subscription("sub_2", "active"), &json!({ "created": START + 100 }));
    let both = [
        event("evt_1", "customer.subscription.created", START, &first),
        event("evt_2", "customer.subscription.created", START + 100, &second),
    ];
    take_in(&fresh.db, &both).await;
    let doubled = |app: &Stranger| types(app).iter().any(|it| it == "subscription.doubled");
    let other = fresh.another().await;
    take_in(&other.db, &both).await;
    work(&mut worker(&other.db, &clock(), &app.address)).await;
    assert!(doubled(&app), "{:?}", types(&app));
    other.gone().await;

    // The first had ended before the second began; that event came last.
    let late = kind_receiver().await;
    let ended = with(&first, &json!({ "status": "canceled", "ended_at": START + 50 }));
    take_in(&fresh.db, &[event("evt_3", "customer.subscription.deleted", START + 50, &ended)])
        .await;
    work(&mut worker(&fresh.db, &clock(), &late.address)).await;
    assert!(!doubled(&late), "{:?}", types(&late));
    let skipped = deliveries(&fresh.db, "skipped").await;
    let why: Vec<&str> = skipped.iter().filter_map(|it| it.error.as_deref()).collect();
    assert!(why.contains(&"only one of them goes on"), "{why:?}");
}

async fn what_fails_is_told_again_under_the_same_id(fresh: Fresh) {
    let (broken, kind) = (broken_receiver().await, kind_receiver().await);
    let clock = clock();
    take_in(&fresh.db, &[start(1)]).await;
    let mut first = worker(&fresh.db, &clock, &broken.address);
    work(&mut first).await;
    let waiting = deliveries(&fresh.db, "pending").await;
    let tried = waiting.iter().find(|it| it.attempts == 1).unwrap();
    assert!(tried.error.as_deref().unwrap().contains("500"), "{tried:?}");
    assert!(tried.due_ms > clock.now_ms());
    // Nothing more happens until it is due.
    work(&mut first).await;
    assert_eq!(broken.heard().len(), 1, "the next of this customer waits for it");
    clock.advance(Duration::from_secs(10));
    work(&mut worker(&fresh.db, &clock, &kind.address)).await;
    assert_eq!(bodies(&kind)[0]["id"], bodies(&broken)[0]["id"]);
    assert!(deliveries(&fresh.db, "pending").await.is_empty());
}

async fn after_a_long_outage_all_is_told_within_little_more_than_an_hour(fresh: Fresh) {
    let (broken, kind) = (broken_receiver().await, kind_receiver().await);
    let clock = clock();
    take_in(&fresh.db, &[start(1)]).await;
    let mut before = worker(&fresh.db, &clock, &broken.address);
    for _ in 0..62 {
        work(&mut before).await;
        clock.advance(Duration::from_secs(3_600));
    }
    assert!(deliveries(&fresh.db, "dead").await.is_empty());
    clock.advance(Duration::from_secs(4_000));
    work(&mut worker(&fresh.db, &clock, &kind.address)).await;
    assert!(types(&kind).iter().any(|it| it == "access.granted"), "{:?}", types(&kind));
    assert!(deliveries(&fresh.db, "pending").await.is_empty());
}

async fn a_destination_that_fails_is_left_alone_and_costs_no_attempts(fresh: Fresh) {
    let broken = broken_receiver().await;
    let clock = clock();
    take_in(&fresh.db, &(0..60).map(start).collect::<Vec<_>>()).await;
    let mut worker = worker(&fresh.db, &clock, &broken.address);
    for _ in 0..50 {
        worker.step().await.unwrap();
    }
    let heard = broken.heard().len();
    assert!(heard <= 16, "{heard} were sent although all fail");
    let untried = deliveries(&fresh.db, "pending").await;
    assert!(untried.iter().filter(|it| it.attempts == 0).count() >= 60);
    // Later a single one finds out whether it is back.
    clock.advance(Duration::from_secs(120));
    worker.step().await.unwrap();
    worker.step().await.unwrap();
    assert_eq!(broken.heard().len(), heard + 1);
}

async fn what_the_receiver_never_wants_is_given_up_at_once(fresh: Fresh) {
    let gone = Stranger::start(Act::Say(answer(410, "", ""))).await;
    take_in(&fresh.db, &[start(1)]).await;
    work(&mut worker(&fresh.db, &clock(), &gone.address)).await;
    let dead = deliveries(&fresh.db, "dead").await;
    assert!(!dead.is_empty() && dead.iter().all(|it| it.attempts == 1), "{dead:?}");
    assert!(deliveries(&fresh.db, "pending").await.is_empty());
}

async fn a_claim_that_was_never_settled_is_told_again_under_the_same_id(fresh: Fresh) {
    let app = kind_receiver().await;
    let clock = clock();
    take_in(&fresh.db, &[start(1)]).await;
    // A node claims and ends.
    let (now, until) = (clock.now_ms(), clock.now_ms() + 20_000);
    let lost = tollgate::store::delivery::claim(&fresh.db, TO, now, until, 10).await.unwrap();
    assert_eq!(lost.len(), 1);
    let mut other = worker(&fresh.db, &clock, &app.address);
    work(&mut other).await;
    assert!(app.heard().is_empty(), "the lease holds, and what follows waits");
    clock.advance(Duration::from_secs(20));
    work(&mut other).await;
    let again = deliveries(&fresh.db, "done").await;
    let again = again.iter().find(|it| it.effect_id == lost[0].effect_id).unwrap();
    assert_eq!(again.attempts, 2);
    let id = tollgate::notify::id_of(&lost[0].effect_id);
    assert_eq!(bodies(&app).iter().filter(|it| it["id"] == *id).count(), 1);
}

async fn a_fact_that_cannot_be_read_holds_up_nobody_else(fresh: Fresh) {
    let app = kind_receiver().await;
    let clock = clock();
    take_in(&fresh.db, &[start(1), start(2), start(3)]).await;
    fresh.meddle("update outbox set kind = 'from_the_future' where event_id = 'evt_2'").await;
    let mut worker = worker(&fresh.db, &clock, &app.address);
    work(&mut worker).await;
    let done = deliveries(&fresh.db, "done").await;
    assert!(done.len() >= 4 && done.iter().all(|it| it.attempts == 1), "{done:?}");
    let waiting = deliveries(&fresh.db, "pending").await;
    assert!(waiting.iter().all(|it| it.event_id.as_deref() == Some("evt_2")), "{waiting:?}");
    let unread: Vec<&Delivery> = waiting.iter().filter(|it| it.attempts > 0).collect();
    assert_eq!(unread.len(), 1, "{waiting:?}");
    assert!(unread[0].error.as_deref().unwrap().contains("from_the_future"), "{unread:?}");
    // It is tried again like all that fails, be it by a node that can read it.
    assert!((clock.now_ms()..clock.now_ms() + 10_000).contains(&unread[0].due_ms), "{unread:?}");
}

async fn what_could_not_be_read_for_a_moment_loses_no_attempt(fresh: Fresh) {
    let app = kind_receiver().await;
    take_in(&fresh.db, &[start(1)]).await;
    let mut worker = worker(&fresh.db, &clock(), &app.address);
    fresh.meddle("alter table outbox rename to elsewhere").await;
    worker.step().await.unwrap_err();
    fresh.meddle("alter table elsewhere rename to outbox").await;
    assert!(deliveries(&fresh.db, "pending").await.iter().all(|it| it.attempts == 0));
    work(&mut worker).await;
    let done = deliveries(&fresh.db, "done").await;
    assert!(!done.is_empty() && done.iter().all(|it| it.attempts == 1), "{done:?}");
}

async fn two_workers_of_one_destination_tell_nothing_twice(fresh: Fresh) {
    let app = kind_receiver().await;
    let clock = clock();
    take_in(&fresh.db, &(0..40).map(start).collect::<Vec<_>>()).await;
    let (one, other) = (fresh.node().await, fresh.node().await);
    let mut one = worker(&one, &clock, &app.address);
    let mut other = worker(&other, &clock, &app.address);
    tokio::join!(work(&mut one), work(&mut other));
    work(&mut one).await;
    let mut ids: Vec<String> =
        bodies(&app).iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), all), (all, deliveries(&fresh.db, "done").await.len()));
    assert!(all >= 80, "{all}");
}
