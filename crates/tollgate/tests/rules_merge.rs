//! Contests within one second, by hand: the truth wins whatever the events are called and in
//! whatever order they come.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::BTreeSet;

use history::objects::{PERIOD_END, items, session, subscription, updated, with};
use history::world::{History, World};
use history::{DAY, Piece, START, objects};
use serde_json::{Value, json};
use tollgate_stripe::object::{Object, Subscription};

/// A way to write the same events under other ids.
type Written<'a> = &'a dyn Fn(&[&str]) -> Vec<Piece>;

/// Checks every order of arrival under every assignment of ids.
fn always(count: usize, written: Written<'_>, check: &dyn Fn(&World)) {
    let ids = ["evt_a", "evt_b", "evt_c", "evt_d", "evt_e"];
    let names: Vec<usize> = (0..count).collect();
    for order in permutations(&names) {
        let ids: Vec<&str> = order.iter().map(|it| ids[*it]).collect();
        let history = History::new(written(&ids));
        history.permutations(&names, &mut |world, _| check(world));
        for seed in 0..8 {
            check(&history.shuffled(seed));
        }
    }
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in items {
        let rest: Vec<usize> = items.iter().copied().filter(|it| it != first).collect();
        for mut tail in permutations(&rest) {
            tail.insert(0, *first);
            all.push(tail);
        }
    }
    all
}

fn sub(world: &World) -> &Subscription {
    match world.object("sub_1") {
        Object::Subscription(it) => it,
        other => panic!("{other:?} is no subscription"),
    }
}

fn settled(world: &World) -> bool {
    world.standings.values().all(|it| !it.unsettled)
}

fn created(id: &str, object: &Value) -> Piece {
    objects::event(id, "customer.subscription.created", START, object)
}

#[test]
fn an_update_beats_the_creation_of_its_second() {
    let new = subscription("sub_1", "trialing");
    let named = with(&new, &json!({ "metadata": { "user_id": "user_2" } }));
    always(
        2,
        &|ids| {
            vec![
                created(ids[0], &new),
                // Not even a telling `previous_attributes` is needed.
                objects::event(ids[1], "customer.subscription.updated", START, &named),
            ]
        },
        &|world| {
            assert_eq!(sub(world).metadata.user_id.as_deref(), Some("user_2"));
            assert!(settled(world));
        },
    );
}

#[test]
fn incomplete_becomes_active_within_its_second_and_not_the_other_way() {
    always(
        2,
        &|ids| {
            vec![
                created(ids[0], &subscription("sub_1", "incomplete")),
                objects::event(
                    ids[1],
                    "customer.subscription.updated",
                    START,
                    &subscription("sub_1", "active"),
                ),
            ]
        },
        &|world| assert_eq!(sub(world).status.as_str(), "active"),
    );
}

/// Price, then quantity, then cancellation: each says what was before it.
#[test]
fn three_updates_of_one_second_are_put_in_their_order() {
    let new = subscription("sub_1", "active");
    let dearer = with(&new, &json!({ "items": items("price_team", 1) }));
    let more = with(&new, &json!({ "items": items("price_team", 5) }));
    let last = with(&more, &json!({ "cancel_at_period_end": true, "cancel_at": PERIOD_END }));
    always(
        4,
        &|ids| {
            vec![
                created(ids[0], &new),
                updated(ids[1], START, &dearer, &json!({ "items": items("price_pro", 1) })),
                updated(ids[2], START, &more, &json!({ "items": items("price_team", 1) })),
                updated(
                    ids[3],
                    START,
                    &last,
                    &json!({ "cancel_at_period_end": false, "cancel_at": null }),
                ),
            ]
        },
        &|world| {
            let it = sub(world);
            assert_eq!(it.items[0].quantity, Some(5));
            assert_eq!(it.items[0].price.as_ref().map(AsRef::as_ref), Some("price_team"));
            assert!(it.cancel_at_period_end);
            assert!(settled(world));
        },
    );
}

#[test]
fn an_upgrade_chain_of_one_second_ends_at_its_last_price() {
    let chain = ["price_c", "price_a", "price_d", "price_b"];
    let at =
        |price: &str| with(&subscription("sub_1", "active"), &json!({ "items": items(price, 1) }));
    always(
        3,
        &|ids| {
            let step = |i: usize| {
                let previous = json!({ "items": items(chain[i], 1) });
                updated(ids[i], START + DAY, &at(chain[i + 1]), &previous)
            };
            vec![step(0), step(1), step(2)]
        },
        &|world| {
            assert_eq!(sub(world).items[0].price.as_ref().map(AsRef::as_ref), Some("price_b"));
            assert!(settled(world));
        },
    );
}

/// Nested metadata is compared key by key; a key that was not there is null in what was before.
#[test]
fn a_key_that_appeared_was_not_there_before() {
    let new = subscription("sub_1", "active");
    let planned = with(&new, &json!({ "metadata": { "user_id": "user_1", "plan": "pro" } }));
    always(
        2,
        &|ids| {
            vec![
                updated(ids[0], START, &new, &json!({ "default_payment_method": "pm_0" })),
                updated(ids[1], START, &planned, &json!({ "metadata": { "plan": null } })),
            ]
        },
        &|world| {
            assert_eq!(sub(world).metadata.plan.as_deref(), Some("pro"));
            assert!(settled(world));
        },
    );
}

