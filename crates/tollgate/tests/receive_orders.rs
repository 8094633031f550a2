//! The whole way through the database, on both: shuffled, duplicated, from many tasks and nodes
//! at once, a history ends as the pure rules say, each event is applied once and each fact staged
//! once; and deriving everything anew gives the same rows.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use databases::{Fresh, on_both_databases};
use futures_util::future::join_all;
use history::chance::Chance;
use history::world::History;
use history::{DAY, Piece, START, cast, objects, rulebook, told};
use serde_json::{Value, json};
use tollgate::answer;
use tollgate::clock::Clock;
use tollgate::receive::{self, Input, Outcome, Purpose, Receiver, SubmitError, Writers};
use tollgate::reconcile::rebuild;
use tollgate::rules::access::Reason;
use tollgate::rules::effects::{Effect, EffectKind};
use tollgate::rules::policy::Rulebook;
use tollgate::store::access::StoredAccess;
use tollgate::store::object::StoredObject;
use tollgate::store::{self, Db};
use tollgate::webhook;
use tollgate_sandbox::story::ApiVersionShape;

/// More than any test here stores.
const ALL: i64 = 10_000;
/// After every story.
const NOW: i64 = START + 100 * DAY;

/// The stories of which a sample goes through the database, with the API version of each.
const SAMPLE: [(&str, ApiVersionShape); 12] = [
    ("subscribe_api", ApiVersionShape::Endive),
    ("subscribe_checkout", ApiVersionShape::V2020_08_27),
    ("upgrade", ApiVersionShape::Basil),
    ("renewal_fails_recovers", ApiVersionShape::Clover),
    ("renewal_fails_canceled", ApiVersionShape::Endive),
    ("cancel_uncancel", ApiVersionShape::V2024_06_20),
    ("two_subscriptions", ApiVersionShape::Endive),
    ("refund_full", ApiVersionShape::Endive),
    ("refund_full", ApiVersionShape::V2024_06_20),
    ("dispute_lost", ApiVersionShape::Clover),
    ("guest_purchase", ApiVersionShape::Endive),
    ("customer_deleted", ApiVersionShape::Basil),
];

/// All that a database holds but its events and revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rows {
    objects: Vec<StoredObject>,
    access: Vec<StoredAccess>,
}

async fn rows(db: &Db) -> Rows {
    let mut objects = store::object::page(db, "", ALL).await.unwrap();
    let mut access = store::access::page(db, "", ALL).await.unwrap();
    objects.iter_mut().for_each(|it| it.version = 0);
    access.iter_mut().for_each(|it| (it.revision, it.changed_at) = (0, 0));
    objects.sort_by(|a, b| a.id.cmp(&b.id));
    Rows { objects, access }
}

/// The staged facts that events tell; how often Stripe is asked and how often access changed on the
/// way to the end depends on the way, and links have a test of their own.
async fn facts(db: &Db) -> BTreeSet<Effect> {
    let staged = store::outbox::page(db, "", ALL).await.unwrap();
    let facts = staged.into_iter().map(|it| it.effect);
    facts.filter(|it| !is_of_the_way(it.kind)).collect()
}

fn is_of_the_way(kind: EffectKind) -> bool {
    let link = kind == EffectKind::CustomerLinked;
    // That two went on at once may only have looked so; see `Known::still_doubled`.
    let double = kind == EffectKind::DoubleSubscription;
    link || double || kind == EffectKind::Refresh || kind.is_of_access()
}

fn clock() -> Clock {
    Clock::manual(NOW * 1000)
}

fn open(db: &Db, rulebook: &Rulebook) -> (Receiver, Writers) {
    receive::open(db, &Arc::new(rulebook.clone()), &clock())
}

