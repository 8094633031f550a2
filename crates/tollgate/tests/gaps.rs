//! What events leave open is asked of Stripe: what a payment link sold, and the end of a list that
//! was cut. Whoever asks is stepped by hand.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod naughty;

use std::collections::BTreeMap;
use std::sync::Arc;

use databases::{Fresh, on_both_databases};
use history::objects::{self, CUSTOMER, USER, event, session, subscription, with};
use history::{Piece, START};
use naughty::{Act, Naughty, say};
use serde_json::{Value, json};
use tollgate::answer;
use tollgate::billing::Billing;
use tollgate::billing::refresh::Question;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::receive::{self, Input};
use tollgate::rules::effects::EffectKind;

const NOW_MS: i64 = (START + 60) * 1000;

on_both_databases! {
    what_a_payment_link_sold_is_asked_for;
    another_thing_that_was_sold_buys_no_plan;
    a_subscription_whose_list_was_cut_is_read_to_its_end;
    features_whose_list_was_cut_are_read_to_their_end;
}

/// A purchase that names the user and no plan.
fn link_paid() -> Value {
    with(&session("paid"), &json!({ "metadata": {} }))
}

fn of_lines(price: &str, lookup_key: Option<&str>) -> Value {
    let price = json!({ "id": price, "object": "price", "lookup_key": lookup_key });
    let lines = json!({ "object": "list", "has_more": false, "data": [{ "price": price }] });
    with(&link_paid(), &json!({ "line_items": lines }))
}

fn list(has_more: bool, data: &Value) -> Act {
    let list = json!({ "object": "list", "has_more": has_more, "data": data });
    say(200, "", &list.to_string())
}

/// Takes an event in; returns what Stripe has to be asked about.
async fn take(fresh: &Fresh, piece: &Piece) -> Vec<String> {
    let inputs: [Input; 1] = [piece.delivery()];
    let applied = receive::apply(&fresh.db, &objects::rulebook(), &inputs, NOW_MS).await.unwrap();
    let effects = applied.facts.into_iter().map(|it| it.staged.effect);
    effects.filter(|it| it.kind == EffectKind::Refresh).map(|it| it.subject).collect()
}

