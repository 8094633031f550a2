//! The sequences that break other systems, by their names in `traps.rs`, as far as they are about
//! what is stored when: copies at once, failures midway, answers, wrong clocks. LA is Lago, CO
//! Convoy, PAY pay.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::sync::Arc;
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use futures_util::FutureExt;
use futures_util::future::join_all;
use history::objects::{self, CUSTOMER, USER, customer, event, sub, subscription, update, with};
use history::{Piece, START};
use serde_json::{Value, json};
use tollgate::answer;
use tollgate::clock::Clock;
use tollgate::receive::{self, Outcome, Receiver, retry};
use tollgate::rules::access::{Access, Reason};
use tollgate::store::{self, Db};
use tollgate_stripe::object::Object;

const NOW: i64 = START + 3_600;

const CREATED: &str = "customer.subscription.created";
const DELETED: &str = "customer.subscription.deleted";

on_both_databases! {
    (derived anew by objects::rulebook(), at NOW * 1000)
    se_f4_a_clock_that_is_wrong_decides_nothing;
    se_f5_a_type_that_nobody_acts_on_is_accepted;
    dj_f3_a_failure_midway_tells_each_fact_once;
    pay_f2_a_subscription_before_its_customer_is_recorded;
    pay_f3_first_events_at_once_make_one_row_and_no_error;
    pay_f4_state_and_facts_are_kept_together_or_not_at_all;
    ca_f3_created_and_updated_at_once_make_one_row;
    ba_f3_a_database_error_on_a_deletion_is_not_the_end_of_it;
    au_f3_what_is_answered_is_durable;
    au_f4_a_duplicate_after_days_is_still_one;
    tc_f4_a_payment_of_somebody_unknown_is_linked_later;
    la_what_failed_is_tried_again_without_stripe;
    co_two_copies_at_once_are_one;
    s4_a_deletion_before_the_creation_is_neither_an_error_nor_forgotten;
}

fn open(db: &Db, clock: &Clock) -> Receiver {
    // The writers end with the runtime of the test.
    receive::open(db, &Arc::new(objects::rulebook()), clock).0
}

fn clock() -> Clock {
    Clock::manual(NOW * 1000)
}

async fn submit(receiver: &Receiver, piece: &Piece) -> Outcome {
    receiver.submit(piece.delivery()).await.unwrap()
}

async fn access(db: &Db) -> Access {
    answer::access(db, &objects::rulebook(), USER, NOW).await.unwrap().access
}

/// What Stripe's objects told, besides whose they are and what that gives.
async fn facts(db: &Db) -> Vec<String> {
    let staged = store::outbox::page(db, "", 1_000).await.unwrap();
    let ours = |it: &String| it.starts_with("access_") || it.starts_with("customer_linked:");
    staged.iter().map(|it| it.effect.key()).filter(|it| !ours(it)).collect()
}

async fn se_f4_a_clock_that_is_wrong_decides_nothing(fresh: Fresh) {
    for (i, wrong) in [-86_400, -60, 60, 86_400].into_iter().enumerate() {
        let receiver = open(&fresh.db, &Clock::manual((START + wrong) * 1000));
        let id = format!("sub_{i}");
        let of = |status: &str| with(&subscription(&id, status), &json!({}));
        let past_due = event(
            &format!("evt_{i}b"),
            "customer.subscription.updated",
            START + 9,
            &of("past_due"),
        );
        let active =
            event(&format!("evt_{i}a"), "customer.subscription.updated", START + 5, &of("active"));
        for piece in [past_due, active] {
            assert_eq!(submit(&receiver, &piece).await, Outcome::Applied);
        }
        let found = store::object::find_all(&fresh.db, &[&id]).await.unwrap();
        assert_eq!(found[0].standing.at, START + 9, "{wrong} s");
    }
}

async fn se_f5_a_type_that_nobody_acts_on_is_accepted(fresh: Fresh) {
    let receiver = open(&fresh.db, &clock());
    for kind in ["customer.tax_id.created", "billing.meter.created", "x.y"] {
        let piece = event(&format!("evt_{kind}"), kind, START, &json!({ "id": "x_1" }));
        assert_eq!(submit(&receiver, &piece).await, Outcome::Ignored, "{kind}");
    }
}

