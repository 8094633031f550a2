//! Changes of access: what was before, what is now, which event caused it, and as which fact it is
//! told.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use databases::{Fresh, on_both_databases};
use history::objects::{
    self, PERIOD_END, USER, event, invoice, items, subscription, updated, with,
};
use history::{DAY, Piece, START};
use serde_json::{Value, json};
use tollgate::receive::{self, Input};
use tollgate::rules::dunning::Level;
use tollgate::rules::effects::Effect;
use tollgate::store::access::Changed;
use tollgate::store::user::AppUser;
use tollgate::store::{self, Db};

on_both_databases! {
    access_is_granted_changed_and_revoked;
    a_user_who_never_had_access_is_no_fact;
    a_change_tells_what_was_before;
    the_newest_event_of_a_batch_is_the_cause;
    each_user_has_their_own_cause;
    time_and_the_app_are_no_event;
    a_further_attempt_is_a_change_and_stands_in_the_tables;
}

async fn apply(db: &Db, inputs: &[Input], now: i64) -> Vec<Changed> {
    receive::apply(db, &objects::rulebook(), inputs, now * 1000).await.unwrap().changed
}

/// The facts about access with the events that caused them.
async fn told(db: &Db) -> Vec<(String, Option<String>)> {
    let staged = store::outbox::page(db, "", 1_000).await.unwrap();
    let of_access = staged.into_iter().filter(|it| it.effect.kind.is_of_access());
    of_access.map(|it| (Effect::key(&it.effect), it.event_id)).collect()
}

fn key(text: &str, event: Option<&str>) -> (String, Option<String>) {
    (text.to_owned(), event.map(str::to_owned))
}

fn created(status: &str) -> Piece {
    event("evt_1", "customer.subscription.created", START, &subscription("sub_1", status))
}

fn to_team() -> Piece {
    let team = with(&subscription("sub_1", "active"), &json!({ "items": items("price_team", 1) }));
    updated("evt_2", START + 10, &team, &json!({ "items": items("price_pro", 1) }))
}

fn canceled(created: i64) -> Piece {
    let object = subscription("sub_1", "canceled");
    event("evt_3", "customer.subscription.deleted", created, &object)
}

async fn access_is_granted_changed_and_revoked(fresh: Fresh) {
    for piece in [created("active"), to_team(), canceled(START + 20)] {
        apply(&fresh.db, &[piece.delivery()], START + 30).await;
    }
    let wanted = [
        key("access_changed:user_1:2", Some("evt_2")),
        key("access_granted:user_1:1", Some("evt_1")),
        key("access_revoked:user_1:3", Some("evt_3")),
    ];
    assert_eq!(told(&fresh.db).await, wanted);
}

async fn a_user_who_never_had_access_is_no_fact(fresh: Fresh) {
    let changed = apply(&fresh.db, &[created("incomplete").delivery()], START).await;
    assert_eq!((changed.len(), changed[0].was_granted()), (1, false));
    assert_eq!(told(&fresh.db).await, []);
    // What follows is one, though it grants nothing.
    let expired = subscription("sub_1", "incomplete_expired");
    let expired = updated("evt_2", START + 10, &expired, &json!({ "status": "incomplete" }));
    apply(&fresh.db, &[expired.delivery()], START + 10).await;
    assert_eq!(told(&fresh.db).await, [key("access_changed:user_1:2", Some("evt_2"))]);
}

async fn a_change_tells_what_was_before(fresh: Fresh) {
    let first = apply(&fresh.db, &[created("active").delivery()], START).await;
    let stored = store::access::find(&fresh.db, USER).await.unwrap().unwrap();
    assert_eq!((first.len(), &first[0].before), (1, &None));
    assert_eq!((&first[0].after, stored.revision), (&stored, 1));

    let ending = with(&subscription("sub_1", "active"), &json!({ "cancel_at": PERIOD_END }));
    let ending = updated("evt_2", START + 5, &ending, &json!({ "cancel_at": null }));
    let second = apply(&fresh.db, &[ending.delivery()], START + 5).await;
    assert_eq!(second[0].before.as_ref(), Some(&stored));
    assert!(second[0].was_granted());
    let stored = store::access::find(&fresh.db, USER).await.unwrap().unwrap();
    assert_eq!((&second[0].after, stored.revision), (&stored, 2));
    assert_eq!(stored.access.cancel_at, Some(PERIOD_END));

    let third = apply(&fresh.db, &[canceled(START + 9).delivery()], START + 9).await;
    assert_eq!(third[0].before.as_ref(), Some(&stored));
    assert_eq!(third[0].after.revision, 3);
    assert_eq!(apply(&fresh.db, &[canceled(START + 9).delivery()], START + 9).await, []);
}