/// Asks about an object a Stripe that answers so; returns what it heard, first lines only.
async fn ask(fresh: &Fresh, id: &str, acts: &[Act]) -> Vec<String> {
    let stripe = Naughty::start(acts).await;
    let variables = [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_API_BASE", &stripe.url)];
    let variables: BTreeMap<String, String> =
        variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let dir = tempfile::tempdir().unwrap();
    let config = Config::load(None, dir.path(), &variables).unwrap();
    let clock = Clock::manual(NOW_MS);
    let rulebook = Arc::new(objects::rulebook());
    let (receiver, writers) = receive::open(&fresh.db, &rulebook, &clock);
    let billing = Billing::new(&config, &fresh.db, &receiver, &clock).unwrap();
    let question =
        Question { subject: id, account: None, snapshot_event: None, unsettled_at: Some(START) };
    billing.refresh(&question).await.unwrap();
    drop((billing, receiver));
    writers.finish().await;
    stripe.asked().iter().map(|it| it.lines().next().unwrap_or_default().to_owned()).collect()
}

async fn plan_and_features(fresh: &Fresh) -> (String, Vec<String>) {
    let now = NOW_MS / 1000;
    let stored = answer::access(&fresh.db, &objects::rulebook(), USER, now).await.unwrap();
    (stored.access.plan, stored.access.features)
}

async fn remarks(fresh: &Fresh) -> Vec<String> {
    let explained = answer::explain(&fresh.db, &objects::rulebook(), USER, NOW_MS / 1000).await;
    explained.unwrap().remarks
}

async fn what_a_payment_link_sold_is_asked_for(fresh: Fresh) {
    let paid = event("evt_1", "checkout.session.completed", START, &link_paid());
    assert_eq!(take(&fresh, &paid).await, ["cs_1"]);
    assert_eq!(plan_and_features(&fresh).await.0, "free");
    assert_eq!(remarks(&fresh).await, ["Stripe has to be asked about cs_1: what was bought."]);
    let whole = of_lines("price_once", None);
    let asked = ask(&fresh, "cs_1", &[say(200, "", &whole.to_string())]).await;
    assert_eq!(asked, ["GET /v1/checkout/sessions/cs_1?expand[0]=line_items HTTP/1.1"]);
    assert_eq!(plan_and_features(&fresh).await.0, "lifetime");
    assert!(remarks(&fresh).await.is_empty());
}

async fn another_thing_that_was_sold_buys_no_plan(fresh: Fresh) {
    let paid = event("evt_1", "checkout.session.completed", START, &link_paid());
    take(&fresh, &paid).await;
    let mug = of_lines("price_mug", Some("mug"));
    ask(&fresh, "cs_1", &[say(200, "", &mug.to_string())]).await;
    assert_eq!(plan_and_features(&fresh).await.0, "free");
    assert_eq!(remarks(&fresh).await, ["No plan of tollgate.toml has a price of cs_1."]);
    // Stripe is not asked again for what it did not say when it was.
    let bare = tollgate::webhook::fetched(&link_paid(), START + 9, NOW_MS, None).unwrap().1;
    assert!(take(&fresh, &Piece::new(String::from_utf8(bare).unwrap())).await.is_empty());
}

async fn a_subscription_whose_list_was_cut_is_read_to_its_end(fresh: Fresh) {
    let item = |id: &str, price: &str| json!({ "id": id, "price": { "id": price } });
    let cut = json!({ "object": "list", "has_more": true, "data": [item("si_1", "price_seat")] });
    let cut = with(&subscription("sub_1", "active"), &json!({ "items": cut }));
    let told = event("evt_1", "customer.subscription.created", START, &cut);
    assert_eq!(take(&fresh, &told).await, ["sub_1"]);
    let wanted = "Stripe has to be asked about sub_1: its further items.";
    assert!(remarks(&fresh).await.iter().any(|it| it == wanted));
    let asked = ask(
        &fresh,
        "sub_1",
        &[
            say(200, "", &cut.to_string()),
            list(true, &json!([item("si_1", "price_seat")])),
            list(false, &json!([item("si_2", "price_team")])),
        ],
    )
    .await;
    assert_eq!(
        asked,
        [
            "GET /v1/subscriptions/sub_1 HTTP/1.1",
            "GET /v1/subscription_items?limit=100&subscription=sub_1 HTTP/1.1",
            "GET /v1/subscription_items?limit=100&starting_after=si_1&subscription=sub_1 HTTP/1.1",
        ]
    );
    assert_eq!(plan_and_features(&fresh).await.0, "team");
    assert!(remarks(&fresh).await.is_empty());
}

async fn features_whose_list_was_cut_are_read_to_their_end(fresh: Fresh) {
    let one =
        |key: &str| json!({ "id": format!("ent_{key}"), "lookup_key": key, "livemode": false });
    let summary = json!({
        "object": "entitlements.active_entitlement_summary",
        "customer": CUSTOMER,
        "livemode": false,
        "entitlements": { "object": "list", "has_more": true, "data": [one("sso")] },
    });
    take(
        &fresh,
        &event("evt_1", "customer.subscription.created", START, &subscription("sub_1", "active")),
    )
    .await;
    let told = event("evt_2", "entitlements.active_entitlement_summary.updated", START, &summary);
    assert_eq!(take(&fresh, &told).await, ["entitlements:cus_1"]);
    assert_eq!(plan_and_features(&fresh).await.1, ["export", "sso"]);
    let pages = [list(true, &json!([one("sso")])), list(false, &json!([one("audit")]))];
    let asked = ask(&fresh, "entitlements:cus_1", &pages).await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(plan_and_features(&fresh).await.1, ["audit", "export", "sso"]);
}
