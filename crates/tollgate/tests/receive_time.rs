//! What happens after the answer: time and settings that change access, replays that change nothing,
//! and who hears of a change.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::sync::Arc;
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use history::chance::Chance;
use history::objects::{self, PERIOD_END, USER, event, of_account, subscription, updated, with};
use history::{DAY, Piece, START, cast, rulebook, told};
use serde_json::json;
use tollgate::answer;
use tollgate::clock::Clock;
use tollgate::receive::anew::Anew;
use tollgate::receive::{self, Input, Outcome, Purpose, Receiver, Writers, retry};
use tollgate::rules::access::Reason;
use tollgate::rules::effects::EffectKind;
use tollgate::rules::policy::{Rule, Rulebook};
use tollgate::store::event::Status;
use tollgate::store::{self, Db};
use tollgate::webhook;
use tollgate_sandbox::story::ApiVersionShape;

fn open(db: &Db, now: i64) -> (Receiver, Writers, Clock) {
    let clock = Clock::manual(now * 1000);
    let (receiver, writers) = receive::open(db, &Arc::new(objects::rulebook()), &clock);
    (receiver, writers, clock)
}

async fn announced(db: &Db) -> usize {
    let staged = store::outbox::page(db, "", 1_000).await.unwrap();
    staged.iter().filter(|it| it.effect.kind.is_of_access()).count()
}

fn active() -> Piece {
    event("evt_1", "customer.subscription.created", START, &subscription("sub_1", "active"))
}

on_both_databases! {
    access_that_ends_by_time_is_announced_once;
    an_answer_is_right_before_the_timer_comes_by;
    a_change_is_heard_of_once_it_is_committed;
    a_replay_of_everything_changes_nothing;
    another_rulebook_reaches_what_was_derived_before;
    an_account_that_counts_from_now_on_reaches_its_users;
    who_changed_while_nodes_were_exchanged_follows_the_new_rulebook;
    what_was_taken_is_answered_before_the_door_closes;
    an_unsettled_object_asks_stripe_once;
    a_thin_event_asks_stripe_for_its_object;
    an_event_that_cannot_be_read_keeps_no_other_from_its_next_try;
}

async fn access_that_ends_by_time_is_announced_once(fresh: Fresh) {
    let (receiver, _, clock) = open(&fresh.db, START);
    let ending = with(&subscription("sub_1", "active"), &json!({ "cancel_at_period_end": true }));
    let piece = updated("evt_1", START, &ending, &json!({ "cancel_at_period_end": false }));
    receiver.submit(piece.delivery()).await.unwrap();
    assert_eq!(announced(&fresh.db).await, 1);

    clock.advance(Duration::from_secs(u64::try_from(PERIOD_END - START - 1).unwrap()));
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 1);
    let stored = store::access::find(&fresh.db, USER).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.changed_at), (2, PERIOD_END));
    assert_eq!((stored.access.granted, stored.access.reason), (false, Reason::Ended));
    assert_eq!(announced(&fresh.db).await, 2);
    assert_eq!(retry::due_step(&fresh.db, &receiver, clock.now()).await.unwrap(), 0);
    assert_eq!(announced(&fresh.db).await, 2);
}

async fn an_answer_is_right_before_the_timer_comes_by(fresh: Fresh) {
    let (receiver, _, _) = open(&fresh.db, START);
    let ending = with(&subscription("sub_1", "active"), &json!({ "cancel_at": START + 60 }));
    let piece = updated("evt_1", START, &ending, &json!({ "cancel_at": null }));
    receiver.submit(piece.delivery()).await.unwrap();
    for (now, granted) in [(START + 59, true), (START + 60, false)] {
        let answer = answer::access(&fresh.db, &objects::rulebook(), USER, now).await.unwrap();
        assert_eq!(answer.access.granted, granted, "{} s", now - START);
    }
}

async fn a_change_is_heard_of_once_it_is_committed(fresh: Fresh) {
    let (receiver, _, _) = open(&fresh.db, START);
    let mut changes = receiver.changes();
    receiver.submit(active().delivery()).await.unwrap();
    receiver.submit(active().delivery()).await.unwrap();
    let heard = changes.try_recv().unwrap();
    assert_eq!((heard.user_id.as_str(), heard.revision), (USER, 1));
    assert!(heard.access.granted);
    assert!(changes.try_recv().is_err(), "a duplicate changes nothing");
}

