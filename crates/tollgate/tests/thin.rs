//! Thin events name what changed and no more: Stripe is asked, once an event, and what it answers
//! is applied. Workers are stepped by hand.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod naughty;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use history::objects::{self, USER, event, of_account, subscription, updated, with};
use history::{Piece, START};
use naughty::{Act, Naughty, say};
use serde_json::{Value, json};
use tollgate::answer;
use tollgate::billing::Billing;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::deliver::Worker;
use tollgate::deliver::destinations::{self, STRIPE, names, routes};
use tollgate::receive::{self, Receiver};
use tollgate::rules::access::Access;
use tollgate::rules::effects::{Effect, EffectKind};
use tollgate::rules::policy::Rulebook;
use tollgate::store::delivery::{self, Ending, Settled};
use tollgate::store::event::Status;
use tollgate::store::outbox::{NewFact, Staged};
use tollgate::store::{self, Db};
use tollgate_stripe::object::Object;

const NOW_MS: i64 = START * 1000 + 700;
/// When all answers come, by Stripe's clock.
const NOON: i64 = 1_795_348_800;
const KEY: &str = "sk_test_the_key_of_the_tests";

on_both_databases! {
    each_event_of_one_second_asks_stripe;
    what_cannot_be_asked_yet_waits_for_the_key;
    a_connected_accounts_object_is_asked_for_there;
    what_cannot_be_asked_is_given_up_with_a_reason;
    features_are_learned_from_the_snapshot_that_carries_them;
    a_renewal_is_announced_by_its_snapshot;
    what_the_object_does_not_show_is_learned_from_its_snapshot;
    an_object_is_asked_for_where_its_snapshot_is_out_of_reach;
    an_event_that_names_nothing_is_kept_as_failed;
    a_contradiction_is_settled_by_what_is_seen_after_its_second;
    questions_of_older_versions_are_asked;
    t3_f3_what_stripe_failed_to_answer_is_asked_again;
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
    for piece in contradiction("sub_2") {
        take_in(&fresh.db, &piece).await;
    }
    assert!(!names(&config(&[])).contains(&STRIPE.to_owned()), "they are shown as held");
    let waiting = delivery::waiting(&fresh.db).await.unwrap();
    assert!(waiting.contains(&(STRIPE.to_owned(), "pending".to_owned(), 2)), "{waiting:?}");

    let with_key = config(&[("STRIPE_SECRET_KEY", KEY)]);
    assert!(names(&with_key).contains(&STRIPE.to_owned()));
    let mut keys = asked(&fresh.db).await;
    keys.sort();
    let unsettled = format!("refresh:sub_2:{START}");
    assert_eq!(keys, [format!("refresh:sub_1:{START}:evt_1"), unsettled]);
}

/// Two events of one second, of which nothing tells which was last.
fn contradiction(id: &str) -> [Piece; 2] {
    contradiction_at(id, START)
}

fn contradiction_at(id: &str, at: i64) -> [Piece; 2] {
    let kept = subscription(id, "active");
    let going = with(&kept, &json!({ "cancel_at_period_end": true }));
    let [on, off] = [true, false].map(|it| json!({ "cancel_at_period_end": it }));
    [
        updated(&format!("evt_{id}_1"), at, &going, &off),
        updated(&format!("evt_{id}_2"), at, &kept, &on),
    ]
}

/// A node with a key, and the Stripe that it asks.
struct Node {
    db: Db,
    rulebook: Rulebook,
    stripe: Naughty,
    clock: Clock,
    worker: Worker,
    _door: (Receiver, receive::Writers),
}

impl Node {
    /// Starts it; Stripe answers like this.
    async fn start(fresh: &Fresh, acts: &[Act]) -> Self {
        let stripe = Naughty::start(acts).await;
        let config = config(&[("STRIPE_SECRET_KEY", KEY), ("STRIPE_API_BASE", &stripe.url)]);
        let accounts = vec!["acct_1".to_owned()];
        let rulebook = Rulebook { routes: routes(&config), accounts, ..objects::rulebook() };
        let (db, clock) = (fresh.db.clone(), Clock::manual(NOW_MS));
        let door = receive::open(&db, &Arc::new(rulebook.clone()), &clock);
        let billing = Arc::new(Billing::new(&config, &db, &door.0, &clock).unwrap());
        let all = destinations::all(&config, Some(&billing), None).unwrap();
        let asking = all.into_iter().find(|it| it.name == STRIPE).unwrap();
        let worker = Worker::new(asking, &db, &clock);
        Self { db, rulebook, stripe, clock, worker, _door: door }
    }

