//! Deliveries in the tables: what is planned, who may claim what, and what a settlement does.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::BTreeSet;

use databases::{Fresh, on_both_databases};
use history::START;
use history::objects::{self, event, subscription, updated, with};
use serde_json::json;
use tollgate::receive;
use tollgate::rules::effects::EffectKind;
use tollgate::rules::policy::Rulebook;
use tollgate::rules::routes::Routes;
use tollgate::store::delivery::{Claimed, Ending, Settled, claim, newest, revive, settle, told};
use tollgate::store::{self, Db};

const NOW_MS: i64 = (START + 3_600) * 1000;
const LEASE_MS: i64 = 60_000;

on_both_databases! {
    a_fact_is_planned_once_for_everybody_who_hears_of_it;
    facts_of_one_customer_are_claimed_in_their_order;
    a_lease_that_ran_out_is_claimed_by_another_and_the_first_settles_nothing;
    what_is_revived_under_way_is_settled_by_the_second_claim_alone;
    nodes_that_claim_at_once_share_what_is_due;
    what_failed_waits_and_what_was_given_up_can_be_revived;
    planning_costs_one_statement_more_at_any_size;
}

/// Everything is told to `app` in order, starts and ends also to `mail`.
fn rulebook() -> Rulebook {
    let mut routes = Routes::default();
    let kinds = [
        EffectKind::SubscriptionStarted,
        EffectKind::CancellationScheduled,
        EffectKind::CancellationWithdrawn,
        EffectKind::SubscriptionEnded,
    ];
    for kind in kinds {
        routes.add(kind, "app", true);
    }
    routes.add(EffectKind::SubscriptionStarted, "mail", false);
    Rulebook { routes, ..objects::rulebook() }
}

/// Takes in a subscription that starts, is cancelled and goes on after all.
async fn take_in(db: &Db, number: usize) {
    let id = format!("sub_{number}");
    let customer = format!("cus_{number}");
    let active = with(
        &subscription(&id, "active"),
        &json!({ "customer": customer, "metadata": { "user_id": format!("user_{number}") } }),
    );
    let ending = with(&active, &json!({ "cancel_at_period_end": true }));
    let (on, off) =
        (json!({ "cancel_at_period_end": true }), json!({ "cancel_at_period_end": false }));
    let history = [
        event(&format!("evt_{number}_1"), "customer.subscription.created", START, &active),
        updated(&format!("evt_{number}_2"), START + 10, &ending, &off),
        updated(&format!("evt_{number}_3"), START + 20, &active, &on),
    ];
    for (piece, later) in history.iter().zip(0..) {
        let inputs = [piece.delivery()];
        receive::apply(db, &rulebook(), &inputs, NOW_MS + later).await.unwrap();
    }
}

fn done(claimed: &Claimed) -> Settled {
    Settled { claimed: claimed.clone(), ending: Ending::Done }
}

async fn planned(db: &Db) -> Vec<(String, String, String)> {
    let all = newest(db, "", "", 1_000).await.unwrap();
    all.into_iter().map(|it| (it.destination, it.effect_id, it.status)).collect()
}

async fn a_fact_is_planned_once_for_everybody_who_hears_of_it(fresh: Fresh) {
    take_in(&fresh.db, 1).await;
    let first = planned(&fresh.db).await;
    let to = |it: &str| first.iter().filter(|(to, ..)| to == it).count();
    assert_eq!((to("app"), to("mail")), (3, 1), "{first:?}");
    assert!(first.iter().all(|(_, _, status)| status == "pending"));
    // Another destination that is configured later hears of nothing old.
    let mut later = rulebook();
    later.routes.add(EffectKind::SubscriptionStarted, "latecomer", false);
    let again =
        event("evt_9", "customer.subscription.updated", START, &subscription("sub_1", "active"));
    receive::apply(&fresh.db, &later, &[again.delivery()], NOW_MS).await.unwrap();
    assert_eq!(planned(&fresh.db).await, first);
}