async fn a_replay_of_everything_changes_nothing(fresh: Fresh) {
    let cast = cast(3, ApiVersionShape::Clover);
    let (pieces, book) = (told("renewal_fails_recovers", &cast), rulebook(&cast));
    let now_ms = (START + 90 * DAY) * 1000;
    let deliveries: Vec<Input> = pieces.iter().map(Piece::delivery).collect();
    receive::apply(&fresh.db, &book, &deliveries, now_ms).await.unwrap();
    let all = async || {
        let objects = store::object::page(&fresh.db, "", 1_000).await.unwrap();
        let access = store::access::page(&fresh.db, "", 1_000).await.unwrap();
        (objects, access, store::outbox::page(&fresh.db, "", 1_000).await.unwrap())
    };
    let before = all().await;
    for (seed, purpose) in [(1, Purpose::Replay), (2, Purpose::Rebuild)] {
        let mut again: Vec<Input> = pieces
            .iter()
            .map(|it| {
                let incoming = webhook::read(it.body.as_bytes()).unwrap();
                Input::event(incoming, it.body.as_bytes(), purpose)
            })
            .collect();
        Chance::new(seed).shuffle(&mut again);
        for batch in again.chunks(7) {
            let done = receive::apply(&fresh.db, &book, batch, now_ms).await.unwrap();
            assert!(done.outcomes.iter().all(|it| *it == Outcome::Applied));
            assert!(done.changed.is_empty());
        }
        // Versions and revisions too: nothing was even written.
        assert_eq!(all().await, before, "{purpose:?}");
    }
}

/// What a start does: all steps, by this rulebook.
async fn start_with(db: &Db, book: &Rulebook, now: i64) -> u64 {
    let book = Arc::new(book.clone());
    let (receiver, _) = receive::open(db, &book, &Clock::manual(now * 1000));
    let mut anew = Anew::new(&book, now);
    loop {
        if let Some(users) = anew.step(db, &receiver).await.unwrap() {
            return users;
        }
    }
}

fn mistyped() -> Rulebook {
    let mut book = objects::rulebook();
    book.plans[0].prices = [("monthly".to_owned(), "price_mistyped".to_owned())].into();
    book
}

async fn stored(db: &Db) -> Option<(i64, bool, Reason)> {
    let found = store::access::find(db, USER).await.unwrap();
    found.map(|it| (it.revision, it.access.granted, it.access.reason))
}

async fn another_rulebook_reaches_what_was_derived_before(fresh: Fresh) {
    let db = &fresh.db;
    start_with(db, &mistyped(), START).await;
    receive::apply(db, &mistyped(), &[active().delivery()], START * 1000).await.unwrap();
    assert_eq!(stored(db).await, Some((1, false, Reason::UnknownPrice)));

    let corrected = objects::rulebook();
    assert_eq!(start_with(db, &corrected, START + DAY).await, 1);
    assert_eq!(stored(db).await, Some((2, true, Reason::Active)));
    assert_eq!(announced(db).await, 1, "the app hears of it");
    assert_eq!(start_with(db, &corrected, START + 2 * DAY).await, 1, "it changed since");
    assert_eq!(start_with(db, &corrected, START + 3 * DAY).await, 0, "all is done");
    assert_eq!(stored(db).await, Some((2, true, Reason::Active)));

    let mut strict = corrected;
    strict.policy.partial_refund = Rule::Revoke;
    assert_eq!(start_with(db, &strict, START + 4 * DAY).await, 1);
    assert_eq!(stored(db).await, Some((2, true, Reason::Active)), "it makes no difference here");
    strict.plans.remove(0);
    start_with(db, &strict, START + 5 * DAY).await;
    assert_eq!(stored(db).await, Some((3, false, Reason::UnknownPrice)));
}

/// So far nothing was theirs: not even a row says so.
async fn an_account_that_counts_from_now_on_reaches_its_users(fresh: Fresh) {
    let db = &fresh.db;
    let book = objects::rulebook();
    let strange = of_account(&active(), "acct_1");
    receive::apply(db, &book, &[strange.delivery()], START * 1000).await.unwrap();
    start_with(db, &book, START).await;
    assert_eq!(stored(db).await, None);
    let accounts = vec!["acct_1".to_owned()];
    start_with(db, &Rulebook { accounts, ..book }, START + DAY).await;
    assert_eq!(stored(db).await, Some((1, true, Reason::Active)));
}

