//! Single stories tell what their names promise.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

use serde_json::{Value, json};
use tollgate_sandbox::story::{Cast, StoryEvent, story};

const START: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

fn tell(name: &str) -> (Cast, Vec<(StoryEvent, Value)>) {
    let cast = Cast::new(21, START);
    let events = story(name, &cast).unwrap().into_iter().map(|event| {
        let mut body: Value = serde_json::from_str(&event.body).unwrap();
        let data = body["data"].take();
        (event, data)
    });
    let events = events.collect();
    (cast, events)
}

/// Returns the objects of the events of one type, in order.
fn objects(name: &str, kind: &str) -> Vec<Value> {
    let (_, events) = tell(name);
    let told = events.into_iter().filter(|(event, _)| event.kind == kind);
    told.map(|(_, mut data)| data["object"].take()).collect()
}

#[test]
fn the_user_stands_on_customer_subscription_and_session() {
    let (cast, events) = tell("subscribe_checkout");
    let user = json!(cast.user);
    for (event, data) in &events {
        let object = &data["object"];
        match event.kind.as_str() {
            "customer.created" | "customer.subscription.created" => {
                assert_eq!(object["metadata"]["user_id"], user);
            }
            "checkout.session.completed" => assert_eq!(object["client_reference_id"], user),
            _ => {}
        }
    }
    let nobody = story("subscribe_checkout", &Cast { user: None, ..cast }).unwrap();
    assert!(nobody.iter().all(|event| !event.body.contains("user_")));
}

#[test]
fn a_guest_is_known_by_the_reference_alone() {
    let (cast, events) = tell("guest_purchase");
    let session = &events.last().unwrap().1["object"];
    assert_eq!(session["customer"], Value::Null);
    assert_eq!(session["client_reference_id"], json!(cast.user));
    assert_eq!(session["metadata"], json!({"plan": "pro"}));
    assert_eq!(session["payment_status"], "paid");
    assert!(events.iter().all(|(event, _)| !event.body.contains("cus_")));
}

#[test]
fn the_first_payment_happens_within_one_second() {
    for name in ["subscribe_checkout", "subscribe_api"] {
        let (_, events) = tell(name);
        let created = |kind: &str| {
            events.iter().find(|(event, _)| event.kind == kind).map(|(event, _)| event.created)
        };
        let second = created("customer.subscription.created");
        for kind in ["invoice.created", "payment_intent.succeeded", "invoice.paid"] {
            assert_eq!(created(kind), second, "{name} {kind}");
        }
    }
}

#[test]
fn the_fourth_failure_is_the_last() {
    let failures = objects("renewal_fails_canceled", "invoice.payment_failed");
    let counts: Vec<&Value> = failures.iter().map(|invoice| &invoice["attempt_count"]).collect();
    assert_eq!(counts, [1, 2, 3, 4]);
    let next: Vec<bool> =
        failures.iter().map(|invoice| invoice["next_payment_attempt"].is_i64()).collect();
    assert_eq!(next, [true, true, true, false]);
    let ended = &objects("renewal_fails_canceled", "customer.subscription.deleted")[0];
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
    let statuses = objects("renewal_fails_recovers", "customer.subscription.updated");
    let statuses: Vec<&Value> = statuses.iter().map(|object| &object["status"]).collect();
    assert_eq!(statuses, ["active", "past_due", "active"]);
}

#[test]
fn a_trial_is_announced_three_days_before_it_is_paid() {
    let (_, events) = tell("trial_to_paid");
    let warning = events.iter().find(|(event, _)| event.kind.ends_with("trial_will_end")).unwrap();
    assert_eq!(warning.1["object"]["trial_end"], warning.0.created + 3 * DAY);
    let paid = objects("trial_to_paid", "invoice.paid");
    assert_eq!(paid[0]["amount_paid"], 0);
    assert!(paid[1]["amount_paid"].as_i64() > Some(0));
}

#[test]
fn the_old_subscription_ends_while_the_new_one_is_active() {
    let created = objects("two_subscriptions", "customer.subscription.created");
    let ended = objects("two_subscriptions", "customer.subscription.deleted");
    assert_eq!((created.len(), ended.len()), (2, 1));
    assert_eq!(ended[0]["id"], created[0]["id"]);
    assert_ne!(ended[0]["id"], created[1]["id"]);
    assert_eq!(created[0]["customer"], created[1]["customer"]);
}