    /// Takes it in, and asks what has to be asked; returns what Stripe was asked since the start.
    async fn take_in(&mut self, pieces: &[Piece]) -> Vec<String> {
        for piece in pieces {
            let inputs = [piece.delivery()];
            receive::apply(&self.db, &self.rulebook, &inputs, NOW_MS).await.unwrap();
        }
        while self.worker.step().await.unwrap() > 0 {}
        self.stripe.asked()
    }

    async fn has(&self, feature: &str) -> bool {
        self.access().await.features.iter().any(|it| it == feature)
    }

    async fn access(&self) -> Access {
        let now = NOW_MS / 1000;
        answer::access(&self.db, &self.rulebook, USER, now).await.unwrap().access
    }
}

fn object(object: &Value) -> Act {
    say(200, "", &object.to_string())
}

async fn a_connected_accounts_object_is_asked_for_there(fresh: Fresh) {
    let missing = say(404, "", r#"{"error":{"type":"invalid_request_error"}}"#);
    let answers = [object(&subscription("sub_1", "active")), missing];
    let mut node = Node::start(&fresh, &answers).await;
    let asked = node.take_in(&[thin("evt_1", &json!({ "context": "acct_1" }))]).await;
    let [request] = asked.as_slice() else { panic!("one question: {asked:?}") };
    assert!(request.starts_with("GET /v1/subscriptions/sub_1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("stripe-account: acct_1\r\n"), "{request}");
    let stored = store::object::find_all(&node.db, &["sub_1"]).await.unwrap().remove(0);
    assert_eq!(stored.account.as_deref(), Some("acct_1"));
    assert!(node.access().await.granted);
    drop(node);

    // An object of theirs of which too little is known.
    let of_theirs = contradiction("sub_2").map(|it| of_account(&it, "acct_1"));
    let going = with(&subscription("sub_2", "active"), &json!({ "cancel_at_period_end": true }));
    let mut node = Node::start(&fresh, &[object(&going)]).await;
    let asked = node.take_in(&of_theirs).await;
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("stripe-account: acct_1\r\n"), "{}", asked[0]);
    let settled = store::object::find_all(&node.db, &["sub_2"]).await.unwrap().remove(0);
    assert!(!settled.standing.unsettled && settled.standing.at > START);
    // What is our own is asked for as before.
    let own = node.take_in(&contradiction("sub_3")).await;
    assert!(!own[1].contains("stripe-account") && !own[1].contains("stripe-context"), "{}", own[1]);
}

async fn what_cannot_be_asked_is_given_up_with_a_reason(fresh: Fresh) {
    let mut node = Node::start(&fresh, &[object(&json!({}))]).await;
    let strange = json!({ "id": "di_1", "type": "discount", "url": "" });
    let asked = node.take_in(&[thin("evt_1", &json!({ "related_object": strange }))]).await;
    assert!(asked.is_empty());
    let dead = delivery::newest(&node.db, "dead", STRIPE, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].error.is_some());
}

/// A thin event of this type, with `evt_s` for its snapshot and no object.
fn twin(id: &str, kind: &str) -> Piece {
    let names = json!({ "type": kind, "related_object": null, "snapshot_event": "evt_s" });
    thin(id, &names)
}

fn body(piece: &Piece) -> Act {
    say(200, "", &piece.body)
}

fn entitled(id: &str, at: i64, features: &[&str]) -> Piece {
    let data: Vec<Value> = features.iter().map(|it| json!({ "lookup_key": it })).collect();
    let summary = json!({
        "object": "entitlements.active_entitlement_summary",
        "customer": "cus_1", "livemode": false, "entitlements": { "data": data },
    });
    event(id, "entitlements.active_entitlement_summary.updated", at, &summary)
}

async fn features_are_learned_from_the_snapshot_that_carries_them(fresh: Fresh) {
    let later = thin(
        "evt_2",
        &json!({
            "type": "v1.entitlements.active_entitlement_summary.updated",
            "related_object": null, "snapshot_event": "evt_t",
        }),
    );
    let answers = [body(&entitled("evt_s", START, &["sso"])), body(&entitled("evt_t", START, &[]))];
    let mut node = Node::start(&fresh, &answers).await;
    let active = subscription("sub_1", "active");
    let starts = event("evt_0", "customer.subscription.created", START, &active);
    let granted = twin("evt_1", "v1.entitlements.active_entitlement_summary.updated");
    let asked = node.take_in(&[starts, granted]).await;
    assert!(asked[0].starts_with("GET /v1/events/evt_s HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(node.has("sso").await);
    let asked = node.take_in(&[later]).await;
    assert!(asked[1].starts_with("GET /v1/events/evt_t HTTP/1.1\r\n"), "{}", asked[1]);
    assert!(!node.has("sso").await, "Stripe revoked it");
}

async fn a_renewal_is_announced_by_its_snapshot(fresh: Fresh) {
    let upcoming = json!({
        "object": "invoice", "customer": "cus_1", "period_end": START + 9,
        "parent": { "subscription_details": { "subscription": "sub_1" } },
    });
    let snapshot = event("evt_s", "invoice.upcoming", START, &upcoming);
    let mut node = Node::start(&fresh, &[body(&snapshot)]).await;
    node.take_in(&[twin("evt_1", "v1.invoice.upcoming")]).await;
    let key = format!("renewal_upcoming:sub_1:{}", START + 9);
    assert_eq!(store::outbox::find(&node.db, &[&key]).await.unwrap().len(), 1);
}

/// A coupon that is gone cannot be read, nor does an invoice say that an attempt failed just now.
async fn what_the_object_does_not_show_is_learned_from_its_snapshot(fresh: Fresh) {
    let coupon = json!({ "id": "25OFF", "object": "coupon", "valid": true });
    let answers = [body(&event("evt_s", "coupon.deleted", START, &coupon))];
    let mut node = Node::start(&fresh, &answers).await;
    let gone = json!({
        "type": "v1.coupon.deleted", "snapshot_event": "evt_s", "context": "acct_1",
        "related_object": { "id": "25OFF", "type": "coupon", "url": "/v1/coupons/25OFF" },
    });
    let asked = node.take_in(&[thin("evt_1", &gone)]).await;
    assert!(asked[0].contains("stripe-account: acct_1\r\n"), "{}", asked[0]);
    let stored = store::object::find_all(&node.db, &["coupon:acct_1:25OFF"]).await.unwrap();
    let Object::Coupon(coupon) = &stored[0].standing.object else { panic!("{stored:?}") };
    assert!(coupon.deleted);
    drop(node);

    let invoice = json!({
        "id": "in_1", "object": "invoice", "customer": "cus_1", "status": "open",
        "attempt_count": 1,
    });
    let answers = [body(&event("evt_f", "invoice.payment_failed", START, &invoice))];
    let mut node = Node::start(&fresh, &answers).await;
    let failed = json!({
        "type": "v1.invoice.payment_failed", "snapshot_event": "evt_f",
        "related_object": { "id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1" },
    });
    node.take_in(&[thin("evt_2", &failed)]).await;
    let keys = ["payment_failed:in_1:attempt_1"];
    assert_eq!(store::outbox::find(&node.db, &keys).await.unwrap().len(), 1);
}

/// Stripe keeps events for 30 days, and a restricted key may read objects alone.
async fn an_object_is_asked_for_where_its_snapshot_is_out_of_reach(fresh: Fresh) {
    for (status, id) in [(404, "sub_1"), (403, "sub_2")] {
        let refused = say(status, "", r#"{"error":{"type":"invalid_request_error"}}"#);
        let mut node = Node::start(&fresh, &[refused, object(&subscription(id, "active"))]).await;
        let fields = json!({
            "snapshot_event": "evt_s",
            "related_object": { "id": id, "type": "subscription", "url": "" },
        });
        let asked = node.take_in(&[thin(&format!("evt_{id}"), &fields)]).await;
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert_eq!(store::object::find_all(&node.db, &[id]).await.unwrap().len(), 1);
    }
    // What no object carries is not forgotten either.
    let missing = say(404, "", r#"{"error":{"type":"invalid_request_error"}}"#);
    let mut node = Node::start(&fresh, &[missing]).await;
    node.take_in(&[twin("evt_1", "v1.invoice.upcoming")]).await;
    assert_eq!(delivery::newest(&node.db, "dead", STRIPE, 10).await.unwrap().len(), 1);
}

async fn an_event_that_names_nothing_is_kept_as_failed(fresh: Fresh) {
    let nothing = json!({
        "type": "v1.entitlements.active_entitlement_summary.updated", "related_object": null,
    });
    let other = json!({ "type": "v1.tax_rate.created", "related_object": null });
    let mut node = Node::start(&fresh, &[object(&json!({}))]).await;
    let asked = node.take_in(&[thin("evt_1", &nothing), thin("evt_2", &other)]).await;
    assert!(asked.is_empty());
    let status = async |id: &str| store::event::find(&node.db, id).await.unwrap().unwrap().status;
    assert_eq!(status("evt_1").await, Status::Failed);
    assert_eq!(status("evt_2").await, Status::Ignored);
    let told = store::outbox::find(&node.db, &["event_failed:evt_1"]).await.unwrap();
    assert_eq!(told.len(), 1);
}

/// Stripe is asked at once, in the second that it is to judge: an answer of that second judges
/// nothing.
async fn a_contradiction_is_settled_by_what_is_seen_after_its_second(fresh: Fresh) {
    let going = with(&subscription("sub_1", "active"), &json!({ "cancel_at_period_end": true }));
    let Act::Say(early) = object(&going) else { panic!("it says something") };
    let late = Act::Say(early.replace("12:00:00 GMT", "12:00:07 GMT"));
    let early = Act::Say(early);
    let mut node = Node::start(&fresh, &[early.clone(), early, late]).await;
    let asked = node.take_in(&contradiction_at("sub_1", NOON)).await;
    assert_eq!(asked.len(), 2, "the first answer tells the time");
    let waiting = delivery::newest(&node.db, "pending", STRIPE, 10).await.unwrap();
    assert!(waiting[0].error.as_ref().is_some_and(|it| it.contains("not over")), "{waiting:?}");

    node.clock.advance(Duration::from_secs(10));
    assert_eq!(node.take_in(&[]).await.len(), 3);
    assert!(delivery::newest(&node.db, "pending", STRIPE, 10).await.unwrap().is_empty());
    let standing = store::object::find_all(&node.db, &["sub_1"]).await.unwrap().remove(0).standing;
    assert!(!standing.unsettled && standing.at > NOON);
    let Object::Subscription(settled) = standing.object else { panic!("it is one") };
    assert!(settled.cancel_at_period_end);
}

/// They were named without their event, and some know none.
async fn questions_of_older_versions_are_asked(fresh: Fresh) {
    let mut node = Node::start(&fresh, &[object(&subscription("sub_1", "active"))]).await;
    take_in(&fresh.db, &thin("evt_1", &json!({ "context": "acct_1" }))).await;
    assert_eq!(asked(&fresh.db).await.len(), 1);
    let question = |subject: &str, event_id: Option<&str>| NewFact {
        staged: Staged {
            effect: Effect::new(EffectKind::Refresh, subject, START),
            event_id: event_id.map(str::to_owned),
        },
        owner_id: None,
        only_if_failed: false,
    };
    let old = [question("sub_1", Some("evt_1")), question("price::price_1", None)];
    let mut tx = fresh.db.begin().await.unwrap();
    let new = store::outbox::stage(&mut tx, &old, START).await.unwrap();
    delivery::plan(&mut tx, &new, &node.rulebook.routes, NOW_MS).await.unwrap();
    tx.commit().await.unwrap();
    let mut asked = node.take_in(&[]).await;
    asked.sort();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].starts_with("GET /v1/prices/price_1 HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(!asked[0].contains("stripe-account"), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /v1/subscriptions/sub_1 HTTP/1.1\r\n"), "{}", asked[1]);
    assert!(asked[1].contains("stripe-account: acct_1\r\n"), "{}", asked[1]);
}

/// By its name in `traps.rs`.
async fn t3_f3_what_stripe_failed_to_answer_is_asked_again(fresh: Fresh) {
    let failed = say(500, "stripe-should-retry: false\r\n", r#"{"error":{"type":"api_error"}}"#);
    let mut node = Node::start(&fresh, &[failed, object(&subscription("sub_1", "active"))]).await;
    assert_eq!(node.take_in(&[thin("evt_1", &json!({}))]).await.len(), 1);
    assert!(!node.access().await.granted);
    let waiting = delivery::newest(&node.db, "pending", STRIPE, 10).await.unwrap();
    assert!(waiting[0].error.is_some(), "{waiting:?}");
    node.clock.advance(Duration::from_secs(60));
    assert_eq!(node.take_in(&[]).await.len(), 2);
    assert!(node.access().await.granted);
}
