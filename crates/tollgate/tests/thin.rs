//! Thin events name what changed and no more: Stripe is asked, once an event, and what it answers
//! is applied. Workers are stepped by hand.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::BTreeMap;

use databases::{Fresh, on_both_databases};
use history::{Piece, START, objects};
use serde_json::{Value, json};
use tollgate::config::Config;
use tollgate::deliver::destinations::{STRIPE, names, routes};
use tollgate::receive;
use tollgate::rules::policy::Rulebook;
use tollgate::store::Db;
use tollgate::store::delivery::{self, Ending, Settled};

const NOW_MS: i64 = START * 1000 + 700;

on_both_databases! {
    each_event_of_one_second_asks_stripe;
    what_cannot_be_asked_yet_waits_for_the_key;
}

/// A thin event about `sub_1`.
fn thin(id: &str, fields: &Value) -> Piece {
    let mut body = json!({
        "id": id,
        "object": "v2.core.event",
        "type": "v1.customer.subscription.updated",
        "created": "2026-09-21T14:13:20.250Z",
        "livemode": false,
        "related_object": {
            "id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1",
        },
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    Piece::new(body.to_string())
}

fn config(variables: &[(&str, &str)]) -> Config {
    let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<String, String> = variables.iter().map(named).collect();
    let dir = tempfile::tempdir().unwrap();
    Config::load(None, dir.path(), &variables).unwrap_or_else(|it| panic!("{it}"))
}

/// A server's, without a key of Stripe's.
fn rulebook() -> Rulebook {
    Rulebook { routes: routes(&config(&[])), ..objects::rulebook() }
}

async fn take_in(db: &Db, piece: &Piece) {
    receive::apply(db, &rulebook(), &[piece.delivery()], NOW_MS).await.unwrap();
}

/// Claims what is due to be asked, and settles it as asked.
async fn asked(db: &Db) -> Vec<String> {
    let claimed = delivery::claim(db, STRIPE, NOW_MS, NOW_MS + 60_000, 100).await.unwrap();
    let keys = claimed.iter().map(|it| it.effect_id.clone()).collect();
    let done = claimed.into_iter().map(|claimed| Settled { claimed, ending: Ending::Done });
    delivery::settle(db, STRIPE, &done.collect::<Vec<_>>(), NOW_MS).await.unwrap();
    keys
}

/// What changed after Stripe was asked is told by an event of the same second.
async fn each_event_of_one_second_asks_stripe(fresh: Fresh) {
    for id in ["evt_1", "evt_2"] {
        take_in(&fresh.db, &thin(id, &json!({}))).await;
        assert_eq!(asked(&fresh.db).await, [format!("refresh:sub_1:{START}:{id}")]);
        take_in(&fresh.db, &thin(id, &json!({}))).await;
        assert!(asked(&fresh.db).await.is_empty(), "a copy of {id}");
    }
}

/// Thin events and an object that two events of one second contradict, before there is a key.
async fn what_cannot_be_asked_yet_waits_for_the_key(fresh: Fresh) {
    take_in(&fresh.db, &thin("evt_1", &json!({}))).await;
    let kept = objects::subscription("sub_2", "active");
    let going = objects::with(&kept, &json!({ "cancel_at_period_end": true }));
    let (on, off) =
        (json!({ "cancel_at_period_end": true }), json!({ "cancel_at_period_end": false }));
    take_in(&fresh.db, &objects::updated("evt_2", START, &going, &off)).await;
    take_in(&fresh.db, &objects::updated("evt_3", START, &kept, &on)).await;
    assert!(!names(&config(&[])).contains(&STRIPE.to_owned()), "they are shown as held");
    let waiting = delivery::waiting(&fresh.db).await.unwrap();
    assert!(waiting.contains(&(STRIPE.to_owned(), "pending".to_owned(), 2)), "{waiting:?}");

    let with_key = config(&[("STRIPE_SECRET_KEY", "sk_test_the_key_of_the_tests")]);
    assert!(names(&with_key).contains(&STRIPE.to_owned()));
    let mut keys = asked(&fresh.db).await;
    keys.sort();
    let unsettled = format!("refresh:sub_2:{START}");
    assert_eq!(keys, [format!("refresh:sub_1:{START}:evt_1"), unsettled]);
}
