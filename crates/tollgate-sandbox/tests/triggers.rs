//! Every event type that the sandbox tells of can be made to happen on demand.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

mod schema;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tollgate_sandbox::{Method, triggers};
use world::{START, Sandbox};

fn trigger(sandbox: &mut Sandbox, params: &[(&str, &str)]) -> Result<Value, String> {
    let answer = sandbox.answer(Method::Post, "/_sandbox/trigger", params);
    let value: Value = serde_json::from_str(&answer.body).expect("answers are JSON");
    if answer.status == 200 { Ok(value) } else { Err(value["error"]["message"].to_string()) }
}

/// What a recipe brings has the right shape, and the main clock stays where it is: what comes
/// later comes on a clock of its own.
#[test]
fn every_recipe_brings_its_event_and_leaves_the_main_clock() {
    let mut wrong = Vec::new();
    for event in triggers() {
        let mut sandbox = Sandbox::new();
        match trigger(&mut sandbox, &[("event", event), ("user", "ada")]) {
            Err(why) => wrong.push(format!("{event}: {why}")),
            Ok(answer) if answer["came"] != true => {
                wrong.push(format!("{event} did not come: {:?}", sandbox.told()));
            }
            Ok(answer) => {
                let told = sandbox.told();
                let listed: Vec<&str> = answer["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|event| event["type"].as_str().unwrap())
                    .collect();
                assert_eq!(listed, told, "{event}");
            }
        }
        assert_eq!(sandbox.world.now(), START, "{event}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Once more, and the user's own customer and subscription are taken.
#[test]
fn a_second_trigger_acts_on_what_the_user_has() {
    let mut sandbox = Sandbox::new();
    let paid = trigger(&mut sandbox, &[("event", "checkout.session.completed"), ("user", "ada")]);
    assert_eq!(paid.unwrap()["came"], true);
    let events = sandbox.events();
    let object_of = |wanted: &str| {
        let found = events.iter().find(|(kind, _)| kind == wanted);
        found.unwrap_or_else(|| panic!("no {wanted}")).1["data"]["object"].clone()
    };
    let session = object_of("checkout.session.completed");
    assert_eq!(session["client_reference_id"], "ada");
    assert_eq!(session["metadata"]["user_id"], "ada");
    let subscription = object_of("customer.subscription.created");
    assert_eq!(subscription["metadata"]["user_id"], "ada");
    assert_eq!(object_of("customer.created")["metadata"]["user_id"], "ada");

    trigger(&mut sandbox, &[("event", "customer.subscription.deleted"), ("user", "ada")]).unwrap();
    let events = sandbox.events();
    let ended: Vec<&Value> = events.iter().map(|(_, event)| &event["data"]["object"]).collect();
    assert_eq!(events[0].0, "customer.subscription.deleted");
    assert_eq!((ended.len(), &ended[0]["id"]), (1, &subscription["id"]));

    let bob = trigger(&mut sandbox, &[("event", "customer.subscription.created"), ("user", "bob")]);
    assert_eq!(bob.unwrap()["came"], true);
    assert!(sandbox.told().contains(&"customer.created".to_owned()), "bob is somebody else");
}

#[test]
fn a_customer_and_a_price_can_be_named() {
    let mut sandbox = Sandbox::new();
    let customer = sandbox.post("/v1/customers", &[("email", "grace@example.com")]);
    let product = sandbox.post("/v1/products", &[("name", "Book")]);
    let product = product["id"].as_str().unwrap();
    let price = sandbox
        .post("/v1/prices", &[("product", product), ("unit_amount", "2500"), ("currency", "eur")]);
    let (customer, price) = (customer["id"].as_str().unwrap(), price["id"].as_str().unwrap());
    sandbox.told();
    let wanted =
        [("event", "checkout.session.completed"), ("customer", customer), ("price", price)];
    assert_eq!(trigger(&mut sandbox, &wanted).unwrap()["came"], true);
    let events = sandbox.events();
    let (_, session) =
        events.iter().find(|(kind, _)| kind == "checkout.session.completed").unwrap();
    let session = &session["data"]["object"];
    assert_eq!((&session["mode"], &session["customer"]), (&json!("payment"), &json!(customer)));
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(2500), &json!("eur")));
}

#[test]
fn what_cannot_be_triggered_is_refused_before_anything_happens() {
    let mut sandbox = Sandbox::new();
    for params in [
        &[("event", "no.such.event")][..],
        &[("user", "ada")],
        &[("event", "invoice.paid"), ("customer", "cus_nobody")],
        &[("event", "invoice.paid"), ("price", "price_none")],
    ] {
        let (status, error) = sandbox.refused(Method::Post, "/_sandbox/trigger", params);
        assert_eq!((status, error["type"].as_str()), (400, Some("invalid_request_error")));
    }
    assert_eq!(sandbox.told(), Vec::<String>::new());
    let list = sandbox.answer(Method::Get, "/_sandbox/triggers", &[]);
    let list: Value = serde_json::from_str(&list.body).unwrap();
    assert_eq!(list["data"].as_array().unwrap().len(), triggers().count());
}

/// Kinds of objects whose events the sandbox tells of, by what their types begin with.
const KINDS: [&str; 19] = [
    "billing_portal.configuration.",
    "billing_portal.session.",
    "charge.",
    "checkout.session.",
    "coupon.",
    "customer.",
    "entitlements.",
    "invoice.",
    "invoice_payment.",
    "invoiceitem.",
    "payment_intent.",
    "payment_method.",
    "price.",
    "product.",
    "promotion_code.",
    "refund.",
    "setup_intent.",
    "subscription_schedule.",
    "test_helpers.test_clock.",
];

/// The rooms tell of events by literals, so that a new one without a recipe is found here.
#[test]
fn there_is_a_recipe_for_every_event_that_the_rooms_tell_of() {
    let known: BTreeSet<&str> = triggers().collect();
    assert_eq!(known.len(), triggers().count(), "no event has two recipes");
    let mut told = BTreeSet::new();
    for room in ["catalog", "checkout", "invoices", "payments", "subscriptions"] {
        literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut told);
    }
    let is_event = |text: &&String| KINDS.iter().any(|kind| text.starts_with(kind));
    let is_kind = |text: &str| known.iter().any(|event| event.starts_with(&format!("{text}.")));
    let has_recipe = |text: &str| known.contains(text) || is_kind(text);
    let missing: Vec<&String> =
        told.iter().filter(is_event).filter(|text| !has_recipe(text)).collect();
    assert!(told.contains("customer.subscription.created"), "literals are found");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Collects the literals of a folder's files that look like event types.
fn literals(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the room is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            literals(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("it is text");
        let plain = |it: &&str| {
            it.contains('.')
                && !it.ends_with(".js")
                && it.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b))
        };
        found.extend(text.split('"').filter(plain).map(str::to_owned));
    }
}