/// A node that is still to be restarted derives by what it was started with.
async fn who_changed_while_nodes_were_exchanged_follows_the_new_rulebook(fresh: Fresh) {
    let (db, now) = (&fresh.db, START + DAY);
    assert_eq!(start_with(db, &objects::rulebook(), now).await, 0);
    receive::apply(db, &mistyped(), &[active().delivery()], (now + 60) * 1000).await.unwrap();
    assert_eq!(stored(db).await, Some((1, false, Reason::UnknownPrice)));
    assert_eq!(start_with(db, &objects::rulebook(), now + 120).await, 1);
    assert_eq!(stored(db).await, Some((2, true, Reason::Active)));
}

async fn what_was_taken_is_answered_before_the_door_closes(fresh: Fresh) {
    let (receiver, writers, _) = open(&fresh.db, START);
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let id = format!("evt_{number:03}");
            let piece = updated(&id, START + number, &subscription("sub_1", "active"), &json!({}));
            let receiver = receiver.clone();
            tokio::spawn(async move { receiver.submit(piece.delivery()).await })
        })
        .collect();
    drop(receiver);
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), Outcome::Applied);
    }
    writers.finish().await;
    assert_eq!(store::event::page(&fresh.db, "", 1_000).await.unwrap().len(), 200);
}

/// Cancelled and taken back within one second: only Stripe knows which came last.
async fn an_unsettled_object_asks_stripe_once(fresh: Fresh) {
    let (receiver, _, _) = open(&fresh.db, START);
    let kept = subscription("sub_1", "active");
    let going = with(&kept, &json!({ "cancel_at_period_end": true }));
    for piece in [
        updated("evt_1", START, &going, &json!({ "cancel_at_period_end": false })),
        updated("evt_2", START, &kept, &json!({ "cancel_at_period_end": true })),
        updated("evt_3", START, &going, &json!({ "cancel_at_period_end": false })),
    ] {
        receiver.submit(piece.delivery()).await.unwrap();
    }
    let found = store::object::find_all(&fresh.db, &["sub_1"]).await.unwrap();
    assert!(found[0].standing.unsettled);
    let staged = store::outbox::page(&fresh.db, "", 100).await.unwrap();
    let refresh = staged.iter().filter(|it| it.effect.kind == EffectKind::Refresh);
    let keys: Vec<String> = refresh.map(|it| it.effect.key()).collect();
    assert_eq!(keys, [format!("refresh:sub_1:{START}")]);
}

async fn a_thin_event_asks_stripe_for_its_object(fresh: Fresh) {
    let (receiver, _, _) = open(&fresh.db, START);
    let cast = cast(3, ApiVersionShape::Endive);
    for piece in told("thin", &cast) {
        let outcome = receiver.submit(piece.delivery()).await.unwrap();
        assert!(matches!(outcome, Outcome::Applied | Outcome::Ignored), "{outcome:?}");
    }
    let staged = store::outbox::page(&fresh.db, "", 1_000).await.unwrap();
    assert!(staged.iter().all(|it| it.effect.kind == EffectKind::Refresh));
    assert!(staged.iter().any(|it| it.effect.subject.starts_with("sub_")));
    assert!(store::object::page(&fresh.db, "", 10).await.unwrap().is_empty());
}

async fn an_event_that_cannot_be_read_keeps_no_other_from_its_next_try(fresh: Fresh) {
    let (receiver, _writers, clock) = open(&fresh.db, START);
    receiver.submit(active().delivery()).await.unwrap();
    let other = event("evt_2", "customer.created", START, &objects::customer());
    receiver.submit(other.delivery()).await.unwrap();
    let from_the_future = if fresh.db.is_postgres() { "decode('63', 'hex')" } else { "x'63'" };
    fresh.meddle(&format!("update event set payload = {from_the_future} where id = 'evt_1'")).await;
    let due = format!("update event set status = 'failed', attempts = 1, retry_at = {START}");
    fresh.meddle(&due).await;

    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 2);
    let failed = store::event::list(&fresh.db, Some(Status::Failed), 10).await.unwrap();
    let [unread] = <[_; 1]>::try_from(failed).expect("the other one is applied");
    assert_eq!((unread.id.as_str(), unread.attempts), ("evt_1", 2));
    assert_eq!(unread.retry_at, retry::retry_at(2, START));
    assert_eq!(unread.error.as_deref(), Some("read stored payload: a newer version wrote it"));
    assert_eq!(retry::step(&fresh.db, &receiver, clock.now()).await.unwrap(), 0);
}