async fn dj_f3_a_failure_midway_tells_each_fact_once(fresh: Fresh) {
    let (clock, piece) = (clock(), sub("evt_a", CREATED, "active", 0));
    let receiver = open(&fresh.db, &clock);
    // The last statement of the transaction fails, after all others were done.
    fresh.meddle("alter table outbox rename to outbox_away").await;
    assert!(matches!(submit(&receiver, &piece).await, Outcome::Failed(_)));
    fresh.meddle("alter table outbox_away rename to outbox").await;
    assert!(facts(&fresh.db).await.is_empty());
    assert_eq!(submit(&receiver, &piece).await, Outcome::Applied);
    assert_eq!(submit(&receiver, &piece).await, Outcome::Duplicate);
    assert_eq!(facts(&fresh.db).await, ["subscription_started:sub_1"]);
}

async fn pay_f2_a_subscription_before_its_customer_is_recorded(fresh: Fresh) {
    let receiver = open(&fresh.db, &clock());
    let unnamed = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
    submit(&receiver, &event("evt_a", CREATED, START, &unnamed)).await;
    assert_eq!(access(&fresh.db).await.reason, Reason::NoCustomer);
    submit(&receiver, &event("evt_b", "customer.created", START, &customer())).await;
    assert!(access(&fresh.db).await.granted);
}

async fn pay_f3_first_events_at_once_make_one_row_and_no_error(fresh: Fresh) {
    let mut tasks = Vec::new();
    for number in 0..24 {
        let receiver = open(&fresh.node().await, &clock());
        let piece = update(&format!("evt_{number:02}"), "active", number);
        tasks.push(tokio::spawn(async move { submit(&receiver, &piece).await }));
    }
    for outcome in join_all(tasks).await {
        assert_eq!(outcome.unwrap(), Outcome::Applied);
    }
    let objects = store::object::page(&fresh.db, "", 10).await.unwrap();
    assert_eq!((objects.len(), objects[0].standing.at), (1, START + 23));
    assert!(access(&fresh.db).await.granted);
}

/// The process dies between the state and the facts: the transaction is never committed.
async fn pay_f4_state_and_facts_are_kept_together_or_not_at_all(fresh: Fresh) {
    let piece = sub("evt_a", CREATED, "active", 0);
    let mut tx = fresh.db.begin().await.unwrap();
    let rulebook = objects::rulebook();
    receive::apply_in(&mut tx, &rulebook, &[piece.delivery()], NOW * 1000).await.unwrap();
    drop(tx);
    assert!(store::event::find(&fresh.db, "evt_a").await.unwrap().is_none());
    assert!(facts(&fresh.db).await.is_empty());
    assert!(!access(&fresh.db).await.granted);
    assert_eq!(submit(&open(&fresh.db, &clock()), &piece).await, Outcome::Applied);
    assert_eq!(facts(&fresh.db).await.len(), 1);
    assert!(access(&fresh.db).await.granted);
}

async fn ca_f3_created_and_updated_at_once_make_one_row(fresh: Fresh) {
    for number in 0..8 {
        let id = format!("sub_{number}");
        let piece = |prefix: &str, kind: &str, status: &str| {
            event(&format!("evt_{prefix}{number}"), kind, START, &subscription(&id, status))
        };
        let pieces = [
            piece("b", CREATED, "incomplete"),
            piece("a", "customer.subscription.updated", "active"),
        ];
        let (one, other) =
            (open(&fresh.node().await, &clock()), open(&fresh.node().await, &clock()));
        let outcomes = tokio::join!(submit(&one, &pieces[0]), submit(&other, &pieces[1]));
        assert_eq!(outcomes, (Outcome::Applied, Outcome::Applied));
        let found = store::object::find_all(&fresh.db, &[&id]).await.unwrap();
        match &found[0].standing.object {
            Object::Subscription(it) => assert_eq!(it.status.as_str(), "active"),
            other => panic!("{other:?}"),
        }
    }
}

async fn ba_f3_a_database_error_on_a_deletion_is_not_the_end_of_it(fresh: Fresh) {
    let clock = clock();
    let receiver = open(&fresh.db, &clock);
    submit(&receiver, &sub("evt_a", CREATED, "active", 0)).await;
    fresh.meddle("alter table access rename to access_away").await;
    let outcome = submit(&receiver, &sub("evt_b", DELETED, "canceled", 100)).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    fresh.meddle("alter table access_away rename to access").await;
    assert!(access(&fresh.db).await.granted);
    clock.advance(Duration::from_secs(60));
    retry::step(&fresh.db, &receiver, clock.now()).await.unwrap();
    assert_eq!(access(&fresh.db).await.reason, Reason::Canceled);
}

