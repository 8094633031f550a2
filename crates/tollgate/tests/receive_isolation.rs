//! One bad event harms no other, is kept with its error, is tried again with growing waits, and
//! is applied once it can be; what the database did not take is not acknowledged.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::sync::Arc;
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use futures_util::future::join_all;
use history::chance::Chance;
use history::objects::{self, USER, customer, event, neighbour, subscription, with};
use history::{Piece, START};
use serde_json::json;
use tollgate::answer;
use tollgate::clock::Clock;
use tollgate::receive::{self, Outcome, QUEUE_MAX, Receiver, SubmitError, retry};
use tollgate::store::event::{Status, Summary};
use tollgate::store::{self, Db, StoreError};

const NOW: i64 = START + 3_600;

/// A door whose clock the test moves.
fn open(db: &Db) -> (Receiver, Clock) {
    let clock = Clock::manual(NOW * 1000);
    // The writers end with the runtime of the test.
    let (receiver, _) = receive::open(db, &Arc::new(objects::rulebook()), &clock);
    (receiver, clock)
}

async fn stored(db: &Db, piece: &Piece) -> Summary {
    store::event::show(db, piece.id()).await.unwrap().expect("the event is kept").0
}

/// Makes `sub_1` something else than a subscription, so that no subscription fits there.
async fn occupy(receiver: &Receiver) {
    let refund = json!({ "id": "sub_1", "object": "refund" });
    let occupant = event("evt_0", "refund.created", START, &refund);
    assert_eq!(receiver.submit(occupant.delivery()).await.unwrap(), Outcome::Applied);
}

async fn vacate(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    store::object::delete(&mut tx, &["sub_1".to_owned()]).await.unwrap();
    tx.commit().await.unwrap();
}

/// An event that cannot be applied while `sub_1` is occupied.
fn poison() -> Piece {
    event(
        "evt_n30_poison",
        "customer.subscription.created",
        START,
        &subscription("sub_1", "active"),
    )
}

on_both_databases! {
    an_id_that_people_chose_takes_no_place;
    a_poison_event_harms_none_of_its_63_neighbours;
    a_failed_event_is_tried_again_with_growing_waits_until_the_last;
    a_failed_event_is_applied_when_stripe_delivers_it_again;
    a_failed_event_is_applied_by_the_next_try;
    an_event_of_an_unknown_shape_is_kept_and_shown;
    an_unknown_type_is_kept_as_ignored;
    a_hidden_nul_harms_nobody;
    a_name_that_the_database_refuses_harms_one_event_only;
    what_the_database_did_not_take_is_not_acknowledged;
    a_table_that_is_away_fails_the_event_until_it_is_back;
    too_much_is_refused_and_what_was_taken_is_kept;
    a_failed_sibling_takes_part_in_the_contest_once_it_is_applied;
}

/// People choose the ids of coupons and products, also those of connected accounts.
async fn an_id_that_people_chose_takes_no_place(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    for (number, kind) in ["coupon", "product", "price"].into_iter().enumerate() {
        let chosen = json!({ "id": "sub_1", "object": kind });
        let occupant = event(&format!("evt_0{number}"), &format!("{kind}.created"), START, &chosen);
        assert_eq!(receiver.submit(occupant.delivery()).await.unwrap(), Outcome::Applied);
    }
    assert_eq!(receiver.submit(poison().delivery()).await.unwrap(), Outcome::Applied);
}

async fn a_poison_event_harms_none_of_its_63_neighbours(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    occupy(&receiver).await;
    let mut pieces: Vec<Piece> = (0..63).map(neighbour).collect();
    pieces.insert(31, poison());
    let outcomes = join_all(pieces.iter().map(|it| receiver.submit(it.delivery()))).await;
    for (piece, outcome) in pieces.iter().zip(outcomes) {
        let (outcome, stored) = (outcome.unwrap(), stored(&fresh.db, piece).await);
        if piece.id() == poison().id() {
            assert!(matches!(&outcome, Outcome::Failed(why) if !why.is_empty()), "{outcome:?}");
            assert_eq!((stored.status.as_str(), stored.attempts), ("failed", 1));
            assert!(stored.error.is_some_and(|it| !it.is_empty()));
            assert!(stored.retry_at.is_some_and(|it| it > NOW));
        } else {
            assert_eq!(outcome, Outcome::Applied);
            assert_eq!((stored.status.as_str(), stored.retry_at), ("applied", None));
        }
    }
    let users = store::access::page(&fresh.db, "", 100).await.unwrap();
    assert_eq!(users.iter().filter(|it| it.access.granted).count(), 63);
}

