//! State is a function of the set of what was observed, also where the observations make no sense
//! together: snapshots by chance, in few seconds, with previous attributes that may lie.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::chance::Chance;
use history::objects::{
    self, charge, customer, dispute, invoice, items, session, subscription, with,
};
use history::world::{History, World};
use history::{Piece, START};
use serde_json::{Value, json};

/// Events of one set; all their orders are tried.
const EVENTS: usize = 5;
const SETS: u64 = 1_500;

fn pick<T: Clone>(chance: &mut Chance, of: &[T]) -> T {
    of[chance.below(of.len())].clone()
}

/// Some state of a subscription, of few, so that equals meet.
fn any_subscription(chance: &mut Chance) -> Value {
    let status =
        pick(chance, &["incomplete", "trialing", "active", "active", "past_due", "canceled"]);
    let price = pick(chance, &["price_pro", "price_team"]);
    let fields = json!({
        "items": items(price, 1),
        "cancel_at_period_end": chance.below(2) == 0,
        "metadata": pick(chance, &[json!({}), json!({ "user_id": "user_1" })]),
    });
    with(&subscription("sub_1", status), &fields)
}

fn any_invoice(chance: &mut Chance) -> Value {
    let status = pick(chance, &["draft", "open", "open", "uncollectible", "paid", "void"]);
    let attempts = i64::try_from(chance.below(3)).expect("a small number");
    let fields = json!({ "attempt_count": attempts, "next_payment_attempt": null });
    with(&invoice("in_1", status, START), &fields)
}

fn any_payment(chance: &mut Chance) -> Value {
    let refunded = pick(chance, &[0, 900, 2900]);
    let fields = json!({ "amount_refunded": refunded, "disputed": chance.below(2) == 0 });
    with(&charge("1", START), &fields)
}

/// An event type and an object of one kind.
fn any_object(chance: &mut Chance, kind: usize) -> (&'static str, Value) {
    match kind {
        0 => (
            pick(chance, &["customer.subscription.created", "customer.subscription.updated"]),
            any_subscription(chance),
        ),
        1 => (pick(chance, &["invoice.created", "invoice.updated"]), any_invoice(chance)),
        2 => ("charge.updated", any_payment(chance)),
        3 => {
            let status = pick(chance, &["needs_response", "under_review", "won", "lost"]);
            ("charge.dispute.updated", dispute(status, "1"))
        }
        4 => {
            let status = pick(chance, &["open", "complete", "expired"]);
            let paid = pick(chance, &["unpaid", "paid"]);
            ("checkout.session.completed", with(&session(paid), &json!({ "status": status })))
        }
        _ => {
            let name = pick(chance, &["user_1", "user_2"]);
            let kind = pick(chance, &["customer.created", "customer.updated", "customer.deleted"]);
            (kind, with(&customer(), &json!({ "metadata": { "user_id": name } })))
        }
    }
}

/// Some of the fields of another state, as if they had been before.
fn any_previous(chance: &mut Chance, kind: usize) -> Option<Value> {
    if chance.below(3) == 0 {
        return None;
    }
    let (_, mut object) = any_object(chance, kind);
    let fields = object.as_object_mut().expect("objects are objects");
    fields.retain(|key, _| key != "id" && key != "object" && chance.below(4) == 0);
    Some(object)
}

fn any_set(seed: u64) -> Vec<Piece> {
    let mut chance = Chance::new(seed);
    let kind = pick(&mut chance, &[0, 0, 0, 1, 1, 2, 3, 4, 5]);
    let mut piece = |number: usize| {
        let (event_type, object) = any_object(&mut chance, kind);
        let at = START + i64::try_from(chance.below(2)).expect("a small number");
        // Ids by chance, or the later one would always be greater.
        let id = format!("evt_{:04x}{number}", chance.next() & 0xffff);
        match any_previous(&mut chance, kind) {
            Some(previous) => objects::change(&id, event_type, at, &object, &previous),
            None => objects::event(&id, event_type, at, &object),
        }
    };
    (0..EVENTS).map(&mut piece).collect()
}

#[test]
fn whatever_was_observed_ends_the_same_in_any_order() {
    let mut contests = 0;
    for seed in 0..SETS {
        let history = History::new(any_set(seed));
        let first = history.in_order();
        contests += usize::from(first.standings.values().any(|it| it.contested));
        let all: Vec<usize> = (0..EVENTS).collect();
        history.permutations(&all, &mut |world, path| {
            assert_eq!(world, &first, "seed {seed}: the order {path:?}");
        });
        for shuffle in 0..10 {
            assert_eq!(history.shuffled(shuffle), first, "seed {seed}: shuffle {shuffle}");
        }
    }
    assert!(contests > 100, "only {contests} of the sets are contested");
}

/// More observations never move an object back: what stood later or final, stays.
#[test]
fn one_more_observation_never_brings_back_an_older_second() {
    for seed in 0..SETS {
        let history = History::new(any_set(seed));
        let mut world = World::default();
        let mut last = i64::MIN;
        let mut was_final = false;
        for index in 0..EVENTS {
            world.take(&history, &[index]);
            let standing = world.standings.values().next().expect("something was observed");
            let deleted = standing.object.to_stored().contains("\"deleted\":true");
            assert!(was_final || deleted || is_final(&standing.object) || standing.at >= last);
            was_final |= deleted || is_final(&standing.object);
            assert!(!was_final || deleted || is_final(&standing.object), "seed {seed}: reopened");
            last = standing.at;
        }
    }
}

fn is_final(object: &tollgate_stripe::object::Object) -> bool {
    let stored: Value = serde_json::from_str(&object.to_stored()).expect("it is JSON");
    let status = stored["status"].as_str().unwrap_or_default();
    ["canceled", "paid", "void", "expired"].contains(&status)
}
