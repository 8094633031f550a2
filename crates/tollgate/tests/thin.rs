//! Thin events name what changed and no more: Stripe is asked, once an event, and what it answers
//! is applied. Workers are stepped by hand.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use databases::{Fresh, on_both_databases};
use history::{Piece, START, objects};
use serde_json::{Value, json};
use tollgate::deliver::destinations::STRIPE;
use tollgate::receive;
use tollgate::rules::effects::EffectKind;
use tollgate::rules::policy::Rulebook;
use tollgate::rules::routes::Routes;
use tollgate::store::Db;
use tollgate::store::delivery::{self, Ending, Settled};

const NOW_MS: i64 = START * 1000 + 700;

on_both_databases! {
    each_event_of_one_second_asks_stripe;
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

fn rulebook() -> Rulebook {
    let mut routes = Routes::default();
    routes.add(EffectKind::Refresh, STRIPE, false);
    Rulebook { routes, ..objects::rulebook() }
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