#[test]
fn plans_change_to_the_other_price_and_back() {
    let (cast, _) = tell("upgrade");
    let price = |object: &Value| object["items"]["data"][0]["price"]["id"].clone();
    let up = objects("upgrade", "customer.subscription.updated");
    assert_eq!(price(up.last().unwrap()), cast.other_price());
    let down = objects("downgrade_at_period_end", "customer.subscription.updated");
    assert_eq!(price(&down[0]), cast.other_price());
    assert!(down[0]["schedule"].is_string());
    assert_eq!(price(&down[1]), cast.price);
    let waiting = objects("pending_update", "customer.subscription.updated");
    assert!(waiting[0]["pending_update"]["expires_at"].is_i64());
    assert_eq!(price(&waiting[0]), cast.price);
    assert_eq!(price(&waiting[1]), cast.other_price());
}

#[test]
fn refunds_are_whole_or_in_part() {
    for (name, whole) in [("refund_full", true), ("refund_partial", false)] {
        for name in [name.to_owned(), format!("order_{name}")] {
            let charge = &objects(&name, "charge.refunded")[0];
            assert_eq!(charge["refunded"], whole, "{name}");
            assert_eq!(charge["amount_refunded"] == charge["amount"], whole, "{name}");
            assert!(charge["amount_refunded"].as_i64() > Some(0), "{name}");
        }
    }
}

#[test]
fn money_of_a_dispute_goes_and_comes_back_when_it_is_won() {
    let lost = objects("dispute_lost", "charge.dispute.closed");
    assert_eq!(lost[0]["status"], "lost");
    let won = objects("dispute_won", "charge.dispute.funds_reinstated");
    let amounts = won[0]["balance_transactions"].as_array().unwrap();
    let sum: i64 = amounts.iter().filter_map(|entry| entry["amount"].as_i64()).sum();
    assert_eq!((amounts.len(), sum), (2, 0));
}

#[test]
fn a_delayed_payment_is_unpaid_until_it_arrives() {
    let completed = objects("delayed_payment", "checkout.session.completed");
    assert_eq!(completed[0]["payment_status"], "unpaid");
    let paid = objects("delayed_payment", "checkout.session.async_payment_succeeded");
    assert_eq!(paid[0]["payment_status"], "paid");
    let kind = "checkout.session.async_payment_failed";
    assert_eq!(objects("delayed_payment_failed", kind)[0]["payment_status"], "unpaid");
}

#[test]
fn thin_events_refer_to_what_their_twins_carry() {
    let cast = Cast { account: Some("acct_1Shop".to_owned()), ..Cast::new(21, START) };
    for event in story("thin", &cast).unwrap() {
        let body: Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(body["object"], "v2.core.event");
        assert_eq!(body["type"], event.kind.as_str());
        assert!(event.kind.starts_with("v1."));
        assert_eq!(body["context"], "acct_1Shop");
        assert!(body["snapshot_event"].as_str().unwrap().starts_with("evt_1"));
        assert!(body["created"].as_str().unwrap().ends_with('Z'));
        let related = &body["related_object"];
        let id = related["id"].as_str().unwrap();
        assert!(related["url"].as_str().unwrap().ends_with(id));
        assert!(body.get("data").is_none());
    }
}

#[test]
fn thin_events_without_an_object_id_refer_to_nothing() {
    for kind in ["v1.invoice.upcoming", "v1.entitlements.active_entitlement_summary.updated"] {
        let events = tollgate_sandbox::story::for_event(kind, &Cast::new(21, START)).unwrap();
        let event = events.iter().find(|event| event.kind == kind).unwrap();
        let body: Value = serde_json::from_str(&event.body).unwrap();
        assert!(body.get("related_object").is_none(), "{kind}");
    }
}

#[test]
fn a_connected_account_is_named_in_every_body() {
    let cast = Cast { account: Some("acct_1Shop".to_owned()), ..Cast::new(21, START) };
    for event in story("renewal", &cast).unwrap() {
        let body: Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(body["account"], "acct_1Shop");
    }
}
