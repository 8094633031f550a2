//! Each fault that can be switched on.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Delete, Post};
use tollgate_sandbox::{Post as Delivery, Request};

use crate::world::{DAY, START, Sandbox};
use crate::{call, customer, done, endpoint, pending, read, text, verify};

/// Faults of deliveries at a rate that always strikes, and what comes of ten events.
fn with_fault(fault: &str) -> (Sandbox, String, Vec<String>) {
    let mut sandbox = Sandbox::new();
    let (_, secret) = endpoint(&mut sandbox, &[]);
    done(&mut sandbox, Post, "/_sandbox/faults", &json!({ "seed": 3, fault: 1000 }));
    for _ in 0..10 {
        customer(&mut sandbox);
    }
    let list = read(&mut sandbox, "/v1/events?limit=100");
    let mut events: Vec<String> =
        list["data"].as_array().unwrap().iter().map(|event| text(&event["id"])).collect();
    events.reverse();
    (sandbox, secret, events)
}

/// Takes and answers what comes within a day, in the order in which it comes.
fn all_of_a_day(sandbox: &mut Sandbox) -> Vec<Delivery> {
    let end = sandbox.world.now() + DAY;
    let mut posts = Vec::new();
    while let Some(due) = sandbox.world.next_delivery().filter(|due| *due <= end) {
        sandbox.world.advance(due);
        for post in sandbox.world.take_due(1) {
            sandbox.world.answered(post.id, Some(200));
            posts.push(post);
        }
    }
    posts
}

fn ids(posts: &[Delivery]) -> Vec<String> {
    posts.iter().map(|post| post.event.clone()).collect()
}

#[test]
fn faults_are_off_until_they_are_switched_on() {
    let mut sandbox = Sandbox::new();
    let off = read(&mut sandbox, "/_sandbox/faults");
    assert!(
        off.as_object().unwrap().values().all(|value| *value == json!(0) || *value == json!({}))
    );
    let on = done(&mut sandbox, Post, "/_sandbox/faults", &json!({ "drop": 5, "api_error": 0 }));
    assert_eq!((&on["drop"], &on["duplicate"]), (&json!(5), &json!(0)));
    for wrong in [
        json!({ "drop": 1001 }),
        json!({ "drop": -1 }),
        json!({ "moon": 1 }),
        json!({ "endpoint": "we_1", "rate_limit": 1 }),
    ] {
        assert_eq!(call(&mut sandbox, Post, "/_sandbox/faults", &wrong).0, 400, "{wrong}");
    }
    assert_eq!(done(&mut sandbox, Delete, "/_sandbox/faults", &json!({})), off);
}

#[test]
fn dropped_deliveries_never_come_and_stay_pending() {
    let (mut sandbox, _, events) = with_fault("drop");
    assert_eq!(all_of_a_day(&mut sandbox), []);
    assert_eq!(pending(&mut sandbox, &events[0]), 1);
}

#[test]
fn duplicates_come_twice() {
    let (mut sandbox, _, events) = with_fault("duplicate");
    let mut twice = ids(&all_of_a_day(&mut sandbox));
    let mut wanted = [events.as_slice(), events.as_slice()].concat();
    twice.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(twice, wanted);
    assert_eq!(pending(&mut sandbox, &events[0]), 0);
}

#[test]
fn reordered_deliveries_overtake_one_another_within_seconds() {
    let (mut sandbox, _, events) = with_fault("reorder");
    let came = ids(&all_of_a_day(&mut sandbox));
    assert_ne!(came, events);
    let mut sorted = came.clone();
    let mut wanted = events;
    sorted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted);
    assert!(sandbox.world.now() - START <= 10);
}

#[test]
fn delayed_deliveries_come_minutes_or_hours_late() {
    let (mut sandbox, secret, events) = with_fault("delay");
    assert_eq!(sandbox.world.take_due(99), []);
    let posts = all_of_a_day(&mut sandbox);
    assert_eq!(posts.len(), events.len());
    let late = sandbox.world.now() - START;
    assert!((3_600..=21_600).contains(&late), "{late}");
    assert_eq!(verify(posts.last().unwrap(), &secret, sandbox.world.now()), Ok(()));
}

#[test]
fn slow_truncated_and_forged_attempts_say_so() {
    let (mut sandbox, secret, _) = with_fault("slow");
    assert!(
        all_of_a_day(&mut sandbox).iter().all(|post| (200..=3_000).contains(&post.slow_millis)
            && verify(post, &secret, START).is_ok())
    );
    let (mut sandbox, secret, _) = with_fault("truncated");
    assert!(all_of_a_day(&mut sandbox).iter().all(
        |post| post.cut_at.unwrap() < post.body.len() && verify(post, &secret, START).is_err()
    ));
    let (mut sandbox, secret, _) = with_fault("wrong_secret");
    assert!(all_of_a_day(&mut sandbox).iter().all(|post| verify(post, &secret, START).is_err()));
}

#[test]
fn events_say_the_same_second() {
    let mut sandbox = Sandbox::new();
    done(&mut sandbox, Post, "/_sandbox/faults", &json!({ "same_second": 1000 }));
    for wait in [5, 5, 5, 3_600] {
        customer(&mut sandbox);
        sandbox.pass(wait);
    }
    customer(&mut sandbox);
    let created: Vec<i64> = sandbox
        .events()
        .iter()
        .map(|(_, event)| event["created"].as_i64().unwrap() - START)
        .collect();
    assert_eq!(created, [0, 0, 0, 0, 3_615], "an hour later is no longer the same second");
}