async fn facts_of_one_customer_are_claimed_in_their_order(fresh: Fresh) {
    take_in(&fresh.db, 1).await;
    take_in(&fresh.db, 2).await;
    let mut seen = Vec::new();
    for turn in 0..3 {
        let now = NOW_MS + 10 + turn;
        let claimed = claim(&fresh.db, "app", now, now + LEASE_MS, 100).await.unwrap();
        assert_eq!(claimed.len(), 2, "one a customer: {claimed:?}");
        assert!(claim(&fresh.db, "app", now, now + LEASE_MS, 100).await.unwrap().is_empty());
        let ended: Vec<Settled> = claimed.iter().map(done).collect();
        settle(&fresh.db, "app", &ended, now).await.unwrap();
        seen.extend(claimed.into_iter().map(|it| it.effect_id).filter(|it| it.contains("sub_1")));
    }
    let kinds: Vec<&str> = seen.iter().filter_map(|it| it.split(':').next()).collect();
    let wanted = ["subscription_started", "cancellation_scheduled", "cancellation_withdrawn"];
    assert_eq!(kinds, wanted);
    let mails = claim(&fresh.db, "mail", NOW_MS + 10, NOW_MS + LEASE_MS, 100).await.unwrap();
    assert_eq!(mails.len(), 2, "mails wait for nothing");
}

async fn a_lease_that_ran_out_is_claimed_by_another_and_the_first_settles_nothing(fresh: Fresh) {
    take_in(&fresh.db, 1).await;
    let lease_ends = NOW_MS + LEASE_MS;
    let first = claim(&fresh.db, "mail", NOW_MS + 10, lease_ends, 10).await.unwrap();
    assert!(claim(&fresh.db, "mail", lease_ends - 1, lease_ends, 10).await.unwrap().is_empty());
    let other = claim(&fresh.db, "mail", lease_ends, lease_ends + LEASE_MS, 10).await.unwrap();
    assert_eq!((first[0].attempt, other[0].attempt), (1, 2));
    let late = Settled { claimed: first[0].clone(), ending: Ending::Dead("late".to_owned()) };
    settle(&fresh.db, "mail", &[late], lease_ends).await.unwrap();
    let status = || async { newest(&fresh.db, "", "mail", 10).await.unwrap().remove(0) };
    assert_eq!(status().await.status, "pending");
    settle(&fresh.db, "mail", &[done(&other[0])], lease_ends).await.unwrap();
    assert_eq!(status().await.status, "done");
    let keys = &[other[0].effect_id.clone()];
    assert_eq!(told(&fresh.db, "mail", keys).await.unwrap(), keys);
    assert!(told(&fresh.db, "app", keys).await.unwrap().is_empty());
}

async fn what_is_revived_under_way_is_settled_by_the_second_claim_alone(fresh: Fresh) {
    take_in(&fresh.db, 1).await;
    let now = NOW_MS + 10;
    let first = claim(&fresh.db, "mail", now, now + LEASE_MS, 10).await.unwrap().remove(0);
    assert!(revive(&fresh.db, &first.effect_id, "mail", now + 5).await.unwrap());
    let second = claim(&fresh.db, "mail", now + 5, now + 5 + LEASE_MS, 10).await.unwrap().remove(0);
    assert_eq!((first.attempt, second.attempt), (1, 1));
    let shown = || async { newest(&fresh.db, "", "mail", 10).await.unwrap().remove(0) };
    let refused = Ending::Again("it was away".to_owned(), now + 10);
    for ending in [Ending::Done, refused, Ending::Dead("gone".to_owned()), Ending::Untried(now)] {
        let late = Settled { claimed: first.clone(), ending };
        settle(&fresh.db, "mail", &[late], now + 10).await.unwrap();
        let it = shown().await;
        assert_eq!(
            (it.status.as_str(), it.due_ms, it.attempts),
            ("pending", now + 5 + LEASE_MS, 1)
        );
    }
    settle(&fresh.db, "mail", &[done(&second)], now + 10).await.unwrap();
    assert_eq!(shown().await.status, "done");
}