async fn the_newest_event_of_a_batch_is_the_cause(fresh: Fresh) {
    let batch = [to_team().delivery(), created("active").delivery()];
    let changed = apply(&fresh.db, &batch, START + 30).await;
    assert_eq!(changed[0].cause.as_deref(), Some("evt_2"));
    assert_eq!(told(&fresh.db).await, [key("access_granted:user_1:1", Some("evt_2"))]);
}

fn of(user: &str, number: usize) -> Value {
    let subscription = subscription(&format!("sub_{number}"), "active");
    let customer = format!("cus_{number}");
    with(&subscription, &json!({ "customer": customer, "metadata": { "user_id": user } }))
}

async fn each_user_has_their_own_cause(fresh: Fresh) {
    let pieces = ["ada", "bob"].into_iter().zip(1..).map(|(user, number)| {
        let id = format!("evt_{user}");
        event(&id, "customer.subscription.created", START + 1, &of(user, number)).delivery()
    });
    let changed = apply(&fresh.db, &pieces.collect::<Vec<_>>(), START + 30).await;
    let causes = changed.iter().map(|it| (it.after.user_id.as_str(), it.cause.as_deref()));
    let wanted = [("ada", Some("evt_ada")), ("bob", Some("evt_bob"))];
    assert_eq!(causes.collect::<Vec<_>>(), wanted);
}

async fn time_and_the_app_are_no_event(fresh: Fresh) {
    let nobody = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
    let ending = with(&nobody, &json!({ "cancel_at": PERIOD_END }));
    let piece = event("evt_1", "customer.subscription.created", START, &ending);
    assert_eq!(apply(&fresh.db, &[piece.delivery()], START).await, []);

    let ada = Input::User(AppUser {
        user_id: "ada".to_owned(),
        customer_id: Some(objects::CUSTOMER.to_owned()),
        ..AppUser::default()
    });
    apply(&fresh.db, &[ada], START).await;
    apply(&fresh.db, &[Input::Due("ada".to_owned())], PERIOD_END).await;
    let wanted = [key("access_granted:ada:1", None), key("access_revoked:ada:2", None)];
    assert_eq!(told(&fresh.db).await, wanted);
}

fn tried(id: &str, attempts: i64, next: Option<i64>) -> Piece {
    let fields = json!({
        "attempt_count": attempts, "attempted": true, "next_payment_attempt": next,
    });
    let invoice = with(&invoice("in_2", "open", PERIOD_END), &fields);
    event(id, "invoice.payment_failed", PERIOD_END + attempts, &invoice)
}

/// Fails unless the view `dunning` has such a row.
async fn assert_in_table(fresh: &Fresh, number: usize, condition: &str) {
    fresh.meddle(&format!("create table found_{number} (id text not null)")).await;
    let text = format!(
        "insert into found_{number} values ((select invoice_id from dunning
         where user_id = 'user_1' and subscription_id = 'sub_1' and decides and {condition}))"
    );
    fresh.meddle(&text).await;
}

async fn a_further_attempt_is_a_change_and_stands_in_the_tables(fresh: Fresh) {
    let late = updated("evt_0", PERIOD_END, &subscription("sub_1", "past_due"), &json!({}));
    let (first, second) = (PERIOD_END + 3 * DAY, PERIOD_END + 8 * DAY);
    apply(&fresh.db, &[late.delivery(), tried("evt_1", 1, Some(first)).delivery()], first).await;
    let typed = format!(
        "level = 'first' and attempts = 1 and since_at = {PERIOD_END} \
         and next_attempt_at = {first} and access_until_at = {PERIOD_END} + 7 * 86400"
    );
    assert_in_table(&fresh, 1, &typed).await;

    let further = tried("evt_2", 2, Some(second)).delivery();
    let changed = apply(&fresh.db, std::slice::from_ref(&further), first).await;
    let levels = |it: &store::access::StoredAccess| it.access.dunning.first().map(|it| it.level);
    assert_eq!(changed[0].before.as_ref().and_then(levels), Some(Level::First));
    assert_eq!((levels(&changed[0].after), changed[0].after.revision), (Some(Level::Further), 2));
    assert_eq!(changed[0].cause.as_deref(), Some("evt_2"));
    assert_in_table(&fresh, 2, "level = 'further' and attempts = 2").await;
    assert_eq!(apply(&fresh.db, &[further], first).await, []);

    apply(&fresh.db, &[tried("evt_3", 3, None).delivery()], first).await;
    assert_in_table(&fresh, 3, "level = 'last' and next_attempt_at is null").await;

    let paid = with(&invoice("in_2", "paid", PERIOD_END), &json!({ "attempt_count": 3 }));
    let paid = event("evt_4", "invoice.paid", PERIOD_END + 9, &paid);
    let changed = apply(&fresh.db, &[paid.delivery()], first).await;
    assert_eq!(changed[0].after.access.dunning, []);
    let empty = "insert into found_3 select null from dunning";
    fresh.meddle(empty).await;
}