/// Half of everything goes wrong, and still the same ids come, and the same faults.
#[test]
fn faults_follow_from_their_seed_and_change_no_ids() {
    let run = |faults: &Value| {
        let mut sandbox = Sandbox::new();
        let (id, _) = endpoint(&mut sandbox, &[]);
        done(&mut sandbox, Post, "/_sandbox/faults", faults);
        let made: Vec<String> = (0..20).map(|_| customer(&mut sandbox)).collect();
        (made, id, all_of_a_day(&mut sandbox))
    };
    let half = |seed: u64| {
        let mut faults = json!({ "seed": seed });
        for fault in ["duplicate", "reorder", "delay", "drop", "slow", "truncated", "wrong_secret"]
        {
            faults[fault] = json!(500);
        }
        faults
    };
    let (one, again, other, none) = (run(&half(1)), run(&half(1)), run(&half(2)), run(&json!({})));
    assert_eq!(one, again);
    assert_ne!(one.2, other.2);
    assert_eq!((&one.0, &one.1), (&none.0, &none.1));
    assert_eq!(none.2.len(), 20);
}

#[test]
fn one_endpoint_may_have_faults_of_its_own() {
    let mut sandbox = Sandbox::new();
    let (unlucky, _) = endpoint(&mut sandbox, &[]);
    let (lucky, _) = endpoint(&mut sandbox, &[]);
    let form = format!("endpoint={unlucky}&drop=1000");
    assert_eq!(sandbox.world.call(&Request::new(Post, "/_sandbox/faults", form)).status, 200);
    customer(&mut sandbox);
    let to: Vec<String> = sandbox.world.take_due(9).into_iter().map(|post| post.endpoint).collect();
    assert_eq!(to, [lucky]);
}

#[test]
fn calls_are_refused_as_often_as_was_asked() {
    let mut sandbox = Sandbox::new();
    let faults = json!({ "rate_limit": 2, "api_error": 1, "idempotency_conflict": 1 });
    done(&mut sandbox, Post, "/_sandbox/faults", &faults);
    let mut request = Request::new(Post, "/v1/customers", "name=Ada");
    request.idempotency_key = Some("key".to_owned());
    let mut answers = Vec::new();
    for _ in 0..5 {
        let answer = sandbox.world.call(&request);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let names: Vec<&str> = answer.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(answer.status == 429, names.contains(&"Stripe-Rate-Limited-Reason"));
        assert!(!names.contains(&"Retry-After") && !names.contains(&"Stripe-Should-Retry"));
        answers
            .push((answer.status, body["error"]["code"].as_str().unwrap_or_default().to_owned()));
    }
    let wanted = [
        (429, "rate_limit"),
        (429, "rate_limit"),
        (500, ""),
        (409, "idempotency_key_in_use"),
        (200, ""),
    ];
    assert_eq!(answers, wanted.map(|(status, code)| (status, code.to_owned())));
    let customers = read(&mut sandbox, "/v1/customers");
    assert_eq!(customers["data"].as_array().unwrap().len(), 1, "what was refused was not done");
}

#[test]
fn an_idempotency_key_lives_for_a_day() {
    let mut sandbox = Sandbox::new();
    let mut request = Request::new(Post, "/v1/customers", "name=Ada");
    request.idempotency_key = Some("renew-ada".to_owned());
    let mut ask = |wait: i64| {
        sandbox.pass(wait);
        text(&serde_json::from_str::<Value>(&sandbox.world.call(&request).body).unwrap()["id"])
    };
    let first = ask(0);
    assert_eq!(ask(DAY - 1), first);
    let second = ask(1);
    assert_ne!(second, first, "by then it is as good as new");
    assert_eq!(ask(DAY - 1), second);
}

/// Asks for a customer under a key: the status, and who was made.
fn keyed(sandbox: &mut Sandbox, key: &str) -> (u16, Value) {
    let mut request = Request::new(Post, "/v1/customers", "name=Ada");
    request.idempotency_key = Some(key.to_owned());
    let answer = sandbox.world.call(&request);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    (answer.status, body["id"].clone())
}

fn count_customers(sandbox: &mut Sandbox) -> usize {
    read(sandbox, "/v1/customers")["data"].as_array().unwrap().len()
}

#[test]
fn an_error_in_the_doing_is_kept_under_its_key() {
    let mut sandbox = Sandbox::new();
    done(&mut sandbox, Post, "/_sandbox/faults", &json!({ "api_error_kept": 1 }));
    assert_eq!(count_customers(&mut sandbox), 0, "a read does not use it up");
    for _ in 0..2 {
        assert_eq!(keyed(&mut sandbox, "one"), (500, Value::Null));
    }
    assert_eq!(count_customers(&mut sandbox), 0, "nothing was done");
    assert_eq!(keyed(&mut sandbox, "another").0, 200);
    assert_eq!(count_customers(&mut sandbox), 1);
}

#[test]
fn a_lost_answer_is_found_again_under_its_key() {
    let mut sandbox = Sandbox::new();
    done(&mut sandbox, Post, "/_sandbox/faults", &json!({ "answer_lost": 1 }));
    assert_eq!(keyed(&mut sandbox, "one"), (500, Value::Null));
    let list = read(&mut sandbox, "/v1/customers");
    let made = &list["data"][0]["id"];
    assert_eq!(keyed(&mut sandbox, "one"), (200, made.clone()));
    assert_eq!(count_customers(&mut sandbox), 1);
    assert_eq!(keyed(&mut sandbox, "another").0, 200);
    assert_eq!(count_customers(&mut sandbox), 2, "who takes another key does it twice");
}