async fn nodes_that_claim_at_once_share_what_is_due(fresh: Fresh) {
    for number in 0..12 {
        take_in(&fresh.db, number).await;
    }
    let (one, other) = (fresh.node().await, fresh.node().await);
    let mut seen = BTreeSet::new();
    for turn in 0..8 {
        let now = NOW_MS + 100 + turn;
        let (a, b) = tokio::join!(
            claim(&one, "app", now, now + LEASE_MS, 5),
            claim(&other, "app", now, now + LEASE_MS, 5),
        );
        let claimed = [a.unwrap(), b.unwrap()].concat();
        for it in &claimed {
            assert!(seen.insert(it.effect_id.clone()), "{} twice", it.effect_id);
        }
        let ended: Vec<Settled> = claimed.iter().map(done).collect();
        settle(&one, "app", &ended, now).await.unwrap();
    }
    assert_eq!(seen.len(), 36);
}

async fn what_failed_waits_and_what_was_given_up_can_be_revived(fresh: Fresh) {
    take_in(&fresh.db, 1).await;
    let now = NOW_MS + 10;
    let claimed = claim(&fresh.db, "app", now, now + LEASE_MS, 10).await.unwrap().remove(0);
    let again = Ending::Again("it was away".to_owned(), now + 5_000);
    settle(&fresh.db, "app", &[Settled { claimed: claimed.clone(), ending: again }], now)
        .await
        .unwrap();
    assert!(claim(&fresh.db, "app", now + 4_999, now, 10).await.unwrap().is_empty());
    let second = claim(&fresh.db, "app", now + 5_000, now + LEASE_MS, 10).await.unwrap().remove(0);
    assert_eq!((second.attempt, &second.effect_id), (2, &claimed.effect_id));
    let dead = Settled { claimed: second, ending: Ending::Dead("gone".to_owned()) };
    settle(&fresh.db, "app", &[dead], now + 5_000).await.unwrap();
    let shown = newest(&fresh.db, "dead", "app", 10).await.unwrap();
    assert_eq!((shown.len(), shown[0].error.as_deref()), (1, Some("gone")));
    let waiting = store::delivery::waiting(&fresh.db).await.unwrap();
    let count = |status: &str| {
        waiting.iter().find(|it| it.0 == "app" && it.1 == status).map_or(0, |it| it.2)
    };
    assert_eq!((count("dead"), count("pending")), (1, 2));
    // What was given up holds up nobody.
    let next = claim(&fresh.db, "app", now + 5_000, now + LEASE_MS, 10).await.unwrap();
    assert_eq!(next.len(), 1);
    assert!(revive(&fresh.db, &claimed.effect_id, "app", now + 6_000).await.unwrap());
    assert!(!revive(&fresh.db, &claimed.effect_id, "nobody", now).await.unwrap());
    let revived = claim(&fresh.db, "app", now + 6_000, now + LEASE_MS, 10).await.unwrap();
    assert_eq!((revived.len(), revived[0].attempt), (1, 1));
}

async fn planning_costs_one_statement_more_at_any_size(fresh: Fresh) {
    let starts = |range: std::ops::Range<usize>| -> Vec<receive::Input> {
        let piece = |number: usize| {
            let it = with(
                &subscription(&format!("sub_{number}"), "active"),
                &json!({ "customer": format!("cus_{number}"), "metadata": {} }),
            );
            event(&format!("evt_{number}"), "customer.subscription.created", START, &it).delivery()
        };
        range.map(piece).collect()
    };
    let cost = async |rulebook: &Rulebook, inputs: &[receive::Input]| {
        let before = fresh.db.executed();
        receive::apply(&fresh.db, rulebook, inputs, NOW_MS).await.unwrap();
        fresh.db.executed() - before
    };
    let nobody = cost(&objects::rulebook(), &starts(0..1)).await;
    assert_eq!(cost(&rulebook(), &starts(1..2)).await, nobody + 1);
    assert_eq!(cost(&rulebook(), &starts(2..66)).await, nobody + 1);
}