#[test]
fn cancelled_and_taken_back_in_different_seconds_is_not_cancelled() {
    let kept = subscription("sub_1", "active");
    let going = with(&kept, &json!({ "cancel_at_period_end": true }));
    always(
        3,
        &|ids| {
            vec![
                created(ids[0], &kept),
                updated(ids[1], START + 5, &going, &json!({ "cancel_at_period_end": false })),
                updated(ids[2], START + 6, &kept, &json!({ "cancel_at_period_end": true })),
            ]
        },
        &|world| {
            assert!(!sub(world).cancel_at_period_end);
            assert!(settled(world));
        },
    );
}

/// Nothing tells which of the two was the last, so Stripe has to be asked; but every order of
/// arrival comes to the same until then.
#[test]
fn cancelled_and_taken_back_within_one_second_is_marked_as_unsettled() {
    let kept = subscription("sub_1", "active");
    let going = with(&kept, &json!({ "cancel_at_period_end": true }));
    let written = |ids: &[&str]| {
        vec![
            updated(ids[0], START + 5, &going, &json!({ "cancel_at_period_end": false })),
            updated(ids[1], START + 5, &kept, &json!({ "cancel_at_period_end": true })),
        ]
    };
    for ids in [["evt_a", "evt_b"], ["evt_b", "evt_a"]] {
        let mut ends = BTreeSet::new();
        let history = History::new(written(&ids));
        history.permutations(&[0, 1], &mut |world, _| {
            assert!(world.standings["sub_1"].unsettled);
            ends.insert(sub(world).cancel_at_period_end);
        });
        assert_eq!(ends.len(), 1);
    }
}

/// What comes later settles what could not be settled before.
#[test]
fn a_later_observation_settles_a_contest() {
    let kept = subscription("sub_1", "active");
    let going = with(&kept, &json!({ "cancel_at_period_end": true }));
    always(
        3,
        &|ids| {
            vec![
                updated(ids[0], START + 5, &going, &json!({ "cancel_at_period_end": false })),
                updated(ids[1], START + 5, &kept, &json!({ "cancel_at_period_end": true })),
                updated(ids[2], START + 6, &going, &json!({ "cancel_at_period_end": false })),
            ]
        },
        &|world| {
            assert!(sub(world).cancel_at_period_end);
            assert!(settled(world));
        },
    );
}

#[test]
fn a_renewal_of_one_second_ends_in_the_later_period() {
    let renewed = |end: i64| {
        let mut object = subscription("sub_1", "active");
        object["items"]["data"][0]["current_period_end"] = end.into();
        object
    };
    always(
        2,
        &|ids| {
            let event = |i: usize, end: i64| {
                objects::event(ids[i], "customer.subscription.updated", START, &renewed(end))
            };
            vec![event(0, PERIOD_END), event(1, PERIOD_END + 30 * DAY)]
        },
        &|world| assert_eq!(sub(world).current_period_end, Some(PERIOD_END + 30 * DAY)),
    );
}

#[test]
fn no_later_event_reopens_what_is_final() {
    let deleted = with(&subscription("sub_1", "canceled"), &json!({ "ended_at": START + 10 }));
    always(
        3,
        &|ids| {
            vec![
                created(ids[0], &subscription("sub_1", "active")),
                objects::event(ids[1], "customer.subscription.deleted", START + 10, &deleted),
                updated(ids[2], START + 99, &subscription("sub_1", "active"), &json!({})),
            ]
        },
        &|world| assert_eq!(sub(world).status.as_str(), "canceled"),
    );
}

/// Rendered in the same second: completed first, paid later, in any order.
#[test]
fn a_session_that_is_paid_in_the_second_it_completes_is_paid() {
    always(
        2,
        &|ids| {
            vec![
                objects::event(ids[0], "checkout.session.completed", START, &session("unpaid")),
                objects::event(
                    ids[1],
                    "checkout.session.async_payment_succeeded",
                    START,
                    &session("paid"),
                ),
            ]
        },
        &|world| match world.object("cs_1") {
            Object::CheckoutSession(it) => assert_eq!(it.payment_status.as_str(), "paid"),
            other => panic!("{other:?} is no session"),
        },
    );
}

/// Draft, open and paid in one second, with the draft's event called last.
#[test]
fn an_invoice_of_one_second_is_paid() {
    let told = ["invoice.created", "invoice.finalized", "invoice.paid", "invoice.updated"];
    let status = ["draft", "open", "paid", "open"];
    always(
        4,
        &|ids| {
            let event = |i: usize| {
                objects::event(ids[i], told[i], START, &objects::invoice("in_1", status[i], START))
            };
            (0..4).map(event).collect()
        },
        &|world| match world.object("in_1") {
            Object::Invoice(it) => assert_eq!(it.status.as_str(), "paid"),
            other => panic!("{other:?} is no invoice"),
        },
    );
}

/// Beyond a limit nobody compares what was before; the end is still the same in any order.
#[test]
fn a_crowd_of_one_second_is_marked_as_unsettled_and_ends_the_same_in_any_order() {
    let count = tollgate::rules::merge::CONTESTANTS_MAX + 6;
    let step = |i: usize| {
        let quantity = i64::try_from(i).unwrap();
        let object = with(
            &subscription("sub_1", "active"),
            &json!({ "items": items("price_pro", quantity) }),
        );
        let previous = json!({ "items": items("price_pro", quantity - 1) });
        updated(&format!("evt_{:02}", (i * 37) % count), START, &object, &previous)
    };
    let history = History::new((0..count).map(step).collect());
    let first = history.in_order();
    assert!(!settled(&first));
    for seed in 0..30 {
        assert_eq!(history.shuffled(seed), first, "seed {seed}");
    }
}