async fn a_failed_event_is_tried_again_with_growing_waits_until_the_last(fresh: Fresh) {
    let (receiver, clock) = open(&fresh.db);
    occupy(&receiver).await;
    receiver.submit(poison().delivery()).await.unwrap();
    let (mut waits, mut attempts) = (Vec::new(), 1);
    while let Some(due) = stored(&fresh.db, &poison()).await.retry_at {
        waits.push(due - clock.now());
        let wait = u64::try_from(due - clock.now() - 1).unwrap();
        clock.advance(Duration::from_secs(wait));
        assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
        attempts += 1;
        assert_eq!(stored(&fresh.db, &poison()).await.attempts, attempts);
        assert!(attempts < 100, "it never gives up");
    }
    assert!(waits.windows(2).all(|it| it[0] < it[1]), "{waits:?}");
    assert!(waits.iter().sum::<i64>() > 2 * 86_400, "{waits:?} is less than an outage");
    let last = stored(&fresh.db, &poison()).await;
    assert_eq!((last.status.as_str(), last.retry_at), ("failed", None));
    clock.advance(Duration::from_secs(400 * 86_400));
    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 0);
}

async fn a_failed_event_is_applied_when_stripe_delivers_it_again(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    occupy(&receiver).await;
    assert!(matches!(receiver.submit(poison().delivery()).await.unwrap(), Outcome::Failed(_)));
    vacate(&fresh.db).await;
    assert_eq!(receiver.submit(poison().delivery()).await.unwrap(), Outcome::Applied);
    let event = stored(&fresh.db, &poison()).await;
    assert_eq!((event.status.as_str(), event.error, event.retry_at), ("applied", None, None));
    assert_eq!(event.object_id.as_deref(), Some("sub_1"));
    let access = answer::access(&fresh.db, &objects::rulebook(), USER, NOW).await.unwrap();
    assert!(access.access.granted);
    assert_eq!(receiver.submit(poison().delivery()).await.unwrap(), Outcome::Duplicate);
}

async fn a_failed_event_is_applied_by_the_next_try(fresh: Fresh) {
    let (receiver, clock) = open(&fresh.db);
    occupy(&receiver).await;
    receiver.submit(poison().delivery()).await.unwrap();
    vacate(&fresh.db).await;
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    assert_eq!(stored(&fresh.db, &poison()).await.status, "applied");
    assert_eq!(store::event::waiting(&fresh.db).await.unwrap(), (0, None));
    let facts = store::outbox::page(&fresh.db, "", 100).await.unwrap();
    let key = "subscription_started:sub_1";
    assert_eq!(facts.iter().filter(|it| it.effect.key() == key).count(), 1);
}

