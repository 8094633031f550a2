//! The sequences that break other systems where they ask Stripe, by their names in `traps.rs`:
//! an answer that is late tells how it was, not how it is. Stripe is held up here until the rest
//! has happened.
//!
//! FK-F4 has no counterpart: no list of events is ever asked for, so none can hide one.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod naughty;

use std::collections::BTreeMap;
use std::sync::Arc;

use databases::{Fresh, on_both_databases};
use history::Piece;
use history::objects::{self, event, subscription, updated, with};
use naughty::{Act, Naughty, say};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tollgate::billing::Billing;
use tollgate::billing::refresh::Question;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::receive::{self, Outcome};
use tollgate::store;
use tollgate::store::object::StoredObject;
use tollgate_stripe::object::Object;

/// When all answers come, by Stripe's clock.
const NOON: i64 = 1_795_348_800;
/// When the first question is asked, by ours.
const NOW_MS: i64 = NOON * 1000;

const CREATED: &str = "customer.subscription.created";
const DELETED: &str = "customer.subscription.deleted";

on_both_databases! {
    (derived anew by objects::rulebook(), at NOW_MS)
    se_f2_dj_f1_pay_f1_t3_f1_a_slow_answer_does_not_undo_a_later_one;
    se_f3_what_was_listed_before_a_deletion_does_not_undo_it;
    fk_f2_an_event_of_before_an_answer_does_not_overwrite_it;
    dj_f2_nothing_is_locked_while_stripe_is_asked;
}

/// One that asks, and the Stripe that answers it.
struct Asking {
    billing: Billing,
    stripe: Naughty,
    _writers: receive::Writers,
}

impl Asking {
    /// Starts it; its clock shows so many milliseconds after the first question.
    async fn start(fresh: &Fresh, act: Act, later_ms: i64) -> Self {
        let stripe = Naughty::start(&[act]).await;
        let variables = [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_API_BASE", &stripe.url)];
        let variables: BTreeMap<String, String> =
            variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let dir = tempfile::tempdir().unwrap();
        let config = Config::load(None, dir.path(), &variables).unwrap();
        let clock = Clock::manual(NOW_MS + later_ms);
        let db = fresh.node().await;
        let (receiver, writers) = receive::open(&db, &Arc::new(objects::rulebook()), &clock);
        let billing = Billing::new(&config, &db, &receiver, &clock).unwrap();
        Self { billing, stripe, _writers: writers }
    }

    async fn ask(&self) {
        let question =
            Question { subject: "sub_1", account: None, snapshot_event: None, unsettled_at: None };
        self.billing.refresh(&question).await.unwrap();
    }

    /// Asks, and has `meanwhile` happen between the question and the answer.
    async fn ask_while(&self, answer: &Notify, meanwhile: impl Future<Output = ()>) {
        let events = async {
            while self.stripe.asked().is_empty() {
                tokio::task::yield_now().await;
            }
            meanwhile.await;
            answer.notify_one();
        };
        tokio::join!(self.ask(), events);
    }
}

fn answering(object: &Value) -> Act {
    say(200, "", &object.to_string())
}

/// An answer that is held back, and what lets it go.
fn held_back(object: &Value) -> (Act, Arc<Notify>) {
    let Act::Say(text) = answering(object) else { panic!("it says something") };
    let let_go = Arc::new(Notify::new());
    (Act::Await(Arc::clone(&let_go), text), let_go)
}

fn active() -> Value {
    subscription("sub_1", "active")
}

fn going() -> Value {
    with(&active(), &json!({ "cancel_at_period_end": true }))
}

async fn take(fresh: &Fresh, piece: &Piece) -> Outcome {
    let inputs = [piece.delivery()];
    let applied = receive::apply(&fresh.db, &objects::rulebook(), &inputs, NOW_MS).await.unwrap();
    applied.outcomes.into_iter().next().unwrap()
}

async fn stored(fresh: &Fresh) -> StoredObject {
    store::object::find_all(&fresh.db, &["sub_1"]).await.unwrap().remove(0)
}

/// Its status, and whether it ends with its period.
async fn state(fresh: &Fresh) -> (String, bool) {
    match stored(fresh).await.standing.object {
        Object::Subscription(it) => (it.status.as_str().to_owned(), it.cancel_at_period_end),
        other => panic!("{other:?}"),
    }
}

/// Both answers are of one second, so that only the order of the questions tells.
async fn se_f2_dj_f1_pay_f1_t3_f1_a_slow_answer_does_not_undo_a_later_one(fresh: Fresh) {
    let (old, let_go) = held_back(&active());
    let slow = Asking::start(&fresh, old, 0).await;
    let quick = Asking::start(&fresh, answering(&going()), 5).await;
    slow.ask_while(&let_go, quick.ask()).await;
    assert!(state(&fresh).await.1, "the one that was asked first came last");
}

async fn se_f3_what_was_listed_before_a_deletion_does_not_undo_it(fresh: Fresh) {
    let (old, let_go) = held_back(&active());
    let slow = Asking::start(&fresh, old, 0).await;
    let ended = with(&subscription("sub_1", "canceled"), &json!({ "ended_at": NOON - 1 }));
    let deleted = event("evt_1", DELETED, NOON - 1, &ended);
    let meanwhile = async { assert_eq!(take(&fresh, &deleted).await, Outcome::Applied) };
    slow.ask_while(&let_go, meanwhile).await;
    assert_eq!(state(&fresh).await.0, "canceled");
}

/// What is answered counts from when it was seen, not from the event that made us ask.
async fn fk_f2_an_event_of_before_an_answer_does_not_overwrite_it(fresh: Fresh) {
    take(&fresh, &event("evt_1", CREATED, NOON - 10, &active())).await;
    Asking::start(&fresh, answering(&going()), 0).await.ask().await;
    let older = with(&active(), &json!({ "quantity": 2 }));
    take(&fresh, &updated("evt_2", NOON - 5, &older, &json!({ "quantity": 1 }))).await;
    assert!(state(&fresh).await.1);
    assert!(stored(&fresh).await.standing.at > NOON - 5);
}

async fn dj_f2_nothing_is_locked_while_stripe_is_asked(fresh: Fresh) {
    take(&fresh, &event("evt_1", CREATED, NOON - 10, &active())).await;
    let (answer, let_go) = held_back(&going());
    let slow = Asking::start(&fresh, answer, 0).await;
    let meanwhile = async {
        let unpaid = subscription("sub_1", "unpaid");
        let event = updated("evt_2", NOON - 5, &unpaid, &json!({ "status": "active" }));
        assert_eq!(take(&fresh, &event).await, Outcome::Applied, "the same object");
        assert_eq!(state(&fresh).await, ("unpaid".to_owned(), false));
    };
    Box::pin(slow.ask_while(&let_go, meanwhile)).await;
    assert_eq!(state(&fresh).await, ("active".to_owned(), true));
}
