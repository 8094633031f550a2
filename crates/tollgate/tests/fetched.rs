//! What we asked Stripe for stands among its events: whatever came first, the end is the same, and
//! deriving it anew finds the same again.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::BTreeSet;

use databases::{Fresh, on_both_databases};
use history::objects::{self, event, subscription, updated, with};
use history::{Piece, START};
use serde_json::{Value, json};
use tollgate::receive::{self, Outcome};
use tollgate::reconcile::rebuild;
use tollgate::rules::merge::Standing;
use tollgate::store;
use tollgate::webhook;
use tollgate_stripe::object::Object;

const NOW_MS: i64 = (START + 60) * 1000;

on_both_databases! {
    any_order_ends_the_same;
    a_later_event_wins_and_an_earlier_one_loses;
    what_was_fetched_twice_is_one_observation;
}

fn fetched(object: &Value, at: i64, asked_ms: i64) -> Piece {
    let (_, body) = webhook::fetched(object, at, asked_ms, None).unwrap();
    Piece::new(String::from_utf8(body).unwrap())
}

async fn take(fresh: &Fresh, pieces: &[&Piece]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for piece in pieces {
        let inputs = [piece.delivery()];
        let applied = receive::apply(&fresh.db, &objects::rulebook(), &inputs, NOW_MS).await;
        outcomes.extend(applied.unwrap().outcomes);
    }
    outcomes
}

async fn standing(fresh: &Fresh, id: &str) -> Standing {
    store::object::find_all(&fresh.db, &[id]).await.unwrap().remove(0).standing
}

fn cancels(standing: &Standing) -> bool {
    match &standing.object {
        Object::Subscription(it) => it.cancel_at_period_end,
        _ => panic!("it is a subscription"),
    }
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for order in orders(count - 1) {
        for at in 0..count {
            let mut longer = order.clone();
            longer.insert(at, count - 1);
            all.push(longer);
        }
    }
    all
}

/// Two events and two fetches of one second: the one asked for last is how it is.
async fn any_order_ends_the_same(fresh: Fresh) {
    let mut ends = BTreeSet::new();
    for (number, order) in orders(4).into_iter().enumerate() {
        let id = format!("sub_{number:02}");
        let incomplete = subscription(&id, "incomplete");
        let active = subscription(&id, "active");
        let canceling = with(&active, &json!({ "cancel_at_period_end": true }));
        let was = json!({ "status": "incomplete" });
        let created = "customer.subscription.created";
        let pieces = [
            event(&format!("evt_{number:02}_1"), created, START, &incomplete),
            updated(&format!("evt_{number:02}_2"), START, &active, &was),
            fetched(&active, START, NOW_MS),
            fetched(&canceling, START, NOW_MS + 5),
        ];
        take(&fresh, &order.iter().map(|it| &pieces[*it]).collect::<Vec<_>>()).await;
        let end = standing(&fresh, &id).await;
        assert_eq!((cancels(&end), end.at), (true, START), "{order:?}");
        ends.insert((end.contested, end.unsettled));
    }
    assert_eq!(ends.len(), 1, "{ends:?}");
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("scratch.db");
    let report = rebuild::run(&fresh.db, &objects::rulebook(), &path, NOW_MS, None, |_| ()).await;
    assert!(report.unwrap().drift.is_empty());
}

async fn a_later_event_wins_and_an_earlier_one_loses(fresh: Fresh) {
    let active = subscription("sub_1", "active");
    let canceling = with(&active, &json!({ "cancel_at_period_end": true }));
    let was = json!({ "cancel_at_period_end": true });
    let earlier = updated("evt_1", START - 1, &subscription("sub_1", "past_due"), &json!({}));
    let later = updated("evt_2", START + 1, &active, &was);
    let asked = fetched(&canceling, START, NOW_MS);
    take(&fresh, &[&asked, &earlier]).await;
    assert!(cancels(&standing(&fresh, "sub_1").await));
    take(&fresh, &[&later]).await;
    let end = standing(&fresh, "sub_1").await;
    assert_eq!((cancels(&end), end.event_id.as_str()), (false, "evt_2"));
}

async fn what_was_fetched_twice_is_one_observation(fresh: Fresh) {
    let piece = fetched(&subscription("sub_1", "active"), START, NOW_MS);
    assert_eq!(take(&fresh, &[&piece, &piece]).await, [Outcome::Applied, Outcome::Duplicate]);
    let later = fetched(&subscription("sub_1", "active"), START, NOW_MS + 1);
    assert_eq!(take(&fresh, &[&later]).await, [Outcome::Applied]);
    let end = standing(&fresh, "sub_1").await;
    assert!(!end.contested && !end.unsettled && end.event_id.as_str() == later.id());
}

/// What is no object of ours is told, and what has none of our kinds is not kept as one.
#[test]
fn only_objects_that_we_keep_are_taken() {
    let thing = json!({ "object": "tax_rate", "id": "txr_1" });
    let (incoming, _) = webhook::fetched(&thing, START, NOW_MS, None).unwrap();
    assert_eq!(incoming.object_id(), None);
    assert!(webhook::fetched(&json!([]), START, NOW_MS, None).is_err());
}