async fn au_f3_what_is_answered_is_durable(fresh: Fresh) {
    let receiver = open(&fresh.db, &clock());
    let piece = sub("evt_a", CREATED, "active", 0);
    let mut tx = fresh.db.begin().await.unwrap();
    let occupied = event("evt_x", "customer.created", START, &customer());
    let rulebook = objects::rulebook();
    receive::apply_in(&mut tx, &rulebook, &[occupied.delivery()], NOW * 1000).await.unwrap();
    let answer = submit(&receiver, &piece);
    let mut answer = std::pin::pin!(answer);
    // While its transaction cannot commit there is no answer.
    assert!(answer.as_mut().now_or_never().is_none());
    fresh.until_somebody_waits().await;
    assert!(answer.as_mut().now_or_never().is_none());
    tx.commit().await.unwrap();
    assert_eq!(answer.await, Outcome::Applied);
    // Whoever looks over a connection of their own sees it.
    assert!(access(&fresh.node().await).await.granted);
}

async fn au_f4_a_duplicate_after_days_is_still_one(fresh: Fresh) {
    let clock = clock();
    let receiver = open(&fresh.db, &clock);
    let piece = sub("evt_a", CREATED, "active", 0);
    assert_eq!(submit(&receiver, &piece).await, Outcome::Applied);
    for days in [1, 3, 90] {
        clock.advance(Duration::from_secs(days * 90_000));
        assert_eq!(submit(&receiver, &piece).await, Outcome::Duplicate);
    }
    assert_eq!(facts(&fresh.db).await.len(), 1);
}

async fn tc_f4_a_payment_of_somebody_unknown_is_linked_later(fresh: Fresh) {
    let receiver = open(&fresh.db, &clock());
    let unnamed = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
    assert_eq!(
        submit(&receiver, &event("evt_a", CREATED, START, &unnamed)).await,
        Outcome::Applied
    );
    let user = store::user::AppUser {
        user_id: USER.to_owned(),
        customer_id: Some(CUSTOMER.to_owned()),
        ..store::user::AppUser::default()
    };
    receiver.submit(receive::Input::User(user)).await.unwrap();
    assert!(access(&fresh.db).await.granted);
}

async fn la_what_failed_is_tried_again_without_stripe(fresh: Fresh) {
    let clock = clock();
    let receiver = open(&fresh.db, &clock);
    fresh.meddle("alter table object rename to object_away").await;
    let piece = sub("evt_a", CREATED, "active", 0);
    assert!(matches!(submit(&receiver, &piece).await, Outcome::Failed(_)));
    fresh.meddle("alter table object_away rename to object").await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    assert!(access(&fresh.db).await.granted);
}

async fn co_two_copies_at_once_are_one(fresh: Fresh) {
    let (one, other) = (open(&fresh.node().await, &clock()), open(&fresh.node().await, &clock()));
    for number in 0..20 {
        let piece = update(&format!("evt_{number:02}"), "active", number);
        let (a, b) = tokio::join!(submit(&one, &piece), submit(&other, &piece));
        let applied = [&a, &b].into_iter().filter(|it| **it == Outcome::Applied).count();
        let duplicate = [&a, &b].into_iter().filter(|it| **it == Outcome::Duplicate).count();
        assert_eq!((applied, duplicate), (1, 1), "{a:?} {b:?}");
    }
}

async fn s4_a_deletion_before_the_creation_is_neither_an_error_nor_forgotten(fresh: Fresh) {
    let receiver = open(&fresh.db, &clock());
    let pieces: [(Piece, Value); 2] = [
        (sub("evt_b", DELETED, "canceled", 100), json!("no row yet")),
        (sub("evt_a", CREATED, "active", 0), json!("late")),
    ];
    for (piece, why) in &pieces {
        assert_eq!(submit(&receiver, piece).await, Outcome::Applied, "{why}");
        assert!(!access(&fresh.db).await.granted, "{why}");
    }
}