/// Hands an input in; waits while too much is waiting, as Stripe does.
async fn submit(receiver: &Receiver, input: Input) -> Outcome {
    loop {
        match receiver.submit(input.clone()).await {
            Ok(outcome) => return outcome,
            Err(SubmitError::Overloaded) => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Delivers the pieces in this order from several tasks to several nodes; returns the outcomes.
async fn deliver(
    fresh: &Fresh,
    rulebook: &Rulebook,
    nodes: usize,
    pieces: &[Piece],
    order: &[usize],
) -> Vec<(String, Outcome)> {
    let mut doors = Vec::new();
    for _ in 0..nodes {
        doors.push(open(&fresh.node().await, rulebook));
    }
    let deliveries = order.iter().enumerate().map(|(i, index)| {
        let (receiver, piece) = (doors[i % nodes].0.clone(), pieces[*index].clone());
        tokio::spawn(
            async move { (piece.id().to_owned(), submit(&receiver, piece.delivery()).await) },
        )
    });
    let outcomes = join_all(deliveries.collect::<Vec<_>>()).await;
    for (receiver, writers) in doors {
        drop(receiver);
        writers.finish().await;
    }
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// Exactly one delivery of each event was not a duplicate.
fn check_once(outcomes: &[(String, Outcome)], name: &str) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, outcome) in outcomes {
        assert!(!matches!(outcome, Outcome::Failed(_)), "{name}: {id} {outcome:?}");
        *first.entry(id).or_default() += usize::from(*outcome != Outcome::Duplicate);
    }
    assert!(first.values().all(|it| *it == 1), "{name}: {first:?}");
}

/// Several stories told at once, each of a customer of its own.
struct Told {
    name: String,
    user: String,
    history: History,
}

/// Returns the stories of the sample and the rulebook that knows all their prices.
fn sample() -> (Vec<Told>, Rulebook) {
    let mut all = Vec::new();
    let mut book: Option<Rulebook> = None;
    for (seed, (story, version)) in (1..).zip(SAMPLE) {
        let cast = cast(seed, version);
        let own = rulebook(&cast);
        match &mut book {
            None => book = Some(own),
            Some(book) => {
                for (plan, own) in book.plans.iter_mut().zip(own.plans) {
                    plan.prices.extend(own.prices.into_values().map(|it| (it.clone(), it)));
                }
            }
        }
        all.push(Told {
            name: format!("{story} {version:?}"),
            user: cast.user.clone().expect("the cast has a user"),
            history: History::new(told(story, &cast)),
        });
    }
    (all, book.expect("there are stories"))
}

/// The rows say what the pure rules say of the same events.
fn check_rows(rows: &Rows, stories: &[Told], rulebook: &Rulebook) {
    let found: BTreeMap<&str, _> =
        rows.objects.iter().map(|it| (it.id.as_str(), &it.standing)).collect();
    let mut count = 0;
    for told in stories {
        let truth = told.history.in_order();
        for (id, standing) in &truth.standings {
            assert_eq!(found[id.as_str()], &**standing, "{}", told.name);
        }
        count += truth.standings.len();
        let access = rows.access.iter().find(|it| it.user_id == told.user);
        let access = access.unwrap_or_else(|| panic!("{}: no row", told.name));
        assert_eq!(access.access, truth.access(rulebook, NOW), "{}", told.name);
    }
    assert_eq!(rows.objects.len(), count);
    assert_eq!(rows.access.len(), stories.len());
}

on_both_databases! {
    stories_end_as_the_rules_say_in_any_order;
    a_rebuild_gives_the_same_rows;
    copies_of_one_event_apply_once_on_one_node;
    copies_of_one_event_apply_once_on_four_nodes;
    a_whole_batch_of_copies_applies_once;
    nobody_is_missed_when_the_user_is_named_meanwhile;
}

/// Promise 2 and 3 through the real transaction: several nodes, many tasks, batches by chance.
async fn stories_end_as_the_rules_say_in_any_order(fresh: Fresh) {
    let (stories, rulebook) = sample();
    let pieces: Vec<Piece> =
        stories.iter().flat_map(|it| it.history.pieces.iter().cloned()).collect();
    let facts_told: BTreeSet<Effect> = stories.iter().flat_map(|it| it.history.effects()).collect();
    let mut first: Option<Rows> = None;
    for seed in [1, 2, 3] {
        let fresh = fresh.another().await;
        let order = Chance::new(seed).deliveries(pieces.len());
        let outcomes = deliver(&fresh, &rulebook, 4, &pieces, &order).await;
        check_once(&outcomes, &format!("seed {seed}"));
        let rows = rows(&fresh.db).await;
        check_rows(&rows, &stories, &rulebook);
        assert_eq!(facts(&fresh.db).await, facts_told, "seed {seed}");
        let first = first.get_or_insert_with(|| rows.clone());
        assert_eq!(&rows, first, "seed {seed}");
        fresh.gone().await;
    }
}

/// Promise 8: the rows are a function of the stored events.
async fn a_rebuild_gives_the_same_rows(fresh: Fresh) {
    let (stories, rulebook) = sample();
    let pieces: Vec<Piece> =
        stories.iter().flat_map(|it| it.history.pieces.iter().cloned()).collect();
    let order = Chance::new(9).deliveries(pieces.len());
    deliver(&fresh, &rulebook, 2, &pieces, &order).await;

    let scratch = Fresh::scratch().await;
    for events in store::event::page(&fresh.db, "", ALL).await.unwrap().chunks(64) {
        let inputs = events.iter().map(|it| {
            let incoming = webhook::read(&it.body).expect("it was read before");
            Input::event(incoming, &it.body, Purpose::Rebuild)
        });
        let inputs: Vec<Input> = inputs.collect();
        receive::apply(&scratch.db, &rulebook, &inputs, NOW * 1000).await.unwrap();
    }
    assert_eq!(rows(&scratch.db).await, rows(&fresh.db).await);
    assert_eq!(facts(&scratch.db).await, BTreeSet::new(), "nobody has to hear of a rebuild");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scratch.db");
    let report = rebuild::run(&fresh.db, &rulebook, &path, NOW * 1000, None, |_| {}).await.unwrap();
    assert_eq!(report.drift, []);
    assert_eq!(usize::try_from(report.events).unwrap(), pieces.len());
}

async fn copies_of_one_event_apply_once_on_one_node(fresh: Fresh) {
    copies_apply_once(fresh, 1).await;
}

async fn copies_of_one_event_apply_once_on_four_nodes(fresh: Fresh) {
    copies_apply_once(fresh, 4).await;
}

async fn copies_apply_once(fresh: Fresh, nodes: usize) {
    const COPIES: usize = 200;
    let cast = cast(1, ApiVersionShape::Endive);
    let pieces = told("subscribe_checkout", &cast);
    let paid = pieces.iter().position(|it| it.incoming.event_type == "invoice.paid").unwrap();
    let outcomes = deliver(&fresh, &rulebook(&cast), nodes, &pieces, &[paid; COPIES]).await;
    let applied = outcomes.iter().filter(|it| it.1 == Outcome::Applied).count();
    let duplicates = outcomes.iter().filter(|it| it.1 == Outcome::Duplicate).count();
    assert_eq!((applied, duplicates), (1, COPIES - 1));
    let staged = store::outbox::page(&fresh.db, "", ALL).await.unwrap();
    assert_eq!(staged.len(), 1, "{staged:?}");
    let (event, body) = store::event::show(&fresh.db, pieces[paid].id()).await.unwrap().unwrap();
    assert_eq!((event.status.as_str(), event.attempts), ("applied", 0));
    assert!(event.seen >= 2, "deliveries are counted");
    assert_eq!(body, pieces[paid].body.as_bytes(), "byte for byte");
}

/// The copies meet in one transaction.
async fn a_whole_batch_of_copies_applies_once(fresh: Fresh) {
    let cast = cast(1, ApiVersionShape::Endive);
    let piece = told("subscribe_checkout", &cast).pop().unwrap();
    let inputs: Vec<Input> = (0..receive::BATCH_MAX).map(|_| piece.delivery()).collect();
    let done = receive::apply(&fresh.db, &rulebook(&cast), &inputs, NOW * 1000).await.unwrap();
    assert_eq!(done.outcomes[0], Outcome::Applied);
    assert!(done.outcomes[1..].iter().all(|it| *it == Outcome::Duplicate));
}

/// The refund names no customer, the customer names the user, and both transactions run at once:
/// whichever comes last has to derive access from what both of them say.
async fn nobody_is_missed_when_the_user_is_named_meanwhile(fresh: Fresh) {
    let nameless = |object: &Value| objects::with(object, &json!({ "metadata": {} }));
    let paid = [
        ("customer.subscription.created", nameless(&objects::subscription("sub_1", "active"))),
        ("invoice.paid", objects::invoice("in_1", "paid", START)),
        ("charge.succeeded", objects::charge("1", START)),
    ];
    let (book, now_ms) = (objects::rulebook(), NOW * 1000);
    for (number, (kind, object)) in paid.iter().enumerate() {
        let piece = objects::event(&format!("evt_{number}"), kind, START, object);
        receive::apply(&fresh.db, &book, &[piece.delivery()], now_ms).await.unwrap();
    }
    let named = objects::event("evt_named", "customer.created", START, &objects::customer());
    let refund = objects::refund("re_1", "1", 2900);
    let refund = objects::event("evt_refund", "refund.created", START + DAY, &refund).delivery();

    let mut first = fresh.db.begin().await.unwrap();
    receive::apply_in(&mut first, &book, &[named.delivery()], now_ms).await.unwrap();
    let (node, other_book) = (fresh.node().await, book.clone());
    let second =
        tokio::spawn(async move { receive::apply(&node, &other_book, &[refund], now_ms).await });
    fresh.until_somebody_waits().await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    let found = answer::access(&fresh.db, &book, objects::USER, NOW).await.unwrap();
    assert_eq!(found.access.reason, Reason::FullRefund);
}