/// Promise 4: a type that we act on in a shape that we cannot read.
async fn an_event_of_an_unknown_shape_is_kept_and_shown(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    let shapeless = json!({ "object": "subscription", "status": "active" });
    let piece = event("evt_1", "customer.subscription.updated", START, &shapeless);
    assert!(matches!(receiver.submit(piece.delivery()).await.unwrap(), Outcome::Failed(_)));
    let event = stored(&fresh.db, &piece).await;
    assert_eq!((event.status.as_str(), event.attempts), ("failed", 1));
    let failed = store::event::list(&fresh.db, Some(Status::Failed), 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(store::event::waiting(&fresh.db).await.unwrap().0, 1);
}

async fn an_unknown_type_is_kept_as_ignored(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    let piece = event("evt_1", "payout.paid", START, &json!({ "id": "po_1" }));
    assert_eq!(receiver.submit(piece.delivery()).await.unwrap(), Outcome::Ignored);
    assert_eq!(stored(&fresh.db, &piece).await.status, "ignored");
    assert_eq!(receiver.submit(piece.delivery()).await.unwrap(), Outcome::Duplicate);
}

/// Postgres has no NUL in its texts: one that is hidden in a name counts as no name, everywhere.
async fn a_hidden_nul_harms_nobody(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    let named =
        with(&customer(), &json!({ "metadata": { "user_id": "a\u{0}b", "plan": "\u{0}" } }));
    let subscription = with(&subscription("sub_1", "active"), &json!({ "currency": "u\u{0}d" }));
    let pieces = [
        event("evt_1", "customer.created", START, &named),
        event("evt_2", "customer.subscription.created", START, &subscription),
        neighbour(0),
    ];
    let outcomes = join_all(pieces.iter().map(|it| receiver.submit(it.delivery()))).await;
    assert!(outcomes.into_iter().all(|it| it.unwrap() == Outcome::Applied));
    let (_, body) = store::event::show(&fresh.db, "evt_1").await.unwrap().unwrap();
    assert_eq!(body, pieces[0].body.as_bytes(), "what came is kept as it came");
    // The views are read by the database itself, which would stumble over it.
    fresh.meddle("create table seen as select customer_id, currency from subscription").await;
}

/// No index of Postgres takes a name of several kilobytes; SQLite's does.
async fn a_name_that_the_database_refuses_harms_one_event_only(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    let mut chance = Chance::new(1);
    let name: String = (0..1_000).map(|_| format!("{:016x}", chance.next())).collect();
    let named = with(&customer(), &json!({ "metadata": { "user_id": name } }));
    let bad = event("evt_n01_bad", "customer.created", START, &named);
    let pieces = [neighbour(0), neighbour(1), bad.clone(), neighbour(2)];
    let outcomes = join_all(pieces.iter().map(|it| receiver.submit(it.delivery()))).await;
    for (piece, outcome) in pieces.iter().zip(outcomes) {
        match (outcome.unwrap(), piece.id() == bad.id() && fresh.db.is_postgres()) {
            (Outcome::Failed(why), true) => assert!(!why.contains(&name[..8]), "{why}"),
            (Outcome::Applied, false) => {}
            (outcome, _) => panic!("{}: {outcome:?}", piece.id()),
        }
    }
    let (event, body) = store::event::show(&fresh.db, bad.id()).await.unwrap().unwrap();
    assert_eq!(body, bad.body.as_bytes());
    assert_eq!(event.status == "failed", fresh.db.is_postgres());
}

async fn what_the_database_did_not_take_is_not_acknowledged(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    fresh.db.close().await;
    let answer = receiver.submit(neighbour(0).delivery()).await;
    let Err(SubmitError::Store(error)) = answer else { panic!("{answer:?}") };
    assert!(matches!(*error, StoreError::Unavailable(_)), "{error:?}");
}

/// A statement fails that has nothing to do with the event: the event is kept and applied later.
async fn a_table_that_is_away_fails_the_event_until_it_is_back(fresh: Fresh) {
    let (receiver, clock) = open(&fresh.db);
    fresh.meddle("alter table outbox rename to outbox_away").await;
    let piece = neighbour(0);
    assert!(matches!(receiver.submit(piece.delivery()).await.unwrap(), Outcome::Failed(_)));
    assert!(
        store::object::find_all(&fresh.db, &["sub_n0"]).await.unwrap().is_empty(),
        "half a change"
    );
    fresh.meddle("alter table outbox_away rename to outbox").await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    assert_eq!(stored(&fresh.db, &piece).await.status, "applied");
    assert_eq!(store::object::find_all(&fresh.db, &["sub_n0"]).await.unwrap().len(), 1);
}

/// The queue has an end, and beyond it Stripe is asked to come again; nothing that was taken is
/// lost.
async fn too_much_is_refused_and_what_was_taken_is_kept(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    let pieces: Vec<Piece> = (0..3 * QUEUE_MAX).map(neighbour).collect();
    let outcomes = join_all(pieces.iter().map(|it| receiver.submit(it.delivery()))).await;
    let mut taken = 0;
    for (piece, outcome) in pieces.iter().zip(outcomes) {
        let kept = store::event::find(&fresh.db, piece.id()).await.unwrap().is_some();
        match outcome {
            Ok(Outcome::Applied) => assert!(kept),
            Err(SubmitError::Overloaded) => assert!(!kept),
            other => panic!("{other:?}"),
        }
        taken += usize::from(kept);
    }
    assert!(taken >= QUEUE_MAX, "{taken}");
    assert!(taken < pieces.len(), "a queue without an end");
}

/// Two events of one second: the one that failed at first is the later one in truth.
async fn a_failed_sibling_takes_part_in_the_contest_once_it_is_applied(fresh: Fresh) {
    let (receiver, _) = open(&fresh.db);
    let new = subscription("sub_1", "active");
    let team = with(&new, &json!({ "items": objects::items("price_team", 1) }));
    let before = json!({ "items": objects::items("price_pro", 1) });
    let later = objects::updated("evt_a", START, &team, &before);
    let sooner = event("evt_b", "customer.subscription.created", START, &new);
    occupy(&receiver).await;
    assert!(matches!(receiver.submit(later.delivery()).await.unwrap(), Outcome::Failed(_)));
    vacate(&fresh.db).await;
    assert_eq!(receiver.submit(sooner.delivery()).await.unwrap(), Outcome::Applied);
    let plan = || async {
        answer::access(&fresh.db, &objects::rulebook(), USER, NOW).await.unwrap().access.plan
    };
    assert_eq!(plan().await, "pro");
    assert_eq!(receiver.submit(later.delivery()).await.unwrap(), Outcome::Applied);
    assert_eq!(plan().await, "team");
}
